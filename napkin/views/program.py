"""A worksheet as JavaScript: the same formulas, node by node, for a page without Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sympy import (
    Derivative,
    Expr,
    Function,
    Integer,
    Integral,
    Max,
    Min,
    Piecewise,
    Product,
    Sum,
    Symbol,
    true,
)
from sympy.core.relational import Relational
from sympy.printing.jscode import JavascriptCodePrinter

from ..errors import NapkinError
from ..formulas.formula import Formula
from ..formulas.graph import Graph, choice, graph_of
from ..quantities import notation as q
from ..quantities.quantity import lookup
from ..worksheet.evaluation import conditions, evaluate
from ..worksheet.napkin import Napkin

_SIDES: Final = {
    q.decode_memory_time: "bandwidth-bound",
    q.decode_compute_time: "compute-bound",
    q.prefill_memory_time: "bandwidth-bound",
    q.prefill_compute_time: "compute-bound",
    q.bytes_moved / (q.bandwidth * q.bandwidth_efficiency): "bandwidth-bound",
    q.flops / (q.peak_flops * q.compute_efficiency): "compute-bound",
    q.bandwidth * q.bandwidth_efficiency * q.intensity: "bandwidth-bound",
    q.peak_flops * q.compute_efficiency: "compute-bound",
    q.concurrent_sequences: "memory full",
    q.largest_batch_at_speed: "speed-bound",
    q.users_by_load: "load-bound",
    q.users_by_host_link: "link-bound",
}


class _Printer(JavascriptCodePrinter):
    """Symbols are entries of an object, so that no code name meets a word of the language."""

    def _print_Symbol(self, expr: Symbol) -> str:
        return expr.name if expr.name.endswith("_") else f"v.{expr.name}"


def javascript(expression: Expr | Relational) -> str:
    """Print an expression as JavaScript whose symbols are entries of ``v``.

    Parameters
    ----------
    expression : Expr or Relational
        In symbols of the registry.

    Returns
    -------
    str
        One expression.

    Raises
    ------
    NapkinError
        If it holds something that a page cannot compute: its name.
    """
    closed = expression.doit() if expression.has(Sum) else expression
    printer = _Printer({})
    strange = closed.atoms(Function) - closed.atoms(Max, Min, Piecewise)
    strange = {part for part in strange if type(part).__name__ not in printer.known_functions}
    strange |= closed.atoms(Sum, Product, Integral, Derivative)
    if strange:
        names = ", ".join(sorted({type(part).__name__ for part in strange}))
        raise NapkinError(
            f"a page cannot compute {names}, which stands in {closed}: "
            "explore another quantity, or use nk.sweep."
        )
    return str(printer.doprint(closed))


@dataclass(frozen=True)
class Program:
    """What a page needs to compute a quantity.

    Parameters
    ----------
    code : str
        Statements that fill ``v`` with values and ``a`` with the sides of each choice, and
        set ``w`` to the number of the first reason why there is no value.
    reasons : tuple of str
        Why there may be no value.
    graph : dict
        For each computed name what it needs, and the words for its sides.
    constants : dict of str to float
        What does not change, in coherent units.
    kept : tuple of Symbol
        The constants, as symbols.
    """

    code: str
    reasons: tuple[str, ...]
    graph: dict[str, Any]
    constants: dict[str, float]
    kept: tuple[Symbol, ...]


def program(n: Napkin, y: Symbol, moved: Iterable[Symbol]) -> Program:
    """Write what computes a quantity while some givens move.

    Parameters
    ----------
    n : Napkin
        The worksheet; it gives each of `moved` some value.
    y : Symbol
        What is computed.
    moved : iterable of Symbol
        Givens that the page changes.

    Returns
    -------
    Program
        With the names of the worksheet.

    Raises
    ------
    NapkinError
        If something is missing, or a page cannot compute it.
    """
    numbers, changing = n.numbers, set(moved)
    # What moves is no zero, wherever it stands at first.
    graph = graph_of(n.formulas.packaged, numbers | dict.fromkeys(changing, Integer(1)))
    statements: list[str] = []
    reasons: list[str] = []
    needs: dict[str, Any] = {}
    fixed: dict[Symbol, float] = {}

    def fix(symbols: Iterable[Symbol]) -> None:
        for symbol in sorted(symbols, key=str):
            if symbol not in fixed:
                fixed[symbol] = float(evaluate(graph, numbers, symbol)[symbol])

    for symbol in _nodes(graph, y):
        formula = graph.get(symbol)
        if formula is None or (symbol in numbers and symbol not in changing):
            continue
        if symbol not in changing:
            if not formula.symbols & changing:
                continue
            changing.add(symbol)
            fix(formula.symbols - changing)
            statements.append(f"v.{symbol} = {javascript(formula.expression)};")
            needs[symbol.name] = _needs(symbol, formula.expression, statements)
        elif not formula.valid.free_symbols & changing:
            continue
        for holds, reason in _conditions(formula, changing | fixed.keys()):
            if reason not in reasons:
                statements.append(f"if (w < 0 && !({holds})) w = {len(reasons)};")
                reasons.append(reason)
    if y not in changing:  # nothing that moves reaches it
        fix([y])
    return Program(
        "\n".join(statements),
        tuple(reasons),
        needs,
        {symbol.name: number for symbol, number in fixed.items()},
        tuple(fixed),
    )


def _nodes(graph: Graph, y: Symbol) -> list[Symbol]:
    """Return what is computed on the way to `y`, and then what tells whether it fits."""
    found = dict.fromkeys(graph.order(y))
    for formula in conditions(graph, y):
        found |= dict.fromkeys(graph.order(formula.target))
        for other in sorted(formula.valid.free_symbols, key=str):
            found |= dict.fromkeys(graph.order(other))
    return list(found)


def _needs(symbol: Symbol, expression: Expr, statements: list[str]) -> dict[str, Any]:
    """Return what a node needs, by side where it has some; and have the sides computed."""
    sides = choice(expression)
    if sides is None:
        return {"needs": sorted(str(name) for name in expression.free_symbols)}
    arms = ", ".join(javascript(side) for side in sides.args)
    statements.append(f"a.{symbol} = [{arms}];")
    return {
        "max": isinstance(sides, Max),
        "sides": [str(side) for side in sides.args],
        "words": [_SIDES.get(side, str(side).replace("_", " ")) for side in sides.args],
        "needs": [sorted(str(name) for name in side.free_symbols) for side in sides.args],
    }


def _conditions(formula: Formula, known: set[Symbol]) -> Iterable[tuple[str, str]]:
    """Yield what must hold for a node, as JavaScript, with the reason if it does not."""
    quantity = lookup(formula.target)
    if formula.valid != true and formula.valid.free_symbols <= known:
        told = f"{quantity.meaning}: only where {formula.valid}"
        yield javascript(formula.valid), formula.otherwise or told
    if not formula.otherwise:
        domain, name = quantity.domain, f"v.{formula.target}"
        low = f"{domain.low:g} {'<' if domain.open_low else '<='} {name}"
        high = f"{name} {'<' if domain.open_high else '<='} {domain.high:g}"
        parts = [low] * (domain.low > float("-inf")) + [high] * (domain.high < float("inf"))
        yield " && ".join(parts) or f"!isNaN({name})", f"{quantity.meaning}: not {domain.words}"
