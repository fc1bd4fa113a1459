"""One equation as data, and the proof that a derivation ends in it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from sympy import (
    Basic,
    Eq,
    Expr,
    Integer,
    Rational,
    Sum,
    Symbol,
    cancel,
    expand,
    latex,
    preorder_traversal,
    true,
)
from sympy.logic.boolalg import Boolean

from ..errors import AgreementError
from ..quantities.quantity import REGISTRY
from .probability import NUMERIC

_POINTS: Final = 30
_DIGITS: Final = 40


def latex_of(expression: Basic) -> str:
    """Return an expression as LaTeX, in the shown symbols of the registry.

    Parameters
    ----------
    expression : Basic
        Any SymPy object.

    Returns
    -------
    str
        LaTeX without the dollar signs.
    """
    # Of a limit or a sum also the symbol that runs.
    found = expression.atoms(Symbol)
    names = {symbol: REGISTRY[symbol.name].shown for symbol in found if symbol.name in REGISTRY}
    order = "none" if _is_as_written(expression) else None
    text: str = latex(expression, symbol_names=names, mul_symbol=r"\,", order=order)
    return text


def legend(expression: Basic) -> str:
    """Return the shown symbols of an expression with their code names, as Markdown.

    Parameters
    ----------
    expression : Basic
        Any SymPy object.

    Returns
    -------
    str
        One small line; empty if no symbol is in the registry.
    """
    names = sorted(s.name for s in expression.atoms(Symbol) if s.name in REGISTRY)
    pairs = [f"${REGISTRY[name].shown}$ `{name}`" for name in names]
    return f"\n\n<small>{' · '.join(pairs)}</small>" if pairs else ""


def _is_as_written(expression: Basic) -> bool:
    """Say whether somebody kept SymPy from sorting a sum or product."""
    parts = preorder_traversal(expression)
    return any((part.is_Add or part.is_Mul) and part.func(*part.args) != part for part in parts)


@dataclass(frozen=True)
class Formula:
    """One equation with its reason, source and range.

    Parameters
    ----------
    target : Symbol
        What it computes.
    expression : Expr
        How, in symbols of the registry and coherent units.
    why : str
        The sentence from which a reader learns it.
    source : str
        Where it comes from.
    valid : Boolean
        A SymPy relation that holds where the formula does.
    scope : str
        The same in words, with what it leaves out.
    left_out : tuple of (Symbol, Symbol)
        Pairs (given, term): without that given, the term of a ``Min`` is left out.
    """

    target: Symbol
    expression: Expr
    why: str
    source: str
    valid: Boolean = true
    scope: str = ""
    left_out: tuple[tuple[Symbol, Symbol], ...] = ()

    @property
    def equation(self) -> Eq:
        """The equation, as a SymPy object."""
        return Eq(self.target, self.expression, evaluate=False)

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols on the right side."""
        return frozenset(self.expression.free_symbols)

    def __str__(self) -> str:
        return f"{self.target} = {self.expression}"

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"${latex_of(self.equation)}$"


@dataclass(frozen=True)
class Agreement:
    """What `agree` shows when two expressions are the same.

    Parameters
    ----------
    expression : Expr
        The derived expression.
    packaged : Formula or Expr
        What it was compared with.
    how : str
        How the comparison was made.
    """

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


def agree(derived: Expr, packaged: Formula | Expr) -> Agreement:
    """Compare a derived expression with a packaged formula.

    Parameters
    ----------
    derived : Expr
        What the derivation ended in.
    packaged : Formula or Expr
        What the package keeps.

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


def _random_number(symbol: Symbol, random: Random) -> Rational:
    whole = Integer(random.randint(1, 400))
    return whole if symbol.is_integer else Rational(whole, random.randint(1, 40))
