"""What the adapters share: the columns of `nk.measure`, and how a source's words become ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from napkin import catalog
from napkin.errors import UnknownNameError

Row = dict[str, str]
Answer = list[Row] | str  # the rows of one line of a file, or why it has none

MEASURED: Final = Path(__file__).parents[3] / "shared" / "measured"
COLUMNS: Final = (
    *("model", "gpu", "n_gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"),
    *("precision", "kv_precision", "bytes_per_weight", "bytes_per_expert_weight"),
    *("bytes_per_embedding_weight", "usable_memory", "reserved_memory", "engine"),
    *("prompt", "new_tokens", "concurrency", "batch", "metric", "value"),
    *("source", "note", "engine_version", "date"),
)
_ENGINES: Final = {
    **dict.fromkeys(("trt", "trtllm", "TensorRT-LLM"), "tensorrt-llm"),
    **dict.fromkeys(("vllm", "vLLM", "vLLM (offline, one batch)"), "vllm"),
    **dict.fromkeys(("sglang", "SGLang"), "sglang"),
    "llama.cpp": "llama.cpp",
}
NO_MODEL: Final = "the catalog has no such model"
NO_GPU: Final = "the catalog has no such accelerator"
NO_PEAK: Final = "the catalog has no peak of the accelerator"
NO_CONCURRENCY: Final = "concurrency not said"
NO_LENGTHS: Final = "lengths of prompts not said"


def rows_of(metrics: dict[str, float | None], **columns: object) -> Answer:
    """Return one row for each metric that was measured, all of one configuration."""
    columns["engine"] = _ENGINES.get(str(columns.get("engine")), "")
    told = {name: str(value) for name, value in columns.items() if value not in (None, "")}
    return unknown(told, timed="kv_tokens" not in metrics) or [
        told | {"metric": metric, "value": f"{value:.8g}"}
        for metric, value in metrics.items()
        if value
    ]


def unknown(row: Row, timed: bool) -> str:
    """Return what the catalog lacks of a row, or nothing."""
    try:
        _model(row["model"])
    except UnknownNameError:
        return NO_MODEL
    try:
        chip = catalog.accelerator(row["gpu"])
    except UnknownNameError:
        return NO_GPU
    return NO_PEAK if timed and not chip.peak_flops else ""


@cache
def _model(name: str) -> catalog.Model:
    return catalog.Model.from_config(name)


def number(text: str, scale: float = 1.0) -> float | None:
    """Return a number in our unit, or None where the source has none."""
    return float(text) * scale if text else None


def split(n_gpus: int, data_parallel: int = 1, expert_parallel: int = 1) -> dict[str, int]:
    """Return the columns that say how a replica of some GPUs is split."""
    return {
        "n_gpus": n_gpus,
        "tensor_parallel": n_gpus // data_parallel,
        "attention_data_parallel": data_parallel,
        "expert_parallel": expert_parallel,
    }


def weights(model: str, precision: str) -> dict[str, str]:
    """Return the columns of a model whose published copy with narrow weights is the one that ran.

    DeepSeek and MiniMax publish FP8, so a precision alone would not narrow them.
    """
    if "gpt-oss" in model:  # its products are 16 bits wide where a chip has no four bits
        return {"model": model, "precision": "mxfp4"}
    if precision != "fp4":
        return {"model": model, "precision": precision}
    if "DeepSeek" in model:
        copy = model if "FP4" in model else "nvidia/DeepSeek-R1-NVFP4"
        return {"model": copy, "precision": "nvfp4"}
    narrow = {"bytes_per_expert_weight": "0.5625"} if "MiniMax" in model else {}
    return {"model": model, "precision": "nvfp4"} | narrow


def first_reason(reasons: dict[str, bool]) -> str:
    """Return the first reason that holds, or nothing."""
    return next((reason for reason, holds in reasons.items() if holds), "")
