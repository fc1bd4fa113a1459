# SPDX-License-Identifier: Apache-2.0
"""What drawings over time have in common: an axis, a legend, numbers without their unit."""

from __future__ import annotations

from napkin.quantities.value import Value
from napkin.views.drawing import LINE, Drawing, Style


def count(number: Value) -> str:
    """Write a number of conversations or tokens without its unit."""
    return f"{float(number):,.3g}" if float(number) < 1000 else f"{float(number):,.0f}"


def axis(d: Drawing, left: float, y: float, span: float) -> float:
    """Draw an axis of time to the right edge; return the baseline of its labels."""
    unit, most = (d.width - left - 1) / span, 4 if d.narrow else 7
    steps = (digit * 10.0**power for power in range(-6, 3) for digit in (1, 2, 5))
    step = next(step for step in steps if span / step <= most)
    d.line(left, y, d.width, y, stroke_opacity=0.6)
    for place in range(int(span / step) + 1):
        x, end = left + place * step * unit, d.width - 30
        d.line(x, y, x, y + 5, stroke_opacity=0.6)
        label = f"{round(1e3 * place * step, 6):g} ms" if place else "0"
        anchor = "start" if not place else "end" if x > end else "middle"
        d.text(min(x, d.width), y + 20, label, anchor)
    return y + 20


def entry(d: Drawing, x: float, y: float, fill: str, says: str, style: dict[str, Style]) -> float:
    """Write a line of a legend; return the baseline of the next one."""
    d.box(x, y - 11, 13, 13, fill, **style)
    d.text(x + 20, y, says)
    return y + LINE
