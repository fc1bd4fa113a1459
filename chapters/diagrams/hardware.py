# SPDX-License-Identifier: Apache-2.0
"""Diagrams of a GPU: its two pipes, its memories, and kernels that wait for the longer time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import Final

from napkin.errors import NapkinError
from napkin.quantities.given import parse_text
from napkin.quantities.value import Value
from napkin.views.drawing import ARITHMETIC, LINE, WEIGHTS, Drawing, Style, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_PX_OF_A_BYTE: Final = 6e-12  # the thickness of the pipe, for each byte a second
_HIGH: Final = 187.0


def pipes(n: Napkin) -> Figure:
    """Draw the pipe from memory to the chip, and the operations that one byte could feed.

    Parameters
    ----------
    n : Napkin
        A GPU and a precision.

    Returns
    -------
    Figure
        A square for each operation that the chip can do while one byte arrives; those that the
        token of a single user needs are filled.
    """
    expect_napkin(n, "pipes")
    ridge, used = int(n.ridge.number), int(2 / float(n.bytes_per_weight))
    title = (
        f"While one byte arrives, the chip can do {ridge} operations, and the token of a single "
        f"user needs {used} of them"
    )
    alt = (
        f"A memory of {n.memory} feeds the chip through a pipe of {n.bandwidth}. The chip is a "
        f"grid of {ridge} squares, one for each operation; {used} are green, the rest gray."
    )
    thick = _PX_OF_A_BYTE * float(n.bandwidth)
    fact = f"{n.memory} of memory"

    def draw(d: Drawing) -> float:
        place = _pipe_down if d.narrow else _pipe_across
        x, y, columns, pitch = place(d, thick, fact, str(n.bandwidth))
        d.text(x, y - 12, f"{ridge:,} operations while the byte arrives")
        size = pitch - 2
        d.squares(x, y, used, columns, pitch, size, stroke=ARITHMETIC)
        d.squares(x, y, ridge, columns, pitch, size, start=used, stroke_opacity=0.2)
        y += ceil(ridge / columns) * pitch + 20
        d.squares(x, y - 10, used, used, pitch, size, stroke=ARITHMETIC)
        d.text(x + used * pitch + 8, y, f"{used} used: one multiply-add with a weight")
        return max(y + 6, 0 if d.narrow else d.y + 22 + _HIGH + 2)

    return laid_out(draw, title, alt)


def _pipe_across(d: Drawing, thick: float, fact: str, rate: str) -> tuple[float, float, int, int]:
    """Draw memory at the left and a pipe to the right; return where the chip's squares go."""
    top, height, chip = d.y + 22, _HIGH, 345.0
    middle, end = top + height / 2, chip - 8
    d.box(0, top, 166, height, WEIGHTS, fill_opacity=0.16)
    d.text(83, middle + 5, fact, "middle")
    d.rect(166, middle - thick / 2, end - 166, thick, WEIGHTS)
    d.text((166 + end) / 2, middle - thick / 2 - 10, rate, "middle")
    d.squares(165, middle - 4.5, 15, 15, 11, 9, stroke="#fff", stroke_opacity=0.4)
    d.squares(165, middle - 4.5, 16, 16, 11, 9, start=15, stroke="#fff")
    d.line(334, middle + 6, 322, middle + thick / 2 + 10)
    d.text((166 + end) / 2, middle + thick / 2 + 24, "white: 1 byte", "middle")
    return chip, top, 34, 11


def _pipe_down(d: Drawing, thick: float, fact: str, rate: str) -> tuple[float, float, int, int]:
    """Draw memory at the top and a pipe below it; return where the chip's squares go."""
    top, middle, pitch = d.y, d.width / 2, 10
    d.box(0, top, d.width, 62, WEIGHTS, fill_opacity=0.16)
    d.text(middle, top + 36, fact, "middle")
    d.rect(middle - thick / 2, top + 62, thick, 78, WEIGHTS)
    d.text(middle + thick / 2 + 10, top + 96, rate)
    for place in range(7):
        ink = 1.0 if place == 6 else 0.4
        d.rect(middle - 4, top + 67 + place * pitch, 8, 8, "#fff", fill_opacity=ink)
    d.text(middle - thick / 2 - 10, top + 136, "white: 1 byte", "end")
    return 4, top + 178, 35, pitch


def memories(sizes: Mapping[str, str], rates: Mapping[str, str] | None = None) -> Figure:
    """Draw the memories of a GPU with their areas to scale.

    Parameters
    ----------
    sizes : mapping of str to str
        Memories by name, the one beside the chip first, such as ``{"HBM": "80 GB"}``.
    rates : mapping of str to str, optional
        How many bytes a second some of them deliver, by name.

    Returns
    -------
    Figure
        A large square for the first memory, and small ones on the chip.
    """
    if len(sizes) < 2:
        raise NapkinError("memories needs at least two sizes: one beside the chip, others on it.")
    told = {name: parse_text(text).to("byte") for name, text in sizes.items()}
    (outer, large), *inner = told.items()
    on_chip = sum(float(value) for _, value in inner)
    title = (
        f"The chip has room for {on_chip / float(large):.2%} of what lies in the memory beside it"
    )
    each = ", ".join(f"{name} {_short(value)}" for name, value in told.items())
    alt = f"Squares whose areas are to scale, one large and {len(inner)} tiny ones: {each}."
    rates = rates or {}

    def draw(d: Drawing) -> float:
        side = 250.0 if d.narrow else 260.0
        top = d.y + 4
        d.box(0, top, side, side, WEIGHTS, fill_opacity=0.16)
        d.text(12, top + 24, outer, bold=True)
        d.text(12, top + 24 + LINE, _short(large))
        x, y = (0.0, top + side + 40) if d.narrow else (side + 130, top + 30)
        if not d.narrow:
            d.arrow(f"M{side:.0f} {top + 50:.0f}H{x - 22:.0f}", x - 22, top + 50, 1, 0)
            d.text((side + x - 22) / 2, top + 40, rates.get(outer, ""), "middle")
        elif outer in rates:
            d.arrow(f"M20 {top + side:.0f}V{y - 22:.0f}", 20, y - 22, 0, 1)
            d.text(34, y - 24, rates[outer])
        d.text(x, y, "on the chip", bold=True)
        for name, value in inner:
            y += 36
            edge = side * sqrt(float(value) / float(large))
            d.box(x, y - 5 - edge / 2, edge, edge, WEIGHTS)
            end = d.text(x + 24, y, f"{name}: {_short(value)}")
            if name in rates:
                d.text(x + 24 if d.narrow else end + 4, y + LINE, rates[name])
        return max(y + 14, top + side + 4)

    return laid_out(draw, title, alt)


def _short(value: Value) -> str:
    return format(value, "short")


def overlap(n: Napkin, operations: Sequence[float]) -> Figure:
    """Draw kernels that move the same bytes and do more and more operations.

    Parameters
    ----------
    n : Napkin
        A GPU, and the bytes that each kernel moves.
    operations : sequence of number
        How many operations each kernel does.

    Returns
    -------
    Figure
        Two bars for each kernel on one axis of time; the longer one says when it is done.
    """
    expect_napkin(n, "overlap")
    moving = float(n.bytes_moved / n.bandwidth)
    working = [float(work) / float(n.peak_flops) for work in operations]
    done = [max(moving, time) for time in working]
    title = "A kernel is done when the longer of its two times is over"
    each = ", ".join(
        f"{work:g} operations in {time:g} s, done after {end:g} s"
        for work, time, end in zip(operations, working, done, strict=True)
    )
    alt = f"{len(done)} pairs of bars; each moves its bytes in {moving:g} s. Arithmetic: {each}."

    def draw(d: Drawing) -> float:
        left = 0.0 if d.narrow else 130.0
        scale = (d.width - left - 96) / max(done)
        y = d.y + 6
        for work, time, end in zip(operations, working, done, strict=True):
            y = d.words(0, y + 12, f"{work:g} operations", d.width) - 12 if d.narrow else y
            if not d.narrow:
                d.text(0, y + 26, f"{work:g} operations")
            bars: list[tuple[float, float, str]] = [(0, moving, WEIGHTS), (20, time, ARITHMETIC)]
            for below, length, fill in bars:
                style: dict[str, Style] = {"stroke_width": 2.5, "stroke_opacity": 1}
                if length < end:
                    style = {"fill_opacity": 0.45}
                d.box(left, y + below, length * scale, 18, fill, **style)
            beside = 24 if time == moving else 14 if end == moving else 34
            d.text(left + end * scale + 8, y + beside, f"{end:g} s")
            y += 58
        for fill, said in ((WEIGHTS, "moving"), (ARITHMETIC, "arithmetic")):
            d.box(left, y - 5, 13, 13, fill)
            left = d.text(left + 20, y + 6, said) + 24
        if d.narrow:
            left, y = 0.0, y + LINE + 4
        d.box(left + 1, y - 4, 12, 12, stroke_width=2.5, stroke_opacity=1)
        d.text(left + 20, y + 6, "the longer time, which decides")
        return y + 14

    return laid_out(draw, title, alt)
