"""Servers under a load that clients keep up: serving.csv, inferencex.csv, cost_at_load.csv."""

from __future__ import annotations

from typing import Final

from .vocabulary import (
    NO_CONCURRENCY,
    Answer,
    Row,
    first_reason,
    number,
    rows_of,
    split,
    weights,
)

DISAGGREGATED: Final = "disaggregated: prompts have GPUs of their own"
SPECULATION: Final = "several tokens a step (multi-token prediction)"
MAYBE_SPECULATION: Final = "DeepSeek, not found among rows that say whether tokens are predicted"
PROVISIONAL: Final = "provisional in the source (wip)"
GB200: Final = "GB200: nodes that are not named, and step times that fall where the batch grows"
PREFIX_HITS: Final = "prompts found in the prefix cache: faster than all the GPU's arithmetic"
ROUNDED: Final = "a rounded copy of a row of InferenceX, under NVIDIA's name"
OTHER_CONCURRENCY: Final = "concurrency and batch differ, by ranks or replicas that are not named"
ONE_RANK: Final = "experts on more GPUs than attention: concurrency may be that of one rank"

DRAWN: Final = 0.9  # InferenceX draws lengths evenly from 0.8 to 1 of what it says
_MODELS: Final = {  # of serving.csv, where the catalog has another name for the same weights
    "deepseek-ai/DeepSeek-V3": "deepseek-ai/DeepSeek-R1",  # whose rows appear under both
    "zhipuai/GLM-5": "zai-org/GLM-5",
}


def _unfit(row: Row) -> str:
    """Return why a row of serving.csv says too little, or nothing."""
    speculation = row["spec_method_if_matched"]
    ranks = max(int(row["tp"] or 0), int(row["attention_dp"] or 0))
    return first_reason(
        {
            DISAGGREGATED: row["mode"] != "agg",
            SPECULATION: "mtp" in speculation,
            PROVISIONAL: row["wip"] == "True",
            GB200: row["gpu"] == "gb200",
            MAYBE_SPECULATION: "DeepSeek" in row["model"] and speculation != "none",
            PREFIX_HITS: row["model"].endswith("Llama-3.1-8B-Instruct-FP8"),
            ROUNDED: "qwen3.5" in row["origin"],
            NO_CONCURRENCY: not row["concurrency"],
            OTHER_CONCURRENCY: row["origin"].startswith("NVIDIA")
            and row["batch_size_in_source"] != row["concurrency"],
            ONE_RANK: not row["attention_dp"] and int(row["moe_tp"] or 0) > ranks,
        }
    )


def _serving_split(row: Row) -> dict[str, int]:
    """Return how the GPUs are split, after two slips of the source.

    Rows that came from InferenceX with experts over n GPUs say n * n ranks; inferencex.csv has
    some of them, with n. Attention data-parallel stands beside a `tp` of 1 or of all GPUs.
    """
    tensor, data = int(row["tp"]), int(row["attention_dp"] or 0) or 1
    rows, ranks = int(row["moe_tp"] or 0), int(row["moe_ep"] or 0)
    if rows == ranks > 1 and row["origin"].startswith("InferenceX"):
        tensor, data = min(tensor, rows), min(data, rows)
    n_gpus = max(tensor, data)
    return split(n_gpus, data, min(max(ranks, 1), n_gpus))


def serving(row: Row) -> Answer:
    """Return the rows of a line of serving.csv."""
    if reason := _unfit(row):
        return reason
    drawn = 1.0 if row["origin"].startswith("NVIDIA") else DRAWN
    model = _MODELS.get(row["model"], row["model"])
    precision = row["precision"] or "bf16"
    return rows_of(
        {"tpot": number(row["tpot_ms"], 1e-3), "ttft": number(row["ttft_ms"], 1e-3)},
        **weights(model, precision),
        **_serving_split(row),
        gpu=row["gpu"],
        engine=row["engine"],
        prompt=round(drawn * int(row["isl"])),
        new_tokens=round(drawn * int(row["osl"])),
        concurrency=row["concurrency"],
        note=row["origin"],
        engine_version=row["engine_version"] or row["image"],
        date=row["measured_date"],
    )


def inferencex(row: Row) -> Answer:
    """Return the rows of a line of inferencex.csv: means, or medians where it has no means."""
    if "True" in (row["disagg"], row["multinode"]):
        return DISAGGREGATED
    if row["spec_method"] != "none":
        return SPECULATION
    n_gpus, named = int(row["n_gpus"]), row["hf_model"]
    data_parallel = n_gpus if row["decode_dp_attention"] == "True" else 1
    columns = weights(named if "FP4-V2" in named else row["model"], row["precision"])
    average = "mean" if row["mean_tpot_s"] else "median"
    per_gpu = number(row["output_tput_per_gpu_tok_s"])
    return rows_of(
        {
            "tpot": number(row[f"{average}_tpot_s"]),
            "ttft": number(row[f"{average}_ttft_s"]),
            "output_tokens_per_second": per_gpu and per_gpu * n_gpus,
        },
        **columns,
        **split(n_gpus, data_parallel, int(row["decode_ep"])),
        gpu=row["gpu"],
        engine=row["framework"],
        prompt=round(DRAWN * int(row["isl"])),
        new_tokens=round(DRAWN * int(row["osl"])),
        concurrency=row["concurrency"],
        note=f"{row['framework']}, {average}",
        engine_version=row["image"],
        date=row["date"],
    )


def cost_at_load(row: Row) -> Answer:
    """Return the rows of a line of cost_at_load.csv: arrivals at random, each with 512 tokens.

    The length of prompts is in the source's workload_protocol. Concurrency follows from Little's
    law: arrivals in the time that a request stays.
    """
    rate, tokens = float(row["request_throughput"]), float(row["tps_output"])
    new_tokens = round(tokens / rate)
    ttft, tpot = float(row["ttft_mean_ms"]) / 1e3, float(row["tpot_p50_ms"]) / 1e3
    narrow = row["precision"] == "fp8"
    wide = narrow and row["hardware"].startswith("A100")  # FP8 weights, 16-bit products
    return rows_of(
        {"tpot": tpot, "ttft": ttft},
        model=row["model"],
        gpu=row["hardware"],
        precision="bf16" if wide or not narrow else "fp8",
        bytes_per_weight=1 if wide else "",
        engine=row["engine"],
        prompt=512,
        new_tokens=new_tokens,
        concurrency=max(1, round(rate * (ttft + (new_tokens - 1) * tpot))),
        note=f"config {row['config']}, {row['rps']} requests/s asked; tpot is a median",
    )
