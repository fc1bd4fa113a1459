"""The golden vectors of `data/vectors.csv`, and their evaluation without domain checks."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr, Symbol

from napkin.formula import Formula
from napkin.formulas import ALL, BASE
from napkin.graph import effective, number, order
from napkin.quantity import lookup
from napkin.units import scale_of
from napkin.value import exact_number
from napkin.variants import get


@dataclass(frozen=True)
class Vector:
    """One published or hand-computed value of one formula.

    `id` is the number that the vector has in our list of formulas; inputs and the
    expected value are in the units of their quantities.
    """

    id: str
    target: str
    variants: tuple[str, ...]
    inputs: dict[str, float]
    expected: Expr
    tolerance: float
    source: str

    def formulas(self) -> dict[Symbol, Formula]:
        chosen = dict(BASE)
        for name in self.variants:
            bundle = [ALL[name]] if "." in name else get(name).formulas
            chosen |= {formula.target: formula for formula in bundle}
        return chosen

    def compute(self) -> Expr:
        formulas, target = self.formulas(), lookup(self.target).symbol
        values = {
            lookup(name).symbol: exact_number(value) * scale_of(name)
            for name, value in self.inputs.items()
        }
        givens = set(values)
        for symbol in order(formulas, givens, target):
            if symbol not in givens and symbol in formulas:
                values[symbol] = number(effective(formulas[symbol], formulas, givens), values)
            elif symbol not in givens:
                default = lookup(symbol).default
                assert default is not None, f"{self.id} needs {symbol}"
                values[symbol] = exact_number(default) * scale_of(symbol)
        return values[target] / scale_of(target)


def _load() -> list[Vector]:
    path = Path(__file__).parent / "data" / "vectors.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Vector(
                row["id"],
                row["target"],
                tuple(row["variants"].split()),
                json.loads(row["inputs"]),
                exact_number(row["expected"]),
                float(row["relative_tolerance"]),
                row["source"],
            )
            for row in csv.DictReader(lines)
        ]


VECTORS = _load()
