"""Packaged formulas evaluated from plain numbers, and weights counted from their shapes."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from sympy import Expr, Symbol

from napkin.formulas import ALL, BASE
from napkin.formulas.graph import effective, number, order
from napkin.formulas.variants import get
from napkin.quantities.quantity import lookup
from napkin.quantities.value import coherent

Shape = tuple[int, ...]


def evaluated(target: str, variants: Iterable[str], values: dict[Symbol, Expr]) -> Expr:
    """Return a target from coherent numbers, under bundles and single formulas by name."""
    formulas = dict(BASE)
    for name in variants:
        chosen = [ALL[name]] if "." in name else get(name).formulas
        formulas |= {formula.target: formula for formula in chosen}
    known = set(values)
    for symbol in order(formulas, known, lookup(target).symbol):
        if symbol not in known and symbol in formulas:
            values[symbol] = number(effective(formulas[symbol], formulas, known), values)
        elif symbol not in known:
            assert lookup(symbol).default is not None, f"{target} needs {symbol}"
            values[symbol] = coherent(symbol, lookup(symbol).default)
    return values[lookup(target).symbol]


def compute(target: str, *variants: str, **givens: Any) -> Expr:
    """Return a target in coherent units from plain numbers."""
    values = {lookup(name).symbol: coherent(name, value) for name, value in givens.items()}
    return evaluated(target, variants, values)


def total(shapes: Iterable[Shape]) -> int:
    """Count the numbers in tensors of these shapes."""
    return sum(map(prod, shapes))
