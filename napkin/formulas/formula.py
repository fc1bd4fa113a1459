"""Equations as data: formulas, solved targets, and quantities at another place."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import (
    Basic,
    Eq,
    Expr,
    Symbol,
    latex,
    preorder_traversal,
    true,
)
from sympy.logic.boolalg import Boolean

from ..quantities.dimensions import check_equation, dimension_of
from ..quantities.quantity import REGISTRY


def latex_of(expression: Basic) -> str:
    """Return an expression as LaTeX, in the shown symbols of the registry."""
    # This includes the bound symbol of a limit, a sum or a root.
    found = {symbol: symbol.name.removesuffix("_") for symbol in expression.atoms(Symbol)}
    names = {symbol: REGISTRY[name].shown for symbol, name in found.items() if name in REGISTRY}
    order = "none" if _is_as_written(expression) else None
    text: str = latex(expression, symbol_names=names, mul_symbol=r"\,", order=order)
    return text


def legend(expression: Basic) -> str:
    """Return the shown symbols of an expression with their code names, as Markdown."""
    names = sorted(s.name for s in expression.atoms(Symbol) if s.name in REGISTRY)
    pairs = [f"${REGISTRY[name].shown}$ `{name}`" for name in names]
    return f"\n\n<small>{' · '.join(pairs)}</small>" if pairs else ""


def _is_as_written(expression: Basic) -> bool:
    """Say whether a sum or product was built so that SymPy does not sort it."""
    parts = preorder_traversal(expression)
    return any((part.is_Add or part.is_Mul) and part.func(*part.args) != part for part in parts)


@dataclass(frozen=True)
class Detail:
    """A sentence with numbers that explains why a condition fails.

    The message omits the sentence if one of its values cannot be known, or if `when` is false.
    """

    text: str
    values: tuple[Expr, ...] = ()
    when: Boolean = true


@dataclass(frozen=True)
class Without:
    """What stands for a term where a given is missing, and how that is said."""

    given: Symbol
    term: Symbol
    value: Expr
    words: str = ""

    def __str__(self) -> str:
        said = self.words or f"{self.term} is left out"
        return f"{self.given} is not given, so {said}"


@dataclass(frozen=True)
class Formula:
    """One equation with its reason, source and range.

    Parameters
    ----------
    target : Symbol
        The quantity that the formula computes.
    expression : Expr
        The right side, in symbols of the registry and coherent units.
    why : str
        One sentence that tells a reader why the formula holds.
    source : str
        The work or the argument that the formula comes from.
    valid : Boolean
        A SymPy relation that is true where the formula holds.
    scope : str
        The same range in words, and what the formula leaves out.
    otherwise : str
        What a false `valid` means for a server, such as that the weights do not fit. Only
        formulas that decide what fits have this text.
    details : tuple of Detail
        Sentences that follow `otherwise`: the numbers, and what to do.
    left_out : tuple of Without
        Terms that give way to another value if a given is missing.
    """

    target: Symbol
    expression: Expr
    why: str
    source: str
    valid: Boolean = true
    scope: str = ""
    otherwise: str = ""
    details: tuple[Detail, ...] = ()
    left_out: tuple[Without, ...] = ()

    @property
    def equation(self) -> Eq:
        """The equation, as a SymPy object."""
        return Eq(self.target, self.expression, evaluate=False)

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols on the right side."""
        return frozenset(self.expression.free_symbols)

    def check_units(self) -> None:
        """Raise a `UnitError` unless both sides have the same unit."""
        check_equation(self.target, self.expression)
        dimension_of(self.valid)

    def __str__(self) -> str:
        return f"{self.target} = {self.expression}"

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"${latex_of(self.equation)}$"


@dataclass(frozen=True)
class Solved:
    """A target that Napkin solves for: the largest unknown with left <= right.

    The graph writes the equation from the formulas that hold at the moment, so a reader's own
    step time or width counts here as it does everywhere else.
    """

    target: Symbol
    unknown: Symbol
    left: Expr
    right: Expr
    why: str
    source: str
    valid: Boolean = true
    scope: str = ""
    otherwise: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols of both sides, except the unknown."""
        return frozenset((self.left.free_symbols | self.right.free_symbols) - {self.unknown})

    def check_units(self) -> None:
        """Raise a `UnitError` unless both sides, and target and unknown, have the same unit."""
        check_equation(self.target, self.unknown)
        dimension_of(self.left <= self.right)
        dimension_of(self.valid)

    def __str__(self) -> str:
        return f"{self.target} = largest {self.unknown} with {self.left} <= {self.right}"

    __repr__ = __str__


@dataclass(frozen=True)
class Elsewhere:
    """The value of `of` with `unknown` set to `at`, whatever value `unknown` has elsewhere."""

    target: Symbol
    of: Symbol
    unknown: Symbol
    at: Expr
    why: str
    source: str
    valid: Boolean = true
    scope: str = ""
    otherwise: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols that the node names, except the unknown."""
        return frozenset({self.of} | self.at.free_symbols)

    def check_units(self) -> None:
        """Raise a `UnitError` unless target and quantity, and place and unknown, agree in unit."""
        check_equation(self.target, self.of)
        check_equation(self.unknown, self.at)
        dimension_of(self.valid)

    def __str__(self) -> str:
        return f"{self.target} = {self.of} at {self.unknown} = {self.at}"

    __repr__ = __str__


Node = Formula | Solved | Elsewhere
