"""Models whose layers are not all alike: other norms, other shapes, other kinds of layer."""

from sympy import Expr, Min

from ..quantities import notation as q
from .formula import Formula
from .gqa import full_pairs, window_pairs

_SHAPES = "counted from the shapes"
_SSM = "Dao and Gu 2024, Mamba-2, arXiv:2405.21060"
_GEMMA = "Gemma 4 configuration and code, transformers 5"

# ------------------------------------------------------------- norms and other small parts

wide_norm_params = Formula(
    q.norm_params,
    (q.norms_per_layer * q.n_layers + q.norms_outside) * q.norm_vectors * q.d_model,
    why="a norm has a scale, a scale and a bias, or nothing to learn",
    source="Ba et al. 2016, arXiv:1607.06450; Zhang and Sennrich 2019, arXiv:1910.07467",
)
full_width_norm_small_params = Formula(
    q.attention_small_params,
    q.qkv_bias * (q.n_heads + 2 * q.n_kv_heads) * q.d_head
    + q.attention_output_bias * q.d_model
    + (q.n_heads + q.n_kv_heads) * q.d_head,
    why="biases, and a norm over all queries and all keys at once instead of by head",
    source="OLMo Team 2024, arXiv:2501.00656",
)
other_params = Formula(
    q.other_params,
    q.n_positions * q.d_model + q.head_bias * q.n_vocab,
    why="a row of model width for each position, and a bias of the head",
    source=_SHAPES,
)
n_params_with_other = Formula(
    q.n_params,
    q.embedding_params
    + (1 - q.tied_embeddings) * q.head_params
    + q.attention_params
    + q.mlp_params
    + q.norm_params
    + q.other_params,
    why="embedding, head (unless it is the embedding), attention, feed-forward, norms, the rest",
    source=_SHAPES,
    scope="the text decoder: no vision tower, no multi-token prediction, no buffers",
)
layer_input_params = Formula(
    q.other_params,
    q.n_layers * q.d_layer_input * (q.n_vocab_layer_input + 3 * q.d_model) + q.d_layer_input,
    why="each layer has an embedding of its own: a table, a projection into it, one norm for all, "
    "and in the layer a gate and a way back",
    source=_GEMMA,
    scope="the tables are looked up, not multiplied, and may lie outside the GPU's memory",
)
indexer_small_params = Formula(
    q.attention_small_params,
    q.q_lora_rank * q.n_index_heads * q.d_index
    + q.d_model * (q.d_index + q.n_index_heads)
    + 2 * q.d_index,
    why="a small attention that picks the tokens: queries, one key with its norm, head weights",
    source="DeepSeek-AI 2025, DeepSeek-V3.2, arXiv:2512.02556",
    scope="all tokens stay cached; the indexer's own key cache and work come on top",
)
wide_mlp_params = Formula(
    q.mlp_params,
    (q.n_layers + q.n_layers_wide) * q.dense_mlp_params,
    why="every layer has one feed-forward part, some of twice the width",
    source=_GEMMA,
    valid=q.mlp_bias < 1,
    scope="without a bias",
)
sparse_mlp_params = Formula(
    q.mlp_params,
    q.n_layers_dense * q.dense_mlp_params,
    why="only some layers have a feed-forward part",
    source="NVIDIA 2025, Nemotron-H, arXiv:2504.03624",
)

# ----------------------------------------- windowed layers with a shape of their own

_full = q.n_layers - q.n_layers_window
_kept = _full - q.n_layers_full_reusing
_kept_window = q.n_layers_window - q.n_layers_window_reusing
_cached = q.n_kv_heads * (q.d_head + q.d_value)
_cached_window = q.n_kv_heads_window * (q.d_head_window + q.d_value_window)
_work = q.n_heads * (q.d_head + q.d_value)
_work_window = q.n_heads_window * (q.d_head_window + q.d_value_window)
_own = (
    q.d_model * q.n_kv_heads * (q.d_head + (1 - q.value_is_key) * q.d_value) + q.qk_norm * q.d_head
)
_own_window = q.d_model * _cached_window + q.qk_norm * q.d_head_window

shaped_attention_params = Formula(
    q.attention_params,
    _full * (q.d_model * (_work + q.head_gate * q.n_heads) + q.qk_norm * q.d_head)
    + _kept * _own
    + q.n_layers_window
    * (
        q.d_model * (_work_window + q.head_gate * q.n_heads_window)
        + q.qk_norm * q.d_head_window
        + q.window_sinks * q.n_heads_window
    )
    + _kept_window * _own_window,
    why="queries and output in every layer; keys and values only where they are not another's",
    source=_SHAPES,
    scope="no biases",
)
shaped_kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    (_kept * _cached + _kept_window * _cached_window) * q.bytes_per_kv,
    why="each kind of layer keeps keys and values of its own widths; some reuse another's",
    source=_SHAPES,
)
shaped_kv_bytes_per_sequence = Formula(
    q.kv_bytes_per_sequence,
    (_kept * _cached * q.context + _kept_window * _cached_window * Min(q.context, q.window))
    * q.bytes_per_kv,
    why="full layers keep the context, windowed ones no more than the window",
    source=_SHAPES,
    scope="an engine without a cache for each kind of layer keeps the whole context",
)
shaped_tokens_kept = Formula(
    q.tokens_kept,
    q.kv_bytes_per_sequence / q.kv_bytes_per_token,
    why="the mean over layers, weighted by what they keep of a token",
    source=_SHAPES,
)
shaped_attention_flops_per_token = Formula(
    q.attention_flops_per_token,
    q.flops_per_mac * (_full * _work + q.n_layers_window * _work_window),
    why="each query head meets a kept token twice, in the widths of its layer",
    source=_SHAPES,
)
shaped_attention_flops = Formula(
    q.attention_flops,
    q.flops_per_mac
    * (_full * _work * q.context + q.n_layers_window * _work_window * Min(q.context, q.window)),
    why="a full layer looks back at the context, a windowed one at its window",
    source=_SHAPES,
)
shaped_attention_flops_per_pair = Formula(
    q.attention_flops_per_pair,
    q.attention_flops_per_token,
    why="a query meets a key for the score, and its value for the sum",
    source=_SHAPES,
)
shaped_prefill_attention_flops = Formula(
    q.prefill_attention_flops,
    q.flops_per_mac
    * (_full * _work * full_pairs + q.n_layers_window * _work_window * window_pairs),
    why="pairs of each kind of layer, in its own widths",
    source=_SHAPES,
)

# ------------------------- layers that keep a state, or that attend to something else

_inner = q.n_ssm_heads * q.d_ssm_head
_mixed = _inner + 2 * q.n_ssm_groups * q.d_ssm_state
_state = _inner * q.d_ssm_state
_attending = q.n_layers - q.n_layers_ssm - q.n_layers_plain
_text = q.n_layers - q.n_layers_cross
_recurrence = 3 * q.flops_per_mac * q.n_layers_ssm * _state


def _work_of(layers: Expr) -> Expr:
    return 2 * q.flops_per_mac * layers * q.n_heads * q.d_head


def _cache_of(layers: Expr) -> Expr:
    return 2 * layers * q.n_kv_heads * q.d_head * q.bytes_per_kv


ssm_params = Formula(
    q.ssm_params,
    q.d_model * (_inner + _mixed + q.n_ssm_heads)
    + (q.conv_kernel + q.conv_bias) * _mixed
    + 3 * q.n_ssm_heads
    + _inner
    + _inner * q.d_model,
    why="projections in, convolution, three scalars a head, a gated norm, projection out",
    source=_SSM,
)
ssm_attention_params = Formula(
    q.attention_params,
    _attending * (q.attention_matrix_params + q.attention_small_params)
    + q.n_layers_ssm * q.ssm_params,
    why="some layers attend, some keep a state, some do neither",
    source=_SSM,
)
ssm_kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    _cache_of(_attending),
    why="only the layers that attend keep keys and values",
    source=_SSM,
)
ssm_state_bytes = Formula(
    q.state_bytes,
    q.n_layers_ssm * (_state * q.bytes_per_state + (q.conv_kernel - 1) * _mixed * q.bytes_per_kv),
    why="a state-space layer keeps one matrix for each head and the tail of its convolution",
    source=_SSM,
    scope="constant: it does not grow with the context",
)
ssm_attention_flops_per_token = Formula(
    q.attention_flops_per_token,
    _work_of(_attending),
    why="only the layers that attend look back at kept tokens",
    source=_SSM,
)
ssm_attention_flops_per_pair = Formula(
    q.attention_flops_per_pair,
    _work_of(_attending),
    why="only the layers that attend have query-key pairs",
    source=_SSM,
)
ssm_attention_flops = Formula(
    q.attention_flops,
    q.attention_flops_per_token * q.tokens_kept + _recurrence,
    why="a state-space layer fades its state, adds the token, and reads it",
    source=_SSM,
    scope="the recurrent form, one multiply-add for each element and pass",
)
ssm_prefill_attention_flops = Formula(
    q.prefill_attention_flops,
    q.attention_flops_per_pair * q.attention_pairs + _recurrence * q.prefill_tokens,
    why="pairs for the layers that attend, one update a token for those that keep a state",
    source=_SSM,
    scope="chunked kernels do more work than the recurrence, but in parallel",
)
cross_embedding_params = Formula(
    q.embedding_params,
    (q.n_vocab + q.n_vocab_extra) * q.d_model,
    why="the embedding has rows for the image's tokens, which the head does not score",
    source="Llama Team 2024, arXiv:2407.21783, section 7",
)
cross_attention_params = Formula(
    q.attention_params,
    q.n_layers * q.attention_matrix_params
    + _text * q.attention_small_params
    + q.n_layers_cross * (2 * q.d_head + 2),
    why="cross-attention has the same matrices, norms of queries and keys, and two gates",
    source="Llama Team 2024, arXiv:2407.21783, section 7",
)
cross_kv_bytes_per_token = Formula(
    q.kv_bytes_per_token,
    _cache_of(_text),
    why="the cache of a cross-attention layer holds an image, and does not grow with the text",
    source="Llama Team 2024, arXiv:2407.21783, section 7",
    scope="text only: the image's cache comes on top",
)
cross_attention_flops_per_token = Formula(
    q.attention_flops_per_token,
    _work_of(_text),
    why="cross-attention looks at an image, not back at the text",
    source="Llama Team 2024, arXiv:2407.21783, section 7",
    scope="text only: the work over an image comes on top",
)
cross_attention_flops_per_pair = Formula(
    q.attention_flops_per_pair,
    _work_of(_text),
    why="cross-attention looks at an image, not back at the text",
    source="Llama Team 2024, arXiv:2407.21783, section 7",
)
