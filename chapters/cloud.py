# SPDX-License-Identifier: Apache-2.0
"""The cloud of measured servers in chapter 10: predictions from any constants, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray
from scipy.optimize import least_squares

from napkin.catalog import bands
from napkin.quantities.given import in_unit
from napkin.quantities.table import Table
from napkin.verbs.measure import Measures
from napkin.views.figures import COLORS, Figure, drawing, finished
from napkin.worksheet.verdicts import Verdict

Numbers = NDArray[np.float64]

LOSSES: Final = {
    "kernel_time": 0.0,
    "bandwidth_efficiency": 1.0,
    "compute_efficiency": 1.0,
    "expert_efficiency": 1.0,
    "link_efficiency": 1.0,
}
"""The fitted constants, each with the value at which nothing is lost."""
FEW: Final = 8
"""Requests up to which a server counts as lightly loaded."""
_ALIKE: Final = 0.1  # errors beyond this one count less and less, as in `make calibrate`
_TIMES: Final = (0.0002, 0.3)
_PLACES: Final = (0.0002, 0.001, 0.005, 0.02, 0.1)
_RATIOS: Final = (1 / 2, 20)
_FACTORS: Final = (0.5, 1, 2, 5, 10, 20)


class Cloud:
    """Measured times per token beside what their worksheets say of them."""

    def __init__(self, measures: Measures) -> None:
        groups: dict[int, list[Verdict]] = {}
        for v in measures.verdicts:
            if v.row.metric == "tpot":
                groups.setdefault(id(v.n), []).append(v)
        self.verdicts = [v for group in groups.values() for v in group]
        self.measured = np.array([v.row.value for v in self.verdicts])
        self.ideal = np.array([v.ideal for v in self.verdicts])
        self.concurrency = np.array([v.row.counts["concurrency"] for v in self.verdicts])
        self._calls = []
        for group in groups.values():
            names = tuple(group[0].row.requests)
            columns = [np.array([v.row.requests[x] for v in group], float) for x in names]
            n = group[0].n.assume(calibrated=True)
            self._calls.append((n.function("tpot", *LOSSES, *names), columns))
        self.fitted = {name: float(in_unit(name, n[name])) for name in LOSSES}

    def predicted(self, **constants: float) -> Numbers:
        """Return the time of each row; constants that are not told are as fitted."""
        chosen = [(self.fitted | constants)[name] for name in LOSSES]
        return np.concatenate([call(*chosen, *columns) for call, columns in self._calls])

    def off(self, predicted: Numbers) -> float:
        """Return the factor by which predictions are off, as a geometric mean."""
        return _off(predicted / self.measured)

    def inside(self, predicted: Numbers) -> float:
        """Return the share of rows within the band that predictions print."""
        low, high = bands()["tpot_error"]
        ratio = self.measured / predicted
        return float(((low <= ratio) & (ratio <= high)).mean())

    def stages(self) -> dict[str, Numbers]:
        """Return the ideal times, then predictions with one loss more at a time."""
        now = dict(LOSSES)
        found = {"ideal": self.ideal, "parts in turn": self.predicted(**now)}
        for name in LOSSES:
            now[name] = self.fitted[name]
            found[f"+ {name}"] = self.predicted(**now)
        return found

    def left_out(self, choice: str) -> Numbers:
        """Predict each model, accelerator or engine from constants fitted on the others."""
        names = self._names(choice)
        found = np.empty(len(self.measured))
        for name in np.unique(names):
            here = names == name
            found[here] = self.predicted(**self._fit(~here))[here]
        return found

    def by(self, unseen: Mapping[str, Numbers]) -> Table:
        """Tabulate how far off predictions are by model, accelerator or engine."""
        fitted, rows = self.predicted(), []
        for choice, predicted in unseen.items():
            names = self._names(choice)
            told, counts = np.unique(names, return_counts=True)
            for name in told[np.argsort(-counts)]:
                here = names == name
                kinds = (self.ideal, fitted, predicted)
                factors = [f"{_off(kind[here] / self.measured[here]):.2f}" for kind in kinds]
                rows.append([f"{choice}: {name}", str(here.sum()), *factors])
        return Table(["servers", "rows", "ideal", "fitted", "never seen"], rows)

    def _names(self, choice: str) -> NDArray[np.str_]:
        if choice == "engine":
            told = [v.row.names.get("engine", "not said") for v in self.verdicts]
        else:
            told = [v.n.choices[choice].entry.name for v in self.verdicts]
        return np.array(told)

    def _fit(self, seen: NDArray[np.bool_]) -> dict[str, float]:
        def constants(logs: Numbers) -> dict[str, float]:
            return dict(zip(LOSSES, map(float, np.exp(logs)), strict=True))

        def errors(logs: Numbers) -> Numbers:
            found: Numbers = np.log(self.predicted(**constants(logs)) / self.measured)[seen]
            return found

        start = np.log(list(self.fitted.values()))
        best = least_squares(errors, start, loss="soft_l1", f_scale=_ALIKE, ftol=1e-5)
        return constants(best.x)


def _off(ratio: Numbers) -> float:
    return float(np.exp(np.abs(np.log(ratio)).mean()))


def scatter(cloud: Cloud) -> Figure:
    """Draw each server's measured time per token over its ideal time, with the line of equals."""
    factor = cloud.off(cloud.ideal)
    title = f"Servers take {factor:.1f} times their ideal time, and more where few requests run"
    few = cloud.concurrency <= FEW
    with drawing(7, 6, title) as (figure, axes):
        axes.plot(_TIMES, _TIMES, color=COLORS[2], lw=1.5)
        _strokes(axes, cloud, ~few, 1.01, lw=2.6, color=COLORS[0], solid_capstyle="round")
        _strokes(axes, cloud, few, 1.06, lw=1.2, color=COLORS[1], solid_capstyle="butt")
        for color, mark, words in ((COLORS[0], ".", "more than"), (COLORS[1], "|", "up to")):
            axes.plot([], [], mark, ms=8, color=color, label=f"{words} {FEW} requests at once")
        axes.legend(frameon=False, loc="upper left")
        axes.set(xscale="log", yscale="log", xlim=_TIMES, ylim=(0.001, 0.3))
        for side, what in ((axes.xaxis, "ideal"), (axes.yaxis, "measured")):
            _label(
                side,
                _PLACES,
                lambda seconds: f"{1000 * seconds:g} ms",
                f"{what} time per output token",
            )
        at = 0.004
        axes.annotate("as fast as ideal", (at, at), (12, -4), textcoords="offset points")
        alt = (
            f"Scatter chart of {len(few):,} servers, measured time per output token over ideal "
            f"time, both axes logarithmic, from 0.2 to 300 ms. {title}. All but "
            f"{int((cloud.measured < cloud.ideal).sum())} lie above the line of equal times; "
            f"those with up to {FEW} requests lie highest."
        )
        return finished(figure, alt)


def _strokes(axes: Axes, cloud: Cloud, here: NDArray[np.bool_], tall: float, **style: Any) -> None:
    """Draw points as strokes of a single line, which keeps the page small."""
    xs, ys = cloud.ideal[here], cloud.measured[here]
    gaps = np.full(len(xs), np.nan)
    across, up = np.column_stack([xs, xs, gaps]), np.column_stack([ys / tall, ys * tall, gaps])
    axes.plot(across.ravel(), up.ravel(), alpha=0.6, **style)


def tightening(cloud: Cloud, stages: Mapping[str, Numbers]) -> Figure:
    """Draw how measured over predicted is spread, one row of bars for each stage."""
    offs = {name: cloud.off(predicted) for name, predicted in stages.items()}
    first, *_, last = offs.values()
    title = f"With five constants, predictions are off by {last:.2f} instead of {first:.1f}"
    edges = np.geomspace(*_RATIOS, 61)
    with drawing(7, 0.9 * len(stages) + 0.8, "") as (figure, axes):
        axes.remove()
        rows = figure.subplots(len(stages), sharex=True, sharey=True)
        for side, (name, predicted) in zip(rows, stages.items(), strict=True):
            counts, _ = np.histogram(cloud.measured / predicted, edges)
            side.stairs(counts, edges, fill=True, color=COLORS[0], alpha=0.7)
            side.axvline(1, color=COLORS[1], lw=1.5)
            side.set(xscale="log", xlim=_RATIOS, yticks=[])
            side.spines["left"].set_visible(False)
            words = f"{name}\noff by {offs[name]:.2f}"
            side.annotate(words, (0.98, 0.9), xycoords="axes fraction", ha="right", va="top")
        rows[0].set_title(title, loc="left")
        _label(rows[-1].xaxis, _FACTORS, "{:g}".format, "measured time over predicted time")
        told = "; ".join(f"{name} {factor:.2f}" for name, factor in offs.items())
        alt = (
            f"{len(stages)} histograms of measured over predicted time, from a half to 20 "
            f"(logarithmic), one for each stage of the model. {title}. Off by: {told}."
        )
        return finished(figure, alt)


def _in_ms(seconds: float) -> str:
    return f"{1000 * seconds:g} ms"


def _label(side: Axis, places: Sequence[float], label: Callable[[float], str], what: str) -> None:
    side.set_major_locator(FixedLocator(places))
    side.set_minor_locator(NullLocator())
    side.set_major_formatter(lambda number, _: label(number))
    side.set_label_text(f"{what} (log)")
