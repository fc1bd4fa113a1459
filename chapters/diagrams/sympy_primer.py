# SPDX-License-Identifier: Apache-2.0
"""Diagrams of the primer: sheets of one area, and a staircase that makes half a rectangle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from napkin.views.drawing import LINE, Drawing, laid_out
from napkin.views.figures import Figure

_DARK: Final = 0.6
_PALE: Final = 0.1


def sheets(area: float, widths: Sequence[float]) -> Figure:
    """Draw sheets of one area side by side, each with its perimeter.

    Parameters
    ----------
    area : number
        What every sheet covers.
    widths : sequence of number
        Their widths, in the same unit of length.

    Returns
    -------
    Figure
        All of them to one scale.
    """
    sides = [(float(area) / float(wide), float(wide)) for wide in widths]
    perimeters = [2 * (long + wide) for long, wide in sides]
    best = perimeters.index(min(perimeters))
    title = (
        f"Of these {len(sides)} sheets of area {area:g}, the one that is {sides[best][1]:.3g} wide "
        "has the shortest perimeter"
    )
    each = [
        f"{long:.3g} × {wide:.3g}, perimeter {perimeter:.3g}"
        for (long, wide), perimeter in zip(sides, perimeters, strict=True)
    ]
    alt = (
        f"Rectangles drawn to one scale, all of the same area (length × width): {'; '.join(each)}."
    )

    def draw(d: Drawing) -> float:
        gap = 28
        across = max(sides)[0] if d.narrow else sum(long for long, _ in sides)
        scale = (d.width - (0 if d.narrow else gap * len(sides))) / across
        x, y = 0.0, d.y
        floor = y + max(wide for _, wide in sides) * scale
        for place, (long, wide) in enumerate(sides):
            floor = y + wide * scale if d.narrow else floor
            ink = _DARK if place == best else _PALE
            corner = (x, floor - wide * scale, long * scale, wide * scale)
            d.box(*corner, "currentColor", fill_opacity=ink)
            d.text(x, floor + 18, f"{long:.3g} × {wide:.3g}")
            d.text(x, floor + 18 + LINE, f"perimeter {perimeters[place]:.3g}", bold=place == best)
            if d.narrow:
                y = floor + 18 + 2 * LINE
            else:
                x += long * scale + gap
        return floor + 18 + LINE + 6

    return laid_out(draw, title, alt)


def stair(steps: int) -> Figure:
    """Draw a staircase of unit blocks, and the same staircase upside down beside it.

    Parameters
    ----------
    steps : int
        How many steps; the last one has as many blocks.

    Returns
    -------
    Figure
        The two staircases make a rectangle that is one block longer than it is high.
    """
    blocks = steps * (steps + 1) // 2
    title = (
        f"Two staircases of {steps} steps make a rectangle of {steps} × {steps + 1}, so each of "
        f"them has {blocks} blocks"
    )
    alt = (
        f"A staircase of {steps} rows: the first row has 1 block and the last has {steps}. The "
        f"same staircase, turned around, fills the rest of a rectangle, {steps} high "
        f"and {steps + 1} long."
    )

    def draw(d: Drawing) -> float:
        size = min(28.0, (d.width - 4) / (steps + 1) - 2, 220 / steps)
        pitch, top = size + 2, d.y + 6
        for row in range(steps):
            for column in range(steps + 1):
                ink = _DARK if column <= row else _PALE
                corner = (column * pitch, top + row * pitch, size, size)
                d.box(*corner, "currentColor", fill_opacity=ink)
        bottom = top + steps * pitch
        x, y = (0.0, bottom + 16) if d.narrow else ((steps + 1) * pitch + 24, top + 18)
        for ink, said in (
            (_DARK, f"one staircase: 1 + 2 + … + {steps} blocks"),
            (_PALE, "the same staircase, turned around"),
        ):
            d.box(x, y - 11, 13, 13, "currentColor", fill_opacity=ink)
            d.text(x + 20, y, said)
            y += LINE
        return max(bottom, y - LINE) + 6

    return laid_out(draw, title, alt)
