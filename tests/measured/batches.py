"""Batches whose sequences start together: static_batch.csv, decode.csv, own_gpu.csv."""

from __future__ import annotations

from typing import Final

from .vocabulary import NO_LENGTHS, Answer, Row, first_reason, rows_of, split

UNCLEAN: Final = "not clean, says the file"
FIRST_TOKEN: Final = "first tokens of a whole batch of prompts"
SAME_PROMPT: Final = "one prompt in every slot, so that sequences choose the same experts"
LAYERS: Final = "layers split over GPUs, which work one after another"
KERNELS: Final = "no whole decode step"
REPEATED: Final = "repeats an earlier version's numbers"
OTHER_UNIT: Final = "the same run as another row, in another unit"
OUTLIER: Final = "an outlier, says the file"
SPECULATIVE: Final = "speculative decoding"
PRODUCTION: Final = "statistics of production, of many nodes"
AS_MANY: Final = "as many sequences as fit, a number that is not said"
PROMPTS_ONLY: Final = "throughput of prompts alone"

_META: Final = "Llama-3.1-405B-Instruct-FP8 (meta)"
_WIDTHS: Final = {  # precision of products, bytes of a weight with its scales
    "int8 (weight-only)": ("bf16", "1"),
    "int4 g32 (weight-only)": ("bf16", "0.625"),
    "Q4_K_M": ("fp16", "0.61"),
    "F16": ("fp16", ""),
}
_MODELS: Final = {"LLaMA 70B": "Llama-2-70B", _META: "Llama-3.1-405B"}
_META_BYTES: Final = "1.188"  # attention stays in BF16: 482 GB
_GPT_FAST_TOKENS: Final = 200  # its default


def static_batch(row: Row) -> Answer:
    """Return the row of a line of static_batch.csv."""
    how, n_gpus = row["parallelism"].lower(), int(row["n_gpus"])
    in_line = any(word in how for word in ("pipeline", "pp", "layer"))
    reason = first_reason(
        {
            UNCLEAN: row["clean"] != "yes",
            FIRST_TOKEN: row["kind"].startswith("prefill"),
            SAME_PROMPT: "same prompt" in row["notes"],
            LAYERS: n_gpus > 1 and in_line,
        }
    )
    if reason:
        return reason
    prompt, new_tokens = int(row["input_len"]), int(row["output_len"])
    if row["framework"] == "llama.cpp":  # its prompt went token by token, too
        metrics: dict[str, float | None] = {"tpot": float(row["latency_s"]) / (prompt + new_tokens)}
        prompt, new_tokens = 1, prompt + new_tokens - 1
    else:
        both = float(row["throughput_in_plus_out_tok_s"])
        metrics = {"output_tokens_per_second": both * new_tokens / (prompt + new_tokens)}
    experts = {"ep": n_gpus, "hybrid tp = 2 and ep = 2": 2}.get(how, 1)
    return rows_of(
        metrics,
        model=row["model"],
        gpu=row["gpu"].partition(" or ")[0].partition(" (")[0],
        precision=row["weights"],
        kv_precision=row["kv_cache"],
        **split(n_gpus, expert_parallel=experts),
        engine=row["framework"],
        prompt=prompt,
        new_tokens=new_tokens,
        batch=row["batch"],
        note=f"{row['framework']}, {row['kind']}",
    )


def own_gpu(row: Row) -> Answer:
    """Return the row of a line of own_gpu.csv: a step at one context, the head in BF16."""
    if row["kind"] != "decode_step":
        return KERNELS
    return rows_of(
        {"tpot": float(row["seconds"])},
        model=row["model"],
        gpu=row["gpu"],
        precision=row["precision"].removeprefix("weights ").partition(",")[0],
        bytes_per_embedding_weight=2,
        prompt=int(row["context"]) - 1,  # two tokens more: half of them is the mean
        new_tokens=2,
        batch=row["batch"],
        note=row["note"],
    )


def _unfit(row: Row) -> str:
    """Return why a row of decode.csv says too little, or nothing."""
    version, metric, notes = row["version"], row["metric"], row["notes"]
    again = metric == "ttft_ms" or row["gpu"] == "L40S"
    return first_reason(
        {
            REPEATED: version.startswith(("0.6.0", "0.8-era")) or (version == "0.7.1" and again),
            OTHER_UNIT: metric in ("achieved_bandwidth_GB_s", "e2e_latency_s_whole_batch"),
            OUTLIER: "outlier" in notes,
            SPECULATIVE: "speculative" in notes,
            NO_LENGTHS: row["system"].startswith("MLPerf"),
            PRODUCTION: row["batch_or_concurrency"] == "production",
            AS_MANY: row["batch_or_concurrency"].startswith("max"),
            PROMPTS_ONLY: metric == "input_tok_s_per_gpu",
            LAYERS: row["tp"] == "layer split",
        }
    )


def _metrics(row: Row) -> dict[str, float | None]:
    value, n_gpus = float(row["value"]), int(row["n_gpus"])
    if row["version"].startswith("0.5.0"):  # its numbers for one GPU are totals
        n_gpus = 1
    match row["metric"]:
        case "output_tok_s_per_gpu":
            return {"output_tokens_per_second": value * n_gpus}
        case "output_tok_s_total":
            return {"output_tokens_per_second": value}
        case "tok_s_per_user":
            return {"tpot": 1 / value}
        case "ttft_ms":
            return {"ttft": value / 1e3}
        case _:
            return {"ttft": int(row["isl"]) / value}  # prompt_tok_s


def decode(row: Row) -> Answer:
    """Return the row of a line of decode.csv."""
    if reason := _unfit(row):
        return reason
    stored = row["precision_weights"]
    precision, width = _WIDTHS.get(stored, (stored, ""))
    width = _META_BYTES if row["model"] == _META else width
    narrow_cache = row["system"] == "TensorRT-LLM" and precision == "fp8"
    default = _GPT_FAST_TOKENS if row["system"] == "gpt-fast" else ""
    return rows_of(
        _metrics(row),
        model=_MODELS.get(row["model"], row["model"]),
        gpu=row["gpu"].removesuffix(" (330 W limit)"),
        precision=precision,
        kv_precision="fp8" if narrow_cache else "",
        bytes_per_weight=width,
        **split(int(row["n_gpus"])),
        engine=row["system"],
        prompt=row["isl"] or 1,
        new_tokens=row["osl"] or default,
        batch=row["batch_or_concurrency"],
        note=row["notes"],
        engine_version=row["version"],
    )
