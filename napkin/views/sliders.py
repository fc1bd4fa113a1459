"""A given that a reader moves: its ends, its place, and the unit in which it reads best."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import Any, Final

from ..errors import NapkinError
from ..quantities.digits import PREFIXES, short_unit
from ..quantities.given import coherent
from ..quantities.quantity import lookup
from ..quantities.units import scale_of
from ..quantities.value import Value, exact_number
from ..worksheet.napkin import Napkin

_LOGARITHMIC: Final = 20  # a range that spans more than this factor
_YEAR: Final = 8_760 * 3_600


@dataclass(frozen=True)
class Slider:
    """A given that moves between two ends."""

    name: str
    low: float
    high: float
    value: float
    unit: str
    scale: float

    @property
    def log(self) -> bool:
        """Whether equal steps are equal factors."""
        return self.low > 0 and self.high / self.low > _LOGARITHMIC

    @property
    def prefixed(self) -> bool:
        """Whether Python needs the unit, since the quantity has another one."""
        return self.scale != float(scale_of(self.name)) and self.unit not in ("years", "%")

    def at(self, share: float) -> float:
        """Return the place at a share of the way."""
        even = self.low + share * (self.high - self.low)
        number = self.low * (self.high / self.low) ** share if self.log else even
        return round(number) if lookup(self.name).domain.integer else float(number)

    def given(self, number: float) -> Value:
        """Return a place as `assume` takes it."""
        own = scale_of(self.name)
        exact = exact_number(number) * exact_number(self.scale) / own
        return Value(exact, lookup(self.name).unit)


def slider(n: Napkin, name: str, ends: Any) -> Slider:
    """Return a slider that stands where the worksheet does, if the ends hold that."""
    quantity, own = lookup(name), float(scale_of(name))
    try:
        value = float(n[name]) * own
    except NapkinError:
        value = 0.0
    if ends is None:
        if not value:
            raise NapkinError(f"{name} has no value yet: give its ends, as in {name}=(1, 100).")
        domain = quantity.domain
        low, high = max(value / own / 10, domain.low), min(value / own * 10, domain.high)
        ends = (max(round(low), 1), round(high)) if domain.integer else (low, high)
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise NapkinError(f"{name} needs two ends, as in {name}=(1, 100), got {ends!r:.60}.")
    low, high = (float(coherent(name, end)) for end in ends)
    if not low < high:
        raise NapkinError(f"{name} must move from less to more, got {ends}.")
    if not low <= value <= high:
        value = (low * high) ** 0.5 if low > 0 else (low + high) / 2
    unit, scale = ("%", own / 100) if is_share(name) else _prefixed(quantity.unit, low or high, own)
    value = round(value) if quantity.domain.integer else value / scale
    return Slider(quantity.name, low / scale, high / scale, _shorter(value), unit, scale)


def is_share(name: str) -> bool:
    """Say whether a quantity is a part of a whole: people read those in percent."""
    quantity = lookup(name)
    return quantity.unit == "1" and quantity.domain.high == 1


def _prefixed(unit: str, size: float, own: float) -> tuple[str, float]:
    """Return the unit in which a size reads best, and what it is in coherent units."""
    if unit == "h" and size >= _YEAR:
        return "years", float(_YEAR)
    if unit.split("/")[0] not in ("byte", "FLOP"):
        return unit, own
    power, prefix = next((p for p in PREFIXES if size >= 10 ** p[0]), PREFIXES[-1])
    return prefix + short_unit(unit), own * 10**power


def _shorter(value: float) -> float:
    """Return a number with four digits, rounded down: what fits still fits."""
    size = 10.0 ** (3 - floor(log10(abs(value)))) if value else 1.0
    near = round(value * size)
    return (near if abs(near - value * size) < 1e-6 else floor(value * size)) / size
