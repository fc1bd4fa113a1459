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
    """A wrong answer that people give, and what to tell them."""

    says: str
    answer: str = ""
    over: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Exercise:
    """A question with a number or a formula for an answer."""

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
        """Return another answer in the same form."""
        if self.kind == "formula":
            return parse_expression(answer)
        value = ask(answer, self.worksheet, over or {}, unit=self.unit)
        return value if self.unit else value.to(ask(self.answer, self.worksheet).unit)

    def slipped(self, slip: Slip) -> Value | Expr:
        """Return the answer of somebody who made a slip."""
        return self.computed(slip.answer or self.answer, slip.over)


@cache
def chapters() -> dict[str, dict[str, Exercise]]:
    """Return the exercises by their number, chapter by chapter."""
    folder = files(__package__) / "data"
    found = sorted((entry.name, entry.read_text(encoding="utf-8")) for entry in folder.iterdir())
    return {name.removesuffix(".toml"): _exercises(name, text) for name, text in found}


def exercise(number: str) -> Exercise:
    """Return the exercise of a number."""
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
