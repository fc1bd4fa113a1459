"""aiconfigurator, and AISimulate with the same names: measured kernels put together.

Asked as its own script of accuracy asks it: `cli_estimate` of an aggregated server with the
database that it takes by default, and as many requests a rank as the client keeps open.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Final

from tests.benchmarks.peers.answering import NoAnswerError, Predict, Row, serve

_SYSTEMS: Final = {
    **{"A100-SXM4-80GB": "a100_sxm", "H100-SXM5-80GB": "h100_sxm", "H200-SXM-141GB": "h200_sxm"},
    **{"B200-SXM": "b200_sxm", "B300-SXM": "b300_sxm", "GB200": "gb200", "GB300": "gb300"},
}
_BACKENDS: Final = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "trtllm"}


def start() -> Predict:
    """Return what predicts; tables once read are kept, which changes no answer."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    database = import_module("aiconfigurator.sdk.perf_database")
    for name in ("get_database_view", "get_latest_database_version"):
        setattr(database, name, cache(getattr(database, name)))
    estimate = import_module("aiconfigurator.cli.api").cli_estimate
    known = import_module("aiconfigurator.sdk.common").DefaultHFModels

    def predict(row: Row) -> float:
        model = next((name for name in row["model_names"] if name in known), "")
        for what, lacks in (
            (f"config of {row['model']}", not model),
            (row["gpu_name"], row["gpu_name"] not in _SYSTEMS),
            (f"engine {row['engine']!r}", row["engine"] not in _BACKENDS),
        ):
            if lacks:
                raise NoAnswerError(f"it has no {what}")
        groups, experts = row["attention_data_parallel"], row["expert_parallel"]
        told = {
            **{"model_path": model, "system_name": _SYSTEMS[row["gpu_name"]]},
            **{"backend_name": _BACKENDS[row["engine"]], "mode": row["mode"]},
            **{"isl": row["prompt"], "osl": row["new_tokens"]},
            **{"batch_size": max(1, round(row["sequences"] / groups))},
            **{"tp_size": row["tensor_parallel"], "attention_dp_size": groups},
            **{"moe_tp_size": row["n_gpus"] // experts, "moe_ep_size": experts},
        }
        if row["kv_bits"] == 8:
            told["kvcache_quant_mode"] = "fp8"
        try:
            return float(estimate(**told, **_widths(row, model)).tpot) / 1e3
        except Exception as reason:  # perhaps its tables have the widths of the published weights
            with suppress(Exception):
                return float(estimate(**told).tpot) / 1e3
            raise reason

    return predict


def _widths(row: Row, model: str) -> dict[str, Any]:
    """Return the widths of products: those of its script, or none for those as published."""
    if row["precision"] == "mxfp4" and "B" in row["gpu_name"].partition("-")[0]:
        return {"moe_quant_mode": "w4a8_mxfp4_mxfp8"}  # what engines run on Blackwell
    if row["precision"] not in ("fp8", "nvfp4") or model.upper().endswith(("FP8", "FP4")):
        return {}
    gemm = row["precision"]
    blocks = gemm == "fp8" and row["engine"] == "sglang"
    return {"gemm_quant_mode": gemm, "moe_quant_mode": "fp8_block" if blocks else gemm}


if __name__ == "__main__":
    serve(start)
