# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 11: the bill of a request, steps with chunks, hits, and two kinds of GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log10

from napkin.formulas import variants
from napkin.views.drawing import (
    ARITHMETIC,
    CACHE,
    LINE,
    SHADE,
    WEIGHTS,
    Drawing,
    laid_out,
    measure,
)
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

from ._time_axis import axis, entry, scale

_GRAY = "currentColor"


def bill(sheets: Mapping[str, Napkin], batches: Sequence[float]) -> Figure:
    """Draw the GPU time that one request takes, at several batches.

    Parameters
    ----------
    sheets : mapping of str to Napkin
        For each way to read prompts its name and its worksheet.
    batches : sequence of number
        How many conversations share a step.

    Returns
    -------
    Figure
        A bar for each: the prompt, then the request's share of weights and of caches.
    """
    rows = []
    for way, n in sheets.items():
        expect_napkin(n, "bill")
        for size in batches:
            m = n.assume(batch=size)
            weights = m["new_tokens * weight_bytes_read / (bandwidth * batch)"]
            caches = m["new_tokens * kv_bytes_per_sequence / bandwidth"]
            parts = [float(part) for part in (m.prefill_time, weights, caches)]
            rows.append((way, size, parts))
    first = [parts for way, _, parts in rows if way == next(iter(sheets))]
    few, many = (sum(first[place][1:]) for place in (0, -1))
    title = (
        f"From {batches[0]:.3g} to {batches[-1]:.3g} conversations, writing gets "
        f"{few / many:.1f} times cheaper; reading costs what it did"
    )
    told = "; ".join(
        f"{way}, batch {size:.3g}: {_ms(parts[0])} and {_ms(sum(parts[1:]))}"
        for way, size, parts in rows
    )
    alt = f"Bars on one time axis: reading a prompt, and a request's share of writing. {told}."

    def draw(d: Drawing) -> float:
        left, y = (0.0 if d.narrow else 96.0), d.y + 6
        longest = max(sum(parts) for *_, parts in rows)
        unit = (d.width - left - 72) / longest
        for place, (way, size, parts) in enumerate(rows):
            if not place or way != rows[place - 1][0]:
                y += 20 if place else 6
                d.text(0, y + 4, f"{way}, {_ms(parts[0])} to read", bold=True)
                y += 14
            name = f"batch {size:.3g}"
            d.text(0, *((y + 11,) if d.narrow else (y + 16,)), name)
            y += 16 if d.narrow else 0
            x = left
            for part, fill in zip(parts, (ARITHMETIC, WEIGHTS, CACHE), strict=True):
                d.box(x, y, part * unit, 22, fill)
                x += part * unit
            d.text(x + 6, y + 16, _ms(sum(parts)))
            y += 31 if d.narrow else 27
        y = axis(d, left, y + 2, longest, unit) + LINE + 4
        y = entry(d, left, y, ARITHMETIC, "reading the prompt, for this request alone", {})
        y = entry(d, left, y, WEIGHTS, "writing: a share of the weights", {})
        return entry(d, left, y, CACHE, "writing: its own cache", {}) - LINE + 6

    return laid_out(draw, title, alt)


def chunks(n: Napkin, sizes: Sequence[float]) -> Figure:
    """Draw steps that carry chunks of other people's prompts, as two lanes.

    Parameters
    ----------
    n : Napkin
        A server with `batch`, prompts and answers.
    sizes : sequence of number
        Prompt tokens in a step; as many sequences write as such chunks can supply.

    Returns
    -------
    Figure
        For each size what is fetched, and the arithmetic of answers and of the chunk.
    """
    expect_napkin(n, "chunks")
    steps = []
    for size in sizes:
        writing = min(float(n.batch), size * float(n["new_tokens / prefill_tokens"]))
        m = n.assume(batch=writing)
        times = (
            float(m["weight_bytes_read / bandwidth"]),
            float(m["batch * kv_bytes_per_sequence / bandwidth"]),
            float(m["batch * sequence_step_flops / peak_flops"]),
            float(m["batch * prefill_compute_time / new_tokens"]),
        )
        lasts = max(times[0] + times[1], times[2] + times[3])
        steps.append((size, writing, times, lasts, writing / float(n.new_tokens) / lasts))
    (_, _, _, short, some), (_, _, _, long, most) = steps[-2:]
    title = (
        f"A chunk of {sizes[-1]:,.0f} tokens makes a step {long / short:.1f} times as long as one "
        f"of {sizes[-2]:,.0f}, and answers "
        + ("no more requests" if most < 1.005 * some else f"{most / some:.2f} times as many")
    )
    told = "; ".join(
        f"{size:,.0f} tokens: fetching {_ms(t[0] + t[1])}, arithmetic {_ms(t[2] + t[3])}"
        for size, _, t, *_ in steps
    )
    alt = f"Pairs of bars on one time axis, fetching above arithmetic. Chunks of {told}."

    def draw(d: Drawing) -> float:
        left, y = (80.0 if d.narrow else 92.0), d.y + 8
        span = max(step[3] for step in steps)
        unit = scale(d, left, span)
        for size, writing, times, lasts, rate in steps:
            head = f"chunk of {size:,.0f}, {writing:.3g} writing: "
            tail = f"{_ms(lasts)}, {rate:.3g} requests/s"
            if d.narrow:
                d.text(0, y, head.rstrip(": "), bold=True)
                d.text(0, y + LINE - 2, tail)
                y += LINE
            else:
                d.text(left, y, head + tail, bold=True)
            y += 7
            for lane, (fills, parts) in enumerate(
                (((WEIGHTS, CACHE), times[:2]), ((ARITHMETIC, ARITHMETIC), times[2:]))
            ):
                x = left
                for place, (fill, part) in enumerate(zip(fills, parts, strict=True)):
                    pale = 0.35 if lane and not place else 1.0
                    d.box(x, y, part * unit, 17, fill, fill_opacity=pale)
                    x += part * unit
                d.text(0, y + 13, ("fetching", "arithmetic")[lane])
                y += 19
            y += 25
        y = axis(d, left, y - 16, span, unit) + LINE + 4
        left = 0.0 if d.narrow else left
        y = entry(d, left, y, WEIGHTS, "weights, once a step", {})
        y = entry(d, left, y, CACHE, "caches of those who write", {})
        pale_box = {"fill_opacity": 0.35}
        y = entry(d, left, y, ARITHMETIC, "arithmetic of those who write", {**pale_box})
        return entry(d, left, y, ARITHMETIC, "arithmetic of the chunk", {}) - LINE + 6

    return laid_out(draw, title, alt)


def hits(
    replayed: Mapping[float, float], predicted: Mapping[float, float], n: Napkin, best: float
) -> Figure:
    """Draw the share of prompt tokens found in a cache against the size of the cache.

    Parameters
    ----------
    replayed : mapping of float to float
        Hit share by tokens that the cache holds, from a replay.
    predicted : mapping of float to float
        The same, predicted.
    n : Napkin
        A server: where the GPU's and the host's memory end.
    best : float
        The share that a cache without a limit finds.

    Returns
    -------
    Figure
        Dots for the replay, a line for the prediction, the size on a logarithmic axis.
    """
    expect_napkin(n, "hits")
    gpu = float(n["kv_budget / kv_bytes_per_token"])
    host = float(n["host_memory / kv_bytes_per_token"])
    each = float(n.kv_bytes_per_token) / 1e9
    near = min(replayed, key=lambda size: abs(log10(size / gpu)))
    title = (
        f"A cache as large as this GPU's room for caches finds {replayed[near]:.0%} of the prompt "
        f"tokens; one that never forgets finds {best:.0%}"
    )
    told = ", ".join(f"{size * each:,.0f} GB {share:.0%}" for size, share in replayed.items())
    alt = (
        f"Share of prompt tokens found against size of the cache, logarithmic. Replay: {told}. "
        f"Lines mark this GPU's {gpu * each:,.0f} GB and its host's {host * each:,.0f} GB."
    )

    def draw(d: Drawing) -> float:
        left, high, top = 44.0, 220.0, d.y + 20 + 2 * LINE
        low, most = log10(min(replayed)) - 0.08, log10(max(replayed)) + 0.12
        right = d.width - measure("5,000") / 2  # the last label is centered on its tick
        across = (right - left) / (most - low)

        def at(size: float, share: float) -> tuple[float, float]:
            return left + (log10(size) - low) * across, top + high * (1 - share / 0.42)

        d.text(0, d.y + 8, "found in the cache")
        for place in range(5):
            y = at(1, place / 10)[1]
            d.line(left, y, right, y, stroke_opacity=0.15 if place else 0.6)
            d.text(left - 8, y + 5, f"{place * 10}%", "end")
        inside = {size: share for size, share in predicted.items() if low < log10(size) < most}
        corners = "L".join("{:.1f} {:.1f}".format(*at(*point)) for point in inside.items())
        d.path(f"M{corners}", stroke=_GRAY, stroke_dasharray="6 4", stroke_width=1.5)
        for size, share in replayed.items():
            x, y = at(size, share)
            d.add("circle", cx=x, cy=y, r=5, fill=CACHE, stroke=_GRAY, stroke_opacity=0.6)
        d.line(left, at(1, best)[1], right, at(1, best)[1], stroke_dasharray="2 3")
        for name, size, y in (("its host", host, top - 6 - LINE), ("this GPU", gpu, top - 6)):
            if left <= (x := at(size, 0)[0]) <= right:
                d.line(x, y - 11, x, top + high, stroke_opacity=SHADE)
                says = f"{name}, {size * each:,.0f} GB"
                fits = x - 5 - measure(says) >= 0
                d.text(*((x - 5, y) if fits else (x + 5, y)), says, "end" if fits else "start")
        for size in (50, 500, 5_000) if d.narrow else (50, 100, 500, 1_000, 5_000):
            x = at(size / each, 0)[0]
            if left <= x <= right:
                d.line(x, top + high, x, top + high + 5, stroke_opacity=0.6)
                d.text(x, top + high + 20, f"{size:,}", "middle")
        y = top + high + 42
        d.text(d.width, y, "size of the cache, GB", "end")
        y += LINE + 6
        d.add("circle", cx=6.0, cy=y - 5, r=5, fill=CACHE, stroke=_GRAY, stroke_opacity=0.6)
        d.text(20, y, "replayed, evicting the longest unused")
        y += LINE
        d.line(0, y - 5, 14, y - 5, stroke_dasharray="6 4", stroke_width=1.5)
        d.text(20, y, "predicted from how soon tokens return")
        y += LINE
        d.line(0, y - 5, 14, y - 5, stroke_dasharray="2 3")
        d.text(20, y, f"found by a cache that never forgets: {best:.0%}")
        return y + 6

    return laid_out(draw, title, alt)


def pools(sheets: Mapping[str, Napkin], decoding: int) -> Figure:
    """Draw GPUs that read prompts beside the GPUs that write, and what moves between them.

    Parameters
    ----------
    sheets : mapping of str to Napkin
        For each way to read prompts its name and its worksheet, of one GPU.
    decoding : int
        GPUs that write.

    Returns
    -------
    Figure
        A square for each GPU; the last one that reads is filled as far as it is needed.
    """
    counts, flows = {}, {}
    for way, n in sheets.items():
        expect_napkin(n, "pools")
        apart = n.assume(variants.disaggregated)
        counts[way] = decoding * float(apart.n_gpus_prefill)
        flows[way] = float(apart["prompt * kv_bytes_per_token / prefill_time"]) / 1e9
    most, least = max(counts.items(), key=lambda c: c[1]), min(counts.items(), key=lambda c: c[1])
    title = (
        f"{decoding} GPUs that write need {most[1]:.3g} more to read {most[0]}, but only "
        f"{least[1]:.2g} to read {least[0]}"
    )
    told = "; ".join(f"{way}: {needed:.3g} read" for way, needed in counts.items())
    alt = f"Squares for GPUs, {decoding} that write in each row. {told}."

    def draw(d: Drawing) -> float:
        size, y = (20.0 if d.narrow else 24.0), d.y + 10
        columns = 5 if d.narrow else 10
        pitch = size + 4
        for way, needed in counts.items():
            d.text(0, y + 4, way, bold=True)
            y += 14
            right = d.width - columns * pitch + 4
            for place in range(ceil(needed)):
                x, top = place % columns * pitch, y + place // columns * pitch
                share = min(1.0, needed - place)
                d.box(x, top + size * (1 - share), size, size * share, ARITHMETIC)
                d.box(x, top, size, size)
            for place in range(decoding):
                d.box(
                    right + place % columns * pitch, y + place // columns * pitch, size, size, CACHE
                )
            rows = max(ceil(ceil(needed) / columns), ceil(decoding / columns))
            start, middle = columns * pitch + 8, y + rows * pitch / 2 - 2
            if needed > 1:
                d.arrow(f"M{start:.1f} {middle:.1f}H{right - 10:.1f}", right - 10, middle, 1, 0)
                says = f"{flows[way]:.3g} GB/s"
                d.text((start + right - 10) / 2, middle - 7, says, "middle")
                if not d.narrow:
                    d.text((start + right - 10) / 2, middle + 17, "from each", "middle")
            y += rows * pitch + 20
        y = entry(d, 0, y, ARITHMETIC, "reads prompts", {})
        return entry(d, 0, y, CACHE, "writes", {}) - LINE + 6

    return laid_out(draw, title, alt)


def _ms(seconds: float) -> str:
    return (
        f"{1e3 * seconds:,.0f} ms" if seconds >= 1 else f"{1e3 * seconds:#.3g}".rstrip(".") + " ms"
    )
