# SPDX-License-Identifier: Apache-2.0
"""The shapes that are measured, by kind, and the columns of the table."""

from __future__ import annotations

from itertools import product
from typing import Any

COLUMNS = [
    *["gpu", "kind", "model", "precision", "batch", "context", "prompt", "m", "n", "k"],
    *["group_size", "n_experts", "n_experts_active", "experts_touched"],
    *["seconds", "seconds_min", "seconds_max", "bytes_moved", "flop", "gb_per_s", "tflop_per_s"],
    *["note", "source", "chunk", "chunk_context"],
]
Case = dict[str, Any]  # the columns that say what was measured

ROWS = [1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 2048, 4096]
ATTENTION = [(32, 4096, group) for group in (1, 2, 4, 8, 16, 32, 64)] + [
    (batch, context, 8)
    for batch, contexts in {
        1: (4096, 32768, 131072),
        8: (4096, 32768),
        64: (1024, 4096, 8192),
        256: (1024, 2048),
    }.items()
    for context in contexts
]
STEPS = {  # batch and context
    "Llama-3-8B": [
        *[(batch, 1024) for batch in (1, 8, 32, 64, 128, 256)],
        *[(2, 2048), (64, 4096), (1, 8192), (16, 8192), (32, 8192), (4, 32768)],
    ],
    "Qwen3-32B": [
        *[(batch, 1024) for batch in (1, 8, 32, 64, 128)],
        *[(2, 2048), (32, 4096), (16, 8192), (1, 20480), (4, 20480), (7, 20480)],
    ],
    "tiny": [(2, 16)],
}
PROMPTS = {
    "Llama-3-8B": [512, 2048, 8192, 16384],
    "Qwen3-32B": [512, 2048, 8192],
    "tiny": [16],
}
CHUNKS = [(size, 0) for size in (0, 16, 32, 64, 128, 192, 256, 384, 512, 1024, 2048)] + [
    (size, 8192) for size in (0, 64, 192, 448, 960)
]


def cases(tiny: bool, has_fp8: bool) -> dict[str, list[Case]]:
    """Return what each kind measures; tiny shapes show that it runs."""
    small, large = ("tiny", "tiny") if tiny else ("Llama-3-8B", "Qwen3-32B")
    models = {small: "bf16", large: "fp8" if has_fp8 else "bf16"}
    precisions = ["bf16", "fp8"] if has_fp8 else ["bf16"]
    rows, n, k = ([1, 4], 128, 64) if tiny else (ROWS, 25600, 5120)
    attention = [(2, 64, 4)] if tiny else ATTENTION
    tokens = [2] if tiny else [2**power for power in range(11)]
    batch, context, chunks = (2, 16, [(0, 0), (4, 0), (4, 8)]) if tiny else (64, 1024, CHUNKS)
    return {
        "gemm": [
            {"precision": precision, "m": m, "n": n, "k": k}
            for m, precision in product(rows, precisions)
        ],
        "decode_attention": [
            {"precision": "bf16", "batch": batch, "context": context, "group_size": group}
            for batch, context, group in attention
        ],
        "experts": [
            {"precision": "bf16", "batch": batch, "n_experts": 128, "n_experts_active": 8}
            for batch in tokens
        ],
        "prefill": [
            {"model": model, "precision": f"weights {width}", "prompt": prompt}
            for model, width in models.items()
            for prompt in PROMPTS[model]
        ],
        "decode_step": [
            {
                "model": model,
                "precision": f"weights {width}, cache bf16",
                "batch": batch,
                "context": context,
            }
            for model, width in models.items()
            for batch, context in STEPS[model]
        ],
        "mixed_step": [
            {
                "model": small,
                "precision": "weights bf16, cache bf16",
                "batch": batch,
                "context": context,
                "chunk": chunk,
                "chunk_context": before,
            }
            for chunk, before in chunks
        ],
    }
