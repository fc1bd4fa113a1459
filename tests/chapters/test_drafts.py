"""Measured runs with and without a draft are taken apart as they were put together."""

import pytest

import drafts


def row(**changed: float) -> dict[str, str]:
    """Write down runs with steps of 8 and 12 ms, pauses of 1 ms a token, 2 tokens per step."""
    times = {"value": 0.009, "drafted": 0.007, "chunk": 0.08, "drafted_chunk": 0.12, "prompt": 900}
    return {name: f"{number}" for name, number in (times | changed).items()}


def test_steps_pauses_and_tokens_come_back() -> None:
    assert drafts.apart(row()) == pytest.approx((1 / 9, 2, 1.5))


@pytest.mark.parametrize("other", [{"prompt": 1_000}, {"chunk": 0.1}])
def test_what_cannot_be_taken_apart_is_left_out(other: dict[str, float]) -> None:
    assert drafts.apart(row(**other)) is None
