"""What the capstone compares with: DeepSeek-R1 with its draft head on one node of eight B200s.

Every configuration that ran aggregated with TensorRT-LLM or SGLang, each with its newest run;
means, or medians where a run has no means. Numbers of guesses are those of chapter 15.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from .drafts import DATA, ENGINES, SOURCE, read, written
from .served import DRAWN
from .vocabulary import Row, split

FILE: Final = DATA / "capstone-mtp.csv"
_GUESSES: Final = {("trt", False): 3, ("trt", True): 1, ("sglang", False): 2}
_CONFIGURATION: Final = (
    *("precision", "framework", "decode_ep", "decode_dp_attention", "isl", "osl", "concurrency"),
)
_COLUMNS: Final = (
    *("model", "gpu", "n_gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"),
    *("precision", "engine", "prompt", "new_tokens", "concurrency", "draft_tokens"),
    *("metric", "value", "per_gpu", "date", "source"),
)


def newest() -> str:
    """Return the file: two lines for each server, its `tpot` and its `ttft`."""
    rows = filter(_is_chosen, read("inferencex"))
    last: dict[tuple[Any, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row["date"]):
        last[tuple(int(x) if (x := row[c]).isdigit() else x for c in _CONFIGURATION)] = row
    return written(_COLUMNS, [line for key in sorted(last) for line in _lines(last[key])])


def _is_chosen(row: Row) -> bool:
    what = (row["model"], row["gpu"], row["n_gpus"], row["spec_method"])
    return (
        what == ("DeepSeek-R1-0528", "b200", "8", "mtp")
        and "True" not in (row["disagg"], row["multinode"])
        and row["framework"] in ENGINES
    )


def _lines(row: Row) -> list[tuple[Any, ...]]:
    alone = row["decode_dp_attention"] == "True"
    average = "mean" if row["mean_tpot_s"] else "median"
    parts = split(8, 8 if alone else 1, int(row["decode_ep"]))
    names = ("tensor_parallel", "attention_data_parallel", "expert_parallel")
    told = (
        *("DeepSeek-R1-0528", "b200", 8, *(parts[name] for name in names)),
        *(row["precision"], ENGINES[row["framework"]]),
        *(round(DRAWN * int(row["isl"])), round(DRAWN * int(row["osl"]))),
        *(int(row["concurrency"]), _GUESSES[row["framework"], alone]),
    )
    per_gpu = f"{float(row['output_tput_per_gpu_tok_s']):.4g}"
    return [
        (*told, metric, f"{float(row[f'{average}_{metric}_s']):.4g}", per_gpu, row["date"], SOURCE)
        for metric in ("tpot", "ttft")
    ]


if __name__ == "__main__":
    FILE.write_text(newest(), encoding="utf-8")
    sys.stderr.write(f"wrote {FILE.name}\n")
