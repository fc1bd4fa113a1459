# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 13: what a width moves, the bits of a block, and one outlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Final

from napkin.errors import NapkinError
from napkin.views.drawing import (
    ARITHMETIC,
    CACHE,
    LINE,
    SHADE,
    TROUBLE,
    WEIGHTS,
    Drawing,
    laid_out,
)
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._time_axis import axis, scale

_CHOICES: Final = {
    "16 bits everywhere": ("bf16", "bf16"),
    "4-bit weights, 16-bit products and cache": ("w4a16", "bf16"),
    "8-bit weights and products, 16-bit cache": ("fp8", "bf16"),
    "8 bits everywhere": ("fp8", "fp8"),
    "4-bit weights and products, 8-bit cache": ("nvfp4", "fp8"),
}
_SHOWN: Final = 32
"""How many weights a row of `blocks` shows."""


def three_times(n: Napkin) -> Figure:
    """Draw the three times of a decode step for five choices of widths.

    Parameters
    ----------
    n : Napkin
        A server with a batch that fits in 16 bits, too.

    Returns
    -------
    Figure
        Two lanes for each choice, on one axis of time: reading above, arithmetic below.
    """
    expect_napkin(n, "three_times")
    sheets = {
        name: n.assume(precision=wide, kv_precision=cache)
        for name, (wide, cache) in _CHOICES.items()
    }
    times = {
        name: (
            float(m["weight_bytes_read / bandwidth"]),
            float(m["batch * kv_bytes_per_sequence / bandwidth"]),
            float(m.decode_compute_time),
        )
        for name, m in sheets.items()
    }
    steps = {name: m.decode_step_time for name, m in sheets.items()}
    wide, _, weights, both, _ = steps.values()
    title = (
        f"Eight bits for the weights take the step from {wide} to {weights}, "
        f"and eight bits for the cache, too, to {both}"
    )
    told = "; ".join(f"{name} {step}" for name, step in steps.items())
    alt = (
        f"Bars on one time axis, reading weights and caches above arithmetic, for {n.batch:short} "
        f"and five choices. {told}."
    )

    def draw(d: Drawing) -> float:
        left = 0.0 if d.narrow else 296.0
        span = max(max(reads + looks, work) for reads, looks, work in times.values())
        unit = min((d.width - left - 66) / span, scale(d, left, span))
        y = d.y + 4
        for name, parts in times.items():
            y = _lanes(d, (left, y, unit), name, parts, f"{steps[name]}")
        x, y = 0.0, axis(d, left, y - 4, span, unit) + 18
        for fill, word in (
            (WEIGHTS, "reading weights"),
            (CACHE, "reading caches"),
            (ARITHMETIC, "arithmetic"),
        ):
            if d.narrow and x > 200:
                x, y = 0.0, y + LINE
            d.box(x, y - 1, 13, 13, fill)
            x = d.text(x + 20, y + 10, word) + 20
        return y + 18

    return laid_out(draw, title, alt)


def _lanes(
    d: Drawing,
    place: tuple[float, float, float],
    name: str,
    parts: tuple[float, float, float],
    total: str,
) -> float:
    """Draw the two lanes of one choice; return the free line below."""
    left, y, unit = place
    d.text(0, y + 14, name)
    y += LINE if d.narrow else 0
    weights, caches, work = (part * unit for part in parts)
    d.box(left, y, weights, 18, WEIGHTS)
    d.box(left + weights, y, caches, 18, CACHE)
    d.text(left + max(weights + caches, work) + 6, y + 14, total)
    d.box(left, y + 18, work, 12, ARITHMETIC)
    return y + 42


def blocks(formats: Mapping[str, tuple[int, int, int]]) -> Figure:
    """Draw the bits of 32 weights in some formats, with the scales that they share.

    Parameters
    ----------
    formats : mapping
        By name, the bits of a code, the weights of a block, and the bits that a block adds.

    Returns
    -------
    Figure
        A row for each format, its length the bits: codes, and a share of what a block adds.
    """
    rows = {}
    for name, (code, block, added) in formats.items():
        if block < _SHOWN and _SHOWN % block:
            raise NapkinError(f"blocks draws {_SHOWN} weights: {block} of them make no whole row.")
        rows[name] = code * _SHOWN + added * _SHOWN / block
    code = min(code for code, *_ in formats.values())
    some = sorted(rows[name] / _SHOWN for name, kind in formats.items() if kind[0] == code)
    title = (
        f"A weight of {code} bits takes {some[0]:.3g} to {some[-1]:.3g}, because each block "
        f"brings a scale ({_SHOWN} weights of each format)"
    )
    told = "; ".join(f"{name} {bits / _SHOWN:.4g}" for name, bits in rows.items())
    alt = (
        f"A row for each format with the bits of {_SHOWN} weights, to scale, and in gray their "
        f"share of what their blocks add. Bits per weight: {told}."
    )

    def draw(d: Drawing) -> float:
        unit, y = (d.width - 2) / max(rows.values()), d.y
        for name, (code, block, added) in formats.items():
            d.text(0, y + 14, name, bold=True)
            said = f"{rows[name] / _SHOWN:.4g} bits per weight"
            d.text(d.width, y + 14, said, "end")
            y = _row(d, y + 22, unit, (code, block, added)) + 14
        d.box(0, y - 1, 13, 13, WEIGHTS)
        x = d.text(20, y + 10, "a weight's code") + 20
        x, y = (0.0, y + LINE) if d.narrow else (x, y)
        d.box(x, y - 1, 13, 13, "currentColor", fill_opacity=SHADE)
        d.text(x + 20, y + 10, f"these {_SHOWN} weights' share of what a block adds")
        for name, (_, block, added) in formats.items():
            if (share := added * _SHOWN / block) * unit < 1:
                says = f"{name}: the share is {share:.3g} bits, too thin to see."
                y = d.words(0, y + 10 + LINE, says, d.width) - LINE - 10
        return y + 18

    return laid_out(draw, title, alt)


def _row(d: Drawing, y: float, unit: float, kind: tuple[int, int, int]) -> float:
    """Draw weights, and after each block, or a piece of a longer one, their share of its bits."""
    code, block, added = kind
    x, share = 0.0, min(block, _SHOWN)
    for place in range(_SHOWN):
        d.box(x, y, code * unit, 22, WEIGHTS)
        x += code * unit
        if (place + 1) % share == 0 and (wide := added * share / block * unit) >= 1:
            d.box(x, y, wide, 22, "currentColor", fill_opacity=SHADE)
            x += wide
    return y + 22


def outlier(block: Sequence[float], bits: int = 4) -> Figure:
    """Draw a block's numbers over their steps, as they are and with one of them as an outlier.

    Parameters
    ----------
    block : sequence of float
        The numbers, the last of them the outlier.
    bits : int
        The bits of a code: the range is cut into two to that power of equal steps.

    Returns
    -------
    Figure
        Two scales, each cut into its steps, with the numbers above and what they become below.
    """
    plain = block[:-1]
    steps = {name: 2 * max(map(abs, some)) / 2**bits for name, some in (("", plain), ("o", block))}
    times = steps["o"] / steps[""]
    levels = [len({floor(x / step) for x in plain}) for step in steps.values()]
    title = (
        f"One outlier makes every step {times:.2g} times as long, and the other {len(plain)} "
        f"numbers share {levels[1]} levels instead of {levels[0]}"
    )
    alt = (
        f"Two number lines, each cut into {2**bits} equal steps up to the largest number. Above, "
        f"{len(plain)} numbers fall into {levels[0]} steps; below, with an outlier, into "
        f"{levels[1]}. Lines lead from each number to the middle of its step."
    )

    def draw(d: Drawing) -> float:
        y = d.y + 14
        for name, some in (("", plain), ("o", block)):
            said = "With an outlier" if name else "Without an outlier"
            d.text(0, y, f"{said}: steps of {steps[name]:.2g}", bold=True)
            y = _scale(d, y + 16, some, steps[name], 2**bits) + 36
        d.words(0, y - 14, "Dots are numbers, and bars are what they are stored as.", d.width)
        return y - 4 if not d.narrow else y + LINE - 4

    return laid_out(draw, title, alt)


def _scale(d: Drawing, y: float, some: Sequence[float], step: float, count: int) -> float:
    """Draw numbers, the steps that they fall into, and the middle of each step in use."""
    wide = (d.width - 12) / count
    middle = d.width / 2
    for x in some:
        cell = min(max(floor(x / step), -count // 2), count // 2 - 1)
        start, end = middle + x / step * wide, middle + (cell + 0.5) * wide
        lonely = abs(x) == max(map(abs, some)) and abs(x) > 3 * sorted(map(abs, some))[-2]
        d.line(start, y + 4, end, y + 34, stroke_opacity=0.5)
        d.add("circle", cx=start, cy=y, r=4.0, fill=TROUBLE if lonely else WEIGHTS)
        d.rect(end - 2, y + 34, 4, 14, TROUBLE if lonely else WEIGHTS)
    d.line(6, y + 48, d.width - 6, y + 48)
    for tick in range(count + 1):
        d.line(6 + tick * wide, y + 48, 6 + tick * wide, y + 54)
    last = f"{count // 2 * step:.2g}"
    d.text(0, y + 70, f"−{last}")
    d.text(middle, y + 70, "0", "middle")
    d.text(d.width, y + 70, last, "end")
    return y + 70
