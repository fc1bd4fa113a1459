"""What people give: numbers and text, read and checked for a quantity."""

from __future__ import annotations

import re
from typing import Final

from sympy import Expr, Integer, Rational, Symbol, sqrt

from ..errors import DomainError, UnitError
from .quantity import SWITCH, Domain, Quantity, lookup
from .units import conversion, labels, scale_of
from .value import Value, exact_number

_NUMBER: Final = re.compile(
    r"\s*([-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)"
    r"\s*(million|billion|trillion|(?:k|M|Ki|Mi)(?!\S))?\s*(.*?)\s*"
)


WORDS: Final[dict[str | None, int]] = {
    **{"million": 10**6, "billion": 10**9, "trillion": 10**12, None: 1},
    **{"k": 10**3, "M": 10**6, "Ki": 2**10, "Mi": 2**20},
}


_MONEY_FIRST: Final = re.compile(r"\s*(?:USD\s*|\$)([\d.][\d.,_]*)")
_LONGEST_TEXT: Final = 64


def parse_text(text: str) -> Value:
    """Read a number with a unit from text: "4 USD/hour", and "USD 4/hour" as people write it."""
    turned = _MONEY_FIRST.sub(r"\1 USD", text[: _LONGEST_TEXT + 1], count=1)
    match = _NUMBER.fullmatch(turned) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise UnitError(
            f"{text[:_LONGEST_TEXT]!r} is not a number with a unit. Write a bare number, "
            "or one with its unit, as in '3.35 TB/s' or '4 USD/hour'."
        )
    digits, word, unit = match.groups()
    value = Value(Rational(re.sub("[_,]", "", digits)) * WORDS[word], unit or "1")
    conversion(value.unit, value.unit)
    return value


def between(symbol: Symbol | str, given: object) -> tuple[Expr, Expr] | None:
    """Return both ends, in coherent units, of a range such as ``"4k to 40k"``; None for others."""
    low, apart, high = given.partition(" to ") if isinstance(given, str) else ("", "", "")
    if not apart:
        return None
    if re.fullmatch(r"[\d.,_\s]*", low):  # the unit, or the k, stands behind the second number
        low += re.sub(r"^[\d.,_\s]*", " ", high.strip())
    ends = coherent(symbol, low), coherent(symbol, high)
    if not 0 < ends[0] < ends[1]:
        raise DomainError(
            f"{lookup(symbol).name}={given!r}: a range rises from a number above 0 to a larger "
            "one, as in '4k to 40k'."
        )
    return ends


def middle(symbol: Symbol | str, ends: tuple[Expr, Expr]) -> Expr:
    """Return the median of the log-normal distribution with 90 % between two ends."""
    scale, whole = scale_of(symbol), lookup(symbol).domain.integer
    found = sqrt(ends[0] * ends[1])
    return Integer(round(found / scale)) * scale if whole else exact_number(float(found))


def coherent(symbol: Symbol | str, given: object) -> Expr:
    """Return what was given for a quantity in coherent units (byte, FLOP, s, USD)."""
    quantity = lookup(symbol)
    try:
        if isinstance(given, bool) and quantity.domain is not SWITCH:
            raise DomainError("only a switch is true or false, so give a number.")
        value = _read(quantity, given) if isinstance(given, str) else given
        if not isinstance(value, Value):
            number = exact_number(value)
        elif value.unit == "1" and isinstance(given, str):
            number, value = value.number, given
        else:
            number = value.number * conversion(value.unit, quantity.unit)
            if isinstance(given, str):
                _check_labels(quantity, value.unit)
    except (UnitError, DomainError) as reason:
        raise type(reason)(
            f"{quantity.name} expects {quantity.unit} ({quantity.meaning}), got {given!s}: {reason}"
        ) from None
    if not allows(quantity.domain, number):
        raise DomainError(
            f"{quantity.name} ({quantity.meaning}) must be {quantity.domain.words}, got {given!s}."
        )
    if number.is_finite and number and not 1e-200 < abs(number) < 1e200:
        raise DomainError(
            f"{quantity.name} ({quantity.meaning}) cannot be computed with: {given!s:.20} is "
            "beyond 1e200, or below 1e-200. Check its exponent."
        )
    bare = quantity.bare
    if bare and not isinstance(value, Value) and number and not allows(bare, number):
        raise DomainError(
            f"{quantity.name}={given} would be {in_unit(symbol, number)}: {bare.words}."
        )
    return number * scale_of(quantity.name)


def _read(quantity: Quantity, text: str) -> Value:
    """Read a text for a quantity: where it is a part of a whole, a percentage too."""
    number, percent, rest = text.partition("%")
    if percent and not rest.strip() and quantity.unit == "1" and quantity.domain.high == 1:
        return parse_text(number) / 100
    return parse_text(text)


def _check_labels(quantity: Quantity, unit: str) -> None:
    """Raise a `UnitError` if a unit counts by something by which the quantity does not."""
    own = labels(quantity.unit)
    if "sequence" in own:  # at any moment, a request of a user is one sequence
        own |= dict.fromkeys(("user", "request"), own["sequence"])
    for label, power in labels(unit).items():
        here = power == own.get(label) or (power < 0 and label in quantity.per)
        if not here and quantity.unit != "1":
            side = "for each" if power < 0 else "a number of"
            raise UnitError(
                f"{unit!r} is {side} {label}, and {quantity.unit!r} is not. Convert the number, or "
                f"leave out {label!r} if it means the same."
            )


def allows(domain: Domain, number: Expr) -> bool:
    """Say whether a domain holds a number."""
    if number.is_infinite and number.is_positive:
        return domain.high == float("inf") and not domain.integer
    if not (number.is_real and number.is_finite):
        return False
    whole = not domain.integer or abs(number) > 10**30 or number == int(number)
    return bool(whole) and _lies_within(domain, number)


def _lies_within(domain: Domain, number: Expr) -> bool:
    """Compare with the ends of a domain: as floats, which is fast, and exactly at the ends."""
    try:
        near = float(number)
    except OverflowError:
        return bool(domain.within(number))
    if near in (domain.low, domain.high):
        return bool(domain.within(number))
    return domain.low < near < domain.high


def somewhere(symbol: Symbol | str) -> Value:
    """Return a value that a quantity may have, and that drops no term or factor if it can."""
    quantity = lookup(symbol)
    numbers = (Integer(2), Integer(1), Rational(1, 2), Rational(quantity.domain.low))
    return Value(
        next(number for number in numbers if allows(quantity.domain, number)), quantity.unit
    )


def in_unit(symbol: Symbol | str, number: Expr) -> Value:
    """Return a coherent number in the unit of its quantity."""
    return Value(number / scale_of(symbol), lookup(symbol).unit)
