"""Units as text: one table of names and prefixes, for the registry and for readers.

Dimensions are byte, FLOP, second, USD and, for electric power, joule. Token, sequence,
user, subscriber, request, GPU, layer and element are labels: they are shown, and count as 1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sympy import Integer, Rational, Symbol

from ..errors import UnitError
from .quantity import lookup

Dimension = tuple[tuple[str, Rational], ...]
"""Exponents by base dimension, sorted by name; empty for a plain number."""

LABELS: Final = ("token", "sequence", "user", "subscriber", "request", "GPU", "layer", "element")
"""Words that say what is counted; each counts as 1."""


def _of(*powers: tuple[str, int]) -> Dimension:
    return tuple((base, Integer(power)) for base, power in powers)


# Names in the singular, with what one of it is in byte, FLOP, second, USD and joule.
_UNITS: Final[dict[str, tuple[Dimension, int]]] = {
    **dict.fromkeys(("1", *LABELS), ((), 1)),
    **dict.fromkeys(("byte", "B"), (_of(("byte", 1)), 1)),
    **dict.fromkeys(("FLOP", "flop"), (_of(("FLOP", 1)), 1)),
    "FLOPS": (_of(("FLOP", 1), ("second", -1)), 1),
    **dict.fromkeys(("USD", "dollar"), (_of(("USD", 1)), 1)),
    **dict.fromkeys(("s", "second"), (_of(("second", 1)), 1)),
    **dict.fromkeys(("min", "minute"), (_of(("second", 1)), 60)),
    **dict.fromkeys(("h", "hour"), (_of(("second", 1)), 3600)),
    "day": (_of(("second", 1)), 86400),
    **dict.fromkeys(("J", "joule"), (_of(("joule", 1)), 1)),
    **dict.fromkeys(("W", "watt"), (_of(("joule", 1), ("second", -1)), 1)),
    **dict.fromkeys(("Wh", "watt_hour"), (_of(("joule", 1)), 3600)),
}
_PREFIXES: Final[dict[str, Rational]] = {
    **dict.fromkeys(("k", "kilo"), Integer(10**3)),
    **dict.fromkeys(("M", "mega"), Integer(10**6)),
    **dict.fromkeys(("G", "giga"), Integer(10**9)),
    **dict.fromkeys(("T", "tera"), Integer(10**12)),
    **dict.fromkeys(("P", "peta"), Integer(10**15)),
    **dict.fromkeys(("Ki", "kibi"), Integer(2**10)),
    **dict.fromkeys(("Mi", "mebi"), Integer(2**20)),
    **dict.fromkeys(("Gi", "gibi"), Integer(2**30)),
    **dict.fromkeys(("Ti", "tebi"), Integer(2**40)),
    **dict.fromkeys(("m", "milli"), Rational(1, 10**3)),
    **dict.fromkeys(("µ", "u", "micro"), Rational(1, 10**6)),
}
# A product, or a quotient of products: no powers, no numbers but a leading 1.
_NAME: Final = r"[A-Za-zµ_]+"
_PRODUCT: Final = rf"{_NAME}(?:[ *]+{_NAME})*"
_BELOW: Final = rf"(?:/(?:{_PRODUCT}|\({_PRODUCT}\)))*"
_UNIT: Final = re.compile(rf"(?:1|{_PRODUCT}){_BELOW}")
_LONGEST: Final = 64


def multiply(*powers: tuple[Dimension, Rational]) -> Dimension:
    """Return the product of dimensions, each raised to a power."""
    total: dict[str, Rational] = {}
    for dimension, exponent in powers:
        for base, power in dimension:
            total[base] = total.get(base, Integer(0)) + power * exponent
    return tuple(sorted((base, power) for base, power in total.items() if power))


def words(dimension: Dimension) -> str:
    """Write a dimension as people do, for example ``"byte/second"``."""
    above = [b if p == 1 else f"{b}^{p}" for b, p in dimension if p > 0]
    below = [b if p == -1 else f"{b}^{-p}" for b, p in dimension if p < 0]
    return "·".join(above or ["1"]) + "".join(f"/{part}" for part in below)


def coherent_unit(dimension: Dimension) -> str:
    """Write a dimension as a unit, for example ``"FLOP/byte"``; ``"1"`` for a plain number."""
    short = {"second": "s", "anything": "1"}
    return words(tuple((short.get(base, base), power) for base, power in dimension)).replace(
        "·", " "
    )


@lru_cache(maxsize=1024)
def parse_unit(unit: str) -> tuple[Dimension, Rational]:
    """Read a unit: its dimension, and how many coherent units (byte, FLOP, s, USD) one of it is.

    A space multiplies; what follows a slash divides, as in ``"USD/(user h)"``.
    """
    if len(unit) > _LONGEST or not _UNIT.fullmatch(unit):
        raise _unknown(unit)
    dimension, scale = Dimension(), Integer(1)
    for index, side in enumerate(re.sub("[()]", "", unit).split("/")):
        sign = Integer(-1 if index else 1)
        for name in re.split(r"[ *]+", side):
            word, factor = _named(name, unit)
            part, size = _UNITS[word]
            dimension = multiply((dimension, Integer(1)), (part, sign))
            scale *= (factor * size) ** sign
    return dimension, scale


def labels(unit: str) -> dict[str, int]:
    """Return the labels of a unit: 1 for one above the slash, -1 for one below.

    Examples
    --------
    >>> labels("Mtokens/s/GPU")
    {'token': 1, 'GPU': -1}
    """
    parse_unit(unit)
    sides = (re.split(r"[ *]+", re.sub("[()]", "", side)) for side in unit.split("/"))
    found = (
        (_named(name, unit)[0], -1 if i else 1) for i, side in enumerate(sides) for name in side
    )
    return {word: power for word, power in found if word in LABELS}


def _named(name: str, unit: str) -> tuple[str, Rational]:
    """Look a name up, as it is, in the singular, or behind a prefix: the name and the prefix."""
    for prefix, factor in {"": Integer(1), **_PREFIXES}.items():
        rest = name.removeprefix(prefix)
        for singular in (rest, rest.removesuffix("s") if len(rest) > 2 else rest):
            if name.startswith(prefix) and singular in _UNITS and not (prefix and rest == "1"):
                return singular, factor
    raise _unknown(unit, f": {name!r} is not known" if name != unit else "")


def _unknown(unit: str, why: str = "") -> UnitError:
    return UnitError(
        f"{unit[:_LONGEST]!r} is not a unit{why}. "
        "Units look like 'TB/s', 'GiB', 'USD/hour', 'token/s'."
    )


def conversion(source: str, target: str) -> Rational:
    """Return how many of the unit `target` one `source` is."""
    (one, scale), (other, per) = parse_unit(source), parse_unit(target)
    if one != other:
        raise UnitError(f"{source!r} and {target!r} measure different things: cannot convert.")
    return scale / per


def scale_of(symbol: Symbol | str) -> Rational:
    """Return how many coherent units one unit of a quantity is: 3600 for hours."""
    return parse_unit(lookup(symbol).unit)[1]
