"""Users who are idle most of the time: how many more than active ones."""

from sympy import Min, sqrt

from ..quantities import notation as q
from .formula import Formula
from .probability import BinomialOverflow, ErlangB, LoadAtWait, UsersAtOverflow

_ERLANG = "Erlang 1917"
_HALFIN = "Halfin and Whitt 1981"
_busy = q.ttft + q.new_tokens * q.tpot

duty_cycle = Formula(
    q.duty_cycle,
    _busy / (_busy + q.think_time),
    why="a user is active from the question to the last token, and idle while thinking",
    source="definition",
    scope="a slower server makes its own users busier",
)
turn_period = Formula(
    q.turn_period,
    q.think_time / (1 - q.duty_cycle),
    why="thinking is the idle share of a turn",
    source="definition",
    valid=q.duty_cycle < 1,
)
users_by_load = Formula(
    q.users_by_load,
    q.active_limit / q.duty_cycle,
    why="on average a user needs a place only for the share of time in which they are active",
    source="fluid limit",
    scope="mean load: at this number the server is overloaded half of the time; the prompts of "
    "others take no time from the steps",
)
binomial_users_by_load = Formula(
    q.users_by_load,
    UsersAtOverflow(q.active_limit, q.duty_cycle, q.overflow_target),
    why="independent users overlap by chance: keep the chance of an overflow below a target",
    source="binomial distribution, exact",
)
erlang_users_by_load = Formula(
    q.users_by_load,
    LoadAtWait(q.active_limit, q.wait_target) / q.duty_cycle,
    why="with many users, requests arrive at random: keep the chance of waiting below a target",
    source=_ERLANG,
    scope="Poisson arrivals",
)
users = Formula(
    q.users,
    Min(q.users_by_load, q.concurrent_sequences),
    why="idle users keep their cache, so everyone must fit, active or not",
    source="first principles",
)
users_evicted = Formula(
    q.users,
    Min(q.users_by_load, q.users_by_host_link),
    why="idle users give up their memory, but their caches must come back each turn",
    source="first principles",
    left_out=((q.host_link_bandwidth, q.users_by_host_link),),
)
users_by_host_link = Formula(
    q.users_by_host_link,
    q.n_gpus * q.host_link_bandwidth * q.turn_period / (2 * q.kv_bytes_per_sequence),
    why="in each turn a user's cache crosses the path to the host twice, out and in",
    source="first principles",
    scope="each GPU has its own path; a path that overlaps both directions serves twice as many",
)
users_per_gpu = Formula(
    q.users_per_gpu,
    q.users / q.n_gpus,
    why="the users of a replica, shared among its GPUs",
    source="definition",
)
users_at_quantile = Formula(
    q.users_at_quantile,
    (
        (
            -q.quantile * sqrt(q.duty_cycle * (1 - q.duty_cycle))
            + sqrt(
                q.quantile**2 * q.duty_cycle * (1 - q.duty_cycle)
                + 4 * q.duty_cycle * q.active_limit
            )
        )
        / (2 * q.duty_cycle)
    )
    ** 2,
    why="mean load plus z standard deviations just fits",
    source="root of N p + z sqrt(N p (1 - p)) = active_limit",
    scope="normal approximation: within 3 % of the exact binomial from about 60 places",
)
overflow_probability = Formula(
    q.overflow_probability,
    BinomialOverflow(q.users, q.active_limit, q.duty_cycle),
    why="the chance that more users are active at once than there are places",
    source="binomial distribution, exact",
    scope="independent users; extended to fractional numbers by the incomplete beta function",
)
offered_load = Formula(
    q.offered_load,
    q.users * q.duty_cycle,
    why="each user is active for a share of time, so that share of all is active on average",
    source="linearity of the mean",
)
blocking_probability = Formula(
    q.blocking_probability,
    ErlangB(q.slots, q.offered_load),
    why="the share of arrivals that find all places taken and leave",
    source=_ERLANG,
    scope="Poisson arrivals, any distribution of service times",
)
wait_probability = Formula(
    q.wait_probability,
    q.blocking_probability / (1 - q.offered_load / q.slots * (1 - q.blocking_probability)),
    why="the share of arrivals that must wait when nobody leaves",
    source=_ERLANG,
    valid=q.offered_load < q.slots,
    scope="Poisson arrivals, exponential service times",
)
slots_needed = Formula(
    q.slots_needed,
    q.offered_load + q.staffing_margin * sqrt(q.offered_load),
    why="fluctuations grow as the root of the load, so spare places need only grow as fast",
    source=_HALFIN,
    scope="large loads",
)
