# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 04: a cache, what it saves, two phases, and what a batch shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from napkin.quantities import notation as q
from napkin.views.drawing import ARITHMETIC, CACHE, INK, LINE, TROUBLE, WEIGHTS, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_PROMPT: Final = ("The", "dog", "barked", "because", "it")
_ANSWER: Final = ("was", "very", "hungry")
_TOKENS: Final = len(_PROMPT + _ANSWER)

_AGAIN: Final = 0.4
"""The opacity of what is computed again."""

_PREFILL_WORK: Final = (
    q.flops_per_mac * (q.prefill_tokens * (q.n_params_active - q.head_params) + q.head_params)
    + q.prefill_attention_flops
)
_STEP_WORK: Final = q.weight_flops + q.attention_flops


def cache(n: Napkin) -> Figure:
    """Draw a cache as layers by tokens, over the pairs of tokens that attention compares.

    Parameters
    ----------
    n : Napkin
        A model, with the width of its cache.

    Returns
    -------
    Figure
        A short sentence: prefill fills a triangle at once, decoding adds a column and a row.
    """
    expect_napkin(n, "cache")
    prompt, layers, column = len(_PROMPT), int(n.n_layers), f"{n.kv_bytes_per_token:short}"
    layer = f"{float(n.kv_bytes_per_token) / layers:,.0f} B"
    pairs = [t * (t + 1) // 2 for t in range(prompt, _TOKENS + 1)]
    again = f"without a cache: {sum(pairs)} pairs instead of {pairs[-1]}"
    title = (
        f"Prefill fills {prompt} columns in one pass; each decode step adds one column of {column} "
        "and reads them all"
    )
    alt = (
        f"Above, {layers} layers by {_TOKENS} tokens, each with key and value, {layer}. Below, a "
        f"row for each token looks back: a triangle of {pairs[0]} pairs, then "
        f"{_TOKENS - prompt} single rows, {pairs[-1]} pairs in all; without a cache, "
        f"{'+'.join(map(str, pairs))} = {sum(pairs)}."
    )
    of_columns = (
        f"one column = {layers} layers × {layer} = {column}",
        "thick frame: added by a decode step",
    )
    of_rows = (
        f"prefill: {prompt} rows in one pass, {pairs[0]} pairs",
        f"decode: one row for each step, {pairs[-1] - pairs[0]} pairs",
    )

    def draw(d: Drawing) -> float:
        pitch, row = (36, 20) if d.narrow else (58, 24)
        side = 74.0 + _TOKENS * pitch
        y = _columns(d, d.y + (10 if d.narrow else 30), pitch, layers)
        if not d.narrow:
            d.words(side, d.words(side, y - 84, of_columns[0], 164) + 6, of_columns[1], 164)
        for line in of_columns if d.narrow else ():
            d.text(0, y + 20, line)
            y += LINE
        d.text(0, y + 30, "who looks back at whom: a row for each token")
        y = _rows(d, y + 42, pitch, row)
        if d.narrow:
            shown = zip(
                (ARITHMETIC, ARITHMETIC, "none"), (0.4, 1, 0), (*of_rows, again), strict=True
            )
            return _legend(d, y + 12, shown)
        d.words(side, y - _TOKENS * row + 13, of_rows[0], 164)
        d.words(side, y - len(_ANSWER) * row + 13, of_rows[1], 164)
        d.text(70, y + 18, again)
        return y + 26

    return laid_out(draw, title, alt)


def _columns(d: Drawing, y: float, pitch: int, layers: int) -> float:
    """Draw a key and a value for each layer and token; return where they end."""
    high, end = 96, 70 + _TOKENS * pitch - 3
    for place, word in enumerate(_PROMPT + _ANSWER):
        x, middle = 70 + place * pitch, 70 + place * pitch + (pitch - 3) / 2
        if not d.narrow:
            d.text(middle, y - 8, word, "middle")
        d.box(x, y, pitch - 3, high, CACHE, stroke_width=4 if place >= len(_PROMPT) else None)
        d.line(middle, y, middle, y + high, stroke="#111", stroke_opacity=0.5)
        d.text(middle - pitch / 4, y + high / 2 + 5, "K", "middle", fill=INK[CACHE])
        d.text(middle + pitch / 4 - 1, y + high / 2 + 5, "V", "middle", fill=INK[CACHE])
    for eighth in range(1, 8):
        height = y + high * eighth / 8
        d.line(70, height, end, height, stroke="#111", stroke_opacity=0.25)
    d.text(0, y + 12, "layer 1")
    d.text(0, y + high - 2, f"layer {layers}")
    return y + high


def _rows(d: Drawing, y: float, pitch: int, row: int) -> float:
    """Draw the pairs of tokens that are compared, a row for each token; return where they end."""
    for place, word in enumerate(_PROMPT + _ANSWER):
        d.text(62, y + row / 2 + 3, word, "end")
        for seen in range(_TOKENS):
            corner = (70.0 + seen * pitch, y, pitch - 3.0, row - 3.0)
            if seen > place:
                d.box(*corner, stroke_opacity=0.15)
            else:
                d.box(*corner, ARITHMETIC, fill_opacity=0.4 if place < len(_PROMPT) else 1)
        y += row
    return y


def _legend(d: Drawing, y: float, rows: Iterable[tuple[str, float, str]], x: float = 0) -> float:
    """Explain colors, each with its opacity; return where the drawing ends."""
    for fill, ink, said in rows:
        d.box(x, y, 13, 13, fill, fill_opacity=ink, stroke_opacity=0.55 if ink else 0)
        d.text(x + 20, y + 11, said)
        y += LINE
    return y


def saved(n: Napkin, cases: Sequence[tuple[int, int]]) -> Figure:
    """Draw the tokens that pass through the weights, a row for each step, for two answers.

    Parameters
    ----------
    n : Napkin
        Any worksheet: the model drops out.
    cases : sequence of (int, int)
        Tokens of a prompt and of its answer, twice, few enough to be counted.

    Returns
    -------
    Figure
        A square is a token in a step; what a cache saves has another color.
    """
    expect_napkin(n, "saved")
    sheets = [n.assume(prompt=prompt, new_tokens=new) for prompt, new in cases]
    without = [round(float(m.flops_without_cache / m.weight_flops)) for m in sheets]
    kept = [round(float(m.flops_with_cache / m.weight_flops)) for m in sheets]
    factors = [f"{all_ / new:.1f}" for all_, new in zip(without, kept, strict=True)]
    title = (
        f"Without a cache, the weights do {factors[0]} times the work after a prompt of "
        f"{cases[0][0]}, and {factors[1]} times after one of {cases[1][0]}"
    )
    said = [
        f"prompt {prompt}, answer {new}: {total} / {first} = {factor}"
        for (prompt, new), total, first, factor in zip(cases, without, kept, factors, strict=True)
    ]
    alt = f"Two staircases of squares. All squares divided by the new ones: {said[0]}; {said[1]}."

    def draw(d: Drawing) -> float:
        first = _staircase(d, 0, d.y, said[0], *cases[0])
        x, y = (0.0, first) if d.narrow else (d.width - 20.0 * (sum(cases[1]) - 1), d.y)
        y = _staircase(d, x, y, said[1], *cases[1]) + (4 if d.narrow else 30)
        rows = (
            (ARITHMETIC, 1, "computed for the first time"),
            (TROUBLE, _AGAIN, "computed again: what a cache saves"),
        )
        return max(_legend(d, y, rows, x), first)

    return laid_out(draw, title, alt)


def _staircase(d: Drawing, x: float, y: float, said: str, prompt: int, new: int) -> float:
    """Draw a row of tokens for each step; return where they end."""
    d.text(x, y + 12, said)
    for step in range(new):
        for place in range(prompt + step):
            old = step > 0 and place < prompt + step - 1
            fill, ink = (TROUBLE, _AGAIN) if old else (ARITHMETIC, 1)
            d.box(x + place * 20, y + 22 + step * 20, 18, 18, fill, fill_opacity=ink)
    return y + 32 + new * 20


def phases(n: Napkin) -> Figure:
    """Draw the bytes and the work of a prefill beside those of a decode step.

    Parameters
    ----------
    n : Napkin
        A model on a GPU, with a prompt as long as the context.

    Returns
    -------
    Figure
        Bars of bytes, and squares whose area is the work.
    """
    expect_napkin(n, "phases")
    alone = n.assume(batch=1, message=n.prompt)  # a first turn: nothing is cached yet
    weights, own = alone.weight_bytes_read, alone.kv_bytes_per_sequence
    moved, time = alone[q.weight_bytes_read + q.kv_bytes_per_sequence], alone.decode_memory_time
    works = (alone[_PREFILL_WORK], alone[_STEP_WORK])
    times = float(f"{float(works[0] / works[1]):.3g}")
    title = f"For the same {moved}, a prefill does {times:,g} times the work of a decode step"
    alt = (
        f"Two equal bars, weights {weights} and cache {own:short}. Below them two squares, area to "
        f"scale: {works[0]} for a prefill of {alone.prompt:short}, and a dot, {works[1]}, for a "
        "decode step."
    )
    said = (
        (f"prefill: {alone.prompt:short} at once", "writes", alone.prefill_compute_time),
        ("decode step: one token", "reads", alone.decode_compute_time),
    )
    share = float(weights) / float(moved)

    def draw(d: Drawing) -> float:
        wide, side = (358.0, 110.0) if d.narrow else (345.0, 150.0)
        x, y, low = 0.0, d.y + 12, 0.0
        for (head, verb, busy), work in zip(said, works, strict=True):
            d.text(x, y, head, bold=True)
            d.rect(x, y + 10, share * wide - 1, 30, WEIGHTS)
            d.text(x + 8, y + 30, f"weights, {weights}", fill=INK[WEIGHTS])
            d.box(x + share * wide, y + 10, (1 - share) * wide, 30, CACHE)
            d.text(x, y + 58, f"moves {moved}: {time}")
            d.text(x + wide, y + 58, f"{verb} its cache", "end")
            edge = side * float(work / works[0]) ** 0.5
            room = max(edge, 16)  # a ring around a dot, which would be overlooked
            d.rect(x + (room - edge) / 2, y + 74 + (room - edge) / 2, edge, edge, ARITHMETIC)
            if edge < room:
                d.add("circle", cx=x + 8, cy=y + 82, r=8, fill="none", stroke="currentColor")
            where = " (the dot)" if edge < room else ""
            d.text(x + room + 8, y + 87, f"work {work}{where}: {busy}")
            low = y + 74 + room
            x, y = (0.0, low + 30) if d.narrow else (d.width - wide, y)
        return (low if d.narrow else d.y + 86 + side) + 6

    return laid_out(draw, title, alt)


def batching(n: Napkin, batches: Sequence[float]) -> Figure:
    """Draw the bytes that a step reads for each token that it makes, at growing batches.

    Parameters
    ----------
    n : Napkin
        A model on a GPU, with a context.
    batches : sequence of float
        The batches, a bar each; the last bar is for an infinite batch.

    Returns
    -------
    Figure
        The share of the weights shrinks; the cache stays, and so does what a busy GPU allows.
    """
    expect_napkin(n, "batching")
    own, weights, work = n.kv_bytes_per_sequence, n.weight_bytes_read, n[_STEP_WORK]
    allowed = work / n.ridge
    sizes = {
        f"batch {size:{',.0f' if size >= 100 else '.3g'}}": size for size in map(float, batches)
    }
    reads = {name: weights / size + own for name, size in sizes.items()}
    bars = {name: (read, f"{read}: {work / read}") for name, read in reads.items()}
    bars["infinite"] = (own, f"{own:short}: {n[_STEP_WORK / q.kv_bytes_per_sequence]}")
    ends = list(bars.values())
    title = f"Batching divides the weights, but each token still reads its own cache, {own:short}"
    alt = (
        f"Bars: bytes read per token, with the intensity, from {ends[0][1]} to {ends[-1][1]} for "
        "an infinite batch; the weights' part shrinks, the cache's stays. A line marks "
        f"{allowed}, all that a busy GPU has time for."
    )

    def draw(d: Drawing) -> float:
        left, high, gap = (0.0, 22, 26) if d.narrow else (100.0, 26, 8)
        scale = (d.width - left - (0 if d.narrow else 166)) / float(ends[0][0])
        d.text(left, d.y + 10, "bytes read for each new token, and the intensity")
        y, line = d.y + (40 if d.narrow else 26), left + float(allowed) * scale
        for name, (read, said) in bars.items():
            end = left + float(read) * scale
            if d.narrow:
                d.text(0, y - 5, name)
                d.text(d.width, y - 5, said, "end")
            else:
                d.text(left - 10, y + high / 2 + 5, name, "end")
                d.text(end + 8, y + high / 2 + 5, said)
            d.box(left, y, float(own) * scale, high, CACHE)
            d.rect(start := left + float(own) * scale, y, end - start, high, WEIGHTS)
            d.line(line, y - 4, line, y + high + 4, stroke=ARITHMETIC, stroke_width=3)
            y += high + gap
        rows = (
            (CACHE, 1, "its own cache"),
            (WEIGHTS, 1, "its share of the weights"),
            (ARITHMETIC, 1, f"{allowed}: more makes the arithmetic wait"),
        )
        return _legend(d, y - (12 if d.narrow else 0), rows, left)

    return laid_out(draw, title, alt)
