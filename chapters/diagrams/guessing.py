# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 15: a draft and the steps that check it, rows of a step, guesses kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from napkin.quantities.value import Value
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
    measure,
)
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._time_axis import axis, count, entry, scale

_DRAFT: dict[str, Style] = {"fill_opacity": SHADE}
_KEPT: dict[str, Style] = {"fill_opacity": 0.75}
_WRONG: dict[str, Style] = {"fill_opacity": 0.9}
_WASTED: dict[str, Style] = {"fill_opacity": 0.3, "stroke_dasharray": "3 2"}


@dataclass(frozen=True)
class _Step:
    """A step that checks guesses: when it starts, and how many guesses were right."""

    start: float
    right: int


def lanes(n: Napkin, steps: int = 6, seed: int = 29) -> Figure:
    """Draw one conversation, without a draft and with one, on one time axis.

    Parameters
    ----------
    n : Napkin
        A server with a draft: `draft_tokens`, `draft_time` and `acceptance_rate` are given.
    steps : int
        Plain steps that the time axis has room for.
    seed : int
        Which guesses happen to be right.

    Returns
    -------
    Figure
        Bars are steps, to scale; where one ends are its tokens: written, wrong, or wasted.
    """
    expect_napkin(n, "lanes")
    plain = n.assume(draft_tokens=0)
    guesses, alone, step = int(n.draft_tokens), plain.decode_step_time, n.decode_step_time
    span = steps * float(alone)
    checks = _run(n, span, seed)
    written = sum(check.right + 1 for check in checks)
    title = (
        f"While plain steps write {steps} tokens, {len(checks)} steps that check "
        f"{guesses} guesses each write {written}"
    )
    told = ", ".join(str(check.right) for check in checks)
    alt = (
        f"Two lanes over {1e3 * span:.3g} ms. Above, {steps} steps of {alone}, a token at the end "
        f"of each. Below, drafts of {n.drafting_time} before steps of {step}. Right guesses kept: "
        f"{told}; each step adds one token of its own. The first wrong guess and those after it "
        "are lost."
    )

    def draw(d: Drawing) -> float:
        high, y = 30.0, d.y + 10
        unit = scale(d, 0, span)
        side = min(15.0, (float(step) * unit - 2) / (guesses + 1) - 2)

        def bar(start: float, m: Napkin) -> None:
            read = float(_weights_time(m) / m.decode_memory_time)
            wide = float(m.decode_step_time) * unit
            d.box(start * unit, y, read * wide, high, WEIGHTS)
            d.box(start * unit + read * wide, y, (1 - read) * wide, high, CACHE)

        def squares(end: float, styles: Sequence[tuple[str, dict[str, Style]]]) -> None:
            for place, (fill, style) in enumerate(reversed(styles)):
                x = end * unit - side - place * (side + 2)
                d.box(x, y + high + 5, side, side, fill, **style)

        own: tuple[str, dict[str, Style]] = ("none", {"stroke_opacity": 1.0, "stroke_width": 2.0})
        d.text(0, y, f"no draft: {steps} tokens", bold=True)
        y += 8
        for place in range(steps):
            bar(place * float(alone), plain)
            squares((place + 1) * float(alone), [own])
        y += high + side + 34
        d.text(0, y, f"with a draft: {written} tokens", bold=True)
        y += 8
        for check in checks:
            ahead = float(n.drafting_time)
            d.box(check.start * unit, y, ahead * unit, high, "currentColor", **_DRAFT)
            bar(check.start + ahead, n)
            kept = [("currentColor", _KEPT)] * check.right
            lost = [(TROUBLE, _WRONG), *[(TROUBLE, _WASTED)] * guesses][: guesses - check.right]
            squares(check.start + ahead + float(step), [*kept, own, *lost])
        y = axis(d, 0, y + high + side + 14, span, unit) + LINE + 6
        y = entry(d, 0, y, "currentColor", f"draft: {guesses} guesses, {n.drafting_time}", _DRAFT)
        y = entry(d, 0, y, WEIGHTS, f"weights, once a step: {_weights_time(n)}", {})
        y = entry(d, 0, y, CACHE, f"caches: {n.decode_memory_time - _weights_time(n)}", {})
        y = entry(d, 0, y, "currentColor", "a guess that was right", _KEPT)
        y = entry(d, 0, y, TROUBLE, "the first wrong guess", _WRONG)
        y = entry(d, 0, y, "none", "the step's own token, in its place", own[1])
        return entry(d, 0, y, TROUBLE, "guesses after a wrong one, lost", _WASTED) - LINE + 6

    return laid_out(draw, title, alt)


def rows(n: Napkin, guesses: Sequence[int] = (0, 3, 7, 15)) -> Figure:
    """Draw a step that checks more and more guesses: what it reads, and its arithmetic.

    Parameters
    ----------
    n : Napkin
        A server under `speculative`.
    guesses : sequence of int
        Guesses that a step checks, one pair of bars each.

    Returns
    -------
    Figure
        Pairs of bars on one time axis: above what is read, below the arithmetic.
    """
    expect_napkin(n, "rows")
    sheets = [n.assume(draft_tokens=size) for size in guesses]
    first, last = sheets[0], sheets[-1]
    longer = last.decode_step_time / first.decode_step_time
    times = "no longer" if longer.number == 1 else f"{count(longer)} times as long"
    title = (
        f"A step that checks {guesses[-1]} guesses does {guesses[-1] + 1} times the arithmetic "
        f"and takes {times}"
    )
    pairs = "; ".join(
        f"{size} guesses: {m.decode_memory_time} and {m.decode_compute_time}"
        for size, m in zip(guesses, sheets, strict=True)
    )
    alt = f"Pairs of bars on one time axis, reading and arithmetic. {pairs}."

    def draw(d: Drawing) -> float:
        left, high = (80.0, 20.0) if d.narrow else (92.0, 22.0)
        span = max(float(m.decode_step_time) for m in sheets)
        unit, y = scale(d, left, span), d.y + 8
        for size, m in zip(guesses, sheets, strict=True):
            start = 0.0 if d.narrow else left
            each = f"{size + 1} row{'s' * (size > 0)}"
            d.text(start, y, f"{size or 'no'} guesses, {each} per conversation", bold=True)
            y += 8
            weights = float(_weights_time(m)) * unit
            d.box(left, y, weights, high, WEIGHTS)
            d.box(left + weights, y, float(m.decode_memory_time) * unit - weights, high, CACHE)
            work = float(m.decode_compute_time) * unit
            d.box(left, y + high + 3, work, high, ARITHMETIC)
            says, place = f"{m.decode_compute_time}", y + high + 18
            inside = measure(says) + 14 <= work
            d.text(
                left + 7 if inside else left + work + 7,
                place,
                says,
                fill=INK[ARITHMETIC] if inside else "currentColor",
            )
            d.text(0, y + 16, "reading")
            d.text(0, place, "arithmetic")
            y += 2 * high + 32
        y = axis(d, left, y - 22, span, unit) + LINE + 6
        left = 0.0 if d.narrow else left
        y = entry(d, left, y, WEIGHTS, f"weights, read once: {_weights_time(last)}", {})
        caches = last.decode_memory_time - _weights_time(last)
        y = entry(d, left, y, CACHE, f"{count(n.batch)} caches, read once each: {caches}", {})
        return entry(d, left, y, ARITHMETIC, "arithmetic of all rows", {}) - LINE + 6

    return laid_out(draw, title, alt)


def stairs(rate: float, measured: Sequence[float]) -> Figure:
    """Draw the chance that each guess is kept, and the tokens that this adds up to.

    Parameters
    ----------
    rate : float
        The acceptance of a guess whose predecessors were right, the same for each.
    measured : sequence of float
        Tokens per step that were measured with 1, 2, 3 and more guesses.

    Returns
    -------
    Figure
        A column for the step's own token, then one for each guess; ticks are measured gains.
    """
    size = len(measured)
    gains = [now - before for before, now in zip([1.0, *measured], measured, strict=False)]
    total = sum(rate**place for place in range(size + 1))
    title = (
        f"If each guess were right with chance {rate:.2f}, {size} of them would make "
        f"{total:.2f} tokens per step, but {measured[-1]:.2f} were measured"
    )
    alt = (
        "Columns, one for each token that a step may add, as tall as its chance: 1, then "
        + ", ".join(f"{rate**place:.2f}" for place in range(1, size + 1))
        + ". Ticks show what one more guess added when it was measured: "
        + ", ".join(f"{gain:.2f}" for gain in gains)
        + "."
    )

    def draw(d: Drawing) -> float:
        left, high, top = 34.0, 190.0, d.y + 30
        pitch = (d.width - left) / (size + 1)
        shade: dict[str, Style] = {"fill_opacity": SHADE}
        d.text(0, top - 18, "tokens that a step gains")
        for level in (0.0, 0.5, 1.0):
            y, hidden = top + high * (1 - level), sum(rate**k >= level for k in range(size + 1))
            start = left + pitch * hidden if level else left  # a line behind columns would show
            d.line(start, y, d.width, y, stroke_opacity=0.15 if level else 0.6)
            d.text(left - 6, y + 5, f"{level:g}", "end")
        for place in range(size + 1):
            x, tall = left + place * pitch, high * rate**place
            d.box(x + 2, top + high - tall, pitch - 4, tall, "currentColor", **shade)
            d.text(x + pitch / 2, top + high + 18, str(place) if place else "own", "middle")
            if place:
                y = top + high * (1 - gains[place - 1])
                d.line(x + 2, y, x + pitch - 2, y, stroke_width=4.0)
        y = top + high + 18 + LINE
        d.text(left + pitch * (1 + size / 2), y, "which guess", "middle")
        y += LINE + 8
        y = entry(d, 0, y, "currentColor", f"chance {rate:.2f}, again and again", shade)
        d.line(0, y - 4, 13, y - 4, stroke_width=4.0)
        d.text(20, y, "measured: what one more guess added")
        return y + 6

    return laid_out(draw, title, alt)


def _run(n: Napkin, span: float, seed: int) -> list[_Step]:
    """Toss a coin for each guess; list the steps that end within a span of time."""
    coin, now, found = Random(seed), 0.0, list[_Step]()
    lasts = float(n.drafting_time) + float(n.decode_step_time)
    while now + lasts <= span * (1 + 1e-9):
        right = 0
        while right < int(n.draft_tokens) and coin.random() < float(n.acceptance_rate):
            right += 1
        found.append(_Step(now, right))
        now += lasts
    return found


def _weights_time(n: Napkin) -> Value:
    """Return how long a step reads the weights."""
    bytes_read = "weight_bytes_read + batch * kv_copies * kv_bytes_per_sequence"
    return n.decode_memory_time * n[f"weight_bytes_read / ({bytes_read})"]
