"""How many sequences fit, and what the cache wastes."""

from dataclasses import replace
from typing import Any, Final

from sympy import And, Integer, Max, Min, Not, ceiling, floor, oo

from ..quantities import notation as q
from .formula import Detail, Formula, Without
from .kv_cache import kept, kept_window
from .parallelism import advice
from .probability import MOST_GPUS

_per_gpu = q.usable_memory * q.memory - q.reserved_memory
# What one sequence takes of the budget, however the cache is laid out.
_one_sequence = q.kv_budget / q.concurrent_sequences
_gpus_for_one = advice(_per_gpu, q.weight_bytes, _one_sequence / q.kv_copies)
# Where groups of GPUs have sequences of their own, each holds attention and a cache again.
_grouped = q.tensor_parallel < q.n_gpus
_attention = q.replicated_weight_bytes * q.tensor_parallel / Max(1, q.n_gpus - q.tensor_parallel)
_room_in_group = _per_gpu - (_attention + _one_sequence) / q.tensor_parallel
_gpus_in_groups = advice(
    _room_in_group, q.weight_bytes - q.replicated_weight_bytes - _attention, Integer(0)
)


def _advised(words: str) -> tuple[Detail, Detail]:
    """Return a sentence that names the GPUs which hold the weights and a sequence, if any do."""
    return (
        Detail(
            words,
            (_gpus_for_one,),
            when=Not(_grouped) & (_gpus_for_one > q.n_gpus) & (_gpus_for_one <= MOST_GPUS),
        ),
        Detail(
            words,
            (_gpus_in_groups,),
            when=_grouped & (_gpus_in_groups <= MOST_GPUS),
        ),
    )


_VLLM = "Kwon et al. 2023, PagedAttention, arXiv:2309.06180"

holds_weights: Final[dict[str, Any]] = {
    "valid": q.weight_bytes < q.n_gpus * _per_gpu,
    "otherwise": "the weights do not fit in memory",
    "details": (
        Detail(
            "reserved_memory takes {} of the {} usable on a GPU: reserve less.",
            (q.reserved_memory, q.usable_memory * q.memory),
            when=_per_gpu <= 0,
        ),
        Detail(
            "they take {}, and only {} is usable on {}: {} short.",
            (
                q.weight_bytes,
                q.n_gpus * _per_gpu,
                q.n_gpus,
                q.weight_bytes - q.n_gpus * _per_gpu,
            ),
            when=_per_gpu > 0,
        ),
        Detail(
            "The weights alone need {} GPUs.",
            (floor(q.weight_bytes / _per_gpu) + 1,),
            when=_per_gpu > 0,
        ),
        *_advised("To fit one sequence too, set n_gpus={}."),
    ),
}
"""The condition that every statement about a server needs: the weights fit in memory."""
kv_budget = Formula(
    q.kv_budget,
    q.n_gpus * _per_gpu - q.weight_bytes,
    why="caches get the usable memory that the weights do not take",
    source="vLLM documentation, gpu_memory_utilization",
    scope="reserved_memory and usable_memory account for activations and the runtime",
    **holds_weights,
)
_fits_one: Final[dict[str, Any]] = {
    "valid": q.concurrent_sequences >= q.n_gpus / q.tensor_parallel,
    "otherwise": "not one sequence fits in memory",
    "details": (
        Detail(
            "a context of {} takes {} of cache, and only {} is left for caches.",
            (q.context, _one_sequence, q.kv_budget),
        ),
        *_advised("Set n_gpus={}."),
        Detail(
            "More GPUs do not help: each needs {} of it.",
            (_one_sequence / q.tensor_parallel,),
            when=Not(_grouped) & (_gpus_for_one > MOST_GPUS),
        ),
        Detail("A shorter context or a smaller bytes_per_kv helps too."),
    ),
}
concurrent_sequences = Formula(
    q.concurrent_sequences,
    q.kv_budget / (q.kv_copies * q.kv_bytes_per_sequence),
    why="caches fit until the budget is full",
    source="first principles",
    scope="every sequence has this context; a mean, so not rounded down",
    **_fits_one,
)
whole_sequences = Formula(
    q.whole_sequences,
    floor(q.concurrent_sequences),
    why="part of a sequence serves nobody",
    source="first principles",
)
active_limit = Formula(
    q.active_limit,
    Min(q.largest_batch_at_speed, q.concurrent_sequences),
    why="both speed and memory limit how many users can be active at once",
    source="first principles",
    left_out=(Without(q.speed_target, q.largest_batch_at_speed, oo),),
)
batch = Formula(
    q.batch,
    q.active_limit,
    why="unless a batch is given, the step is as full as the limits allow",
    source="convention",
    valid=q.batch <= q.concurrent_sequences,
    otherwise="the caches of the batch do not fit in memory",
    details=(Detail("only {} fit.", (q.whole_sequences,)),),
)
LIMITED: Final = (
    replace(
        active_limit,
        expression=Min(active_limit.expression, q.max_sequences),
        why="speed, memory and the engine limit how many users can be active at once",
    ),
    replace(
        batch,
        valid=And(batch.valid, q.batch <= q.max_sequences),
        otherwise="the batch is more than the server runs at once",
        details=(
            Detail(
                "The caches of only {} fit in memory.",
                (q.whole_sequences,),
                when=q.batch > q.concurrent_sequences,
            ),
            Detail("The engine runs {}: max_sequences.", (q.max_sequences,)),
        ),
    ),
)
"""Formulas that hold where an engine runs so many sequences at most."""
block_waste = Formula(
    q.block_waste,
    (q.block_size - 1) / 2,
    why="the last page holds 1 to block_size tokens, each number equally likely",
    source=_VLLM + ", section 4",
)
mean_cached_length = Formula(
    q.mean_cached_length,
    q.tokens_kept,
    why="the context is taken as the cached length, averaged over time",
    source="convention",
    scope="averaged over time, not over finished conversations",
)
paged_utilization = Formula(
    q.paged_utilization,
    q.mean_cached_length / (q.mean_cached_length + q.block_waste),
    why="only the last page of a sequence is partly empty",
    source=_VLLM + ", section 4",
)
reserved_length = Formula(
    q.reserved_length,
    q.max_context,
    why="a cache that cannot be moved later reserves room for the longest possible context",
    source=_VLLM + ", section 3",
)
tokens_reserved = Formula(
    q.tokens_reserved,
    (kept * q.reserved_length + kept_window * Min(q.reserved_length, q.window))
    / (kept + kept_window),
    why="a layer that keeps every token reserves room for all of them, a window only for its own",
    source="Kwon et al. 2023, PagedAttention, arXiv:2309.06180, section 3",
    valid=q.context <= q.reserved_length,
    scope="the reservation must hold the context",
)
reserved_utilization = Formula(
    q.reserved_utilization,
    q.mean_cached_length / q.reserved_length,
    why="the rest of the reservation waits for tokens that never come",
    source=_VLLM + ", figure 2",
    valid=q.mean_cached_length <= q.reserved_length,
)
paging_gain = Formula(
    q.paging_gain,
    q.paged_utilization / q.reserved_utilization,
    why="the number of sequences that fit grows with the share of memory that is used",
    source=_VLLM + ", section 6",
    scope="where memory is the limit",
)
paged_concurrent_sequences = Formula(
    q.concurrent_sequences,
    q.kv_budget / (q.kv_copies * (q.kv_bytes_per_sequence + q.kv_bytes_per_token * q.block_waste)),
    why="caches fit page by page, and the last page of each layer is partly empty",
    source=_VLLM + ", section 4",
    **_fits_one,
)
_window_with_chunk = q.block_size * ceiling((q.window - 1 + q.prefill_chunk) / q.block_size)
chunk_window_reserved = Formula(
    q.window_reserved,
    Min(q.context, _window_with_chunk) + q.block_size,
    why="while a chunk is read, its tokens and the window before them lie side by side; the "
    "window may begin within a block",
    source="vLLM, SlidingWindowSpec of vllm/v1/kv_cache_interface.py",
    scope="a context of whole blocks",
)
padded_window_reserved = Formula(
    q.window_reserved,
    Min(q.context, q.block_size * ceiling((q.window + q.prefill_chunk) / q.block_size)),
    why="the window and one batch of a prompt, rounded up",
    source="llama.cpp, size_swa of src/llama-kv-cache-iswa.cpp",
    scope="a context of whole blocks; one sequence, or a cache that sequences do not share",
)
pool_window_reserved = Formula(
    q.window_reserved,
    Max(Min(1, q.n_layers_full) * q.window_share * q.context, Min(q.context, q.window)),
    why="windowed layers have a pool of their own, window_share as many tokens as the other pool",
    source="SGLang, swa_full_tokens_ratio of python/sglang/srt/server_args.py",
    scope="contexts of more than window / window_share; windows alone have one pool",
)
whole_window_reserved = Formula(
    q.window_reserved,
    q.context,
    why="a windowed layer keeps the tokens that have left its window too",
    source="TensorRT-LLM, max_attention_window of tensorrt_llm/llmapi/llm_args.py",
)
engine_concurrent_sequences = Formula(
    q.concurrent_sequences,
    q.kv_budget
    / (
        q.kv_copies
        * (
            q.kv_bytes_per_sequence
            + kept_window * q.bytes_per_kv * (q.window_reserved - Min(q.context, q.window))
        )
    ),
    why="caches fit until the budget is full; windowed layers reserve more than they read",
    source="first principles",
    scope="every sequence at this context; read as a mean, not rounded down",
    **_fits_one,
)
activation_bytes = Formula(
    q.activation_bytes,
    q.bytes_per_hidden
    * (
        3 * q.prefill_chunk * q.d_model
        + Max(3 * q.prefill_chunk * q.d_ff / q.tensor_parallel, 7 * q.max_sequences * q.n_vocab)
    ),
    why="hidden states of a chunk, beside its MLP, or beside the logits: once in 16 "
    "bits, and in 32 as scores, probabilities and noise",
    source="vLLM, profile_run of vllm/v1/worker/gpu_model_runner.py; measured on vLLM 0.19 by "
    "llm-d-planner, docs/accuracy",
    scope="a gated MLP; without experts, what kernels keep for themselves, a vision "
    "tower, and the buffers of several GPUs, which take some 2 GiB on each",
    left_out=(Without(q.d_ff, q.d_ff, Integer(0)),),
)
profiled_reserved_memory = Formula(
    q.reserved_memory,
    q.activation_bytes,
    why="before it sizes the cache, the engine runs its largest step and sees what is left",
    source="vLLM, determine_available_memory of vllm/v1/worker/gpu_worker.py",
    left_out=tuple(
        Without(given, q.activation_bytes, Integer(0))
        for given in (q.prefill_chunk, q.max_sequences, q.d_model, q.n_vocab)
    ),
)
static_reserved_memory = Formula(
    q.reserved_memory,
    q.reserved_alone + q.n_gpus * q.reserved_for_each,
    why="every GPU keeps buffers for the exchange with the others",
    source="SGLang, python/sglang/srt/server_args.py (mem_fraction_static)",
    left_out=(Without(q.reserved_alone, q.reserved_alone, Integer(0)),),
)
rest_kv_budget = Formula(
    q.kv_budget,
    q.cache_share * (q.n_gpus * _per_gpu - q.weight_bytes),
    why="a share of what the weights leave is cache, the rest is for activations",
    source="TensorRT-LLM, free_gpu_memory_fraction of tensorrt_llm/llmapi/llm_args.py",
    **holds_weights,
)
reserved_concurrent_sequences = Formula(
    q.concurrent_sequences,
    q.kv_budget
    / (
        q.kv_copies
        * (q.kv_bytes_per_sequence + q.kv_bytes_per_token * (q.tokens_reserved - q.tokens_kept))
    ),
    why="each sequence takes its whole reservation, however little of it is used",
    source=_VLLM + ", section 3",
    **_fits_one,
)
shared_prefix_tokens = Formula(
    q.shared_prefix_tokens,
    q.shared_prefix + q.n_sharing * (q.context - q.shared_prefix),
    why="a common prefix is stored once, the rest once per sequence",
    source=_VLLM + ", section 4.4; Zheng et al. 2023, SGLang, arXiv:2312.07104",
    valid=q.shared_prefix <= q.context,
)
