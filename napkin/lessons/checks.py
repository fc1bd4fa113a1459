"""The check of an answer: right and why, or the likely slip, without giving it away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from typing import Any, Final

from ..conversion import conversion
from ..errors import NapkinError, UnitError, unknown
from ..value import Value, exact_number, parse_text

_TOLERANCE: Final = 0.01
_CHAPTERS: Final = {"0": "tour"}
_tries: Final[dict[str, int]] = {}


@dataclass(frozen=True)
class Slip:
    """A wrong answer that people give, and what to tell them.

    Parameters
    ----------
    answer : callable
        Computes the wrong answer, in the exercise's unit.
    says : str
        The likely slip, in one sentence that does not give the answer.
    """

    answer: Callable[[], Value]
    says: str


@dataclass(frozen=True)
class Exercise:
    """A question with a number for an answer.

    Parameters
    ----------
    answer : callable
        Computes the answer, a `Value`.
    right : str
        Why it is right.
    hint : str
        What a second wrong try is told.
    slips : tuple of Slip
        Wrong answers that are recognized.
    also : tuple of callable
        Other answers that are right, such as whole ones.
    tolerance : float
        Relative error that still counts as right.
    """

    answer: Callable[[], Value]
    right: str
    hint: str
    slips: tuple[Slip, ...] = ()
    also: tuple[Callable[[], Value], ...] = ()
    tolerance: float = _TOLERANCE


@dataclass(frozen=True)
class Feedback:
    """What `check` tells a reader.

    Parameters
    ----------
    state : str
        ``"open"``, ``"right"`` or ``"wrong"``.
    text : str
        One or two sentences.
    """

    state: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"> **Check.** {self.text}"


def check(number: str, answer: Any) -> Feedback:
    """Check an answer to an exercise.

    Parameters
    ----------
    number : str
        The exercise, for example ``"0.1"``.
    answer : number, str, Value or None
        The answer: a number in the unit that the question names, text with a unit such
        as ``"26.2 GB"``, or a value of a napkin; None while it is open.

    Returns
    -------
    Feedback
        Whether it is right and why, or what the likely slip is. It never raises for an
        answer, whatever that is.

    Raises
    ------
    UnknownNameError
        If there is no exercise of that number.
    """
    exercise = _exercise(number)
    if answer is None or answer is Ellipsis:
        return Feedback("open", f"{number} is not answered yet.")
    expected = exercise.answer()
    try:
        given = _in_unit(answer, expected.unit)
    except NapkinError as reason:
        return Feedback("wrong", str(reason))
    right = [expected, *(other() for other in exercise.also)]
    if any(_near(given, float(value), exercise.tolerance) for value in right):
        _tries.pop(number, None)
        return Feedback("right", f"Right: {expected}. {exercise.right}")
    _tries[number] = _tries.get(number, 0) + 1
    hint = f" Hint: {exercise.hint}" if _tries[number] > 1 else ""
    for slip in exercise.slips:
        if _near(given, float(slip.answer()), exercise.tolerance):
            return Feedback("wrong", f"Not yet. {slip.says}{hint}")
    return Feedback("wrong", f"Not yet: {_direction(given, float(expected))}.{hint}")


def _exercise(number: str) -> Exercise:
    chapter = str(number).split(".", maxsplit=1)[0]
    if chapter not in _CHAPTERS:
        raise unknown("exercise", number, [f"{name}.1" for name in _CHAPTERS])
    exercises: dict[str, Exercise] = import_module(f".{_CHAPTERS[chapter]}", __package__).EXERCISES
    if number not in exercises:
        raise unknown("exercise", number, exercises)
    return exercises[number]


def _in_unit(answer: Any, unit: str) -> float:
    """Return an answer as a number in `unit`; a bare number is taken to be in it."""
    named = "a plain number" if unit == "1" else f"{unit}"
    if isinstance(answer, bool):
        raise UnitError(f"{answer} is no number: answer with {named}.")
    value = parse_text(answer) if isinstance(answer, str) else answer
    if isinstance(value, Value):
        if value.unit != "1" or not isinstance(answer, str):
            try:
                return float(value.number * conversion(value.unit, unit))
            except UnitError:
                raise UnitError(
                    f"{answer} is in {value.unit}, but the question asks for {named}."
                ) from None
        value = value.number
    try:
        number = float(exact_number(value))
    except (NapkinError, TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number):
        raise UnitError(
            f"{answer!r} is no finite number: answer with {named}, as a number or as text "
            f"with its unit."
        )
    return number


def _near(given: float, expected: float, tolerance: float) -> bool:
    return abs(given - expected) <= tolerance * abs(expected)


def _direction(given: float, expected: float) -> str:
    if given <= 0 < expected:
        return "the answer is above zero"
    ratio = given / expected if expected else float("inf")
    size = "far too" if not 0.1 < ratio < 10 else "too"
    return f"that is {size} {'large' if ratio > 1 else 'small'}"
