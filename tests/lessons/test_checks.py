"""What a reader is told: right, the likely slip, or a sentence that helps."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from sympy import Eq, Expr, Symbol

import napkin as nk
from napkin.lessons import Exercise, chapters, checks, exercise
from napkin.quantities.notation import bandwidth, drain_time, memory, n_layers
from napkin.quantities.value import Value

NUMBERS = [number for found in chapters().values() for number in found]
IN_NUMBERS = [number for number in NUMBERS if exercise(number).kind == "number"]
IN_FORMULAS = [number for number in NUMBERS if exercise(number).kind == "formula"]


@pytest.fixture(autouse=True)
def _fresh_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_tries", {})


@pytest.mark.parametrize("number", IN_NUMBERS)
def test_a_right_number_is_right_in_every_form(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exercise, "computed", cache(Exercise.computed))  # once for all forms
    value = exercise(number).expected
    assert isinstance(value, Value)
    exact = float(value)
    for answer in (value, exact, np.float64(exact), f"{exact:.6f} {value.unit}", Fraction(exact)):
        feedback = nk.check(number, answer)
        assert feedback.state == "right", (answer, feedback)
        assert exercise(number).right in feedback.text


@pytest.mark.parametrize("number", IN_FORMULAS)
def test_a_right_formula_is_right_in_every_form(number: str) -> None:
    expected = exercise(number).expected
    assert isinstance(expected, Expr)
    target = Symbol("what_is_asked")
    for answer in (expected, str(expected), expected.expand(), Eq(target, expected)):
        feedback = nk.check(number, answer)
        assert feedback.state == "right", (answer, feedback)
        assert exercise(number).right in feedback.text


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_every_slip_gets_its_own_feedback(number: str) -> None:
    asked = exercise(number)
    for slip in asked.slips:
        feedback = nk.check(number, asked.slipped(slip))
        assert feedback.state == "wrong", slip
        assert [other for other in asked.slips if other.says in feedback.text] == [slip]


@pytest.mark.slow
def test_feedback_to_a_wrong_answer_does_not_give_the_right_one() -> None:
    for number in NUMBERS:
        asked = exercise(number)
        assert len(asked.slips) >= 2, number
        shown = str(asked.expected)
        shown = shown.split()[0] if asked.kind == "number" else shown
        for text in (*(slip.says for slip in asked.slips), asked.hint):
            assert shown not in text.split(), number


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_a_second_try_gets_a_hint(number: str) -> None:
    asked = exercise(number)
    wrong = asked.slipped(asked.slips[0])
    assert asked.hint not in nk.check(number, wrong).text
    assert asked.hint in nk.check(number, wrong).text


@pytest.mark.parametrize("answer", [None, ...])
def test_an_open_answer_is_said_to_be_open(answer: object) -> None:
    assert [number for number in NUMBERS if nk.check(number, answer).state != "open"] == []


ODD = [
    *("ninety", "", "328 apples", "3 furlong/s", "x = ", "__import__('os')", "9" * 1000),
    *([1, 2], {"a": 1}, float("nan"), math.inf, 1j, True, object(), np.array([1.0, 2.0])),
    *(Symbol("unknown"), Symbol("unknown") + n_layers, nk.formulas.dollars.cost_per_user_hour),
]


def check_that_a_sentence_says_wrong(number: str, answer: object) -> None:
    feedback = nk.check(number, answer)
    assert feedback.state == "wrong", (number, answer)
    assert len(feedback.text.split()) > 3, (number, answer)


@pytest.mark.parametrize("number", [IN_NUMBERS[0], IN_FORMULAS[0]])
@pytest.mark.parametrize("answer", ODD, ids=lambda case: type(case).__name__)
def test_any_answer_gets_a_sentence(number: str, answer: object) -> None:
    check_that_a_sentence_says_wrong(number, answer)


@pytest.mark.slow
def test_every_exercise_has_a_sentence_for_what_is_no_answer() -> None:
    for number in NUMBERS:
        for answer in ("ninety", [1, 2], Symbol("unknown")):
            check_that_a_sentence_says_wrong(number, answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("ninety", "is not a number with a unit. Answer with a number, or with its unit"),
        ("328 apples", "not a unit"),
        ("3 TB/s", "asks for byte/token"),
        ([1, 2], "no finite number"),
        (float("nan"), "no finite number"),
        (True, "no number"),
        (memory / bandwidth, "asks for a number"),
        (nk.formulas.hardware.drain_time, "asks for a number"),
        (-5, "above zero"),
        (328, "check the prefix (a bare number counts as byte/token)"),
        ("328 MB/token", "off by thousands"),
        ("315 kB/token", "near: give three digits"),
        ("328 KiB/token", "off as GiB are from GB"),
        (1 / 327_680, "upside down"),
        (3e12, "far too large"),
        (400_000, "too large"),
        (1, "far too small"),
        (32_768_000, "far too large"),  # a hundred times, but no share
    ],
    ids=lambda case: type(case).__name__,
)
def test_what_is_wrong_with_a_number_is_said(answer: object, says: str) -> None:
    assert says in nk.check("0.1", answer).text


Ask = Callable[[Exercise, object], checks.Feedback]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Check an answer to an exercise that no chapter has."""

    def said(asked: Exercise, answer: object) -> checks.Feedback:
        monkeypatch.setattr(checks, "exercise", lambda number: asked)
        return nk.check("1.9", answer)

    return said


DRAIN = Exercise("memory / bandwidth", "It is.", "Think.", kind="formula")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("memory / ", "no expression"),
        (22.5, "That is a number: 22.5. The question asks for a formula in `bandwidth`, `memory`"),
        (Symbol("M") / Symbol("W"), "In formulas `M` is printed for `memory`"),
        ("M / W", "In formulas `M` is printed for `memory`"),
        (Symbol("size") / bandwidth, "`size` is no symbol of the book"),
        (Eq(memory / bandwidth, 2 * drain_time), "That is an equation: solve it"),
        (memory / bandwidth / nk.notation.flops_per_mac, "does not depend on `flops_per_mac`"),
        (memory / bandwidth * n_layers, "does not depend on `n_layers`"),
        ([memory / bandwidth], "Right"),
        (memory / bandwidth / 3 * 2.667, "constant factor"),
        ("memory÷bandwidth", "Right"),
        ("time = memory/bandwidth", "Right"),
        (drain_time, "has `drain_time` in it: put in what that stands for"),
        (memory * bandwidth, "should be in second"),
        (memory + bandwidth, "units do not go together"),
        (2 * memory / bandwidth, "constant factor"),
        ((memory**2 + memory**2 / 3) / bandwidth / memory, "constant factor"),
        (1 / bandwidth, "should be in second"),
        (Eq(drain_time, memory / bandwidth), "Right"),
        ("drain_time = memory / bandwidth", "Right"),
        (nk.formulas.hardware.drain_time, "Right"),
        (1.0 * memory / bandwidth, "Right"),
        (Symbol("memory") / Symbol("bandwidth"), "Right"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_formula_is_said(answer: object, says: str, ask: Ask) -> None:
    assert says in ask(DRAIN, answer).text


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (8 / 3 * memory, 8 * memory / 3),
        (2.667 * memory, 8 * memory / 3),
        (0.5 * memory, memory / 2),
        (2 * memory, nk.notation.flops_per_mac * memory),
    ],
    ids=str,
)
def test_a_float_means_the_fraction_near_it(given: Expr, meant: Expr, ask: Ask) -> None:
    asked = Exercise(str(meant), "It is.", "Think.", kind="formula")
    assert ask(asked, given).state == "right"


SHARE = Exercise("bandwidth_efficiency * 4 / 5", "It is.", "Think.")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("80%", "Right"),
        ("80 percent", "Right"),
        ("0.8 times", "Right"),
        ("4/5", "Right"),
        ("share = 0.8", "Right"),
        (Eq(memory, 0.8), "Right"),
        ([0.8], "Right"),
        (80, "right in percent"),
        (81, "right in percent"),
        (83, "far too large"),
        ("0.8 users", "asks for a plain number"),
        (1.25, "upside down"),
    ],
    ids=str,
)
def test_a_share_may_be_written_as_people_do(answer: object, says: str, ask: Ask) -> None:
    assert says in ask(SHARE, answer).text


@pytest.mark.parametrize(
    "answer", ["41.9 million", "41943040 parameters", "41,943,040", "0.0419 billion"]
)
def test_a_count_may_be_written_as_the_book_does(answer: str, ask: Ask) -> None:
    asked = Exercise(
        "n_layers * 41943040", "It is.", "Think.", worksheet={"givens": {"n_layers": 1}}
    )
    assert ask(asked, answer).state == "right"


def test_stars_of_an_answer_stay_stars_in_a_notebook(ask: Ask) -> None:
    assert r"memory\*bandwidth" not in str(ask(SHARE, memory * bandwidth))
    assert r"bandwidth\*memory is a formula" in ask(SHARE, memory * bandwidth)._repr_markdown_()


def test_an_unquoted_number_of_an_exercise_is_understood() -> None:
    unquoted: Any = 0.1
    assert nk.check(unquoted, None).state == nk.check(" 0.1 ", None).state == "open"


def test_binary_and_decimal_bytes_are_told_apart() -> None:
    assert nk.check("0.1", "320 KiB").state == "right"
    assert nk.check("0.1", "320 kB").state == "wrong"


@pytest.mark.parametrize("number", ["0.9", "77.1", "tour", ""])
def test_an_unknown_exercise_is_named(number: str) -> None:
    with pytest.raises(nk.NapkinError, match="there is no exercise"):
        nk.check(number, 1)


def test_feedback_shows_as_a_callout() -> None:
    feedback = nk.check("0.1", 327_680)
    assert feedback._repr_markdown_().startswith("> **Check.** Right")
    assert repr(feedback) in feedback._repr_markdown_()
