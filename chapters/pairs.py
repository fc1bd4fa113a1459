# SPDX-License-Identifier: Apache-2.0
"""Measured servers that differ only in the length of their prompts, for chapter 11."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napkin.quantities.table import Table
from napkin.worksheet.verdicts import judgeable

_APART: Final = ("metric", "value", "prompt", "new_tokens", "source")


class Pair(NamedTuple):
    """How many times as long a token took with long prompts: measured, and predicted."""

    concurrency: float
    measured: float
    step_alone: float
    ideal: float
    calibrated: float


def pairs(path: Path | str, *, short: int, long: int, answer: int) -> list[Pair]:
    """Find all servers measured with prompts of both lengths, and predict the change.

    Times to the first token go along, because they tell which servers had a queue.
    """
    servers = defaultdict[tuple[str, ...], dict[int, list[dict[str, str]]]](dict)
    with Path(path).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if int(row["new_tokens"]) == answer and int(row["prompt"]) in (short, long):
                key = tuple(value for name, value in row.items() if name not in _APART)
                servers[key].setdefault(int(row["prompt"]), []).append(row)
    rows, places = list[dict[str, str]](), list[tuple[int, int]]()
    for number, server in enumerate(both for both in servers.values() if len(both) == 2):
        for size, measured in server.items():
            rows += measured
            places += [(number, size)] * len(measured)
    seen = {places[place - 1]: found for place, found in _times(rows)}
    return [
        Pair(concurrency, *map(float, seen[number, long][1] / times))
        for (number, size), (concurrency, times) in seen.items()
        if size == short and (number, long) in seen
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


def _times(
    measured: list[dict[str, str]],
) -> Iterator[tuple[int, tuple[float, NDArray[np.float64]]]]:
    """Yield the place of each row with its open requests and the times of a token."""
    for n, group in judgeable(measured, []):
        rows = [row for row in group if row.metric == "tpot"]
        if rows:
            real, names = n.assume(calibrated=True), tuple(rows[0].requests)
            columns = [np.array([row.requests[name] for row in rows], float) for name in names]
            times = [
                np.array([row.value for row in rows]),
                real.function("decode_step_time", *names)(*columns),
                n.function("tpot", *names)(*columns),
                real.function("tpot", *names)(*columns),
            ]
            for row, column in zip(rows, np.array(times).T, strict=True):
                yield row.place, (row.counts["concurrency"], column)
