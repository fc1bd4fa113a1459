"""A worksheet as JavaScript: the same formulas, node by node, for a page without Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sympy import (
    Derivative,
    Expr,
    Function,
    Integral,
    Max,
    Min,
    Piecewise,
    Product,
    Sum,
    Symbol,
)
from sympy.core.relational import Relational
from sympy.printing.jscode import JavascriptCodePrinter

from ..errors import NapkinError
from ..formulas import BASE
from ..formulas.formula import Elsewhere, Solved
from ..formulas.graph import choice
from ..quantities import notation as q
from ..quantities.given import somewhere
from ..quantities.quantity import REGISTRY, lookup
from ..worksheet.evaluation import evaluate
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
    q.users_by_host_memory: "host memory full",
}


_IN_WORDS: Final = {str(side): words for side, words in _SIDES.items()}
_PHASES: Final = {
    "decode_memory_time": "decode",
    "decode_compute_time": "decode",
    "prefill_memory_time": "prefill",
    "prefill_compute_time": "prefill",
}


def side_in_words(side: Expr | str) -> str:
    """Return what it means that this side decides; nothing of an expression without a name."""
    name = str(side)
    return _IN_WORDS.get(name) or (REGISTRY[name].meaning if name in REGISTRY else "")


def phase_of(side: Expr | str) -> str:
    """Return what a side decides where its words could be said of several quantities."""
    return _PHASES.get(str(side), "")


def sides_in_words(sides: Iterable[Expr | str]) -> str:
    """Say which sides decide, and of what if there are several."""
    named = [(phase_of(side), words) for side in sides if (words := side_in_words(side))]
    if len(named) == 1:
        return named[0][1]
    return ", ".join(f"{phase} {words}".strip() for phase, words in named)


_CHANCES: Final = {"BinomialOverflow": "overflow", "UsersAtOverflow": "usersAtOverflow"}


class _Printer(JavascriptCodePrinter):
    """Symbols are entries of an object, so that no code name meets a word of the language."""

    def __init__(self) -> None:
        super().__init__({"user_functions": _CHANCES})

    def _print_Symbol(self, expr: Symbol) -> str:
        return expr.name if expr.name.endswith("_") else f"v.{expr.name}"


def javascript(expression: Expr | Relational) -> str:
    """Print an expression as JavaScript whose symbols are entries of ``v``."""
    closed = expression.doit() if expression.has(Sum) else expression
    printer = _Printer()
    strange = closed.atoms(Function) - closed.atoms(Max, Min, Piecewise)
    strange = {part for part in strange if type(part).__name__ not in printer.known_functions}
    strange |= closed.atoms(Sum, Product, Integral, Derivative)
    if strange:
        names = ", ".join(sorted({type(part).__name__ for part in strange}))
        raise NapkinError(
            f"a page cannot compute {names}, which {closed} contains: "
            "explore another quantity, or use nk.sweep."
        )
    return str(printer.doprint(closed))


@dataclass(frozen=True)
class Program:
    """What a page needs to compute a quantity."""

    code: str
    reasons: tuple[str, ...]
    graph: dict[str, Any]
    constants: dict[str, float]
    kept: tuple[Symbol, ...]


def program(n: Napkin, y: Symbol, moved: Iterable[Symbol]) -> Program:
    """Write what computes a quantity while some givens move."""
    writer = _Writer(n, moved)
    nodes = writer.nodes(y)
    for symbol in nodes:
        writer.compute(symbol)
    if y not in writer.changing:  # nothing that moves reaches it
        writer.fix([y])
    checks = list(dict.fromkeys(check for symbol in nodes for check in writer.checks(symbol)))
    checks.sort(key=lambda check: not check.fits)  # what does not fit makes no sense elsewhere
    statements = [f"if (w < 0 && !({check.holds})) w = {i};" for i, check in enumerate(checks)]
    return Program(
        "\n".join(writer.statements + statements),
        tuple(check.reason for check in checks),
        writer.needs,
        {symbol.name: number for symbol, number in writer.fixed.items()},
        tuple(writer.fixed),
    )


@dataclass(frozen=True)
class _Check:
    """What must hold, as JavaScript, why there is no value if it does not, and of which kind."""

    holds: str
    reason: str
    fits: bool = False


class _Writer:
    """Writes what changes as statements, and takes the number of what does not."""

    def __init__(self, n: Napkin, moved: Iterable[Symbol]) -> None:
        self.numbers, self.changing = n.numbers, set(moved)
        self.given = self.numbers.keys() - self.changing
        # What moves is no zero and no single GPU, wherever it stands at first.
        opened = n.assume(**{s.name: somewhere(s) for s in self.changing})
        self.graph = opened.formulas
        self.statements: list[str] = []
        self.needs: dict[str, Any] = {}
        self.fixed: dict[Symbol, float] = {}

    def nodes(self, y: Symbol) -> list[Symbol]:
        """Return what is computed on the way to `y`, and then what tells whether that holds."""
        found, queue = dict[Symbol, None](), [y]
        while queue:
            for symbol in self.graph.order(queue.pop()):
                if symbol not in found:
                    found[symbol] = None
                    queue.extend(self._asked_by(symbol))
        return list(found)

    def _asked_by(self, symbol: Symbol) -> list[Symbol]:
        """Return what the condition of a node is on, if it counts and all of it can be known."""
        if symbol in self.given or symbol not in self.graph:
            return []
        names = sorted(self.graph[symbol].valid.free_symbols, key=str)
        known = all(self.graph.can_be_known(name) for name in names)
        return names if known else []

    def fix(self, symbols: Iterable[Symbol]) -> None:
        """Take the numbers of what does not change."""
        for symbol in sorted(symbols, key=str):
            if symbol not in self.fixed:
                self.fixed[symbol] = float(evaluate(self.graph, self.numbers, symbol)[symbol])

    def compute(self, symbol: Symbol) -> None:
        """Write the statement of a node, if it changes."""
        formula = self.graph.get(symbol)
        if formula is None or symbol in self.numbers or not formula.symbols & self.changing:
            return
        self.changing.add(symbol)
        self.fix(formula.symbols - self.changing)
        self.statements.append(f"v.{symbol} = {javascript(formula.expression)};")
        self.needs[symbol.name] = _needs(symbol, formula.expression, self.statements)

    def checks(self, symbol: Symbol) -> Iterable[_Check]:
        """Yield what must hold for a node that changes."""
        if symbol not in self.changing or symbol not in self.graph:
            return
        formula, quantity = self.graph[symbol], lookup(symbol)
        asked = self._asked_by(symbol)
        if asked:
            self.fix(set(asked) - self.changing)
            told = formula.otherwise or f"{quantity.meaning}: only where {formula.valid}"
            yield _Check(javascript(formula.valid), told, fits=bool(formula.otherwise))
        if not formula.otherwise and symbol not in self.numbers:
            yield _Check(_inside(symbol), f"{quantity.meaning}: not {quantity.domain.words}")


def _inside(symbol: Symbol) -> str:
    """Return what the domain of a quantity asks for, as JavaScript."""
    domain, name = lookup(symbol).domain, f"v.{symbol}"
    low = f"{domain.low:g} {'<' if domain.open_low else '<='} {name}"
    high = f"{name} {'<' if domain.open_high else '<='} {domain.high:g}"
    parts = [low] * (domain.low > float("-inf")) + [high] * (domain.high < float("inf"))
    return " && ".join(parts) or f"!isNaN({name})"


def _needs(symbol: Symbol, expression: Expr, statements: list[str]) -> dict[str, Any]:
    """Return what a node needs, by side where it has some; and have the sides computed."""
    # A solved limit is one limit to a reader, whichever of its branches is the smaller.
    sides = None if isinstance(BASE.get(symbol), Solved | Elsewhere) else choice(expression)
    if sides is None:
        return {"needs": sorted(str(name) for name in expression.free_symbols)}
    arms = ", ".join(javascript(side) for side in sides.args)
    statements.append(f"a.{symbol} = [{arms}];")
    phases = [phase_of(side) for side in sides.args]
    return {
        "max": isinstance(sides, Max),
        "sides": [str(side) for side in sides.args],
        "words": [side_in_words(side) for side in sides.args],
        "needs": [sorted(str(name) for name in side.free_symbols) for side in sides.args],
    } | ({"phases": phases} if any(phases) else {})
