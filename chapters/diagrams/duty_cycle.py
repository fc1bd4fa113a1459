# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 08: a turn, users over time, and how many are active by chance."""

from __future__ import annotations

from math import ceil, exp, lgamma, log, sqrt

from napkin.formulas.variants import binomial
from napkin.views.drawing import ARITHMETIC, CACHE, LINE, TROUBLE, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._timelines import running, timelines

__all__ = ["chain", "histogram", "running", "timelines", "turn"]


def turn(n: Napkin) -> Figure:
    """Draw one turn of a user: the wait for the first token, the answer, the pause.

    Parameters
    ----------
    n : Napkin
        A server with the length of an answer and a think time.

    Returns
    -------
    Figure
        Times are to scale, on a full server.
    """
    expect_napkin(n, "turn")
    first, think, each = n.ttft_at_limit, n.think_time, n.tpot_at_limit
    answer = n.turn_period - first - think
    share, whole = float(n.duty_cycle), float(n.turn_period)
    told = f"{n.new_tokens} × {each:short} = {answer:short}"
    title = f"A user of a full server is active for {share:.1%} of each turn"
    alt = (
        f"A bar of {n.turn_period:short} to scale: the first token after {first:short}, then "
        f"{told}, both under a brace that says active, then thinking for {think:short} in gray."
    )

    def draw(d: Drawing) -> float:
        scale, y, high = d.width / whole, d.y + 34, 40
        active = share * d.width
        d.path(f"M0.5 {y - 4}V{y - 12}H{active:.1f}V{y - 4}")
        d.text(0, y - 18, f"active: {(first + answer):short}")
        d.box(0, y, active, high, CACHE)
        d.rect(0, y, max(float(first) * scale, 2), high, ARITHMETIC)
        d.box(active, y, d.width - active, high, "currentColor", fill_opacity=0.1)
        d.text((active + d.width) / 2, y + 25, f"thinking, {think:short}", "middle")
        y += high + 22
        for fill, said in ((ARITHMETIC, f"first token after {first:short}"), (CACHE, told)):
            d.box(0, y - 11, 13, 13, fill)
            d.text(20, y, said)
            y += LINE
        return y - LINE + 6

    return laid_out(draw, title, alt)


def histogram(n: Napkin) -> Figure:
    """Draw how many users are active at once: for as many as the mean allows, and for fewer.

    Parameters
    ----------
    n : Napkin
        Slots, a duty cycle, and the chance of being overfull that is promised.

    Returns
    -------
    Figure
        Two histograms on one axis; what does not fit is in vermilion.
    """
    expect_napkin(n, "histogram")
    slots, share = int(n.active_limit.number), float(n.duty_cycle)
    crowds = [int(m.users_by_load.number) for m in (n, n.assume(binomial))]
    over = [float(n.assume(users=count).overflow_probability) for count in crowds]
    spread = sqrt(slots * (1 - share))
    counts = range(max(0, int(crowds[1] * share - 4 * spread)), ceil(slots + 4 * spread))
    heights = [[_chance(count, users, share) for count in counts] for users in crowds]
    title = (
        f"{slots} slots are too few for {crowds[0]} users {over[0]:.0%} of the time, and for "
        f"{crowds[1]} users {over[1]:.0%} of the time"
    )
    alt = (
        f"Two bell-shaped histograms of users active at once, with a line at {slots} slots: "
        f"around {crowds[0] * share:.0f} for {crowds[0]} users, {over[0]:.0%} right of the line; "
        f"around {crowds[1] * share:.0f} for {crowds[1]} users, {over[1]:.0%} right of it."
    )

    def draw(d: Drawing) -> float:
        pitch, unit, y = d.width / len(counts), 100 / max(map(max, heights)), d.y
        edge = (slots + 1 - counts[0]) * pitch
        for users, bars, beyond in zip(crowds, heights, over, strict=True):
            d.text(0, y + 10, f"{users} users")
            d.text(0, y + 10 + LINE, f"{users * share:.0f} active on average")
            d.text(d.width, y + 10, f"over {slots}: {beyond:.0%}", "end")
            base = y + 140
            for place, bar in enumerate(bars):
                fill = CACHE if counts[place] <= slots else TROUBLE
                d.rect(place * pitch, base - bar * unit, pitch - 1, bar * unit, fill)
            d.line(0, base, d.width, base, stroke_opacity=0.5)
            d.line(edge - 0.5, y + 22, edge - 0.5, base + 5, stroke_width=2)
            y = base + 12
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if len(counts) <= 8 * s)
        for place, count in enumerate(counts):
            if count % step == 0 and 20 < (x := (place + 0.5) * pitch) < d.width - 20:
                d.text(x, y + 8, str(count), "middle")
        d.text(d.width / 2, y + 8 + LINE, "users active at once", "middle")
        return y + LINE + 14

    return laid_out(draw, title, alt)


def _chance(count: int, users: int, share: float) -> float:
    """Return the chance that just so many of the users are active."""
    if count > users:
        return 0.0
    ways = lgamma(users + 1) - lgamma(count + 1) - lgamma(users - count + 1)
    return exp(ways + count * log(share) + (users - count) * log(1 - share))


def chain(n: Napkin, *, waits: bool = False) -> Figure:
    """Draw the states of a few slots, with the share of time that is spent in each.

    Parameters
    ----------
    n : Napkin
        Slots and an offered load.
    waits : bool, optional
        Whether requests that find every slot busy wait, and are not turned away.

    Returns
    -------
    Figure
        States as circles with the rates between them, and bars to scale below.
    """
    expect_napkin(n, "chain")
    slots, load = int(n.slots.number), float(n.offered_load)
    states = max(8, slots + 2) if waits else slots + 1
    full = float(n.wait_probability if waits else n.blocking_probability)
    weights = [load**k / exp(lgamma(k + 1)) for k in range(slots + 1)]
    while waits and len(weights) < states:
        weights.append(weights[-1] * load / slots)
    at_top = full * (1 - load / slots) if waits else full
    shares = [weight / weights[slots] * at_top for weight in weights]
    missed = "have to wait" if waits else "are turned away"
    title = f"With {slots} slots and an offered load of {load:g}, {full:.0%} of requests {missed}"
    listed = ", ".join(f"{share:.0%}" for share in shares)
    alt = (
        f"States 0 to {states - 1} in a row{' and so on' if waits else ''}, with arrows up at "
        f"rate {load:g} and down at the number of busy slots. Bars give the share of time in "
        f"each: {listed}."
    )

    def draw(d: Drawing) -> float:
        radius, left = (14, 18) if d.narrow else (20, 40)
        gap, y = (d.width - 2 * left) / (states - (0.5 if waits else 1)), d.y + 52
        base, unit = y + radius + 160, 100 / max(shares)
        if not waits:
            cut = left + gap * (slots - 0.64)  # beside the rates, which stand half-way
            d.line(cut, y - 46, cut, y + 46, stroke_dasharray="5 4")
        for state, share in enumerate(shares):
            x, color = left + state * gap, TROUBLE if state >= slots else CACHE
            d.add(
                "circle", cx=x, cy=y, r=radius, fill=color, fill_opacity=0.3, stroke="currentColor"
            )
            d.text(x, y + 5, str(state), "middle", bold=True)
            if state + 1 < states:
                _step(d, x, y, gap, radius, (f"{load:g}", f"{min(state + 1, slots)}"))
            d.box(x - 17, base - share * unit, 34, share * unit, color)
            d.text(x, base - share * unit - 6, f"{share:.0%}", "middle")
        if waits:
            d.text(left + (states - 0.5) * gap, y + 5, "…", "middle", bold=True)
        d.line(0, base, d.width, base, stroke_opacity=0.5)
        d.text(0, base + 20, "arrows: requests per average stay")
        x, below = (0, base + 20 + LINE) if d.narrow else (310, base + 20)
        d.text(x, below, "bars: share of the time in each state")
        return below + 6

    return laid_out(draw, title, alt)


def _step(
    d: Drawing, x: float, y: float, gap: float, radius: float, rates: tuple[str, str]
) -> None:
    """Draw the way from a state to the next, and the way back, each with its rate."""
    start, end, middle, off = x + radius * 0.8, x + gap - radius * 0.8, x + gap / 2, radius * 0.75
    for side, (of, to), rate in ((-1, (start, end), rates[0]), (1, (end, start), rates[1])):
        level, bend = y + side * off, y + side * (off + 22)
        way = f"M{of:.1f} {level:.1f}Q{middle:.1f} {bend:.1f} {to:.1f} {level:.1f}"
        d.arrow(way, to, level, -0.8 * side, -0.6 * side)
        d.text(middle, y + side * (off + 22) + (4 if side > 0 else 6), rate, "middle")
