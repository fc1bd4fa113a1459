"""The derivation of one value: every step from the spec sheet on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

from ..formulas.formula import latex_of
from ..quantities.quantity import lookup
from ..quantities.table import Notes
from ..worksheet.derivation import Node, derivation
from ..worksheet.napkin import Napkin, expect_napkin
from ..worksheet.unused import unused


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
    root = derivation(n, lookup(target).symbol, depth)
    if band := getattr(n[target], "band", None):
        said = f"80 % of measured servers lie between {band[0]} and {band[1]}"
        root = replace(root, notes=(*root.notes, said))
    return Explanation(root, tuple(unused(n.formulas, n.typed, target)))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node, lead: str, below: str, notes: Notes) -> Iterator[str]:
    shown = f"{node.shown[0]} = " if node.shown[0] else ""
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
    parts = [part for part in (node.shown[1], node.numbers[1], node.value.latex()) if part]
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
