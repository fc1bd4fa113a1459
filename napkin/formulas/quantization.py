"""What narrow weights weigh, with the scales that they need."""

from ..quantities import notation as q
from .formula import Formula

_SCALES = "Open Compute Project 2023, microscaling formats (MX) 1.0"

bytes_per_quantized_weight = Formula(
    q.bytes_per_quantized_weight,
    q.bytes_per_code + (q.bytes_per_scale + q.bytes_per_zero_point) / q.weights_per_scale,
    why="a group of narrow weights shares one scale, and perhaps one zero point",
    source=_SCALES,
    scope="full groups; one scale for a whole row or matrix is negligible",
)
quantized_params = Formula(
    q.quantized_params,
    (q.n_layers_full + q.n_layers_window) * q.attention_matrix_params
    + (q.n_layers_dense + q.n_layers_wide) * q.n_mlp_matrices * q.d_model * q.d_ff,
    why="the matrices of the layers are narrow; embedding, head, norms and biases are not",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 3.3; AWQ, arXiv:2306.00978",
    scope="layers of other kinds keep all but their feed-forward part wide",
)
moe_quantized_params = Formula(
    q.quantized_params,
    (q.n_layers_full + q.n_layers_window) * q.attention_matrix_params
    + q.n_mlp_matrices
    * q.d_model
    * (q.n_layers_dense * q.d_ff + q.n_layers_moe * (q.n_experts * q.d_ff_expert + q.d_ff_shared)),
    why="the layers' matrices are narrow, including those of all experts; the router is not",
    source="DeepSeek-AI 2024, arXiv:2412.19437, section 3.3",
    scope="layers of other kinds keep all but their feed-forward part wide; the two small "
    "norms inside latent attention are counted as matrices",
)
expert_quantized_params = Formula(
    q.quantized_params,
    q.n_layers_moe * q.n_experts * q.n_mlp_matrices * q.d_model * q.d_ff_expert,
    why="only the matrices of the experts are narrow",
    source="OpenAI gpt-oss model card",
)
checkpoint_bytes = Formula(
    q.checkpoint_bytes,
    q.quantized_params * q.bytes_per_quantized_weight
    + (q.n_params - q.quantized_params) * q.bytes_per_other_weight,
    why="narrow weights with their scales, and all others at their own width",
    source="OpenAI gpt-oss model card",
    scope="the text model alone, without prediction layers and buffers",
)
