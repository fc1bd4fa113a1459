"""The check of an answer: right and why, or the likely slip, without giving it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sympy import Expr

from ..errors import NapkinError
from ..formulas.formula import latex_of
from ..quantities.table import escaped
from ..quantities.value import Value
from .answers import read_formula, read_number, same_formula
from .exercises import Exercise, exercise
from .verdicts import near, off_formula, off_number

_tries: Final[dict[str, int]] = {}


@dataclass(frozen=True)
class Feedback:
    """What `check` tells a reader."""

    state: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"> **Check.** {escaped(self.text)}"


def check(number: str, answer: Any) -> Feedback:
    """Check an answer to an exercise.

    Parameters
    ----------
    number : str
        The exercise, for example ``"0.1"``.
    answer : number, str, Value, Expr, Formula or None
        The answer: a number in the unit that the question names, text with a unit such
        as ``"26.2 GB"``, or a value of a napkin; where a formula is asked for, an
        expression, also as text; None while it is open.

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
    number = str(number).strip()
    asked = exercise(number)
    if answer is None or answer is Ellipsis:
        return Feedback("open", f"{number} is not answered yet.")
    expected = asked.expected
    try:
        given: Any = (
            read_number(answer, expected.unit)
            if isinstance(expected, Value)
            else read_formula(answer, expected)
        )
    except NapkinError as reason:
        return Feedback("wrong", str(reason))
    right = [expected, *(asked.computed(other) for other in asked.also)]
    if any(_same(given, other, asked) for other in right):
        _tries.pop(number, None)
        return Feedback("right", f"Right: {_shown(expected)}. {asked.right}")
    _tries[number] = _tries.get(number, 0) + 1
    hint = f" Hint: {asked.hint}" if _tries[number] > 1 else ""
    for slip in asked.slips:
        if _same(given, asked.slipped(slip), asked):
            return Feedback("wrong", f"Not yet. {slip.says}{hint}")
    return Feedback("wrong", f"Not yet: {_off(given, expected)}.{hint}")


def _same(given: Any, other: Value | Expr, asked: Exercise) -> bool:
    if isinstance(other, Value):
        return near(given, float(other), asked.tolerance)
    return same_formula(given, other)


def _shown(expected: Value | Expr) -> str:
    return str(expected) if isinstance(expected, Value) else f"${latex_of(expected)}$"


def _off(given: Any, expected: Value | Expr) -> str:
    if isinstance(expected, Value):
        return off_number(given, float(expected), expected.unit)
    return off_formula(given, expected)
