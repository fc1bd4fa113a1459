# SPDX-License-Identifier: Apache-2.0
"""Diagram of the capstone: a day of open sessions, and the servers that they need."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from napkin.errors import NapkinError
from napkin.views.drawing import CACHE, LINE, SHADE, Drawing, laid_out, measure
from napkin.views.figures import Figure

from ._time_axis import entry

_HIGH: Final = 220.0


def day(sessions: Sequence[float], wave: float, seats: int, spare: int = 1) -> Figure:
    """Draw the servers that each hour of a day needs, and the sessions that are open.

    Parameters
    ----------
    sessions : sequence of float
        Open sessions in each hour.
    wave : float
        Sessions in the busiest minute of an hour, for each one of its mean.
    seats : int
        Sessions that one server holds.
    spare : int
        Servers that may be lost at once.

    Returns
    -------
    Figure
        A column of servers for each hour, colored up to the open sessions, below a line at the
        servers that are paid for.

    Raises
    ------
    NapkinError
        If a server holds nobody, or nobody comes.
    """
    if seats < 1 or not sessions or max(sessions) <= 0:
        raise NapkinError(f"{seats} sessions a server and {list(sessions)} a day are no fleet.")
    needed = [ceil(wave * open_ / seats) for open_ in sessions]
    most, mean = max(needed), sum(needed) / len(needed)
    fleet = f"{most:,} servers" + ("", " and a spare", f" and {spare:,} spare ones")[min(spare, 2)]
    title = (
        f"The busiest hour needs {most:,} servers of {seats:,} sessions, and an average hour "
        f"{mean:,.0f}"
    )
    alt = (
        f"A column for each of {len(sessions)} hours: {min(needed):,} servers in the quietest, "
        f"{most:,} in the busiest. Their lower part is open sessions, up to "
        f"{max(sessions):,.0f}, and the rest is for their busiest minutes, {wave:.2f} times as "
        f"many. A line above: {fleet}."
    )

    def draw(d: Drawing) -> float:
        top, unit = d.y + 46, _HIGH / (most + spare)
        left, base = _servers(d, top, most + spare), top + _HIGH
        step = (d.width - left - measure("24 h") / 2) / len(sessions)
        d.text(left, top - 8, f"{fleet}, day and night")
        d.line(left, top, left + step * len(sessions), top, stroke_width=2)
        for hour, (count, open_) in enumerate(zip(needed, sessions, strict=True)):
            x, high = left + hour * step + 1, unit * open_ / seats
            d.rect(x, base - count * unit, step - 2, count * unit, "currentColor",
                   fill_opacity=SHADE)  # fmt: skip
            d.rect(x, base - high, step - 2, high, CACHE)
        d.line(left, base, left + step * len(sessions), base, stroke_opacity=0.6)
        for hour in range(0, len(sessions) + 1, 6):
            d.text(left + hour * step, base + 20, f"{hour} h", "middle")
        y = entry(d, 0, base + 48, CACHE, "open sessions", {})
        says = f"for the busiest minute: {wave:.2f} times as many"
        return entry(d, 0, y, "currentColor", says, {"fill_opacity": SHADE}) - LINE + 6

    return laid_out(draw, title, alt)


def _servers(d: Drawing, top: float, most: int) -> float:
    """Draw an axis of servers, and return its place."""
    steps = (digit * 10**power for power in range(12) for digit in (1, 2, 5))
    step = next(step for step in steps if most / step <= 4)
    ticks = range(0, most + 1, step)
    left = max(measure(f"{number:,}") for number in ticks) + 12
    d.text(0, top - 8 - LINE, "servers")
    d.line(left, top, left, top + _HIGH, stroke_opacity=0.6)
    for number in ticks:
        y = top + _HIGH * (1 - number / most)
        d.line(left - 4, y, left, y, stroke_opacity=0.6)
        d.text(left - 8, y + 5, f"{number:,}", "end")
    return left
