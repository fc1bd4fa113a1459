"""What a measured server loses against the bound, each loss with its cause."""

from sympy import Integer, Max, Min, Piecewise, sqrt

from ..quantities import notation as q
from . import hardware, paging, parallelism, prompts
from .formula import Formula

_CODE = "counted in vLLM, vllm/model_executor"
_FITTED = "fitted on measured servers"
_BOOK = "scaling-book, inference"
_FUSED = "what is fused differs among engines"
_rate = q.n_gpus * hardware.rate
_flow = q.n_gpus * hardware.flow
_attention_rate = q.n_gpus * hardware.rate / q.attention_slowdown
_late = q.routed_params_active * (1 / q.expert_efficiency - 1)
_narrow = Max(q.bytes_per_weight, q.bytes_per_activation) < q.bytes_per_hidden

attention_kernels = Formula(
    q.attention_kernels,
    Integer(6),
    why="a norm, the product for queries, keys and values, their rotation, the cache, attention "
    "itself, and the output product",
    source=_CODE,
    scope=_FUSED,
)
mla_attention_kernels = Formula(
    q.attention_kernels,
    Integer(11),
    why="as for other attention, and two products and a norm to compress, and two to expand",
    source=_CODE,
    scope=_FUSED,
)
n_kernels = Formula(
    q.n_kernels,
    q.attention_kernels * (q.n_layers_full + q.n_layers_window + q.n_layers_cross)
    + 10 * (q.n_layers_linear + q.n_layers_ssm)
    + 4 * q.n_layers_conv
    + 12 * q.n_layers_indexed
    + 4 * q.n_layers_dense
    + q.n_layers_moe * (9 + 3 * Min(1, q.n_experts_shared))
    + q.n_layers * Piecewise((3, _narrow), (0, True))
    + 2 * q.n_layers * Min(1, q.n_gpus - 1),
    why="a dense MLP is a norm, two products and an activation; with experts, a "
    "router, the sorting of tokens and a sum come on top; narrow products narrow inputs first; "
    "several GPUs add up what they have after attention and after the MLP",
    source=_CODE,
    scope=_FUSED,
)
weight_read_time = Formula(
    q.weight_read_time,
    q.weight_bytes_read / _flow,
    why="weights are read once for the whole batch",
    source=_BOOK,
    **paging.holds_weights,
)
weight_compute_time = Formula(
    q.weight_compute_time,
    q.batch * q.query_tokens * q.flops_per_mac * (q.n_params_active + _late) / _rate,
    why="each sequence passes through the weights; experts get few rows each, and are slower",
    source=_BOOK,
)
decode_attention_time = Formula(
    q.decode_attention_time,
    q.batch
    * Max(
        q.kv_copies * q.kv_bytes_per_sequence / _flow,
        q.query_tokens * q.attention_flops / _attention_rate,
    ),
    why="attention runs before and after the products with weights, not alongside them",
    source=_BOOK,
)
fixed_step_time = Formula(
    q.fixed_step_time,
    q.n_kernels * q.kernel_time,
    why="a kernel starts, fills the GPU and empties it before the next one, which needs its result",
    source=_FITTED,
)
calibrated_decode_step_time = Formula(
    q.decode_step_time,
    (
        Max(q.weight_read_time, q.weight_compute_time)
        + q.decode_attention_time
        + q.all_reduce_time
        + q.fixed_step_time
    )
    * q.tpot_error,
    why="reading weights overlaps with their work; attention, exchanges and kernel time "
    "do not overlap with anything",
    source=_FITTED,
    scope="a prediction, not a bound",
    left_out=parallelism.NO_LINKS,
)
calibrated_prompt_stall = Formula(
    q.prompt_stall,
    q.tpot_error * q.batch * (q.prefill_compute_time + q.prefill_all_reduce_time) / q.new_tokens,
    why="a chunk of a prompt brings its work; the weights are read for the step anyway",
    source="Agrawal et al. 2024, Sarathi-Serve, arXiv:2403.02310, section 4",
    left_out=parallelism.NO_PROMPT_LINKS,
    valid=q.prompt <= q.context,
    scope=f"{prompts.HOLDS_PROMPT}; its work hides behind nothing",
)
calibrated_prefill_compute_time = Formula(
    q.prefill_compute_time,
    q.flops_per_mac
    * ((q.n_params_active - q.head_params + _late) * q.prefill_tokens + q.head_params)
    / _rate
    + q.prefill_attention_flops / _attention_rate,
    why=prompts.prefill_compute_time.why,
    source=prompts.prefill_compute_time.source,
    scope=prompts.prefill_compute_time.scope,
)
calibrated_prefill_time = Formula(
    q.prefill_time,
    (
        Max(q.prefill_compute_time, q.prefill_memory_time)
        + q.prefill_all_reduce_time
        + q.fixed_step_time
    )
    * q.tpot_error,
    why="the prompt must be computed, the weights be read, and every kernel takes its time",
    source=_FITTED,
    left_out=parallelism.NO_PROMPT_LINKS,
)
calibrated_ttft = Formula(
    q.ttft,
    q.restore_wait + (q.step_wait + q.prefill_time * sqrt(q.batch)) / q.tpot_error * q.ttft_error,
    why="a prompt waits for those that came with it: of requests that start at random, about the "
    "square root of their number come together",
    source="rule of thumb: spread of a sum of independent phases",
    valid=q.prompt <= q.context,
    scope=f"{prompts.HOLDS_PROMPT}; a client that sends all at once, or a full queue, waits longer",
)
