"""Layers of several kinds, added up: what a model has none of is 0, and vanishes."""

from sympy import floor

from ..quantities import notation as q
from .formula import Detail, Formula

_SHAPES = "counted from the shapes"
_SSM = "Dao and Gu 2024, Mamba-2, arXiv:2405.21060"
_DELTA = "Yang et al. 2024, Gated DeltaNet, arXiv:2412.06464; Qwen3-Next config"
_GEMMA = "Gemma 4 configuration and code, transformers 5"
_WINDOW = "Gemma Team 2025, Gemma 3, arXiv:2503.19786"
_KDA = "Kimi Team 2025, Kimi Linear, arXiv:2510.26692"
_LFM = "Liquid AI 2025, LFM2, arXiv:2511.23404"
_DSA = "DeepSeek-AI 2025, DeepSeek-V3.2, arXiv:2512.02556"
_CROSS = "Llama Team 2024, arXiv:2407.21783, section 7"

n_layers_full = Formula(
    q.n_layers_full,
    q.n_layers
    + q.n_layers_parallel
    - q.n_layers_window
    - q.n_layers_linear
    - q.n_layers_ssm
    - q.n_layers_conv
    - q.n_layers_plain
    - q.n_layers_cross,
    why="a layer of no other kind attends to every token; a layer of two kinds counts as both",
    source=_SHAPES,
    scope="special layers are a part of n_layers",
)


attention_layer_params = Formula(
    q.attention_layer_params,
    q.attention_matrix_params + q.attention_small_params,
    why="the matrices, and the small parameters beside them",
    source=_SHAPES,
)
window_layer_params = Formula(
    q.window_layer_params,
    q.attention_layer_params,
    why="a window changes what a layer sees, not its weights",
    source=_WINDOW,
)
cross_layer_params = Formula(
    q.cross_layer_params,
    q.attention_matrix_params + 2 * q.d_head + 2,
    why="cross-attention has the same matrices, norms for queries and keys, and two gates",
    source=_CROSS,
)
cache_elements = Formula(
    q.cache_elements,
    2 * q.n_kv_heads * q.d_head,
    why="a layer keeps a key and a value vector for each KV head",
    source="Ainslie et al. 2023, arXiv:2305.13245; Kwon et al. 2023, arXiv:2309.06180, section 3",
    scope="the number of query heads does not matter",
    valid=q.n_heads <= q.n_kv_heads * floor(q.n_heads / q.n_kv_heads),
    otherwise="the KV heads do not divide the query heads",
    details=(Detail("n_heads is {}, n_kv_heads is {}.", (q.n_heads, q.n_kv_heads)),),
)
cache_elements_window = Formula(
    q.cache_elements_window,
    q.cache_elements,
    why="as much for a token in the window",
    source=_WINDOW,
)
attention_work = Formula(
    q.attention_work,
    2 * q.n_heads * q.d_head,
    why="each query head uses each earlier token twice: once for the score, once for the value",
    source="scaling-book, inference",
    scope="query heads count here, not KV heads: sharing heads saves bytes, not work",
)
attention_work_window = Formula(
    q.attention_work_window,
    q.attention_work,
    why="as much for a token in the window",
    source=_WINDOW,
)
pair_work = Formula(
    q.pair_work, q.attention_work, why="a prefill does the same for each pair", source=_SHAPES
)
pair_work_window = Formula(
    q.pair_work_window, q.pair_work, why="as much for a pair in the window", source=_WINDOW
)

indexer_params = Formula(
    q.indexer_params,
    q.q_lora_rank * q.n_index_heads * q.d_index
    + q.d_model * (q.d_index + q.n_index_heads)
    + 2 * q.d_index,
    why="a small attention that picks the tokens: queries, one key with its norm, head weights",
    source=_DSA,
    scope="decode is counted as if it read every cached token, not only those that are picked",
)
block_indexer_params = Formula(
    q.indexer_params,
    q.d_model * q.d_index * (q.n_index_heads + 1) + 2 * q.d_index,
    why="a small attention that picks blocks of tokens: queries and one key, each with its norm",
    source="MiniMax-M3 configuration and code, transformers 5",
    scope="decode is counted as if it read every cached token, not only those that are picked",
)
block_bytes_per_index = Formula(
    q.bytes_per_index,
    q.bytes_per_kv,
    why="the indexer's key is kept as wide as the cache",
    source="MiniMax-M3 configuration and code, transformers 5",
)

_inner = q.n_ssm_heads * q.d_ssm_head
_mixed = _inner + 2 * q.n_ssm_groups * q.d_ssm_state
_state = _inner * q.d_ssm_state
_values = q.n_linear_value_heads * q.d_linear_value
_keys = q.n_linear_key_heads * q.d_linear_key
_mixed_linear = 2 * _keys + _values
_state_linear = _values * q.d_linear_key

ssm_params = Formula(
    q.ssm_params,
    (q.d_model + q.ssm_in_bias) * (_inner + _mixed + q.n_ssm_heads)
    + (q.conv_kernel + q.conv_bias) * _mixed
    + 3 * q.n_ssm_heads
    + q.ssm_norm * _inner
    + (_inner + q.ssm_out_bias) * q.d_model,
    why="projections in and out, a convolution, three scalars per head, perhaps a gated norm",
    source=_SSM,
)
linear_attention_params = Formula(
    q.linear_attention_params,
    q.d_model * (_mixed_linear + 2 * _values)
    + 2 * (q.d_model + 1) * q.n_linear_value_heads
    + q.conv_kernel * _mixed_linear
    + q.d_linear_value,
    why="projections of query, key, value, gate, output; two scalars per head, convolution, norm",
    source=_DELTA,
)
kda_linear_attention_params = Formula(
    q.linear_attention_params,
    q.d_model * (_mixed_linear + _values + q.n_linear_value_heads)
    + (2 * q.d_model + _keys + _values) * q.d_linear_value
    + q.conv_kernel * _mixed_linear
    + _keys
    + q.n_linear_value_heads
    + q.d_linear_value,
    why="projections of query, key, value, output and step size; two gates through a bottleneck "
    "as narrow as a head; convolution; a decay bias per channel, a scalar per head, norm",
    source=_KDA,
)
conv_layer_params = Formula(
    q.conv_layer_params,
    4 * q.d_model**2 + q.conv_kernel * q.d_model + q.conv_bias * 5 * q.d_model,
    why="three projections in, a convolution for each channel, a projection out",
    source=_LFM,
)
state_bytes = Formula(
    q.state_bytes,
    (q.n_layers_ssm * _state + q.n_layers_linear * _state_linear) * q.bytes_per_state
    + (q.conv_kernel - 1)
    * (q.n_layers_ssm * _mixed + q.n_layers_linear * _mixed_linear + q.n_layers_conv * q.d_model)
    * q.bytes_per_kv,
    why="such a layer keeps one matrix per head, and the last inputs of its convolution",
    source=f"{_DELTA}; {_SSM}; {_LFM}; {_KDA}",
    scope="constant: it does not grow with the context; writing it back is left out",
)
recurrence_flops = Formula(
    q.recurrence_flops,
    3 * q.flops_per_mac * (q.n_layers_ssm * _state + q.n_layers_linear * _state_linear),
    why="a layer decays or corrects its state, adds the token, and reads the state",
    source=f"{_DELTA}; {_SSM}",
    scope="one multiply-add per element and pass; chunked kernels do more, but in parallel",
)


_own = q.d_model * q.n_kv_heads * (q.d_head + (1 - q.value_is_key) * q.d_value)
_own_window = q.d_model * q.n_kv_heads_window * (q.d_head_window + q.d_value_window)

shaped_cache_elements = Formula(
    q.cache_elements, q.n_kv_heads * (q.d_head + q.d_value), why="at its own widths", source=_SHAPES
)
shaped_cache_elements_window = Formula(
    q.cache_elements_window,
    q.n_kv_heads_window * (q.d_head_window + q.d_value_window),
    why="at its own widths",
    source=_SHAPES,
)
shaped_attention_work = Formula(
    q.attention_work, q.n_heads * (q.d_head + q.d_value), why="at its own widths", source=_SHAPES
)
shaped_attention_work_window = Formula(
    q.attention_work_window,
    q.n_heads_window * (q.d_head_window + q.d_value_window),
    why="at its own widths",
    source=_SHAPES,
)
shaped_pair_work_window = Formula(
    q.pair_work_window, q.attention_work_window, why="as in decode", source=_SHAPES
)
shaped_reused_params = Formula(
    q.reused_params, _own + q.qk_norm * q.d_head, why="it reuses another's K and V", source=_SHAPES
)
shaped_reused_params_window = Formula(
    q.reused_params_window,
    _own_window + q.qk_norm * q.d_head_window,
    why="it reuses another's K and V",
    source=_SHAPES,
)
shaped_attention_layer_params = Formula(
    q.attention_layer_params,
    q.d_model * (q.attention_work + q.head_gate * q.n_heads) + 2 * q.qk_norm * q.d_head + _own,
    why="queries, output, keys and values, each with its own width",
    source=_SHAPES,
    scope="no biases",
)
shaped_window_layer_params = Formula(
    q.window_layer_params,
    q.d_model * (q.attention_work_window + q.head_gate * q.n_heads_window)
    + 2 * q.qk_norm * q.d_head_window
    + q.window_sinks * q.n_heads_window
    + _own_window,
    why="queries, output, keys and values, each with its own width",
    source=_SHAPES,
    scope="no biases",
)
