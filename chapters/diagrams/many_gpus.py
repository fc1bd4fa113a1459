# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 14: memory of many GPUs, a ring in rounds, a pipeline, a fleet over time."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from napkin.views.drawing import (
    ARITHMETIC,
    CACHE,
    INK,
    LINE,
    SHADE,
    TROUBLE,
    WEIGHTS,
    Drawing,
    Style,
    laid_out,
)
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._time_axis import count, entry

_EMPTY: dict[str, Style] = {"stroke_dasharray": "2 4"}


def pooled(n: Napkin, n_gpus: int) -> Figure:
    """Draw the memory of servers of one GPU each, and of one server that has all the GPUs.

    Parameters
    ----------
    n : Napkin
        A server of one GPU.
    n_gpus : int
        How many GPUs there are.

    Returns
    -------
    Figure
        A column for each GPU, to scale: weights below, caches above.
    """
    expect_napkin(n, "pooled")
    big = n.assume(n_gpus=n_gpus)
    apart, together = (n_gpus * n.concurrent_sequences, big.concurrent_sequences)
    title = (
        f"{n_gpus} servers hold {count(apart)} conversations, one server of {n_gpus} GPUs "
        f"holds {count(together)}"
    )
    sides = (
        (f"{n_gpus} servers of 1 GPU", n, f"{n.weight_bytes} of weights in each GPU"),
        (
            f"1 server of {n_gpus} GPUs: {float(together / apart) - 1:.0%} more room",
            big,
            f"{big.weight_bytes / n_gpus:short} of weights in each GPU",
        ),
    )
    alt = (
        f"Two groups of {n_gpus} columns, one column per GPU, each {n.memory} high. Left: "
        f"{sides[0][2]} and caches above. Right: {sides[1][2]}, so the caches fill nearly all of "
        "the usable memory."
    )

    def draw(d: Drawing) -> float:
        wide = d.width if d.narrow else (d.width - 40) / 2
        y, high = d.y, 150.0
        for place, (name, sheet, says) in enumerate(sides):
            x = 0.0 if d.narrow else place * (wide + 40)
            top = y + (place * (high + 62) if d.narrow else 0)
            d.text(x, top + 8, name, bold=True)
            d.text(x, top + 8 + LINE, says)
            _columns(d, x, top + 36, wide, high, sheet, n_gpus)
        y += (2 * (high + 62) if d.narrow else high + 62) - 6
        for fill, told, style in (
            (WEIGHTS, "weights", {}),
            (CACHE, "KV caches", {}),
            ("none", f"not used: {1 - float(n.usable_memory):.0%}", _EMPTY),
        ):
            y = entry(d, 0, y, fill, told, style)
        return y - LINE + 6

    return laid_out(draw, title, alt)


def _columns(
    d: Drawing, x: float, y: float, wide: float, high: float, sheet: Napkin, n_gpus: int
) -> None:
    """Draw a column for each GPU: what is not used, caches, and weights at the bottom."""
    room = float(sheet.memory)
    gpus = float(sheet.n_gpus)
    weights = float(sheet.weight_bytes) / gpus / room * high
    caches = float(sheet.kv_budget) / gpus / room * high
    pitch = wide / n_gpus
    for gpu in range(n_gpus):
        left, side = x + gpu * pitch, pitch - 4
        d.box(left, y, side, high - weights - caches, "none", **_EMPTY)
        d.box(left, y + high - weights - caches, side, caches, CACHE)
        d.box(left, y + high - weights, side, weights, WEIGHTS)


def rounds(n_gpus: int) -> list[list[list[frozenset[int]]]]:
    """Return which GPUs' numbers each GPU has added up in each piece, round by round.

    Parameters
    ----------
    n_gpus : int
        How many GPUs are in the ring; each cuts its numbers into as many pieces.

    Returns
    -------
    list of list of list of frozenset of int
        For each round, and each GPU, what is in each of its pieces; round 0 is the start.
    """
    held = [[frozenset({gpu})] * n_gpus for gpu in range(n_gpus)]
    told = [held]
    for passing in (0, 1):  # first pieces are added up, then sums are passed on
        for turn in range(n_gpus - 1):
            held = [list(pieces) for pieces in held]
            for gpu in range(n_gpus):
                piece = (gpu - turn + passing) % n_gpus
                held[(gpu + 1) % n_gpus][piece] |= told[-1][gpu][piece]
            told.append(held)
    return told


def ring(n_gpus: int) -> Figure:
    """Draw an all-reduce in a ring: what each GPU holds after each round.

    Parameters
    ----------
    n_gpus : int
        How many GPUs are in the ring.

    Returns
    -------
    Figure
        A panel for each round, a row for each GPU, and in each piece how many GPUs' numbers
        it adds up.
    """
    told = rounds(n_gpus)
    title = f"After {len(told) - 1} rounds, each of {n_gpus} GPUs has all {n_gpus} sums"
    alt = (
        f"{len(told)} grids of {n_gpus} rows, the GPUs, and {n_gpus} columns, the pieces. Numbers "
        f"say how many GPUs' numbers a piece adds up: all 1 at the start, one {n_gpus} in each row "
        f"after {n_gpus - 1} rounds, and {n_gpus} everywhere at the end."
    )

    def draw(d: Drawing) -> float:
        columns = 3 if d.narrow else 7
        pitch = d.width / columns
        size = min((pitch - 16) / n_gpus, 24.0)
        high = n_gpus * size + 40
        for number, held in enumerate(told):
            x, y = number % columns * pitch, d.y + number // columns * high
            d.text(x, y + 8, f"round {number}" if number else "start", bold=True)
            before = told[max(number - 1, 0)]
            for gpu, pieces in enumerate(held):
                for piece, summed in enumerate(pieces):
                    came = summed != before[gpu][piece]
                    at = (x + piece * size, y + 16 + gpu * size, size)
                    _piece(d, *at, len(summed), n_gpus, came=came)
        says = (
            "A row is a GPU, and a square is a piece. The number says how many GPUs' numbers the "
            "piece adds up, green marks complete sums, and a thick frame marks what just arrived."
        )
        return d.words(0, d.y + ceil(len(told) / columns) * high, says, d.width) - LINE + 6

    return laid_out(draw, title, alt)


def _piece(
    d: Drawing, x: float, y: float, size: float, summed: int, n_gpus: int, *, came: bool
) -> None:
    """Draw a piece: the more numbers it adds up the darker, and green when it's complete."""
    frame: dict[str, Style] = {"stroke_width": 2.5, "stroke_opacity": 1} if came else {}
    if summed == n_gpus:
        d.box(x, y, size, size, ARITHMETIC, **frame)
    else:
        d.box(x, y, size, size, "currentColor", fill_opacity=0.25 * summed / n_gpus, **frame)
    ink = INK[ARITHMETIC] if summed == n_gpus else "currentColor"
    d.text(x + size / 2, y + size / 2 + 5, f"{summed}", "middle", fill=ink)


def slots(stages: int, parts: int) -> list[list[int | None]]:
    """Return which part of the work each stage of a pipeline has in each slot of time.

    Parameters
    ----------
    stages : int
        How many GPUs are in a row, each with a part of the layers.
    parts : int
        How many parts of the batch go through, one behind another.

    Returns
    -------
    list of list of int or None
        For each stage, the part that it works on in each slot, or None where it waits.
    """
    waiting: list[list[int]] = [list(range(parts)), *([] for _ in range(stages))]
    table: list[list[int | None]] = [[] for _ in range(stages)]
    while len(waiting[stages]) < parts:
        worked = [waiting[stage].pop(0) if waiting[stage] else None for stage in range(stages)]
        for stage, part in enumerate(worked):
            table[stage].append(part)
            if part is not None:
                waiting[stage + 1].append(part)
    return table


def pipeline(stages: int, parts: int) -> Figure:
    """Draw which stage of a pipeline works on which part of a batch, slot by slot.

    Parameters
    ----------
    stages : int
        How many GPUs are in a row, each with a part of the layers.
    parts : int
        How many parts of the batch go through, one behind another.

    Returns
    -------
    Figure
        A row for each stage; time runs to the right, and empty slots are dashed.
    """
    table = slots(stages, parts)
    idle = sum(part is None for row in table for part in row)
    whole = stages * len(table[0])
    title = (
        f"With {stages} stages and {parts} parts, {idle} of {whole} slots are idle: "
        f"{idle / whole:.0%}"
    )
    alt = (
        f"A grid of {stages} rows, the stages, and {len(table[0])} slots of time. Part 1 goes "
        f"through the stages along a diagonal, and the other {parts - 1} follow; the corners are "
        "idle."
    )

    def draw(d: Drawing) -> float:
        left, high = 66.0, 28.0
        unit, y = (d.width - left - 1) / len(table[0]), d.y + 2
        for stage, row in enumerate(table, start=1):
            d.text(0, y + high / 2 + 5, f"stage {stage}")
            for slot, part in enumerate(row):
                x = left + slot * unit
                if part is None:
                    d.box(x, y, unit, high, "none", **_EMPTY)
                else:
                    d.box(x, y, unit, high, ARITHMETIC)
                    d.text(x + unit / 2, y + high / 2 + 5, f"{part + 1}", "middle", fill="#111")
            y += high + 3
        d.arrow(f"M{left:.1f} {y + 8:.1f}H{d.width - 1:.1f}", d.width - 1, y + 8, 1, 0)
        d.text(left, y + 26, "time")
        return y + 32

    return laid_out(draw, title, alt)


def fleet(demand: Sequence[float], each: float) -> Figure:
    """Draw a demand over time, and the replicas that it takes at each moment.

    Parameters
    ----------
    demand : sequence of float
        Requests per second, minute by minute.
    each : float
        Requests per second that one replica answers.

    Returns
    -------
    Figure
        Gray columns are the demand; the stairs are what replicas that follow it can answer, and
        the dashed line is what a fleet for the busiest minute can.
    """
    needed = [ceil(rate / each) for rate in demand]
    most, mean = max(needed), sum(needed) / len(needed)
    title = (
        f"The busiest minute needs {most} replicas; a fleet that follows the demand has "
        f"{mean:.1f} on average"
    )
    alt = (
        f"Gray columns are requests per second over {len(demand)} minutes, from {min(demand):.0f} "
        f"to {max(demand):.1f}. Stairs above them show between {min(needed)} and {most} replicas; "
        f"a dashed line lies at {most}."
    )

    def draw(d: Drawing) -> float:
        left, high, y = 34.0, 170.0, d.y + 24
        d.text(0, d.y + 8, "replicas")
        unit, scale = (d.width - left - 1) / len(demand), high / (most + 1)
        base = y + high
        for minute, rate in enumerate(demand):
            tall = rate / each * scale
            d.rect(left + minute * unit, base - tall, unit - 1, tall, "currentColor",
                   fill_opacity=SHADE)  # fmt: skip
        stairs = "".join(
            f"{'V' if minute else f'M{left:.1f} '}{base - number * scale:.1f}"
            f"H{left + (minute + 1) * unit:.1f}"
            for minute, number in enumerate(needed)
        )
        d.path(stairs, stroke_width=2)
        d.line(left, base - most * scale, d.width, base - most * scale, stroke=TROUBLE,
               stroke_dasharray="6 4", stroke_width=2)  # fmt: skip
        d.line(left, base, d.width, base, stroke_opacity=0.6)
        for number in range(0, most + 1, 5):
            d.text(left - 8, base - number * scale + 5, f"{number}", "end")
        for minute in range(0, len(demand) - 5, 20 if d.narrow else 10):
            d.text(left + minute * unit, base + 18, f"{minute} min" if minute else "0")
        y = base + 18 + LINE + 6
        for says, style in (
            ("replicas that follow the demand", {"stroke_width": 2.0}),
            (f"{most} replicas all the time",
             {"stroke": TROUBLE, "stroke_dasharray": "6 4", "stroke_width": 2.0}),
        ):  # fmt: skip
            d.line(0, y - 5, 26, y - 5, **style)
            d.text(34, y, says)
            y += LINE
        d.rect(6, y - 12, 14, 13, "currentColor", fill_opacity=SHADE)
        d.text(34, y, f"demand, divided by {each:.3g} requests/s")
        return y + 6

    return laid_out(draw, title, alt)
