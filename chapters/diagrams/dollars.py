# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 09: where a GPU-hour, a request and a day go, and how sure the answer is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, log10, pi
from typing import Final

from napkin.formulas import variants
from napkin.verbs.uncertainty import Uncertainty
from napkin.views.drawing import (
    ARITHMETIC,
    CACHE,
    INK,
    LINE,
    WEIGHTS,
    Drawing,
    Style,
    laid_out,
    measure,
)
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_POLICIES: Final = {
    "resident": variants.idle_resident,
    "offloaded": variants.idle_offloaded,
    "recomputed": variants.idle_recomputed,
}
_REQUESTS: Final = {"resident": "cache resident", "recomputed": "cache recomputed"}
_COLORS: Final = {"prompts": ARITHMETIC, "weights": WEIGHTS, "caches": CACHE}
_IDLE: Final[dict[str, Style]] = {"fill_opacity": 0.1, "stroke_dasharray": "3 3"}
_FILLED: Final[dict[str, Style]] = {"fill": "currentColor", "fill_opacity": 0.2, "stroke": "none"}
_OUTLINED: Final[dict[str, Style]] = {"stroke_width": 1.8}
_REST: Final = "not being full"
_PEAK_AT: Final = 20  # o'clock


def hour(n: Napkin) -> Figure:
    """Draw what an hour of a GPU is paid for, with idle caches in three places.

    Parameters
    ----------
    n : Napkin
        A server with a price, whose users think between their questions.

    Returns
    -------
    Figure
        A bar for each policy, as long as the price of an hour: prompts, weights, caches, and
        what it costs that the server isn't full.
    """
    expect_napkin(n, "hour")
    sheets = {name: n.assume(policy) for name, policy in _POLICIES.items()}
    price = float(n.price)
    spent = {name: _spent(m, price) for name, m in sheets.items()}
    bills = [f"{float(m.cost_per_user_month):.3g}" for m in sheets.values()]
    seats = {name: f"{m.users:short}".removesuffix(" users") for name, m in sheets.items()}
    title = (
        f"Of USD {price:.2f} an hour, not being full costs USD {spent['resident'][_REST]:.2f} "
        f"with resident caches, USD {spent['offloaded'][_REST]:.2f} with offloaded ones"
    )
    alt = (
        "Three bars to scale, in prompts, weights, caches, not full: "
        + "; ".join(f"{name} {_listed(parts)}" for name, parts in spent.items())
        + f". A month of one of {', '.join(seats.values())} sessions: USD {', '.join(bills)}."
    )

    def draw(d: Drawing) -> float:
        y, scale = d.y, d.width / price
        for (name, seat), bill in zip(seats.items(), bills, strict=True):
            right = [f"{seat} sessions", f"USD {bill} each a month"]
            d.text(0, y + 14, name, bold=True)
            for row in right if d.narrow else [", ".join(right)]:
                d.text(d.width, y + 14, row, "end")
                y += LINE
            _bar(d, y + 3, scale, spent[name])
            y += 52
        _axis(d, y, {f"{x:g}" if x else "USD 0": x * scale for x in _round(price)})
        return _legend(d, y + 46, spent["resident"])

    return laid_out(draw, title, alt)


def request(n: Napkin) -> Figure:
    """Draw what one request takes of a full server, with its cache resident and recomputed.

    Parameters
    ----------
    n : Napkin
        A server with prompts, messages and answers.

    Returns
    -------
    Figure
        Two bars on one axis of time: the prompt, a share of the weights, the request's own cache.
    """
    expect_napkin(n, "request")
    sheets = {said: n.assume(_POLICIES[name]) for name, said in _REQUESTS.items()}
    taken = {
        said: _shares(m, 1e3 * float(m.new_tokens) * float(m.tpot) / float(m.batch))
        for said, m in sheets.items()
    }
    totals = [sum(parts.values()) for parts in taken.values()]
    short, long = totals
    prompts = [
        f"{parts['prompts'] / total:.0%}"
        for parts, total in zip(taken.values(), totals, strict=True)
    ]
    title = (
        f"With its cache recomputed, a request costs {long / short:.1f} times as much, "
        f"and its prompt is {prompts[1]} of the bill instead of {prompts[0]}"
    )
    alt = "Two bars to scale, in milliseconds of a full server for prompt, weights and cache: " + (
        "; ".join(
            f"{said} {_listed(parts, '.3g')}, in all {total:.3g}"
            for (said, parts), total in zip(taken.items(), totals, strict=True)
        )
    )

    def draw(d: Drawing) -> float:
        y, scale = d.y, d.width / (1.04 * long)
        for (said, parts), total in zip(taken.items(), totals, strict=True):
            d.text(0, y + 14, f"{said}: {total:.0f} ms of the GPU", bold=True)
            _bar(d, y + 22, scale, parts, "{:.0f} ms")
            y += 66
        _axis(d, y, {f"{x:g}" if x else "0 ms": x * scale for x in _round(1.04 * long)})
        return _legend(d, y + 46, _COLORS)

    return laid_out(draw, title, f"{alt}.")


def day(n: Napkin, peak: float = 2) -> Figure:
    """Draw the open sessions of a day under the sessions that are paid for.

    Parameters
    ----------
    n : Napkin
        A server that just holds the busiest hour.
    peak : float
        Sessions in the busiest hour, for each one of an average hour: from 1 to 2.

    Returns
    -------
    Figure
        A step for each hour, and the line up to which the server is paid for.
    """
    expect_napkin(n, "day")
    fit, mean = float(n.users), float(n.users) / peak
    hill = [mean + (fit - mean) * cos(2 * pi * (clock - _PEAK_AT) / 24) for clock in range(24)]
    title = (
        f"Sized for {fit:.3g} sessions in the busiest hour, the server holds {mean:.3g} in an "
        f"average one: {1 - 1 / peak:.0%} of the bill is for empty seats"
    )
    alt = (
        f"Steps of open sessions over 24 hours, highest at {_PEAK_AT} o'clock, under a line at "
        f"{fit:.3g}, all of which is paid for; dotted, their mean of {mean:.3g}."
    )

    def draw(d: Drawing) -> float:
        top, high, step = d.y + 26, 150.0, d.width / 24
        base, quiet = top + high, (_PEAK_AT - 11.5) * step
        d.text(0, top - 8, f"{fit:.3g} sessions fit, day and night")
        d.box(0, top, d.width, high, "currentColor", fill_opacity=0.1, stroke="none")
        steps = "".join(f"V{base - high * open_ / fit:.1f}h{step:.2f}" for open_ in hill)
        d.path(f"M0 {base:.1f}{steps}V{base:.1f}Z", fill=CACHE, stroke_opacity=0.55)
        d.line(0, top, d.width, top, stroke_width=2)
        level = base - high / peak
        d.line(0, level, d.width, level, stroke_dasharray="2 4", stroke_width=1.5)
        d.text(quiet, level - 8, f"mean {mean:.3g}", "middle")
        d.text(quiet, top + 28, "paid for, empty", "middle")
        d.text((_PEAK_AT + 0.5) * step, base - 12, "open", "middle", fill=INK[CACHE])
        _axis(d, base, {f"{clock} h": clock * step for clock in range(0, 25, 6)})
        return base + 27

    return laid_out(draw, title, alt)


def answer(spread: Mapping[str, tuple[Uncertainty, Uncertainty]], claim: float) -> Figure:
    """Draw how the cost of a session is spread, ideal and calibrated, beside a claim.

    Parameters
    ----------
    spread : mapping of str to pair of Uncertainty
        For each policy the draws of the ideal and of the calibrated server, in USD.
    claim : float
        The same in USD, as somebody else says.

    Returns
    -------
    Figure
        For each policy its draws on one logarithmic axis, p5, p50 and p95 below.
    """
    import numpy as np

    last = {name: pair[1] for name, pair in spread.items()}
    ends = {name: [float(v.number) for v in (u.p5, u.p50, u.p95)] for name, u in last.items()}
    cheap = {name: f"{(u.samples < claim).mean():.0%}" for name, u in last.items()}
    title = "A session-month costs " + ", ".join(
        f"USD {low:.3g} to {high:.3g} {name}" for name, (low, _, high) in ends.items()
    )
    alt = (
        "Hills of draws on a logarithmic axis in USD, gray for the ideal server, a line for the "
        f"calibrated one, p5 to p95 below. A dashed line marks the claim, {claim:.3g}; calibrated "
        f"draws below it: {', '.join(f'{name} {share}' for name, share in cheap.items())}."
    )
    every = np.concatenate([u.samples for pair in spread.values() for u in pair])
    low = log10(min(claim, np.quantile(every, 0.001)) * 0.9)
    edges = np.linspace(low, log10(max(claim, every.max()) * 1.05), 61)
    hills = {
        name: [np.histogram(np.log10(u.samples), edges)[0] / len(u.samples) for u in pair]
        for name, pair in spread.items()
    }
    rise = 66 / max(hill.max() for pair in hills.values() for hill in pair)

    def draw(d: Drawing) -> float:
        step = d.width / 60

        def place(dollars: float) -> float:
            return float((log10(dollars) - low) / (edges[1] - low) * step)

        y, here = d.y + 16, place(claim)
        side, away = ("start", 6) if here < d.width / 2 else ("end", -6)
        d.text(here + away, d.y + 14, f"claim: USD {claim:.3g}", side)
        for name, pair in hills.items():
            said = f"{name}: {cheap[name]} below" + (" the claim" if not d.narrow else "")
            d.text(d.width, y + 22, said, "end", bold=True)
            y += 100
            for hill, style in zip(pair, (_FILLED, _OUTLINED), strict=True):
                steps = "".join(f"V{y - rise * share:.1f}h{step:.2f}" for share in hill)
                d.path(f"M0 {y:.1f}{steps}V{y:.1f}", **style)
            marks = [place(dollars) for dollars in ends[name]]
            d.line(marks[0], y + 8, marks[2], y + 8, stroke_width=4)
            for x, dollars in zip(marks, ends[name], strict=True):
                d.line(x, y + 3, x, y + 13, stroke_width=2)
                d.text(x, y + 28, f"{dollars:.3g}", "middle")
            y += 34
        d.line(here, d.y + 6, here, y + 6, stroke_dasharray="5 4", stroke_width=1.5)
        round_ones = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]
        ticks = {f"{x:g}": place(x) for x in round_ones if 12 < place(x) < d.width - 12}
        _axis(d, y + 6, ticks)
        rows = ["USD a month, logarithmic", "gray: ideal, line: calibrated"]
        for row in rows if d.narrow else ["; ".join(rows)]:
            d.text(0, y + 46, row)
            y += LINE
        return y + 54 - LINE

    return laid_out(draw, title, alt)


def _shares(m: Napkin, whole: float) -> dict[str, float]:
    """Split what a full server does among prompts, weights and caches."""
    prompts = float(m.prompt_share) * whole
    weights, caches = float(m.weight_bytes_read), float(m.batch) * float(m.kv_bytes_per_sequence)
    answers = (whole - prompts) / (weights + caches)
    return {"prompts": prompts, "weights": weights * answers, "caches": caches * answers}


def _spent(m: Napkin, price: float) -> dict[str, float]:
    """Split what an hour costs among what its users ask for, and the rest."""
    asked = min(float(m.assume(variants.busy_as_users).utilization), 1.0)
    return _shares(m, asked * price) | {_REST: (1 - asked) * price}


def _listed(parts: Mapping[str, float], digits: str = ".2f") -> str:
    return ", ".join(f"{value:{digits}}" for value in parts.values())


def _bar(
    d: Drawing, y: float, scale: float, parts: Mapping[str, float], words: str = "{:.2f}"
) -> None:
    """Draw parts one after the other, with their numbers where these fit."""
    x = 0.0
    for name, value in parts.items():
        wide, said, color = value * scale, words.format(value), _COLORS.get(name)
        d.box(x, y, wide, 36, color or "currentColor", **({} if color else _IDLE))
        if measure(said) + 8 < wide:
            ink = INK[color] if color else "currentColor"
            d.text(x + wide / 2, y + 23, said, "middle", fill=ink)
        x += wide


def _round(whole: float) -> list[float]:
    """Return at most seven round numbers from 0 to a whole."""
    choices = (digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5))
    step = next(choice for choice in choices if whole / choice <= 6)
    return [step * count for count in range(int(whole / step + 1e-9) + 1)]


def _axis(d: Drawing, y: float, ticks: Mapping[str, float]) -> None:
    d.line(0, y, d.width, y, stroke_opacity=0.6)
    for said, x in ticks.items():
        d.line(x, y, x, y + 5, stroke_opacity=0.6)
        d.text(x, y + 20, said, "start" if x < 12 else "end" if x > d.width - 12 else "middle")


def _legend(d: Drawing, y: float, names: Iterable[str]) -> float:
    """Name the colors, in as many rows as they take; return the height of the drawing."""
    x = 0.0
    for name in names:
        if x + 20 + measure(name) > d.width:
            x, y = 0.0, y + LINE
        color = _COLORS.get(name)
        d.box(x, y - 11, 13, 13, color or "currentColor", **({} if color else _IDLE))
        x = d.text(x + 20, y, name) + 22
    return y + 6
