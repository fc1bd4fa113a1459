"""What a reader gave and a result does not use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Symbol

from ..formulas.graph import Graph
from ..quantities.quantity import listed, lookup
from .assumptions import Given
from .evaluation import reached


def unused(
    graph: Graph,
    typed: Mapping[Symbol, Given],
    targets: str | Symbol | Iterable[str | Symbol] | None = None,
) -> list[str]:
    """Say in a sentence which typed values are idle; an empty list says that none is."""
    return said_of(idle(graph, typed, targets))


def said_of(names: Iterable[str]) -> list[str]:
    """Return the sentence on idle values, or an empty list."""
    listing = ", ".join(names)
    return [f"{listing} given, but not used here"] if listing else []


def idle(
    graph: Graph,
    typed: Mapping[Symbol, Given],
    targets: str | Symbol | Iterable[str | Symbol] | None = None,
) -> list[str]:
    """Name the typed values that targets and their conditions do not depend on.

    Without targets, it names the values that no formula uses. A count of zero counts as used,
    because it drops its term.
    """
    if targets is None:
        used = {symbol for formula in graph.values() for symbol in formula.symbols}
        used |= graph.keys()
    else:
        used = set[Symbol]()
        for target in listed(targets):
            used |= reached(graph, lookup(target).symbol).keys()
    return [str(s) for s, given in typed.items() if s not in used and given.value != 0]
