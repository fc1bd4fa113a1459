"""The proof that a derivation ends in a packaged formula."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from sympy import Expr, Integer, Rational, Sum, Symbol, cancel, expand

from ..errors import AgreementError
from .formula import Formula, Node, latex_of, legend
from .graph import Graph
from .probability import NUMERIC

_POINTS: Final = 30
_DIGITS: Final = 40


@dataclass(frozen=True)
class Agreement:
    """What `agree` shows when two expressions are the same."""

    expression: Expr
    packaged: Formula | Expr
    how: str

    def __str__(self) -> str:
        if isinstance(self.packaged, Formula):
            return f"Agrees with the package ({self.how}): {self.packaged}"
        return f"Agrees ({self.how}): {self.packaged}"

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        packaged = self.packaged
        whole = packaged.equation if isinstance(packaged, Formula) else packaged
        lead = "Agrees with the package" if isinstance(packaged, Formula) else "Agrees"
        return f"✓ {lead} ({self.how}): $\\displaystyle {latex_of(whole)}${legend(whole)}"


def agree(derived: Expr, packaged: Node | Expr) -> Agreement:
    """Compare a derived expression with a packaged formula.

    Parameters
    ----------
    derived : Expr
        What the derivation ended in.
    packaged : Formula, Solved, Elsewhere or Expr
        What the package keeps. Symbols that the derivation does not have are opened by the
        packaged formulas; what is solved gets its equation from them.

    Returns
    -------
    Agreement
        Shown as a check mark with the formula.

    Raises
    ------
    AgreementError
        With the difference, or a point at which the two differ.

    Notes
    -----
    ``cancel(expand(a - b)) == 0`` decides between rational functions. Others (Max,
    ceiling, logarithms) are compared at 30 rational points, whole where a symbol is an
    integer, with 40 digits; probabilities, which are computed in double precision, to 10.

    Examples
    --------
    >>> from napkin import formulas
    >>> from napkin.notation import bandwidth, bandwidth_efficiency, memory
    >>> agree(memory / (bandwidth * bandwidth_efficiency), formulas.hardware.drain_time).how
    'by algebra'
    """
    if not isinstance(packaged, Expr):
        packaged = _equation_in(packaged, derived.free_symbols)
    known = packaged.expression if isinstance(packaged, Formula) else packaged
    difference = derived - known
    if difference.has(Sum):
        difference = difference.doit()
    names = sorted(difference.free_symbols, key=str)
    if difference.is_rational_function(*names):
        rest = cancel(expand(difference))
        if rest != 0:
            raise AgreementError(
                f"derived {derived}\nbut packaged {known}\nthe difference is {rest}."
            )
        return Agreement(derived, packaged, "by algebra")
    # Probabilities are computed in double precision.
    digits = 10 if difference.has(*NUMERIC) else _DIGITS - 10
    random = Random(20)
    for _ in range(_POINTS):
        point = {name: _random_number(name, random) for name in names}
        left, right = (side.xreplace(point).doit().evalf(_DIGITS) for side in (derived, known))
        if abs(left - right) > abs(right) * Rational(1, 10**digits):
            where = ", ".join(f"{name} = {value}" for name, value in point.items())
            raise AgreementError(
                f"derived {derived}\nbut packaged {known}\nat {where} they are "
                f"{left.evalf(6)} and {right.evalf(6)}."
            )
    told = f", to {digits} digits" if digits == 10 else ""
    return Agreement(derived, packaged, f"at {_POINTS} points{told}")


def _equation_in(node: Node, wanted: set[Symbol]) -> Formula:
    """Return the equation of a node, opened until it is in the wanted symbols."""
    from . import BASE

    graph = Graph(BASE | {node.target: node}, wanted)
    written = graph[node.target]
    while opened := [s for s in written.symbols - wanted if s in graph]:
        forms = {symbol: graph[symbol].expression for symbol in opened}
        written = replace(written, expression=written.expression.xreplace(forms))
    return written


def _random_number(symbol: Symbol, random: Random) -> Rational:
    whole = Integer(random.randint(1, 400))
    return whole if symbol.is_integer else Rational(whole, random.randint(1, 40))
