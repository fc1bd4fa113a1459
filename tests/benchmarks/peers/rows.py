"""Rows of measured serving as a peer gets them, and what Napkin answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import napkin as nk
from napkin.catalog import BYTES, SCALED, Model, accelerator, table
from napkin.catalog.naming import model_named
from napkin.errors import NapkinError
from napkin.quantities.given import coherent

Answer = dict[str, Any]
"""`tpot` in seconds or a `reason`, and the `seconds` that it took."""
_COUNTS = (
    *("n_gpus", "attention_data_parallel", "expert_parallel"),
    *("prompt", "new_tokens", "batch", "concurrency"),
)


def napkin_answers(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Answer]]:
    """Return Napkin's two answers to all rows; times to a first token tell which rows queue."""
    began = perf_counter()
    found = nk.measure(rows)
    each = {"seconds": (perf_counter() - began) / len(rows)}
    left: list[Answer] = [{"reason": "not judged"} for _ in rows]
    for out in found.left_out:
        left[out.place - 1] = {"reason": out.reason}
    answers = {"napkin, ideal": left, "napkin, calibrated": list(left)}
    for v in found.verdicts:
        answers["napkin, ideal"][v.row.place - 1] = {"tpot": v.ideal} | each
        answers["napkin, calibrated"][v.row.place - 1] = {"tpot": v.calibrated} | each
    return answers


def beating(rows: Sequence[Mapping[str, Any]], predicted: Sequence[Answer]) -> int:
    """Count predictions that would break Napkin's bound, had they been measured."""
    both = zip(rows, predicted, strict=True)
    claimed = [{**row, "value": answer["tpot"]} for row, answer in both if "tpot" in answer]
    return sum(v.beats_bound for v in nk.measure(claimed).verdicts)


def told(row: Mapping[str, str]) -> dict[str, Any]:
    """Return a row with numbers in it and its model's and GPU's facts, or the reason for none."""
    try:
        model, chip = Model.from_config(row["model"]), accelerator(row["gpu"])
        counts = {name: round(float(row.get(name) or 1)) for name in _COUNTS}
        peak = coherent("peak_flops", chip.peak("bf16"))
    except (NapkinError, ValueError) as reason:
        return {"reason": str(reason).partition("\n")[0]}
    precision, shapes = row.get("precision") or "", model.givens
    width = shapes.get("bytes_per_expert_weight", shapes.get("bytes_per_weight", 2))
    width = (BYTES | SCALED).get(precision, width)
    sheet = {"memory": chip.memory, "bandwidth": chip.bandwidth}
    sheet["link_bandwidth"] = chip.link_bandwidth or "32 GB/s"
    return {
        **{"model": row["model"], "model_names": _names(row["model"]), "gpu_name": chip.name},
        **{"engine": row.get("engine") or "", "precision": precision, "peak_flops": float(peak)},
        **{name: float(coherent(name, text)) for name, text in sheet.items()},
        "shapes": {name: float(x) if x % 1 else int(x) for name, x in shapes.items()},
        "bits": next(bits for bits in (4, 8, 16) if width < bits / 8 + 0.2),
        "wide_products": precision in ("int4", "w4a16"),
        "kv_bits": 8 * BYTES[row.get("kv_precision") or "bf16"],
        **counts,
        "tensor_parallel": counts["n_gpus"] // counts["attention_data_parallel"],
        "mode": "static" if row.get("batch") else "agg",
        "sequences": counts["batch"] * counts["concurrency"],  # only one of them is given
    }


def _names(given: str) -> list[str]:
    """List the names under which a hub has a model of these shapes, the given one first."""
    known, name = table("models"), model_named(given) or ""
    names = [given]
    while name in known:
        names += [known[name]["hf_id"], *known[name].get("aliases", ())]
        name = known[name].get("like", "")
    return names
