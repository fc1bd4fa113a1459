"""Users who are idle most of the time: how many more than active ones."""

from dataclasses import replace

from sympy import Integer, Min, floor, oo, sqrt

from ..quantities import notation as q
from .formula import Detail, Elsewhere, Formula, Solved, Without
from .kv_cache import trained_for
from .probability import BinomialOverflow, ErlangB, LoadAtWait, UsersAtOverflow
from .prompts import CHECKED, HOLDS_PROMPT

_ERLANG = "Erlang 1917"
_HALFIN = "Halfin and Whitt 1981"
_writing = q.new_tokens * q.tpot_at_limit

tpot_at_limit = Elsewhere(
    q.tpot_at_limit,
    q.tpot,
    q.batch,
    q.active_limit,
    why="users are planned for the server at its fullest, whatever batch is being looked at",
    source="definition",
    **trained_for(q.prompt + q.new_tokens, "prompt with its answer"),
)
ttft_at_limit = Elsewhere(
    q.ttft_at_limit,
    q.ttft,
    q.batch,
    q.active_limit,
    why="a question meets the server at its fullest",
    source="definition",
    valid=q.prompt <= q.context,
    scope=HOLDS_PROMPT,
)
wait_elsewhere = Formula(
    q.wait_elsewhere,
    Integer(0),
    why="a question takes its place in the batch before its prompt is read",
    source="definition",
)
disaggregated_wait_elsewhere = Formula(
    q.wait_elsewhere,
    q.ttft_at_limit,
    why="a question takes its place in the batch once its prompt has been read elsewhere",
    source="Zhong et al. 2024, DistServe, arXiv:2401.09670, section 3",
)
duty_cycle = Formula(
    q.duty_cycle,
    (q.ttft_at_limit - q.wait_elsewhere + _writing) / (q.ttft_at_limit + _writing + q.think_time),
    why="a user is active from the question to the last token, and idle while thinking",
    source="definition",
    scope="a slower server makes its own users busier",
    **CHECKED,
)
turn_period = Formula(
    q.turn_period,
    (q.think_time + q.wait_elsewhere) / (1 - q.duty_cycle),
    why="a turn is idle while the user thinks, and while a prompt is read on other GPUs",
    source="definition",
    valid=q.duty_cycle < 1,
)
_answering = q.ttft + q.new_tokens * q.tpot
usual_batch = Solved(
    q.usual_batch,
    q.batch,
    (q.batch - 1) * (_answering + q.think_time) / _answering,
    q.users - 1,
    why="an active user shares the step with those of the others who are active, too",
    source="Reiser and Lavenberg 1980, mean value analysis: batch - 1 = (users - 1) * share of a "
    "turn in the batch, solved for the batch",
    scope="the mean; others are active for as large a share of their turns",
)
disaggregated_usual_batch = replace(
    usual_batch, left=(q.batch - 1) * (_answering + q.think_time) / (q.new_tokens * q.tpot)
)
usual_tpot = Elsewhere(
    q.usual_tpot,
    q.tpot,
    q.batch,
    q.usual_batch,
    why="users who think leave the others a shorter step",
    source="definition",
    **CHECKED,
)
usual_ttft = Elsewhere(
    q.usual_ttft,
    q.ttft,
    q.batch,
    q.usual_batch,
    why="users who think leave the others a shorter step",
    source="definition",
    valid=q.prompt <= q.context,
    scope=HOLDS_PROMPT,
)
request_rate = Formula(
    q.request_rate,
    q.users / (q.usual_ttft + q.new_tokens * q.usual_tpot + q.think_time),
    why="each user asks once a turn",
    source="Little's law",
)
_usual_answering = q.usual_ttft + q.new_tokens * q.usual_tpot
usual_active = Formula(
    q.usual_active,
    q.users * _usual_answering / (_usual_answering + q.think_time),
    why="each user is active for the share of a turn in which the server works for them",
    source="Little's law",
    scope="a mean over time; who is active meets one more, themselves",
)
disaggregated_usual_active = replace(
    usual_active,
    expression=q.users * q.new_tokens * q.usual_tpot / (_usual_answering + q.think_time),
    why="each user is active for the share of a turn in which the server writes for them",
)
users_by_load = Formula(
    q.users_by_load,
    q.active_limit / q.duty_cycle,
    why="on average a user needs a slot only for the share of time in which they are active",
    source="fluid limit",
    scope="mean load: at this number the server is overfull about half of the time",
)
binomial_users_by_load = Formula(
    q.users_by_load,
    floor(UsersAtOverflow(floor(q.active_limit), q.duty_cycle, q.overflow_target)),
    why="independent users overlap by chance: keep the chance of being overfull below a target",
    source="binomial distribution, exact",
    scope="whole slots and whole users, because a chance is promised to people",
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
    valid=q.users <= q.concurrent_sequences,
    otherwise="the caches of the users do not fit in memory",
    details=(Detail("only {} fit.", (q.whole_sequences,)),),
)
users_offloaded = Formula(
    q.users,
    Min(q.users_by_load, q.users_by_host_memory, q.users_by_host_link),
    why="idle users leave the GPU, so the host must hold their caches and bring them back in time",
    source="first principles",
    valid=q.users <= q.users_by_host_memory,
    otherwise="the caches of the users do not fit in the memory of the host",
    details=(Detail("only those of {} users fit.", (floor(q.users_by_host_memory),)),),
    left_out=(
        Without(q.host_memory, q.users_by_host_memory, oo),
        Without(q.host_link_bandwidth, q.users_by_host_link, oo),
    ),
)
users_recomputed = Formula(
    q.users,
    q.users_by_load,
    why="idle users hold no memory at all, but every turn reads the whole conversation again",
    source="first principles",
)
hit_rate = Formula(
    q.hit_rate,
    1 - q.message / q.prompt,
    why="what earlier turns left in the cache need not be computed again",
    source="definition",
    valid=q.message <= q.prompt,
    scope="the cache still holds everything before the message",
    left_out=(Without(q.message, q.message, q.prompt, "every prompt is read whole"),),
)
recomputed_hit_rate = Formula(
    q.hit_rate,
    Integer(0),
    why="a cache that was thrown away holds nothing",
    source="definition",
)
turn_tokens = Formula(
    q.turn_tokens,
    q.message + q.new_tokens,
    why="a turn adds the user's message and the answer to it",
    source="definition",
)
offload_bytes = Formula(
    q.offload_bytes,
    Min(q.kv_bytes_per_sequence, q.kv_bytes_per_token * q.turn_tokens + q.state_bytes),
    why="the host still has the older tokens, so only new ones go out; a state goes out whole",
    source="first principles",
    scope="the host keeps a copy of every user's cache",
    left_out=(
        Without(q.message, q.turn_tokens, oo, "the whole cache goes out"),
        Without(q.new_tokens, q.turn_tokens, oo, "the whole cache goes out"),
    ),
)
users_by_host_link = Formula(
    q.users_by_host_link,
    q.n_gpus * q.host_link_bandwidth * q.turn_period / (q.kv_bytes_per_sequence + q.offload_bytes),
    why="in each turn a user's cache comes back from the host, and what is new goes out to it",
    source="first principles",
    scope="each GPU has its own link, which both directions share; turns are those of a full "
    "server; where the link binds first, fewer are active, turns are shorter, and this is an upper "
    "bound, up to a quarter too high",
)
users_by_host_memory = Formula(
    q.users_by_host_memory,
    q.n_gpus * q.host_memory / q.kv_bytes_per_sequence,
    why="the host holds a copy of every user's cache",
    source="first principles",
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
    scope="normal approximation: within 3 % of the exact binomial from about 60 slots",
)
overflow_probability = Formula(
    q.overflow_probability,
    BinomialOverflow(q.users, q.active_limit, q.duty_cycle),
    why="the chance that more users are active at once than there are slots",
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
    why="the share of arrivals that find every slot busy and leave",
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
    why="fluctuations grow as the root of the load, so spare slots need only grow as fast",
    source=_HALFIN,
    scope="large loads",
)
