"""Figures as images with alternative text: the same bytes in every run."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .. import variants
from ..sweep import sweep
from ..worksheet import Napkin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

_STYLE: Final[dict[str, Any]] = {
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
_BLUE, _ORANGE, _GRAY = "#006ba4", "#a44a00", "#595959"


@dataclass(frozen=True)
class Figure:
    """A picture with its alternative text.

    Parameters
    ----------
    svg : str
        The picture.
    alt : str
        What it shows, in words.
    """

    svg: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        data = b64encode(self.svg.encode()).decode()
        source = f"data:image/svg+xml;base64,{data}"
        return f'<img alt="{escape(self.alt)}" src="{source}" style="max-width:100%">'


def _finish(figure: MatplotlibFigure, alt: str) -> Figure:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return Figure(text.getvalue(), alt)


def users_over_context(n: Napkin, lowest: float = 2_000, highest: float = 200_000) -> Figure:
    """Draw the users of a replica over the context, idle users kept and evicted.

    Parameters
    ----------
    n : Napkin
        The worksheet, with a duty cycle.
    lowest, highest : float
        Ends of the context axis, in tokens.

    Returns
    -------
    Figure
        Two lines on logarithmic axes, and the napkin's own context marked.
    """
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.style import context as style
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    contexts = np.geomspace(lowest, highest, 60)
    kept_napkin, evicted_napkin = n.assume(variants.idle_kept), n.assume(variants.idle_evicted)
    grids = [sweep(m, "users_per_gpu", context=contexts) for m in (kept_napkin, evicted_napkin)]
    kept, evicted = (grid.users_per_gpu.where(grid.fits).to_numpy() for grid in grids)
    here = float(n.context)
    ratio = float(evicted_napkin.users_per_gpu) / float(kept_napkin.users_per_gpu)
    with style(_STYLE):
        figure = MatplotlibFigure(figsize=(7, 4.2))
        axes = figure.subplots()
        axes.loglog(contexts, evicted, "--", color=_ORANGE, lw=2)
        axes.loglog(contexts, kept, "-", color=_BLUE, lw=2)
        _label(axes, (contexts[40], evicted[40]), "idle users evicted", _ORANGE, above=True)
        _label(axes, (contexts[14], kept[14]), "idle users kept", _BLUE, above=False)
        axes.axvline(here, color=_GRAY, lw=1, ls=":")
        for napkin, color, mark in ((kept_napkin, _BLUE, "o"), (evicted_napkin, _ORANGE, "s")):
            users = float(napkin.users_per_gpu)
            axes.plot([here], [users], mark, color=color)
            axes.annotate(f"{users:,.0f}", (here, users), (6, 6), textcoords="offset points")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_locator(LogLocator())
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("context of each conversation, tokens (log)")
        axes.set_ylabel("users per GPU (log)")
        title = f"Evicting idle users carries {ratio:.1f} times as many users"
        axes.set_title(title, loc="left")
        alt = (
            f"Line chart, users per GPU over context from {lowest:,.0f} to {highest:,.0f} tokens, "
            f"both axes logarithmic. Both lines fall. At {here:,.0f} tokens it is "
            f"{kept_napkin.users_per_gpu:short} with idle caches kept, "
            f"{evicted_napkin.users_per_gpu:short} with them evicted, {ratio:.1f} times as many."
        )
        return _finish(figure, alt)


def _label(axes: Axes, point: tuple[float, float], text: str, color: str, above: bool) -> None:
    """Name a line where it runs, above or below it."""
    offset, side = ((8, 6), "left") if above else ((-8, -4), "right")
    axes.annotate(
        text,
        point,
        offset,
        textcoords="offset points",
        color=color,
        weight="bold",
        ha=side,
        va="bottom" if above else "top",
    )
