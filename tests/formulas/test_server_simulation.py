"""The worksheet against a server that is simulated step by step.

What is left between them is whole things: the simulation's first token comes with the prompt, so
an answer takes one step less than it has tokens (1 in 200); nobody waits between two tokens for a
prompt of their own (1 of 32 places); and places, sessions and pieces are whole. Together these
are below 1.5 % where prompts are short, and below 3 % where prompts take most of the time.
"""

from dataclasses import replace
from math import ceil, floor
from typing import Any

import numpy as np
import pytest

import napkin as nk
from napkin.formulas.variants import BUNDLES
from tests.formulas.server_simulation import Machine, Policy, Server, Traffic

pytestmark = pytest.mark.slow

SMALL = Machine(
    n_layers=16,
    n_heads=16,
    n_kv_heads=4,
    d_head=64,
    d_model=1024,
    d_ff=4096,
    n_vocab=32_000,
    width=2,
    bandwidth=100e9,
    peak_flops=10e12,
)
BOOK = Traffic(document=7200, turns=1, message=400, answer=200, think=20)
CHATS = Traffic(document=6000, turns=5, message=400, answer=200, think=20)
PLACES = 32
PROMPTS = {"whole": "prefill_first", "pieces": "chunked_prefill", "apart": "disaggregated"}


def sheet(traffic: Traffic, policy: Policy, **more: Any) -> nk.Napkin:
    """Make the napkin of a simulation; its context is the mean while an answer is written."""
    turn = traffic.message + traffic.answer
    prompt = traffic.document + (traffic.turns - 1) * turn / 2 + traffic.message
    shapes = ("n_layers", "n_heads", "n_kv_heads", "d_head", "d_model", "d_ff", "n_vocab")
    givens: dict[str, Any] = {name: getattr(SMALL, name) for name in shapes} | {
        "bytes_per_weight": SMALL.width,
        "bytes_per_kv": SMALL.width,
        "bandwidth": f"{SMALL.bandwidth} B/s",
        "peak_flops": f"{SMALL.peak_flops} FLOP/s",
        "memory": "100 GB",
        "context": prompt + traffic.answer / 2,
        "prompt": prompt,
        "message": traffic.message,
        "new_tokens": traffic.answer,
        "think_time": f"{traffic.think} s",
        "host_memory": "1 TB",
        "host_link_bandwidth": f"{min(policy.link, 20e9)} B/s",
    }
    n = nk.Napkin(**(givens | more))
    return n.assume(BUNDLES[PROMPTS[policy.prompts]], BUNDLES[f"idle_{policy.idle}"])


def saturated(traffic: Traffic, policy: Policy) -> Server:
    """Run a server with more sessions than it can serve: they think little, or are many."""
    return Server(SMALL, traffic, policy, 12 * PLACES).run(3000, 1500)


def pieces(places: int, message: int) -> int:
    """Prompt tokens a step that just keep so many places filled."""
    return ceil(places * message / (BOOK.answer - 1))


POLICIES = [
    Policy("whole", places=PLACES),
    Policy("pieces", places=PLACES, piece=pieces(PLACES, BOOK.message)),
    Policy("apart", places=PLACES),
    Policy("whole", "offloaded", places=PLACES, link=20e9),
    Policy("apart", "offloaded", places=PLACES, link=20e9),
    Policy("whole", "recomputed", places=PLACES),
    Policy("apart", "recomputed", places=PLACES),
]


@pytest.mark.parametrize(
    ("policy", "traffic"),
    [*((policy, BOOK) for policy in POLICIES), (POLICIES[0], CHATS), (POLICIES[5], CHATS)],
    ids=lambda case: f"{case.prompts}-{case.idle}" if isinstance(case, Policy) else str(case.turns),
)
def test_a_full_server(policy: Policy, traffic: Traffic) -> None:
    """Those who do not wait in line are the users that the server can carry."""
    server = saturated(traffic, policy)
    n = sheet(traffic, policy, active_limit=PLACES)
    near = 0.03 if policy.idle == "recomputed" else 0.015
    requests = len(server.done) / server.seconds
    assert float(n.tpot) == pytest.approx(server.mean("per_token"), rel=near)
    assert float(n.requests_per_second) == pytest.approx(requests, rel=0.015)
    assert float(n.tokens_per_second) == pytest.approx(requests * traffic.answer, rel=0.015)
    assert float(n.prompt_share) == pytest.approx(server.reading / server.seconds, rel=0.015)
    if policy.prompts == "apart":
        assert float(n.n_gpus_prefill) == pytest.approx(server.reading / server.seconds, rel=0.015)
    users = len(server.sessions) - server.queued / server.seconds
    assert float(n.users) == pytest.approx(users, rel=near)
    elsewhere = server.reading / server.seconds if policy.prompts == "apart" else 0
    in_place = server.mean_active() - elsewhere
    assert float(n.duty_cycle) == pytest.approx(in_place / users, rel=near)


def test_pieces_that_take_longer_than_reading_the_weights() -> None:
    """Then their work counts, and none of the step's bytes."""
    long = replace(BOOK, message=4000)
    policy = Policy("pieces", places=PLACES, piece=pieces(PLACES, long.message))
    n = sheet(long, policy, active_limit=PLACES)
    assert float(n.tpot) > 1.1 * float(n.decode_step_time)
    server = saturated(long, policy)
    assert float(n.tpot) == pytest.approx(server.mean("per_token"), rel=0.015)


def test_pieces_that_read_their_own_cache_again_take_a_little_longer() -> None:
    """The worksheet's pieces hide perfectly; each real one reads one more cache, of 33."""
    policy = POLICIES[1]
    real = saturated(BOOK, replace(policy, rereads=True)).mean("per_token")
    n = sheet(BOOK, policy, active_limit=PLACES)
    assert float(n.tpot) < real < float(n.assume(active_limit=PLACES + 1.25).tpot)


@pytest.mark.parametrize("prompts", PROMPTS)
def test_the_largest_batch_at_a_speed(prompts: str) -> None:
    low, high = 1, 100
    while high - low > 1:
        places = (low + high) // 2
        piece = pieces(places, BOOK.message) if prompts == "pieces" else 0
        policy = Policy(prompts, places=places, piece=piece)
        server = Server(SMALL, replace(BOOK, think=0.1), policy, 3 * places)
        fast = server.run(4 * places, 4 * places).mean("per_token") <= 1 / 20
        low, high = (places, high) if fast else (low, places)
    found = float(sheet(BOOK, Policy(prompts), speed_target=20).largest_batch_at_speed)
    assert low * 0.99 <= found <= (low + 1) * 1.01


@pytest.mark.parametrize("policy", [p for p in POLICIES if not p.piece], ids=str)
def test_the_longest_wait_for_a_first_token_without_a_queue(policy: Policy) -> None:
    """The worst moment to ask is when a step has just begun; its batch is one place short."""
    n = sheet(BOOK, policy, active_limit=PLACES)
    chance = replace(BOOK, by_chance=True)
    server = Server(SMALL, chance, policy, round(0.9 * float(n.users_by_load))).run(4000, 500)
    longest = max(turn.ttft for turn in server.done if turn.alone)
    assert longest == pytest.approx(float(n.ttft_at_limit), rel=0.04)


@pytest.mark.parametrize("prompts", ["whole", "apart"])
def test_as_many_users_as_fit_are_on_average_as_many_active(prompts: str) -> None:
    policy = Policy(prompts)
    n = sheet(BOOK, policy, speed_target=20)
    server = Server(SMALL, replace(BOOK, by_chance=True), policy, round(float(n.users)))
    server.run(10_000, 1000)
    active = server.mean_active() + server.queued / server.seconds
    assert active == pytest.approx(float(n.active_limit), rel=0.03)
    assert server.share_above(float(n.active_limit)) == pytest.approx(0.5, abs=0.1)
    requests = len(server.done) / server.seconds
    assert requests == pytest.approx(float(n.request_rate), rel=0.03)


@pytest.mark.parametrize("think", [120.0, 30.0])
def test_users_who_think_share_a_short_step_and_pay_for_their_own_requests(think: float) -> None:
    """Few users fit; most of them think, and the few who do not are answered fast."""
    policy, rare = Policy("whole", places=PLACES), replace(CHATS, think=think, by_chance=True)
    n = sheet(rare, policy, active_limit=PLACES, memory="8 GB", price=4)
    assert float(n.users) == float(n.concurrent_sequences) < float(n.users_by_load)
    server = Server(SMALL, rare, policy, round(float(n.users))).run(4000, 500)
    rate = len(server.done) / server.seconds
    assert float(n.request_rate) == pytest.approx(rate, rel=0.02)
    assert float(n.usual_tpot) == pytest.approx(server.mean("per_token"), rel=0.025)
    assert float(n.usual_tpot) < float(n.tpot) / 2.5
    cost = 4 / 3600 / rate
    assert float(n.cost_per_request) < cost / 1.5
    users = n.assume(BUNDLES["busy_as_users"])
    assert float(users.cost_per_request) == pytest.approx(cost, rel=0.02)


def above_by_chance(users: int, places: int, duty_cycle: float) -> float:
    """Share of time in which too many of some independent users are active."""
    random, turns = np.random.default_rng(1), 1000
    at = np.linspace(0.1, 0.9, 20_000) * turns  # a turn takes 1 on average
    active = np.zeros(at.size, int)
    for _ in range(users):
        ends = np.cumsum(random.exponential(1 - duty_cycle, turns) + duty_cycle)
        active += ends[np.searchsorted(ends, at).clip(max=turns - 1)] - at <= duty_cycle
    return float(np.mean(active > places))


@pytest.mark.parametrize("target", [0.05, 0.01])
def test_more_are_active_than_fit_as_rarely_as_was_asked_for(target: float) -> None:
    policy = Policy("whole")
    n = sheet(BOOK, policy, speed_target=20, overflow_target=target)
    n = n.assume(BUNDLES["binomial"])
    users, places, duty_cycle = int(n.users), floor(float(n.active_limit)), float(n.duty_cycle)
    off = 4 * (target / 1000) ** 0.5  # four standard errors of about 1000 independent looks
    assert above_by_chance(users, places, duty_cycle) <= target + off
    assert above_by_chance(users + ceil(0.2 * users), places, duty_cycle) > target + off
    chance = Server(SMALL, replace(BOOK, by_chance=True), policy, users).run(4000, 1000)
    assert chance.share_above(places) <= target  # who meets an emptier server is done sooner


@pytest.mark.parametrize("where", ["resident", "offloaded"])
def test_the_memory_for_idle_caches(where: str) -> None:
    """Every chat holds its cache while its user thinks; pages of 256 waste half of one each."""
    policy, size = Policy("whole", where, places=PLACES), 256 if where == "resident" else 1
    rare = replace(CHATS, think=120.0)
    room = 8e9
    more = {"memory": f"{room} B"} if where == "resident" else {"host_memory": f"{room} B"}
    n = sheet(rare, policy, active_limit=PLACES, block_size=size, **more)
    n = n.assume(BUNDLES["paged"])
    if where == "resident":
        room -= SMALL.width * (SMALL.weights + 2 * SMALL.head)
    for share, fits in ((0.95, True), (1.05, False)):
        sessions = round(share * float(n.users))
        pages = Server(SMALL, rare, policy, sessions).run(200, 200).pages(size)
        assert (np.array(pages) * size * SMALL.token_bytes < room).all() == fits


def test_the_link_to_the_host() -> None:
    """Below the limit caches come at once, above it they wait for each other.

    Users think long: the worksheet takes the turn of a full server, and this one is nearly empty.
    """
    rare = replace(BOOK, document=8000, message=20, answer=180, think=600.0)
    policy = Policy("whole", "offloaded", places=PLACES, link=20e6)
    n = sheet(rare, policy, active_limit=PLACES)
    assert float(n.users) == float(n.users_by_host_link) < float(n.users_by_load)
    for share, fits in ((0.95, True), (1.05, False)):
        sessions = round(share * float(n.users))
        server = Server(SMALL, rare, policy, sessions).run(300, 300)
        assert server.sending / server.seconds == pytest.approx(min(share, 1), rel=0.03)
        assert (server.mean("ttft") < 1.05 * float(n.ttft_at_limit)) == fits
