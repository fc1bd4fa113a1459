"""Values as bars, in parts where they have some."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sympy import Rational

from ..quantities.value import Value, exact_number
from .figures import COLORS, STYLE, Figure, drawing, finished, tick


def bars(
    rows: Mapping[str, float | Value | Mapping[str, Value]],
    title: str,
    what: str,
    log: bool = False,
) -> Figure:
    """Draw values as bars, in parts where they have some.

    Parameters
    ----------
    rows : mapping of str to float, Value or mapping
        For each bar its name and length, or its parts by name.
    title : str
        What the figure shows: a finding, not a topic.
    what : str
        Words for the axis; the unit is added.
    log : bool
        Whether the axis is logarithmic; not for bars in parts.

    Returns
    -------
    Figure
        Horizontal bars with their values.
    """
    from matplotlib.ticker import MaxNLocator

    parts = {label: _parts(row) for label, row in rows.items()}
    names = list(dict.fromkeys(name for row in parts.values() for name in row))
    unit = next(iter(next(iter(parts.values())).values())).unit
    totals = {
        label: Value(sum((value.number for value in row.values()), Rational(0)), unit)
        for label, row in parts.items()
    }
    with drawing(7, 0.9 + 0.5 * len(parts), title) as (figure, axes):
        begin = np.zeros(len(parts))
        for place, name in enumerate(names):
            widths = np.array([float(row[name]) if name in row else 0 for row in parts.values()])
            hatch = ("", "///", "...", "\\\\\\", "xx")[place]
            axes.barh(
                list(parts),
                widths,
                left=begin,
                color=COLORS[place],
                edgecolor=STYLE["axes.facecolor"],
                hatch=hatch,
                label=name,
            )
            begin += widths
        if log:
            axes.set_xscale("log")
        for place, (total, end) in enumerate(zip(totals.values(), begin, strict=True)):
            side, away = ("left", 5) if end >= 0 else ("right", -5)
            axes.annotate(
                f"{total:short}",
                (end, place),
                (away, 0),
                textcoords="offset points",
                va="center",
                ha=side,
            )
        if min(begin) < 0:
            axes.axvline(0, color=COLORS[2], lw=0.8)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.xaxis.set_major_formatter(lambda number, _: tick(number, unit))
        if not log:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(what + (" (log)" if log else ""))
        axes.tick_params(axis="y", length=0)
        if len(names) > 1:
            axes.legend(
                frameon=False, ncols=len(names), loc="upper left", bbox_to_anchor=(0, -0.25)
            )
        listed = "; ".join(f"{label} {total:short}" for label, total in totals.items())
        inside = f", in parts: {', '.join(names)}" if len(names) > 1 else ""
        scale = ", logarithmic" if log else ""
        return finished(figure, f"Bar chart, {what}{scale}{inside}. {title}. {listed}.")


def _parts(row: float | Value | Mapping[str, Value]) -> dict[str, Value]:
    if isinstance(row, Mapping):
        return dict(row)
    return {"": row if isinstance(row, Value) else Value(exact_number(row))}
