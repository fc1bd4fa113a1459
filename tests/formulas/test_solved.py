"""What is solved from the formulas that hold, against the same solved by hand."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import lambertw, log, mp, mpf
from sympy import Add, Integer, Max, Min, Rational, Symbol, true

import napkin as nk
from napkin.errors import DoesNotFitError
from napkin.formulas.formula import Elsewhere, latex_of
from napkin.formulas.roots import Largest, bound_of, largest_at_most
from napkin.quantities import notation as q
from napkin.worksheet.evaluation import number
from tests.sheets import QWEN

mp.dps = 40
CHAT = QWEN.assume(speed_target=20)
ONE_WIDTH = {"bytes_per_weight": 1, "kv_copies": 1, "all_reduce_time": 0}  # as by hand
EXPERTS = CHAT.assume(model="DeepSeek-V3", n_gpus=8, **ONE_WIDTH)
WINDOWS = CHAT.assume(model="gpt-oss-120b", **ONE_WIDTH)
OVERHEADS = {"n_kernels": 500, "kernel_launch_time": "2 us", "host_time": "1 ms"}
ROOT = EXPERTS.formulas[q.largest_batch_at_speed].expression


class Hand:
    """A step solved by hand for its batch, in plain numbers of coherent units."""

    def __init__(self, n: nk.Napkin, step_time: Any = None) -> None:
        self.n = n
        self.step_time = 1 / self("speed_target") if step_time is None else mpf(step_time)
        self.flow = self("n_gpus") * self("bandwidth") * self("bandwidth_efficiency")
        self.rate = self("n_gpus") * self("peak_flops") * self("compute_efficiency")

    def __call__(self, name: str) -> Any:
        symbol = nk.notation.__dict__[name]
        exact = Rational(self.n.values(symbol)[symbol])
        return mpf(exact.p) / exact.q

    def by_memory(self) -> Any:
        """What memory reads in that time, less the weights, is there for caches."""
        room = self.flow * self.step_time - self("weight_bytes_read")
        return room / self("kv_bytes_per_sequence")

    def by_memory_with_experts(self) -> Any:
        """Linear plus exponential: Lambert's W."""
        each = self("bytes_per_weight") * self("n_layers_moe") * self("expert_params")
        routed = each * self("n_experts")
        always = self("bytes_per_weight") * self("n_params_active")
        always -= each * self("n_experts_active")
        cache = self("kv_bytes_per_sequence")
        miss = 1 - self("n_experts_active") / self("n_experts")
        left = (self.flow * self.step_time - always - routed) / cache
        decay = -log(miss)
        return left + lambertw(decay * routed / cache * miss**left).real / decay

    def by_compute(self) -> Any:
        return self.rate * self.step_time / self("sequence_step_flops")

    def by_cache_and_work(self) -> Any:
        """A sequence takes the time of its cache, and then the time of its work."""
        cache = self("kv_bytes_per_sequence") / self.flow
        return self.step_time / (cache + self("weight_flops") / self.rate)


def dense(n: nk.Napkin, step_time: Any = None) -> Any:
    hand = Hand(n, step_time)
    return min(hand.by_memory(), hand.by_compute())


def with_experts(n: nk.Napkin, step_time: Any = None) -> Any:
    hand = Hand(n, step_time)
    return min(hand.by_memory_with_experts(), hand.by_compute())


def apart(n: nk.Napkin) -> Any:
    hand = Hand(n)
    return min(hand.by_memory(), hand.by_cache_and_work())


def apart_with_experts(n: nk.Napkin) -> Any:
    hand = Hand(n)
    return min(hand.by_memory_with_experts(), hand.by_cache_and_work())


OWN_STEP = "decode_step_time = 2*Max(decode_memory_time, decode_compute_time)"
MS = Rational(1, 1000)
LARGEST: dict[str, tuple[nk.Napkin, Any, Any]] = {
    "dense": (CHAT, dense, None),
    "dense, by compute": (CHAT.assume(compute_efficiency=0.001), dense, None),
    "windowed layers and experts": (WINDOWS, with_experts, None),
    "windowed layers": (CHAT.assume(n_layers_window=48, window=1000), dense, None),
    "experts": (EXPERTS, with_experts, None),
    "experts, few sequences": (EXPERTS.assume(speed_target=400, n_gpus=16), with_experts, None),
    "experts, by compute": (EXPERTS.assume(compute_efficiency=0.01), with_experts, None),
    "states": (CHAT.assume(model="Qwen3-Next-80B-A3B"), with_experts, None),
    "attention apart": (CHAT.assume(nk.variants.attention_apart), apart, None),
    "attention apart, experts": (
        EXPERTS.assume(nk.variants.attention_apart),
        apart_with_experts,
        None,
    ),
    "overheads": (CHAT.assume(nk.variants.with_overheads, **OVERHEADS), dense, 49 * MS),
    "overheads, experts": (
        EXPERTS.assume(nk.variants.with_overheads, **OVERHEADS),
        with_experts,
        49 * MS,
    ),
    "a step of one's own": (CHAT.assume(OWN_STEP), dense, 25 * MS),
    "a step of one's own, experts": (EXPERTS.assume(OWN_STEP), with_experts, 25 * MS),
    "weights read are given": (CHAT.assume(weight_bytes_read="10 GB"), dense, None),
    "weights read are given, experts": (EXPERTS.assume(weight_bytes_read="90 GB"), dense, None),
    "a speed of one's own": (
        CHAT.assume("tpot = decode_step_time/2 + host_time", host_time="10 ms"),
        dense,
        80 * MS,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_largest_batch_is_what_it_was_by_hand(name: str) -> None:
    n, by_hand, step_time = LARGEST[name]
    known = n.assume(batch=1)  # no room is asked for, and no batch counts
    expected = by_hand(n) if step_time is None else by_hand(n, mpf(step_time.p) / step_time.q)
    for sheet in (n, known):
        found = sheet.values("largest_batch_at_speed")[q.largest_batch_at_speed]
        assert abs(mpf(str(found.evalf(40))) / expected - 1) < mpf(10) ** -25


def test_launches_that_take_the_whole_step_leave_no_batch() -> None:
    slow = CHAT.assume(nk.variants.with_overheads, **(OVERHEADS | {"n_kernels": 25_000}))
    with pytest.raises(DoesNotFitError, match="no sequence reaches the speed asked for"):
        _ = slow.largest_batch_at_speed
    fast = CHAT.assume(nk.variants.with_overheads, **(OVERHEADS | {"n_kernels": 24_500}))
    assert (
        fast.largest_batch_at_speed
        == CHAT.assume(nk.variants.with_overheads, **OVERHEADS).largest_batch_at_speed
    )


def test_a_step_time_that_is_given_does_not_limit_the_batch_or_forbids_it() -> None:
    """However many there are, each waits 10 ms: enough at 50 token/s, too long at 200."""
    held = CHAT.assume(tpot="10 ms", speed_target=50)
    assert held.active_limit == held.concurrent_sequences
    assert str(held.largest_batch_at_speed) == "unlimited sequences"
    with pytest.raises(DoesNotFitError, match="no sequence reaches the speed asked for"):
        _ = held.assume(speed_target=200).active_limit


@pytest.mark.parametrize("n", [CHAT, WINDOWS.assume(context=100)], ids=["dense", "experts"])
def test_batch_whose_caches_weigh_as_much_as_the_weights(n: nk.Napkin) -> None:
    batch = n.batch_cache_equals_weights.number
    there = n.assume(batch=batch, n_gpus=64)
    cache = batch * there.kv_bytes_per_sequence
    assert float(cache / there.weight_bytes_read) == pytest.approx(1, rel=1e-12)


def test_critical_batches_by_hand() -> None:
    hand = Hand(QWEN.assume(speed_target=20))
    ridge = hand.rate / hand.flow
    width = hand("bytes_per_weight")
    assert QWEN.critical_batch.number == Rational(str(ridge * width / 2))
    n = QWEN.assume(inner=5120, columns=25_600, bytes_per_output=2)
    elements = 5120 * 25_600
    expected = ridge * width * elements / (2 * elements - ridge * (5120 + 2 * 25_600))
    assert float(n.critical_batch_exact) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("context", [1, 100, 400])
def test_critical_batch_at_a_context_by_hand(context: int) -> None:
    hand = Hand(CHAT.assume(context=context))
    over = hand("sequence_step_flops") * hand.flow / hand.rate - hand("kv_bytes_per_sequence")
    found = hand.n.critical_batch_at_context
    assert float(found) == pytest.approx(float(hand("weight_bytes_read") / over), rel=1e-12)
    there = hand.n.assume(batch=found.number, speed_target=1)
    assert float(there.decode_memory_time / there.decode_compute_time) == pytest.approx(1)


def test_contexts_that_tie_by_hand() -> None:
    hand = Hand(CHAT)
    work, cache = hand("attention_flops_per_token"), hand("kv_bytes_per_token")
    expected = hand("weight_flops") * hand.flow / (hand.rate * cache - work * hand.flow)
    assert float(CHAT.context_never_compute_bound) == pytest.approx(float(expected), rel=1e-12)
    equal = hand("weight_flops") / work
    assert float(CHAT.context_attention_equals_weights) == pytest.approx(float(equal), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("n", [CHAT, EXPERTS, WINDOWS], ids=["dense", "experts", "windows"])
@given(
    speed=st.integers(1, 150),
    context=st.integers(1, 100_000),
    batch=st.none() | st.integers(1, 500),
)
@settings(max_examples=25)
def test_at_the_largest_batch_a_user_sees_the_speed(
    n: nk.Napkin, speed: int, context: int, batch: int | None
) -> None:
    moved = n.assume(speed_target=speed, context=context)
    if batch:
        moved = moved.assume(batch=batch)
    try:
        largest = moved.values("largest_batch_at_speed")[q.largest_batch_at_speed]
    except DoesNotFitError:
        assume(False)
    seen = moved.function("tokens_per_second_per_user", "batch")
    assert float(seen(float(largest))) == pytest.approx(speed, rel=1e-9)


# ------------------------------------------------------------------- the root itself


def test_only_experts_need_a_root() -> None:
    assert not CHAT.formulas[q.largest_batch_at_speed].expression.has(Largest)
    assert isinstance(ROOT, Largest)
    assert q.batch not in ROOT.free_symbols


def test_a_root_goes_through_a_pickle() -> None:
    again = pickle.loads(pickle.dumps(ROOT))
    assert again == ROOT
    assert hash(again) == hash(ROOT)
    assert ROOT.func(*ROOT.args) == ROOT
    assert ROOT.xreplace({q.speed_target: Integer(20)}) != ROOT
    assert pickle.loads(pickle.dumps(EXPERTS)).largest_batch_at_speed == (
        EXPERTS.largest_batch_at_speed
    )


def test_a_root_does_not_see_a_batch() -> None:
    assert ROOT.xreplace({q.batch: Integer(3)}) == ROOT
    assert ROOT.subs(q.batch, 3) == ROOT


def test_a_root_of_a_quadratic() -> None:
    x = bound_of(q.batch)
    root = Largest(x, x + x**2, q.context)
    assert abs(root.xreplace({q.context: Integer(6)}).evalf(30) - 2) < Rational(1, 10**28)
    slope = root.diff(q.context)
    assert abs(slope.xreplace({q.context: Integer(6)}).evalf(20) - Rational(1, 5)) < 1e-15
    assert root.diff(q.batch) == 0
    assert Largest(x, x, q.context).xreplace({q.context: Integer(0)}).evalf() == 0
    assert Largest(x, 1 / x, q.context).xreplace({q.context: Integer(1)}).evalf().is_infinite


def test_a_slope_holds_its_root_once() -> None:
    """A copy in each Max made SymPy compare long sums, for minutes on a server with drafts."""
    slope = ROOT.diff(q.speed_target)
    assert slope.count(Largest) == 1
    assert number(slope, EXPERTS.values("largest_batch_at_speed")) < 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["speed_target", "bandwidth", "context", "n_gpus"])
def test_slope_of_a_root_is_its_finite_difference(name: str) -> None:
    symbol: Symbol = nk.notation.__dict__[name]
    form = EXPERTS.derive("largest_batch_at_speed")
    point = {s: EXPERTS.values(s)[s] for s in form.free_symbols}
    step = point[symbol] / 10**6
    high, low = (
        form.xreplace(point | {symbol: point[symbol] + d}).evalf(30) for d in (step, -step)
    )
    slope = number(form.diff(symbol), point)
    assert float(slope) == pytest.approx(float((high - low) / (2 * step)), rel=1e-6)
    assert float(slope) != 0


def test_a_root_is_shown() -> None:
    x = bound_of(q.batch)
    root = Largest(x, x * q.tpot + q.ttft, 1 / q.speed_target)
    shown = latex_of(root)
    assert shown.startswith(r"\max\left\{B ") and r"\le \frac{1}{x^{*}}" in shown
    assert "batch" not in shown and "tpot" not in shown.replace(r"\mathrm{tpot}", "")
    assert str(root) == "Largest(batch_, batch_*tpot + ttft <= 1/speed_target)"


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (2 * q.batch + 3, q.context, (q.context - 3) / 2),
        (Max(q.batch, 3 * q.batch - 4), Integer(5), Integer(3)),
        (2 * Max(q.batch, 7) + q.batch, Integer(20), Min(Integer(6), Rational(20, 3))),
        (Add(q.batch, -Min(q.batch / 2, 4)), Integer(3), Integer(6)),
        (Add(q.batch, -Min(q.batch / 2, 4)), Integer(9), Integer(13)),
    ],
)
def test_piecewise_linear_sides_have_a_closed_form(left: Any, right: Any, expected: Any) -> None:
    found, holds = largest_at_most(q.batch, left, right)
    assert not found.has(Largest)
    assert holds is true
    assert (found - expected).simplify() == 0


# --------------------------------------------------------------------------- elsewhere

FULL = Elsewhere(
    q.roofline_time, q.tpot, q.batch, q.active_limit, why="the server is full", source="s"
)


@pytest.mark.parametrize("n", [CHAT, EXPERTS, QWEN], ids=["dense", "experts", "memory"])
def test_what_is_elsewhere_does_not_see_a_batch(n: nk.Napkin) -> None:
    full = n.assume(FULL)
    assert float(full.roofline_time) == pytest.approx(float(n.tpot), rel=1e-15)
    for batch in (1, 2, 17):
        here = full.assume(batch=batch)
        assert here.tpot < here.roofline_time
        assert here.roofline_time == full.roofline_time
    assert pickle.loads(pickle.dumps(full)).roofline_time == full.roofline_time


def test_what_is_elsewhere_follows_the_formulas_that_hold() -> None:
    twice = CHAT.assume(FULL, OWN_STEP, batch=1)
    assert twice.roofline_time == CHAT.assume(OWN_STEP).tpot
    assert CHAT.assume(FULL, tpot="10 ms", batch=1).roofline_time == CHAT.tpot


def test_what_is_elsewhere_takes_a_given_where_there_is_no_formula_to_compute() -> None:
    assert nk.Napkin(tpot="10 ms", active_limit=3).assume(FULL).roofline_time.number == 10 * MS
