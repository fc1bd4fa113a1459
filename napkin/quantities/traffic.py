"""Symbols of traffic: users who are active some of the time, and chance.

An entry reads: name, unit, meaning, shown symbol, domain, value assumed when nobody gives one;
`key` is the key in a Hugging Face ``config.json``.
"""

# One line an entry: this is a table, and reads as one.
# fmt: off
from .quantity import COUNT, FRACTION, NON_NEGATIVE, PROBABILITY, SHARE, declare

# Users
active_limit = declare("active_limit", "sequence", "users that can be active at once", r"B_\mathrm{act}")
duty_cycle = declare("duty_cycle", "1", "share of the time in which a user is active", "p", FRACTION)
think_time = declare("think_time", "s", "time between an answer and the next question", "Z", NON_NEGATIVE, hint="or give duty_cycle itself, such as 0.2")
tpot_at_limit = declare("tpot_at_limit", "s", "time per output token with as many active as may be", r"t_\mathrm{tpot}^{\mathrm{full}}")
ttft_at_limit = declare("ttft_at_limit", "s", "time to first token with as many active as may be", r"t_\mathrm{ttft}^{\mathrm{full}}")
wait_elsewhere = declare("wait_elsewhere", "s", "wait for the first token that takes no slot", r"t_\mathrm{else}", NON_NEGATIVE)
turn_tokens = declare("turn_tokens", "token/sequence", "tokens that a turn adds to the conversation", r"T_\mathrm{turn}")
turn_period = declare("turn_period", "s", "time from one question of a user to the next", r"t_\mathrm{turn}")
usual_batch = declare("usual_batch", "sequence", "sequences of a step that an active user meets, on average, with their own", r"B_\mathrm{usual}")
usual_active = declare("usual_active", "user", "users that are active at once, on average", r"N_\mathrm{act}")
usual_tpot = declare("usual_tpot", "s", "time per output token in the usual step", r"t_\mathrm{tpot}^{\mathrm{usual}}")
usual_ttft = declare("usual_ttft", "s", "time to first token beside the usual step", r"t_\mathrm{ttft}^{\mathrm{usual}}")
request_rate = declare("request_rate", "request/s", "requests that the users of the replica make", r"\lambda_N")
users_by_load = declare("users_by_load", "user", "users by load", r"N_\mathrm{load}")
users_by_host_link = declare("users_by_host_link", "user", "users by host link", r"N_\mathrm{link}")
users_by_host_memory = declare("users_by_host_memory", "user", "users by host memory", r"N_\mathrm{host}")
offload_bytes = declare("offload_bytes", "byte/sequence", "cache that goes out to the host in a turn", r"K_\mathrm{out}", NON_NEGATIVE)
users = declare("users", "user", "users with an open session", "N")
users_per_gpu = declare("users_per_gpu", "user/GPU", "users for each GPU", "N_1")
# Subscribers, and a demand that one replica does not carry
busy_share = declare("busy_share", "1", "share of the subscribers with an open session at the busy hour", r"s_\mathrm{open}", FRACTION)
subscribers = declare("subscribers", "subscriber", "subscribers that the replica serves", r"N_\mathrm{sub}")
users_demanded = declare("users_demanded", "user", "users to be served at the busy hour", r"N_\mathrm{dem}", hint="or, for subscribers, assume 'users_demanded = 20000*busy_share'; replicas_for_requests needs arrival_rate instead")
arrival_rate = declare("arrival_rate", "request/s", "requests to be served at the busy hour", r"\lambda_\mathrm{dem}")
replicas = declare("replicas", "1", "replicas that the users demanded need", r"n_\mathrm{rep}", COUNT)
replicas_for_requests = declare("replicas_for_requests", "1", "replicas that the requests demanded need", r"n_\mathrm{rep,req}", COUNT)
# Chance
quantile = declare("quantile", "1", "standard deviations between the mean load and the limit", "z", NON_NEGATIVE)
users_at_quantile = declare("users_at_quantile", "user", "users at that quantile, normal approximation", "N_z")
overflow_target = declare("overflow_target", "1", "probability of too many active users that is accepted", r"\varepsilon", PROBABILITY)
overflow_probability = declare("overflow_probability", "1", "probability that more users are active than fit", r"P_\mathrm{over}", SHARE)
wait_target = declare("wait_target", "1", "probability of waiting that is accepted", "w^{*}", PROBABILITY)
slots = declare("slots", "1", "slots for active users", "c")
offered_load = declare("offered_load", "1", "active users wanted on average", "a")
blocking_probability = declare("blocking_probability", "1", "probability of finding every slot busy and leaving (Erlang B)", "P_B", SHARE)
wait_probability = declare("wait_probability", "1", "probability of having to wait (Erlang C)", "P_C", SHARE)
staffing_margin = declare("staffing_margin", "1", "spare slots in units of the root of the load", r"\beta")
slots_needed = declare("slots_needed", "1", "slots by square-root staffing", r"c_\beta")
# fmt: on
