"""What requests and tokens cost: by hand, by a loop, and by properties that no number changes."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

import napkin as nk
from napkin.errors import NapkinError
from napkin.formulas import BASE
from napkin.formulas.formula import Formula
from napkin.quantities import notation as q
from napkin.quantities.dimensions import dimension_of
from napkin.quantities.units import parse_unit
from tests.evaluating import compute

# ---------------------------------------------------------------- by hand, from shapes


class ByHand:
    """Costs of a Llama from its shapes, in plain arithmetic."""

    def __init__(
        self, layers: int, model: int, mlp: int, width: float, kv_width: float, **machine: float
    ) -> None:
        head, heads_kv, vocab = 128, 8, 128_256
        block = 2 * model * model + 2 * model * heads_kv * head + 3 * model * mlp + 2 * model
        top = vocab * model
        active = layers * block + model + top  # the embedding is looked up, not read
        gpus, prompt, new = machine["gpus"], machine["prompt"], machine["new"]
        flow, rate = gpus * machine["bandwidth"], gpus * machine["flops"]
        cache = 2 * layers * heads_kv * head * kv_width * machine["context"]
        self.batch = (gpus * machine["memory"] - width * (active + top)) / cache
        step = (width * active + self.batch * cache) / flow
        pairs = prompt * (prompt + 1) / 2
        work = 2 * ((active - top) * prompt + top) + 4 * layers * model * pairs
        self.prefill, self.answer = work / rate, new * step / self.batch
        self.second = gpus * machine["price"] / 3600
        self.prompt, self.new = prompt, new
        self.requests_per_second = 1 / (self.prefill + self.answer)

    @property
    def per_million(self) -> tuple[float, float, float]:
        """Dollars of a million input tokens, output tokens, and tokens with all costs in them."""
        read, written = (1e6 * self.second * time for time in (self.prefill, self.answer))
        return read / self.prompt, written / self.new, (read + written) / self.new


RAG = {"prompt": 12_000, "new": 300, "context": 12_150, "gpus": 1}


@pytest.mark.parametrize(
    ("accelerator", "price", "bandwidth", "flops", "memory", "planned"),
    [
        ("L40S", 1, 864e9, 362.05e12, 48e9, (0.753, 1.28, 0.725)),
        ("H100", 2.5, 3.35e12, 989.4e12, 80e9, (0.408, 0.888, 2.61)),
    ],
)
def test_long_prompts_count(
    accelerator: str, price: float, bandwidth: float, flops: float, memory: float, planned: Any
) -> None:
    machine = {"price": price, "bandwidth": bandwidth, "flops": flops, "memory": memory}
    hand = ByHand(32, 4096, 14_336, 2, 2, **RAG, **machine)
    n = nk.Napkin(
        model="Llama-3.1-8B",
        accelerator=accelerator,
        precision="bf16",
        memory=memory,
        bandwidth=bandwidth,
        peak_flops=flops,
        prompt=12_000,
        new_tokens=300,
        context=12_150,
        price=price,
    )
    _, written, everything = hand.per_million
    assert float(n.cost_per_million_tokens) == pytest.approx(everything, rel=1e-9)
    assert float(n.cost_per_million_output_tokens) == pytest.approx(written, rel=1e-9)
    assert float(n.requests_per_second) == pytest.approx(hand.requests_per_second, rel=1e-9)
    shown = (written, everything, hand.requests_per_second)
    assert shown == pytest.approx(planned, rel=2e-3)


def test_input_and_output_have_prices_of_their_own() -> None:
    machine = {"memory": 0.9 * 80e9 - 4e9, "bandwidth": 0.62 * 3.35e12, "flops": 0.45 * 1978.9e12}
    load = {"prompt": 3000, "new": 1000, "context": 3500, "gpus": 4, "price": 2.5}
    hand = ByHand(80, 8192, 28_672, 1, 1, **machine, **load)
    n = nk.Napkin(
        model="Llama-3-70B",
        precision="fp8",
        bytes_per_kv=1,
        n_gpus=4,
        memory="80 GB",
        usable_memory=0.9,
        reserved_memory="4 GB",
        bandwidth="3.35 TB/s",
        bandwidth_efficiency=0.62,
        peak_flops="1978.9 TFLOP/s",
        compute_efficiency=0.45,
        prompt=3000,
        new_tokens=1000,
        context=3500,
        price="2.5 USD/hour",
    )
    read, written, _ = hand.per_million
    assert (read, written) == pytest.approx((0.110, 0.258), rel=2e-3)
    assert float(n.cost_per_million_input_tokens) == pytest.approx(read, rel=1e-9)
    assert float(n.cost_per_million_output_tokens) == pytest.approx(written, rel=1e-9)
    assert float(n.cost_per_request) == pytest.approx((3000 * read + 1000 * written) / 1e6)


# ------------------------------------------------------------------------- by a loop


@pytest.mark.parametrize(("batch", "new"), [(1, 1), (3, 5), (6, 4), (8, 8)])
def test_a_server_that_runs_pays_what_the_formulas_say(batch: int, new: int) -> None:
    step, prefill, second = Fraction(1, 40), Fraction(3, 50), Fraction(7, 3600)
    left = [1 + place % new for place in range(batch)]  # begun one after the other
    on_prompts = on_steps = requests = tokens = Fraction(0)
    for _ in range(new * 30):
        on_steps += step
        tokens += batch
        left = [one - 1 for one in left]
        for place in range(batch):
            if left[place] == 0:  # done: the next request reads its prompt while others wait
                on_prompts += prefill
                requests += 1
                left[place] = new
    paid = second * (on_prompts + on_steps)
    load = {"batch": batch, "new_tokens": new, "prompt": 9, "price": second * 3600}
    times = {"decode_step_time": step, "prefill_time": prefill, "power": Fraction(6, 5)}
    cost = {
        "cost_per_request": paid / requests,
        "cost_per_million_tokens": paid / tokens,
        "cost_per_million_input_tokens": second * on_prompts / (9 * requests),
        "cost_per_million_output_tokens": second * on_steps / tokens,
        "energy_per_token": 1200 * (on_prompts + on_steps) / tokens,
        "energy_per_request": 1200 * (on_prompts + on_steps) / requests,
    }
    for target, expected in cost.items():
        assert compute(target, **load, **times) == Rational(expected), target


# ---------------------------------------------------------------------- by properties

few = st.integers(1, 500)
some = st.fractions(Fraction(1, 1000), 50, max_denominator=1000)
part = st.fractions(Fraction(1, 100), 1, max_denominator=100)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    variant=st.sampled_from(("prefill_first", "chunked_prefill", "disaggregated")),
    counts=st.fixed_dictionaries({"batch": few, "prompt": few, "new_tokens": few, "n_gpus": few}),
    times=st.fixed_dictionaries(
        {"prefill_time": some, "prefill_compute_time": some, "decode_step_time": some}
    ),
    compute_time=part,
    price=some,
    utilization=part,
)
def test_input_and_output_add_up_to_the_request(
    variant: str,
    counts: dict[str, int],
    times: dict[str, Fraction],
    compute_time: Fraction,
    price: Fraction,
    utilization: Fraction,
) -> None:
    givens = {**counts, **times, "price": price, "utilization": utilization}
    givens |= {"power": Fraction(6, 5), "hit_rate": Fraction(1, 2)}
    givens["decode_compute_time"] = times["decode_step_time"] * compute_time
    whole = compute("cost_per_request", variant, **givens)
    read = compute("cost_per_million_input_tokens", variant, **givens)
    written = compute("cost_per_million_output_tokens", variant, **givens)
    assert counts["prompt"] * read + counts["new_tokens"] * written == whole
    token = compute("cost_per_million_tokens", variant, **givens)
    assert token * counts["new_tokens"] == whole
    busy = compute("cost_per_request", variant, **(givens | {"utilization": 1}))
    replica = Rational(price) / 3600 * counts["n_gpus"]
    requests = compute("requests_per_second", variant, **givens)
    # Idle hours are those of the replica: a pool that reads prompts serves others meanwhile.
    assert whole - busy == replica * (1 / Rational(utilization) - 1) / requests
    kilowatts = Rational(6, 5) * busy / (Rational(price) / 3600)  # energy is paid for by the second
    assert compute("energy_per_request", variant, **givens) == 1000 * kilowatts
    assert compute("energy_per_token", variant, **givens) * counts["new_tokens"] == 1000 * kilowatts


@pytest.mark.parametrize(
    "target",
    [
        q.cost_per_request,
        q.cost_per_million_input_tokens,
        q.cost_per_million_output_tokens,
        q.cost_per_subscriber_month,
        q.energy_per_token,
        q.energy_per_request,
        q.replicas,
        q.replicas_for_requests,
        q.subscribers,
        q.api_cost_per_request,
        q.break_even_requests_per_second,
        q.break_even_load,
    ],
    ids=str,
)
def test_units_hold_with_every_term_left_out(target: Any) -> None:
    formula = BASE[target]
    assert isinstance(formula, Formula)
    formula.check_units()
    for part in formula.left_out:
        shorter = formula.expression.xreplace({part.term: part.value})
        assert dimension_of(shorter) == parse_unit(nk.quantities.quantity.lookup(target).unit)[0]


# ------------------------------------------------------------ what is assumed, and said


def test_utilization_counts_for_tokens_and_not_for_users() -> None:
    n = nk.Napkin(price=1, tokens_per_second=100, new_tokens=10, users=7)
    half = n.assume(utilization=0.5)
    for target in ("cost_per_million_tokens", "cost_per_request"):
        assert float(half[target]) == pytest.approx(2 * float(n[target]))
        assert "utilization = 1  (assumed" in repr(nk.explain(n, target))
    assert half.cost_per_user_month == n.cost_per_user_month
    assert "utilization does not enter" in repr(nk.explain(n, "cost_per_user_hour"))


@pytest.mark.slow
@pytest.mark.parametrize("prompts", ["prefill_first", "chunked_prefill", "disaggregated"])
@pytest.mark.parametrize("idle", ["idle_resident", "idle_recomputed"])
def test_what_users_pay_in_a_month_pays_for_their_requests(prompts: str, idle: str) -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=8150, price=4)
    n = n.assume(prompt=8000, message=200, new_tokens=300, think_time=45, speed_target=20)
    n = n.assume("busy_as_users", prompts, idle)
    asked = float(n.month.to("s")) * float(n.request_rate) / float(n.users)
    assert float(n.cost_per_user_month) == pytest.approx(asked * float(n.cost_per_request))
    usual = n.assume("batch = usual_batch")
    assert (usual.tpot, usual.ttft) == (n.usual_tpot, n.usual_ttft)
    elsewhere = float(usual.ttft) if prompts == "disaggregated" else 0
    writing = float(usual.ttft) - elsewhere + 300 * float(usual.tpot)
    share = writing * float(n.request_rate) / float(n.users)
    assert float(n.usual_batch) == pytest.approx(1 + (float(n.users) - 1) * share)
    assert float(n.usual_active) == pytest.approx(float(n.users) * share)
    turn = float(n.ttft_at_limit) + 300 * float(n.tpot_at_limit) + 45
    assert float(n.turn_period) == pytest.approx(turn)
    own = n.assume(utilization=0.3)
    spared = float(own.price) / 3600 * (1 / 0.3 - 1 / float(n.utilization))
    assert float(own.cost_per_request) - float(n.cost_per_request) == pytest.approx(
        spared / float(n.requests_per_second)
    )


def test_what_users_pay_for_does_not_depend_on_the_batch_in_sight() -> None:
    """A pool that reads prompts is as large as the requests of the users ask for."""
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=8150, price=4)
    n = n.assume(prompt=8000, message=200, new_tokens=300, think_time=45, speed_target=20)
    apart = n.assume("disaggregated", capex=30_000)
    costs = {float(m.cost_per_user_month) for m in (apart, apart.assume(batch=1))}
    assert len(costs) == 1
    readers = float(apart.request_rate) * float(apart.prefill_time)
    assert costs.pop() == pytest.approx(4 * 720 * (1 + readers) / float(apart.users))
    assert float(apart.capex_per_user) == pytest.approx(30_000 * (1 + readers) / float(apart.users))
    assert apart.assume("prefill_first").cost_per_user_month == n.cost_per_user_month


def test_without_the_time_to_think_a_pool_reads_for_a_full_batch() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=8150, price=4)
    apart = n.assume("disaggregated", prompt=8000, new_tokens=300, users=10)
    paid = 4 * 720 * (1 + float(apart.n_gpus_prefill)) / 10
    assert float(apart.cost_per_user_month) == pytest.approx(paid)
    assert "always full" in repr(nk.explain(apart, "cost_per_user_month"))


@pytest.mark.parametrize(
    "target",
    ["cost_per_million_tokens", "cost_per_million_output_tokens", "energy_per_token"],
)
def test_decode_alone_is_said(target: str) -> None:
    n = nk.Napkin(model="Llama-3.1-8B", accelerator="H100", precision="bf16", context=1000, batch=8)
    n = n.assume(price=2, power="1 kW")
    told = repr(nk.explain(n, target, depth=0))
    assert "prompt is not given, so this is decode alone" in told
    assert "new_tokens is not given, so this is decode alone" in told
    full = n.assume(prompt=1000, new_tokens=100)
    assert "decode alone" not in repr(nk.explain(full, target, depth=0))
    assert float(full.cost_per_million_tokens) > float(n.cost_per_million_tokens)


def test_the_power_of_a_board_is_not_taken_for_that_of_a_server() -> None:
    n = nk.Napkin(accelerator="H100", tokens_per_second=1000)
    with pytest.raises(NapkinError, match="power of the board alone"):
        _ = n.energy_per_token
    assert float(n.assume(power="1.3 kW", n_gpus=4).energy_per_token) == pytest.approx(5.2)


# ------------------------------------------------------------- subscribers and replicas


def test_subscribers_share_the_sessions_of_the_busy_hour() -> None:
    n = nk.Napkin(users=40, busy_share=0.05, price="4 USD/hour")
    assert str(n.subscribers) == "800 subscribers"
    assert float(n.cost_per_subscriber_month) == pytest.approx(4 * 720 / 800)
    assert float(n.cost_per_user_month) == pytest.approx(4 * 720 / 40)


@pytest.mark.parametrize(("users", "needed"), [(120.1, 13), (533, 3), (426, 4), (1500, 1)])
def test_replicas_carry_whole_users(users: float, needed: int) -> None:
    assert nk.Napkin(users=users, users_demanded=1500).replicas == needed


@settings(max_examples=60, deadline=None)
@given(users=st.fractions(1, 90), demanded=few, rate=some, each=some)
def test_replicas_are_the_fewest_that_do(
    users: Fraction, demanded: int, rate: Fraction, each: Fraction
) -> None:
    whole, enough, answered = users.numerator // users.denominator, 0, Fraction(0)
    seated = 0
    while seated < demanded:
        seated, enough = seated + whole, enough + 1
    given_users = {"users": users, "users_demanded": demanded}
    assert compute("replicas", **given_users) == enough
    for_requests = 0
    while answered < rate:
        answered, for_requests = answered + each, for_requests + 1
    given_rates = {"arrival_rate": rate, "requests_per_second": each}
    assert compute("replicas_for_requests", **given_rates) == for_requests
    assert compute("replicas", **given_users, **given_rates) == max(enough, for_requests)


def test_a_demand_that_is_not_given_is_asked_for() -> None:
    with pytest.raises(NapkinError, match="replicas_for_requests needs arrival_rate"):
        _ = nk.Napkin(users=3).replicas
    with pytest.raises(NapkinError, match="holds only where users >= 1"):
        _ = nk.Napkin(users=0.5, users_demanded=3).replicas
    n = nk.Napkin(users=3, users_demanded=7)
    assert "arrival_rate is not given, so only users count" in repr(nk.explain(n, "replicas"))


# ------------------------------------------------------------------------ against an API


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(price=some, gpus=few, prompt=few, new=few, hit=part, asked=st.tuples(some, some, some))
def test_at_break_even_both_bills_are_equal(
    price: Fraction, gpus: int, prompt: int, new: int, hit: Fraction, asked: tuple[Fraction, ...]
) -> None:
    names = ("api_input_price", "api_cached_input_price", "api_output_price")
    givens = {"price": price, "n_gpus": gpus, "prompt": prompt, "new_tokens": new}
    givens |= {"utilization": Fraction(1, 2)}  # idle GPUs are paid for as well
    givens |= {"hit_rate": hit, **dict(zip(names, asked, strict=True))}
    requests = compute("break_even_requests_per_second", **givens)
    bill = prompt * ((1 - hit) * asked[0] + hit * asked[1]) + new * asked[2]
    assert requests * Rational(bill) / 10**6 == Rational(price * gpus) / 3600
    fresh = {name: value for name, value in givens.items() if name != "api_cached_input_price"}
    same = givens | {"api_cached_input_price": asked[0]}
    assert compute("api_cost_per_request", **fresh) == compute("api_cost_per_request", **same)
    load = compute("break_even_load", **givens, requests_per_second=3)
    assert load == requests / 3


def test_break_even_with_a_price_list() -> None:
    """3,000 tokens at 0.10 and 1,000 at 0.32 USD a million are 0.00062 USD; 10 USD/h buy 4.48/s."""
    list_price = nk.catalog.api_price("Llama-3.3-70B at DeepInfra")
    n = nk.Napkin(price="2.5 USD/hour", n_gpus=4, prompt=3000, new_tokens=1000, **list_price)
    assert float(n.api_cost_per_request) == pytest.approx(0.00062)
    assert float(n.break_even_requests_per_second) == pytest.approx(10 / 3600 / 0.00062)
    busy = n.assume(requests_per_second=8)
    assert float(busy.break_even_load) == pytest.approx(10 / 3600 / 0.00062 / 8)
