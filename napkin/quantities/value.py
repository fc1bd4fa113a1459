"""Numbers with units: read from text, kept exact, shown with three digits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from sympy import Expr, Integer, Rational, Symbol

from ..errors import DomainError, UnitError
from .digits import check_not_zero, readable, short_unit
from .quantity import Domain, lookup
from .units import conversion, scale_of

_NUMBER: Final = re.compile(
    r"\s*([-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)"
    r"\s*(million|billion|trillion)?\s*(.*?)\s*"
)
WORDS: Final = {"million": 10**6, "billion": 10**9, "trillion": 10**12, None: 1}
"""Words behind a number, and what they stand for; none is one."""
_LABEL_BELOW: Final = re.compile(r"/(token|sequence|user|GPU|layer)$")
_LONGEST_TEXT: Final = 64


def exact_number(number: Any) -> Expr:
    """Return a number as an exact SymPy number: 0.2 becomes 1/5.

    Parameters
    ----------
    number : int, float, Fraction, NumPy or SymPy number
        What a person typed: a float means its shortest decimal form.

    Returns
    -------
    Expr
        An Integer or a Rational; a SymPy Float where one was given.

    Raises
    ------
    DomainError
        If it is not a finite real number.
    """
    if isinstance(number, Expr) and number.is_number:
        value = number
    elif isinstance(number, Fraction):
        value = Rational(number)
    elif isinstance(number, bool):
        value = Integer(int(number))
    else:
        try:
            value = Rational(str(number))
        except (TypeError, ValueError):
            raise DomainError(
                f"{number!r} is not a number: give a finite number, or one with a unit "
                "such as '8 TB/s'."
            ) from None
    if not (value.is_real and value.is_finite):
        raise DomainError(f"{number!r} is not a finite real number.")
    return value


@dataclass(frozen=True)
class Value:
    """A number with its unit, exact where it can be.

    Parameters
    ----------
    number : Expr
        In `unit`: an Integer or Rational where the value is exact, else a Float.
    unit : str
        For example ``"byte/s"``.

    Examples
    --------
    >>> str(Value(Integer(26_214_400_000), "byte"))
    '26.2 GB'
    >>> str(Value(Integer(26_214_400_000), "byte").to("GiB"))
    '24.4 GiB'
    >>> f"{Value(Integer(131_072), 'byte/token'):short} for each token"
    '131 kB for each token'
    """

    number: Expr
    unit: str = "1"

    def to(self, unit: str) -> Value:
        """Return the same value in another unit.

        Parameters
        ----------
        unit : str
            For example ``"GiB"`` or ``"USD/day"``.

        Returns
        -------
        Value
            With an exact number if this one is exact.

        Raises
        ------
        UnitError
            If the units measure different things.
        """
        return Value(self.number * conversion(self.unit, unit), unit)

    @property
    def exact(self) -> str:
        """All digits of the number, with its unit."""
        number = self.number
        text = f"{int(number):,}" if number.is_Integer else str(number)
        return f"{text} {short_unit(self.unit, number)}".rstrip()

    def _parts(self) -> tuple[str, str]:
        return readable(self.number, self.unit)

    def __float__(self) -> float:
        return float(self.number)

    def __str__(self) -> str:
        return " ".join(self._parts()).rstrip()

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        if spec == "short":  # where the sentence says already for what it is
            return str(Value(self.number, _LABEL_BELOW.sub("", self.unit)))
        if spec == "exact":
            return self.exact
        return check_not_zero(format(float(self), spec), self.number) if spec else str(self)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def latex(self) -> str:
        """Return the value as LaTeX, as it reads."""
        number, unit = self._parts()
        digits, _, word = number.replace(",", "{,}").partition(" ")
        word = rf"\ \text{{{word}}}" if word else ""
        unit = unit.replace(" ", r"\ ")
        return rf"{digits}{word}\ \mathrm{{{unit}}}" if unit else f"{digits}{word}"


def parse_text(text: str) -> Value:
    """Read a number with a unit from text.

    Parameters
    ----------
    text : str
        For example ``"8 TB/s"`` or ``"26.2"``.

    Returns
    -------
    Value
        In the unit that was written, ``"1"`` if none was.

    Raises
    ------
    UnitError
        If the text does not begin with a number, or its unit is not one.
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise UnitError(
            f"{text[:_LONGEST_TEXT]!r} is not a number with a unit. It should look like "
            "'8 TB/s', '3.35 TB/s' or '4 USD/hour', with a point before decimals."
        )
    digits, word, unit = match.groups()
    value = Value(Rational(re.sub("[_,]", "", digits)) * WORDS[word], unit or "1")
    conversion(value.unit, value.unit)
    return value


def coherent(symbol: Symbol | str, given: object) -> Expr:
    """Return what was given for a quantity in coherent units (byte, FLOP, s, USD).

    Parameters
    ----------
    symbol : Symbol or str
        The quantity.
    given : number, str or Value
        A bare number is in the quantity's own unit; text carries its unit.

    Returns
    -------
    Expr
        An exact number where one was given.

    Raises
    ------
    UnitError
        If the unit is not the quantity's.
    DomainError
        If the value is outside the quantity's domain.
    """
    quantity = lookup(symbol)
    try:
        value = parse_text(given) if isinstance(given, str) else given
        if not isinstance(value, Value):
            number = exact_number(value)
        elif value.unit == "1" and isinstance(given, str):
            number = value.number
        else:
            number = value.number * conversion(value.unit, quantity.unit)
    except (UnitError, DomainError) as reason:
        raise type(reason)(
            f"{quantity.name} expects {quantity.unit} ({quantity.meaning}), got {given!s}: {reason}"
        ) from None
    if not allows(quantity.domain, number):
        raise DomainError(
            f"{quantity.name} ({quantity.meaning}) must be {quantity.domain.words}, got {given!s}."
        )
    return number * scale_of(quantity.name)


def allows(domain: Domain, number: Expr) -> bool:
    """Say whether a domain holds a number.

    Parameters
    ----------
    domain : Domain
        The allowed values.
    number : Expr
        A number, perhaps infinite or complex.

    Returns
    -------
    bool
        True if it is allowed.
    """
    if number.is_infinite and number.is_positive:
        return domain.high == float("inf") and not domain.integer
    if not (number.is_real and number.is_finite):
        return False
    whole = not domain.integer or abs(number) > 10**30 or number == int(number)
    return bool(whole and domain.within(number))


def somewhere(domain: Domain) -> float:
    """Return a number that a domain holds.

    Parameters
    ----------
    domain : Domain
        The allowed values.

    Returns
    -------
    float
        1 where that is allowed.
    """
    return 1 if allows(domain, Integer(1)) else 0.5


def in_unit(symbol: Symbol | str, number: Expr) -> Value:
    """Return a coherent number in the unit of its quantity.

    Parameters
    ----------
    symbol : Symbol or str
        The quantity.
    number : Expr
        In coherent units.

    Returns
    -------
    Value
        The same in the quantity's own unit.
    """
    return Value(number / scale_of(symbol), lookup(symbol).unit)
