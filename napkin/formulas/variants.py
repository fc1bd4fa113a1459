"""Bundles of formulas with a name: one assumption, all its consequences together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sympy import Symbol

from ..errors import unknown
from ..quantities import notation as q
from ..quantities.quantity import ELSEWHERE
from . import (
    calibration,
    dollars,
    duty_cycle,
    experts,
    layers,
    paging,
    parallelism,
    prompts,
    quantization,
    speculation,
    transformer,
)
from . import gqa as sharing
from . import kv_cache as caching
from . import tokens_per_second as speed
from .formula import Node


@dataclass(frozen=True)
class Bundle:
    """Formulas that belong together.

    A value that was given before gives way to a bundle that computes it, unless the bundle
    `yields` to it.
    """

    name: str
    formulas: tuple[Node, ...]
    why: str
    without: tuple[Symbol, ...] = ()
    slot: str = ""
    of_a_model: bool = False
    yields: tuple[Symbol, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"

    __repr__ = __str__


_heads = (
    transformer.attention_matrix_params,
    transformer.attention_small_params,
    layers.attention_layer_params,
    layers.cache_elements,
    layers.attention_work,
    layers.pair_work,
    parallelism.kv_shards,
    sharing.attention_intensity,
    sharing.group_size,
)
mha = Bundle(
    "mha",
    (*_heads, sharing.full_kv_heads),
    "each query head has keys and values of its own",
    slot="heads",
    of_a_model=True,
)
mqa = Bundle(
    "mqa",
    (*_heads, sharing.single_kv_head),
    "all query heads share one KV head",
    slot="heads",
    of_a_model=True,
)
gqa = Bundle(
    "gqa",
    _heads,
    "a group of query heads shares one KV head; give group_size or n_kv_heads",
    slot="heads",
    of_a_model=True,
)
mla = Bundle(
    "mla",
    (
        sharing.mla_attention_matrix_params,
        sharing.mla_attention_small_params,
        layers.attention_layer_params,
        sharing.mla_cache_elements,
        sharing.mla_attention_work,
        sharing.mla_pair_work,
        parallelism.mla_kv_shards,
        sharing.mla_attention_intensity,
        sharing.mla_group_size,
        calibration.mla_attention_kernels,
    ),
    "keys and values are compressed into one vector a token and layer",
    slot="heads",
    of_a_model=True,
)
mla_full_query = Bundle(
    "mla_full_query",
    (*mla.formulas[1:], sharing.mla_full_query_matrix_params),
    "as mla, with queries that are not compressed",
    slot="heads",
    of_a_model=True,
)
window_shapes = Bundle(
    "window_shapes",
    (
        layers.shaped_attention_layer_params,
        layers.shaped_window_layer_params,
        layers.shaped_reused_params,
        layers.shaped_reused_params_window,
        layers.shaped_cache_elements,
        layers.shaped_cache_elements_window,
        layers.shaped_attention_work,
        layers.shaped_attention_work_window,
        layers.shaped_pair_work_window,
    ),
    "windowed layers have heads of their own number and width, and may reuse a cache",
    slot="heads",
    of_a_model=True,
)
moe = Bundle(
    "moe",
    (
        transformer.moe_n_layers_dense,
        transformer.moe_mlp_params,
        transformer.moe_n_params_active,
        quantization.moe_routed_params,
        quantization.moe_routed_params_active,
        quantization.moe_routed_params_read,
        quantization.moe_routed_params_prefill,
    ),
    "each token visits a few of many experts, and a batch touches more of them",
    of_a_model=True,
)
latent_experts = Bundle(
    "latent_experts",
    (transformer.latent_expert_params, transformer.latent_router_params),
    "routed experts work in a space that is narrower than the model",
    of_a_model=True,
)
narrow_embedding = Bundle(
    "narrow_embedding",
    (
        *(transformer.narrow_embedding_params, transformer.narrow_head_params),
        transformer.projected_other_params,
    ),
    "the embedding is narrower than the model, and projected",
    of_a_model=True,
)
block_indexer = Bundle(
    "block_indexer",
    (layers.block_indexer_params, layers.block_bytes_per_index),
    "an indexer picks blocks of tokens instead of single ones",
    of_a_model=True,
)
kda = Bundle(
    "kda",
    (layers.kda_linear_attention_params,),
    "linear attention fades each channel of its state by a gate of its own",
    of_a_model=True,
)
compressed_attention = Bundle(
    "compressed_attention",
    (
        sharing.compressed_attention_params,
        sharing.hyper_connection_params,
    ),
    "caches are compressed in several ways: parameters are counted, caches and their work are not",
    without=(
        *(q.kv_bytes_per_token, q.kv_bytes_per_sequence, q.tokens_kept, q.group_size),
        *(q.attention_flops_per_token, q.attention_flops, q.attention_intensity),
        *(q.attention_flops_per_pair, q.prefill_attention_flops),
    ),
    slot="heads",
    of_a_model=True,
)
idle_resident = Bundle(
    "idle_resident",
    (duty_cycle.users, duty_cycle.hit_rate, prompts.restore_wait),
    "idle users keep their cache in the GPU's memory",
    slot="idle",
    yields=(q.hit_rate,),
)
idle_offloaded = Bundle(
    "idle_offloaded",
    (duty_cycle.users_offloaded, duty_cycle.hit_rate, prompts.offloaded_restore_wait),
    "idle users' caches lie in the host's memory, and come back over the link",
    slot="idle",
    yields=(q.hit_rate,),
)
idle_recomputed = Bundle(
    "idle_recomputed",
    (duty_cycle.users_recomputed, duty_cycle.recomputed_hit_rate, prompts.restore_wait),
    "idle users' caches are thrown away, and every turn reads the whole conversation again",
    slot="idle",
    yields=(q.hit_rate,),
)
_same_gpus = (
    *(prompts.n_gpus_prefill, duty_cycle.wait_elsewhere),
    *(duty_cycle.usual_batch, duty_cycle.usual_active),
    *(dollars.cost_per_user_hour, dollars.capex_per_user),
)
prefill_first = Bundle(
    "prefill_first",
    (prompts.tpot, prompts.prompt_stall, prompts.step_wait, *_same_gpus),
    "a prompt is read in one piece, between two steps",
    slot="prompts",
)
chunked_prefill = Bundle(
    "chunked_prefill",
    (prompts.chunked_tpot, prompts.chunked_prompt_stall, prompts.step_wait, *_same_gpus),
    "prompts are read in pieces that ride along in the steps",
    slot="prompts",
)
disaggregated = Bundle(
    "disaggregated",
    (
        *(prompts.disaggregated_tpot, prompts.no_step_wait, prompts.disaggregated_n_gpus_prefill),
        *(duty_cycle.disaggregated_wait_elsewhere, duty_cycle.disaggregated_usual_batch),
        *(duty_cycle.disaggregated_usual_active, dollars.disaggregated_cost_per_user_hour),
        dollars.disaggregated_capex_per_user,
    ),
    "prompts are read on GPUs of their own",
    slot="prompts",
    yields=(q.n_gpus_prefill,),
)
speculative = Bundle(
    "speculative",
    speculation.SPECULATIVE,
    "a cheap draft guesses draft_tokens ahead, and one step checks them all",
    slot="draft",
    yields=(q.tokens_per_step,),
)
fluid = Bundle("fluid", (duty_cycle.users_by_load,), "the mean load is the load", slot="load")
binomial = Bundle(
    "binomial",
    (duty_cycle.binomial_users_by_load,),
    "more users may be active than fit only with probability overflow_target",
    slot="load",
)
erlang = Bundle(
    "erlang",
    (duty_cycle.erlang_users_by_load,),
    "a request may have to wait only with probability wait_target",
    slot="load",
)
tensor_parallel = Bundle(
    "tensor_parallel",
    (parallelism.tensor_parallel, parallelism.replicated_weight_bytes, caching.restore_time),
    "all GPUs share each layer",
    slot="attention over GPUs",
)
attention_data_parallel = Bundle(
    "attention_data_parallel",
    (parallelism.own_tensor_parallel, *parallelism.GROUPED),
    "each GPU holds the attention of its own sequences: weights of attention again, caches once",
    slot="attention over GPUs",
)
expert_parallel = Bundle(
    "expert_parallel",
    (parallelism.expert_transfers_per_token, parallelism.whole_expert_weight_bytes),
    "whole experts are spread over the GPUs, and tokens travel to them",
)
uniform_routing = Bundle(
    "uniform_routing",
    (experts.experts_touched, experts.prefill_experts_touched),
    "each expert is as likely as the other",
    slot="routing",
)
fewest_experts = Bundle(
    "fewest_experts",
    (experts.fewest_experts_touched, experts.fewest_prefill_experts_touched),
    "all tokens choose the same experts: the bound",
    slot="routing",
)
skewed_routing = Bundle(
    "skewed_routing",
    (experts.skewed_experts_touched, experts.skewed_prefill_experts_touched),
    "some experts are more popular, by Zipf's law with exponent routing_skew",
    slot="routing",
)
paged = Bundle(
    "paged",
    (paging.paged_concurrent_sequences,),
    "the cache is given out in pages of block_size",
    slot="layout",
)
reserved_maximum = Bundle(
    "reserved_maximum",
    (paging.reserved_concurrent_sequences,),
    "each sequence reserves the longest context at once",
    slot="layout",
)
window_reserved = Bundle(
    "window_reserved",
    (paging.chunk_window_reserved, paging.engine_concurrent_sequences),
    "a windowed layer reserves its window, the chunk of a prompt, and a block",
    slot="layout",
)
window_padded = Bundle(
    "window_padded",
    (paging.padded_window_reserved, paging.engine_concurrent_sequences),
    "a windowed layer reserves its window and the batch of a prompt",
    slot="layout",
)
window_pool = Bundle(
    "window_pool",
    (paging.pool_window_reserved, paging.engine_concurrent_sequences),
    "windowed layers share a pool that is a fixed share of the pool of the others",
    slot="layout",
)
window_whole = Bundle(
    "window_whole",
    (paging.whole_window_reserved, paging.engine_concurrent_sequences),
    "a windowed layer reserves for every token",
    slot="layout",
)
activations_profiled = Bundle(
    "activations_profiled",
    (paging.profiled_reserved_memory,),
    "activations of the largest step are kept free",
)
reserved_by_gpus = Bundle(
    "reserved_by_gpus",
    (paging.static_reserved_memory,),
    "a fixed memory is kept free, and more of it with each GPU",
)
cache_of_the_rest = Bundle(
    "cache_of_the_rest",
    (paging.rest_kv_budget,),
    "the cache gets a share of the memory that the weights leave",
)
attention_apart = Bundle(
    "attention_apart",
    (speed.attention_apart_compute_time,),
    "attention and weights take turns instead of overlapping",
    without=(q.context_never_compute_bound,),
)
with_overheads = Bundle(
    "with_overheads",
    (speed.overheads_step_time,),
    "kernel launches and host work count",
)
parts_in_turn = Bundle(
    "parts_in_turn",
    (
        *(calibration.calibrated_decode_step_time, calibration.calibrated_prompt_stall),
        *(calibration.calibrated_prefill_compute_time, calibration.calibrated_prefill_time),
        *(prompts.tpot, calibration.calibrated_ttft),
    ),
    "parts of a step take turns, and kernels their time: as with calibrated=True, but with "
    "constants of one's own",
)
busy_as_users = Bundle(
    "busy_as_users",
    (dollars.utilization_of_users,),
    "the GPUs are as busy as their users keep them, and not always full",
)
block_scales = Bundle(
    "block_scales",
    (quantization.block_bytes_per_weight,),
    "weights are codes, and a block of them shares a scale",
)
rent = Bundle("rent", (), "the price of a GPU-hour is given", without=(q.price,), slot="price")
own = Bundle(
    "own", (dollars.owned_price,), "the price of a GPU-hour follows from buying it", slot="price"
)

BUNDLES: Final[dict[str, Bundle]] = {
    bundle.name: bundle for bundle in list(vars().values()) if isinstance(bundle, Bundle)
}
"""All bundles by name."""


def get(name: str) -> Bundle:
    """Return the bundle of a name."""
    if name not in BUNDLES:
        advice = ELSEWHERE.get(name, "")
        raise unknown("variant", name, BUNDLES, advice and f"{advice[0].upper()}{advice[1:]}.")
    return BUNDLES[name]
