"""Adapters of measured public data: files become rows of the vocabulary that `nk.measure` reads.

`python -m tests.measured serving > serving.csv` writes those of one file.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from typing import Final

from .batches import decode, own_gpu, static_batch
from .capacity import kv_capacity
from .served import cost_at_load, inferencex, serving
from .vocabulary import COLUMNS, MEASURED, NO_LENGTHS, Answer, Row

__all__ = ["COLUMNS", "COPY", "FILES", "MEASURED", "rows"]

COPY: Final = "a copy of another row"
FILES: Final[dict[str, Callable[[Row], Answer]]] = {
    "serving": serving,
    "inferencex": inferencex,
    "cost_at_load": cost_at_load,
    "static_batch": static_batch,
    "decode": decode,
    "own_gpu": own_gpu,
    "kv_capacity": kv_capacity,
    "mlperf_v6": lambda _: NO_LENGTHS,
}
_BESIDE: Final = {"value", "source", "note", "engine_version", "date"}


def rows(name: str) -> tuple[list[Row], Counter[str]]:
    """Return the rows of a file, and how many of its lines were left out for each reason."""
    kept: list[Row] = []
    left_out = Counter[str]()
    seen = set[tuple[str, ...]]()
    with (MEASURED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            answer = FILES[name](line)
            if isinstance(answer, list):
                copied = {_computed(row) for row in answer}
                answer = COPY if copied <= seen else answer
                seen |= copied
            if isinstance(answer, str):
                left_out[answer] += 1
            else:
                kept += [row | {"source": line["source"]} for row in answer]
    return kept, left_out


def _computed(row: Row) -> tuple[str, ...]:
    """Return all that decides a prediction, and the number as far as each source prints it."""
    told = (row.get(column, "") for column in COLUMNS if column not in _BESIDE)
    return (*told, f"{float(row['value']):.6g}")
