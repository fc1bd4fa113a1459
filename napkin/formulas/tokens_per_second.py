"""How fast: the step, the first token, and the largest batch at a speed."""

from sympy import Integer, Max, Not

from ..quantities import notation as q
from . import hardware, paging, parallelism
from .formula import Detail, Formula, Solved, Without
from .probability import MOST_GPUS, ExpertsTouched
from .quantization import weighed

_BOOK = "scaling-book, inference"
_SKEW = "Särndal, Swensson and Wretman 1992, section 3.6"
_SKEWED = (
    "tokens that choose independently; a token visits the expert of rank r with chance "
    "min(1, c / r^routing_skew), where c makes it n_experts_active visits"
)
_rate = q.n_gpus * hardware.rate
_flow = q.n_gpus * hardware.flow
_kv_read = q.kv_copies * q.kv_bytes_per_sequence
_step_bytes = q.weight_bytes_read + q.batch * _kv_read
_miss = 1 - q.n_experts_active / q.n_experts
_weights_for_one = weighed(
    q.n_params_active, q.routed_params_active, q.routed_params_active, q.wide_params_read
)
_read_for_one = (_weights_for_one + _kv_read) / _flow
_work_of_one = q.sequence_step_flops / _rate
_gpus_at_speed = parallelism.advice(
    hardware.flow / q.speed_target,
    q.bytes_per_weight * q.n_params_active,
    q.kv_bytes_per_sequence,
    least=q.n_gpus * q.speed_target * _work_of_one,
)
_too_slow_alone = Max(_read_for_one, _work_of_one) > 1 / q.speed_target

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
    q.batch * q.sequence_step_flops / _rate,
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
    q.batch * _kv_read / _flow + q.batch * q.weight_flops / _rate,
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
_NO_PROMPTS = (
    Without(q.prompt, q.prompt_stall, Integer(0)),
    Without(q.new_tokens, q.prompt_stall, Integer(0)),
)
tpot = Formula(
    q.tpot,
    q.decode_step_time + q.prompt_stall,
    why="between two of its tokens a sequence waits for the step, and for the prompts of others",
    source="definition",
    scope="the mean in a steady state",
    left_out=_NO_PROMPTS,
)
_HOLDS_PROMPT = (
    "the cache of a sequence holds its prompt: context is prompt plus half of new_tokens"
)
prompt_stall = Formula(
    q.prompt_stall,
    q.batch * q.prefill_time / q.new_tokens,
    why="each sequence of the batch brings one prompt for every new_tokens tokens that it writes",
    source="steady state: as many requests begin as end",
    valid=q.prompt <= q.context,
    scope=f"{_HOLDS_PROMPT}; the sequence's own prompt is counted too: high by one part in the "
    "batch",
)
chunked_tpot = Formula(
    q.tpot,
    Max(q.decode_step_time, q.decode_compute_time + q.all_reduce_time + q.prompt_stall),
    why="pieces of prompts ride along in the steps: their work fills the time that reading takes",
    source="Agrawal et al. 2024, Sarathi-Serve, arXiv:2403.02310, section 4",
    scope="pieces that hide perfectly: a bound",
    left_out=(*_NO_PROMPTS, *parallelism.NO_LINKS),
)
chunked_prompt_stall = Formula(
    q.prompt_stall,
    q.batch * (q.prefill_compute_time + q.prefill_all_reduce_time) / q.new_tokens,
    why="a piece of a prompt brings its work; the weights are read for the step anyway",
    source="Agrawal et al. 2024, Sarathi-Serve, arXiv:2403.02310, section 4",
    left_out=parallelism.NO_PROMPT_LINKS,
    valid=q.prompt <= q.context,
    scope=_HOLDS_PROMPT,
)
disaggregated_tpot = Formula(
    q.tpot,
    q.decode_step_time,
    why="prompts are read on other GPUs, so nothing comes between the steps",
    source="Zhong et al. 2024, DistServe, arXiv:2401.09670, section 3",
)
requests_per_second = Formula(
    q.requests_per_second,
    q.tokens_per_second / q.new_tokens,
    why="each request is answered with new_tokens tokens",
    source="definition",
)
prompt_share = Formula(
    q.prompt_share,
    q.requests_per_second * q.prefill_time,
    why="each request takes the GPUs for the time of its prompt",
    source="definition",
    scope="with chunks, part of this time is hidden behind the reading of the weights",
)
n_gpus_prefill = Formula(
    q.n_gpus_prefill,
    Integer(0),
    why="the GPUs that write also read the prompts",
    source="definition",
)
disaggregated_n_gpus_prefill = Formula(
    q.n_gpus_prefill,
    q.n_gpus * q.requests_per_second * q.prefill_time,
    why="each second brings the prompts of its requests, and each takes prefill_time of n_gpus",
    source="definition",
    scope="a pool that many replicas share, always busy; moving the cache over takes no time",
)
throughput_ceiling = Formula(
    q.throughput_ceiling,
    _flow / _kv_read,
    why="a large batch amortizes the weights, but each token still reads its own cache",
    source="limit of batch / decode_memory_time for a large batch",
    scope="the ceiling that memory sets: at short contexts, arithmetic sets a lower one",
)
decode_intensity = Formula(
    q.decode_intensity,
    q.batch * q.sequence_step_flops / _step_bytes,
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
    / _flow,
    why="each step reads the weights again, and a cache that has grown by one token",
    source="sum of decode_memory_time over the generated tokens",
    valid=q.new_tokens >= 1,
    scope="full attention, memory-bound, the batch in lockstep",
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
        Detail("at {} a step may take {}.", (q.speed_target, 1 / q.speed_target)),
        Detail(
            "Reading the weights and one cache takes {}.",
            (_read_for_one,),
            when=_read_for_one > 1 / q.speed_target,
        ),
        Detail(
            "The work of one sequence takes {}.",
            (_work_of_one,),
            when=_work_of_one > 1 / q.speed_target,
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
    q.sequence_step_flops / _rate,
    why="beyond this context, a sequence's cache takes longer to read than its work takes to do",
    source="time of one sequence's cache = time of its work, solved for the context",
    scope="where attention does more work per cached byte than the ridge asks for, a large batch "
    "always keeps compute busy",
)
prefill_tokens = Formula(
    q.prefill_tokens,
    q.prompt * (1 - q.hit_rate),
    why="what a prefix cache already holds need not be computed",
    source="DeepSeek-AI open-infra-index 2025, day 6",
)
prefill_compute_time = Formula(
    q.prefill_compute_time,
    (
        q.flops_per_mac * ((q.n_params_active - q.head_params) * q.prefill_tokens + q.head_params)
        + q.prefill_attention_flops
    )
    / _rate,
    why="every prompt token passes through the weights and attends; only the last needs the head",
    source="scaling-book, applied-inference",
    scope="one prompt alone on the replica: no queue, no chunks",
    **paging.holds_weights,
)
prefill_memory_time = Formula(
    q.prefill_memory_time,
    q.prefill_weight_bytes / _flow,
    why="however short the prompt, its weights are read once",
    source="scaling-book, applied-inference",
)
prefill_time = Formula(
    q.prefill_time,
    Max(q.prefill_compute_time, q.prefill_memory_time) + q.prefill_all_reduce_time,
    why="the prompt must be computed, and the weights must be read at least once",
    source="scaling-book, applied-inference",
    left_out=parallelism.NO_PROMPT_LINKS,
)
ttft = Formula(
    q.ttft,
    q.restore_wait + q.step_wait + q.prefill_time,
    why="the cache must be there, and the step that is running must end, before a prompt is read",
    source="scaling-book, applied-inference",
    scope="no queue in front of it; a prompt in pieces spans several steps and takes longer",
)
step_wait = Formula(
    q.step_wait,
    q.decode_step_time,
    why="a prompt that arrives waits at most for one whole step",
    source="definition",
    left_out=(
        Without(q.context, q.decode_step_time, Integer(0)),
        Without(q.memory, q.decode_step_time, Integer(0)),
    ),
)
no_step_wait = Formula(
    q.step_wait,
    Integer(0),
    why="the GPUs that read prompts run no steps",
    source="Zhong et al. 2024, DistServe, arXiv:2401.09670, section 3",
)
restore_wait = Formula(
    q.restore_wait,
    Integer(0),
    why="the cache of earlier turns is on the GPU, or is not used at all",
    source="definition",
)
offloaded_restore_wait = Formula(
    q.restore_wait,
    q.restore_time,
    why="the cache of earlier turns comes back from the host first",
    source="first principles",
    scope="the whole cache comes before the first layer is computed",
    left_out=(Without(q.host_link_bandwidth, q.restore_time, Integer(0)),),
)
whole_prompt_time = Formula(
    q.whole_prompt_time,
    (q.weight_flops * q.prompt + q.attention_flops_per_pair * q.prompt * (q.prompt + 1) / 2)
    / _rate,
    why="2 P T for the weights and 2 L h d T (T + 1) for causal attention",
    source="scaling-book, applied-inference",
    scope="full attention, nothing cached, the head computed for every prompt token",
)
experts_touched = Formula(
    q.experts_touched,
    q.n_experts * (1 - _miss**q.batch),
    why="an expert is skipped only if every token of the batch misses it",
    source="occupancy of independent uniform choices",
    scope="the mean under uniform, independent routing, and no bound: skewed routing touches fewer",
)
prefill_experts_touched = Formula(
    q.prefill_experts_touched,
    q.n_experts * (1 - _miss**q.prefill_tokens),
    why="the tokens of a prompt touch experts as a batch of that size would",
    source="experts_touched with the prompt as the batch",
    scope="the mean under uniform, independent routing, and no bound: skewed routing touches fewer",
)
fewest_experts_touched = Formula(
    q.experts_touched,
    q.n_experts_active,
    why="at least, all tokens choose the same experts",
    source="first principles",
    scope="a bound",
)
fewest_prefill_experts_touched = Formula(
    q.prefill_experts_touched,
    q.n_experts_active,
    why="at least, all tokens choose the same experts",
    source="first principles",
    scope="a bound",
)
skewed_experts_touched = Formula(
    q.experts_touched,
    ExpertsTouched(q.n_experts, q.n_experts_active, q.batch, q.routing_skew),
    why="the chances of all experts to be visited, added up: popular ones are shared",
    source=_SKEW,
    scope=_SKEWED,
)
skewed_prefill_experts_touched = Formula(
    q.prefill_experts_touched,
    ExpertsTouched(q.n_experts, q.n_experts_active, q.prefill_tokens, q.routing_skew),
    why="the tokens of a prompt touch experts as a batch of that size would",
    source=_SKEW,
    scope=_SKEWED,
)
