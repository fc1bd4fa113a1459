"""Exercises as data: a question to a worksheet, and the slips that people make."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from sympy import Expr

from ..errors import ConfigError, unknown
from ..quantities.value import Value
from ..worksheet.napkin import ask
from ..worksheet.parse import parse_expression

_TOLERANCE: Final = 0.01


@dataclass(frozen=True)
class Slip:
    """A wrong answer that people give, and what to tell them.

    Parameters
    ----------
    says : str
        The likely slip, in a sentence that does not give the answer.
    answer : str
        The expression that they computed; the exercise's own if empty.
    over : mapping
        What they put into the worksheet, as in `napkin.calls.worksheet`.
    """

    says: str
    answer: str = ""
    over: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Exercise:
    """A question with a number or a formula for an answer.

    Parameters
    ----------
    answer : str
        The answer, as an expression of quantities.
    right : str
        Why it is right.
    hint : str
        What a second wrong try is told.
    kind : str
        ``"number"`` or ``"formula"``.
    worksheet : mapping
        Where a number comes from, as in `napkin.calls.worksheet`.
    unit : str
        Unit of a number; the quantity's own if empty.
    also : tuple of str
        Other answers that are right, such as whole ones.
    tolerance : float
        Relative error of a number that still counts as right.
    slips : tuple of Slip
        Wrong answers that are recognized.
    """

    answer: str
    right: str
    hint: str
    kind: str = "number"
    worksheet: Mapping[str, Any] = field(default_factory=dict, hash=False)
    unit: str = ""
    also: tuple[str, ...] = ()
    tolerance: float = _TOLERANCE
    slips: tuple[Slip, ...] = ()

    @property
    def expected(self) -> Value | Expr:
        """The answer: a value, or an expression in the symbols of the book."""
        return self.computed(self.answer)

    def computed(self, answer: str, over: Mapping[str, Any] | None = None) -> Value | Expr:
        """Return another answer in the same form.

        Parameters
        ----------
        answer : str
            An expression of quantities.
        over : mapping, optional
            What is put over the worksheet.

        Returns
        -------
        Value or Expr
            A value in the exercise's unit, or the expression itself.
        """
        if self.kind == "formula":
            return parse_expression(answer)
        value = ask(answer, self.worksheet, over or {}, unit=self.unit)
        return value if self.unit else value.to(ask(self.answer, self.worksheet).unit)

    def slipped(self, slip: Slip) -> Value | Expr:
        """Return the answer of somebody who made a slip.

        Parameters
        ----------
        slip : Slip
            One of the exercise's.

        Returns
        -------
        Value or Expr
            As `computed` does.
        """
        return self.computed(slip.answer or self.answer, slip.over)


@cache
def chapters() -> dict[str, dict[str, Exercise]]:
    """Return the exercises by their number, chapter by chapter.

    Returns
    -------
    dict
        By the stem of the chapter, such as ``"02-matmul"``.

    Raises
    ------
    ConfigError
        If a data file has a field that is not known, or lacks one.
    """
    folder = files(__package__) / "data"
    found = sorted((entry.name, entry.read_text(encoding="utf-8")) for entry in folder.iterdir())
    return {name.removesuffix(".toml"): _exercises(name, text) for name, text in found}


def exercise(number: str) -> Exercise:
    """Return the exercise of a number.

    Parameters
    ----------
    number : str
        For example ``"2.4"``: chapter 02, exercise 4.

    Returns
    -------
    Exercise
        The exercise.

    Raises
    ------
    UnknownNameError
        With the closest numbers, if there is none.
    """
    known = {key: found for numbers in chapters().values() for key, found in numbers.items()}
    if number not in known:
        raise unknown("exercise", str(number), known)
    return known[number]


def _exercises(name: str, text: str) -> dict[str, Exercise]:
    found = {}
    for number, row in tomllib.loads(text).items():
        try:
            slips = tuple(Slip(**slip) for slip in row.pop("slips", ()))
            found[number] = Exercise(**row | {"also": tuple(row.get("also", ())), "slips": slips})
        except TypeError as reason:
            raise ConfigError(f"{name}, exercise {number}: {reason}.") from None
    return found
