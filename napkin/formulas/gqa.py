"""Sharing heads, compressing them, forgetting, and keeping a state instead."""

from sympy import Integer, Max, Min

from ..quantities import notation as q
from .formula import Formula

_DELTA = "Yang et al. 2024, Gated DeltaNet, arXiv:2412.06464"
_MLA = "DeepSeek-AI 2024, DeepSeek-V2, arXiv:2405.04434, section 2.1"
_V4 = "DeepSeek-V4 configuration and code, transformers 5"
_WINDOW = "Gemma Team 2025, Gemma 3, arXiv:2503.19786"

group_size = Formula(
    q.group_size,
    q.n_heads / q.n_kv_heads,
    why="query heads divide among the KV heads",
    source="Ainslie et al. 2023, arXiv:2305.13245",
)
attention_intensity = Formula(
    q.attention_intensity,
    q.flops_per_mac * q.group_size * q.context / (q.bytes_per_kv * (q.context + q.group_size)),
    why="a KV head read once serves the queries of its group: the batch does not help",
    source="scaling-book, transformers, question 4",
    valid=q.context >= 1,
    scope="one new token, queries as wide as the cache; for a long context 2 g / b",
)
grouped_kv_heads = Formula(
    q.n_kv_heads,
    q.n_heads / q.group_size,
    why="one KV head for each group of query heads",
    source="Ainslie et al. 2023, arXiv:2305.13245",
)
full_kv_heads = Formula(
    q.n_kv_heads,
    q.n_heads,
    why="each query head has keys and values of its own",
    source="Vaswani et al. 2017, arXiv:1706.03762",
)
single_kv_head = Formula(
    q.n_kv_heads,
    Integer(1),
    why="all query heads share one key-value head",
    source="Shazeer 2019, arXiv:1911.02150",
)
mla_attention_matrix_params = Formula(
    q.attention_matrix_params,
    q.d_model * q.q_lora_rank
    + q.q_lora_rank
    + q.q_lora_rank * q.n_heads * (q.d_nope + q.d_rope)
    + q.d_model * (q.kv_lora_rank + q.d_rope)
    + q.kv_lora_rank
    + q.kv_lora_rank * q.n_heads * (q.d_nope + q.d_value)
    + q.n_heads * q.d_value * q.d_model,
    why="queries, keys and values pass a narrow waist: down, norm, up; then the output matrix",
    source=_MLA,
)
mla_full_query_matrix_params = Formula(
    q.attention_matrix_params,
    q.d_model * q.n_heads * (q.d_nope + q.d_rope)
    + q.d_model * (q.kv_lora_rank + q.d_rope)
    + q.kv_lora_rank
    + q.kv_lora_rank * q.n_heads * (q.d_nope + q.d_value)
    + q.n_heads * q.d_value * q.d_model,
    why="the smaller models of the family compress keys and values only",
    source=_MLA,
)
mla_attention_small_params = Formula(
    q.attention_small_params,
    Integer(0),
    why="the norms of the two waists are counted with the matrices",
    source=_MLA,
)
mla_kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    q.n_layers * (q.kv_lora_rank + q.d_rope) * q.bytes_per_kv,
    why="a layer keeps one compressed vector and one rotary key, whatever the heads",
    source=_MLA,
)
mla_attention_flops_per_token = Formula(
    q.attention_flops_per_token,
    q.flops_per_mac * q.n_layers * q.n_heads * (2 * q.kv_lora_rank + q.d_rope),
    why="absorbed: each head scores rank + rotary elements and mixes rank elements a token",
    source="FlashMLA deep dive, 2025-04-22",
    scope="decode; a prefill multiplies the heads out again",
)
mla_attention_flops_per_pair = Formula(
    q.attention_flops_per_pair,
    q.flops_per_mac * q.n_layers * q.n_heads * (q.d_nope + q.d_rope + q.d_value),
    why="not absorbed: scores over nope + rotary elements, values over their own width",
    source=_MLA,
)
mla_attention_intensity = Formula(
    q.attention_intensity,
    q.flops_per_mac
    * q.n_heads
    * q.query_tokens
    * (2 * q.kv_lora_rank + q.d_rope)
    / (q.bytes_per_kv * (q.kv_lora_rank + q.d_rope)),
    why="every head works on the same compressed vector: sharing taken to its end",
    source="FlashMLA deep dive, 2025-04-22",
)
mla_group_size = Formula(
    q.group_size,
    q.n_heads,
    why="one compressed vector serves every head",
    source=_MLA,
)
compressed_attention_params = Formula(
    q.attention_params,
    q.n_layers
    * (
        q.d_model * (q.q_lora_rank + q.d_head)
        + q.q_lora_rank
        + q.d_head
        + q.n_heads * q.d_head * (q.q_lora_rank + q.o_lora_rank)
        + q.n_output_groups * q.o_lora_rank * q.d_model
        + q.n_heads
    )
    + (q.n_layers_heavy * (2 * q.d_model + q.compression_heavy + 1)) * q.d_head
    + q.n_layers_compressed
    * (
        (4 * q.d_model + 2 * q.compression + 1) * (q.d_head + q.d_index)
        + q.n_index_heads * (q.q_lora_rank * q.d_index + q.d_model)
    ),
    why="queries and outputs pass a narrow waist, one vector is key and value, and compressors "
    "with an indexer make long contexts short",
    source=_V4,
)
hyper_connection_params = Formula(
    q.other_params,
    2 * q.n_layers * (q.n_streams * (q.n_streams + 2) * (q.n_streams * q.d_model + 1) + 3)
    + q.n_streams * (q.n_streams * q.d_model + 1)
    + 1,
    why="each half of a layer mixes the residual streams, and the head joins them",
    source=_V4,
)
window_tokens_kept = Formula(
    q.tokens_kept,
    ((q.n_layers - q.n_layers_window) * q.context + q.n_layers_window * Min(q.context, q.window))
    / q.n_layers,
    why="a windowed layer forgets what has left its window",
    source=_WINDOW,
    valid=q.n_layers_window <= q.n_layers,
    scope="n_layers_window is a part of n_layers; an engine without a cache for each kind of "
    "layer keeps the whole context",
)
window_tokens_reserved = Formula(
    q.tokens_reserved,
    (
        (q.n_layers - q.n_layers_window) * q.reserved_length
        + q.n_layers_window * Min(q.reserved_length, q.window)
    )
    / q.n_layers,
    why="a windowed layer never needs room for more than its window",
    source=_WINDOW,
    scope="an engine without a cache for each kind of layer reserves the whole length",
)
_prefix = q.prompt * q.hit_rate
_growing = Max(0, Min(q.prefill_tokens, q.window - _prefix))
full_pairs = _prefix * q.prefill_tokens + q.prefill_tokens * (q.prefill_tokens + 1) / 2
window_pairs = (
    _growing * _prefix + _growing * (_growing + 1) / 2 + (q.prefill_tokens - _growing) * q.window
)
window_attention_pairs = Formula(
    q.attention_pairs,
    ((q.n_layers - q.n_layers_window) * full_pairs + q.n_layers_window * window_pairs) / q.n_layers,
    why="in a windowed layer a query sees what is before it until the window is full",
    source=_WINDOW,
)
_full = q.n_layers - q.n_layers_linear
_state = q.n_linear_value_heads * q.d_linear_key * q.d_linear_value
_mixed = 2 * q.n_linear_key_heads * q.d_linear_key + q.n_linear_value_heads * q.d_linear_value
linear_attention_params = Formula(
    q.linear_attention_params,
    q.d_model * (_mixed + q.n_linear_value_heads * q.d_linear_value)
    + 2 * q.d_model * q.n_linear_value_heads
    + q.conv_kernel * _mixed
    + 2 * q.n_linear_value_heads
    + q.d_linear_value
    + q.n_linear_value_heads * q.d_linear_value * q.d_model,
    why="projections of query, key, value and gate, two scalars a head, convolution, norm, output",
    source=_DELTA + "; Qwen3-Next config",
)
hybrid_attention_params = Formula(
    q.attention_params,
    _full * (q.attention_matrix_params + q.attention_small_params)
    + q.n_layers_linear * q.linear_attention_params,
    why="some layers attend over the context, the others keep a state",
    source=_DELTA + "; Qwen3-Next config",
)
hybrid_kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    2 * _full * q.n_kv_heads * q.d_head * q.bytes_per_kv,
    why="only the layers with full attention keep keys and values",
    source=_DELTA + "; Qwen3-Next config",
    valid=q.n_layers_linear <= q.n_layers,
    scope="n_layers_linear is a part of n_layers",
)
state_bytes = Formula(
    q.state_bytes,
    q.n_layers_linear
    * (_state * q.bytes_per_state + (q.conv_kernel - 1) * _mixed * q.bytes_per_kv),
    why="a linear layer keeps one matrix for each value head and the tail of its convolution",
    source=_DELTA + "; Qwen3-Next config",
    scope="constant: it does not grow with the context; read once a step, and the writing back "
    "is left out",
)
hybrid_kv_bytes_per_sequence = Formula(
    q.kv_bytes_per_sequence,
    q.kv_bytes_per_token * q.tokens_kept + q.state_bytes,
    why="a cache that grows, and a state that does not",
    source="sum of the two",
)
_recurrence = 3 * q.flops_per_mac * q.n_layers_linear * _state
hybrid_attention_flops_per_token = Formula(
    q.attention_flops_per_token,
    2 * q.flops_per_mac * _full * q.n_heads * q.d_head,
    why="only the layers with full attention look back at kept tokens",
    source=_DELTA,
)
hybrid_attention_flops_per_pair = Formula(
    q.attention_flops_per_pair,
    2 * q.flops_per_mac * _full * q.n_heads * q.d_head,
    why="only the layers with full attention have query-key pairs",
    source=_DELTA,
)
hybrid_attention_flops = Formula(
    q.attention_flops,
    q.attention_flops_per_token * q.tokens_kept + _recurrence,
    why="a linear layer reads its state by the key, corrects it, and reads it by the query",
    source=_DELTA,
    scope="the recurrent form, one multiply-add for each element and pass",
)
hybrid_prefill_attention_flops = Formula(
    q.prefill_attention_flops,
    q.attention_flops_per_pair * q.attention_pairs + _recurrence * q.prefill_tokens,
    why="pairs for the layers that attend, one update a token for those that keep a state",
    source=_DELTA,
    scope="chunked kernels do more work than the recurrence, but in parallel",
)
