"""Solving inverts deriving."""

from collections.abc import Callable
from math import log

import pytest
from sympy import Expr, Rational, exp, floor

import napkin as nk
from napkin.errors import NapkinError, NoSolutionError
from napkin.formulas import variants
from napkin.formulas.formula import Formula
from tests import sheets

QWEN = sheets.QWEN.assume(prompt=20_000, new_tokens=300, speed_target=20)
MOE = nk.Napkin(model="DeepSeek-V3", accelerator="H200", n_gpus=8, precision="fp8", context=20_000)

PAIRS = [
    ("users", "context"),
    ("users", "memory"),
    ("users_per_gpu", "bytes_per_kv"),
    ("cost_per_user_month", "price"),
    ("cost_per_user_month", "context"),
    ("cost_per_million_tokens", "bandwidth"),
    ("cost_per_million_tokens", "price"),
    ("decode_step_time", "batch"),
    ("decode_memory_time", "context"),
    ("decode_compute_time", "peak_flops"),
    ("tokens_per_second", "batch"),
    ("tokens_per_second_per_user", "bandwidth"),
    ("kv_budget", "reserved_memory"),
    ("concurrent_sequences", "usable_memory"),
    ("kv_bytes_per_sequence", "d_head"),
    ("n_params", "n_layers"),
    pytest.param("ttft", "prompt", marks=pytest.mark.slow),
    ("largest_batch_at_speed", "speed_target"),
    ("weight_bytes", "bytes_per_weight"),
    ("ridge", "compute_efficiency"),
    ("flops_without_cache", "new_tokens"),
]


@pytest.mark.parametrize(("target", "unknown"), PAIRS)
def test_solve_inverts_derive(target: str, unknown: str) -> None:
    """What the worksheet has for the unknown is among the roots of what it gives."""
    step = target.startswith(("decode", "tokens", "cost_per_million"))
    n = QWEN.assume(batch=10) if step else QWEN
    found = nk.solve(n, unknown, **{target: n[target]})
    assert any(root.value == n[unknown] for root in found), found
    for root in found:
        assert root.how == "exact"
        again = n.assume(**{unknown: root.value})[target]
        assert again == n[target]


@pytest.mark.parametrize(
    ("n", "unknown", "target"),
    [
        (MOE.assume(batch=40), "batch", "decode_memory_time"),
        (MOE.assume(speed_target=30), "speed_target", "largest_batch_at_speed"),
        (
            QWEN.assume(variants.idle_offloaded, variants.erlang, wait_target=0.01),
            "duty_cycle",
            "users",
        ),
    ],
    ids=["experts touched", "Lambert's W", "Erlang"],
)
def test_what_has_no_closed_root_is_bracketed(n: nk.Napkin, unknown: str, target: str) -> None:
    found = nk.solve(n, unknown, **{target: n[target]})
    assert [root.how for root in found] == ["bracketed root"]
    assert float(found[0]) == pytest.approx(float(n[unknown]), rel=1e-7)


def test_both_roots_are_found() -> None:
    """A cost that falls and rises again with the context of a sliding window's prompt."""
    own = nk.quantity("dose", unit="1")
    nk.quantity("response", unit="1", domain="any")
    n = nk.Napkin().assume("response = (dose - 2)*(dose - 5)")
    assert [float(root) for root in nk.solve(n, str(own), response=0)] == [2, 5]
    assert [float(root) for root in nk.solve(n, str(own), response="10")] == [7]


def _answering(answer: Callable[[Expr], Expr]) -> nk.Napkin:
    """Return a worksheet in which a response follows a dose."""
    dose = nk.quantity("dose", unit="1")
    response = nk.quantity("response", unit="1", domain="any")
    return nk.Napkin().assume(Formula(response, answer(dose), why="w", source="s"))


@pytest.mark.parametrize("scale", [Rational(1, 10**9), 1, 10**9])
def test_a_crossing_of_zero_is_a_root_at_any_scale(scale: Expr) -> None:
    (root,) = nk.solve(_answering(lambda dose: scale * (exp(dose) - 5)), "dose", response=0)
    assert float(root) == pytest.approx(log(5), rel=1e-12)


@pytest.mark.parametrize(
    ("answer", "goal"),
    [
        (lambda dose: floor(dose) - Rational(5, 2), 0),
        (lambda dose: (floor(dose) - Rational(5, 2)) / 10**9, 0),  # small, and a jump still
        (lambda dose: floor(exp(20 * dose - 190)), 1.5),  # of millions one point further on
    ],
    ids=["across 0", "small", "steep"],
)
def test_a_jump_is_no_root(answer: Callable[[Expr], Expr], goal: float) -> None:
    with pytest.raises(NoSolutionError, match="no value of dose makes response"):
        nk.solve(_answering(answer), "dose", response=goal)


def test_a_root_that_leaves_no_room_says_so() -> None:
    (root,) = nk.solve(QWEN, "context", kv_bytes_per_sequence="200 GB")
    assert not root.fits  # one cache of 200 GB, on a GPU of 192
    assert "does not fit" in str(root)
    alone = QWEN.assume(variants.disaggregated)
    (root,) = nk.solve(alone, "batch", tokens_per_second=2_600)
    assert float(root) > float(QWEN.concurrent_sequences)
    assert not root.fits
    (root,) = nk.solve(alone, "batch", tokens_per_second=1_000)
    assert root.fits


def test_whole_numbers_are_said_to_be_needed() -> None:
    (root,) = nk.solve(QWEN, "n_gpus", users=300)
    assert "whole numbers only: 4 or 5" in str(root)


@pytest.mark.parametrize(
    ("unknown", "goal", "says"),
    [
        (
            "duty_cycle",
            {"users": 20},
            "no value of duty_cycle makes users 20 users: on the points tried it goes from",
        ),
        ("batch", {"tokens_per_second": 10_000}, "it goes from"),
        ("price", {"users": 30}, "does not depend on price"),
        ("month", {"cost_per_user_hour": 1}, "does not depend on month"),
        ("duty_cycle", {"users": QWEN.users}, "over a whole range of duty_cycle"),
        ("context", {"users": 30, "ttft": 1}, "one target"),
        ("context", {}, "one target"),
        ("contexts", {"users": 3}, "did you mean context"),
        ("context", {"users": "3 GB"}, "users expects user"),
    ],
)
def test_no_root_has_a_reason(unknown: str, goal: dict[str, object], says: str) -> None:
    with pytest.raises(NapkinError, match=says):
        nk.solve(QWEN, unknown, **goal)


@pytest.mark.parametrize("bundle", ["binomial", "erlang"])
def test_places_for_a_number_of_users_by_chance(bundle: str) -> None:
    """The search tries no place at all, too, where not one user can be promised anything."""
    n = nk.Napkin(duty_cycle=0.2, overflow_target=0.01, wait_target=0.01).assume(bundle)
    (root,) = nk.solve(n, "active_limit", users_by_load=n.assume(active_limit=60).users_by_load)
    assert float(root) == pytest.approx(60, rel=0.02)


def test_no_place_is_promised_to_nobody() -> None:
    n = nk.Napkin(active_limit=0.5, duty_cycle=0.2, overflow_target=0.01).assume("binomial")
    with pytest.raises(NapkinError, match="comes out as 0 users"):
        _ = n.users_by_load
