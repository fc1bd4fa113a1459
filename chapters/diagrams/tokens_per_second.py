# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 06: steps as lanes, the trade-off of speeds, schedules of a server."""

from __future__ import annotations

from math import ceil

from napkin.errors import MissingGivenError
from napkin.formulas import variants
from napkin.quantities.value import Value
from napkin.views.drawing import (
    ARITHMETIC,
    CACHE,
    INK,
    LINE,
    TROUBLE,
    WEIGHTS,
    Drawing,
    Style,
    laid_out,
    measure,
)
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._scheduling import EMPTY, POLICIES, QUEUES, READS, WAITS, WRITES, served
from ._time_axis import axis, count, entry, scale

_PALE: dict[str, Style] = {"fill_opacity": 0.25, "stroke_dasharray": "4 3"}
_IDLE: dict[str, Style] = {"stroke_dasharray": "2 4"}


def lanes(n: Napkin) -> Figure:
    """Draw a decode step as two lanes, with the prompts of others in the gap.

    Parameters
    ----------
    n : Napkin
        A server; with `prompt` and `new_tokens`, the prompts that each step brings are drawn.

    Returns
    -------
    Figure
        Time runs to the right, to scale: above what is read, below the arithmetic.
    """
    expect_napkin(n, "lanes")
    read, work, users = n.decode_memory_time, n.decode_compute_time, count(n.batch)
    caches, nothing, gap = read - _weights_time(n), 0 * work, read - work
    tokens, rides, share = _prompts(n) or (nothing, nothing, nothing)
    looks = caches / n.batch.number * share if rides > nothing else nothing
    said = f"{count(tokens)} prompt tokens of others: {rides}"
    title = f"Reading takes {read} and arithmetic {work}"
    if rides > gap > nothing:
        title = (
            f"The prompts of others need {rides} of arithmetic a step, and reading leaves only "
            f"{gap} idle"
        )
    elif gap > rides > nothing:
        title += (
            f". Other people's prompts fit into the gap with {rides} of arithmetic, but add "
            f"{looks} of reading"
        )
    alt = (
        f"Bars on one time axis. Reading: weights {read - caches}, {users} caches {caches}. "
        f"Arithmetic: {users} tokens {work}"
        + (f", then {said}" if rides > nothing else "")
        + (f"; the other {gap + looks - rides} are idle." if gap + looks > rides else ".")
    )

    def draw(d: Drawing) -> float:
        left, high, names = (0.0, 36.0, 28) if d.narrow else (92.0, 40.0, 8)
        span = float(max(read + looks, work + rides))
        unit = scale(d, left, span)
        y, keys = d.y + (22 if d.narrow else 6), []

        def bar(start: Value, lasts: Value, fill: str, says: str, style: dict[str, Style]) -> None:
            x, width = left + float(start) * unit, float(lasts) * unit
            d.box(x, y, width, high, fill, **style)
            fits = measure(says) + 14 <= width
            if says and fits:
                d.text(x + 8, y + high / 2 + 5, says, fill="currentColor" if style else INK[fill])
            elif says and fill != "none":
                keys.append((fill, says, style))

        def lane(name: str) -> None:
            d.text(0, *((y - 6,) if d.narrow else (y + 25,)), name)

        lane("reading")
        bar(nothing, read - caches, WEIGHTS, f"weights {read - caches}", {})
        bar(read - caches, caches, CACHE, f"{users} caches: {caches}", {})
        if rides > nothing:
            bar(read, looks, CACHE, f"the cache they look back at: {looks}", _PALE)
        y += high + names
        lane("arithmetic")
        bar(nothing, work, ARITHMETIC, f"{users} tokens, one for each user: {work}", {})
        if rides > nothing:
            bar(work, rides, ARITHMETIC, said, _PALE)
        if gap + looks > rides:
            idle = gap + looks - rides
            bar(work + rides, idle, "none", f"idle {idle}", _IDLE)
        y = axis(d, left, y + high + 8, span, unit) + LINE + 8
        pale = ((fill == CACHE) + 1 if style else 0 for fill, _, style in keys)
        for _, (fill, says, style) in sorted(zip(pale, keys, strict=True), key=lambda k: k[0]):
            y = entry(d, left, y, fill, says, style)
        return y - LINE + 6

    return laid_out(draw, title, alt)


def steps(n: Napkin) -> Figure:
    """Draw decode steps for one user, for a few, and for as many as `batch`, on one time axis.

    Parameters
    ----------
    n : Napkin
        A server; the few are those whose caches take as long to read as the weights.

    Returns
    -------
    Figure
        Above, the weights and a slice for each user's cache; below, the arithmetic.
    """
    expect_napkin(n, "steps")
    few = round(n.batch_cache_equals_weights.number)
    sizes = [n.assume(batch=size) for size in (1, few) if size < n.batch.number] + [n]
    alone, full = sizes[0], sizes[-1]
    slower = full.decode_step_time / alone.decode_step_time
    title = (
        f"A step for {count(n.batch)} users takes {count(slower)} times as long as a step for one"
    )
    alt = (
        f"Pairs of bars on one time axis for {_listed([count(m.batch) for m in sizes])} users. "
        f"Reading: the weights, {_weights_time(n)}, then a slice for each user's cache, up to "
        + _listed([f"{m.decode_memory_time}" for m in sizes])
        + f". Arithmetic: {_listed([f'{m.decode_compute_time}' for m in sizes])}."
    )

    def draw(d: Drawing) -> float:
        left, high = (80.0, 22.0) if d.narrow else (92.0, 24.0)
        span = max(float(full.decode_memory_time), float(full.decode_compute_time))
        unit, y = scale(d, left, span), d.y + 8
        for m in sizes:
            whose = "1 user" if m.batch.number == 1 else f"{count(m.batch)} users"
            d.text(0 if d.narrow else left, y, f"{whose}, {m.decode_step_time}", bold=True)
            y += 8
            weights, work = float(_weights_time(m)) * unit, float(m.decode_compute_time) * unit
            d.box(left, y, weights, high, WEIGHTS)
            cached = float(m.decode_memory_time) * unit - weights
            d.box(left + weights, y, cached, high, CACHE)
            slices = range(1, ceil(m.batch.number)) if cached > 3 * m.batch.number else ()
            for place in slices:  # a hairline between two caches
                x = left + weights + place * cached / float(m.batch)
                d.line(x, y, x, y + high, stroke="#111", stroke_opacity=0.5)
            d.box(left, y + high + 3, work, high / 2, ARITHMETIC)
            d.text(0, y + 17, "reading")
            d.text(0, y + high + 14, "arithmetic")
            y += 1.5 * high + 30
        y = axis(d, left, y - 18, span, unit) + LINE + 6
        left = 0.0 if d.narrow else left
        y = entry(d, left, y, WEIGHTS, f"the weights, once a step: {_weights_time(n)}", {})
        each = (full.decode_memory_time - _weights_time(n)) / full.batch.number
        y = entry(d, left, y, CACHE, f"a cache for each user: {each} each", {})
        return entry(d, left, y, ARITHMETIC, "arithmetic, in the same time", {}) - LINE + 6

    return laid_out(draw, title, alt)


def trade_off(n: Napkin, prompts: Napkin | None = None, promise: float = 0.0) -> Figure:
    """Draw what all users get together against what each of them gets.

    Parameters
    ----------
    n : Napkin
        A server.
    prompts : Napkin, optional
        The same server with more of its prompts to read, as a second line.
    promise : float, optional
        A speed, in token/s, that each user is promised, as an upright line; 0 draws none.

    Returns
    -------
    Figure
        A dot for some numbers of users; dotted is what memory has no room for.
    """
    expect_napkin(n, "trade_off")
    few = round(n.batch_cache_equals_weights.number)
    sizes = sorted({size for size in (1, 2, few, 2 * few) if size < n.batch.number})
    servers = {"currentColor": n} | ({TROUBLE: prompts} if prompts else {})
    dots = {color: [*(m.assume(batch=size) for size in sizes), m] for color, m in servers.items()}
    ceiling, fastest = float(n.throughput_ceiling), 1 / float(_weights_time(n))
    title = (
        f"With {_whose(prompts)}, {count(n.batch)} users get {_each(prompts)} token/s each, not "
        f"{_each(n)}"
        if prompts
        else f"{count(n.batch)} users get {float(n.tokens_per_second) / ceiling:.0%} of the "
        f"ceiling, {_each(n)} token/s each"
    )
    told = [
        f"{count(m.batch)} ({_each(m)}, {m.tokens_per_second:short})" for m in dots["currentColor"]
    ]
    alt = (
        "The total falls in a straight line as each user's speed rises. Dots for users: "
        f"{_listed(told)}."
    )
    says = ""
    if prompts:
        most = prompts["1 / (1 / throughput_ceiling + prefill_time / new_tokens)"]
        says = f"with {_whose(prompts)}: ceiling {count(most)} token/s"
        alt += f" A lower line ends at {prompts.tokens_per_second:short}; ceiling {count(most)}."

    def draw(d: Drawing) -> float:
        left, high, top = 56.0, 270.0, d.y + 18
        widest = fastest * (1.3 if d.narrow else 1.15)  # room for a label at the right
        x_unit, y_unit = (d.width - left) / widest, high / (1.12 * ceiling)

        def at(m: Napkin) -> tuple[float, float]:
            each = 1 / float(m.tpot)
            return left + each * x_unit, top + high - each * float(m.batch) * y_unit

        def line(row: list[Napkin], color: str, **style: Style) -> None:
            corners = "L".join("{:.1f} {:.1f}".format(*at(m)) for m in row)
            d.path(f"M{corners}", stroke=color, stroke_width=2.0, **style)

        for color, row in dots.items():
            line(row, color)
            larger = row[-1].assume(memory=1000 * n.memory)
            sizes = [n.batch.number * 4**grown for grown in range(5)]
            line([larger.assume(batch=size) for size in sizes], color, stroke_dasharray="3 4")
            clear = 0.0
            for m in reversed(row):
                x, y = at(m)
                d.add("circle", cx=x, cy=y, r=4, fill=color)
                below = 24 if color == TROUBLE else -5
                above = (at(other) for other in dots["currentColor"])
                near = [up for across, up in above if abs(across - x) < 120]
                free = color != TROUBLE or (
                    m is row[-1] and all(abs(y + below + 5 - up) > 18 for up in near)
                )
                if y - clear > 14 and free:
                    d.text(x + 9, y + below, f"{count(m.batch)} user" + "s" * (m.batch.number != 1))
                    clear = y
        ring: dict[str, Style] = {"fill": "none", "stroke": "currentColor"}
        d.add("circle", cx=left + fastest * x_unit, cy=top + high, r=4, **ring)
        if promise:
            x = left + promise * x_unit
            d.line(x, top, x, top + high, stroke_opacity=0.6, stroke_dasharray="2 3")
            d.text(x + 8, top + 0.55 * high, f"promise: {promise:g}")
        level = top + high - ceiling * y_unit
        d.line(left, level, d.width, level, stroke_dasharray="6 4")
        d.text(d.width, level - 6, f"ceiling {n.throughput_ceiling:short}", "end")
        d.text(0, top - 8, "all users together, token/s")
        step = _round_step(ceiling / 3)
        for place in range(int(ceiling / step) + 1):
            value = place * step
            y = top + high - value * y_unit
            d.line(left, y, d.width, y, stroke_opacity=0.15 if place else 0.6)
            d.text(left - 8, y + 5, f"{value:,.0f}", "end")
        step = _round_step(fastest / (3 if d.narrow else 5))
        for place in range(int(widest / step) + 1):
            x = left + place * step * x_unit
            d.text(min(x, d.width - 22), top + high + 20, f"{place * step:,.0f}", "middle")
        d.text(d.width, top + high + 42, "each user, token/s", "end")
        y = top + high + (61 if d.narrow else 42)
        d.text(0, y, "dotted: more users than fit in memory")
        y += LINE
        d.text(0, y, f"ring: no cache to read, {fastest:.0f} token/s")
        return entry(d, 0, y + LINE + 4, TROUBLE, says, {}) - LINE + 6 if says else y + 6

    return laid_out(draw, title, alt)


def schedule(n: Napkin) -> Figure:
    """Draw who writes when in a small server, under three ways to schedule its prompts.

    Parameters
    ----------
    n : Napkin
        A server with a few slots: `batch`, `decode_step_time`, `prefill_time`, `new_tokens`.

    Returns
    -------
    Figure
        A row for each slot: orange while it writes, green while its prompt is read, pale green
        while it waits to be read.
    """
    expect_napkin(n, "schedule")
    until = 5 * int(n.new_tokens) * float(n.decode_step_time)
    runs = {policy: served(n, policy, until) for policy in POLICIES}
    written = {
        policy: sum(b.tokens for b in blocks if b.start + b.lasts < until + 1e-9)
        for policy, blocks in runs.items()
    }
    waits = {policy: max(b.pause for b in blocks) for policy, blocks in runs.items()}
    static, continuous, chunked = POLICIES
    slower, smoother = (f"{1e3 * waits[policy]:.3g} ms" for policy in (continuous, chunked))
    title = (
        f"Continuous batching writes {written[continuous]} tokens where a static batch writes "
        f"{written[static]}; chunks shorten its longest wait from {slower} to {smoother}"
    )
    alt = (
        f"Timelines of {count(n.batch)} slots over {1e3 * until:.3g} ms. In a static batch, slots "
        "that finish early stay empty. With continuous batching, others stop while a prompt is "
        f"read. With chunks no answer stops, and {written[chunked]} tokens are written."
    )

    def draw(d: Drawing) -> float:
        high, unit, y = 13.0, scale(d, 0, until), d.y + 12
        for policy, blocks in runs.items():
            d.text(0, y, f"{policy}: {written[policy]} tokens", bold=True)
            y += 7
            for kind, (fill, style) in _LOOKS.items():
                outlines = ""
                for block in (block for block in blocks if block.kind == kind):
                    wide = min(block.lasts, until - block.start) * unit
                    corner = f"M{block.start * unit:.1f} {y + block.slot * (high + 2):.1f}"
                    outlines += f"{corner}h{wide - 1.5:.1f}v{high}h{1.5 - wide:.1f}z"
                if outlines:
                    d.path(outlines, fill=fill, stroke="none", **style)
            y += int(n.batch) * (high + 2) + 22
        y = axis(d, 0, y - 16, until, unit) + LINE + 4
        for kind, (fill, style) in _LOOKS.items():
            y = entry(d, 0, y, fill, kind, style)
        return y - LINE + 6

    return laid_out(draw, title, alt)


_LOOKS: dict[str, tuple[str, dict[str, Style]]] = {
    WRITES: (CACHE, {}),
    READS: (ARITHMETIC, {}),
    QUEUES: (ARITHMETIC, {"fill_opacity": 0.35}),
    WAITS: (TROUBLE, {"fill_opacity": 0.45}),
    EMPTY: ("currentColor", {"fill_opacity": 0.12}),
}


def _whose(n: Napkin) -> str:
    return "whole prompts" if n["prefill_tokens / prompt"].number == 1 else "their prompts"


def _each(n: Napkin) -> str:
    return f"{1 / float(n.tpot):.3g}"


def _round_step(least: float) -> float:
    """Return the first of 1, 2, 5, 10, 20 and so on that is at least this, or just below it."""
    steps = (digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 2.5, 5))
    return next(step for step in steps if step >= 0.85 * least)


def _weights_time(n: Napkin) -> Value:
    """Return how long a step reads the weights."""
    bytes_read = "weight_bytes_read + batch * kv_copies * kv_bytes_per_sequence"
    return n.decode_memory_time * n[f"weight_bytes_read / ({bytes_read})"]


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


def _prompts(n: Napkin) -> tuple[Value, Value, Value] | None:
    """Return what a step brings of prompts: tokens, their arithmetic, and how far they look."""
    try:
        rides = n.assume(variants.chunked_prefill).prompt_stall
        # On average a piece sees all that was cached, and half of what was not.
        looks = n["(prompt - prefill_tokens / 2) / context"]
        return n["batch * prefill_tokens / new_tokens"], rides, looks
    except MissingGivenError:
        return None
