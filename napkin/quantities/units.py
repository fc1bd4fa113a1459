"""Units as strings, and the dimension check of an expression.

Dimensions are byte, FLOP, second, USD and, for electric power, joule. Token, sequence,
user, GPU, layer and element are labels: they are shown, and count as 1.
"""

from __future__ import annotations

import re
from functools import lru_cache
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
    Rational,
    Sum,
    Symbol,
    ceiling,
    floor,
)
from sympy.core.relational import Relational

from ..errors import UnitError
from .quantity import lookup

Dimension = tuple[tuple[str, Rational], ...]
"""Exponents by base dimension, sorted by name; empty for a plain number."""

_LABELS: Final = ("token", "sequence", "user", "GPU", "layer", "element")
_UNITS: Final[dict[str, tuple[str, int]]] = {
    **dict.fromkeys(_LABELS, ("", 1)),
    "1": ("", 1),
    "Mtoken": ("", 10**6),
    "byte": ("byte", 1),
    "FLOP": ("FLOP", 1),
    "USD": ("USD", 1),
    "s": ("second", 1),
    "min": ("second", 60),
    "h": ("second", 3600),
    "day": ("second", 86400),
}
# A kilowatt is 1000 joule a second, a kilowatt-hour 3.6 million joule; data sheets print FLOPS.
_ENERGY: Final[dict[str, tuple[Dimension, int]]] = {
    "FLOPS": ((("FLOP", Integer(1)), ("second", Integer(-1))), 1),
    "J": ((("joule", Integer(1)),), 1),
    "W": ((("joule", Integer(1)), ("second", Integer(-1))), 1),
    "Wh": ((("joule", Integer(1)),), 3600),
    "kW": ((("joule", Integer(1)), ("second", Integer(-1))), 1000),
    "kWh": ((("joule", Integer(1)),), 3_600_000),
}
_OTHER_NAMES: Final = {
    "B": "byte",
    "flop": "FLOP",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "dollar": "USD",
    "joule": "J",
    "watt": "W",
    "watt_hour": "Wh",
}
_TENS: Final = {"k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "m": -3, "µ": -6, "u": -6}
_WORDS: Final = {"kilo": 3, "mega": 6, "giga": 9, "tera": 12, "peta": 15, "milli": -3, "micro": -6}
_TWOS: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "kibi": 10, "mebi": 20, "gibi": 30}
_PREFIXES: Final[dict[str, Rational]] = {
    "": Integer(1),
    **{prefix: Integer(10) ** power for prefix, power in (_TENS | _WORDS).items()},
    **{prefix: Integer(2) ** power for prefix, power in (_TWOS | {"tebi": 40}).items()},
}
_ONE: Final = Integer(1)
_ANY: Final[Dimension] = (("anything", Integer(1)),)  # the dimension of zero and infinity


def _times(*powers: tuple[Dimension, Rational]) -> Dimension:
    total: dict[str, Rational] = {}
    for dimension, exponent in powers:
        for base, power in dimension:
            total[base] = total.get(base, Integer(0)) + power * exponent
    return tuple(sorted((base, power) for base, power in total.items() if power))


def words(dimension: Dimension) -> str:
    """Write a dimension as people do.

    Parameters
    ----------
    dimension : Dimension
        Exponents by base dimension.

    Returns
    -------
    str
        For example ``"byte/second"``.
    """
    above = [b if p == 1 else f"{b}^{p}" for b, p in dimension if p > 0]
    below = [b if p == -1 else f"{b}^{-p}" for b, p in dimension if p < 0]
    return "·".join(above or ["1"]) + "".join(f"/{part}" for part in below)


def coherent_unit(dimension: Dimension) -> str:
    """Write a dimension as a unit of the registry.

    Parameters
    ----------
    dimension : Dimension
        Exponents by base dimension.

    Returns
    -------
    str
        For example ``"FLOP/byte"``; ``"1"`` for a plain number.
    """
    name = {"second": "s", "anything": "1"}
    return words(tuple((name.get(base, base), power) for base, power in dimension)).replace(
        "·", " "
    )


@lru_cache(maxsize=256)
def _named(name: str) -> tuple[Dimension, Rational] | None:
    """Return what one name measures, and its scale; people write prefixes, and plurals."""
    for prefix, power in _PREFIXES.items():
        rest = name.removeprefix(prefix)
        if not name.startswith(prefix) or (prefix and not rest.isalpha()):
            continue
        for single in (rest, rest.removesuffix("s")):
            single = _OTHER_NAMES.get(single, single)
            if single in _ENERGY:
                dimension, factor = _ENERGY[single]
                return dimension, Rational(factor) * power
            if single in _UNITS:
                base, factor = _UNITS[single]
                return ((base, Integer(1)),) if base else (), Rational(factor) * power
    return None


@lru_cache(maxsize=256)
def parse_unit(unit: str) -> tuple[Dimension, Rational]:
    """Read a unit of the registry.

    Parameters
    ----------
    unit : str
        For example ``"byte/s"`` or ``"USD/(user h)"``; a space multiplies.

    Returns
    -------
    dimension : Dimension
        Exponents by base dimension.
    scale : Rational
        How many coherent units (byte, FLOP, s, USD) one of it is: 3600 for ``"h"``.

    Raises
    ------
    UnitError
        If a part of it is not known.
    """
    powers: list[tuple[Dimension, Rational]] = []
    scale = Rational(1)
    for index, side in enumerate(unit.replace("(", "").replace(")", "").split("/")):
        sign = Integer(-1 if index else 1)
        for name in re.split(r"[ *]+", side.strip()):
            found = _named(name)
            if found is None:
                known = ", ".join([*_UNITS, *_ENERGY])
                raise UnitError(f"unit {unit!r}: {name!r} is not known. Known: {known}.")
            dimension, factor = found
            powers.append((dimension, sign))
            scale *= factor**sign
    return _times(*powers), scale


def scale_of(symbol: Symbol | str) -> Rational:
    """Return how many coherent units one unit of a quantity is.

    Parameters
    ----------
    symbol : Symbol or str
        The quantity.

    Returns
    -------
    Rational
        3600 for a quantity in hours.
    """
    return parse_unit(lookup(symbol).unit)[1]


def dimension_of(expression: Basic) -> Dimension:
    """Return the dimension of an expression, or say where its sides differ.

    Parameters
    ----------
    expression : Basic
        A SymPy expression in symbols of the registry.

    Returns
    -------
    Dimension
        Exponents by base dimension.

    Raises
    ------
    UnitError
        If a sum, Min, Max, Piecewise or relation mixes dimensions, if an exponent or the
        argument of a function such as ``exp`` has one.
    UnknownNameError
        If a symbol is not declared.

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
        return _ANY if any(part == _ANY for part, _ in parts) else _times(*parts)
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
        counted = dict.fromkeys(expression.bound_symbols, _ONE)
        return dimension_of(expression.function.xreplace(counted))
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
    return base if base in ((), _ANY) else _times((base, power.exp))


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
    """Raise unless both sides of an equation have the same dimension.

    Parameters
    ----------
    target : Symbol
        The left side, declared in the registry.
    expression : Expr
        The right side.

    Raises
    ------
    UnitError
        With the dimensions of both sides.
    """
    left, right = dimension_of(target), dimension_of(expression)
    if right not in (left, _ANY):
        raise UnitError(
            f"{target} is in {words(left)} ({lookup(target).unit}), but {expression} is in "
            f"{words(right)}."
        )
