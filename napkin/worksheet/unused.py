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
    """Name the typed values that targets and their conditions do not depend on, in a sentence.

    Without targets, it names the values that no formula uses. An empty list says
    that everything is used. A count of zero counts as used, because it drops its term.
    """
    if targets is None:
        used = {symbol for formula in graph.values() for symbol in formula.symbols}
        used |= graph.keys()
    else:
        used = set[Symbol]()
        for target in listed(targets):
            used |= reached(graph, lookup(target).symbol).keys()
    idle = [str(s) for s, given in typed.items() if s not in used and given.value != 0]
    return [f"{', '.join(idle)} given, but not used here"] if idle else []
