# SPDX-License-Identifier: Apache-2.0
"""Diagrams of chapter 2: a product to scale, a small one, its tiles, and tokens that share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napkin.errors import NapkinError
from napkin.views.drawing import ARITHMETIC, LINE, WEIGHTS, Drawing, laid_out
from napkin.views.figures import Figure
from napkin.worksheet.napkin import Napkin, expect_napkin

Corner = tuple[float, float]
Ink = Callable[[int, int], tuple[str, float]]


def product(n: Napkin) -> Figure:
    """Draw the matrices of a product, with all sides to scale.

    Parameters
    ----------
    n : Napkin
        A precision, and the `rows`, `inner` and `columns` of a product: a row for each token.

    Returns
    -------
    Figure
        A block of weights, the strip of tokens beside it and the strip of results below it.
    """
    expect_napkin(n, "product")
    rows, inner, columns = n.rows, n.inner, n.columns
    sizes = {
        "weights": n.bytes_per_weight * inner * columns,
        "tokens": n.bytes_per_activation * rows * inner,
        "results": n.bytes_per_output * rows * columns,
    }
    share = float(sizes["weights"] / n.compulsory_bytes)
    title = f"{share:.0%} of the bytes of this product are weights, which all {rows} tokens share"
    alt = (
        f"A block of {inner} × {columns} weights, {sizes['weights']}, to scale. Strips as thin as "
        f"a line: to its left {rows} tokens, {sizes['tokens']}, and below it their results, "
        f"{sizes['results']}. Each weight is read once and used {rows} times."
    )

    def draw(d: Drawing) -> float:
        gap, top = 6, d.y + 2
        scale = (d.width - gap) / float(inner + columns)
        x, high, thin = float(inner) * scale + gap, float(inner) * scale, float(rows) * scale
        strips = top + high + 34
        d.rect(x, top, d.width - x, high, WEIGHTS)
        middle = (x + d.width) / 2
        d.text(middle, top + high / 2 - 4, f"{inner} × {columns} weights", "middle", fill="#fff")
        d.text(middle, top + high / 2 + 15, f"{sizes['weights']}", "middle", fill="#fff")
        d.rect(0, strips, x - gap, thin, "currentColor")
        d.rect(x, strips, d.width - x, thin, "currentColor")
        column = x + 14
        d.rect(column - 4, top + high - 14, 8, 8, "#fff")
        d.arrow(f"M{column} {top + high - 6}V{strips - 2}", column, strips - 2, 0, 1)
        d.text(column + 12, top + high + 21, f"read once, used {rows} times")
        for place, said in enumerate((f"{rows} tokens", f"{sizes['tokens']}")):
            d.text(0, strips + thin + 18 + place * LINE, said)
        for place, said in enumerate(("their results", f"{sizes['results']}")):
            d.text(d.width, strips + thin + 18 + place * LINE, said, "end")
        return strips + thin + 24 + LINE

    return laid_out(draw, title, alt)


def example(left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> Figure:
    """Draw a product of two small matrices, and how its first result comes about.

    Parameters
    ----------
    left, right : sequence of sequence of int
        The rows of the two matrices.

    Returns
    -------
    Figure
        The right matrix above the results, the left one beside them.
    """
    m, k, n = len(left), len(right), len(right[0])
    if any(len(row) != k for row in left):
        raise NapkinError(f"a row of the left matrix needs {k} numbers, as the right has {k} rows.")
    results = [
        [sum(a * row[j] for a, row in zip(line, right, strict=True)) for j in range(n)]
        for line in left
    ]
    first = " + ".join(f"{a} × {row[0]}" for a, row in zip(left[0], right, strict=True))
    title = f"Each of the {m * n} results is a row times a column: {k} multiply-adds"
    alt = (
        f"A {m} × {k} matrix on the left, a {k} × {n} matrix above, and their {m} × {n} results. "
        f"The first row and the first column are marked: {first} = {results[0][0]}."
    )

    def draw(d: Drawing) -> float:
        pitch = min(38.0, (d.width - 110) / (k + n))
        x, y = 52.0, d.y + 18
        corners = (x, y + k * pitch + 14), (x + k * pitch + 14, y)
        lower = (corners[1][0], corners[0][1])
        _numbers(d, corners[0], left, pitch, lambda i, _j: ("currentColor", 0.16 * (i == 0)))
        _numbers(d, corners[1], right, pitch, lambda _i, j: (WEIGHTS, 0.3 * (j == 0)))
        _numbers(d, lower, results, pitch, lambda i, j: (ARITHMETIC, 0.45 * (i == j == 0)))
        d.text(x - 8, lower[1] + m * pitch / 2 + 5, f"m = {m}", "end")
        d.text(x + k * pitch / 2, lower[1] - 6, f"k = {k}", "middle")
        d.text(lower[0] + n * pitch / 2, y - 6, f"n = {n}", "middle")
        d.text(lower[0] - 8, y + k * pitch / 2 + 5, f"k = {k}", "end")
        end = lower[1] + m * pitch
        at, line = (lower[0] + n * pitch + 40, lower[1] + 8) if not d.narrow else (0.0, end + 24)
        d.text(at, line, f"{first} = {results[0][0]}", bold=True)
        d.text(at, line + LINE, f"{k} multiply-adds are {2 * k} FLOP")
        d.text(at, line + 2 * LINE, f"{m} × {n} results: {m * n} × {2 * k} = {2 * m * n * k} FLOP")
        return max(end, line + 2 * LINE) + 6

    return laid_out(draw, title, alt)


def _numbers(
    d: Drawing, corner: Corner, rows: Sequence[Sequence[int]], pitch: float, ink: Ink
) -> None:
    """Draw a matrix as cells, of which some are filled."""
    for i, row in enumerate(rows):
        for j, number in enumerate(row):
            x, y = corner[0] + j * pitch, corner[1] + i * pitch
            fill, opacity = ink(i, j)
            d.box(x, y, pitch, pitch, fill, fill_opacity=opacity)
            d.text(x + pitch / 2, y + pitch / 2 + 5, str(number), "middle")


def tiles(n: Napkin) -> Figure:
    """Draw a product that is cut into tiles, and what one step of one tile loads.

    Parameters
    ----------
    n : Napkin
        The `rows`, `inner` and `columns` of a small product, `tile_rows` and `tile_columns`.

    Returns
    -------
    Figure
        A tile of the results, the strips that it needs, and the slices of one step.
    """
    expect_napkin(n, "tiles")
    m, k, c, high, wide = (
        int(side) for side in (n.rows, n.inner, n.columns, n.tile_rows, n.tile_columns)
    )
    title = f"One step of a tile loads {high} + {wide} numbers and does {high * wide} multiply-adds"
    alt = (
        f"A left matrix of {m} × {k} beside the results, a right one of {k} × {c} above. A "
        f"tile of {high} × {wide} results is filled, its rows and columns are shaded. One solid "
        f"slice of each, {high} and {wide} numbers, points into the tile."
    )
    step = min(2, k - 1)

    def draw(d: Drawing) -> float:
        gap = 30.0
        pitch = min(22.0, (d.width - gap - 2) / (k + c))
        x, y = k * pitch + gap, d.y + k * pitch + gap
        top = max(m // high // 2 * high, 0) * pitch + y
        left = max(c // wide // 2 * wide, 0) * pitch + x
        tall, across = high * pitch, wide * pitch
        d.rect(0, top, k * pitch, tall, "currentColor", fill_opacity=0.14)
        d.rect(step * pitch, top, pitch, tall, "currentColor", fill_opacity=0.6)
        d.rect(left, d.y, across, k * pitch, WEIGHTS, fill_opacity=0.25)
        d.rect(left, d.y + step * pitch, across, pitch, WEIGHTS)
        d.rect(left, top, across, tall, ARITHMETIC)
        for corner, rows, columns in (((0, y), m, k), ((x, d.y), k, c), ((x, y), m, c)):
            _grid(d, corner, rows, columns, pitch)
        d.rect(left, top, across, tall, stroke="currentColor", stroke_width=2.5)
        middle = top + tall / 2
        start = (step + 1) * pitch + 2
        d.arrow(f"M{start} {middle}H{left - 3}", left - 3, middle, 1, 0, stroke_width=2.5)
        middle, start = left + across / 2, d.y + (step + 1) * pitch + 2
        d.arrow(f"M{middle} {start}V{top - 3}", middle, top - 3, 0, 1, stroke_width=2.5)
        end = y + m * pitch
        at, line = (x + c * pitch + 24, y - 2) if not d.narrow else (0.0, end + 22)
        said = (
            (ARITHMETIC, 1.0, f"tile: {high} × {wide} sums that stay"),
            ("currentColor", 0.6, f"{high} numbers of the left matrix"),
            (WEIGHTS, 1.0, f"{wide} numbers of the right matrix"),
            ("currentColor", 0.14, "left matrix, other steps"),
            (WEIGHTS, 0.25, "right matrix, other steps"),
        )
        for place, (fill, ink, words) in enumerate(said):
            below = line + 12 + place * 26
            d.box(at, below - 12, 14, 14, fill, fill_opacity=ink)
            d.text(at + 22, below, words)
        return max(end, line + 12 + 4 * 26) + 6

    return laid_out(draw, title, alt)


def _grid(d: Drawing, corner: Corner, rows: int, columns: int, pitch: float) -> None:
    """Draw the cells of a matrix as hairlines."""
    x, y = corner
    across = "".join(f"M{x} {y + i * pitch:.1f}h{columns * pitch:.1f}" for i in range(rows + 1))
    down = "".join(f"M{x + j * pitch:.1f} {y}v{rows * pitch:.1f}" for j in range(columns + 1))
    d.path(across + down, stroke_opacity=0.45)


def together(n: Napkin) -> Figure:
    """Draw how long the tokens of a product take, one after another and all at once.

    Parameters
    ----------
    n : Napkin
        A GPU, a precision, and the `rows`, `inner` and `columns` of a product.

    Returns
    -------
    Figure
        A bar of as many readings of the weights as tokens, one such reading, and enlarged what
        moving and arithmetic take for one token, for all, and for more.
    """
    expect_napkin(n, "together")
    many, balanced = int(n.rows), round(float(n.critical_batch_exact))
    counts = sorted({1, many, balanced, 2 * balanced})
    sheets = {count: n.assume(rows=count) for count in counts}
    moving = {count: sheet.compulsory_bytes / n.bandwidth for count, sheet in sheets.items()}
    working = {count: sheet.matmul_flops / n.peak_flops for count, sheet in sheets.items()}
    times = {count: max(moving[count], working[count], key=float) for count in counts}
    ratio = float(times[many] / times[1])
    title = f"{many} tokens at once take {ratio:.2f} times as long as one token"
    each = ", ".join(f"{time} for {count}" for count, time in times.items())
    alt = (
        f"A bar of {many} blocks, one token after another, {many * times[1]}; below it one block, "
        f"all at once, {times[many]}. Enlarged, bars for moving and arithmetic; the longer is the "
        f"time: {each}."
    )

    def draw(d: Drawing) -> float:
        y, block = d.y + 8, d.width / many
        y = d.words(0, y, f"{many} tokens, one after another: {many * times[1]}", d.width)
        for place in range(many):
            d.box(place * block, y - 8, block, 24, WEIGHTS)
        y = d.words(0, y + 40, f"{many} tokens at once: {times[many]}", d.width)
        d.box(0, y - 8, block * ratio, 24, WEIGHTS)
        y += 44
        d.text(0, y, "enlarged, for one token and more", bold=True)
        left = 0.0 if d.narrow else 110.0
        scale = (d.width - left - 76) / max(map(float, times.values()))
        for count in counts:
            said = f"{count:,} token{'s' * (count > 1)}"
            y = d.words(0, y + 26, said, d.width) - 12 if d.narrow else y + 14
            if not d.narrow:
                d.text(0, y + 18, said)
            ends = [float(part[count]) * scale for part in (moving, working)]
            for place, (end, fill) in enumerate(zip(ends, (WEIGHTS, ARITHMETIC), strict=True)):
                d.box(left, y + 14 * place, max(end, 1), 13, fill)
            d.text(left + max(ends) + 8, y + (12 if ends[0] >= ends[1] else 26), f"{times[count]}")
            y += 28
        y += 24
        for fill, said in ((WEIGHTS, "moving"), (ARITHMETIC, "arithmetic")):
            d.box(left, y - 11, 13, 13, fill)
            left = d.text(left + 20, y, said) + 24
        return y + 6

    return laid_out(draw, title, alt)
