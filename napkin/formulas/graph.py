"""A set of formulas as a graph: what holds under some givens, in which order, and in one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Final

from sympy import Add, Expr, Integer, Max, Min, Symbol, oo

from ..errors import CircularError
from ..quantities.quantity import REGISTRY
from .formula import Elsewhere, Formula, Node
from .roots import largest_at_most

Formulas = Mapping[Symbol, Node]
_GRAPHS: Final = 128


class Graph(Mapping[Symbol, Formula]):
    """Formulas as they hold where some quantities are known.

    What is zero vanishes from every formula, a term of a ``Min`` that nobody can know is left
    out, and what is solved or taken elsewhere gets its equation: all of it once, here, so that
    each reader of a formula reads what counts.
    """

    def __init__(
        self, formulas: Formulas, known: Iterable[Symbol], zero: Iterable[Symbol] = ()
    ) -> None:
        self.packaged = dict(formulas)
        self.known = frozenset(known)
        default_zero = {q.symbol for q in REGISTRY.values() if q.default == 0 and q.domain.integer}
        start = (default_zero - self.packaged.keys() - self.known) | set(zero)
        self._zeros = self._with_what_they_make_zero(start)
        self._found: dict[Symbol, Formula] = {}
        self._open: set[Symbol] = set()
        self._forms: dict[tuple[Symbol, frozenset[Symbol]], Expr] = {}

    # One graph is another only if it is the same object: `graph_of` makes each once.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self.packaged)

    def __len__(self) -> int:
        return len(self.packaged)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.packaged

    def __getitem__(self, symbol: Symbol) -> Formula:
        if symbol not in self._found:
            self._open.add(symbol)
            formula = self._written(self.packaged[symbol])
            self._found[symbol] = self._without_zeros(self._without_unknown(formula))
            self._open.discard(symbol)
        return self._found[symbol]

    def _written(self, node: Node) -> Formula:
        """Write the equation of a node in symbols that do not move with its unknown."""
        if isinstance(node, Formula):
            return node
        if isinstance(node, Elsewhere):
            form = self.in_terms_of(node.of, node.unknown).xreplace({node.unknown: node.at})
            return Formula(
                node.target, form, node.why, node.source, valid=node.valid, scope=node.scope
            )
        sides = (self._through(side, node.unknown) for side in (node.left, node.right))
        form, holds = largest_at_most(node.unknown, *sides)
        told = f"solved: the largest {node.unknown} with {node.left} <= {node.right}"
        return Formula(
            node.target,
            form,
            node.why,
            node.source,
            valid=node.valid & holds,
            scope=f"{told}; {node.scope}" if node.scope else told,
            otherwise=node.otherwise,
            details=node.details,
        )

    def _through(self, expression: Expr, *stops: Symbol) -> Expr:
        """Put in the formulas of all that moves with an unknown, the first of the stops."""
        return expression.xreplace(
            {symbol: self.in_terms_of(symbol, *stops) for symbol in expression.free_symbols}
        )

    def in_terms_of(self, symbol: Symbol, unknown: Symbol, *above: Symbol) -> Expr:
        """Return what a symbol is put together from, if it moves with an unknown; else itself."""
        stops = self.known | self._open | {unknown, *above}
        if symbol not in self.packaged or symbol in stops:
            return symbol
        form = self._through(self[symbol].expression, unknown, *above, symbol)
        return form if form.has(unknown) else symbol

    def _without_unknown(self, formula: Formula) -> Formula:
        gone = tuple(
            (given, term) for given, term in formula.left_out if given in self.open_ends(term)
        )
        if not formula.left_out:
            return formula
        terms = dict.fromkeys((term for _, term in gone), oo)
        return replace(formula, expression=formula.expression.xreplace(terms), left_out=gone)

    def _without_zeros(self, formula: Formula) -> Formula:
        if formula.symbols.isdisjoint(self._zeros):
            return formula
        return replace(formula, expression=formula.expression.xreplace(self._zeros))

    def _with_what_they_make_zero(self, start: Iterable[Symbol]) -> dict[Symbol, Expr]:
        """Return zeros and all that is zero because of them, each with a 0 to put in."""
        zeros: dict[Symbol, Expr] = {}
        rest = [
            node
            for symbol, node in self.packaged.items()
            if isinstance(node, Formula) and symbol not in self.known
        ]
        new = {*start, *(node.target for node in rest if node.expression == 0)}
        while new:
            zeros |= dict.fromkeys(new, Integer(0))
            touched = [node for node in rest if not node.symbols.isdisjoint(new)]
            found = {node.target for node in touched if node.expression.xreplace(zeros) == 0}
            new = found - zeros.keys()
        return zeros

    def open_ends(self, target: Symbol) -> set[Symbol]:
        """Return what a target needs that is neither known nor computed by a formula."""
        seen, queue, ends = set[Symbol](), [target], set[Symbol]()
        while queue:
            symbol = queue.pop()
            if symbol in seen or symbol in self.known:
                continue
            seen.add(symbol)
            if symbol in self.packaged:
                node = self.packaged[symbol]
                told = isinstance(node, Formula) or symbol in self._open
                queue.extend((node if told else self[symbol]).symbols)
            else:
                ends.add(symbol)
        return ends

    def order(self, target: Symbol) -> list[Symbol]:
        """List what has to be known to know a target, each after what it needs.

        Raises a `CircularError` if formulas need each other.
        """
        return self._order(target, self.known)

    def _order(self, target: Symbol, stops: frozenset[Symbol]) -> list[Symbol]:
        needs, queue = dict[Symbol, list[Symbol]](), [target]
        while queue:
            symbol = queue.pop()
            if symbol in needs:
                continue
            computed = symbol in self.packaged and symbol not in stops
            needs[symbol] = sorted(self[symbol].symbols, key=str) if computed else []
            queue.extend(needs[symbol])
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as circle:
            names = [str(symbol) for symbol in reversed(circle.args[1])]
            raise CircularError(
                f"{' needs '.join(names)}: give one of them a value, for example "
                f"assume({names[0]}=...)."
            ) from None

    def closed_form(self, target: Symbol, keep: Iterable[Symbol] = ()) -> Expr:
        """Put formulas into each other until only what is known, or kept, is left.

        A target that is known itself is opened all the same.
        """
        key = (target, frozenset(keep))
        if key not in self._forms:
            self._forms[key] = self._put_together(target, (self.known | key[1]) - {target})
        return self._forms[key]

    def _put_together(self, target: Symbol, stops: frozenset[Symbol]) -> Expr:
        forms: dict[Symbol, Expr] = {}
        for symbol in self._order(target, stops):
            if symbol not in stops and symbol in self.packaged:
                expression = self[symbol].expression
                forms[symbol] = expression.xreplace(
                    {s: forms[s] for s in expression.free_symbols & forms.keys()}
                )
        return forms.get(target, target)

    def dependents(self, nodes: Iterable[Symbol], symbol: Symbol) -> list[str]:
        """Name those among `nodes` whose formula uses a symbol directly."""
        return [str(n) for n in nodes if n in self.packaged and symbol in self[n].symbols]


@lru_cache(maxsize=_GRAPHS)
def _graph(
    formulas: frozenset[tuple[Symbol, Node]], known: frozenset[Symbol], zero: frozenset[Symbol]
) -> Graph:
    return Graph(dict(formulas), known, zero)


def graph_of(formulas: Formulas, givens: Mapping[Symbol, Expr]) -> Graph:
    """Return the graph of formulas under givens: the same one for other numbers."""
    zero = (s for s, value in givens.items() if value == 0 and REGISTRY[s.name].domain.integer)
    return _graph(frozenset(formulas.items()), frozenset(givens), frozenset(zero))


def choice(expression: Expr) -> Min | Max | None:
    """Return the outermost ``Min`` or ``Max`` of an expression."""
    found = [part for part in Add.make_args(expression) if isinstance(part, Min | Max)]
    # Within a product or a quotient it is a part, not a choice of the whole.
    return found[0] if len(found) == 1 else None
