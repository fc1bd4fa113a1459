"""How one value comes about, as a tree: each formula above the quantities that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from sympy import Basic, Expr, Symbol, Tuple, latex, preorder_traversal, true
from sympy.printing.str import StrPrinter

from ..errors import NapkinError
from ..formulas.formula import Elsewhere, Formula, Solved, latex_of
from ..formulas.graph import graph_of
from ..quantities.given import in_unit
from ..quantities.notation import context, max_context
from ..quantities.quantity import lookup
from ..quantities.table import Notes
from ..quantities.value import Value
from .evaluation import evaluate, number
from .napkin import Napkin

# A longer root, or value elsewhere, is put into words, and its parts follow below it.
_LONGEST: Final = 120
_Seen = set[tuple[Symbol, Value]]


@dataclass(frozen=True)
class Node:
    """One line of a derivation."""

    symbol: Symbol
    value: Value
    formula: Formula | None
    expression: Expr | None
    origin: str
    notes: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()
    numbers: tuple[str, str] = ("", "")
    seen: bool = False
    words: tuple[str, str] = ("", "")
    place: tuple[Symbol, Value] | None = None

    @property
    def label(self) -> str:
        """Say in a few words where the number comes from, or at which place it holds."""
        if self.seen:
            return "see above"
        return "at {} = {}".format(*self.place) if self.place else self.origin.split(": ")[0]

    @property
    def shown(self) -> tuple[str, str]:
        """The formula as text and as LaTeX, or two empty texts."""
        if self.words[0] or self.expression is None:
            return self.words
        return str(self.expression), latex_of(self.expression)

    def remarks(self, sources: Notes) -> list[str]:
        """Return the sentences that go below the line, each source as a number."""
        if self.seen:
            return []
        formula = self.formula
        said = [f"{formula.why} {sources(formula.source)}"] if formula else []
        if formula and formula.scope:
            said.append(f"note: {formula.scope}")
        return [*said, *self.notes]


def derivation(n: Napkin, target: Symbol, depth: int | None = None) -> Node:
    """Return the tree of a value, down to what is given or assumed, or to a depth."""
    return _Tree(n, target, set()).node(target, depth)


def moved(n: Napkin, unknown: Symbol, place: Expr) -> Napkin:
    """Return a worksheet with a quantity at a place, even where that is more than fits."""
    own = n.formulas.packaged.get(unknown)
    freed = [replace(own, valid=true, otherwise="")] if isinstance(own, Formula) else []
    return n.assume(*freed, **{unknown.name: in_unit(unknown, place)})


class _Tree:
    """What a target needs in one worksheet, each formula opened where it is met first."""

    def __init__(self, n: Napkin, target: Symbol, seen: _Seen) -> None:
        self._n, self._seen, self._numbers = n, seen, n.values(target)
        self._values = {symbol: in_unit(symbol, at) for symbol, at in self._numbers.items()}

    def node(self, symbol: Symbol, depth: int | None) -> Node:
        """Return a symbol's line and all that is below it, unless it was opened above."""
        n, value = self._n, self._values[symbol]
        given = n.givens.get(symbol)
        formula = None if given else n.formulas.get(symbol)
        again = (symbol, value) in self._seen
        if formula is None or (not again and depth != 0):
            self._seen.add((symbol, value))
        notes = tuple(self._notes(symbol, formula))
        if formula is None:
            return Node(symbol, value, None, None, given.source if given else "assumed", notes)
        told = self._told(symbol, formula)
        line = Node(symbol, value, formula, formula.expression, "", words=_words(told))
        if again:
            return replace(line, seen=True)
        # A formula that is another quantity says no more with its number in place of it.
        plain = told or formula.expression.is_Symbol
        return replace(
            line,
            formula=replace(formula, scope=told.scope) if told else formula,
            # Whether a formula's number rests on fitted constants.
            origin="fitted" if n.kind(symbol) == "fitted" else "",
            notes=notes,
            children=() if depth == 0 else tuple(self._children(symbol, formula, told, depth)),
            numbers=("", "") if plain else self._in_numbers(formula.expression),
        )

    def _told(self, symbol: Symbol, formula: Formula) -> Solved | Elsewhere | None:
        """Return a root, or a value elsewhere, whose expression is too long to be read."""
        node: Solved | Elsewhere | Formula = self._n.formulas.packaged[symbol]
        if isinstance(node, Formula) or len(str(formula.expression)) <= _LONGEST:
            return None
        # What was given for a quantity holds at one place only, so its formula is in sight.
        if isinstance(node, Elsewhere) and node.of in self._n.givens:
            return None
        return node

    def _children(
        self, symbol: Symbol, formula: Formula, told: Solved | Elsewhere | None, depth: int | None
    ) -> Iterator[Node]:
        deeper = None if depth is None else depth - 1
        if told is None:
            yield from self._lines(formula.expression, deeper)
            return
        if isinstance(told, Elsewhere):
            yield from self._lines(told.at, deeper)
            place, moving = number(told.at, self._numbers), [told.of]
        else:
            place, graph = self._numbers[symbol], self._n.formulas
            parts = sorted(told.symbols, key=str)
            moving = [part for part in parts if graph.in_terms_of(part, told.unknown) != part]
            yield from self._lines(Tuple(*(part for part in parts if part not in moving)), deeper)
        there, here = moved(self._n, told.unknown, place), in_unit(told.unknown, place)
        self._seen.add((told.unknown, here))
        for part in moving:
            line = _Tree(there, part, self._seen).node(part, deeper)
            yield replace(line, place=(told.unknown, here))

    def _lines(self, expression: Basic, depth: int | None) -> Iterator[Node]:
        """Yield a line for each symbol, but none for an input that is listed above."""
        nodes = preorder_traversal(expression, keys=True)  # without keys: in the order of a set
        for symbol in dict.fromkeys(node for node in nodes if node in expression.free_symbols):
            computed = symbol not in self._n.givens and symbol in self._n.formulas
            if computed or (symbol, self._values[symbol]) not in self._seen:
                yield self.node(symbol, depth)

    def _in_numbers(self, expression: Expr) -> tuple[str, str]:
        names = {symbol: self._values[symbol].latex() for symbol in expression.free_symbols}
        for symbol in expression.atoms(Symbol) - names.keys():  # the unknown of a root
            names[symbol] = lookup(symbol.name.removesuffix("_")).shown
        typeset: str = latex(expression, symbol_names=names, mul_symbol="dot")
        return _Numbers(self._values).doprint(expression), typeset

    def _notes(self, symbol: Symbol, formula: Formula | None) -> Iterator[str]:
        n, value = self._n, self._values[symbol]
        yield from map(str, formula.left_out if formula else ())
        if symbol == context and max_context in n.givens:
            longest = in_unit(max_context, n.givens[max_context].value)
            if value > longest:
                yield f"longer than the model was trained for: max_context is {longest}"
        if symbol in n.givens and symbol in n.formulas:
            yield from self._beside_its_formula(symbol, value)

    def _beside_its_formula(self, symbol: Symbol, given: Value) -> Iterator[str]:
        """Say what the formula of a given would give, where that is something else."""
        others = {name: value for name, value in self._n.numbers.items() if name != symbol}
        graph = graph_of(self._n.formulas.packaged, others)
        with suppress(NapkinError):
            computed = in_unit(symbol, evaluate(graph, others, symbol)[symbol])
            if computed != given:
                yield f"its formula would give {computed}: {graph[symbol]}"


class _Numbers(StrPrinter):
    """Print an expression with values in place of symbols."""

    def __init__(self, values: dict[Symbol, Value]) -> None:
        super().__init__()
        self.values = values

    def _print_Symbol(self, expr: Symbol) -> str:
        if expr not in self.values:  # the unknown of a root
            return str(expr)
        text = str(self.values[expr])
        return f"({text})" if " " in text else text


def _words(told: Solved | Elsewhere | None) -> tuple[str, str]:
    """Say as text and as LaTeX what a root or a value elsewhere is."""
    if told is None:
        return "", ""
    unknown = latex_of(told.unknown)
    if isinstance(told, Elsewhere):
        return (
            f"{told.of} at {told.unknown} = {told.at}",
            rf"{latex_of(told.of)}\ \text{{at}}\ {unknown} = {latex_of(told.at)}",
        )
    return (
        f"the largest {told.unknown} with {told.left} <= {told.right}",
        rf"\text{{the largest}}\ {unknown}\ \text{{with}}\ "
        rf"{latex_of(told.left)} \le {latex_of(told.right)}",
    )
