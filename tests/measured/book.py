"""The measured rows that the book brings: those of servers under load, each configuration once."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import geometric_mean
from typing import Final

from . import rows
from .vocabulary import Row

BOOK: Final = Path(__file__).parents[2] / "chapters" / "data" / "served.csv"
COLUMNS: Final = (
    *("model", "gpu", "n_gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"),
    *("precision", "bytes_per_expert_weight", "engine", "prompt", "new_tokens", "concurrency"),
)
SOURCES: Final = {
    "serving": "ai-dynamo/aiconfigurator@095f58a51c4c",
    "inferencex": "SemiAnalysisAI/InferenceX",
}


def read() -> list[Row]:
    """Return the rows that the book brings."""
    with BOOK.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def served() -> None:
    """Write the rows; repeats of a configuration become their geometric mean."""
    repeats: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    for name, source in SOURCES.items():
        waiting: dict[str, Row] = {}
        for row in rows(name)[0]:
            if row["metric"] == "tpot":
                waiting = {"tpot": row}
            elif row["metric"] == "ttft" and waiting:
                told = (*(row.get(column, "") for column in COLUMNS), source)
                repeats[told].append((float(waiting["tpot"]["value"]), float(row["value"])))
                waiting = {}
    with BOOK.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*COLUMNS, "metric", "value", "source"))
        for told, times in sorted(repeats.items()):
            for metric, values in zip(("tpot", "ttft"), zip(*times, strict=True), strict=True):
                table.writerow((*told[:-1], metric, f"{geometric_mean(values):.4g}", told[-1]))
