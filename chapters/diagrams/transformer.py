# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 3: a token's path, a layer to scale, a look-up, an MLP."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from napkin.views.drawing import CACHE, LINE, WEIGHTS, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

_SENTENCE = ("The", "dog", "barked", "because", "it")


def token_path(n: Napkin) -> Figure:
    """Draw the whole model, its width to scale, and the way of a token through one layer.

    Parameters
    ----------
    n : Napkin
        A worksheet with a model.

    Returns
    -------
    Figure
        The model as one bar, and below it one layer enlarged.
    """
    expect_napkin(n, "token_path")
    layers, width = int(n.n_layers), n.d_model
    inner = n.n_params - n.embedding_params - (1 - n.tied_embeddings) * n.head_params
    title = (
        f"{layers} layers hold {float(inner / n.n_params):.0%} of the parameters, and each of "
        f"them adds to a token's {width} numbers"
    )
    alt = (
        f"A bar to scale: embedding, {layers} layers, output head. Below, one layer: the line of "
        'the token "it" is joined by attention, which reads four earlier tokens, and then by '
        "the MLP, which reads no other; each adds at a plus sign."
    )
    parts = [float(part) for part in (n.embedding_params, inner, n.head_params)]

    def draw(d: Drawing) -> float:
        top, high, scale = d.y + 14, 40, (d.width - 40) / sum(parts)
        edges = [20 + scale * sum(parts[:place]) for place in range(4)]
        d.text(20, top - 8, "embedding")
        d.text(d.width / 2, top - 8, f"{layers} layers", "middle", bold=True)
        d.text(d.width - 20, top - 8, "output head", "end")
        for left, right in pairwise(edges):
            d.box(left, top, right - left, high, WEIGHTS, fill_opacity=0.2)
        one = (edges[2] - edges[1]) / layers
        for place in range(1, layers):
            x = edges[1] + place * one
            d.line(x, top + 1, x, top + high - 1, stroke_opacity=0.35)
        chosen = edges[1] + layers // 2 * one
        d.rect(chosen, top, one, high, WEIGHTS)
        tip = d.width - 3
        d.arrow(f"M0 {top + high / 2}H{tip}", tip, top + high / 2, 1, 0, stroke_width=3)
        d.text(0, top + high + 16, f"“{_SENTENCE[-1]}”")
        d.text(d.width, top + high + 16, "next token", "end")
        frame = top + high + 44
        for x, corner in ((chosen, 0), (chosen + one, d.width)):
            d.line(x, top + high, corner, frame, stroke_opacity=0.4, stroke_dasharray="3 3")
        d.text(d.width / 2, frame - 8, "one layer, enlarged", "middle")
        return _one_layer(d, frame)

    return laid_out(draw, title, alt)


def _one_layer(d: Drawing, top: float) -> float:
    """Draw the rows of five tokens, of which the last one passes attention and MLP."""
    pitch, attention, mlp = 26, (84, 214), (196, 344)
    if not d.narrow:
        attention, mlp = (150, 390), (430, 670)
    first, stream = top + 34, top + 34 + 4 * pitch + 40
    box = (first - 16, stream - pitch - 30)
    pluses = (attention[1] - 22, mlp[1] - 22)
    for place, token in enumerate(_SENTENCE[:-1]):
        y = first + place * pitch
        d.text(10, y + 5, token)
        for start, end in ((76, attention[0]), (attention[1], d.width - 14)):
            d.line(start, y, end, y, stroke_width=3, stroke_opacity=0.35)
    d.text(10, stream + 5, _SENTENCE[-1], bold=True)
    ends = [76, *(x + side for x in pluses for side in (-9, 9)), d.width - 14]
    for start, end in zip(ends[:4:2], ends[1:4:2], strict=True):
        d.line(start, stream, end, stream, stroke_width=4)
    d.arrow(f"M{ends[4]} {stream}H{ends[5]}", ends[5], stream, 1, 0, stroke_width=4)
    for x in pluses:
        d.add("circle", cx=x, cy=stream, r=9, fill="none", stroke="currentColor", stroke_width=1.5)
        d.path(f"M{x - 5} {stream}H{x + 5}M{x} {stream - 5}V{stream + 5}", stroke_width=1.5)
    below = stream + 46
    said = ("attention", "looks at", "earlier tokens"), ("MLP", "works on", "this token")
    sides = (attention, box[0], box[1], -1), (mlp, below, below + 68, 1)
    for rows, ((left, right), high, low, way) in zip(said, sides, strict=True):
        d.box(left, high, right - left, low - high, WEIGHTS, fill_opacity=0.2)
        middle = (high + low) / 2 + 5 - LINE
        for place, row in enumerate(rows):
            d.text((left + right) / 2, middle + place * LINE, row, "middle", bold=not place)
        edge = low if way < 0 else high
        d.arrow(f"M{left + 22} {stream}V{edge}", left + 22, edge, 0, way)
        d.arrow(f"M{right - 22} {edge}V{stream + 9 * way}", right - 22, stream + 9 * way, 0, -way)
        d.text(left + 28, stream + 24 * way + 4, "asks" if way < 0 else "reads")
        d.text(right - 28, stream + 24 * way + 4, "adds", "end")
    height = below + 68 + 14 - top
    d.rect(0.5, top, d.width - 1, height, stroke="currentColor", stroke_opacity=0.4)
    return top + height + 2


def layer(n: Napkin) -> Figure:
    """Draw the matrices of one layer, with both sides to scale.

    Parameters
    ----------
    n : Napkin
        A worksheet with a model that has no experts.

    Returns
    -------
    Figure
        Two rows: the matrices of attention, and those of the MLP, along the residual stream.
    """
    expect_napkin(n, "layer")
    heads, kv_heads, size = n.n_heads, n.n_kv_heads, n.d_head
    query, key = (float(count * size) for count in (heads, kv_heads))
    attention, mlp, inner = n.attention_matrix_params, n.dense_mlp_params, n.d_ff
    wide = ("gate", "up", "down")[3 - int(n.n_mlp_matrices) :]
    one, small, thick = n.d_model * heads * size, n.d_model * kv_heads * size, n.d_model * inner
    title = (
        f"{float(mlp / (attention + mlp)):.0%} of the {attention + mlp} parameters of a layer "
        "are in the MLP"
    )
    alt = (
        f"Rectangles of equal height, {n.d_model}, with widths to scale: Q and O "
        f"{n[heads.number * size.number]}, and K and V {n[kv_heads.number * size.number]}, "
        f"the look-up before O; {', '.join(wide)} {inner}. "
        f"Attention has {attention} parameters, the MLP {mlp}."
    )
    told = [f"attention: {attention}"]
    for names, count, params in (("Q, O", heads, one), ("K, V", kv_heads, small)):
        told.append(f"{names}: {count} heads of {size}, {params} each")
    told.append("look-up: no parameters")

    def draw(d: Drawing) -> float:
        row = float(inner) * (1 if d.narrow else len(wide))
        scale = (d.width - 66) / max(row, 2 * (query + key))
        high, top = float(n.d_model) * scale, d.y + 24
        sides = [width * scale for width in (query, key, key, query)]
        end = _matrices(d, top, high, "QKVO", sides, back=True)
        x, y = (34.0, top + high + 34) if d.narrow else (end + 30, top + 12)
        for said in told:
            y = d.words(x, y, said, d.width - x, bold=said is told[0])
        y = max(y, top + high + 38)
        sides = [float(inner) * scale] * len(wide)
        if d.narrow:
            for name in wide[:-1]:  # they read the stream side by side, and down reads them
                end = _matrices(d, y, high, (name,), sides[:1])
                d.path(f"M{end} {y + high / 2}h10v{high + 6}", stroke_width=1.5)
                y += high + 6
            end = _matrices(d, y, high, wide[-1:], sides[:1], reads=False)
            d.arrow(f"M{end + 10} {y + high / 2}H{end}", end, y + high / 2, -1, 0)
            d.arrow(f"M34 {y + high / 2}H12", 12, y + high / 2, -1, 0)
            y -= 12
        else:
            _matrices(d, y, high, wide, sides, back=True)
        d.text(34, y + high + 34, f"MLP: {mlp}", bold=True)
        said = f"{', '.join(wide)}: {n.d_model} × {inner}, {thick} each"
        y = d.words(34, y + high + 34 + LINE, said, d.width - 34)
        d.arrow(f"M10 {top - 10}V{y - 8}", 10, y - 8, 0, 1, stroke_width=3)
        return y

    return laid_out(draw, title, alt)


def _matrices(
    d: Drawing,
    y: float,
    high: float,
    names: Sequence[str],
    widths: Sequence[float],
    *,
    reads: bool = True,
    back: bool = False,
) -> float:
    """Draw a row of matrices that reads the stream, and perhaps adds to it; return its end."""
    x, middle = 34.0, y + high / 2
    for width, name in zip(widths, names, strict=True):
        if name == "O":  # the look-up comes first, and has no matrix
            d.rect(x + 0.5, y + 0.5, 64, high - 1, stroke="currentColor", stroke_dasharray="3 3")
            d.text(x + 32, middle + 5, "look-up", "middle")
            x += 68
        d.box(x, y, width, high, WEIGHTS, fill_opacity=0.2)
        d.text(x + width / 2, y - 6 if width < 14 else middle + 5, name, "middle")
        x += width + 4
    if reads:
        d.arrow(f"M10 {middle}H32", 32, middle, 1, 0)
    if back:
        d.arrow(f"M{x - 4} {middle}h10V{y + high + 12}H12", 12, y + high + 12, -1, 0)
    return x - 4


def look_up(tokens: Sequence[str], weights: Sequence[float]) -> Figure:
    """Draw what the last token of a text fetches from each one, as thick as its weight.

    Parameters
    ----------
    tokens : sequence of str
        The text.
    weights : sequence of float
        The attention weights of the last token; they add up to one.

    Returns
    -------
    Figure
        Arcs from the last token, with the weight below each token.
    """
    best = max(range(len(tokens)), key=lambda place: weights[place])
    title = f"“{tokens[-1]}” fetches {weights[best]:.0%} of its result from “{tokens[best]}”"
    shares = ", ".join(f"{t} {w:.3f}" for t, w in zip(tokens, weights, strict=True))
    alt = (
        f"The {len(tokens)} tokens in a row. Arcs lead from the last one to each, itself "
        f"included, as thick as its attention weight: {shares}."
    )

    def draw(d: Drawing) -> float:
        pitch, high, full = d.width / len(tokens), (130 if d.narrow else 170), 36
        middle = (len(tokens) - 0.5) * pitch
        base, foot = d.y + 0.75 * high + 10, middle - full / 2
        for place in reversed(range(len(tokens))):
            x, thick = (place + 0.5) * pitch, full * float(weights[place])
            if place < len(tokens) - 1:  # arcs of near tokens lie within those of far ones
                rise = high * (middle - x) / (middle - pitch / 2)
                start, foot = foot + thick / 2, foot + thick
            else:
                start = middle + (full - thick) / 2
                x, rise = start + 16, 50
            d.path(
                f"M{start:.1f} {base}C{start:.1f} {base - rise:.1f} {x:.1f} {base - rise:.1f} "
                f"{x:.1f} {base}",
                stroke=CACHE,
                stroke_width=max(thick, 1),
            )
        for place, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
            x, strong = (place + 0.5) * pitch, place in (best, len(tokens) - 1)
            d.text(x, base + 20, token, "middle", bold=strong)
            d.text(x, base + 20 + LINE, f"{weight:.3f}", "middle", bold=place == best)
        d.text(0, base + 24 + 2 * LINE, "number and thickness: the attention weight")
        return base + 30 + 2 * LINE

    return laid_out(draw, title, alt)


def mlp(n: Napkin) -> Figure:
    """Draw the vector of a token on its way through an MLP, its lengths to scale.

    Parameters
    ----------
    n : Napkin
        A worksheet with a model that has no experts.

    Returns
    -------
    Figure
        A short bar that widens to long ones and narrows again.
    """
    expect_napkin(n, "mlp")
    matrices, width, inner, each = int(n.n_mlp_matrices), n.d_model, n.d_ff, n.d_model * n.d_ff
    names = ("gate", "up")[3 - matrices :]
    title = f"The MLP widens {width} numbers to {inner} and narrows them to {width} again"
    long_bars = "a long bar" if matrices == 2 else "two long bars, multiplied number by number"
    alt = (
        f"A short bar of {width} numbers fans out, by {' and '.join(names)}, into {long_bars}, "
        f"{inner} numbers each, to scale. The matrix down narrows the result to {width}. "
        f"Each of the {matrices} matrices has {each} parameters."
    )

    def draw(d: Drawing) -> float:
        middle = d.width / 2
        short, long = float(width) / float(inner) * d.width / 2, d.width / 2 - 0.5

        def bar(half: float, y: float) -> float:
            d.box(middle - half, y, 2 * half, 14, "currentColor", fill_opacity=0.12)
            return y + 14

        def fan(above: float, below: float, y: float, said: str) -> float:
            corners = ((-above, 0), (above, 0), (below, 46), (-below, 46))
            d.path(
                "M" + "L".join(f"{middle + x:.1f} {y + down:.1f}" for x, down in corners) + "Z",
                fill=WEIGHTS,
                fill_opacity=0.2,
                stroke="none",
            )
            d.text(middle, y + 28, said, "middle")
            return y + 46

        def short_bar(y: float, said: str) -> float:
            d.text(middle + short + 10, y + 12, f"{width} {said}")
            return bar(short, y)

        y = fan(short, long, short_bar(d.y + 4, "in"), f"{', '.join(names)}: {each} each")
        for _ in names:
            y = bar(long, y) + 4
        for place in (0.09, 0.46, 0.83):
            d.rect(place * d.width, y - 18 * len(names), 3, 18 * len(names) - 4, "currentColor")
        d.text(0.09 * d.width - 12, y + 14, "↑ each column is one rule")
        if len(names) > 1:
            d.text(d.width, y + 14, " ⊙ ".join(names), "end")
        return short_bar(fan(long, short, y + 22, f"down: {each}"), "out") + 4

    return laid_out(draw, title, alt)
