"""Bundles of formulas with a name: one assumption, all its consequences together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sympy import Symbol

from ..errors import unknown
from ..quantities import notation as q
from . import (
    dollars,
    duty_cycle,
    kv_cache,
    layers,
    paging,
    quantization,
    transformer,
)
from . import gqa as sharing
from . import tokens_per_second as speed
from .formula import Formula


@dataclass(frozen=True)
class Bundle:
    """Formulas that belong together.

    Parameters
    ----------
    name : str
        How the assumption is called.
    formulas : tuple of Formula
        What replaces the formulas of the same targets.
    why : str
        What the assumption says, in one sentence.
    without : tuple of Symbol
        Targets whose formula does not hold under this assumption, or that are to be given.
    """

    name: str
    formulas: tuple[Formula, ...]
    why: str
    without: tuple[Symbol, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"

    __repr__ = __str__


_heads = (
    transformer.attention_matrix_params,
    transformer.attention_small_params,
    transformer.attention_params,
    transformer.attention_flops_per_token,
    transformer.attention_flops,
    transformer.attention_flops_per_pair,
    transformer.prefill_attention_flops,
    kv_cache.kv_bytes_per_token,
    kv_cache.kv_bytes_per_sequence,
    sharing.attention_intensity,
    sharing.group_size,
)

# What is solved or summed for a cache in which every layer keeps every token.
_full_only = (
    q.context_attention_equals_weights,
    q.context_never_compute_bound,
    q.generation_time,
    q.prefill_time,
    q.restore_break_even,
)

mha = Bundle(
    "mha", (*_heads, sharing.full_kv_heads), "each query head has keys and values of its own"
)
mqa = Bundle("mqa", (*_heads, sharing.single_kv_head), "all query heads share one key-value head")
gqa = Bundle(
    "gqa",
    _heads,
    "a group of query heads shares one key-value head; give group_size or n_kv_heads",
)
mla = Bundle(
    "mla",
    (
        sharing.mla_attention_matrix_params,
        sharing.mla_attention_small_params,
        transformer.attention_params,
        sharing.mla_attention_flops_per_token,
        transformer.attention_flops,
        sharing.mla_attention_flops_per_pair,
        transformer.prefill_attention_flops,
        sharing.mla_kv_bytes_per_token,
        kv_cache.kv_bytes_per_sequence,
        sharing.mla_attention_intensity,
        sharing.mla_group_size,
    ),
    "keys and values are compressed into one vector a token and layer",
)
mla_full_query = Bundle(
    "mla_full_query",
    (*mla.formulas[1:], sharing.mla_full_query_matrix_params),
    "as mla, with queries that are not compressed",
)
sliding_window = Bundle(
    "sliding_window",
    (
        sharing.window_tokens_kept,
        sharing.window_tokens_reserved,
        sharing.window_attention_pairs,
    ),
    "some layers see and keep only the last tokens of the context",
    without=_full_only,
)
linear_attention = Bundle(
    "linear_attention",
    (
        sharing.linear_attention_params,
        sharing.hybrid_attention_params,
        sharing.hybrid_kv_bytes_per_token,
        sharing.hybrid_kv_bytes_per_sequence,
        sharing.state_bytes,
        sharing.hybrid_attention_flops_per_token,
        sharing.hybrid_attention_flops_per_pair,
        sharing.hybrid_attention_flops,
        sharing.hybrid_prefill_attention_flops,
    ),
    "some layers keep a state of fixed size instead of keys and values",
    without=_full_only,
)
layer_norm = Bundle(
    "layer_norm", (layers.wide_norm_params,), "norms have a bias, or nothing to learn"
)
full_width_qk_norm = Bundle(
    "full_width_qk_norm",
    (layers.full_width_norm_small_params,),
    "queries and keys are normalized over all heads at once",
)
other_parts = Bundle(
    "other_parts",
    (layers.n_params_with_other, layers.other_params),
    "positions are learned, or the output head has a bias",
)
layer_inputs = Bundle(
    "layer_inputs",
    (layers.n_params_with_other, layers.layer_input_params),
    "each layer has an embedding of its own",
)
wide_layers = Bundle(
    "wide_layers", (layers.wide_mlp_params,), "some feed-forward parts are twice as wide"
)
indexer = Bundle(
    "indexer", (layers.indexer_small_params,), "a small attention picks the tokens to attend to"
)
window_shapes = Bundle(
    "window_shapes",
    (
        layers.shaped_attention_params,
        layers.shaped_kv_bytes_per_token,
        layers.shaped_kv_bytes_per_sequence,
        layers.shaped_tokens_kept,
        layers.shaped_attention_flops_per_token,
        layers.shaped_attention_flops,
        layers.shaped_attention_flops_per_pair,
        layers.shaped_prefill_attention_flops,
        sharing.window_attention_pairs,
    ),
    "windowed layers have heads of their own number and width, and may reuse a cache",
    without=_full_only,
)
state_space = Bundle(
    "state_space",
    (
        layers.ssm_attention_params,
        layers.sparse_mlp_params,
        layers.ssm_kv_bytes_per_token,
        sharing.hybrid_kv_bytes_per_sequence,
        layers.ssm_state_bytes,
        layers.ssm_attention_flops_per_token,
        layers.ssm_attention_flops_per_pair,
        layers.ssm_attention_flops,
        layers.ssm_prefill_attention_flops,
    ),
    "some layers keep the state of a state-space model, some are feed-forward only",
    without=_full_only,
)
cross_attention = Bundle(
    "cross_attention",
    (
        layers.cross_embedding_params,
        layers.cross_attention_params,
        layers.cross_kv_bytes_per_token,
        layers.cross_attention_flops_per_token,
        layers.cross_attention_flops_per_pair,
    ),
    "some layers attend to an image instead of the text",
)
moe = Bundle(
    "moe",
    (
        transformer.moe_mlp_params,
        transformer.moe_n_params_active,
        speed.moe_weight_bytes_read,
        speed.moe_prefill_weight_bytes,
        speed.moe_batch_at_speed_memory,
        quantization.moe_quantized_params,
    ),
    "each token visits a few of many experts, and a batch touches more of them",
    without=(q.batch_cache_equals_weights, q.critical_batch_at_context),
)
compressed_attention = Bundle(
    "compressed_attention",
    (
        sharing.compressed_attention_params,
        sharing.hyper_connection_params,
        layers.n_params_with_other,
    ),
    "caches are compressed in several ways: parameters are counted, caches and their work are not",
    without=(
        *_full_only,
        *(q.kv_bytes_per_token, q.kv_bytes_per_sequence, q.tokens_kept, q.group_size),
        *(q.attention_flops_per_token, q.attention_flops, q.attention_intensity),
        *(q.attention_flops_per_pair, q.prefill_attention_flops),
    ),
)
quantized_experts = Bundle(
    "quantized_experts", (quantization.expert_quantized_params,), "only experts are stored narrow"
)
idle_kept = Bundle(
    "idle_kept", (duty_cycle.users,), "idle users keep their cache in the GPU's memory"
)
idle_evicted = Bundle(
    "idle_evicted", (duty_cycle.users_evicted,), "idle users' caches leave the GPU's memory"
)
fluid = Bundle("fluid", (duty_cycle.users_by_load,), "the mean load is the load")
binomial = Bundle(
    "binomial",
    (duty_cycle.binomial_users_by_load,),
    "more users may be active than fit only with probability overflow_target",
)
erlang = Bundle(
    "erlang",
    (duty_cycle.erlang_users_by_load,),
    "a request may have to wait only with probability wait_target",
)
paged = Bundle(
    "paged", (paging.paged_concurrent_sequences,), "the cache is given out in pages of block_size"
)
reserved_maximum = Bundle(
    "reserved_maximum",
    (paging.reserved_concurrent_sequences,),
    "each sequence reserves the longest context at once",
)
attention_apart = Bundle(
    "attention_apart",
    (
        speed.attention_apart_compute_time,
        speed.attention_apart_batch_at_speed_compute,
        speed.attention_apart_critical_batch,
    ),
    "attention and weights take turns instead of overlapping",
    without=(q.context_never_compute_bound,),
)
with_overheads = Bundle(
    "with_overheads",
    (speed.overheads_step_time, speed.overheads_step_time_target),
    "kernel launches and host work count",
)
rent = Bundle("rent", (), "the price of a GPU-hour is given", without=(q.price,))
own = Bundle("own", (dollars.owned_price,), "the price of a GPU-hour follows from buying it")

OF_A_MODEL: Final = (
    *(mha, mqa, gqa, mla, mla_full_query, sliding_window, linear_attention, moe),
    *(layer_norm, full_width_qk_norm, other_parts, layer_inputs, indexer, wide_layers),
    *(window_shapes, state_space, cross_attention, quantized_experts, compressed_attention),
)
"""Bundles that say how a model is built."""
_OF_SERVING: Final = (
    *(idle_kept, idle_evicted, fluid, binomial, erlang, paged, reserved_maximum),
    *(attention_apart, with_overheads, rent, own),
)
BUNDLES: Final[dict[str, Bundle]] = {b.name: b for b in (*OF_A_MODEL, *_OF_SERVING)}


def get(name: str) -> Bundle:
    """Return the bundle of a name.

    Parameters
    ----------
    name : str
        For example ``"mla"``.

    Returns
    -------
    Bundle
        The formulas of that assumption.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is none.
    """
    if name not in BUNDLES:
        raise unknown("variant", name, BUNDLES)
    return BUNDLES[name]
