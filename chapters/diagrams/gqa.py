# SPDX-License-Identifier: Apache-2.0
"""Diagrams of shared heads: who shares, what that shrinks, and two other ways to a small cache."""

from __future__ import annotations

from napkin.views.drawing import ARITHMETIC, CACHE, INK, LINE, WEIGHTS, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin


def heads(n: Napkin) -> Figure:
    """Draw query heads that share KV heads, with the cache of a token beside each choice.

    Parameters
    ----------
    n : Napkin
        A model with KV heads; it is the row in bold, between a KV head each and one for all.

    Returns
    -------
    Figure
        A fan for each number of KV heads in one layer; the bars are to scale, for all layers.
    """
    expect_napkin(n, "heads")
    count, own = int(n.n_heads.number), int(n.n_kv_heads.number)
    choices = sorted({count, own, 1}, reverse=True)
    tokens = {kv: n.assume(n_kv_heads=kv).kv_bytes_per_token for kv in choices}
    fewer = own if own < count else 1
    title = (
        f"Let {count} query heads share {fewer} KV head{'s' * (fewer > 1)}, and the cache is "
        f"{count / fewer:.3g} times smaller"
    )
    bars = ", ".join(f"{kv}: {size}" for kv, size in tokens.items())
    alt = (
        f"For each number of KV heads, {count} query heads of a layer, joined by lines to the KV "
        f"heads that they use, and a bar for a token's cache in all layers, to scale. {bars}."
    )

    def draw(d: Drawing) -> float:
        fan = d.width - (0 if d.narrow else 330)
        left, bar = (0, d.width) if d.narrow else (fan + 30, d.width - fan - 30)
        edge, anchor = (d.width, "end") if d.narrow else (left, "start")
        d.text(0, y := d.y + 16, f"One layer: ● {count} query heads, ■ KV heads")
        y += LINE if d.narrow else 0
        d.text(left, y, f"Cache of one token, all {n.n_layers} layers")
        y += 20
        for kv in choices:
            _fan(d, y, fan / count, count, kv)
            d.text(0, y + 76, _choice(kv, count), bold=kv == own)
            row = y + (76 if d.narrow else 36)
            d.text(edge, row, f"{tokens[kv]}", anchor, bold=kv == own)
            wide = bar * float(tokens[kv]) / float(tokens[count])
            d.box(left, y + (84 if d.narrow else 43), wide, 18, CACHE)
            y += 122 if d.narrow else 102
        return y - (16 if d.narrow else 20)

    return laid_out(draw, title, alt)


def _fan(d: Drawing, y: float, pitch: float, count: int, kv: int) -> None:
    """Draw circles, and a line from each of them to its square."""
    group = count / kv
    for place in range(count):
        home = (place * kv // count + 0.5) * group * pitch
        x = (place + 0.5) * pitch
        d.line(x, y + 2, home, y + 44, stroke_opacity=0.35, stroke_width=0.8)
        d.add("circle", cx=x, cy=y, r=pitch * 0.36, fill="currentColor")
    for place in range(kv):
        side = min(12, pitch * group - 1)
        d.rect((place + 0.5) * group * pitch - side / 2, y + 44, side, 12, CACHE)


def _choice(kv: int, count: int) -> str:
    """Say what a number of KV heads means, with its name."""
    if kv == count:
        return f"{kv} KV heads, one each (MHA)"
    if kv == 1:
        return f"1 KV head for all {count} (MQA)"
    return f"{kv} KV heads, each for {count // kv} (GQA)"


def eight_times(n: Napkin) -> Figure:
    """Draw what a step for one user reads, and what the memory holds, with and without sharing.

    Parameters
    ----------
    n : Napkin
        A model with groups on a GPU, and a context.

    Returns
    -------
    Figure
        Two bars each, all on one scale.
    """
    expect_napkin(n, "eight_times")
    both = {"MHA": n.assume(n_kv_heads=n.n_heads.number), "GQA": n}
    mha, gqa = (m.assume(batch=1).decode_step_time for m in both.values())
    slots = {name: float(m.concurrent_sequences) for name, m in both.items()}
    usable = n["weight_bytes + kv_budget"]
    title = (
        f"One user gets {float(mha) / float(gqa):.2f} times the speed, and the server holds "
        f"{slots['GQA'] / slots['MHA']:.2f} times as many conversations"
    )
    alt = (
        f"Bars of bytes, to scale. A step for one user reads weights and one cache: MHA "
        f"{both['MHA'].weight_bytes_read} and {both['MHA'].kv_bytes_per_sequence:short}, GQA "
        f"{n.weight_bytes_read} and {n.kv_bytes_per_sequence:short}. The usable {usable} hold "
        f"weights and {slots['MHA']:.3g} or {slots['GQA']:.3g} caches."
    )

    def draw(d: Drawing) -> float:
        scale = (d.width - 1) / max(float(m.weight_bytes + m.kv_budget) for m in both.values())
        y = d.y + 16
        d.text(0, y, "Read in a step for one user", bold=True)
        for (name, m), time in zip(both.items(), (mha, gqa), strict=True):
            cache = m.kv_bytes_per_sequence
            said = f"{name}: {m.weight_bytes_read} + {cache:short}, {time}"
            y = _bar(d, y, said, float(m.weight_bytes_read) * scale, float(cache) * scale, 1)
        y += 34
        d.text(0, y, f"Held in the {usable} that the server may use", bold=True)
        for name, m in both.items():
            wide = float(m.kv_bytes_per_sequence) * scale
            cache = m.kv_bytes_per_sequence
            said = f"{name}: {m.weight_bytes} + {slots[name]:.3g} caches of {cache:short}"
            y = _bar(d, y, said, float(m.weight_bytes) * scale, wide, slots[name])
        y += 26
        legend = ((0, WEIGHTS, "weights"), (110, CACHE, "a cache (dashed: part of one)"))
        for x, fill, word in legend:
            d.box(x, y - 11, 13, 13, fill)
            d.text(x + 20, y, word)
        return y + 6

    return laid_out(draw, title, alt)


def _bar(d: Drawing, y: float, said: str, weights: float, cache: float, count: float) -> float:
    """Draw weights and caches, of which the last may be cut, under a line; return its end."""
    d.text(0, y + 24, said)
    y += 32
    d.box(0, y, weights, 26, WEIGHTS)
    for place in range(int(count)):
        d.box(weights + place * cache, y, cache, 26, CACHE)
    if rest := count % 1:
        x = weights + int(count) * cache
        d.box(x, y, rest * cache, 26, CACHE, fill_opacity=0.35, stroke_dasharray="2 2")
    return y + 26


def window(n: Napkin) -> Figure:
    """Draw the tokens that each layer keeps: all of them, or those in its window.

    Parameters
    ----------
    n : Napkin
        A model with windowed layers, and a context.

    Returns
    -------
    Figure
        A row for each layer, its length the context; the two kinds are spread evenly, since a
        worksheet counts layers and does not order them.
    """
    expect_napkin(n, "window")
    layers, few = int(n.n_layers.number), int(n.n_layers_window.number)
    context, wide = n.context.number, min(n.window.number, n.context.number)
    share = float(((layers - few) * context + few * wide) / (layers * context))
    title = (
        f"{few} of {layers} layers keep only {int(wide):,} tokens, so the cache is {share:.0%} of "
        "what full attention would keep"
    )
    whole = n["kv_bytes_per_token * context"]
    lost = whole - n.kv_bytes_per_sequence
    alt = (
        f"{layers} rows, one per layer, each {n.context:short} long to scale. {layers - few} rows "
        f"are filled; in the other {few} only the newest {int(wide):,} tokens are. The filled "
        f"part is {n.kv_bytes_per_sequence:short} of {whole}."
    )

    def draw(d: Drawing) -> float:
        pitch = max(3.0, min(9.0, 250 / layers))
        y = d.y + 14
        d.text(0, y, "oldest token")
        d.text(d.width, y, "newest token", "end")
        y += 10
        part = d.width * float(wide / context)
        for layer in range(layers):
            full = layers - few
            kept = d.width if (layer + 1) * full // layers > layer * full // layers else part
            top, thick = y + layer * pitch, pitch - 1
            d.rect(0, top, d.width - kept, thick, "currentColor", fill_opacity=0.1)
            d.rect(d.width - kept, top, kept, thick, CACHE)
        y += layers * pitch + 20
        legend = (
            (CACHE, 1.0, f"kept: {n.kv_bytes_per_sequence:short}"),
            ("currentColor", 0.1, f"forgotten: {lost:short}"),
        )
        for x, (fill, ink, word) in zip((0, 155), legend, strict=True):
            d.box(x, y - 11, 13, 13, fill, fill_opacity=ink)
            d.text(x + 20, y, word)
        return y + 6

    return laid_out(draw, title, alt)


def latent(n: Napkin) -> Figure:
    """Draw a score of latent attention twice: keys unpacked, and the query moved instead.

    Parameters
    ----------
    n : Napkin
        A model with latent attention, and a context.

    Returns
    -------
    Figure
        One head and five tokens; vectors and matrices are to scale.
    """
    expect_napkin(n, "latent")
    rank, key = int(n.kv_lora_rank.number), int(n.d_nope.number)
    title = (
        f"Move the parentheses, and a head multiplies by W once instead of "
        f"{int(n.context.number):,} times"
    )
    alt = (
        f"Two ways to score five cached vectors c of {rank} numbers against a query of {key}. "
        f"Left, each c passes through a copy of the matrix W into a key. Right, the query passes "
        f"through a single W and meets each c as it is."
    )

    def draw(d: Drawing) -> float:
        y = d.y + 14
        end = _way(d, 0, y, ("q · (W c): unpack each key", rank, key), moved=False)
        x, y = (0, end + 44) if d.narrow else (375, y)
        end = _way(d, x, y, ("(q W) · c: move the query", rank, key), moved=True)
        said = (
            f"To scale: c has {rank} numbers, q and a key have {key}, W has {key} × {rank}. "
            "Green is computed in every step."
        )
        return d.words(0, end + 22, said, d.width) - LINE + 8

    return laid_out(draw, title, alt)


def _way(d: Drawing, left: float, y: float, what: tuple[str, int, int], *, moved: bool) -> float:
    """Draw a query and five cached vectors, and where the matrix stands; return the end."""
    said, rank, key = what
    d.text(left, y, said, bold=True)
    long, short, y = 64.0, 64.0 * key / rank, y + 34
    matrix, cached = y + short + 24, y + short + long + 48
    query, columns = left + 40, [left + 100 + 50 * place for place in range(5)]

    def vector(x: float, top: float, size: float, fill: str) -> None:
        d.box(x - 5, top, 10, size, fill, fill_opacity=1 if fill == CACHE else 0.5)

    def through(x: float) -> None:
        d.box(x - short / 2, matrix, short, long, WEIGHTS)
        d.text(x, matrix + long / 2 + 5, "W", "middle", fill=INK[WEIGHTS])

    def meet(top: float) -> None:
        """Join the query's vector with those of all tokens."""
        d.path(f"M{query + 5} {top + 6}H{query + 22}V{top - 8}H{columns[-1]}")
        for x in columns:
            d.arrow(f"M{x} {top - 8}V{top - 1}", x, top - 1, 0, 1, stroke_width=1)

    d.text(query - 12, y + short / 2 + 5, "q", "end")
    vector(query, y, short, "currentColor")
    for place, x in enumerate(columns):
        vector(x, cached, long, CACHE)
        d.text(x, cached + long + 18, f"c{'₁₂₃₄₅'[place]}", "middle")
        if not moved:
            through(x)
            vector(x, y, short, ARITHMETIC)
            d.arrow(f"M{x} {cached - 2}V{matrix + long + 2}", x, matrix + long + 2, 0, -1)
            d.arrow(f"M{x} {matrix - 2}V{y + short + 2}", x, y + short + 2, 0, -1)
    if moved:
        through(query)
        d.arrow(f"M{query} {y + short + 2}V{matrix - 2}", query, matrix - 2, 0, 1)
        d.arrow(f"M{query} {matrix + long + 2}V{cached - 2}", query, cached - 2, 0, 1)
        vector(query, cached, long, ARITHMETIC)
        d.text(query - 12, cached + long / 2 + 5, "qW", "end")
    else:
        d.text(left, cached + long / 2 + 5, "cached")
    meet(cached if moved else y)
    return cached + long + 18
