"""Diagrams of chapter 06: a step as two lanes."""

from __future__ import annotations

from ...errors import MissingGivenError
from ...formulas import variants
from ...quantities.value import Value
from ...worksheet.napkin import Napkin, expect_napkin
from ..drawing import ARITHMETIC, CACHE, INK, LINE, WEIGHTS, Drawing, Style, laid_out, measure
from ..figures import Figure

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
    of_caches = "batch * kv_copies * kv_bytes_per_sequence"
    caches = read * n[f"{of_caches} / (weight_bytes_read + {of_caches})"]
    nothing, gap = 0 * work, read - work
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
        title += f", so {rides} of other people's prompts fit into the gap"
    alt = (
        f"Two bars on one time axis. Reading: weights {read - caches}, {users} caches {caches}. "
        f"Arithmetic: {users} tokens {work}"
        + (f", then {said}" if rides > nothing else "")
        + (f"; the other {gap - rides} are idle." if gap > rides else ".")
    )

    def draw(d: Drawing) -> float:
        left, high, names = (0.0, 36.0, 28) if d.narrow else (92.0, 40.0, 8)
        unit = (d.width - left - 1) / float(max(read + looks, work + rides))
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
        if gap > rides:
            bar(work + rides, gap - rides, "none", f"idle {gap - rides}", _IDLE)
        y = axis(d, left, y + high + 8, (d.width - left - 1) / unit) + LINE + 8
        pale = ((fill == CACHE) + 1 if style else 0 for fill, _, style in keys)
        for _, (fill, says, style) in sorted(zip(pale, keys, strict=True), key=lambda k: k[0]):
            y = entry(d, left, y, fill, says, style)
        return y - LINE + 6

    return laid_out(draw, title, alt)


def _prompts(n: Napkin) -> tuple[Value, Value, Value] | None:
    """Return what a step brings of prompts: tokens, their arithmetic, and how far they look."""
    try:
        rides = n.assume(variants.chunked_prefill).prompt_stall
        # On average a piece sees all that was cached, and half of what was not.
        looks = n["(prompt - prefill_tokens / 2) / context"]
        return n["batch * prefill_tokens / new_tokens"], rides, looks
    except MissingGivenError:
        return None


def count(number: Value) -> str:
    """Write a number of conversations or tokens without its unit."""
    return f"{float(number):,.3g}" if float(number) < 1000 else f"{float(number):,.0f}"


def axis(d: Drawing, left: float, y: float, span: float) -> float:
    """Draw an axis of time to the right edge; return the baseline of its labels."""
    unit, most = (d.width - left - 1) / span, 4 if d.narrow else 7
    steps = (digit * 10.0**power for power in range(-6, 3) for digit in (1, 2, 5))
    step = next(step for step in steps if span / step <= most)
    d.line(left, y, d.width, y, stroke_opacity=0.6)
    for place in range(int(span / step) + 1):
        x, end = left + place * step * unit, d.width - 30
        d.line(x, y, x, y + 5, stroke_opacity=0.6)
        label = f"{round(1e3 * place * step, 6):g} ms" if place else "0"
        anchor = "start" if not place else "end" if x > end else "middle"
        d.text(min(x, d.width), y + 20, label, anchor)
    return y + 20


def entry(d: Drawing, x: float, y: float, fill: str, says: str, style: dict[str, Style]) -> float:
    """Write a line of a legend; return the baseline of the next one."""
    d.box(x, y - 11, 13, 13, fill, **style)
    d.text(x + 20, y, says)
    return y + LINE
