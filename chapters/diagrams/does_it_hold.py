# SPDX-License-Identifier: Apache-2.0
"""A diagram of chapter 10: the step on ideal hardware, and the one that a server takes."""

from __future__ import annotations

from typing import Final

from napkin.errors import NapkinError
from napkin.views.drawing import ARITHMETIC, CACHE, LINE, WEIGHTS, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_IDLE: Final = "currentColor"
_PARTS: Final = {
    "kernel time": ("fixed_step_time", _IDLE, 0.25),
    "weights": ("weight_read_time", WEIGHTS, 1.0),
    "caches": ("decode_attention_time", CACHE, 1.0),
    "other people's prompts": ("prompt_stall", ARITHMETIC, 1.0),
}


def in_turn(n: Napkin, batches: tuple[float, ...]) -> Figure:
    """Draw the time of one token on ideal hardware, and as a calibrated server takes it.

    Parameters
    ----------
    n : Napkin
        A server on ideal hardware, with prompts and answers.
    batches : tuple of number
        How many conversations share the step, a pair of bars for each.

    Returns
    -------
    Figure
        All bars on one axis of time; the calibrated ones are cut into their parts.
    """
    expect_napkin(n, "in_turn")
    real = n.assume(calibrated=True)
    sheets = [(n.assume(batch=size), real.assume(batch=size)) for size in batches]
    times = [[float(one[name]) for name, *_ in _PARTS.values()] for _, one in sheets]
    whole = [float(one.tpot) for _, one in sheets]
    if any(sum(parts) < 0.999 * time for time, parts in zip(whole, times, strict=True)):
        raise NapkinError(
            "in_turn draws steps of one GPU that reads its weights longer than it multiplies "
            "them: use a smaller batch, or a single GPU."
        )
    starts = float(sheets[0][1].fixed_step_time) / whole[0]
    title = (
        f"At batch {batches[0]:g}, a token takes {whole[0] / float(sheets[0][0].tpot):.1f} times "
        f"its ideal time, and {starts:.0%} of that is kernel time"
    )
    each = "; ".join(
        f"batch {size:g}: ideal {ideal.tpot}, calibrated {one.tpot:short}"
        for size, (ideal, one) in zip(batches, sheets, strict=True)
    )
    alt = f"Bars on one time axis, cut into kernel time, weights, caches and prompts. {each}."

    def draw(d: Drawing) -> float:
        left = 0.0 if d.narrow else 150.0
        longest = max(whole)
        scale, y = (d.width - left - (64 if d.narrow else 74)) / longest, d.y + 4
        for size, (ideal, _), parts in zip(batches, sheets, times, strict=True):
            y = _pair(d, left, y, scale, f"batch {size:g}", float(ideal.tpot), parts)
        x = 0.0
        for name, (_, fill, ink) in _PARTS.items():
            if d.narrow and x > 0:
                x, y = 0.0, y + LINE
            d.box(x, y - 1, 13, 13, fill, fill_opacity=ink)
            x = d.text(x + 20, y + 10, name) + 20
        return y + 18

    return laid_out(draw, title, alt)


def _pair(
    d: Drawing, left: float, y: float, scale: float, name: str, ideal: float, parts: list[float]
) -> float:
    """Draw the ideal step above the calibrated one; return the free line below."""
    d.text(0, y + 12, f"{name}: ideal" + ", calibrated" * d.narrow, bold=True)
    y += LINE if d.narrow else 0
    rows: tuple[tuple[str, list[tuple[float, str, float]]], ...] = (
        ("ideal", [(ideal, "none", 1.0)]),
        (
            "calibrated",
            [
                (time, fill, ink)
                for time, (_, fill, ink) in zip(parts, _PARTS.values(), strict=True)
            ],
        ),
    )
    for place, (label, bars) in enumerate(rows):
        x, top = left, y + place * 24
        if not d.narrow and place:
            d.text(0, top + 14, label)
        for length, fill, ink in bars:
            d.box(x, top, length * scale, 20, fill, fill_opacity=ink)
            x += length * scale
        total = sum(length for length, *_ in bars)
        d.text(x + 6, top + 15, f"{1000 * total:.3g} ms")
    return y + 62
