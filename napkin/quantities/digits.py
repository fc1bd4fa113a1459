"""How numbers and units read: three significant digits, and a prefix that suits."""

from __future__ import annotations

import re
from typing import Final

from sympy import Expr

from ..errors import DomainError
from .units import LABELS

PREFIXES: Final = ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"), (0, ""))
"""Powers of ten and their letters, the largest first."""
_SHORT: Final = {"byte": "B", "FLOP": "FLOP"}
_NAMES: Final = ((12, "trillion"), (9, "billion"), (6, "million"))


def check_not_zero(text: str, number: Expr | float) -> str:
    """Return a text, unless it shows a number that is not zero as zero."""
    if number != 0 and not re.search("[1-9]", text):
        raise DomainError(f"{number} would read as zero: convert it to a smaller unit first.")
    return text


def short_unit(unit: str, number: Expr | float = 1) -> str:
    """Return a unit as it is shown: B for byte, labels in the plural."""
    if unit in LABELS and number != 1:
        return f"{unit}s"
    return "" if unit == "1" else re.sub(r"\bbyte\b", "B", unit)


def three_digits(number: float) -> str:
    """Write a number with three significant digits."""
    if number == 0:
        return "0"
    rounded = float(f"{number:.2e}")
    size = abs(rounded)
    if not 1e-3 <= size < 1e15:
        text = f"{rounded:.2e}"
    else:
        exponent = int(f"{size:e}".split("e")[1])
        text = f"{rounded:,.{max(0, 2 - exponent)}f}"
    return text


def readable(number: Expr, unit: str) -> tuple[str, str]:
    """Return the digits and the unit with which a number reads best."""
    if number.is_infinite:
        return "unlimited", short_unit(unit, number)
    if number != 0 and not 1e-300 < abs(number) < 1e300:
        return str(number.evalf(3)), short_unit(unit, number)
    first = re.split(r"[/ ]", unit)[0]
    size = abs(float(f"{float(number):.2e}"))
    if first in _SHORT and size >= 1000:
        largest = 12 if unit == "FLOP/s" else 15  # data sheets say 4,500 TFLOP/s
        power, prefix = next(p for p in PREFIXES if p[0] <= largest and size >= 10 ** p[0])
        return three_digits(float(number / 10**power)), prefix + short_unit(unit)
    if unit == "s" and 0 < size < 1:
        power, prefix = (3, "m") if size >= 1e-3 else (6, "µ")
        return three_digits(float(number * 10**power)), f"{prefix}s"
    if unit == "s" and size >= 7200:
        return three_digits(float(number / 3600)), "h"
    if number.is_Integer and size < 10**6:
        return f"{int(number):,}", short_unit(unit, size)
    for power, name in _NAMES:
        if 10**power <= size < 10**15:
            return f"{three_digits(float(number / 10**power))} {name}", short_unit(unit, size)
    return three_digits(float(number)), short_unit(unit, size)
