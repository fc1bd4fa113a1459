"""A picture of how a matrix product is cut into tiles."""

from __future__ import annotations

from typing import Final

from .figures import COLORS, Figure, drawing, finished

_ALT: Final = (
    "Three matrices: the left one beside the results, the right one above them. One tile of the "
    "results, tile_rows high and tile_columns wide, is filled. Its rows in the left matrix and its "
    "columns in the right one are shaded: they stream past while the tile stays on the chip."
)
# By name: corner, width, height, the part that belongs to the tile, and where the name stands.
_PARTS: Final = {
    "left: rows x inner": ((0, 0), 3, 4, (0, 1.6, 3, 0.8), (0, 4.12)),
    "right: inner x columns": ((3.6, 4.6), 5, 3, (5.4, 4.6, 1.2, 3), (3.6, 7.72)),
    "results: rows x columns": ((3.6, 0), 5, 4, (5.4, 1.6, 1.2, 0.8), (3.6, 4.12)),
}


def tiles() -> Figure:
    """Draw the three matrices of a product, with one tile and what it needs.

    Returns
    -------
    Figure
        No numbers: only shapes and names.
    """
    from matplotlib.patches import Rectangle

    with drawing(6, 4.6, "A tile of results needs a strip of each input") as (figure, axes):
        for place, (name, (corner, wide, high, part, words)) in enumerate(_PARTS.items()):
            axes.add_patch(Rectangle(corner, wide, high, fill=False, ec=COLORS[2], lw=1.2))
            hatch = "" if place == 2 else "///"
            color = COLORS[0] if place == 2 else COLORS[1]
            x, y, width, height = part
            filled = place == 2
            axes.add_patch(
                Rectangle((x, y), width, height, fill=filled, color=color, hatch=hatch, lw=0.8)
            )
            axes.annotate(name, words, color=COLORS[2])
        axes.annotate("tile", (6, 2), color="white", weight="bold", ha="center", va="center")
        axes.annotate("tile_rows", (6.7, 2), color=COLORS[0], va="center")
        axes.annotate("tile_columns", (6, 1.5), color=COLORS[0], ha="center", va="top")
        axes.set_xlim(-0.1, 8.8)
        axes.set_ylim(-0.1, 8.1)
        axes.set_aspect("equal")
        axes.axis("off")
        return finished(figure, _ALT)
