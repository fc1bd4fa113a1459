"""Numbers with units: read from text, kept exact, shown with three digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar

from sympy import Expr, Integer, Rational, Symbol

from ..errors import DomainError, UnitError
from .digits import check_not_zero, readable, short_unit
from .products import product
from .quantity import SWITCH, Domain, Quantity, lookup
from .units import Dimension, conversion, labels, parse_unit, scale_of, words

_NUMBER: Final = re.compile(
    r"\s*([-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)"
    r"\s*(million|billion|trillion|(?:k|M|Ki|Mi)(?!\S))?\s*(.*?)\s*"
)
WORDS: Final[dict[str | None, int]] = {
    **{"million": 10**6, "billion": 10**9, "trillion": 10**12, None: 1},
    **{"k": 10**3, "M": 10**6, "Ki": 2**10, "Mi": 2**20},
}
"""Words behind a number, and what they stand for; none is one."""
_LABEL_BELOW: Final = re.compile(r"/(token|sequence|user|GPU|layer)$")
_LONGEST_TEXT: Final = 64
_Result = TypeVar("_Result")


def exact_number(number: Any) -> Expr:
    """Return a number as an exact SymPy number: 0.2 becomes 1/5."""
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


def _beside_numbers(
    operator: Callable[[Value, Value], _Result],
) -> Callable[[Value, Any], _Result]:
    """Let an operator of two values take a plain number as the other one."""

    @wraps(operator)
    def taking(self: Value, other: Any) -> Any:
        if not isinstance(other, Value):
            try:
                other = Value(exact_number(() if isinstance(other, str) else other))
            except DomainError:
                return NotImplemented  # text, a symbol, an array: perhaps that one knows how
        return operator(self, other)

    return taking


@dataclass(frozen=True, eq=False)
class Value:
    """A number with its unit, exact where it can be.

    Values add, multiply, compare and take whole powers, among each other and with plain
    numbers. A sum stands in the unit of its first term. A product keeps the names of its
    units (``byte/token`` times ``token/sequence`` is ``byte/sequence``) unless two of them
    measure the same: GB over TB/s becomes s, and labels drop there. Labels (token, sequence,
    user, GPU, layer, element) count as 1: a number of users compares with a plain number.
    Values that measure different things are unequal, and have no order and no sum.

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
    >>> parse_text("80 GB") / parse_text("3.35 TB/s")
    23.9 ms
    >>> parse_text("4 USD/h") * parse_text("720 h")
    2,880 USD
    """

    number: Expr
    unit: str = "1"
    _op_priority: ClassVar = 11  # SymPy's numbers leave the operation to this class

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

    @property
    def _coherent(self) -> tuple[Dimension, Expr]:
        dimension, scale = parse_unit(self.unit)
        return dimension, self.number * scale

    @_beside_numbers
    def __eq__(self, other: Value) -> bool:
        (kind, number), (other_kind, other_number) = self._coherent, other._coherent
        same = number == other_number or not number - other_number  # a Float equals no Rational
        return kind == other_kind and same

    def __hash__(self) -> int:
        dimension, number = self._coherent
        return hash((dimension, float(number)) if dimension else float(number))

    @_beside_numbers
    def __lt__(self, other: Value) -> bool:
        one, two = _in_one_unit(self, other)
        return bool(one.number < two.number)

    @_beside_numbers
    def __gt__(self, other: Value) -> bool:
        one, two = _in_one_unit(self, other)
        return bool(one.number > two.number)

    @_beside_numbers
    def __le__(self, other: Value) -> bool:
        return not self > other

    @_beside_numbers
    def __ge__(self, other: Value) -> bool:
        return not self < other

    @_beside_numbers
    def __add__(self, other: Value) -> Value:
        one, two = _in_one_unit(self, other)
        return Value(one.number + two.number, one.unit)

    __radd__ = __add__

    @_beside_numbers
    def __sub__(self, other: Value) -> Value:
        one, two = _in_one_unit(self, other)
        return Value(one.number - two.number, one.unit)

    @_beside_numbers
    def __rsub__(self, other: Value) -> Value:
        return other - self

    @_beside_numbers
    def __mul__(self, other: Value) -> Value:
        unit, scale = product((self.unit, 1), (other.unit, 1))
        return Value(self.number * other.number * scale, unit)

    __rmul__ = __mul__

    @_beside_numbers
    def __truediv__(self, other: Value) -> Value:
        if not other.number:
            raise DomainError(f"{self} / {other}: nothing can be divided by zero.")
        unit, scale = product((self.unit, 1), (other.unit, -1))
        return Value(self.number / other.number * scale, unit)

    @_beside_numbers
    def __rtruediv__(self, other: Value) -> Value:
        return other / self

    def __pow__(self, exponent: int) -> Value:
        if not isinstance(exponent, int):
            return NotImplemented
        if exponent < 0:
            return 1 / self**-exponent
        return Value(self.number**exponent, product((self.unit, exponent))[0])

    def __neg__(self) -> Value:
        return Value(-self.number, self.unit)

    def __abs__(self) -> Value:
        return Value(abs(self.number), self.unit)

    def __bool__(self) -> bool:
        return bool(self.number)

    def __int__(self) -> int:
        return int(self.number)

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


def _in_one_unit(one: Value, other: Value) -> tuple[Value, Value]:
    """Return two values in the unit of the first, or of the other where that has none."""
    kind, other_kind = (parse_unit(value.unit)[0] for value in (one, other))
    if kind != other_kind:
        raise UnitError(
            f"{one} and {other} measure different things ({words(kind)} and "
            f"{words(other_kind)}): bring both to one unit, by a product or a quotient."
        )
    unit = other.unit if one.unit == "1" else one.unit
    return one.to(unit), other.to(unit)


def parse_text(text: str) -> Value:
    """Read a number with a unit from text."""
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
    return bool(whole and domain.within(number))


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
