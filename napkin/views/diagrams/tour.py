"""Diagrams of the tour: the memory of a GPU, a step with and without others, the whole chain."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Final

from ...quantities import notation as q
from ...quantities.value import Value
from ...worksheet.napkin import Napkin, expect_napkin
from ..drawing import ARITHMETIC, CACHE, LINE, WEIGHTS, Drawing, laid_out
from ..figures import Figure

_GOLDEN: Final = 0.6180339887
_LIMITS: Final = {
    q.concurrent_sequences: "GPU",
    q.users_by_host_memory: "host",
    q.users_by_host_link: "link",
    q.users_by_load: "load",
}
_SCALE: Final = (
    "Bars are to scale: weights (blue) and caches (orange) in the memory and in a step, prompts "
    "(green) in a served step, the active share of a turn, the tightest limit against the next."
)


def memory_map(n: Napkin) -> Figure:
    """Draw the memory of a GPU: the weights, a block for each conversation, the reserve.

    Parameters
    ----------
    n : Napkin
        A server whose idle users keep their caches on the GPU, with prompts and a think time.

    Returns
    -------
    Figure
        Areas are to scale; caches of users who wait for a token are orange, others gray.
    """
    expect_napkin(n, "memory_map")
    memory, weights, cache = n.memory, n.weight_bytes, n.kv_bytes_per_sequence
    caches, active = int(n.whole_sequences.number), round(n.usual_active.number)
    reserve = memory - weights - n.kv_budget
    title = (
        f"{caches} caches fill the memory, and {caches - active} of them belong to people "
        "who aren't waiting for a token"
    )
    alt = (
        f"A rectangle of {memory} to scale: weights {weights}, {caches} caches of {cache:short} "
        f"each, {active} of them colored because a token is being written, the others gray, and "
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


def batching(n: Napkin) -> Figure:
    """Draw the step of a full batch below that of a single conversation.

    Parameters
    ----------
    n : Napkin
        A model on a GPU, with a context; its batch is as full as the limits allow.

    Returns
    -------
    Figure
        What a step reads above what it computes, twice, on one scale of time.
    """
    expect_napkin(n, "batching")
    alone, size = n.assume(batch=1), _count(n.batch)
    short, longest = sorted((n.decode_memory_time, n.decode_compute_time))
    waits = "memory" if n.decode_memory_time == short else "arithmetic"
    times = float(n.decode_step_time / alone.decode_step_time)
    title = (
        f"A step that writes {size} tokens takes {times:.1f} times as long as one that writes "
        f"a single token, and for {float(1 - short / longest):.0%} of it the {waits} waits"
    )
    alt = (
        f"Two pairs of bars, time to scale. One conversation: reading {alone.decode_memory_time}, "
        f"arithmetic {alone.decode_compute_time}. {size} conversations: reading the same weights "
        f"and all caches {n.decode_memory_time}, arithmetic {n.decode_compute_time}."
    )

    def draw(d: Drawing) -> float:
        y, second = d.y + 8, d.width / float(longest)
        for step, who in ((alone, "1 conversation"), (n, f"{size} conversations")):
            d.text(0, y, f"{who}, one token each: {step.decode_step_time}")
            read, work = float(step.decode_memory_time), float(step.decode_compute_time)
            caches = float(step["batch * kv_bytes_per_sequence"])
            caches *= read / (caches + float(step.weight_bytes_read))
            parts = {WEIGHTS: (read - caches) * second, CACHE: caches * second}
            whole, done = max(read, work) * second, work * second
            _bar(d, 0, y + 8, 30, parts, whole)
            _bar(d, 0, y + 40, 22, {ARITHMETIC: done}, whole)
            x, ink = (6, "#111") if done > d.width / 2 else (done + 6, "currentColor")
            d.text(x, y + 56, str(step.decode_compute_time), fill=ink)
            y += 92
        x = 0.0
        for fill, name in ((WEIGHTS, "weights"), (CACHE, "caches"), (ARITHMETIC, "arithmetic")):
            d.box(x, y - 17, 13, 13, fill)
            x = d.text(x + 19, y - 6, name) + 16
        return y

    return laid_out(draw, title, alt)


def chain(n: Napkin) -> Figure:
    """Draw the way from the cache of one token to the bill of one user.

    Parameters
    ----------
    n : Napkin
        A server with prompts, a think time and a price.

    Returns
    -------
    Figure
        Eight links, each with its number and where it comes from; shares are to scale.
    """
    expect_napkin(n, "chain")
    links = _links(n)
    token, *_, people, bill = (value for _, value, _, _ in links)
    title = f"From {token} for one token to {bill} a month for each of {people} users"
    alt = "Eight boxes in a chain: " + "; ".join(f"{name} {value}" for name, value, _, _ in links)

    def draw(d: Drawing) -> float:
        columns, gap, high = (2 if d.narrow else 4), 20, 92
        wide = (d.width - (columns - 1) * gap) / columns
        for place, (name, value, how, shares) in enumerate(links):
            row, column = divmod(place, columns)
            x, y = column * (wide + gap), d.y + row * (high + 28)
            d.box(x, y, wide, high, rx=6)
            d.text(x + 10, y + 22, name)
            d.text(x + 10, y + 22 + LINE, value, bold=True)
            d.text(x + 10, y + 22 + 2 * LINE, how)
            if shares:
                inside = wide - 20
                parts = {fill: float(share) * inside for fill, share in shares.items()}
                _bar(d, x + 10, y + 72, 10, parts, inside)
            if column:
                d.arrow(f"M{x - gap + 2} {y + 36:.1f}H{x - 2:.1f}", x - 2, y + 36, 1, 0)
            elif row:
                start = f"M{d.width - wide / 2:.1f} {y - 28}V{y - 14}H{wide / 2:.1f}V{y - 2}"
                d.arrow(start, wide / 2, y - 2, 0, 1)
        below = d.y + len(links) / columns * (high + 28)
        return d.words(0, below, _SCALE, d.width) - 10

    return laid_out(draw, title, alt)


def _links(n: Napkin) -> list[tuple[str, str, str, dict[str, Value]]]:
    """Return what each link of the chain is, its number, where it comes from, and its parts."""
    cache, people = n.kv_bytes_per_sequence, _count(n.users)
    memory, step = n["n_gpus * memory"], n["weight_bytes_read + batch * kv_bytes_per_sequence"]
    held = {WEIGHTS: n.weight_bytes / memory, CACHE: n.kv_budget / memory}
    read = {WEIGHTS: n.weight_bytes_read / step, CACHE: 1 - n.weight_bytes_read / step}
    prompts = {ARITHMETIC: n.prompt_stall / n.tpot}
    turn, busy, rent = n.turn_period, n.duty_cycle, float(n["n_gpus * price * month"])
    asked = n.formulas[q.users].expression.free_symbols
    limits = sorted((n[limit], said) for limit, said in _LIMITS.items() if limit in asked)[:2]
    least = ", ".join(f"{said} {_count(value)}" for value, said in limits)
    tightest = {CACHE: limits[0][0] / limits[-1][0]}
    bill = f"USD {float(n.cost_per_user_month):.3g}"
    return [
        ("one token", f"{n.kv_bytes_per_token:short}", "keys and values", {}),
        ("one conversation", f"{cache:short}", f"× {n.context:short}", {CACHE: cache / memory}),
        ("slots", _count(n.concurrent_sequences), f"{n.kv_budget} / {cache:short}", held),
        ("one step", str(n.decode_step_time), f"{step} read once", read),
        ("served step", str(n.tpot), f"prompts: {n.prompt_stall}", prompts),
        ("active", f"{float(busy):.1%}", f"{turn * busy} of {turn}", {CACHE: busy}),
        ("users", people, least, tightest),
        ("a month, each", bill, f"USD {rent:,.0f} / {people}", {}),
    ]


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


def _count(value: Value) -> str:
    return f"{value:short}".split()[0]


def _bar(
    d: Drawing, x: float, y: float, high: float, parts: Mapping[str, float], whole: float
) -> None:
    """Draw parts side by side by their color, and dashed what they leave."""
    for fill, wide in parts.items():
        d.box(x, y, wide, high, fill)
        x += wide
    if (rest := whole - sum(parts.values())) > 1:
        d.box(x, y, rest, high, stroke_dasharray="3 3")
