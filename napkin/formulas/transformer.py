"""A decoder's parameters, counted from shapes, and the work of one token."""

from sympy import Integer, Max, Min

from ..quantities import notation as q
from .formula import Formula, Solved

_SHAPES = "counted from the shapes"
_NARROW = "OPT configuration and code, transformers 5"
_LATENT = "Nemotron-H configuration and code, transformers 5"

embedding_params = Formula(
    q.embedding_params,
    (q.n_vocab + q.n_vocab_extra) * q.d_model,
    why="a row of model width for each token of the vocabulary",
    source=_SHAPES,
)
head_params = Formula(
    q.head_params,
    q.n_vocab * q.d_model,
    why="the output head scores every token of the vocabulary, even where it is the embedding",
    source=_SHAPES,
)
attention_matrix_params = Formula(
    q.attention_matrix_params,
    2 * q.d_model * q.d_head * (q.n_heads + q.n_kv_heads),
    why="query and output matrices for each query head, key and value matrices for each KV head",
    source="scaling-book, inference, question 1",
    scope="the heads need not add up to the model width",
)
attention_small_params = Formula(
    q.attention_small_params,
    q.qkv_bias * (q.n_heads + 2 * q.n_kv_heads) * q.d_head
    + q.attention_output_bias * q.d_model
    + q.qk_norm * 2 * q.d_head
    + q.qk_norm_wide * (q.n_heads + q.n_kv_heads) * q.d_head
    + q.attention_sinks * q.n_heads
    + q.attention_output_gate * q.d_model * q.n_heads * q.d_head,
    why="biases, the norms of queries and keys, sink logits and an output gate, where present",
    source=f"{_SHAPES}; OLMo Team 2024, arXiv:2501.00656",
)
attention_params = Formula(
    q.attention_params,
    q.n_layers_full * q.attention_layer_params
    + q.n_layers_window * q.window_layer_params
    + q.n_layers_linear * q.linear_attention_params
    + q.n_layers_ssm * q.ssm_params
    + q.n_layers_conv * q.conv_layer_params
    + q.n_layers_cross * q.cross_layer_params
    + q.n_layers_indexed * q.indexer_params
    - q.n_layers_full_reusing * q.reused_params
    - q.n_layers_window_reusing * q.reused_params_window,
    why="each layer has its kind's parameters, less keys and values that it reuses from another",
    source=f"{_SHAPES}; NVIDIA 2025, Nemotron-H, arXiv:2504.03624",
)
dense_mlp_params = Formula(
    q.dense_mlp_params,
    q.n_mlp_matrices * q.d_model * q.d_ff
    + q.mlp_bias * ((q.n_mlp_matrices - 1) * q.d_ff + q.d_model),
    why="up, down and (if gated) gate matrices between the width of the model and that of the MLP",
    source="Shazeer 2020, arXiv:2002.05202",
)
n_layers_dense = Formula(q.n_layers_dense, q.n_layers, why="every layer has an MLP", source=_SHAPES)
mlp_params = Formula(
    q.mlp_params,
    (q.n_layers_dense + q.n_layers_wide) * q.dense_mlp_params,
    why="each of these layers has one MLP, in some layers twice as wide",
    source=_SHAPES,
)
norm_params = Formula(
    q.norm_params,
    (q.norms_per_layer * q.n_layers + q.norms_outside) * q.norm_vectors * q.d_model,
    why="each norm, also the one before the head, has a vector of model width, or two with a bias",
    source="Ba et al. 2016, arXiv:1607.06450; Zhang and Sennrich 2019, arXiv:1910.07467",
)
other_params = Formula(
    q.other_params,
    q.n_positions * q.d_model
    + q.head_bias * q.n_vocab
    + q.d_layer_input * (q.n_layers * (q.n_vocab_layer_input + 3 * q.d_model) + 1),
    why="a row for each learned position, the head's bias, and an embedding table for each layer",
    source=f"{_SHAPES}; Gemma 4 configuration and code, transformers 5",
    scope="the layers' tables are looked up, not multiplied, and may lie outside the GPU's memory",
)
narrow_embedding_params = Formula(
    q.embedding_params,
    q.n_vocab * q.d_embedding,
    why="the embedding has a width of its own",
    source=_NARROW,
)
narrow_head_params = Formula(
    q.head_params, q.n_vocab * q.d_embedding, why="the head has that width, too", source=_NARROW
)
projected_other_params = Formula(
    q.other_params,
    q.n_positions * q.d_model
    + 2
    * q.d_model
    * q.d_embedding
    * Min(1, Max(q.d_model - q.d_embedding, q.d_embedding - q.d_model)),
    why="two matrices lead from the embedding into the layers and back, where the widths differ",
    source=_NARROW,
)
n_params = Formula(
    q.n_params,
    q.embedding_params
    + (1 - q.tied_embeddings) * q.head_params
    + q.attention_params
    + q.mlp_params
    + q.norm_params
    + q.other_params,
    why="embedding, head (unless it is the embedding), attention, MLPs, norms, the rest",
    source=_SHAPES,
    scope="the text decoder: no vision tower, no multi-token prediction, no buffers",
)
n_params_active = Formula(
    q.n_params_active,
    q.n_params - (1 - q.tied_embeddings) * q.embedding_params,
    why="a token looks up its embedding instead of multiplying by it; all other weights multiply",
    source="OpenAI gpt-oss model card",
    scope="model cards often add the input embedding: n_params_active_with_embedding",
)
n_params_active_with_embedding = Formula(
    q.n_params_active_with_embedding,
    q.n_params_active + (1 - q.tied_embeddings) * q.embedding_params,
    why="what most model cards call active: the input embedding is counted too",
    source="Mistral, Qwen and DeepSeek model cards",
)
napkin_params = Formula(
    q.napkin_params,
    12 * q.n_layers * q.d_model**2,
    why="attention has four square matrices, an ungated MLP of width 4 d_model has eight",
    source="Kaplan et al. 2020; kipply 2022",
    scope="full-head attention, no vocabulary, heads that add up to the model width",
)
weight_flops = Formula(
    q.weight_flops,
    q.flops_per_mac * q.n_params_active,
    why="each active weight does one multiply-add per token",
    source="Kaplan et al. 2020; kipply 2022",
    scope="attention over the context is extra",
)
attention_flops_per_token = Formula(
    q.attention_flops_per_token,
    q.flops_per_mac
    * (q.n_layers_full * q.attention_work + q.n_layers_window * q.attention_work_window),
    why="every layer with attention does its work for each token that is kept",
    source="scaling-book, inference",
)
attention_flops = Formula(
    q.attention_flops,
    q.flops_per_mac
    * (
        q.n_layers_full * q.attention_work * q.context
        + q.n_layers_window * q.attention_work_window * Min(q.context, q.window)
    )
    + q.recurrence_flops,
    why="a new token looks back at every token that is kept, and updates every state",
    source="scaling-book, inference",
)
sequence_step_flops = Formula(
    q.sequence_step_flops,
    q.weight_flops + q.attention_flops,
    why="a token passes through the weights and attends to what its sequence keeps",
    source="sum of the two",
)
context_attention_equals_weights = Solved(
    q.context_attention_equals_weights,
    q.context,
    q.attention_flops,
    q.weight_flops,
    why="at this context, attention takes as much work as the weights",
    source="attention_flops = weight_flops, solved for the context",
)
_prefix = q.prompt * q.hit_rate
_growing = Max(0, Min(q.prefill_tokens, q.window - _prefix))
_pairs = _prefix * q.prefill_tokens + q.prefill_tokens * (q.prefill_tokens + 1) / 2
_pairs_window = (
    _growing * _prefix + _growing * (_growing + 1) / 2 + (q.prefill_tokens - _growing) * q.window
)
attention_pairs = Formula(
    q.attention_pairs,
    (q.n_layers_full * _pairs + q.n_layers_window * _pairs_window)
    / (q.n_layers_full + q.n_layers_window),
    why="each new token sees itself and the tokens before it; a window limits how many",
    source="sum over the queries of a causal mask",
    scope="a kernel without causal skipping does more",
)
attention_flops_per_pair = Formula(
    q.attention_flops_per_pair,
    q.flops_per_mac * (q.n_layers_full * q.pair_work + q.n_layers_window * q.pair_work_window),
    why="a query is multiplied by a key for the score, and the score by a value for the sum",
    source="scaling-book, inference",
)
prefill_attention_flops = Formula(
    q.prefill_attention_flops,
    q.flops_per_mac
    * (
        q.n_layers_full * q.pair_work * _pairs
        + q.n_layers_window * q.pair_work_window * _pairs_window
    )
    + q.recurrence_flops * q.prefill_tokens,
    why="work per query-key pair times pairs, plus a state update per token where a layer has one",
    source="sum of the decode attention over the prompt",
)
expert_params = Formula(
    q.expert_params,
    q.n_mlp_matrices * q.d_model * q.d_ff_expert
    + q.mlp_bias * ((q.n_mlp_matrices - 1) * q.d_ff_expert + q.d_model),
    why="an expert is a small MLP",
    source=_SHAPES,
)
d_ff_shared = Formula(
    q.d_ff_shared,
    q.n_experts_shared * q.d_ff_expert,
    why="shared experts are as wide as routed ones, and run side by side",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 2.1.2",
)
shared_expert_params = Formula(
    q.shared_expert_params,
    q.n_mlp_matrices * q.d_model * q.d_ff_shared + q.shared_expert_gate * q.d_model,
    why="the experts that every token visits, as one MLP",
    source=_SHAPES,
)
router_params = Formula(
    q.router_params,
    q.d_model * q.n_experts + q.router_bias * q.n_experts,
    why="the router scores each expert",
    source=_SHAPES,
    scope="a correction bias that is stored as a buffer is not a parameter",
)
latent_expert_params = Formula(
    q.expert_params,
    q.n_mlp_matrices * q.d_latent * q.d_ff_expert,
    why="an expert works in a space that is narrower than the model",
    source=_LATENT,
    scope="no biases",
)
latent_router_params = Formula(
    q.router_params,
    q.d_model * q.n_experts + 2 * q.d_model * q.d_latent,
    why="beside the router, one matrix leads into the narrow space of the experts, one out of it",
    source=_LATENT,
)
n_layers_moe = Formula(
    q.n_layers_moe,
    q.n_layers - q.n_layers_dense,
    why="the first layers may be dense; the others have experts",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 4.2",
)
moe_n_layers_dense = Formula(
    q.n_layers_dense,
    Integer(0),
    why="unless dense layers are given, every layer has experts",
    source=_SHAPES,
)
moe_mlp_params = Formula(
    q.mlp_params,
    q.n_layers_dense * q.dense_mlp_params
    + q.n_layers_moe * (q.n_experts * q.expert_params + q.shared_expert_params + q.router_params),
    why="memory holds every expert of every layer",
    source=_SHAPES,
)
moe_n_params_active = Formula(
    q.n_params_active,
    q.n_params
    - (1 - q.tied_embeddings) * q.embedding_params
    - q.n_layers_moe * (q.n_experts - q.n_experts_active) * q.expert_params,
    why="a token visits only its own experts and the shared ones",
    source="OpenAI gpt-oss model card",
    valid=q.n_experts_active <= q.n_experts,
    scope="n_experts_active cannot exceed n_experts",
)
