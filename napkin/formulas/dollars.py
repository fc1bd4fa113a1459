"""What a user costs."""

from ..quantities import notation as q
from .formula import Formula

# GPUs that only read prompts are paid for too.
_paid = q.n_gpus + q.n_gpus_prefill

cost_per_user_hour = Formula(
    q.cost_per_user_hour,
    q.price * _paid / q.users,
    why="the replica's hourly price, shared by its users",
    source="injuly.in 2026, Inference cost at scale with napkin math",
    scope="the GPU is paid for all the time, busy or not",
)
cost_per_user_month = Formula(
    q.cost_per_user_month,
    q.cost_per_user_hour * q.month,
    why="a month has this many hours",
    source="injuly.in 2026, Inference cost at scale with napkin math",
)
cost_per_million_tokens = Formula(
    q.cost_per_million_tokens,
    q.price * _paid / q.tokens_per_second,
    why="what a second costs, over the tokens made in it",
    source="Erdil 2025, arXiv:2506.04645",
    scope="busy at all times: divide by the utilization",
)
owned_price = Formula(
    q.price,
    q.capex / q.lifetime + q.power * q.pue * q.electricity_price,
    why="the purchase, spread over its lifetime, and electricity for the machine and the building",
    source="first principles",
    scope="straight-line depreciation, no interest, no staff, no network",
)
capex_per_user = Formula(
    q.capex_per_user,
    q.capex * _paid / q.users,
    why="the purchase, shared by the users",
    source="injuly.in 2026, Inference cost at scale with napkin math",
)
effective_price = Formula(
    q.effective_price,
    q.price / q.utilization,
    why="idle hours are paid for, too",
    source="first principles",
)
