"""What users, requests and tokens cost in dollars and energy, and how many replicas it takes."""

from dataclasses import replace

from sympy import Integer, Max, Symbol, ceiling, floor

from ..quantities import notation as q
from .formula import Formula, Without

_ARTICLE = "injuly.in 2026, Inference cost at scale with napkin math"
# GPUs that only read prompts are paid for too, and other replicas use them while this one is idle.
_powered = q.n_gpus + q.n_gpus_prefill
_paid = q.effective_price * q.n_gpus + q.price * q.n_gpus_prefill
# A pool that reads for users has as many of them as their requests keep busy.
_for_users = q.n_gpus * (1 + q.request_rate * q.prefill_time)
_answer_time = q.new_tokens * (q.decode_step_time + q.drafting_time) / (q.batch * q.tokens_per_step)


def _decode_alone(rate: Symbol) -> tuple[Without, ...]:
    """Say where a rate is that of decode alone, because prompts are not known."""
    return tuple(
        Without(given, rate, rate, "this is decode alone") for given in (q.prompt, q.new_tokens)
    )


_ALWAYS_FULL = (
    Without(
        q.think_time,
        q.request_rate,
        q.requests_per_second,
        "the GPUs that read prompts read for a batch that is always full",
    ),
)
cost_per_user_hour = Formula(
    q.cost_per_user_hour,
    q.price * q.n_gpus / q.users,
    why="the replica's hourly price, shared by its users",
    source=_ARTICLE,
    scope="the GPU is paid for all the time, busy or not; idle time is counted by the users, so "
    "utilization does not enter",
)
disaggregated_cost_per_user_hour = replace(
    cost_per_user_hour,
    expression=q.price * _for_users / q.users,
    why="users share the price of their replica, and of the GPUs that read their prompts",
    left_out=_ALWAYS_FULL,
)
cost_per_user_month = Formula(
    q.cost_per_user_month,
    q.cost_per_user_hour * q.month,
    why="a month has this many hours",
    source=_ARTICLE,
)
subscribers = Formula(
    q.subscribers,
    q.users / q.busy_share,
    why="even at the busy hour only a share of the subscribers has a session open",
    source="definition",
)
cost_per_subscriber_month = Formula(
    q.cost_per_subscriber_month,
    q.cost_per_user_month * q.busy_share,
    why="subscribers share the price of the sessions that are open at the busy hour",
    source="definition",
)
replicas = Formula(
    q.replicas,
    Max(ceiling(q.users_demanded / floor(q.users)), q.replicas_for_requests),
    why="a replica carries whole users, and all replicas together the requests",
    source="definition",
    valid=q.users >= 1,
    scope="sessions spread evenly, no spare replica",
    left_out=(Without(q.arrival_rate, q.replicas_for_requests, Integer(0), "only users count"),),
)
replicas_for_requests = Formula(
    q.replicas_for_requests,
    ceiling(q.arrival_rate / q.requests_per_second),
    why="each replica answers so many requests a second when it is always busy",
    source="definition",
    scope="no queue: near this limit requests wait long, so plan for a spare replica",
)
cost_per_request = Formula(
    q.cost_per_request,
    _paid / q.requests_per_second,
    why="what a second of the GPUs costs, over the requests answered in it",
    source="definition",
    scope="GPUs that are always as busy as this batch: where users think, fewer requests come, so "
    "assume busy_as_users, or give utilization",
    left_out=_decode_alone(q.requests_per_second),
)
prompt_cost_share = Formula(
    q.prompt_cost_share,
    q.prefill_time / (q.prefill_time + _answer_time),
    why="a request takes the time of its prompt, and its share of new_tokens steps",
    source="definition",
    scope="by time alone on the GPUs; what chunks hide, prompt and answer save in proportion",
)
cost_per_million_input_tokens = Formula(
    q.cost_per_million_input_tokens,
    q.cost_per_request * q.prompt_cost_share / q.prompt,
    why="the prompt's part of a request's cost, over all tokens of the prompt, cached or not",
    source="definition",
)
cost_per_million_output_tokens = Formula(
    q.cost_per_million_output_tokens,
    q.cost_per_million_tokens * (1 - q.prompt_cost_share),
    why="what is left for an answer's tokens once the input tokens have paid for the prompts",
    source="definition",
    left_out=tuple(
        Without(given, q.prompt_cost_share, Integer(0), "this is decode alone")
        for given in (q.prompt, q.new_tokens)
    ),
)
cost_per_million_tokens = Formula(
    q.cost_per_million_tokens,
    _paid / q.tokens_per_second,
    why="what a second of the GPUs costs, over the tokens made in it",
    source="Erdil 2025, arXiv:2506.04645",
    scope="all costs on the generated tokens, those of prompts too",
    left_out=_decode_alone(q.tokens_per_second),
)
energy_per_token = Formula(
    q.energy_per_token,
    q.power * _powered / q.tokens_per_second,
    why="what the servers draw in a second, over the tokens made in it",
    source="definition",
    scope="at the servers, busy at all times: times pue for the building",
    left_out=_decode_alone(q.tokens_per_second),
)
energy_per_request = Formula(
    q.energy_per_request,
    q.power * _powered / q.requests_per_second,
    why="what the servers draw in a second, over the requests answered in it",
    source="definition",
    scope="at the servers, busy at all times: times pue for the building",
    left_out=_decode_alone(q.requests_per_second),
)
api_cost_per_request = Formula(
    q.api_cost_per_request,
    q.api_input_price * q.prefill_tokens
    + q.api_cached_input_price * (q.prompt - q.prefill_tokens)
    + q.api_output_price * q.new_tokens,
    why="an API counts the tokens of the prompt and of the answer",
    source="definition",
    scope="the API's cache holds as much of the prompt as ours; the same tokenizer",
    left_out=(
        Without(
            q.api_cached_input_price,
            q.api_cached_input_price,
            q.api_input_price,
            "cached tokens cost as much as others",
        ),
    ),
)
break_even_requests_per_second = Formula(
    q.break_even_requests_per_second,
    q.price * _powered / q.api_cost_per_request,
    why="own GPUs cost the same with and without requests, an API asks for each request",
    source="price of the GPUs = requests * api_cost_per_request, solved for the requests",
    scope="the mean over all hours that are paid for; no staff",
)
break_even_load = Formula(
    q.break_even_load,
    q.break_even_requests_per_second / q.requests_per_second,
    why="a replica at less than this share of its capacity costs more than the API",
    source="definition",
    scope="above 1 the API is always cheaper",
    left_out=_decode_alone(q.requests_per_second),
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
    q.capex * q.n_gpus / q.users,
    why="the purchase, shared by the users",
    source=_ARTICLE,
)
disaggregated_capex_per_user = replace(
    capex_per_user, expression=q.capex * _for_users / q.users, left_out=_ALWAYS_FULL
)
effective_price = Formula(
    q.effective_price,
    q.price / q.utilization,
    why="idle hours are paid for, too",
    source="first principles",
)
utilization_of_users = Formula(
    q.utilization,
    q.request_rate / q.requests_per_second,
    why="what the users ask for, over what a batch that is always full could answer",
    source="definition",
    scope="a batch that is given must be able to answer what the users ask for",
)
