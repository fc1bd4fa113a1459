"""How far off predictions are: on what each answers, and on what a peer and Napkin both do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, log
from statistics import mean, median
from typing import Any

from napkin.quantities.table import Table
from tests.benchmarks.peers.rows import Answer

Rows = Sequence[Mapping[str, Any]]
Answers = Mapping[str, Sequence[Answer]]


def score(measured: Sequence[float], predicted: Sequence[float]) -> tuple[float, float, float]:
    """Return mean and median error as a share of what was measured, and the mean factor."""
    ratios = [p / m for p, m in zip(predicted, measured, strict=True)]
    errors = [abs(ratio - 1) for ratio in ratios]
    return mean(errors), median(errors), exp(mean(abs(log(ratio)) for ratio in ratios))


def _cells(rows: Rows, answers: Sequence[Answer], kept: Sequence[int]) -> list[str]:
    if not kept:
        return ["", "", ""]
    measured = [float(rows[i]["value"]) for i in kept]
    average, middle, factor = score(measured, [answers[i]["tpot"] for i in kept])
    return [f"{100 * average:.1f}", f"{100 * middle:.1f}", f"{factor:.3f}"]


def _answered(*answers: Sequence[Answer]) -> list[int]:
    every = enumerate(zip(*answers, strict=True))
    return [i for i, each in every if all("tpot" in answer for answer in each)]


def each_alone(rows: Rows, answers: Answers, beat: Mapping[str, int]) -> Table:
    """Tabulate everyone on the rows that they answer."""
    lines = []
    for name, found in answers.items():
        kept = _answered(found)
        times = [1e3 * found[i]["seconds"] for i in kept] or [0.0]
        cells = [name, f"{len(kept)} of {len(rows)}", *_cells(rows, found, kept), str(beat[name])]
        lines.append([*cells, f"{mean(times):.1f}", f"{median(times):.1f}"])
    head = ["", "answers", "mean error, %", "median, %", "factor", "beat physics"]
    return Table([*head, "ms an answer, mean", "median"], lines)


def in_pairs(rows: Rows, answers: Answers, peer: str, ours: Sequence[str], by: str) -> Table:
    """Tabulate a peer and ours on the rows that all of them answer, in all and by a column."""
    kept = _answered(answers[peer], *(answers[name] for name in ours))
    labels = {i: " ".join(str(rows[i].get(by) or "not said").split()[:2])[:40] for i in kept}
    lines = []
    for label, _ in [("all", 0), *Counter(labels.values()).most_common(14)]:
        part = [i for i in kept if label in ("all", labels[i])]
        cells = ("  ".join(_cells(rows, answers[name], part)) for name in (peer, *ours))
        lines.append([label, str(len(part)), *cells])
    return Table([by, "rows", peer, *ours], lines)


def reasons(found: Sequence[Answer]) -> list[str]:
    """Count the most frequent reasons for no answer."""
    said = Counter(answer["reason"][:100] for answer in found if "reason" in answer)
    return [f"{count} rows: {reason}" for reason, count in said.most_common(6)]
