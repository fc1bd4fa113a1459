"""Tokens that a server's cache holds, as its log says: kv_capacity.csv."""

from __future__ import annotations

from typing import Final

from .vocabulary import Answer, Row, first_reason, number, rows_of, split

NO_COUNT: Final = "no count of tokens"
CAPPED: Final = "capped by its user"
CONTEXT_PARALLEL: Final = "a cache spread over GPUs by tokens (decode context parallel)"
TWO_WIDTHS: Final = "a cache of two widths"
WHOLE_WINDOWS: Final = "an old engine that keeps every token of windowed layers"

_MODELS: Final = {
    "Qwen3-0.6B-FP8": "Qwen3-0.6B",
    "Meta-Llama-3.1-405B-Instruct-AWQ-INT4": "Llama-3.1-405B-Instruct",
}
_STORED: Final = {
    "int4 awq": {"precision": "w4a16"},
    "int4": {"precision": ""},  # as published
    "bf16/fp16": {"precision": "bf16"},
    "bnb 4-bit": {  # with scales that are quantized, too
        "precision": "fp16",
        "bytes_per_weight": "0.516",
        "bytes_per_embedding_weight": "2",
    },
}
_VLLM_SHARE: Final = "0.9"  # the default of these versions


def kv_capacity(row: Row) -> Answer:
    """Return the row of a line of kv_capacity.csv."""
    model, share = row["model"].partition(" (")[0], row["gpu_memory_utilization"]
    reason = first_reason(
        {
            NO_COUNT: not row["kv_tokens"],
            CAPPED: "capped" in share or "max_total" in share,
            CONTEXT_PARALLEL: "DCP" in row["engine_version"],
            TWO_WIDTHS: "V3.2" in model,
            WHOLE_WINDOWS: "gemma" in model.lower(),
        }
    )
    if reason:
        return reason
    static = share.startswith("mem_fraction_static")  # of everything but weights and cache
    default = _VLLM_SHARE if row["engine"] == "vLLM" else ""
    return rows_of(
        {"kv_tokens": number(row["kv_tokens"])},
        model=_MODELS.get(model, model),
        gpu=row["gpu"].partition(" (")[0].removesuffix(" x2").removesuffix("-class"),
        **_STORED.get(row["weight_dtype"], {"precision": row["weight_dtype"]}),
        kv_precision=row["kv_dtype"],
        usable_memory=share.removeprefix("mem_fraction_static ") or default,
        reserved_memory="0 GB" if static else "",
        **split(int(row["n_gpus_tp"] or 1)),
        engine=row["engine"],
        note=row["notes"],
        engine_version=row["engine_version"],
    )
