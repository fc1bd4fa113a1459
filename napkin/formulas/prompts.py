"""How fast a prompt is read, and how long the tokens of others wait for it."""

from typing import Any, Final

from sympy import Integer, Max

from ..quantities import notation as q
from . import hardware, paging, parallelism
from .formula import Detail, Formula, Without
from .kv_cache import trained_for

_rate = q.n_gpus * hardware.rate
_flow = q.n_gpus * hardware.flow

CHECKED: Final[dict[str, Any]] = {
    "valid": q.tokens_per_step <= q.query_tokens,
    "otherwise": "a step cannot add more tokens to a sequence than it checks",
    "details": (
        Detail(
            "it checks {}, and tokens_per_step is {}. Assume speculative, and give draft_tokens.",
            (q.query_tokens, q.tokens_per_step),
        ),
    ),
}
"""The condition of every time between tokens: drafts that are accepted have been checked."""
_between = (q.decode_step_time + q.drafting_time) / q.tokens_per_step
_NO_PROMPTS = (
    Without(q.prompt, q.prompt_stall, Integer(0)),
    Without(q.new_tokens, q.prompt_stall, Integer(0)),
)
tpot = Formula(
    q.tpot,
    _between + q.prompt_stall,
    why="between two of its tokens a sequence waits for the step, and for the prompts of others",
    source="definition",
    scope="the mean in a steady state",
    **CHECKED,
    left_out=_NO_PROMPTS,
)
HOLDS_PROMPT = "the cache of a sequence holds its prompt: context is prompt plus half of new_tokens"
prompt_stall = Formula(
    q.prompt_stall,
    q.batch * q.prefill_time / q.new_tokens,
    why="each sequence of the batch brings one prompt for every new_tokens tokens that it writes",
    source="steady state: as many requests begin as end",
    valid=q.prompt <= q.context,
    scope=f"{HOLDS_PROMPT}; the sequence's own prompt is counted too: high by one part in the "
    "batch",
)
chunked_tpot = Formula(
    q.tpot,
    Max(
        q.decode_step_time / q.tokens_per_step,
        (q.decode_compute_time + q.all_reduce_time) / q.tokens_per_step + q.prompt_stall,
    )
    + q.drafting_time / q.tokens_per_step,
    why="pieces of prompts ride along in the steps: their work fills the time that reading takes",
    source="Agrawal et al. 2024, Sarathi-Serve, arXiv:2403.02310, section 4",
    scope="pieces that hide perfectly: a bound",
    **CHECKED,
    left_out=(*_NO_PROMPTS, *parallelism.NO_LINKS),
)
chunked_prompt_stall = Formula(
    q.prompt_stall,
    q.batch * (q.prefill_compute_time + q.prefill_all_reduce_time) / q.new_tokens,
    why="a chunk of a prompt brings its work; the weights are read for the step anyway",
    source="Agrawal et al. 2024, Sarathi-Serve, arXiv:2403.02310, section 4",
    left_out=parallelism.NO_PROMPT_LINKS,
    valid=q.prompt <= q.context,
    scope=HOLDS_PROMPT,
)
disaggregated_tpot = Formula(
    q.tpot,
    _between,
    why="prompts are read on other GPUs, so nothing comes between the steps",
    source="Zhong et al. 2024, DistServe, arXiv:2401.09670, section 3",
    **CHECKED,
)
requests_per_second = Formula(
    q.requests_per_second,
    q.tokens_per_second / q.new_tokens,
    why="each request is answered with new_tokens tokens",
    source="definition",
    scope="at this batch, always full: users who think may ask for less",
)
prompt_share = Formula(
    q.prompt_share,
    q.requests_per_second * q.prefill_time,
    why="each request takes the GPUs for the time of its prompt",
    source="definition",
    scope="with chunks, part of this time is hidden behind the reading of the weights",
)
n_gpus_prefill = Formula(
    q.n_gpus_prefill,
    Integer(0),
    why="the GPUs that write also read the prompts",
    source="definition",
)
disaggregated_n_gpus_prefill = Formula(
    q.n_gpus_prefill,
    q.n_gpus * q.requests_per_second * q.prefill_time,
    why="each second brings the prompts of its requests, and each takes prefill_time of n_gpus",
    source="definition",
    scope="a pool that many replicas share, always busy; moving the cache over takes no time",
)
prefill_tokens = Formula(
    q.prefill_tokens,
    q.prompt * (1 - q.hit_rate),
    why="what a prefix cache already holds need not be computed",
    source="DeepSeek-AI open-infra-index 2025, day 6",
    **trained_for(q.prompt, "prompt"),
)
prefill_compute_time = Formula(
    q.prefill_compute_time,
    (
        q.flops_per_mac * ((q.n_params_active - q.head_params) * q.prefill_tokens + q.head_params)
        + q.attention_slowdown * q.prefill_attention_flops
    )
    / _rate,
    why="every prompt token passes through the weights and attends; only the last needs the head",
    source="scaling-book, applied-inference",
    scope="one prompt alone on the replica: no queue, no chunks",
    **paging.holds_weights,
)
prefill_memory_time = Formula(
    q.prefill_memory_time,
    q.prefill_weight_bytes / _flow,
    why="however short the prompt, its weights are read once",
    source="scaling-book, applied-inference",
)
prefill_time = Formula(
    q.prefill_time,
    Max(q.prefill_compute_time, q.prefill_memory_time) + q.prefill_all_reduce_time,
    why="the prompt must be computed, and the weights must be read at least once",
    source="scaling-book, applied-inference",
    left_out=parallelism.NO_PROMPT_LINKS,
)
ttft = Formula(
    q.ttft,
    q.restore_wait + q.step_wait + q.prefill_time,
    why="the cache must be there, and the step that is running must end, before a prompt is read",
    source="scaling-book, applied-inference",
    valid=q.prompt <= q.context,
    scope=f"{HOLDS_PROMPT}; no queue in front of it; a prompt in pieces spans several steps and "
    "takes longer",
)
step_wait = Formula(
    q.step_wait,
    q.decode_step_time + q.drafting_time,
    why="a prompt that arrives waits at most for one whole step",
    source="definition",
    left_out=(
        Without(q.context, q.decode_step_time, Integer(0)),
        Without(q.memory, q.decode_step_time, Integer(0)),
    ),
)
no_step_wait = Formula(
    q.step_wait,
    Integer(0),
    why="the GPUs that read prompts run no steps",
    source="Zhong et al. 2024, DistServe, arXiv:2401.09670, section 3",
)
restore_wait = Formula(
    q.restore_wait,
    Integer(0),
    why="the cache of earlier turns is on the GPU, or is not used at all",
    source="definition",
)
offloaded_restore_wait = Formula(
    q.restore_wait,
    q.restore_time,
    why="the cache of earlier turns comes back from the host first",
    source="first principles",
    scope="the whole cache comes before the first layer is computed",
    left_out=(Without(q.host_link_bandwidth, q.restore_time, Integer(0)),),
)
whole_prompt_time = Formula(
    q.whole_prompt_time,
    (
        q.weight_flops * q.prompt
        + q.attention_slowdown * q.attention_flops_per_pair * q.prompt * (q.prompt + 1) / 2
    )
    / _rate,
    why="2 P T for the weights and 2 L h d T (T + 1) for causal attention",
    source="scaling-book, applied-inference",
    scope="full attention, nothing cached, the head computed for every prompt token",
    **trained_for(q.prompt, "prompt"),
)
