"""How fast: the step, and the largest batch at a speed."""

from sympy import Max, Not

from ..quantities import notation as q
from . import hardware, paging, parallelism
from .formula import Detail, Formula, Solved
from .kv_cache import trained_for
from .probability import MOST_GPUS
from .quantization import weighed

_BOOK = "scaling-book, inference"
_rate = q.n_gpus * hardware.rate
_flow = q.n_gpus * hardware.flow
_kv_read = q.kv_copies * q.kv_bytes_per_sequence
_step_bytes = q.weight_bytes_read + q.batch * _kv_read
_weights_for_one = weighed(
    q.n_params_active, q.routed_params_active, q.routed_params_active, q.wide_params_read
)
_read_for_one = (_weights_for_one + _kv_read) / _flow
_work_of_one = (q.sequence_step_flops + hardware.slower * q.attention_flops) / _rate
_asked = q.speed_target / q.tokens_per_step  # steps a second, not counting what drafts take
_gpus_at_speed = parallelism.advice(
    hardware.flow / _asked,
    q.bytes_per_weight * q.n_params_active,
    q.kv_bytes_per_sequence,
    least=q.n_gpus * _asked * q.query_tokens * _work_of_one,
)
_too_slow_alone = Max(_read_for_one, q.query_tokens * _work_of_one) > 1 / _asked
decode_memory_time = Formula(
    q.decode_memory_time,
    _step_bytes / _flow,
    why="weights are read once for the whole batch, caches once for each sequence",
    source=_BOOK,
    scope="perfect sharding over the GPUs; communication is apart",
    **paging.holds_weights,
)
decode_compute_time = Formula(
    q.decode_compute_time,
    q.batch * q.query_tokens * _work_of_one,
    why="each sequence brings its own work",
    source=_BOOK,
    scope="perfect sharding over the GPUs; communication is apart",
    **paging.holds_weights,
)
decode_step_time = Formula(
    q.decode_step_time,
    Max(q.decode_memory_time, q.decode_compute_time) + q.all_reduce_time,
    why="reading and computing overlap, so the longer of the two counts: a bound",
    source="Williams, Waterman and Patterson 2009, Roofline, section 3",
    scope="a lower bound: launches, scheduling and imperfect overlap only add",
    left_out=parallelism.NO_LINKS,
)
attention_apart_compute_time = Formula(
    q.decode_compute_time,
    q.batch * _kv_read / _flow + q.batch * q.query_tokens * q.weight_flops / _rate,
    why="attention runs before and after the weights, not alongside them, and waits for memory",
    source=_BOOK + ", general step time: caches + Max(work, weights) = Max(this, all bytes)",
    scope="attention is always memory-bound; this time includes reading the caches",
    **paging.holds_weights,
)
overheads_step_time = Formula(
    q.decode_step_time,
    Max(q.decode_memory_time, q.decode_compute_time, q.n_kernels * q.kernel_launch_time)
    + q.host_time
    + q.all_reduce_time,
    why="launches run ahead unless they are the slowest; host work that nothing hides is added",
    source="Erdil 2025, arXiv:2506.04645",
    scope="with CUDA graphs the launches cost next to nothing",
    left_out=parallelism.NO_LINKS,
)
tokens_per_second = Formula(
    q.tokens_per_second,
    q.batch / q.tpot,
    why="a step makes one token for each sequence",
    source=_BOOK,
)
tokens_per_second_per_user = Formula(
    q.tokens_per_second_per_user,
    1 / q.tpot,
    why="a user sees one token per step, whatever the batch",
    source=_BOOK,
    scope="at the batch of this step: as many sequences as can be active, unless a batch is given",
)
throughput_ceiling = Formula(
    q.throughput_ceiling,
    q.tokens_per_step * _flow / _kv_read,
    why="a large batch amortizes the weights, but each token still reads its own cache",
    source="limit of batch / decode_memory_time for a large batch",
    scope="the ceiling that memory sets: at short contexts, arithmetic sets a lower one",
)
decode_intensity = Formula(
    q.decode_intensity,
    q.batch * q.query_tokens * q.sequence_step_flops / _step_bytes,
    why="all work of a step over all bytes of a step: two kinds of bytes, one ratio",
    source="definition",
)
generation_time = Formula(
    q.generation_time,
    (
        q.new_tokens * q.weight_bytes_read
        + q.batch
        * q.kv_copies
        * q.kv_bytes_per_token
        * (q.new_tokens * q.prompt + q.new_tokens * (q.new_tokens - 1) / 2)
    )
    / (_flow * q.tokens_per_step)
    + q.new_tokens * q.drafting_time / q.tokens_per_step,
    why="each step reads the weights again, and a cache that has grown by one token",
    source="sum of decode_memory_time over the generated tokens",
    scope="full attention, memory-bound, the batch in lockstep",
    **trained_for(q.prompt + q.new_tokens, "prompt with its answer"),
)
largest_batch_at_speed = Solved(
    q.largest_batch_at_speed,
    q.batch,
    q.tpot,
    1 / q.speed_target,
    why="the more sequences a step has, the longer each waits for its next token",
    source="tpot = 1 / speed_target, solved for the batch",
    valid=q.largest_batch_at_speed >= 1,
    otherwise="no sequence reaches the speed asked for",
    details=(
        Detail("at {} a step may take {}.", (q.speed_target, 1 / _asked)),
        Detail(
            "Reading the weights and one cache takes {}.",
            (_read_for_one,),
            when=_read_for_one > 1 / _asked,
        ),
        Detail(
            "The work of one sequence takes {}.",
            (q.query_tokens * _work_of_one,),
            when=q.query_tokens * _work_of_one > 1 / _asked,
        ),
        Detail(
            "Lower speed_target, choose a narrower precision, or set n_gpus={} or more.",
            (_gpus_at_speed,),
            when=_too_slow_alone & (_gpus_at_speed <= MOST_GPUS),
        ),
        Detail(
            "Lower speed_target: no number of GPUs that share the heads evenly is enough.",
            when=_too_slow_alone & (_gpus_at_speed > MOST_GPUS),
        ),
        Detail(
            "The whole step of one sequence takes longer: lower speed_target.",
            when=Not(_too_slow_alone),
        ),
    ),
)
batch_cache_equals_weights = Solved(
    q.batch_cache_equals_weights,
    q.batch,
    q.batch * _kv_read,
    q.weight_bytes_read,
    why="where half of the traffic is cache, throughput is half of its ceiling",
    source="cache bytes = weight bytes, solved for the batch",
)
critical_batch_at_context = Solved(
    q.critical_batch_at_context,
    q.batch,
    q.decode_compute_time,
    q.decode_memory_time,
    why="at this batch, work takes as long as reading; only short contexts have such a batch",
    source="decode_compute_time = decode_memory_time, solved for the batch",
    scope="only where a sequence's work takes longer than reading its cache",
)
context_never_compute_bound = Solved(
    q.context_never_compute_bound,
    q.context,
    _kv_read / _flow,
    q.query_tokens * _work_of_one,
    why="beyond this context, a sequence's cache takes longer to read than its work takes to do",
    source="time of one sequence's cache = time of its work, solved for the context",
    scope="where attention does more work per cached byte than the ridge asks for, a large batch "
    "always keeps the arithmetic busy",
)
