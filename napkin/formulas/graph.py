"""A set of formulas as a graph: what holds under given values, its order, its closed forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Final

from sympy import Add, Expr, Integer, Max, Min, Symbol

from ..errors import CircularError
from ..quantities.quantity import AT_LEAST_ONE, REGISTRY, lookup
from .formula import Elsewhere, Formula, Node
from .roots import largest_at_most

Formulas = Mapping[Symbol, Node]
_GRAPHS: Final = 128


class Graph(Mapping[Symbol, Formula]):
    """Formulas as they hold once some quantities are known.

    The graph prepares each formula once: it drops terms that are zero, factors that are one
    unless a formula says otherwise, and terms that cannot be known, and it writes the equations
    of `Solved` and `Elsewhere` nodes. Every caller then reads the same formula.
    """

    def __init__(
        self,
        formulas: Formulas,
        known: Iterable[Symbol],
        zero: Iterable[Symbol] = (),
        hints: Iterable[tuple[Symbol, str]] = (),
    ) -> None:
        self.packaged = dict(formulas)
        self.hints = dict(hints)  # why an input is left open
        self.known = frozenset(known)
        # Only counts and switches: a share or a price of 0 may move, so its term stays.
        default_zero = {q.symbol for q in REGISTRY.values() if q.default == 0 and q.domain.integer}
        start = (default_zero - self.packaged.keys() - self.known) | set(zero)
        ones = {q.symbol for q in REGISTRY.values() if q.default == 1 and q.domain is AT_LEAST_ONE}
        self._fixed = self._with_what_they_make_zero(start)
        self._fixed |= dict.fromkeys(ones - self.packaged.keys() - self.known, Integer(1))
        self._found: dict[Symbol, Formula] = {}
        self._open: set[Symbol] = set()
        self._orders: dict[Symbol, list[Symbol]] = {}
        self._forms: dict[frozenset[Symbol], dict[Symbol, Expr]] = {}  # by what is not expanded

    # Graphs compare by identity, because `graph_of` builds each of them once.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self.packaged)

    def __len__(self) -> int:
        return len(self.packaged)

    def __contains__(self, target: object) -> bool:
        return (lookup(target).symbol if isinstance(target, str) else target) in self.packaged

    def __getitem__(self, target: str | Symbol) -> Formula:
        symbol = lookup(target).symbol if isinstance(target, str) else target
        if symbol not in self._found:
            self._open.add(symbol)  # a solved side may lead back to the target itself
            try:
                formula = self._written(self.packaged[symbol])
                self._found[symbol] = self._with_what_is_fixed(self._without_unknown(formula))
            finally:
                self._open.discard(symbol)
        return self._found[symbol]

    def _written(self, node: Node) -> Formula:
        """Write the equation of a node in symbols that do not depend on its unknown."""
        if isinstance(node, Formula):
            return node
        if isinstance(node, Elsewhere):
            form = self._elsewhere(node).xreplace({node.unknown: node.at})
            return Formula(
                node.target,
                form,
                node.why,
                node.source,
                valid=node.valid,
                scope=node.scope,
                otherwise=node.otherwise,
                details=node.details,
            )
        sides = (self._through(side, node.unknown) for side in (node.left, node.right))
        form, holds = largest_at_most(node.unknown, *sides)
        left, right = (side.xreplace(self._fixed) for side in (node.left, node.right))
        told = f"solved: the largest {node.unknown} with {left} <= {right}"
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

    def _elsewhere(self, node: Elsewhere) -> Expr:
        """Return `of` through its formula: a value that was given for it holds at one place only.

        Where the formula cannot be computed, the value that was given is all there is.
        """
        if node.of not in self.packaged:
            return node.of
        form = self._through(self[node.of].expression, node.unknown)
        needed = form.free_symbols - {node.unknown} | node.at.free_symbols
        if node.of in self.known and not all(map(self.can_be_known, needed)):
            return node.of
        return form

    def can_be_known(self, target: Symbol) -> bool:
        """Say whether everything that a target needs is given, assumed or computed.

        Unlike `open_ends`, this reads the formulas as they hold: a term that vanishes needs
        nothing.
        """
        try:
            nodes = self.order(target)
        except CircularError:
            return False
        ends = (symbol for symbol in nodes if symbol not in self and symbol not in self.known)
        return all(REGISTRY[end.name].default is not None for end in ends)

    def _through(self, expression: Expr, *stops: Symbol) -> Expr:
        """Substitute formulas for all symbols that depend on the unknown, the first stop."""
        return expression.xreplace(
            {symbol: self.in_terms_of(symbol, *stops) for symbol in expression.free_symbols}
        )

    def in_terms_of(self, symbol: Symbol, unknown: Symbol, *above: Symbol) -> Expr:
        """Expand a symbol if it depends on the unknown; otherwise return the symbol itself."""
        stops = self.known | self._open | {unknown, *above}
        if symbol not in self.packaged or symbol in stops:
            return symbol
        form = self._through(self[symbol].expression, unknown, *above, symbol)
        return form if form.has(unknown) else symbol

    def _without_unknown(self, formula: Formula) -> Formula:
        if not formula.left_out:
            return formula
        gone = tuple(part for part in formula.left_out if part.given in self.open_ends(part.term))
        terms = {part.term: part.value for part in gone}
        return replace(formula, expression=formula.expression.xreplace(terms), left_out=gone)

    def _with_what_is_fixed(self, formula: Formula) -> Formula:
        if formula.symbols.isdisjoint(self._fixed):
            return formula
        return replace(formula, expression=formula.expression.xreplace(self._fixed))

    def _with_what_they_make_zero(self, start: Iterable[Symbol]) -> dict[Symbol, Expr]:
        """Map the zeros, and everything that they make zero, to 0."""
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
        """Return the inputs of a target that are neither known nor computed by a formula.

        While the graph prepares a formula, this tells which input is missing, so it reads formulas
        with the terms that will vanish, and a default is an open end too. Whether a prepared
        target has a value, `can_be_known` says.
        """
        ends, seen = set[Symbol](), set[tuple[Symbol, frozenset[Symbol]]]()
        queue = [(target, self.known)]
        while queue:
            symbol, stops = place = queue.pop()
            if place in seen or symbol in stops:
                continue
            seen.add(place)
            if symbol not in self.packaged:
                ends.add(symbol)
                continue
            node = self.packaged[symbol]
            own = frozenset() if isinstance(node, Formula) else {node.unknown}
            queue.extend((needed, stops | own) for needed in node.symbols)
        return ends

    def order(self, target: Symbol) -> list[Symbol]:
        """List a target and everything that it needs, each after its own inputs.

        Raises a `CircularError` if formulas need each other's results.
        """
        if target not in self._orders:
            self._orders[target] = self._order(target, self.known)
        return self._orders[target]

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
        """Substitute formulas into each other until only known or kept quantities remain.

        The target is expanded even if its own value is known.
        """
        stops = (self.known | frozenset(keep)) - {target}
        forms = self._forms.setdefault(stops, {})
        if target not in forms:
            for symbol in self._order(target, stops):
                if symbol not in forms and symbol not in stops and symbol in self.packaged:
                    expression = self[symbol].expression
                    forms[symbol] = expression.xreplace(
                        {s: forms[s] for s in expression.free_symbols & forms.keys()}
                    )
        return forms.get(target, target)

    def dependents(self, nodes: Iterable[Symbol], symbol: Symbol) -> list[str]:
        """Name the `nodes` whose formulas use a symbol directly."""
        return [str(n) for n in nodes if n in self.packaged and symbol in self[n].symbols]


@lru_cache(maxsize=_GRAPHS)
def _graph(
    formulas: frozenset[tuple[Symbol, Node]],
    known: frozenset[Symbol],
    zero: frozenset[Symbol],
    hints: frozenset[tuple[Symbol, str]],
) -> Graph:
    return Graph(dict(formulas), known, zero, hints)


def graph_of(
    formulas: Formulas, givens: Mapping[Symbol, Expr], hints: Mapping[Symbol, str] | None = None
) -> Graph:
    """Return the graph of formulas under givens, which share it if they differ only in value."""
    zero = (s for s, value in givens.items() if value == 0 and REGISTRY[s.name].domain.integer)
    said = frozenset((hints or {}).items())
    return _graph(frozenset(formulas.items()), frozenset(givens), frozenset(zero), said)


def choice(expression: Expr) -> Min | Max | None:
    """Return the outermost ``Min`` or ``Max`` of an expression, or None."""
    parts = [part.as_coeff_Mul() for part in Add.make_args(expression)]
    # A positive number in front leaves the order of the sides; another factor may decide more.
    found = [part for times, part in parts if times > 0 and isinstance(part, Min | Max)]
    return found[0] if len(found) == 1 else None
