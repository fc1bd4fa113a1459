"""The golden vectors of `data/vectors.csv`, and their evaluation without domain checks."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from sympy import Expr

from napkin.quantities.quantity import lookup
from napkin.quantities.units import scale_of
from napkin.quantities.value import exact_number
from tests.evaluating import evaluated


@dataclass(frozen=True)
class Vector:
    """One published or hand-computed value of one formula.

    `id` names the vector in what tests print, and nothing else refers to it. Its letter is a
    theme: U hardware, R roofline, M products of matrices, T parameters and work of a model,
    E experts, K the KV cache, P memory and pages, D decode, F prefill, N users, C cost. The
    number behind it counts formulas of the theme, the one after the point their vectors; gaps
    are of formulas that are no longer there. Inputs and the expected value are in the units of
    their quantities.
    """

    id: str
    target: str
    variants: tuple[str, ...]
    inputs: dict[str, float]
    expected: Expr
    tolerance: float
    source: str

    def compute(self) -> Expr:
        """Return the value in the target's unit, without asking domains."""
        values = {
            lookup(name).symbol: exact_number(value) * scale_of(name)
            for name, value in self.inputs.items()
        }
        return evaluated(self.target, self.variants, values) / scale_of(self.target)


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
