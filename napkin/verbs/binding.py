"""Which side of a ``Min`` or ``Max`` decides a value, in words."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from sympy import Expr, Max, Symbol

from ..errors import NapkinError
from ..formulas.formula import Elsewhere, Solved
from ..formulas.graph import choice
from ..quantities.given import in_unit
from ..quantities.quantity import lookup
from ..quantities.table import escaped
from ..worksheet.derivation import moved
from ..worksheet.evaluation import sides
from ..worksheet.napkin import Napkin, expect_napkin
from ..worksheet.unused import unused


@dataclass(frozen=True)
class Binding:
    """Which side of each ``Min`` or ``Max`` decides a value."""

    target: str
    lines: tuple[str, ...]
    limits: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._said())

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        listed = "\n".join(f"- {escaped(line)}" for line in self._said())
        return listed if self.lines else escaped(str(self))

    def _said(self) -> tuple[str, ...]:
        nothing = (f"nothing competes: {self.target} has no Min or Max in it.",)
        return (*(self.lines or nothing), *self.warnings)


def binding(n: Napkin, target: str) -> Binding:
    """Say in words which limit decides a value.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    target : str
        A quantity.

    Returns
    -------
    Binding
        For each ``Min`` or ``Max`` on the way: what binds, and how far off the others are.

    Raises
    ------
    NapkinError
        If the value cannot be computed.
    """
    expect_napkin(n, "binding")
    numbers = n.values(target)
    lines, limits = [], []
    queue, seen = [lookup(target).symbol], set()
    while queue:
        symbol = queue.pop(0)
        if symbol in seen or symbol in n.givens or symbol not in n.formulas:
            continue
        seen.add(symbol)
        expression = n.formulas[symbol].expression
        node = n.formulas.packaged[symbol]
        options = [] if isinstance(node, Solved) else sides(expression, numbers)
        if options and options[0][0].is_Number:
            continue  # a constant decides nothing
        if isinstance(node, Elsewhere):
            options = []  # its sides have no names there
        if isinstance(node, Solved):
            lines += _lines_at(n, node, numbers[symbol])
        if not options:
            queue += sorted(expression.free_symbols, key=str)
            continue
        winner = options[0][0]
        limits.append(str(winner))
        lines.append(_sentence(symbol, options, isinstance(choice(expression), Max)))
        queue += sorted(winner.free_symbols, key=str)
    return Binding(
        str(target), tuple(lines), tuple(limits), tuple(unused(n.formulas, n.typed, target))
    )


def _lines_at(n: Napkin, node: Solved, root: Expr) -> list[str]:
    """Say what decides where a solved target lies: what binds there on its left side."""
    place = in_unit(node.unknown, root)
    with suppress(NapkinError):
        there = moved(n, node.unknown, root)
        names = sorted(map(str, node.left.free_symbols - {node.unknown}))
        found = (line for name in names for line in binding(there, name).lines)
        return [f"at {node.unknown} = {place} {line}" for line in found]
    return []


def _sentence(symbol: Symbol, options: list[tuple[Expr, Expr]], is_max: bool) -> str:
    (winner, number), *others = options
    rest = []
    for side, other in others:
        small, large = (other, number) if is_max else (number, other)
        endless = large.is_infinite or small == 0
        ratio = "without comparison" if endless else f"{float(large / small):.3g} times"
        rest.append(f"{_side(side, other, symbol)} is {ratio} {'smaller' if is_max else 'larger'}")
    return f"{symbol} is decided by {_side(winner, number, symbol)}; {'; '.join(rest)}"


def _side(side: Expr, number: Expr, symbol: Symbol) -> str:
    if isinstance(side, Symbol):
        return f"{side} = {in_unit(side, number)} ({lookup(side).meaning})"
    return f"{side} = {in_unit(symbol, number)}"
