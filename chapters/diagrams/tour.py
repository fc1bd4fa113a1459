# SPDX-License-Identifier: Apache-2.0
"""Diagrams of the tour: the memory of a GPU, a step with and without others, the whole chain."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Final, NamedTuple

from napkin.quantities import notation as q
from napkin.quantities.value import Value
from napkin.views.drawing import ARITHMETIC, CACHE, LINE, WEIGHTS, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_GOLDEN: Final = 0.6180339887
_LIMITS: Final = {
    q.concurrent_sequences: "GPU",
    q.users_by_host_memory: "host",
    q.users_by_host_link: "link",
    q.users_by_load: "load",
}
_KEPT: Final = {
    "GPU": ("kept on the GPU", "one slot each"),
    "host": ("kept by the host", "host memory"),
    "link": ("swapped by the link", "in time"),
}
"""What the box is called that says how many caches find a place, and why."""
_SCALE: Final = (
    "Bars are to scale, the rest is dashed: weights (blue) and caches (orange) in the memory; "
    "weights, caches and prompts (green) in the time per output token (TPOT); "
    "the active share of a turn (orange)."
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
        for step, who in (
            (alone, "1 conversation, one token"),
            (n, f"{size} conversations, one token each"),
        ):
            d.text(0, y, f"{who}: {step.decode_step_time}")
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
        x, y = (0.0, y + LINE) if d.narrow else (x, y)
        d.box(x, y - 17, 13, 13, stroke_dasharray="3 3")
        d.text(x + 19, y - 6, "waiting")
        return y

    return laid_out(draw, title, alt)


class _Link(NamedTuple):
    """A box of the chain: what it is, where it is drawn, and which boxes it leads to."""

    value: str
    how: str
    wide: tuple[int, int]
    narrow: tuple[int, int]
    leads_to: tuple[str, ...]
    shares: Mapping[str, Value] = {}


def chain(n: Napkin) -> Figure:
    """Draw the way from the cache of one token to the bill of one user.

    Parameters
    ----------
    n : Napkin
        A server with prompts, a think time and a price.

    Returns
    -------
    Figure
        Boxes, each with its number and where it comes from. One branch leads from the place of
        the caches to the number of users, the other from the speed of the server.
    """
    expect_napkin(n, "chain")
    links, (token, bill) = _links(n), (n.kv_bytes_per_token, _price(n))
    title = (
        f"From {token:short} for one token to {bill} a month for each of {_count(n.users)} users"
    )
    *way, people, last = [f"{name} {link.value}" for name, link in links.items()]
    branches = [", ".join(part) for part in (way[1:-4], way[-4:]) if part]
    alt = (
        f"Boxes with arrows: {way[0]} leads to {', and to '.join(branches)}. "
        f"The smaller is {people}; {last}"
    )

    def draw(d: Drawing) -> float:
        columns, gap, high = (2 if d.narrow else 4), 20, 92
        wide = (d.width - (columns - 1) * gap) / columns
        corners = {}
        for name, link in links.items():
            column, row = link.narrow if d.narrow else link.wide
            x, y = column * (wide + gap), d.y + row * (high + 28)
            corners[name] = x, y
            d.box(x, y, wide, high, rx=6)
            d.text(x + 10, y + 22, name)
            d.text(x + 10, y + 22 + LINE, link.value, bold=True)
            d.text(x + 10, y + 22 + 2 * LINE, link.how)
            if link.shares:
                inside = wide - 20
                parts = {fill: float(share) * inside for fill, share in link.shares.items()}
                _bar(d, x + 10, y + 72, 10, parts, inside)
        for name, link in links.items():
            for other in link.leads_to:
                _connect(d, corners[name], corners[other], wide, high)
        below = max(y for _, y in corners.values()) + high + 28
        return d.words(0, below, _SCALE, d.width) - 10

    return laid_out(draw, title, alt)


def _connect(
    d: Drawing, start: tuple[float, float], end: tuple[float, float], wide: float, high: float
) -> None:
    """Draw an arrow from a box to one beside it, below it, or up and across."""
    (x, y), (to_x, to_y) = start, end
    middle, to_middle = x + wide / 2, to_x + wide / 2
    if y == to_y and x < to_x:
        d.arrow(f"M{x + wide + 2:.1f} {y + 36:.1f}H{to_x - 2:.1f}", to_x - 2, y + 36, 1, 0)
    elif y == to_y:
        d.arrow(f"M{x - 2:.1f} {y + 36:.1f}H{to_x + wide + 2:.1f}", to_x + wide + 2, y + 36, -1, 0)
    elif x == to_x:
        d.arrow(f"M{middle:.1f} {y + high + 2:.1f}V{to_y - 2:.1f}", middle, to_y - 2, 0, 1)
    else:
        turn, tip = y - 14, to_y + high + 2
        d.arrow(
            f"M{middle:.1f} {y - 2:.1f}V{turn:.1f}H{to_middle:.1f}V{tip:.1f}", to_middle, tip, 0, -1
        )


def _links(n: Napkin) -> dict[str, _Link]:
    """Return the boxes of the chain by their names."""
    cache, slots, memory = n.kv_bytes_per_sequence, n.concurrent_sequences, n["n_gpus * memory"]
    held = {WEIGHTS: n.weight_bytes / memory, CACHE: n.kv_budget / memory}
    weights = n["weight_bytes_read / (weight_bytes_read + batch * kv_bytes_per_sequence)"]
    step, prompts = n.decode_step_time, n.prompt_stall
    spent = {
        WEIGHTS: weights * step / n.tpot,
        CACHE: (1 - weights) * step / n.tpot,
        ARITHMETIC: prompts / n.tpot,
    }
    turn, busy = n.turn_period, n.duty_cycle
    asked = n.formulas[q.users].expression.free_symbols
    limits = sorted((n[limit], said) for limit, said in _LIMITS.items() if limit in asked)
    least = ", ".join(f"{said} {_count(value)}" for value, said in limits[:2])
    rent, people = float(n["n_gpus * price * month"]), float(n.users)
    token, context = f"{n.kv_bytes_per_token:short}", _count(n.context)
    budget, each = float(n.kv_budget) / 1e9, float(cache) / 1e9
    boxes: dict[str, _Link] = {}
    kept = [(value, said) for value, said in limits if said != "load"][:1]
    for value, said in kept:
        name, how = _KEPT[said]
        how = f"{n.host_memory} / {cache:short}" if said == "host" else how
        boxes[name] = _Link(_count(value), how, (1, 0), (0, 1), ("users",))
    first = _Link(f"{cache:short}", f"{token} × {context}", (0, 0), (0, 0), (*boxes, "slots"))
    return {
        "one conversation": first,
        **boxes,
        "slots": _Link(
            _count(slots), f"{budget:.4g} / {each:.4g} GB", (0, 1), (1, 0), ("TPOT",), held
        ),
        "TPOT": _Link(str(n.tpot), f"{step} + {prompts}", (1, 1), (1, 1), ("active share",), spent),
        "active share": _Link(
            f"{float(busy):.1%}",
            f"{turn * busy} of {turn}",
            (2, 1),
            (1, 2),
            ("users by load",),
            {CACHE: busy},
        ),
        "users by load": _Link(
            _count(n.users_by_load),
            f"{_count(slots)} / {float(busy):.1%}",
            (3, 1),
            (1, 3),
            ("users",),
        ),
        "users": _Link(_count(n.users), least, (2, 0), (0, 3), ("a month, each",)),
        "a month, each": _Link(
            _price(n),
            f"USD {rent:,.0f} / {people:,.{2 if people < 100 else 1}f}",
            (3, 0),
            (0, 4),
            (),
        ),
    }


def _price(n: Napkin) -> str:
    return f"USD {float(n.cost_per_user_month):.3g}"


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
