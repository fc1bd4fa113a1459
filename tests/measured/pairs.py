"""Servers that were measured in FP8 and in four bits with the same version of their engine."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from statistics import geometric_mean
from typing import Any, Final

from . import rows
from .book import COLUMNS, SOURCES

PAIRS: Final = Path(__file__).parents[2] / "chapters" / "data" / "13-pairs.csv"
_CHECKPOINT: Final = ("model", "precision", "bytes_per_expert_weight")
_ALIKE: Final = tuple(name for name in COLUMNS if name not in _CHECKPOINT)
_WIDTHS: Final = {"fp8", "nvfp4"}


def paired() -> None:
    """Write each configuration that a source has in both widths; repeats become their mean.

    A configuration of both sources is taken from InferenceX, where NVIDIA has it from.
    """
    found: dict[Any, dict[Any, dict[str, list[float]]]] = {}
    for source in ("inferencex", "serving"):
        times: dict[Any, dict[Any, dict[str, list[float]]]] = defaultdict(dict)
        for row in rows(source)[0]:
            version = row.get("engine_version", "").rpartition(":")[2]
            if re.search(r"\d", version) and row["metric"] in ("tpot", "ttft"):
                row = row | {"gpu": row["gpu"].removesuffix("_sxm")}
                family = "DeepSeek-R1" if "DeepSeek-R1" in row["model"] else row["model"]
                server = (family, version, *(row.get(name, "") for name in _ALIKE))
                told = (*(row.get(name, "") for name in COLUMNS), version)
                both = times[server].setdefault((*told, SOURCES[source]), defaultdict(list))
                both[row["metric"]].append(float(row["value"]))
        precision = COLUMNS.index("precision")
        for server, checkpoints in times.items():
            if server not in found and _WIDTHS <= {told[precision] for told in checkpoints}:
                found[server] = {
                    told: values
                    for told, values in checkpoints.items()
                    if told[precision] in _WIDTHS
                }
    with PAIRS.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow((*COLUMNS, "engine_version", "metric", "value", "source"))
        for _, checkpoints in sorted(found.items()):
            for told, times_of in sorted(checkpoints.items()):
                for metric, values in sorted(times_of.items(), reverse=True):
                    table.writerow((*told[:-1], metric, f"{geometric_mean(values):.4g}", told[-1]))
