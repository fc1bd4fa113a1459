"""The recipe of the calibrated napkin: ``python -m tests.measured.fit`` writes its constants.

All constants are fitted together by robust regression on the log error of the time per output
token. Rows of one configuration and engine count once. The report leaves whole models, engines
and GPUs out of the fit and predicts them.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

import napkin
from napkin.catalog.data import table
from napkin.quantities.given import coherent, in_unit
from napkin.quantities.quantity import lookup
from napkin.worksheet.measured_rows import Row
from napkin.worksheet.verdicts import judgeable

from .book import read

Numbers = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]

DATA: Final = Path(napkin.__file__).parent / "catalog" / "data" / "calibration.toml"
KNOWN: Final = table("calibration")
CONSTANTS: Final = {name: row for name, row in KNOWN.items() if row["kind"] == "constant"}
START: Final = np.array([float(in_unit(n, coherent(n, r["value"]))) for n, r in CONSTANTS.items()])
# Shares end at 1; times may be anything that a step has room for.
LOWEST: Final = np.where(START < 1e-3, 1e-8, 0.02)
HIGHEST: Final = np.where(START < 1e-3, 1e-3, 1.0)
IDEAL: Final = np.where(START < 1e-3, 0.0, 1.0)
"""The same constants where nothing is lost."""
ALIKE: Final = 0.1
"""Relative errors beyond this one count less and less."""
_HEAD: Final = """\
# What measured servers lose against the bound: constants of physical causes.
#
# `make calibrate` fits the constants together and writes this file. Constants: `low` to `high`
# holds 95 % of refits on resampled pairs of GPU and model. Bands: measured over predicted, of
# 80 % of the rows whose model the fit had not seen.
"""


@dataclass(frozen=True)
class Measurements:
    """Measured times of many worksheets, and what predicts them from the constants."""

    calls: tuple[tuple[Callable[..., Any], tuple[Numbers, ...]], ...]
    measured: Numbers
    groups: Mapping[str, NDArray[np.str_]]

    def predicted(self, constants: Numbers) -> Numbers:
        """Return the time of each row."""
        return np.concatenate([call(*constants, *columns) for call, columns in self.calls])

    def fitted(self, weights: Numbers | None = None, free: Numbers | None = None) -> Numbers:
        """Return the constants that fit best; weights count rows several times, or not at all.

        Constants that are not free stay where nothing is lost.
        """
        weights = np.ones(len(self.measured)) if weights is None else weights
        free = np.ones(len(START), bool) if free is None else free
        chosen = weights > 0
        times, roots = self.measured[chosen], np.sqrt(weights[chosen])

        def constants(logs: Numbers) -> Numbers:
            found = IDEAL.copy()
            found[free] = np.exp(logs)
            return found

        def errors(logs: Numbers) -> Numbers:
            found: Numbers = roots * np.log(self.predicted(constants(logs))[chosen] / times)
            return found

        ends = np.log(LOWEST[free]), np.log(HIGHEST[free])
        start = np.clip(np.log(START[free]), ends[0] + 1e-6, ends[1] - 1e-6)
        best = least_squares(errors, start, bounds=ends, loss="soft_l1", f_scale=ALIKE)
        return constants(best.x)

    def left_out(self, by: str) -> Numbers:
        """Predict each group of rows from a fit on the others."""
        found = np.empty(len(self.measured))
        for name in np.unique(self.groups[by]):
            here = self.groups[by] == name
            found[here] = self.predicted(self.fitted((~here).astype(float)))[here]
        return found


def load(raw: Rows, metric: str = "tpot") -> Measurements:
    """Compile the worksheets of measured rows; repeats of a configuration count once."""
    calls, measured, groups = [], [], defaultdict(list)
    for n, group in judgeable(raw, []):
        repeats: dict[Any, list[Row]] = defaultdict(list)
        for row in group:
            if row.metric == metric:
                repeats[(row.configuration, row.names.get("engine"))].append(row)
        if not repeats:
            continue
        rows = [same[0] for same in repeats.values()]
        names = tuple(rows[0].requests)
        call = n.assume(calibrated=True).function(metric, *CONSTANTS, *names)
        calls.append((call, tuple(np.array([r.requests[x] for r in rows], float) for x in names)))
        measured += [np.exp(np.mean(np.log([r.value for r in same]))) for same in repeats.values()]
        for row in rows:
            groups["model"].append(n.choices["model"].entry.name)
            groups["gpu"].append(n.choices["accelerator"].entry.name)
            groups["engine"].append(row.names.get("engine", "not said"))
    return Measurements(
        tuple(calls), np.array(measured), {key: np.array(names) for key, names in groups.items()}
    )


def resampled(m: Measurements, count: int = 200, seed: int = 21) -> Numbers:
    """Refit on resampled pairs of GPU and model, which are what differs between servers."""
    generator = np.random.default_rng(seed)
    pairs = np.char.add(m.groups["gpu"], m.groups["model"])
    names = np.unique(pairs)
    found = []
    for _ in range(count):
        drawn, times = np.unique(generator.choice(names, len(names)), return_counts=True)
        weights = np.zeros(len(pairs))
        for name, often in zip(drawn, times, strict=True):
            weights[pairs == name] = often
        found.append(m.fitted(weights))
    return np.array(found)


def band(measured: Numbers, predicted: Numbers, share: float = 0.8) -> tuple[float, float]:
    """Return the ends between which a share of measured / predicted lies."""
    ends = np.quantile(measured / predicted, [(1 - share) / 2, (1 + share) / 2])
    return float(ends[0]), float(ends[1])


def scores(measured: Numbers, predicted: Numbers) -> str:
    """Say how far off predictions are."""
    ratio = predicted / measured
    off, logs = 100 * np.abs(ratio - 1), np.abs(np.log(ratio))
    return (
        f"{len(ratio)} rows, MAPE {off.mean():.1f} %, median {np.median(off):.1f} %, "
        f"gm {np.exp(logs.mean()):.3f}, within 1.25x {(logs <= np.log(1.25)).mean():.0%}"
    )


def coverage(m: Measurements, predicted: Numbers, by: str) -> float:
    """Return the share of rows within the band that the errors of the other groups give."""
    inside = 0
    for name in np.unique(m.groups[by]):
        here = m.groups[by] == name
        low, high = band(m.measured[~here], predicted[~here])
        ratio = m.measured[here] / predicted[here]
        inside += int(((low <= ratio) & (ratio <= high)).sum())
    return inside / len(predicted)


def written(constants: Numbers, refits: Numbers, bands: Mapping[str, tuple[float, float]]) -> str:
    """Return the file of constants."""
    lines = [_HEAD]
    ends = np.quantile(refits, [0.025, 0.975], axis=0)
    for name, value, low, high in zip(CONSTANTS, constants, *ends, strict=True):
        numbers = {"value": _text(name, value), "low": _text(name, low), "high": _text(name, high)}
        lines += _entry(name, {"kind": '"constant"', **numbers}, KNOWN[name])
    for name, (low, high) in bands.items():
        numbers = {"low": f"{low:.3g}", "high": f"{high:.3g}"}
        lines += _entry(name, {"kind": '"band"', **numbers}, KNOWN[name])
    return "\n".join(lines)


def _text(name: str, value: float) -> str:
    return f'"{1e6 * value:.3g} us"' if lookup(name).unit == "s" else f"{value:.3g}"


def _entry(name: str, numbers: Mapping[str, str], known: Mapping[str, Any]) -> list[str]:
    told = {key: f'"{known[key]}"' for key in ("cause", "source")}
    fields = {**numbers, **told, "read": f"{date.today()}"}
    return [f"[{name}]", *(f"{key} = {text}" for key, text in fields.items()), ""]


def main() -> None:
    """Fit, say how good the fit is, and write the constants."""
    raw = read()
    m, first = load(raw), load(raw, "ttft")
    constants = m.fitted()
    bands = {"ttft_error": band(first.measured, first.predicted(constants))}
    say = sys.stdout.write
    say(f"in the sample: {scores(m.measured, m.predicted(constants))}\n")
    for by in m.groups:
        predicted = m.left_out(by)
        say(f"each {by} left out: {scores(m.measured, predicted)}, ")
        say(f"80 % band of the others holds {coverage(m, predicted, by):.0%}\n")
        if by == "model":
            bands = {"tpot_error": band(m.measured, predicted), **bands}
    say(f"time to first token: {scores(first.measured, first.predicted(constants))}\n")
    for name in CONSTANTS:
        others = np.array([other != name for other in CONSTANTS])
        say(f"without {name}: {scores(m.measured, m.predicted(m.fitted(free=others)))}\n")
    DATA.write_text(written(constants, resampled(m), bands), encoding="utf-8")


if __name__ == "__main__":
    main()
