"""What a reader is told: right, the likely slip, or a sentence that helps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import napkin as nk
from napkin.lessons import checks
from napkin.lessons.tour import EXERCISES

NUMBERS = sorted(EXERCISES)


@pytest.fixture(autouse=True)
def _fresh_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_tries", {})


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answer_is_right_in_every_form(number: str) -> None:
    value = EXERCISES[number].answer()
    exact = float(value)
    for answer in (value, exact, np.float64(exact), f"{exact:.6g} {value.unit}", Fraction(exact)):
        feedback = nk.check(number, answer)
        assert feedback.state == "right", (answer, feedback)
        assert EXERCISES[number].right in feedback.text


@pytest.mark.parametrize("number", NUMBERS)
def test_every_slip_gets_its_own_feedback(number: str) -> None:
    said = []
    for slip in EXERCISES[number].slips:
        feedback = nk.check(number, slip.answer())
        assert feedback.state == "wrong"
        assert slip.says in feedback.text
        said.append(slip.says)
    assert len(set(said)) == len(said) >= 2


@pytest.mark.parametrize("number", NUMBERS)
def test_feedback_to_a_wrong_answer_does_not_give_the_right_one(number: str) -> None:
    exercise = EXERCISES[number]
    shown = str(exercise.answer()).split()[0]
    for text in (*(slip.says for slip in exercise.slips), exercise.hint):
        assert shown not in text


def test_a_second_try_gets_a_hint() -> None:
    hint = EXERCISES["0.1"].hint
    assert hint not in nk.check("0.1", 1).text
    assert hint in nk.check("0.1", 2).text


@pytest.mark.parametrize("answer", [None, ...])
def test_an_open_answer_is_said_to_be_open(answer: object) -> None:
    assert nk.check("0.1", answer).state == "open"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("ninety", "should look like"),
        ("", "should look like"),
        ("328 apples", "not a unit"),
        ("3 TB/s", "asks for byte/token"),
        ([327680], "no finite number"),
        ({"a": 1}, "no finite number"),
        (float("nan"), "no finite number"),
        (math.inf, "no finite number"),
        (1j, "no finite number"),
        (True, "no number"),
        (np.array([1.0, 2.0]), "no finite number"),
        (object(), "no finite number"),
        ("9" * 1000, "should look like"),
        (-5, "above zero"),
        (10**12, "far too large"),
        (400_000, "too large"),
        (1, "far too small"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_any_answer_gets_a_sentence(answer: object, says: str) -> None:
    feedback = nk.check("0.1", answer)
    assert feedback.state == "wrong"
    assert says in feedback.text


def test_binary_and_decimal_bytes_are_told_apart() -> None:
    assert nk.check("0.1", "320 KiB").state == "right"
    assert nk.check("0.1", "320 kB").state == "wrong"


@pytest.mark.parametrize("number", ["0.9", "7.1", "tour", ""])
def test_an_unknown_exercise_is_named(number: str) -> None:
    with pytest.raises(nk.NapkinError, match="there is no exercise"):
        nk.check(number, 1)


def test_feedback_shows_as_a_callout() -> None:
    feedback = nk.check("0.1", 327_680)
    assert feedback._repr_markdown_().startswith("> **Check.** Right")
    assert repr(feedback) in feedback._repr_markdown_()
