"""What a reader gave and a result does not use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from sympy import Piecewise, Symbol

from ..formulas import BASE
from ..formulas.graph import Graph
from ..formulas.variants import BUNDLES
from ..quantities import notation as q
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
    told = list(names)
    counts = "".join(f"; {n} counts under {', '.join(b)}" for n in told if (b := _bundles_for(n)))
    return [f"{', '.join(told)} given, but not used here{counts}"] if told else []


@cache
def _bundles_for(name: str) -> list[str]:
    """Name the bundles that a value waits for: no formula of the book leads on from it."""
    symbol = lookup(name).symbol
    ways = {symbol} | {target for target, node in BASE.items() if symbol in node.symbols}
    if any(not node.symbols.isdisjoint(ways - {symbol}) for node in BASE.values()):
        return []
    return [
        bundle.name
        for bundle in BUNDLES.values()
        if not bundle.of_a_model
        and any(n.target not in ways and not n.symbols.isdisjoint(ways) for n in bundle.formulas)
    ]


def idle(
    graph: Graph,
    typed: Mapping[Symbol, Given],
    targets: str | Symbol | Iterable[str | Symbol] | None = None,
) -> list[str]:
    """Name the typed values that targets and their conditions do not depend on.

    Without targets, it names the values that no formula uses. A count of zero counts as used,
    because it drops its term. A speed that no batch changes limits no batch.
    """
    if targets is None:
        used = {symbol for formula in graph.values() for symbol in formula.symbols}
        used |= graph.keys()
    else:
        used = set[Symbol]()
        for target in listed(targets):
            used |= reached(graph, lookup(target).symbol).keys()
    if q.speed_target in used & typed.keys():
        limit = graph[q.largest_batch_at_speed].expression
        used -= {q.speed_target} if isinstance(limit, Piecewise) else set()
    return [str(s) for s, given in typed.items() if s not in used and given.value != 0]
