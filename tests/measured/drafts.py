"""What chapter 15 compares with: servers with and without drafts, and tokens that drafts kept.

A pair is one configuration of DeepSeek-R1 that ran both ways: aggregated, on one node of B200s or
H200s, with TensorRT-LLM or SGLang, the same GPUs, experts, attention, lengths and concurrency. The
numbers of guesses are those of the launch scripts (benchmarks/dsr1_*_mtp.sh): three with
TensorRT-LLM, one where attention is data-parallel, two with SGLang.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from io import StringIO
from pathlib import Path
from statistics import geometric_mean
from typing import Any, Final

from .served import DRAWN
from .vocabulary import MEASURED, Row

DATA: Final = Path(__file__).parents[2] / "chapters" / "data"
ENGINES: Final = {"trt": "tensorrt-llm", "sglang": "sglang"}
_CONFIGURATION: Final = (
    *("gpu", "precision", "framework", "n_gpus", "decode_ep", "decode_dp_attention"),
    *("isl", "osl", "concurrency"),
)
SOURCE: Final = "SemiAnalysisAI/InferenceX, by vngcloud/InferenceX-app@528c4146b8f5"
_COLUMNS: Final = (
    *("model", "gpu", "n_gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"),
    *("precision", "engine", "prompt", "new_tokens", "concurrency", "draft_tokens"),
    *("metric", "value", "drafted", "chunk", "drafted_chunk", "runs", "drafted_runs", "source"),
)


def pairs() -> str:
    """Return `15-drafts.csv`; repeats of a configuration become their geometric mean."""
    runs: dict[str, dict[tuple[Any, ...], list[Row]]] = {
        method: defaultdict(list) for method in ("none", "mtp")
    }
    for row in read("inferencex"):
        if (
            row["model"] == "DeepSeek-R1-0528"
            and row["disagg"] != "True"
            and row["framework"] in ENGINES
            and row["gpu"] in ("b200", "h200")
        ):
            told: Any = (int(x) if (x := row[name]).isdigit() else x for name in _CONFIGURATION)
            runs[row["spec_method"]][tuple(told)].append(row)
    found = []
    for key in sorted(runs["none"].keys() & runs["mtp"].keys()):
        gpu, precision, framework, n_gpus, experts, apart, isl, osl, concurrency = key
        alone = apart == "True"
        guesses = {"trt": 1 if alone else 3, "sglang": 2}[framework]
        both = [runs[method][key] for method in ("none", "mtp")]
        found.append(
            (
                *("DeepSeek-R1-0528", gpu, n_gpus, *((1, n_gpus) if alone else (n_gpus, 1))),
                *(experts, precision, ENGINES[framework]),
                *(round(DRAWN * isl), round(DRAWN * osl), concurrency, guesses, "tpot"),
                *(_mean(rows, name) for name in ("tpot", "itl") for rows in both),
                *(len(rows) for rows in both),
                SOURCE,
            )
        )
    return written(_COLUMNS, found)


def lengths() -> str:
    """Return `15-acceptance.csv`: every series of the source, one line each."""
    series: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for row in read("speculative_acceptance_length"):
        source = row["source"].replace(" golden", ", golden").removesuffix(" (Apache-2.0)")
        told = (row["model"], row["mode"].replace("_", " "), row["speculator"], source)
        series[told][row["num_speculative_tokens"]] = row["accepted_length_tokens_per_step"]
    sizes = [str(size) for size in range(1, 9)]
    lines = [(*told[:-1], *map(kept.get, sizes), told[-1]) for told, kept in series.items()]
    return written(("model", "mode", "draft", *sizes, "source"), lines)


FILES: Final = {"15-drafts.csv": pairs, "15-acceptance.csv": lengths}


def read(name: str) -> list[Row]:
    with (MEASURED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _mean(rows: list[Row], name: str) -> str:
    return f"{geometric_mean(float(row[f'median_{name}_s']) for row in rows):.4g}"


def written(columns: tuple[str, ...], lines: list[tuple[Any, ...]]) -> str:
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerows([columns, *lines])
    return text.getvalue()


if __name__ == "__main__":
    for name, make in FILES.items():
        (DATA / name).write_text(make(), encoding="utf-8")
        sys.stderr.write(f"wrote {name}\n")
