"""Predicted values, which show how far off measured servers were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .. import catalog
from ..errors import NapkinError
from ..quantities.digits import readable
from ..quantities.value import Value

Ends = tuple[Value, Value]


@dataclass(frozen=True, eq=False)
class Prediction(Value):
    """A value that rests on fitted constants: it prints the band of 80 % of measured servers.

    Sums, products and quotients with other values are plain values, without a band.

    Examples
    --------
    >>> from napkin import Napkin
    >>> n = Napkin(model="Llama-3.1-8B", accelerator="H100", precision="bf16", batch=32,
    ...            context=1500, prompt=1000, new_tokens=1000, calibrated=True)
    >>> low, high = n.tpot.band
    >>> low < n.tpot < high
    True
    """

    at_ends: Callable[[], Ends] = field(kw_only=True, repr=False)

    @cached_property
    def band(self) -> Ends | None:
        """The lower and upper end; None where something does not fit at one of them."""
        try:
            low, high = sorted(end.to(self.unit) for end in self.at_ends())
        except NapkinError:
            return None
        return low, high

    def to(self, unit: str) -> Prediction:
        """Return the same prediction in another unit."""
        return Prediction(super().to(unit).number, unit, at_ends=self.at_ends)

    def __str__(self) -> str:
        middle = " ".join(readable(self.number, self.unit)).rstrip()
        if self.band is None:
            return middle
        low, high = (readable(end.number, self.unit) for end in self.band)
        if low == high:
            return middle
        shown = " ".join(low if low[1] != high[1] else low[:1])
        return f"{middle} ({shown} to {' '.join(high).rstrip()})"

    __repr__ = __str__


def with_band(
    value: Value, errors: Collection[str], at: Callable[[Mapping[str, float]], Value]
) -> Value:
    """Return a value with the band in which these errors of predictions move it."""
    if not errors:
        return value
    bands = catalog.bands()

    def at_ends() -> Ends:
        low, high = (at({name: bands[name][end] for name in errors}) for end in (0, 1))
        return low, high

    return Prediction(value.number, value.unit, at_ends=at_ends)
