"""Each file becomes the rows that a reader would write by hand, and says what it left out."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest

import napkin as nk

from . import COPY, FILES, MEASURED, batches, capacity, rows, served, vocabulary
from .vocabulary import COLUMNS, Row

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MEASURED.exists(), reason="measured data is not here"),
]

COUNTS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "serving": (
        {"tpot": 1548, "ttft": 1548},
        {
            served.DISAGGREGATED: 1145,
            served.MAYBE_SPECULATION: 487,
            COPY: 337,
            served.GB200: 77,
            served.ROUNDED: 76,
            served.PROVISIONAL: 65,
            served.SPECULATION: 37,
            served.PREFIX_HITS: 21,
            served.ONE_RANK: 19,
            vocabulary.NO_CONCURRENCY: 8,
            served.OTHER_CONCURRENCY: 6,
        },
    ),
    "inferencex": (
        {"tpot": 2028, "ttft": 2028, "output_tokens_per_second": 2024},
        {served.DISAGGREGATED: 865, served.SPECULATION: 168},
    ),
    "cost_at_load": (
        {"tpot": 77, "ttft": 77},
        {},
    ),
    "static_batch": (
        {"output_tokens_per_second": 2503, "tpot": 70},
        {
            batches.UNCLEAN: 913,
            batches.LAYERS: 267,
            vocabulary.NO_PEAK: 154,
            COPY: 267,
            vocabulary.NO_MODEL: 66,
            batches.SAME_PROMPT: 30,
            batches.FIRST_TOKEN: 24,
        },
    ),
    "decode": (
        {"tpot": 43, "output_tokens_per_second": 150, "ttft": 54},
        {
            batches.AS_MANY: 209,
            vocabulary.NO_LENGTHS: 132,
            batches.REPEATED: 125,
            batches.OTHER_UNIT: 63,
            batches.LAYERS: 60,
            vocabulary.NO_PEAK: 20,
            vocabulary.NO_MODEL: 8,
            batches.PRODUCTION: 6,
            vocabulary.NO_GPU: 2,
            batches.PROMPTS_ONLY: 2,
            batches.OUTLIER: 1,
            batches.SPECULATIVE: 1,
            COPY: 1,
        },
    ),
    "own_gpu": (
        {"tpot": 53},
        {batches.KERNELS: 178},
    ),
    "kv_capacity": (
        {"kv_tokens": 16},
        {
            vocabulary.NO_MODEL: 23,
            vocabulary.NO_GPU: 9,
            capacity.WHOLE_WINDOWS: 3,
            capacity.NO_COUNT: 3,
            capacity.CAPPED: 2,
            capacity.TWO_WIDTHS: 2,
            capacity.CONTEXT_PARALLEL: 1,
        },
    ),
    "mlperf_v6": (
        {},
        {vocabulary.NO_LENGTHS: 252},
    ),
}

BY_HAND: list[tuple[str, dict[str, Any]]] = [
    # 64 ranks are 8 * 8: inferencex.csv has this row, with 8 GPUs; 0.9 * 1024 tokens.
    (
        "serving",
        {"model": "nvidia/DeepSeek-R1-NVFP4", "gpu": "b200_sxm", "n_gpus": 8, "engine": "sglang"}
        | {"tensor_parallel": 8, "expert_parallel": 8, "precision": "nvfp4", "concurrency": 8}
        | {"prompt": 922, "new_tokens": 922, "metric": "tpot", "value": 0.00920466},
    ),
    # NVIDIA's own lengths are exact; no precision is BF16.
    (
        "serving",
        {"model": "Qwen/Qwen3-32B", "n_gpus": 2, "tensor_parallel": 2, "precision": "bf16"}
        | {"prompt": 1024, "concurrency": 128, "metric": "ttft", "value": 0.652331},
    ),
    # Attention data-parallel on all 4 GPUs, experts on the same.
    (
        "serving",
        {"model": "MiniMaxAI/MiniMax-M2.5", "n_gpus": 4, "tensor_parallel": 1}
        | {"attention_data_parallel": 4, "expert_parallel": 4, "precision": "nvfp4"}
        | {"bytes_per_expert_weight": 0.5625, "metric": "tpot", "value": 0.012687},
    ),
    (
        "inferencex",
        {"model": "nvidia/DeepSeek-R1-NVFP4", "engine": "tensorrt-llm", "n_gpus": 4}
        | {"tensor_parallel": 1, "attention_data_parallel": 4, "expert_parallel": 4}
        | {"metric": "output_tokens_per_second", "value": 4 * 1700.105},
    ),
    (
        "inferencex",
        {"model": "DeepSeek-R1-0528", "gpu": "mi300x", "precision": "fp8", "n_gpus": 8}
        | {"concurrency": 4, "prompt": 922, "metric": "tpot", "value": 0.02705736},
    ),
    # 24.2857 requests/s, each for 2.5387 + 255 * 0.060213 seconds.
    (
        "cost_at_load",
        {"precision": "bf16", "gpu": "H100", "prompt": 512, "new_tokens": 256}
        | {"concurrency": 435, "metric": "tpot", "value": 0.060212589},
    ),
    # llama.cpp read its prompt token by token: 2.168549 s for 256 tokens.
    (
        "static_batch",
        {"model": "meta-llama/Llama-2-7b-hf", "gpu": "H100-SXM-80GB", "engine": "llama.cpp"}
        | {"prompt": 1, "new_tokens": 255, "batch": 1, "metric": "tpot", "value": 2.168549 / 256},
    ),
    (
        "static_batch",
        {"model": "mistralai/Mixtral-8x7B-v0.1", "gpu": "A100-SXM4-40GB", "n_gpus": 4}
        | {"tensor_parallel": 4, "expert_parallel": 2, "precision": "fp16", "batch": 1}
        | {"metric": "output_tokens_per_second", "value": 184.2671127575044 / 2},
    ),
    # Version 0.5.0 prints totals, 0.9.0 numbers of one GPU.
    (
        "decode",
        {"model": "Llama-2-70B", "n_gpus": 4, "precision": "fp8", "kv_precision": "fp8"}
        | {"batch": 64, "metric": "output_tokens_per_second", "value": 3317.0},
    ),
    (
        "decode",
        {"model": "Llama-2-70B", "n_gpus": 4, "prompt": 128, "new_tokens": 2048, "batch": 512}
        | {"metric": "output_tokens_per_second", "value": 4 * 2725.0},
    ),
    # 1,024 prompt tokens at 3240.95 tokens/s.
    (
        "decode",
        {"gpu": "A40 48GB", "bytes_per_weight": 0.61, "prompt": 1024, "batch": 1}
        | {"metric": "ttft", "value": 1024 / 3240.95},
    ),
    (
        "own_gpu",
        {"model": "Llama-3-8B", "gpu": "H100-SXM-80GB", "precision": "bf16", "prompt": 1023}
        | {"batch": 1, "metric": "tpot", "value": 0.00656138},
    ),
    (
        "own_gpu",
        {"model": "Qwen3-32B", "precision": "fp8", "bytes_per_embedding_weight": 2, "batch": 7}
        | {"prompt": 20479, "metric": "tpot", "value": 0.0313392},
    ),
    (
        "kv_capacity",
        {"model": "Meta-Llama-3-8B-Instruct", "gpu": "H200 141GB", "engine": "sglang"}
        | {"usable_memory": 0.8718, "reserved_memory": "0 GB", "value": 871371},
    ),
    (
        "kv_capacity",
        {"model": "Meta-Llama-3.1-70B-Instruct", "gpu": "H200", "tensor_parallel": 8}
        | {"usable_memory": 0.95, "engine": "vllm", "metric": "kv_tokens", "value": 2814144},
    ),
]


@cache
def read(name: str) -> tuple[list[Row], Counter[str]]:
    return rows(name)


def same(told: str, expected: object) -> bool:
    if isinstance(expected, str):
        return told == expected
    return float(told or "nan") == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_counted(name: str) -> None:
    kept, left_out = read(name)
    assert (Counter(row["metric"] for row in kept), left_out) == COUNTS[name]


@pytest.mark.parametrize("name", FILES)
def test_columns_are_those_of_the_vocabulary(name: str) -> None:
    for row in read(name)[0]:
        assert row.keys() <= set(COLUMNS) and float(row["value"]) > 0
        assert row["metric"] == "kv_tokens" or ("batch" in row) != ("concurrency" in row)


@pytest.mark.parametrize(("name", "expected"), BY_HAND)
def test_rows_are_as_written_by_hand(name: str, expected: dict[str, Any]) -> None:
    found = [
        row
        for row in read(name)[0]
        if all(same(row.get(column, ""), value) for column, value in expected.items())
    ]
    assert found


@pytest.mark.parametrize("name", FILES)
def test_napkin_takes_every_name(name: str) -> None:
    """A worksheet of each model, GPU and precision; times need a peak as well."""
    named = ("precision", "kv_precision", "engine")
    widths = tuple(column for column in COLUMNS if column.startswith("bytes_per_"))
    kept = read(name)[0]
    distinct = {tuple(row.get(c) for c in ("model", "gpu", *named, *widths)): row for row in kept}
    for row in distinct.values():
        choices: dict[str, Any] = {column: row.get(column) for column in named}
        choices |= {column: float(row[column]) for column in widths if column in row}
        n = nk.Napkin(model=row["model"], accelerator=row["gpu"], **choices)
        assert row["metric"] == "kv_tokens" or (n["peak_flops"] and n["weight_bytes"])
