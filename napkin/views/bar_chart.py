"""Values as bars, in parts where they have some."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final

from ..errors import NapkinError
from ..quantities.value import Value, exact_number
from .figures import COLORS, STYLE, Figure, drawing, finished, on_one_axis, series_style, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HATCHES: Final = ("", "///", "...", "\\\\\\", "xx")


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
        For each bar its name and length, or its parts by name; all of one dimension.
    title : str
        What the figure shows: a finding, not a topic.
    what : str
        Words for the axis; the unit is added.
    log : bool
        Whether the axis is logarithmic; not for bars in parts.

    Returns
    -------
    Figure
        Horizontal bars with their values, all in one unit.

    Raises
    ------
    NapkinError
        If there is nothing to draw.
    UnitError
        If two bars or parts measure different things; both are named.
    """
    from matplotlib.ticker import MaxNLocator

    parts = _in_one_unit(rows)
    names = list(dict.fromkeys(name for row in parts.values() for name in row))
    totals = {label: reduce(add, row.values()) for label, row in parts.items()}
    unit = next(iter(totals.values())).unit
    with drawing(7, 0.9 + 0.5 * len(parts), title) as (figure, axes):
        ends = _draw_parts(axes, parts, names)
        if log:
            axes.set_xscale("log")
        for place, (total, end) in enumerate(zip(totals.values(), ends, strict=True)):
            side, away = ("left", 5) if end >= 0 else ("right", -5)
            axes.annotate(
                f"{total:short}",
                (end, place),
                (away, 0),
                textcoords="offset points",
                va="center",
                ha=side,
            )
        if min(ends) < 0:
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


def _draw_parts(
    axes: Axes, parts: Mapping[str, Mapping[str, Value]], names: list[str]
) -> list[float]:
    """Draw the parts behind one another, and return where the bars end."""
    ends = [0.0] * len(parts)
    for place, name in enumerate(names):
        color, pattern = series_style(place)
        widths = [float(row[name]) if name in row else 0.0 for row in parts.values()]
        axes.barh(
            list(parts),
            widths,
            left=ends,
            color=color,
            edgecolor=STYLE["axes.facecolor"],
            hatch=_HATCHES[pattern],
            label=name,
        )
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    return ends


def _in_one_unit(
    rows: Mapping[str, float | Value | Mapping[str, Value]],
) -> dict[str, dict[str, Value]]:
    """Return the parts of each bar, all in one unit."""
    parts = {label: _parts(row) for label, row in rows.items()}
    if not parts or not all(parts.values()):
        raise NapkinError(
            "bars needs at least one bar, and for each its length or its parts, such as "
            "{'weights': n.weight_bytes, 'memory': n.memory}."
        )
    places = [(label, name) for label, row in parts.items() for name in row]
    named = [(", ".join(filter(None, place)), parts[place[0]][place[1]]) for place in places]
    for (label, name), value in zip(places, on_one_axis(named), strict=True):
        parts[label][name] = value
    return parts


def _parts(row: float | Value | Mapping[str, Value]) -> dict[str, Value]:
    if isinstance(row, Mapping):
        return dict(row)
    return {"": row if isinstance(row, Value) else Value(exact_number(row))}
