"""What a user costs."""

from ..quantities import notation as q
from .formula import Formula

_DAY6 = "DeepSeek-AI open-infra-index 2025, day 6"

cost_per_user_hour = Formula(
    q.cost_per_user_hour,
    q.price * q.n_gpus / q.users,
    why="the replica's price for an hour, shared by its users",
    source="injuly.in 2026, Inference cost at scale with napkin math",
    scope="the GPU is paid for at all times, busy or not",
)
cost_per_user_month = Formula(
    q.cost_per_user_month,
    q.cost_per_user_hour * q.month,
    why="a month has so many hours",
    source="injuly.in 2026, Inference cost at scale with napkin math",
)
cost_per_million_tokens = Formula(
    q.cost_per_million_tokens,
    q.price * q.n_gpus / q.tokens_per_second,
    why="what a second costs, over the tokens made in it",
    source="Erdil 2025, arXiv:2506.04645",
    scope="busy at all times with decode: divide by the utilization, and add the prompts' time",
)
owned_price = Formula(
    q.price,
    q.capex / q.lifetime + q.power * q.pue * q.electricity_price,
    why="purchase spread over the life, and electricity for the machine and its building",
    source="first principles",
    scope="straight line, no interest, no staff, no network",
)
capex_per_user = Formula(
    q.capex_per_user,
    q.capex * q.n_gpus / q.users,
    why="the purchase, shared by the users",
    source="injuly.in 2026, Inference cost at scale with napkin math",
)
effective_price = Formula(
    q.effective_price,
    q.price / q.utilization,
    why="the idle hours are paid for as well",
    source="first principles",
)
fleet_cost = Formula(
    q.fleet_cost,
    q.n_nodes * q.gpus_per_node * q.price,
    why="every GPU of every server, all day",
    source=_DAY6,
)
revenue = Formula(
    q.revenue,
    q.hit_tokens * q.price_hit + q.miss_tokens * q.price_miss + q.output_tokens * q.price_output,
    why="three kinds of tokens, three prices",
    source=_DAY6,
)
profit_margin = Formula(
    q.profit_margin,
    q.revenue / q.fleet_cost - 1,
    why="profit over cost, as the source counts it: not the margin on revenue",
    source=_DAY6,
)
nodes_needed = Formula(
    q.nodes_needed,
    q.token_load / q.node_throughput,
    why="the day's tokens, by what a server does in a day",
    source=_DAY6,
)
