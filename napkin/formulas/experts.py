"""How many experts the tokens of a step, and of a prompt, touch."""

from sympy import Expr, Symbol

from ..quantities import notation as q
from .formula import Formula
from .probability import ExpertsTouched

_DECODE = (q.experts_touched, q.batch * q.query_tokens)
_PROMPT = (q.prefill_experts_touched, q.prefill_tokens)


def _uniform(target: Symbol, tokens: Expr) -> Formula:
    return Formula(
        target,
        q.n_experts * (1 - (1 - q.n_experts_active / q.n_experts) ** tokens),
        why="an expert is skipped only if every token misses it",
        source="occupancy of independent uniform choices",
        scope="the mean under uniform, independent routing, and no bound: skewed routing touches "
        "fewer",
    )


def _fewest(target: Symbol) -> Formula:
    return Formula(
        target,
        q.n_experts_active,
        why="at least, all tokens choose the same experts",
        source="first principles",
        scope="a bound",
    )


def _skewed(target: Symbol, tokens: Expr) -> Formula:
    return Formula(
        target,
        ExpertsTouched(q.n_experts, q.n_experts_active, tokens, q.routing_skew),
        why="the chances of all experts to be visited, added up: popular ones are shared",
        source="Särndal, Swensson and Wretman 1992, section 3.6",
        scope="tokens that choose independently; a token visits the expert of rank r with chance "
        "min(1, c / r^routing_skew), where c makes it n_experts_active visits",
    )


experts_touched, prefill_experts_touched = _uniform(*_DECODE), _uniform(*_PROMPT)
fewest_experts_touched = _fewest(q.experts_touched)
fewest_prefill_experts_touched = _fewest(q.prefill_experts_touched)
skewed_experts_touched, skewed_prefill_experts_touched = _skewed(*_DECODE), _skewed(*_PROMPT)
