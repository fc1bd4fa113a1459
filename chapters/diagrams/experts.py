# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 12: experts that a step touches, a race of two models, an all-to-all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count as tries
from math import ceil, cos, hypot, pi, sin, sqrt
from random import Random

from napkin.errors import NapkinError
from napkin.views.drawing import ARITHMETIC, CACHE, LINE, SHADE, WEIGHTS, Drawing, Style, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._time_axis import axis, entry, scale

_Point = tuple[float, float]

_SENT: dict[str, Style] = {"fill_opacity": SHADE}


def grid(n: Napkin, tokens: tuple[int, ...]) -> Figure:
    """Draw the experts of one layer, and fill those that the tokens of a step touch.

    Parameters
    ----------
    n : Napkin
        A model with experts.
    tokens : tuple of int
        Tokens in the step, a grid for each number.

    Returns
    -------
    Figure
        Random routing, in a step that touches as many experts as steps do on average.
    """
    expect_napkin(n, "grid")
    experts, visits = int(n.n_experts.number), int(n.n_experts_active.number)
    expected = [experts * (1 - (1 - visits / experts) ** count) for count in tokens]
    steps = [
        _typical(experts, visits, *each) for each in zip(tokens, map(round, expected), strict=True)
    ]
    title = (
        f"One token visits {visits} of {experts} experts, and {tokens[-1]} tokens touch "
        f"{expected[-1]:.0f} of them on average"
    )
    counted = ", ".join(
        f"{len(touched)} after {_tokens(count)}"
        for count, (touched, _) in zip(tokens, steps, strict=True)
    )
    alt = (
        f"{len(tokens)} grids of {experts} squares, one for each expert of a layer. Squares that "
        f"a step touches are filled: {counted}. Outlined are the {visits} of the last token."
    )

    def draw(d: Drawing) -> float:
        columns = ceil(sqrt(experts))
        gap = 12 if d.narrow else 36
        side = (d.width - gap * (len(tokens) - 1)) / len(tokens)
        pitch, y = (side - 2) / columns, d.y + (14 + LINE if d.narrow else 14)
        for place, (count, (touched, last)) in enumerate(zip(tokens, steps, strict=True)):
            left = place * (side + gap) + 1
            if d.narrow:
                d.text(left, y - LINE, _tokens(count), bold=True)
            said = f"{len(touched)} touched" if d.narrow else f"{_tokens(count)}: {len(touched)}"
            d.text(left, y, said if d.narrow else f"{said} of {experts}", bold=not d.narrow)
            chosen: tuple[tuple[Iterable[int], dict[str, Style]], ...] = (
                (
                    [expert for expert in range(experts) if expert not in touched],
                    {"stroke": "currentColor", "stroke_opacity": 0.6},
                ),
                (sorted(touched), {"fill": WEIGHTS, "stroke": WEIGHTS}),
                (sorted(last), {"stroke": "currentColor", "stroke_width": 1.5 if d.narrow else 2}),
            )
            for squares, style in chosen:
                _squares(d, (left, y + 10), pitch, columns, squares, style)
        y += 10 + ceil(experts / columns) * pitch + 24
        d.box(0, y - 11, 13, 13, WEIGHTS)
        x = d.text(20, y, "touched: the step reads it") + 24
        x, y = (0, y + LINE) if d.narrow else (x, y)
        d.box(x + 1, y - 10, 11, 11, "none", stroke_width=2, stroke_opacity=1)
        d.text(x + 20, y, "chosen by the last token")
        return y + 6

    return laid_out(draw, title, alt)


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"


def _typical(experts: int, visits: int, count: int, wanted: int) -> tuple[set[int], set[int]]:
    """Return the experts touched in the first random step that touches `wanted`, and the last's."""
    for seed in tries():
        coin = Random(seed)
        chosen = [set(coin.sample(range(experts), visits)) for _ in range(count)]
        if len(touched := set().union(*chosen)) == wanted:
            break
    return touched, chosen[-1]


def _squares(
    d: Drawing,
    corner: tuple[float, float],
    pitch: float,
    columns: int,
    places: Iterable[int],
    style: dict[str, Style],
) -> None:
    """Draw squares of a grid, by their places in it, as one path."""
    size = pitch - (2 if d.narrow else 3)
    outlines = "".join(
        f"M{corner[0] + place % columns * pitch:.1f} {corner[1] + place // columns * pitch:.1f}"
        f"h{size:.1f}v{size:.1f}h{-size:.1f}z"
        for place in places
    )
    if outlines:
        d.path(outlines, **style)


def race(giant: Mapping[str, Napkin], dense: Napkin, users: tuple[int, ...]) -> Figure:
    """Draw the steps of two models for a few numbers of users, on one axis of time.

    Parameters
    ----------
    giant : mapping of str to Napkin
        A model with experts, under the name of each way to split it: the fastest one is drawn.
    dense : Napkin
        A dense model on as many GPUs.
    users : tuple of int
        Conversations in a step, a pair of bars for each number.

    Returns
    -------
    Figure
        Bars cut into weights, caches and what the GPUs send each other.
    """
    for n in (*giant.values(), dense):
        expect_napkin(n, "race")
    steps = []
    for count in users:
        room = {
            way: m.assume(batch=count)
            for way, m in giant.items()
            if m.concurrent_sequences.number >= count
        }
        if not room:
            raise NapkinError(f"{count} conversations do not fit: draw fewer.")
        way = min(room, key=lambda way: float(room[way].decode_step_time))
        steps.append((count, way, room[way], dense.assume(batch=count)))
    ratios = [float(big.decode_step_time / small.decode_step_time) for *_, big, small in steps]
    worst = max(range(len(users)), key=ratios.__getitem__)
    title = (
        f"The giant's step takes {ratios[0]:.2f} times as long as the dense model's for "
        f"{_whose(users[0])}, {ratios[worst]:.2f} times for {users[worst]}, and "
        f"{ratios[-1]:.2f} times for {users[-1]}"
    )
    told = (steps[0], steps[worst], steps[-1])
    alt = "Pairs of bars on one time axis, cut into weights, caches and links. " + "; ".join(
        f"{count}: {big.decode_step_time} and {small.decode_step_time}"
        for count, _, big, small in told
    )

    def draw(d: Drawing) -> float:
        left, high = (0.0, 20.0) if d.narrow else (118.0, 20.0)
        longest = max(float(m.decode_step_time) for _, _, *pair in steps for m in pair)
        span, y = longest * (1.45 if d.narrow else 1.14), d.y + 12
        unit = scale(d, left, span)
        for count, way, *pair in steps:
            x = d.text(0, y, _whose(count), bold=True)
            d.text(max(left, x + 8), y, f"giant: {way}")
            y += 8
            for name, m in zip(("giant", "dense"), pair, strict=True):
                y = _bar(d, left, y, unit, high, name, m)
            y += 20
        y = axis(d, left, y - 12, span, unit) + LINE + 6
        y = entry(d, 0, y, WEIGHTS, "weights, once a step", {})
        y = entry(d, 0, y, CACHE, "caches, and all copies that are read", {})
        return entry(d, 0, y, "currentColor", "what the GPUs send each other", _SENT) - LINE + 6

    return laid_out(draw, title, f"{alt}.")


def _whose(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


def _bar(
    d: Drawing, left: float, y: float, unit: float, high: float, name: str, m: Napkin
) -> float:
    """Draw what a step reads and sends; return where the next bar starts."""
    weights = float(m["weight_bytes_read / (n_gpus * bandwidth)"])
    parts: tuple[tuple[float, str, dict[str, Style]], ...] = (
        (weights, WEIGHTS, {}),
        (float(m.decode_memory_time) - weights, CACHE, {}),
        (float(m.all_reduce_time), "currentColor", _SENT),
    )
    x = left
    for lasts, fill, style in parts:
        d.box(x, y, lasts * unit, high, fill, **style)
        x += lasts * unit
    said = f"{m.decode_step_time}"
    d.text(x + 7, y + 15, f"{said} {name}" if d.narrow else said)
    if not d.narrow:
        d.text(left - 8, y + 15, name, "end")
    return y + high + 3


def exchange(n: Napkin) -> Figure:
    """Draw what GPUs send for one token in a layer: an all-reduce beside an all-to-all.

    Parameters
    ----------
    n : Napkin
        A model with experts on a few GPUs.

    Returns
    -------
    Figure
        Two rings of GPUs. Left, sums go around; right, a token goes to the GPUs of its experts.
    """
    expect_napkin(n, "exchange")
    gpus, visits = int(n.n_gpus.number), int(n.n_experts_active.number)
    around, across = 2 * (gpus - 1), 2 * visits * (gpus - 1) / gpus
    title = (
        f"For each token in a layer, {gpus} GPUs send {around} vectors in an all-reduce and "
        f"{across:.3g} in an all-to-all; {8 * gpus} GPUs send {2 * (8 * gpus - 1)} and "
        f"{2 * visits * (8 * gpus - 1) / (8 * gpus):.3g}"
    )
    alt = (
        f"Two rings of {gpus} GPUs. Left, sums go from neighbor to neighbor, twice around. "
        f"Right, arrows take a token's vector to the GPUs of its {visits} experts; results come "
        "back."
    )
    coin = Random(12)
    homes = sorted(coin.randrange(gpus) for _ in range(visits))

    def draw(d: Drawing) -> float:
        y = d.y + 14
        radius, half = (104.0, d.width / 2) if d.narrow else (112.0, d.width / 4)
        _ring(d, (half, y, radius), gpus, visits, None)
        if d.narrow:
            y += 2 * radius + 96 + LINE
        _ring(d, (half if d.narrow else 3 * half, y, radius), gpus, visits, homes)
        y += 2 * radius + 76 + LINE
        x = 0.0
        for fill, said in (
            (ARITHMETIC, "the token's vector"),
            (WEIGHTS, "its experts, sliced or whole"),
        ):
            d.box(x, y - 11, 13, 13, fill)
            x = d.text(x + 20, y, said) + 24
            if d.narrow:
                x, y = 0.0, y + LINE
        return y - (LINE if d.narrow else 0) + 6

    return laid_out(draw, title, alt)


def _ring(
    d: Drawing,
    place_of: tuple[float, float, float],
    gpus: int,
    visits: int,
    homes: list[int] | None,
) -> None:
    """Draw GPUs in a ring, with the arrows of an all-reduce, or of a token to its experts."""
    middle, y, radius = place_of
    top, box = y + radius + 36 + LINE, (46.0, 30.0)

    def at(place: float) -> tuple[float, float]:
        turn = 2 * pi * place / gpus - pi / 2
        return middle + radius * cos(turn), top + radius * sin(turn)

    if homes is None:
        said = "tensor parallel: all-reduce"
        told = f"each GPU sends {2 * (gpus - 1)} slices of 1/{gpus}"
        for place in range(gpus):
            here, there = at(place), at((place + 1) % gpus)
            _arrow(d, _met(there, here, box), _met(here, there, box))
    else:
        said, away = "expert parallel: all-to-all", sum(place > 0 for place in homes)
        told = f"{away} vectors go out, {away} results come back"
        _sent(d, at, gpus, homes, box)
    d.text(middle, y, said, "middle", bold=True)
    d.text(middle, y + LINE, told, "middle")
    for place in range(gpus):
        x, center = at(place)
        d.box(x - box[0] / 2, center - box[1] / 2, *box)
        if homes is None or not place:
            d.box(x - 6, center - 10, 12, 8, ARITHMETIC)
        count, size = (visits, 4.0) if homes is None else (homes.count(place), 12.0)
        for slot in range(count):
            d.box(x + size * (slot - count / 2), center + 2, size - (size > 4), 11, WEIGHTS)


def _sent(
    d: Drawing, at: Callable[[float], _Point], gpus: int, homes: list[int], box: _Point
) -> None:
    """Draw arrows from the first GPU to those of its token's experts, side by side."""
    visited = sorted(set(homes) - {0}, reverse=True)  # counterclockwise: from left to right
    (x, y), (wide, high) = at(0), box
    for place, home in enumerate(visited):
        start = x + wide * ((place + 0.5) / len(visited) - 0.5), y + high / 2
        there = at(home)
        _arrow(d, start, _met(start, there, box))
        if (twice := homes.count(home)) > 1:
            left = 2 * home > gpus
            outside = there[0] + (wide / 2 + 6) * (-1 if left else 1)
            d.text(outside, there[1] + 5, f"×{twice}", "end" if left else "start")


def _met(start: _Point, end: _Point, box: _Point) -> _Point:
    """Return where a line reaches the edge of the box around its end."""
    (x1, y1), (x2, y2) = start, end
    inside = min(
        side / 2 / abs(way) for side, way in zip(box, (x2 - x1, y2 - y1), strict=True) if way
    )
    return x2 - inside * (x2 - x1), y2 - inside * (y2 - y1)


def _arrow(d: Drawing, start: _Point, end: _Point) -> None:
    """Draw a straight arrow."""
    (x1, y1), (x2, y2) = start, end
    long = hypot(x2 - x1, y2 - y1)
    path = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
    d.arrow(path, x2, y2, (x2 - x1) / long, (y2 - y1) / long)
