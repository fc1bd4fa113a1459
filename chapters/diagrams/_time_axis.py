# SPDX-License-Identifier: Apache-2.0
"""What drawings over time have in common: an axis, a legend, numbers without their unit."""

from __future__ import annotations

from napkin.quantities.value import Value
from napkin.views.drawing import LINE, Drawing, Style, measure


def count(number: Value) -> str:
    """Write a number of conversations or tokens without its unit."""
    return f"{float(number):,.3g}" if float(number) < 1000 else f"{float(number):,.0f}"


def scale(d: Drawing, left: float, span: float) -> float:
    """Return the px of a second, so that an axis and the label of its last tick have room."""
    step, ticks = _ticks(d, span)
    room = d.width - left - measure(_label(ticks * step)) / 2
    return min((d.width - left - 1) / span, room / (ticks * step))


def axis(d: Drawing, left: float, y: float, span: float, unit: float) -> float:
    """Draw an axis of time, a unit for a second; return the baseline of its labels."""
    step, ticks = _ticks(d, span)
    d.line(left, y, left + span * unit, y, stroke_opacity=0.6)
    for place in range(ticks + 1):
        x, label = left + place * step * unit, _label(place * step)
        d.line(x, y, x, y + 5, stroke_opacity=0.6)
        d.text(max(x, measure(label) / 2), y + 20, label, "middle")
    return y + 20


def _ticks(d: Drawing, span: float) -> tuple[float, int]:
    """Return the time between ticks, and how many of them follow the first."""
    most = 4 if d.narrow else 7
    steps = (digit * 10.0**power for power in range(-6, 3) for digit in (1, 2, 5))
    step = next(step for step in steps if span / step <= most)
    return step, int(span / step)


def _label(seconds: float) -> str:
    return f"{round(1e3 * seconds, 6):,g} ms" if seconds else "0"


def entry(d: Drawing, x: float, y: float, fill: str, says: str, style: dict[str, Style]) -> float:
    """Write a line of a legend; return the baseline of the next one."""
    d.box(x, y - 11, 13, 13, fill, **style)
    d.text(x + 20, y, says)
    return y + LINE
