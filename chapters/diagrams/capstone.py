# SPDX-License-Identifier: Apache-2.0
"""Diagram of the capstone: a day of open sessions, and the servers that they need."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from napkin.errors import NapkinError
from napkin.views.drawing import CACHE, LINE, Drawing, Style, laid_out, measure
from napkin.views.figures import Figure

_HIGH: Final = 220.0
_LEAST: Final = 5.0
"""The height in px below which servers are not drawn one by one."""
_SPARE: Final[dict[str, Style]] = {"fill_opacity": 0.1, "stroke_dasharray": "3 3"}
_NAMES: Final = {
    "open": "open sessions",
    "minute": "in the busiest minute",
    "server": "a server",
    "spare": "a spare one",
}
_STYLES: Final[dict[str, tuple[str, dict[str, Style]]]] = {
    "open": (CACHE, {}),
    "server": ("none", {}),
    "spare": ("currentColor", _SPARE),
}


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
        A column for each hour, a block for each server, and a line at the open sessions.

    Raises
    ------
    NapkinError
        If a server holds nobody, or nobody comes.
    """
    if seats < 1 or not sessions or max(sessions) <= 0:
        raise NapkinError(f"{seats} sessions a server and {list(sessions)} a day are no fleet.")
    needed = [ceil(wave * open_ / seats) for open_ in sessions]
    most, mean = max(needed), sum(needed) / len(needed)
    paid = most + spare
    title = (
        f"The busiest hour needs {most:,} servers of {seats:,} sessions, and an average hour "
        f"{mean:,.0f}"
    )
    alt = (
        f"A column of blocks for each of {len(sessions)} hours, one block a server: {min(needed):,}"
        f" in the quietest hour, {most:,} in the busiest; {spare:,} dashed above as a spare. "
        f"Filled: open sessions, up to {max(sessions):,.0f}. A dashed line: their busiest minutes, "
        f"{wave:.2f} times as many."
    )
    unit = _HIGH / paid

    def draw(d: Drawing) -> float:
        top, step = d.y + 24, d.width / len(sessions)
        base = top + _HIGH
        d.text(0, top - 8, f"{paid:,} servers, paid for day and night")
        d.line(0, top, d.width, top, stroke_width=2)
        heights = [unit * open_ / seats for open_ in sessions]
        steps = "".join(f"V{base - high:.1f}h{step:.2f}" for high in heights)
        d.path(f"M0 {base:.1f}{steps}V{base:.1f}Z", fill=CACHE, stroke="none")
        for hour, count in enumerate(needed):
            _column(d, (hour * step + 1, base), (step - 2, unit), count, spare)
        busy = "".join(
            f"{'L' if hour else 'M'}{hour * step:.1f} {base - wave * high:.1f}h{step:.2f}"
            for hour, high in enumerate(heights)
        )
        d.path(busy, stroke_dasharray="5 3", stroke_width=1.8)
        d.line(0, base, d.width, base, stroke_opacity=0.6)
        for hour in range(0, len(sessions) + 1, 6):
            side = "start" if not hour else "end" if hour == len(sessions) else "middle"
            d.text(hour * step, base + 20, f"{hour} h", side)
        return _legend(d, base + 48)

    return laid_out(draw, title, alt)


def _column(
    d: Drawing, at: tuple[float, float], size: tuple[float, float], count: int, spare: int
) -> None:
    """Draw the servers of one hour, one by one where there is room, and the spare ones."""
    (x, base), (wide, high) = at, size
    blocks = count if high >= _LEAST else min(count, 1)
    each = count * high / max(blocks, 1)
    for place in range(1, blocks + 1):
        d.box(x, base - place * each, wide, each)
    if spare:
        d.box(x, base - (count + spare) * high, wide, spare * high, "currentColor", **_SPARE)


def _legend(d: Drawing, y: float) -> float:
    """Say what the area, the blocks and the line are; return the height of the drawing."""
    x = 0.0
    for name, said in _NAMES.items():
        if x + 24 + measure(said) > d.width:
            x, y = 0.0, y + LINE
        if name == "minute":
            d.line(x, y - 5, x + 16, y - 5, stroke_dasharray="5 3", stroke_width=1.8)
        else:
            fill, style = _STYLES[name]
            d.box(x, y - 11, 14, 13, fill, **style)
        x = d.text(x + 22, y, said) + 20
    return y + 6
