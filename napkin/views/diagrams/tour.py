"""Diagrams of the tour: the memory of a GPU."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Final

from ...worksheet.napkin import Napkin, expect_napkin
from ..drawing import CACHE, LINE, WEIGHTS, Drawing, laid_out
from ..figures import Figure

_GOLDEN: Final = 0.6180339887


def memory_map(n: Napkin) -> Figure:
    """Draw the memory of a GPU: the weights, a block for each conversation, the reserve.

    Parameters
    ----------
    n : Napkin
        A server whose idle users keep their caches on the GPU, with prompts and a think time.

    Returns
    -------
    Figure
        Areas are to scale; caches of users who wait for a token are orange, others grey.
    """
    expect_napkin(n, "memory_map")
    memory, weights, cache = n.memory, n.weight_bytes, n.kv_bytes_per_sequence
    caches, active = int(n.whole_sequences.number), round(n.usual_batch.number)
    reserve = memory - weights - n.kv_budget
    title = (
        f"{caches} caches fill the memory, and {caches - active} of them belong to people "
        "who aren't waiting for a token"
    )
    alt = (
        f"A rectangle of {memory} to scale: weights {weights}, {caches} caches of {cache:short} "
        f"each, {active} of them colored because a token is being written, the others grey, and "
        f"{reserve} in reserve."
    )
    whole = float(memory)
    parts = (float(weights) / whole, float(n.kv_budget) / whole, caches * float(cache) / whole)

    def draw(d: Drawing) -> float:
        top, height = d.y + 20, 200.0 if d.narrow else 220.0
        d.text(0, d.y + 8, f"GPU memory, {memory}: area is to scale")
        along = height if d.narrow else float(d.width)
        edges = (parts[0] * along, (parts[0] + parts[1]) * along)

        def block(start: float, end: float) -> tuple[float, float, float, float]:
            if d.narrow:  # memory runs down, not across
                return 0.0, top + start, float(d.width), end - start
            return start, top, end - start, height

        def label(corner: tuple[float, ...], below: float, name: str, fill: str) -> None:
            rows = [name.replace("|", ", ")] if d.narrow else name.split("|")
            for place, row in enumerate(rows):
                d.text(corner[0] + 9, corner[1] + below + place * LINE, row, fill=fill)

        d.rect(*(corner := block(0, edges[0])), WEIGHTS)
        label(corner, 22, f"weights|{weights}", "#fff")
        d.box(*(corner := block(edges[1], along)), stroke_dasharray="3 3")
        label(corner, 15 if d.narrow else 22, f"reserve|{reserve}", "currentColor")
        x, y, wide, high = block(edges[0] + 2, edges[1] - 2)
        _tile(d, (x, y, wide * parts[2] / parts[1], high), caches, active)
        return _legend(d, top + height + 22, caches, active)

    return laid_out(draw, title, alt)


def _tile(d: Drawing, area: tuple[float, ...], count: int, active: int) -> None:
    """Fill an area with blocks of equal size, of which some, spread evenly, are active."""
    x, y, wide, high = area
    spread = sorted(range(count), key=lambda place: place * _GOLDEN % 1)
    lit, place, gap = set(spread[:active]), 0, 1 if count > 300 else 2
    for rows in _columns(count, wide, high):
        column = wide * rows / count
        for row in range(rows):
            fill, ink = (CACHE, None) if place in lit else ("currentColor", 0.1)
            edge = 0.2 if ink else 0.55
            corner = (x, y + row * high / rows, column - gap, high / rows - gap)
            d.box(*corner, fill, fill_opacity=ink, stroke_opacity=edge)
            place += 1
        x += column


def _columns(count: int, wide: float, high: float) -> list[int]:
    """Return how many blocks stand in each column, so that they are nearly square."""

    def badness(columns: int) -> float:
        left = count % columns
        aspect = (wide / columns) / (high / (count / columns))
        uneven = 0.15 + 1.5 * min(left, columns - left) / columns if left else 0
        return max(aspect, 1 / aspect) - 1 + uneven

    ideal = sqrt(count * wide / high)
    choices = range(max(1, int(ideal * 0.6)), max(1, min(count, ceil(ideal * 1.7))) + 1)
    columns = min(choices, key=badness)
    full, left = divmod(count, columns)
    return [full] * (columns - left) + [full + 1] * left


def _legend(d: Drawing, y: float, count: int, active: int) -> float:
    rows = (
        (CACHE, None, f"{active} active: a token is being written"),
        ("currentColor", 0.1, f"{count - active} idle: kept for the next turn"),
    )
    for fill, ink, said in rows:
        x = 0 if d.narrow or fill == CACHE else 330
        d.box(x, y - 11, 13, 13, fill, fill_opacity=ink)
        d.text(x + 20, y, said)
        y += LINE if d.narrow else 0
    return y + 6 - (LINE if d.narrow else 0)
