"""Numbers with units: read from text, kept exact, shown with three digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar

from sympy import Expr, Integer, Rational

from ..errors import DomainError, UnitError
from .digits import check_not_zero, readable, short_unit
from .products import product
from .units import Dimension, conversion, parse_unit, words

"""Words behind a number, and what they stand for; none is one."""


_LABEL_BELOW: Final = re.compile(r"/(token|sequence|user|GPU|layer)$")


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
    numbers. A sum has the unit of its first term. A product keeps the names of its
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
    >>> from napkin.quantities.given import parse_text
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
