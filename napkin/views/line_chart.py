"""Lines over a quantity, drawn from worksheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sympy import Integer, Rational

from ..errors import NapkinError, unknown
from ..quantities.quantity import Quantity, listed, lookup
from ..quantities.value import Value
from ..verbs.measured import Measurement, measurement
from ..verbs.sweep import sweep
from ..worksheet.napkin import Napkin, from_data
from .figures import COLORS, STYLE, Figure, drawing, finished, on_one_axis, series_style, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

_DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_MARKS: Final = ("o", "s", "^", "D", "v")
_APART: Final = 14  # points between two texts
_POINTS: Final = 121
_COUNTED: Final = ("token", "token/sequence", "sequence", "user")
Line = tuple[Napkin, str]
Heights = Mapping[float, float]


def curves(
    lines: Mapping[str, Line],
    title: str,
    *,
    x: str = "",
    y: str = "",
    at: float | Value | None = None,
    regimes: tuple[str, str] | tuple[()] = (),
    measured: str | Sequence[str] | Mapping[str, Heights] = (),
    beyond: bool = False,
    log: str = "xy",
    **axis: tuple[float, float],
) -> Figure:
    """Draw quantities of napkins over one other quantity.

    Parameters
    ----------
    lines : mapping of str to (Napkin, str)
        For each line its name, the worksheet and the quantity; all of one dimension.
    title : str
        What the figure shows: a finding, not a topic.
    x, y : str, optional
        Words for each axis; the meaning of the quantity if not given.
    at : float or Value, optional
        Where a vertical line stands, with the values of all lines there.
    regimes : tuple of str, optional
        What holds left and right of that line.
    measured : str, sequence of str, or mapping of str to mapping, optional
        Measurements of the catalog that give the quantity of the axis: points. Or for a line, by
        its name, what was measured at each place, in the units of the two quantities.
    beyond : bool
        Whether lines go on where the batch or the model does not fit.
    log : str
        Which axes are logarithmic: ``"xy"``, ``"x"``, ``"y"`` or ``""``.
    **axis
        One quantity with the ends of its range, such as ``context=(1_000, 200_000)``.

    Returns
    -------
    Figure
        Lines named where they end, with axes, units and alternative text.

    Raises
    ------
    NapkinError
        If there is no line, not one axis, or a line without a value on it.
    UnitError
        If two lines measure different things; both are named.
    """
    if len(axis) != 1:
        raise NapkinError("curves needs one axis with its ends, such as context=(1_000, 200_000).")
    if not lines:
        raise NapkinError("curves needs at least one line, such as {'kept': (n, 'users')}.")
    ((name, ends),) = axis.items()
    across = lookup(name)
    up = lookup(next(iter(lines.values()))[1])
    xs = _places(across, ends, "x" in log)
    here = None if at is None else float(at)
    scales = _scales(lines)
    there = {} if here is None else _values_at(lines, name, here, up.unit)
    ys = {
        label: _heights(n, target, name, xs, beyond) * scales[label]
        for label, (n, target) in lines.items()
    }
    _check_seen(ys, name)
    with drawing(7, 4.2, title) as (figure, axes):
        axes.set_xscale("log" if "x" in log else "linear")
        axes.set_yscale("log" if "y" in log else "linear")
        for place, (label, heights) in enumerate(ys.items()):
            color, pattern = series_style(place)
            axes.plot(xs, heights, ls=_DASHES[pattern], color=color, lw=2, label=label)
        points = _measured(measured, name, up, lines)
        _draw_measured(axes, points, list(lines))
        _name(axes.xaxis, across, x, "x" in log, counted=not x)
        _name(axes.yaxis, up, y, "y" in log)
        if here is not None:
            _mark(axes, here, {} if points else there, regimes)  # numbers would hide points
        axes.margins(y=0.1)
        _name_lines(axes, ys)
        runs = {label: f"{value:short}" for label, value in there.items()} or _ends_of(ys, up)
        where = "" if here is None else f"At {_short(here, across)}: "
        alt = _alt_of_curves(title, across, (x, y or up.meaning), ends, log)
        told = "; ".join(f"{label} {said}" for label, said in runs.items())
        seen = {label: [high for _, high in pairs] for label, pairs in points.items()}
        rings = "; ".join(
            f"{label} {run}" if len(seen) > 1 else run for label, run in _ends_of(seen, up).items()
        )
        return finished(figure, f"{alt} {where}{told}." + f" Measured: {rings}." * bool(rings))


def _scales(lines: Mapping[str, Line]) -> dict[str, float]:
    """Return the factor that brings each line into the unit of the first."""
    ones = [(label, Value(Integer(1), lookup(target).unit)) for label, (_, target) in lines.items()]
    return dict(zip(lines, map(float, on_one_axis(ones)), strict=True))


def _check_seen(ys: Mapping[str, Any], name: str) -> None:
    for label, heights in ys.items():
        if not any(map(isfinite, heights)):
            raise NapkinError(
                f"{label!r} has no value anywhere on this axis: choose other ends of {name}, or "
                "give beyond=True to draw also what does not fit."
            )


def _measured(
    measured: str | Sequence[str] | Mapping[str, Heights],
    name: str,
    up: Quantity,
    lines: Mapping[str, Line],
) -> dict[str, list[tuple[float, float]]]:
    """Return measured points by the line that they belong to; those of the catalog name none."""
    if not isinstance(measured, Mapping):
        found = [_point(entry, name, up) for entry in map(measurement, map(str, listed(measured)))]
        return {"": found} if found else {}
    for label in measured.keys() - lines.keys():
        raise unknown("line to measure", label, lines)
    return {label: list(times.items()) for label, times in measured.items()}


def _draw_measured(
    axes: Axes, points: Mapping[str, list[tuple[float, float]]], lines: list[str]
) -> None:
    """Draw points hollow, in the color and with the mark of their line."""
    rings = []
    for label, pairs in points.items():
        color, pattern = series_style(lines.index(label)) if label else ("black", 0)
        words = f"{label}, measured" if len(points) > 1 else "measured"
        rings += axes.plot(
            *zip(*pairs, strict=True), _MARKS[pattern], color=color, mfc="none", label=words
        )
    if rings:
        axes.legend(handles=rings, frameon=False, fontsize=10)


def _point(entry: Measurement, name: str, up: Quantity) -> tuple[float, float]:
    """Return where a measurement stands."""
    across = from_data(entry.worksheet)[name]
    return float(across), float(entry.value.to(up.unit))


def _places(quantity: Quantity, ends: tuple[float, float], log: bool) -> Any:
    """Return values between the ends, whole ones where only those are allowed."""
    import numpy as np

    xs = np.geomspace(*ends, _POINTS) if log else np.linspace(*ends, _POINTS)
    return np.unique(np.round(xs)) if quantity.domain.integer else xs


def _heights(n: Napkin, target: str, name: str, xs: Any, beyond: bool) -> Any:
    """Return a line's values; there is none where it does not fit, unless that is asked for."""
    grid = sweep(n, target, beyond=beyond, **{name: xs})
    return grid[target].broadcast_like(grid.coords[name]).to_numpy()


def _name(axis: Axis, quantity: Quantity, words: str, log: bool, *, counted: bool = True) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_formatter(lambda number, _: tick(number, quantity.unit))
    if log:
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < low * 300 else (1,)))
        axis.set_minor_formatter(NullFormatter())
    text = words or quantity.meaning
    name = quantity.unit.split("/")[0] if counted and quantity.unit in _COUNTED else ""
    unit = f", {name}s" if name and name not in text else ""
    axis.set_label_text(text + unit + (" (log)" if log else ""))


def _short(number: float, quantity: Quantity) -> str:
    return f"{Value(Rational(str(number)), quantity.unit):short}"


def _rises(line: Line2D, here: float) -> bool:
    """Say whether a line goes up from a place, so that a number above it would be crossed."""
    import numpy as np

    xs, ys = (np.asarray(data, float) for data in line.get_data())
    return bool(np.interp(here * 1.2, xs, ys) > np.interp(here, xs, ys) * 1.02)


def _values_at(lines: Mapping[str, Line], name: str, here: float, unit: str) -> dict[str, Value]:
    """Return what each line is at one place, in one unit; nothing where it has no value."""
    found = {}
    for label, (n, target) in lines.items():
        with suppress(NapkinError):
            value = float(
                sweep(n, target, beyond=True, **{name: [here]})[target].to_numpy().flat[0]
            )
            found[label] = Value(Rational(str(value)), lookup(target).unit).to(unit)
    return found


def _ends_of(ys: Mapping[str, Any], up: Quantity) -> dict[str, str]:
    seen = {label: list(filter(isfinite, heights)) for label, heights in ys.items()}
    return {
        label: f"from {_short(heights[0], up)} to {_short(heights[-1], up)}"
        for label, heights in seen.items()
    }


def _mark(
    axes: Axes,
    here: float,
    there: Mapping[str, Value],
    regimes: tuple[str, str] | tuple[()],
) -> None:
    axes.axvline(here, color=COLORS[2], lw=1, ls=":")
    numbers: dict[str, _Text] = {}
    for place, line in enumerate(list(axes.lines)):
        value = there.get(str(line.get_label()))
        if value is not None:
            color, pattern = series_style(place)
            axes.plot([here], [float(value)], _MARKS[pattern], color=color)
            text, above = f"{value:short}", -8 if _rises(line, here) else 10
            said = numbers.setdefault(text, _Text(here, float(value), text, color, above))
            numbers[text] = said._replace(above=min(said.above, above))  # lines cross: once
    ground = {"facecolor": STYLE["axes.facecolor"], "edgecolor": "none", "pad": 0.5}
    _write(axes, list(numbers.values()), bbox=ground)
    lowest = min((text.y for text in numbers.values()), default=axes.get_ylim()[1])
    foot = axes.transAxes.inverted().transform(axes.transData.transform((here, lowest)))[1] > 0.3
    for words, side in zip(regimes, ("right", "left"), strict=False):
        axes.annotate(
            words,
            (here, 0.03 if foot else 0.93),
            (-6 if side == "right" else 6, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=side,
            color=COLORS[2],
            style="italic",
        )


def _name_lines(axes: Axes, ys: Mapping[str, Any]) -> None:
    """Write each line's name at its end."""
    import numpy as np

    ends = []
    for line in axes.lines[: len(ys)]:
        x, y = (np.asarray(data, float) for data in line.get_data())
        last = int(np.flatnonzero(np.isfinite(y))[-1])
        ends.append(_Text(x[last], y[last], str(line.get_label()), str(line.get_color()), 0))
    _write(axes, ends, weight="bold")


class _Text(NamedTuple):
    x: float
    y: float
    words: str
    color: str
    above: int


def _write(axes: Axes, texts: Sequence[_Text], **style: Any) -> None:
    """Write texts right of their points, no two upon each other."""
    points, lowest = 72 / axes.figure.dpi, float("-inf")
    heights = [axes.transData.transform((text.x, text.y))[1] * points for text in texts]
    places = [height + text.above for height, text in zip(heights, texts, strict=True)]
    for place, height, text in sorted(zip(places, heights, texts, strict=True)):
        lowest = max(place, lowest + _APART)
        options: dict[str, Any] = {
            "textcoords": "offset points",
            "va": "center",
            "annotation_clip": False,
        }
        offset = (6, lowest - height)
        axes.annotate(text.words, (text.x, text.y), offset, color=text.color, **options, **style)


def _alt_of_curves(
    title: str, across: Quantity, words: tuple[str, str], ends: tuple[float, float], log: str
) -> str:
    scales = {"xy": ", both axes logarithmic", "x": ", horizontal axis logarithmic"}
    scale = scales.get(log, ", vertical axis logarithmic" if log else "")
    low, high = (_short(end, across) for end in ends)
    if words[0] and across.unit in _COUNTED:
        low, high = low.split()[0], high.split()[0]
    over = words[0] or across.meaning
    return f"Line chart, {words[1]} over {over} from {low} to {high}{scale}. {title}."
