# SPDX-License-Identifier: Apache-2.0
"""Users as timelines: drawn once, and with a button that lets them run on by chance."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from napkin.views.drawing import CACHE, LINE, TROUBLE, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

if TYPE_CHECKING:
    from ._running import Running

Bars = list[tuple[float, float]]
"""When a user is active: beginnings and ends, in s."""


def timelines(n: Napkin, seed: int = 1) -> Figure:
    """Draw users as timelines, and how many of them are active at each moment.

    Parameters
    ----------
    n : Napkin
        A few users, with their duty cycle and think time, and an active limit.
    seed : int, optional
        Of the play of chance that is drawn.

    Returns
    -------
    Figure
        Four turns, to scale; moments at which more are active than fit are in vermilion.
    """
    expect_napkin(n, "timelines")
    users, limit, period = int(n.users.number), int(n.active_limit.number), float(n.turn_period)
    chance = float(n.overflow_probability)
    rows, span = _played(n, seed)
    steps = _counted(rows, span)
    over = sum(end - start for start, end, count in steps if count > limit) / span
    most = max(count for *_, count in steps)
    title = _title(n)
    alt = (
        f"{users} timelines over four turns of {n.turn_period:short}, a bar while a user is "
        f"active; below, how many are active at once, up to {most}. It is over the line of "
        f"{limit} slots for {over:.0%} of this time."
    )

    def draw(d: Drawing) -> float:
        scale, row, unit = d.width / span, 8, 10
        d.text(0, d.y + 8, f"{users} users: a bar is one answer")
        y = d.y + 18.0
        for bars in rows:
            d.line(0, y + row / 2, d.width, y + row / 2, stroke_opacity=0.12)
            for start, end in bars:
                d.rect(start * scale, y + 1, (min(end, span) - start) * scale, row - 2, CACHE)
            y += row
        d.text(0, y + 24, f"active at once; the line: {limit} slots")
        base = y + 34 + (most + 0.5) * unit
        line = base - limit * unit
        for bottom, fill, heights in (
            (base, CACHE, [min(count, limit) for *_, count in steps]),
            (line, TROUBLE, [max(count - limit, 0) for *_, count in steps]),
        ):
            outline = "".join(
                f"V{bottom - height * unit:.1f}H{end * scale:.2f}"
                for height, (_, end, _) in zip(heights, steps, strict=True)
            )
            d.path(f"M0 {bottom:.1f}{outline}V{bottom:.1f}Z", fill=fill, stroke="none")
        d.line(0, line, d.width, line, stroke_width=2)
        d.line(0, base, d.width, base, stroke_opacity=0.5)
        d.path(f"M0.5 {base + 6}v8h{period * scale:.1f}v-8")
        y = base + 30
        d.text(0, y, f"answer and pause: {n.turn_period:short} on average")
        x, y = (0, y + LINE + 4) if d.narrow else (310, y)
        d.box(x, y - 11, 13, 13, TROUBLE)
        d.text(x + 20, y, f"over: {over:.0%} of this run, {chance:.0%} in the long run")
        return y + 6

    return laid_out(draw, title, alt)


def running(n: Napkin, seed: int = 1) -> Running:
    """Draw the same timelines with a button, which lets them run on by chance.

    Parameters
    ----------
    n : Napkin
        As for `timelines`.
    seed : int, optional
        Of the play of chance that it begins with.

    Returns
    -------
    Running
        A widget; where no page computes, it is the drawing.
    """
    from ._running import Running

    figure, (rows, span) = timelines(n, seed), _played(n, seed)
    answer = float(n.duty_cycle) * float(n.turn_period)
    return Running(
        figure,
        {
            "rows": [[(round(start, 3), round(end, 3)) for start, end in bars] for bars in rows],
            "span": span,
            "answer": answer,
            "pause": float(n.turn_period) - answer,
            "limit": int(n.active_limit.number),
            "expected": float(n.overflow_probability),
            "title": _title(n),
            "alt": figure.alt,
        },
    )


def _title(n: Napkin) -> str:
    """Say what timelines show."""
    return (
        f"{n.users.number} users need {float(n.offered_load):.3g} slots on average, but more than "
        f"{n.active_limit.number} for {float(n.overflow_probability):.0%} of the time"
    )


def _played(n: Napkin, seed: int) -> tuple[list[Bars], float]:
    """Return when each user is active in four turns: equal answers, pauses that end at random."""
    chance, share, period = Random(seed), float(n.duty_cycle), float(n.turn_period)
    answer, pause, span = share * period, (1 - share) * period, 4 * period
    rows = []
    for _ in range(int(n.users.number)):
        # The beginning is like any other moment: within an answer as often as `share` says.
        now = -chance.random() * answer
        now = now if chance.random() < share else chance.expovariate(1 / pause)
        bars = []
        while now < span:
            bars.append((max(now, 0.0), now + answer))
            now += answer + chance.expovariate(1 / pause)
        rows.append(bars)
    return rows, span


def _counted(rows: list[Bars], span: float) -> list[tuple[float, float, int]]:
    """Return how many are active, from each change to the next."""
    bars = [bar for row in rows for bar in row]
    moments = sorted({0.0, span, *(moment for bar in bars for moment in bar if moment < span)})
    return [
        (start, end, sum(first <= start < last for first, last in bars))
        for start, end in pairwise(moments)
    ]
