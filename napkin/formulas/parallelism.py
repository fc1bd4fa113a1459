"""Many GPUs as one server: what each of them holds again, and what they send each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sympy import And, Integer, Max, Min, Not, ceiling, oo

from ..quantities import notation as q
from .formula import Detail, Formula, Without
from .probability import MOST_GPUS, FewestGpus
from .quantization import weight_bytes

_MEGATRON = "Shoeybi et al. 2019, Megatron-LM, arXiv:1909.08053, section 3"
_POPE = "Pope et al. 2022, arXiv:2211.05102, section 3.3"
# A quantized product gives 16-bit numbers again, and these are what the GPUs add up.
_WIDTH_SENT = "vLLM, RowParallelLinear of vllm/model_executor/layers/linear.py"
_groups = q.n_gpus / q.tensor_parallel
_larger_over_smaller = Max(q.tensor_parallel, q.kv_shards) / Min(q.tensor_parallel, q.kv_shards)
_SHARED = And(
    ceiling(q.n_heads / q.tensor_parallel) <= q.n_heads / q.tensor_parallel,
    ceiling(_larger_over_smaller) <= _larger_over_smaller,
)
_SHARED_PARTS = (q.kv_shards, q.n_heads, q.attention_blocks, q.feed_forward_blocks)
_usable = ceiling(FewestGpus(q.n_gpus, 0, 0, *_SHARED_PARTS))
_token_bytes = q.d_model * q.bytes_per_hidden / (q.link_bandwidth * q.link_efficiency)
_OF_TRAFFIC = (q.link_bandwidth, q.d_model, q.n_layers)
NO_LINKS: Final = tuple(Without(s, q.all_reduce_time, Integer(0)) for s in _OF_TRAFFIC)
"""What a step does without where the traffic between GPUs cannot be known."""
NO_PROMPT_LINKS: Final = tuple(
    Without(s, q.prefill_all_reduce_time, Integer(0)) for s in _OF_TRAFFIC
)
"""The same, for a prompt."""

tensor_parallel = Formula(
    q.tensor_parallel,
    q.n_gpus,
    why="tensor parallelism: every GPU holds a part of each layer, and works on each sequence",
    source=_MEGATRON,
    scope="the default for several GPUs; attention_data_parallel and expert_parallel are others, "
    "and tensor_parallel may be given",
)
own_tensor_parallel = Formula(
    q.tensor_parallel,
    Integer(1),
    why="each GPU holds the attention of its own sequences, and a part of all other weights",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 3.4; " + _POPE,
    scope="each GPU has as many sequences, and prompts, as every other",
)
replicated_weight_bytes = Formula(
    q.replicated_weight_bytes,
    Integer(0),
    why="GPUs that share a layer hold each weight once",
    source=_MEGATRON,
)
grouped_replicated_weight_bytes = Formula(
    q.replicated_weight_bytes,
    q.bytes_per_weight * q.attention_params * (_groups - 1),
    why="each group of GPUs with its own sequences needs all attention weights",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 3.4",
    scope="embedding and head are split over all GPUs",
)
grouped_restore_time = Formula(
    q.restore_time,
    q.kv_bytes_per_sequence / (q.tensor_parallel * q.host_link_bandwidth),
    why="a cache comes back over the paths of the GPUs that hold it",
    source="first principles",
)
kv_shards = Formula(
    q.kv_shards,
    q.n_kv_heads,
    why="a KV head stays in one piece, so a cache splits into its heads",
    source=_POPE,
    scope="windows as layers that see everything, and states too",
    left_out=tuple(
        Without(given, q.n_kv_heads, oo, "caches are taken to split evenly")
        for given in (q.n_kv_heads, q.n_heads)
    ),
)
mla_kv_shards = Formula(
    q.kv_shards,
    Integer(1),
    why="one compressed vector serves every head, so each GPU needs the whole of it",
    source="DeepSeek-AI 2024, DeepSeek-V2, arXiv:2405.04434, section 2.1",
)
shared_kv_copies = Formula(
    q.kv_copies,
    Max(1, q.tensor_parallel / q.kv_shards),
    why="GPUs beyond the parts of a cache hold, and read, copies of them",
    source=_POPE,
    valid=And(_SHARED, ceiling(_groups) <= _groups),
    scope="caches split by heads only, not along the context",
    otherwise="the GPUs cannot share the heads evenly",
    details=(
        Detail(
            "tensor_parallel={} must divide n_gpus={}.",
            (q.tensor_parallel, q.n_gpus),
            when=ceiling(_groups) > _groups,
        ),
        Detail(
            "{} query heads, in a cache of {} parts, do not divide among {}.",
            (q.n_heads, q.kv_shards, q.tensor_parallel),
            when=Not(_SHARED),
        ),
        Detail("Set n_gpus={}.", (_usable,), when=(_usable <= MOST_GPUS) & (_usable > q.n_gpus)),
        Detail(
            "With attention_data_parallel, each GPU has sequences of its own, and no head is split."
        ),
    ),
)
_attention_blocks = q.attention_blocks / q.tensor_parallel
_feed_forward_blocks = q.feed_forward_blocks / q.n_gpus
_attention_divides = ceiling(_attention_blocks) <= _attention_blocks
_feed_forward_divides = ceiling(_feed_forward_blocks) <= _feed_forward_blocks
shared_weight_bytes = replace(
    weight_bytes,
    valid=And(_attention_divides, _feed_forward_divides),
    otherwise="the GPUs cannot share the blocks of the published weights evenly",
    details=(
        Detail(
            "Attention has {} blocks side by side, which {} of tensor_parallel cannot share.",
            (q.attention_blocks, q.tensor_parallel),
            when=~_attention_divides,
        ),
        Detail(
            "Feed-forward matrices have {} blocks side by side, which {} cannot share.",
            (q.feed_forward_blocks, q.n_gpus),
            when=~_feed_forward_divides,
        ),
        Detail(
            "An expert is {} wide: assume expert_parallel, which leaves experts whole.",
            (q.d_ff_expert,),
            when=~_feed_forward_divides,
        ),
        Detail("Take a divisor, or give bytes_per_weight for a format without blocks."),
    ),
)
whole_expert_weight_bytes = replace(
    shared_weight_bytes, valid=_attention_divides, details=shared_weight_bytes.details[::3]
)
transfers_per_token = Formula(
    q.transfers_per_token,
    2 * q.n_layers * (q.tensor_parallel + q.n_gpus - 2) / q.n_gpus,
    why="a layer has two all-reduces, after attention and after the MLP, and in a "
    "ring of g GPUs each sends 2 (g - 1) / g of the activations",
    source=f"{_MEGATRON}; scaling-book, sharding",
    scope="two in every layer, of whatever kind",
)
expert_transfers_per_token = Formula(
    q.transfers_per_token,
    2
    * (
        q.n_layers * (q.tensor_parallel - 1)
        + q.n_layers_dense * (q.n_gpus - 1)
        + q.n_layers_moe * q.n_experts_active * (q.n_gpus - 1) / q.n_gpus
    )
    / q.n_gpus,
    why="a token goes to the GPUs of its experts and back, instead of an all-reduce",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 3.4",
    scope="every GPU has as many tokens to work on as every other; a token is sent once for each "
    "of its experts, though two may share a GPU; both ways in bytes_per_hidden",
)
all_reduce_time = Formula(
    q.all_reduce_time, Integer(0), why="one GPU has nobody to talk to", source="definition"
)
prefill_all_reduce_time = Formula(
    q.prefill_all_reduce_time, Integer(0), why="one GPU has nobody to talk to", source="definition"
)
shared_all_reduce_time = Formula(
    q.all_reduce_time,
    q.batch * q.query_tokens * q.transfers_per_token * _token_bytes,
    why="each GPU sends its share of the activations over its own link",
    source=f"scaling-book, sharding; {_WIDTH_SENT}",
    scope="the link's full bandwidth, no latency, and no overlap with computing",
)
shared_prefill_all_reduce_time = Formula(
    q.prefill_all_reduce_time,
    q.prefill_tokens * q.transfers_per_token * _token_bytes,
    why="every token of the prompt goes through the same exchanges",
    source="scaling-book, sharding",
    scope="the link's full bandwidth, no latency, and no overlap with computing; where sequences "
    "have GPUs of their own, as many prompts are read at once",
)
SEVERAL: Final[dict[Any, Formula]] = {
    formula.target: formula
    for formula in (
        *(shared_kv_copies, shared_weight_bytes),
        *(shared_all_reduce_time, shared_prefill_all_reduce_time),
    )
}
"""Formulas that several GPUs need beside those for one."""
GROUPED: Final = (grouped_replicated_weight_bytes, grouped_restore_time)
"""Formulas for groups of GPUs, each with the attention of its own sequences."""


def advice(room: Any, once: Any, sequence: Any, least: Any = 1) -> Any:
    """Return the fewest GPUs that share the heads evenly and have room for what is asked."""
    room = Max(room, once / 10**6)  # none at all is not enough for a thousand GPUs either
    return ceiling(FewestGpus(least, once / room, sequence / room, *_SHARED_PARTS))
