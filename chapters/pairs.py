# SPDX-License-Identifier: Apache-2.0
"""Measured servers that differ only in the length of their prompts, for chapter 11."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napkin.quantities.table import Table
from napkin.verbs.measure import measure
from napkin.worksheet.verdicts import Verdict

_APART: Final = ("metric", "value", "prompt", "new_tokens", "source")


class Pair(NamedTuple):
    """How many times as long a token took with long prompts: measured, and predicted."""

    concurrency: float
    measured: float
    step_alone: float
    ideal: float
    calibrated: float


def pairs(path: Path | str, *, short: int, long: int, answer: int) -> list[Pair]:
    """Find all servers measured with prompts of both lengths, and predict the change."""
    with Path(path).open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["metric"] == "tpot"]
    servers = defaultdict[tuple[str, ...], dict[int, dict[str, str]]](dict)
    for row in rows:
        if int(row["new_tokens"]) == answer:
            key = tuple(value for name, value in row.items() if name not in _APART)
            servers[key][int(row["prompt"])] = row
    both = [server for server in servers.values() if short in server and long in server]
    seen = _times(measure([server[size] for server in both for size in (short, long)]).verdicts)
    return [
        Pair(float(both[place][short]["concurrency"]), *map(float, seen[place, 1] / times))
        for (place, is_long), times in seen.items()
        if not is_long and (place, 1) in seen
    ]


def changes(found: list[Pair]) -> Table:
    """Tabulate the changes by how many requests were open, as geometric means."""
    rows = []
    groups = [(f"{size:g}", [p for p in found if p.concurrency == size]) for size in _sizes(found)]
    for name, group in [*groups, ("all", found)]:
        means = np.exp(np.log([pair[1:] for pair in group]).mean(axis=0))
        rows.append([name, str(len(group)), *(f"{mean:.2f}" for mean in means)])
    errors = [f"{factor:.2f}" for factor in off(found).values()]
    rows.append(["off by", "", "", *errors])
    return Table(["requests", "pairs", "measured", "step alone", "ideal", "calibrated"], rows)


def off(found: list[Pair]) -> dict[str, float]:
    """Return the factor by which each prediction of a change is off, as a geometric mean."""
    logs = np.log([pair[1:] for pair in found])
    factors = np.exp(np.abs(logs[:, 1:] - logs[:, :1]).mean(axis=0))
    return dict(zip(Pair._fields[2:], map(float, factors), strict=True))


def _sizes(found: list[Pair]) -> list[float]:
    return sorted({pair.concurrency for pair in found})


def _times(verdicts: tuple[Verdict, ...]) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Return the times of a token by pair, and by 1 where the prompts are the long ones."""
    steps: dict[int, Callable[..., Any]] = {}
    times = {}
    for v in verdicts:
        if id(v.n) not in steps:
            real = v.n.assume(calibrated=True)
            steps[id(v.n)] = real.function("decode_step_time", *v.row.requests)
        alone = float(steps[id(v.n)](*v.row.requests.values()))
        times[divmod(v.row.place - 1, 2)] = np.array([v.row.value, alone, v.ideal, v.calibrated])
    return times
