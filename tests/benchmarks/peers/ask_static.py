"""Calculators of a static batch, which know no prompts of others: llm-analysis and GenZ.

Each has full efficiency, its default, its own spec sheet where it has one, and the same shapes.
"""

from __future__ import annotations

import logging
import sys
import warnings
from importlib import import_module
from typing import Any, Final

from tests.benchmarks.peers.answering import NoAnswerError, Predict, Row, serve

_ANALYSIS: Final = {"A100-SXM4-80GB": "a100-sxm-80gb", "H100-SXM5-80GB": "h100-sxm-80gb"}
_GENZ: Final = {
    **{"A100-SXM4-80GB": "A100_80GB_GPU", "H100-SXM5-80GB": "H100_GPU", "GB200": "GB200"},
    **{"MI300X": "MI300X", "MI325X": "MI325X"},
}


def _shapes(row: Row) -> dict[str, Any]:
    """Return the shapes of a model that both know, with the width of one expert."""
    shapes = row["shapes"]
    if "n_kv_heads" not in shapes or shapes.get("n_layers_linear"):
        raise NoAnswerError("it knows only attention with a cache of keys and values")
    if row["attention_data_parallel"] > 1:
        raise NoAnswerError("it has no data parallelism of attention alone")
    return {"n_experts": 1, "n_experts_active": 1, "d_ff_expert": shapes["d_ff"], **shapes}


def llm_analysis() -> Predict:
    """Return what predicts: the latency of a decode step, its caches full."""
    analysis, config = (import_module(f"llm_analysis.{name}") for name in ("analysis", "config"))
    logging.disable(logging.CRITICAL)

    def predict(row: Row) -> float:
        shapes, bits = _shapes(row), row["bits"]
        model = config.ModelConfig(
            name=row["model"],
            num_layers=shapes["n_layers"],
            n_head=shapes["n_heads"],
            hidden_dim=shapes["d_model"],
            vocab_size=shapes["n_vocab"],
            num_key_value_heads=shapes["n_kv_heads"],
            ffn_embed_dim=shapes["d_ff_expert"],
            expansion_ratio=shapes["d_ff_expert"] / shapes["d_model"],
            moe_num_experts=shapes["n_experts"],
            moe_top_k=shapes["n_experts_active"],
        )
        own = _ANALYSIS.get(row["gpu_name"])
        sheet = (
            *(row["memory"] / 2**30, row["bandwidth"] / 1e9, row["link_bandwidth"] / 1e9),
            *(8e-6, row["peak_flops"] / 1e12),  # a link's latency as on its own sheets
        )
        gpu = config.get_gpu_config_by_name(own) if own else config.GPUConfig("row", *sheet)
        widths = config.DtypeConfig("row", bits, 16 if row["wide_products"] else bits, 16)
        spread = config.ParallelismConfig(row["tensor_parallel"], ep_size=row["expert_parallel"])
        found = analysis.LLMAnalysis(model, gpu, widths, spread).inference(
            row["sequences"],
            row["prompt"],
            row["new_tokens"],
            kv_cache_dtype_bytes=row["kv_bits"] / 8,
        )
        return float(found["decode_latency"])

    return predict


def genz() -> Predict:
    """Return what predicts: `decode_moddeling`, its caches half grown."""
    warnings.simplefilter("ignore")
    decode = import_module("GenZ").decode_moddeling
    config = import_module("GenZ.Models").ModelConfig

    def predict(row: Row) -> float:
        shapes = _shapes(row)
        model = config(
            model=row["model"].replace("/", "_"),
            vocab_size=shapes["n_vocab"],
            hidden_size=shapes["d_model"],
            intermediate_size=shapes["d_ff_expert"],
            num_ffi=shapes["n_mlp_matrices"] - 1,
            num_decoder_layers=shapes["n_layers"],
            num_attention_heads=shapes["n_heads"],
            head_dim=shapes["d_head"],
            num_key_value_heads=shapes["n_kv_heads"],
            num_experts=shapes["n_experts"],
            expert_top_k=shapes["n_experts_active"],
        )
        sheet = {"Flops": row["peak_flops"] / 1e12, "Memory_size": row["memory"] / 2**30}
        sheet |= {"Memory_BW": row["bandwidth"] / 1e9, "ICN": row["link_bandwidth"] / 1e9}
        found = decode(
            model=model,
            batch_size=row["sequences"],
            input_tokens=row["prompt"],
            output_tokens=row["new_tokens"] // 2,
            Bb=1,
            system_name=_GENZ.get(row["gpu_name"]) or sheet | {"real_values": True},
            bits={16: "bf16", 8: "fp8", 4: "fp4"}[row["bits"]],
            tensor_parallel=row["tensor_parallel"],
        )
        return float(found["Latency"]) / 1e3

    return predict


if __name__ == "__main__":
    serve({"llm-analysis": llm_analysis, "genz-llm": genz}[sys.argv[3]])
