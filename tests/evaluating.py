"""Packaged formulas evaluated from plain numbers, and weights counted from their shapes."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from sympy import Expr, Symbol

from napkin.formulas import ALL, BASE
from napkin.formulas.formula import Node
from napkin.formulas.graph import graph_of
from napkin.formulas.variants import get
from napkin.quantities.given import coherent
from napkin.quantities.quantity import lookup
from napkin.worksheet.evaluation import number

Shape = tuple[int, ...]


def evaluated(target: str, variants: Iterable[str], values: dict[Symbol, Expr]) -> Expr:
    """Return a target from coherent numbers, under bundles and single formulas by name."""
    formulas: dict[Symbol, Node] = dict(BASE)
    for name in variants:
        for symbol in () if "." in name else get(name).without:
            formulas.pop(symbol, None)
        chosen = [ALL[name]] if "." in name else get(name).formulas
        formulas |= {formula.target: formula for formula in chosen}
    graph = graph_of(formulas, values)
    for symbol in graph.order(lookup(target).symbol):
        if symbol not in values and symbol in graph:
            values[symbol] = number(graph[symbol].expression, values)
        elif symbol not in values:
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
