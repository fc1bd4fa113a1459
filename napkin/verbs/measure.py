"""Measured numbers held against the bound, and against the prediction, of their worksheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sympy import Float

from ..catalog.results import read_rows
from ..errors import NapkinError
from ..quantities.quantity import lookup
from ..quantities.table import Table, escaped
from ..quantities.value import Value
from ..worksheet.evaluation import sides
from ..worksheet.measured_rows import METRICS, not_read
from ..worksheet.napkin import Napkin
from ..worksheet.verdicts import LeftOut, Verdict, judgeable, judged, refused

_FEW: Final = 20


@dataclass(frozen=True)
class Measures:
    """Verdicts on measured rows, and how far off the bound and the prediction are."""

    verdicts: tuple[Verdict, ...]
    left_out: tuple[LeftOut, ...]
    not_read: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """Return plain data by metric: rows, what was left out, and the errors."""
        return {metric: self._of(metric) for metric in METRICS if self._rows(metric)}

    def _rows(self, metric: str) -> int:
        return sum(v.row.metric == metric for v in self.verdicts) + sum(
            left.metric == metric for left in self.left_out
        )

    def _of(self, metric: str) -> dict[str, Any]:
        found = [v for v in self.verdicts if v.row.metric == metric]
        beating = [v.row.label for v in found if v.beats_bound]
        return {
            "rows": self._rows(metric),
            "left_out": dict(Counter(x.reason for x in self.left_out if x.metric == metric)),
            "beat_bound": len(beating),
            "beating": beating,
            "ideal": _errors(found, "ideal"),
            "calibrated": _errors(found, "calibrated"),
        }

    def by(self, column: str, metric: str = "tpot") -> Table:
        """Tabulate the errors by model, GPU, engine or another column of the rows.

        Parameters
        ----------
        column : str
            Of the vocabulary, for example ``"gpu"``.
        metric : str
            What was measured.

        Returns
        -------
        Table
            One row for each value of the column, the largest group first.
        """
        groups: dict[str, list[Verdict]] = {}
        for v in self.verdicts:
            if v.row.metric == metric:
                told = v.row.names.get(column, v.row.counts.get(column, "not said"))
                groups.setdefault(str(told), []).append(v)
        ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
        return _table(column, {f"{name}": found for name, found in ordered})

    def worst(self, metric: str = "tpot", count: int = 10) -> Table:
        """Tabulate the rows that the prediction misses by most.

        Parameters
        ----------
        metric : str
            What was measured.
        count : int
            How many rows.

        Returns
        -------
        Table
            With measured and predicted numbers.
        """
        found = [v for v in self.verdicts if v.row.metric == metric]
        found.sort(key=lambda v: -abs(v.calibrated / v.row.value - 1))
        return _beside(found[:count])

    def __str__(self) -> str:
        below = "\n".join(self._said())
        return "\n\n".join([*map(str, self._tables()), *([below] if below else [])])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        tables = [table._repr_markdown_() for table in self._tables()]
        return "\n\n".join([*tables, "\n".join(f"- {escaped(line)}" for line in self._said())])

    def _tables(self) -> list[Table]:
        kinds = {m: [v for v in self.verdicts if v.row.metric == m] for m in METRICS}
        errors = _table("metric", {m: found for m, found in kinds.items() if found})
        return [*([_beside(self.verdicts)] if 0 < len(self.verdicts) <= _FEW else []), errors]

    def _said(self) -> list[str]:
        reasons = Counter((left.metric, left.reason) for left in self.left_out)
        told = [
            (f"{count} {'row' if count == 1 else 'rows'}", f"({metric or 'no metric'})", reason)
            for (metric, reason), count in reasons.most_common()
        ]
        return [
            *(f"{rows} left out {metric}: {reason}" for rows, metric, reason in told),
            *(f"beats the bound: {v.row.label}" for v in self.verdicts if v.beats_bound),
            *(f"column not read: {name}" for name in self.not_read),
        ]


def measure(rows: Any, **also: Any) -> Measures:
    """Hold measured numbers against the bound and the prediction of their worksheets.

    Parameters
    ----------
    rows : str, Path, DataFrame or iterable of mapping
        A CSV file with the columns below, a result file of ``vllm bench serve``,
        ``sglang.bench_serving``, InferenceX or llama-bench, or rows.
    **also
        Columns that the rows leave blank, such as ``gpu="H100"``.

    Returns
    -------
    Measures
        A verdict on each row that can be judged, and the reason for each other one. It prints
        as tables; `data` returns plain data, `by` and `worst` return parts.

    Notes
    -----
    One row is one measured number. Columns: ``model``, ``gpu``, ``n_gpus``,
    ``tensor_parallel`` (GPUs that share the attention of one sequence),
    ``attention_data_parallel`` (groups of GPUs with sequences of their own),
    ``expert_parallel``, ``precision`` (blank: as published), ``kv_precision`` (blank: 16 bits),
    ``engine``, ``prompt`` and ``new_tokens`` (means), ``concurrency`` (requests that a client
    keeps open) or ``batch`` (sequences that start together), ``metric``, ``value``. A column
    with the code name of a quantity is given to the worksheet.

    The metrics are ``tpot``, the time between two tokens of a request, (end - first
    token)/(tokens - 1), in seconds; ``ttft``, the time to its first token, in seconds;
    ``output_tokens_per_second`` of all GPUs together; and ``kv_tokens``, the tokens that the
    cache holds. A value may bring its unit, as in ``"12.3 ms"``.
    """
    raw = [{**also, **{k: v for k, v in told.items() if _said(v)}} for told in _rows(rows)]
    left: list[LeftOut] = []
    verdicts: list[Verdict] = []
    for n, group in judgeable(raw, left):
        try:
            verdicts += judged(n, group)
        except NapkinError as reason:
            left += refused(group, reason)
    verdicts.sort(key=lambda v: v.row.place)
    return Measures(tuple(verdicts), tuple(left), tuple(not_read(raw)))


def _rows(rows: Any) -> list[Mapping[str, Any]]:
    if isinstance(rows, str | Path):
        return list(read_rows(rows))
    found = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
    if isinstance(found, Mapping) or not isinstance(found, Iterable):
        raise NapkinError(f"measure takes a file, a DataFrame or rows, got {rows!r:.60}.")
    return list(found)


def _said(value: Any) -> bool:
    return value is not None and value == value and str(value).strip() != ""


def _errors(found: Sequence[Verdict], kind: str) -> dict[str, float]:
    """Return the errors of predictions, as a share of what was measured and as a factor."""
    import numpy as np

    if not found:
        return {"n": 0}
    ratio = np.array([getattr(v, kind) / v.row.value for v in found])
    shares, logs = 100 * np.abs(ratio - 1), np.abs(np.log(ratio))
    numbers = {
        "mape": shares.mean(),
        "median": np.median(shares),
        "gm": np.exp(logs.mean()),
        "within_1_25": (logs <= np.log(1.25)).mean(),
        "within_1_5": (logs <= np.log(1.5)).mean(),
    }
    return {"n": len(found), **{name: round(float(x), 4) for name, x in numbers.items()}}


def _table(first: str, groups: Mapping[str, Sequence[Verdict]]) -> Table:
    rows = []
    for name, found in groups.items():
        floor, errors = _errors(found, "ideal"), _errors(found, "calibrated")
        shares = [f"{100 * errors[key]:.0f}%" for key in ("within_1_25", "within_1_5")]
        rows.append(
            [
                *(name, str(len(found)), str(sum(v.beats_bound for v in found))),
                *(f"{floor['gm']:.2f}", f"{errors['mape']:.1f}%", f"{errors['median']:.1f}%"),
                *(f"{errors['gm']:.3f}", *shares),
            ]
        )
    head = [first, "rows", "beat the bound", "ideal: off by factor", "predicted: MAPE", "median"]
    return Table([*head, "off by factor", "within 1.25x", "within 1.5x"], rows)


def _beside(found: Sequence[Verdict]) -> Table:
    """Tabulate single rows: measured, bound, prediction, what binds, and where they stand."""
    rows = []
    for v in found:
        sheet, target = v.worksheet, v.row.target
        floor, predicted = sheet[target], v.prediction[target]
        limit = "" if v.row.metric == "kv_tokens" else _limit(sheet, v.row.metric)
        measured = Value(Float(v.row.value), floor.unit)
        times = f"{v.row.value / float(floor):.2f}"
        numbers = (measured, floor, predicted)
        rows.append(
            [v.row.label, *map(str, numbers), times, limit, _stands(v, measured, predicted)]
        )
    head = ["row", "measured", "ideal", "predicted", "measured / ideal", "what binds", "verdict"]
    return Table(head, rows)


def _stands(v: Verdict, measured: Value, predicted: Value) -> str:
    """Say where a measured number stands."""
    low, high = getattr(predicted, "band", None) or (None, None)
    if v.beats_bound:
        return "beats the bound"
    if low is None or high is None:
        return ""
    late, early = ("slower", "faster") if v.row.metric in ("tpot", "ttft") else ("faster", "slower")
    if measured > high:
        return f"{late} than the band"
    return f"{early} than the band" if measured < low else "as predicted"


def _limit(sheet: Napkin, metric: str) -> str:
    """Name the side of the ideal time that decides it."""
    time = lookup("prefill_time" if metric == "ttft" else "decode_step_time").symbol
    options = sides(sheet.formulas[time].expression, sheet.values(time))
    return str(options[0][0]) if options else str(time)
