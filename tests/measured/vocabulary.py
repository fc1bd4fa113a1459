"""What the adapters share: the columns of `nk.measure`, and how a source's words become ours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

Row = dict[str, str]
Answer = list[Row] | str  # the rows of one line of a file, or why it has none

MEASURED: Final = Path(__file__).parents[3] / "shared" / "measured"
COLUMNS: Final = [
    "model",
    "gpu",
    "n_gpus",
    "tensor_parallel",
    "attention_data_parallel",
    "expert_parallel",
    "precision",
    "kv_precision",
    "bytes_per_weight",
    "bytes_per_expert_weight",
    "engine",
    "prompt",
    "new_tokens",
    "concurrency",
    "batch",
    "metric",
    "value",
    "source",
    "note",
    "engine_version",
    "date",
]
_ENGINES: Final = {
    "trt": "tensorrt-llm",
    "trtllm": "tensorrt-llm",
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llama.cpp",
}


def engine(name: str) -> str:
    """Return the package's name of an engine, or its own where the package has no such engine."""
    plain = name.lower().partition(" ")[0].replace("-", "").replace(".", "").removesuffix("_")
    return _ENGINES.get(plain, name)


def rows_of(metrics: dict[str, float | None], **columns: object) -> list[Row]:
    """Return one row for each metric that was measured, all of one configuration."""
    said = {name: str(value) for name, value in columns.items() if value not in (None, "")}
    return [
        said | {"metric": metric, "value": f"{value:.6g}"}
        for metric, value in metrics.items()
        if value
    ]


def number(text: str, scale: float = 1.0) -> float | None:
    """Return a number in our unit, or None where the source has none."""
    return float(text) * scale if text else None


def split(n_gpus: int, data_parallel: int, expert_parallel: int) -> dict[str, int]:
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
