"""Ranges as people write them, and what uncertainty makes of them."""

from __future__ import annotations

import pytest

import napkin as nk
from napkin.views.as_code import as_code

QWEN = nk.Napkin(
    model="Qwen3-32B", accelerator="B200", precision="fp8", duty_cycle=0.2, context="4k to 40k"
)


def test_the_worksheet_takes_the_median() -> None:
    assert float(QWEN.context) == pytest.approx((4_000 * 40_000) ** 0.5)
    assert float(QWEN.assume(context="4,000 to 9,000 token").context) == pytest.approx(6_000)
    assert float(nk.Napkin(memory="40 to 90 GB").memory / 60e9) == pytest.approx(1)
    assert nk.Napkin(prompt="1k to 4k").prompt == 2_000  # whole tokens stay whole


def test_nine_of_ten_draws_lie_between_the_ends() -> None:
    n = nk.Napkin(context="4k to 40k", kv_bytes_per_token=1, tokens_kept=1).assume(
        "kv_bytes_per_sequence = kv_bytes_per_token*context"
    )
    found = nk.uncertainty(n, "kv_bytes_per_sequence", samples=100_000)
    assert float(found.p5) == pytest.approx(4_000, rel=0.02)
    assert float(found.p50) == pytest.approx(12_649, rel=0.02)
    assert float(found.p95) == pytest.approx(40_000, rel=0.02)


def test_a_range_of_the_call_replaces_that_of_the_worksheet() -> None:
    wide = nk.uncertainty(QWEN, "users")
    assert nk.uncertainty(QWEN, "users", context="4k to 40k") == wide
    assert nk.uncertainty(QWEN, "users", context="9k to 11k").p95 < wide.p95
    with pytest.raises(nk.NapkinError, match="uncertainty needs ranges"):
        nk.uncertainty(QWEN.assume(context=20_000), "users")


def test_a_range_reads_back() -> None:
    assert "context='4_000 to 40_000'" in as_code(QWEN)
    assert QWEN.assume(context="4_000 to 40_000") == QWEN
    exact = nk.Napkin(memory="81559 MiB to 97871 MiB")
    assert "memory='85_520_809_984 to 102_625_181_696'" in as_code(exact)
    assert "context='4,000 token/sequence to 40,000 token/sequence'" in repr(QWEN)
    assert QWEN.assume(context="4,000 token/sequence to 40,000 token/sequence") == QWEN


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("40k to 4k", "a range rises from a number above 0 to a larger one"),
        ("0 to 5", "a range rises"),
        ("5 to 5", "a range rises"),
        ("a to b", "'a' is not a number"),
        ("4 to 8 GB", "measure different things"),
        ("4k to", "'to' is not a unit"),
    ],
)
def test_what_is_no_range(given: str, message: str) -> None:
    with pytest.raises(nk.NapkinError, match=message):
        QWEN.assume(context=given)


def test_draws_beyond_the_domain_are_refused() -> None:
    with pytest.raises(nk.NapkinError, match="some draws are not"):
        nk.uncertainty(QWEN, "users", duty_cycle="0.5 to 0.99")
