"""The dimension of an expression, and the check that both sides of an equation have the same."""

from __future__ import annotations

from typing import Final

from sympy import (
    Add,
    Basic,
    Expr,
    Integer,
    Max,
    Min,
    Mul,
    Piecewise,
    Pow,
    Sum,
    Symbol,
    ceiling,
    floor,
)
from sympy.core.relational import Relational

from ..errors import UnitError
from .quantity import lookup
from .units import Dimension, multiply, parse_unit, words

_ANY: Final[Dimension] = (("anything", Integer(1)),)  # the dimension of zero and infinity


def dimension_of(expression: Basic) -> Dimension:
    """Return the dimension of an expression, or say where its sides differ.

    Examples
    --------
    >>> from napkin.notation import bandwidth, memory
    >>> words(dimension_of(memory / bandwidth))
    'second'
    """
    if isinstance(expression, Symbol):
        return parse_unit(lookup(expression).unit)[0]
    if expression.is_zero or expression.is_infinite:
        return _ANY
    if not expression.args:
        return ()
    if isinstance(expression, Mul):
        parts = [(dimension_of(arg), Integer(1)) for arg in expression.args]
        return _ANY if any(part == _ANY for part, _ in parts) else multiply(*parts)
    if isinstance(expression, Pow):
        return _of_power(expression)
    if isinstance(expression, Piecewise):
        for _, condition in expression.args:
            dimension_of(condition)
        return _same([value for value, _ in expression.args], expression)
    if isinstance(expression, Add | Min | Max | Relational):
        common = _same(list(expression.args), expression)
        return () if isinstance(expression, Relational) else common
    if isinstance(expression, Sum):  # its indices count: plain numbers
        counted = dict.fromkeys(expression.bound_symbols, Integer(1))
        return dimension_of(expression.function.xreplace(counted))
    if bound := getattr(expression, "bound_symbols", ()):  # a root has the unit of its unknown
        unknown = lookup(bound[0].name.removesuffix("_")).symbol
        _same([side.xreplace({bound[0]: unknown}) for side in expression.args[1:]], expression)
        return dimension_of(unknown)
    if isinstance(expression, ceiling | floor):
        return dimension_of(expression.args[0])
    for arg in expression.args:
        if dimension_of(arg) not in ((), _ANY):
            raise UnitError(
                f"{type(expression).__name__} takes a plain number, but {arg} is in "
                f"{words(dimension_of(arg))}: divide it by something of the same unit."
            )
    return ()


def _of_power(power: Pow) -> Dimension:
    base, exponent = dimension_of(power.base), dimension_of(power.exp)
    if exponent != () or (base not in ((), _ANY) and not power.exp.is_Rational):
        raise UnitError(
            f"{power}: the base is in {words(base)} and the exponent {power.exp} in "
            f"{words(exponent)}; an exponent is a plain number, and a fixed one where the "
            "base has a unit."
        )
    return base if base in ((), _ANY) else multiply((base, power.exp))


def _same(sides: list[Basic], whole: Basic) -> Dimension:
    common: Dimension | None = None
    first = whole
    for side in sides:
        dimension = dimension_of(side)
        if dimension == _ANY:
            continue
        if common is None:
            common, first = dimension, side
        elif dimension != common:
            kind = {Add: "sum"}.get(type(whole), type(whole).__name__)
            raise UnitError(
                f"{kind}: {first} is in {words(common)}, but {side} is in {words(dimension)}. "
                "Both sides need the same unit."
            )
    return _ANY if common is None else common


def check_equation(target: Symbol, expression: Expr) -> None:
    """Raise unless both sides of an equation have the same dimension."""
    left, right = dimension_of(target), dimension_of(expression)
    if right not in (left, _ANY):
        advice = ""
        if not expression.free_symbols:
            advice = (
                f" A formula has no units, so give the number as a value: {target}={expression}."
            )
        raise UnitError(
            f"{target} is in {words(left)} ({lookup(target).unit}), but {expression} is in "
            f"{words(right)}.{advice}"
        )
