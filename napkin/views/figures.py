"""Figures as images with alternative text: the same bytes in every run."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from sympy import Rational

from ..errors import UnitError
from ..quantities.units import parse_unit
from ..quantities.value import Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

STYLE: Final[dict[str, Any]] = {
    "svg.hashsalt": "napkin",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "#fdfdfb",
    "axes.facecolor": "#fdfdfb",
    "savefig.facecolor": "#fdfdfb",
}
"""Settings under which every figure is drawn."""
COLORS: Final = ("#006ba4", "#a44a00", "#595959", "#7b3294", "#00735c")
"""Colors of the series: they stay apart for color-blind readers, and from the ground."""


PATTERNS: Final = 5
"""How many hatches, dashes and marks there are."""


def series_style(place: int) -> tuple[str, int]:
    """Return how one of many series looks: no two of the first 25 look the same."""
    turn, color = divmod(place, len(COLORS))
    return COLORS[color], (place + turn) % PATTERNS


def on_one_axis(named: Sequence[tuple[str, Value]]) -> tuple[Value, ...]:
    """Return values in the unit of the first, so that one axis can carry them."""
    first, start = named[0]
    for name, value in named:
        if parse_unit(value.unit)[0] != parse_unit(start.unit)[0]:
            raise UnitError(
                f"{first} is in {start.unit}, but {name} in {value.unit}: one axis cannot carry "
                "both. Draw two figures, or divide by a common measure first."
            )
    return tuple(value.to(start.unit) for _, value in named)


@dataclass(frozen=True)
class Figure:
    """A picture with its alternative text.

    Parameters
    ----------
    svg : str
        The picture.
    alt : str
        What it shows, in words.
    narrow : str, optional
        The same picture, laid out for a phone: web pages choose between the two.
    """

    svg: str
    alt: str
    narrow: str = ""

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        alt, style = escape(self.alt), "max-width:100%"
        if not self.narrow:
            return f'<img alt="{alt}" src="{_address(self.svg)}" style="{style}">'
        # An image does not see the color of the page around it, so it brings paper along.
        style += ";background:#fdfdfb;padding:12px"
        return (
            f'<img alt="{alt}" src="{_address(self.svg)}" style="{style}" '
            f'data-narrow="{_address(self.narrow)}">'
        )


def _address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def tick(number: float, unit: str) -> str:
    """Write a number at an axis: no zeros behind the point, no word that the label has."""
    text = f"{Value(Rational(str(number)), unit):short}" if number else "0"
    text = re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", text).replace(". ", " ").removesuffix(".")
    return re.sub(r" (token|sequence|user)s?$", "", text)


@contextmanager
def drawing(width: float, height: float, title: str) -> Iterator[tuple[MatplotlibFigure, Axes]]:
    """Open a drawing in the style of the book."""
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.style import context as style

    with style(STYLE):
        figure = MatplotlibFigure(figsize=(width, height))
        axes = figure.subplots()
        axes.set_title(title, loc="left")
        yield figure, axes


def finished(figure: MatplotlibFigure, alt: str) -> Figure:
    """Turn a drawing into a picture, the same bytes each time."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return Figure(text.getvalue(), alt)
