"""Conversion between the units that people write, by pint, loaded on first use."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from sympy import Rational

from ..errors import UnitError

_SYSTEM: Final = """
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
tera- = 1e12 = T-
peta- = 1e15 = P-
milli- = 1e-3 = m-
micro- = 1e-6 = µ- = u-
kibi- = 1024 = Ki-
mebi- = 1048576 = Mi-
gibi- = 1073741824 = Gi-
tebi- = 1099511627776 = Ti-
second = [time] = s
minute = 60 * second = min
hour = 60 * minute = h
day = 24 * hour
byte = [data] = B
FLOP = [work] = _ = flop = FLOPs = flops
FLOPS = FLOP / second
USD = [money] = dollar
joule = [energy] = J
watt = joule / second = W
watt_hour = 3600 * joule = Wh
token = []
sequence = []
user = []
GPU = []
layer = []
element = []
"""


_UNIT: Final = re.compile(r"1|(1/)?[A-Za-zµ_ /*()]{1,40}")  # no numbers, so no large powers
_LIKE: Final = "Units look like 'TB/s', 'GiB', 'USD/hour', 'token/s'."


@lru_cache(maxsize=1)
def _pint() -> Any:
    """Load pint with our units only: in its own, a byte is a plain number."""
    from pint import UnitRegistry

    registry: Any = UnitRegistry(None, non_int_type=Fraction)
    for line in _SYSTEM.strip().splitlines():
        registry.define(line)
    return registry


@lru_cache(maxsize=1024)
def conversion(source: str, target: str) -> Rational:
    """Return how many `target` one `source` is.

    Parameters
    ----------
    source, target : str
        Units, for example ``"TB/s"`` and ``"byte/s"``.

    Returns
    -------
    Rational
        The exact factor.

    Raises
    ------
    UnitError
        If one is not a unit, or they measure different things.
    """
    pint = _pint()

    def read(unit: str) -> Any:
        if not _UNIT.fullmatch(unit):
            raise UnitError(f"{unit!r} is not a unit. {_LIKE}")
        text = "" if unit == "1" else unit.replace(" ", "*")
        try:
            return pint.Quantity(Fraction(1), pint.parse_units(text))
        except Exception as reason:  # pint raises a dozen kinds
            raise UnitError(f"{unit!r} is not a unit. {_LIKE}") from reason

    one, other = read(source), read(target)
    if one.dimensionality != other.dimensionality:
        raise UnitError(f"{source!r} and {target!r} measure different things: cannot convert.")
    factor = one.to_root_units().magnitude / other.to_root_units().magnitude
    return Rational(Fraction(factor).limit_denominator(10**30))
