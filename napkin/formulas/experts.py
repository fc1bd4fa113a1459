"""How many experts the tokens of a step touch."""

from ..quantities import notation as q
from .formula import Formula
from .probability import ExpertsTouched

_SKEW = "Särndal, Swensson and Wretman 1992, section 3.6"
_SKEWED = (
    "tokens that choose independently; a token visits the expert of rank r with chance "
    "min(1, c / r^routing_skew), where c makes it n_experts_active visits"
)
_miss = 1 - q.n_experts_active / q.n_experts
experts_touched = Formula(
    q.experts_touched,
    q.n_experts * (1 - _miss**q.batch),
    why="an expert is skipped only if every token of the batch misses it",
    source="occupancy of independent uniform choices",
    scope="the mean under uniform, independent routing, and no bound: skewed routing touches fewer",
)
prefill_experts_touched = Formula(
    q.prefill_experts_touched,
    q.n_experts * (1 - _miss**q.prefill_tokens),
    why="the tokens of a prompt touch experts as a batch of that size would",
    source="experts_touched with the prompt as the batch",
    scope="the mean under uniform, independent routing, and no bound: skewed routing touches fewer",
)
fewest_experts_touched = Formula(
    q.experts_touched,
    q.n_experts_active,
    why="at least, all tokens choose the same experts",
    source="first principles",
    scope="a bound",
)
fewest_prefill_experts_touched = Formula(
    q.prefill_experts_touched,
    q.n_experts_active,
    why="at least, all tokens choose the same experts",
    source="first principles",
    scope="a bound",
)
skewed_experts_touched = Formula(
    q.experts_touched,
    ExpertsTouched(q.n_experts, q.n_experts_active, q.batch, q.routing_skew),
    why="the chances of all experts to be visited, added up: popular ones are shared",
    source=_SKEW,
    scope=_SKEWED,
)
skewed_prefill_experts_touched = Formula(
    q.prefill_experts_touched,
    ExpertsTouched(q.n_experts, q.n_experts_active, q.prefill_tokens, q.routing_skew),
    why="the tokens of a prompt touch experts as a batch of that size would",
    source=_SKEW,
    scope=_SKEWED,
)
