"""The derivation of one value: every step from the spec sheet on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape

from sympy import Expr, Symbol, latex, preorder_traversal
from sympy.printing.str import StrPrinter

from ..errors import NapkinError
from ..formulas.formula import Formula, latex_of
from ..formulas.graph import graph_of
from ..quantities.given import in_unit
from ..quantities.notation import context, max_context
from ..quantities.quantity import lookup
from ..quantities.table import Notes
from ..quantities.value import Value
from ..worksheet.evaluation import evaluate
from ..worksheet.napkin import Napkin, expect_napkin
from ..worksheet.unused import unused


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

    @property
    def label(self) -> str:
        """Say in a word or two where the number comes from, if no formula gives it."""
        return "see above" if self.seen else self.origin.split(": ")[0]

    def remarks(self, sources: Notes) -> list[str]:
        """Return the sentences that stand below the line, each source as a number."""
        if self.seen:
            return []
        formula = self.formula
        said = [f"{formula.why} {sources(formula.source)}"] if formula else []
        if self.formula and self.formula.scope:
            said.append(f"note: {self.formula.scope}")
        return [*said, *self.notes]


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


@dataclass(frozen=True)
class Explanation:
    """A derivation: a tree of lines, as text or as HTML with typeset mathematics."""

    root: Node
    warnings: tuple[str, ...] = ()

    def sources(self) -> list[str]:
        """Return the sources of the givens, each once, as the lines abbreviate them."""
        found = {node.origin for node in _walk(self.root) if ": " in node.origin}
        return sorted(found)

    def __str__(self) -> str:
        notes = Notes()
        tree = list(_text(self.root, "", "", notes))
        return "\n".join([*tree, *notes.lines, *self.sources(), *self.warnings])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        notes = Notes()
        tree = _html(self.root, notes)
        lines = (*notes.lines, *self.sources(), *self.warnings)
        below = "<br>".join(escape(line) for line in lines)
        return f"<div class='napkin-explain'>{tree}<p><small>{below}</small></p></div>"


def explain(n: Napkin, target: str, depth: int | None = None) -> Explanation:
    """Show how a value comes about, from the spec sheet on.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    target : str
        A quantity.
    depth : int, optional
        How many levels of formulas to open; all of them if not given.

    Returns
    -------
    Explanation
        One line a node: symbol = formula = numbers = value, then why and source. At the end,
        the sources, and the values that you gave and that the target does not use.

    Raises
    ------
    NapkinError
        If the value cannot be computed.
    """
    expect_napkin(n, "explain")
    numbers = n.values(target)
    values = {symbol: in_unit(symbol, number) for symbol, number in numbers.items()}
    root = _node(n, lookup(target).symbol, values, set(), depth)
    if band := getattr(n[target], "band", None):
        said = f"80 % of measured servers lie between {band[0]} and {band[1]}"
        root = replace(root, notes=(*root.notes, said))
    return Explanation(root, tuple(unused(n.formulas, n.typed, target)))


def _node(
    n: Napkin, symbol: Symbol, values: dict[Symbol, Value], seen: set[Symbol], depth: int | None
) -> Node:
    given = n.givens.get(symbol)
    formula = None if given else n.formulas.get(symbol)
    expression = formula.expression if formula else None
    origin = given.source if given else _origin(n, symbol) if formula else "assumed"
    if formula and symbol in seen:
        return Node(symbol, values[symbol], formula, expression, origin, seen=True)
    if formula is None or depth != 0:
        seen.add(symbol)
    children: tuple[Node, ...] = ()
    if expression is not None and depth != 0:
        deeper = None if depth is None else depth - 1
        nodes = preorder_traversal(expression, keys=True)  # without keys: in the order of a set
        found = dict.fromkeys(node for node in nodes if node in expression.free_symbols)
        children = tuple(
            _node(n, s, values, seen, deeper)
            for s in found
            if s not in seen or (s not in n.givens and s in n.formulas)
        )
    notes = tuple(_notes(n, symbol, values, formula))
    # A formula that is another quantity says no more with its number in place of it.
    plain = expression is None or expression.is_Symbol
    shown = "" if plain else _Numbers(values).doprint(expression)
    typeset = "" if plain else _typeset(expression, values)
    return Node(
        symbol, values[symbol], formula, expression, origin, notes, children, (shown, typeset)
    )


def _origin(n: Napkin, symbol: Symbol) -> str:
    """Say of a formula's number whether it rests on fitted constants."""
    return "fitted" if n.kind(symbol) == "fitted" else ""


def _notes(
    n: Napkin, symbol: Symbol, values: dict[Symbol, Value], formula: Formula | None
) -> Iterator[str]:
    yield from map(str, formula.left_out if formula else ())
    if symbol == context and max_context in n.givens:
        longest = in_unit(max_context, n.givens[max_context].value)
        if values[context] > longest:
            yield f"longer than the model was trained for: max_context is {longest}"
    if symbol in n.givens and symbol in n.formulas:
        yield from _beside_its_formula(n, symbol, values[symbol])


def _beside_its_formula(n: Napkin, symbol: Symbol, given: Value) -> Iterator[str]:
    """Say what the formula of a given would give, where that is something else."""
    others = {name: value for name, value in n.numbers.items() if name != symbol}
    graph = graph_of(n.formulas.packaged, others)
    with suppress(NapkinError):
        computed = in_unit(symbol, evaluate(graph, others, symbol)[symbol])
        if computed != given:
            yield f"its formula would give {computed}: {graph[symbol]}"


def _typeset(expression: Expr, values: dict[Symbol, Value]) -> str:
    names = {symbol: values[symbol].latex() for symbol in expression.free_symbols}
    for symbol in expression.atoms(Symbol) - names.keys():  # the unknown of a root
        names[symbol] = lookup(symbol.name.removesuffix("_")).shown
    text: str = latex(expression, symbol_names=names, mul_symbol="dot")
    return text


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node, lead: str, below: str, notes: Notes) -> Iterator[str]:
    shown = "" if node.expression is None else f"{node.expression} = "
    numbers = "" if node.seen or not node.numbers[0] else f"{node.numbers[0]} = "
    end = f"  ({node.label})" if node.label else ""
    yield f"{lead}{node.symbol} = {shown}{numbers}{node.value}{end}"
    bar = "│  " if node.children else "   "
    for remark in node.remarks(notes):
        yield f"{below}{bar}  {remark}"
    for child in node.children:
        last = child is node.children[-1]
        branch, deeper = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _text(child, below + branch, below + deeper, notes)


_GUIDE = "margin-left:.4em;padding-left:1.1em;border-left:1px solid #8888"
_PART = "display:inline-block;margin-right:.35em"  # a long line breaks before a sign of equality


def _as_html(mathematics: str) -> str:
    """A reader's own symbol may be shown by any text."""
    return escape(mathematics, quote=False)


def _html(node: Node, notes: Notes) -> str:
    parts = [node.value.latex()]
    if node.expression is not None:
        numbers = [node.numbers[1]] if node.numbers[1] else []
        parts = [latex_of(node.expression), *numbers, *parts]
    equation = "".join(f"<span style='{_PART}'>$= {_as_html(part)}$</span>" for part in parts)
    label = f"<small>({escape(node.label)})</small>" if node.label else ""
    shown = _as_html(latex_of(node.symbol))
    line = f"<code>{node.symbol}</code> <span>${shown}$</span> {equation}{label}"
    said = "".join(f"<div><small>{escape(text)}</small></div>" for text in node.remarks(notes))
    if not node.children:
        return f"<div>{line}{said}</div>"
    below = "".join(_html(child, notes) for child in node.children)
    return (
        f"<details open><summary>{line}</summary>"
        f"<div style='{_GUIDE}'>{said}{below}</div></details>"
    )
