"""Drawings to scale as SVG text, in which labels may not overlap."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from math import ceil
from typing import Final

from ..errors import NapkinError
from .figures import Figure

# A color means one thing in the whole book; whatever else is drawn takes the color of the text.
WEIGHTS: Final = "#0072B2"
CACHE: Final = "#E69F00"
ARITHMETIC: Final = "#009E73"
TROUBLE: Final = "#D55E00"
INK: Final = {WEIGHTS: "#fff", CACHE: "#111", ARITHMETIC: "#111", TROUBLE: "#111"}
"""The color of a label that lies on a fill."""
SHADE: Final = 0.45
"""The opacity of a fill in the color of the text: 3:1 from a light page and from a dark one."""

WIDE: Final = 720
NARROW: Final = 358
SIZE: Final = 14
"""The height of all letters, in px."""
LINE: Final = 19

Style = str | float | None
"""An attribute of an SVG element; one that is None is left out."""

_EMS: Final = (("iIjl.,:;'|!()[] ", 0.32), ("ftr/-", 0.4), ("mMWw%@→", 0.95))


def measure(text: str, *, bold: bool = False) -> float:
    """Return the width of a label in px, in a wide face: any other one is narrower."""
    ems = sum(
        next((em for letters, em in _EMS if letter in letters), 0.68 if letter.isupper() else 0.62)
        for letter in text
    )
    return ems * SIZE * (1.12 if bold else 1)


class Drawing:
    """An SVG that is being drawn, with its finding as a title; `y` is the free line below it.

    Parameters
    ----------
    width : int
        `WIDE` or `NARROW`, in px: a narrow drawing is laid out again, never shrunk.
    title : str
        What the drawing shows, as a sentence.
    """

    def __init__(self, width: int, title: str) -> None:
        self.width = width
        self.narrow = width == NARROW
        self._parts: list[str] = []
        self._labels: list[tuple[float, float, float, float, str]] = []
        self.y = self.words(0, SIZE, title, width, bold=True) + 6

    def add(self, tag: str, inner: str = "", /, **attributes: Style) -> None:
        """Add an element; the underscore in an attribute's name stands for a hyphen."""
        text = "".join(
            f' {name.replace("_", "-")}="{round(value, 2) if isinstance(value, float) else value}"'
            for name, value in attributes.items()
            if value is not None
        )
        self._parts.append(f"<{tag}{text}>{escape(inner)}</{tag}>" if inner else f"<{tag}{text}/>")

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str = "none", **style: Style
    ) -> None:
        """Draw a plain rectangle."""
        sides = {"width": float(width), "height": float(height)}
        self.add("rect", x=float(x), y=float(y), **sides, fill=fill, **style)

    def box(
        self, x: float, y: float, width: float, height: float, fill: str = "none", **style: Style
    ) -> None:
        """Draw a block with a hairline, so that blocks are told apart without color."""
        hairline: dict[str, Style] = {"stroke": "currentColor", "stroke_opacity": 0.55}
        sides = {"width": max(width - 1, 0.5), "height": max(height - 1, 0.5)}
        self.add("rect", x=x + 0.5, y=y + 0.5, **sides, fill=fill, **hairline | style)

    def path(self, d: str, **style: Style) -> None:
        """Draw a path."""
        plain: dict[str, Style] = {"fill": "none", "stroke": "currentColor"}
        self.add("path", d=d, **plain | style)

    def line(self, x1: float, y1: float, x2: float, y2: float, **style: Style) -> None:
        """Draw a straight line."""
        self.path(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", **style)

    def arrow(
        self, start: str, x: float, y: float, right: float, down: float, **style: Style
    ) -> None:
        """Draw a path that ends at (x, y), with a head that points in a direction of length 1."""
        head = (
            f"M{x - 7 * right - 4 * down:.1f} {y - 7 * down + 4 * right:.1f}L{x:.1f} {y:.1f}"
            f"L{x - 7 * right + 4 * down:.1f} {y - 7 * down - 4 * right:.1f}"
        )
        thick: dict[str, Style] = {"stroke_width": 1.5}
        self.path(start + head, **thick | style)

    def squares(
        self,
        x: float,
        y: float,
        count: int,
        columns: int,
        pitch: float,
        size: float,
        start: int = 0,
        **style: Style,
    ) -> None:
        """Draw the squares from `start` to `count` of a grid, a dashed line for each row."""
        for row in range(start // columns, ceil(count / columns)):
            first = max(start - row * columns, 0)
            last = min(count - row * columns, columns)
            middle = y + row * pitch + size / 2
            d = f"M{x + first * pitch:.1f} {middle:.1f}H{x + (last - 1) * pitch + size:.1f}"
            dashes = f"{size} {pitch - size}"
            self.path(d, stroke_width=size, stroke_dasharray=dashes, **style)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: str = "start",
        *,
        bold: bool = False,
        fill: str = "currentColor",
    ) -> float:
        """Write a label with its baseline at y; return where it ends."""
        width = measure(text, bold=bold)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        self._labels.append((left, y - 11, left + width, y + 3, text))
        self.add(
            "text",
            text,
            x=float(x),
            y=float(y),
            fill=fill,
            text_anchor=None if anchor == "start" else anchor,
            font_weight=600 if bold else None,
        )
        return left + width

    def words(self, x: float, y: float, text: str, width: float, *, bold: bool = False) -> float:
        """Write a sentence in even lines of at most a width; return the baseline after it."""
        rows = _wrapped(text, width, bold=bold)
        narrower = (w for w in range(int(width), int(width) // 2, -4))
        even = min(w for w in narrower if len(_wrapped(text, w, bold=bold)) == len(rows))
        for row in _wrapped(text, even, bold=bold) if len(rows) > 1 else rows:
            self.text(x, y, row, bold=bold)
            y += LINE
        return y

    def svg(self, height: float) -> str:
        """Return the SVG, or refuse if labels overlap or leave the frame."""
        for place, (left, top, right, bottom, text) in enumerate(self._labels):
            if left < -1 or top < -1 or right > self.width + 1 or bottom > height + 1:
                raise NapkinError(f"the label {text!r} leaves the drawing: move or shorten it.")
            for other_left, other_top, other_right, other_bottom, other in self._labels[:place]:
                beside = left >= other_right or other_left >= right
                if not beside and top < other_bottom and other_top < bottom:
                    raise NapkinError(f"the labels {text!r} and {other!r} overlap: move one.")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {ceil(height)}" '
            f'width="{self.width}" height="{ceil(height)}" font-size="{SIZE}" '
            f'font-family="Helvetica, Arial, sans-serif">{"".join(self._parts)}</svg>'
        )


def _wrapped(text: str, width: float, *, bold: bool) -> list[str]:
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and measure(longer, bold=bold) > width:
            rows.append(word)
        else:
            rows[-1] = longer
    return rows


def laid_out(draw: Callable[[Drawing], float], title: str, alt: str) -> Figure:
    """Draw a picture in both layouts.

    Parameters
    ----------
    draw : callable
        It draws on a `Drawing`, from its `y` on, and returns the height of the picture in px.
    title : str
        The finding, as a sentence, with the numbers of the drawing in it.
    alt : str
        What is to be seen, in 15 to 60 words, with the numbers that matter.

    Returns
    -------
    Figure
        A wide and a narrow drawing, with one alternative text.

    Raises
    ------
    NapkinError
        If labels overlap or leave the frame.
    """
    wide, narrow = Drawing(WIDE, title), Drawing(NARROW, title)
    return Figure(wide.svg(draw(wide)), f"{title}. {alt}", narrow.svg(draw(narrow)))
