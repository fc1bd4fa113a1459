"""Result files of benchmark tools, read as rows of measured numbers.

What each tool writes was read in its source: ``vllm/benchmarks/serve.py`` of vllm-project/vllm at
009e6d4a1cd6, ``python/sglang/benchmark/serving.py`` of sgl-project/sglang at 00f9ec472ffe,
``utils/process_result.py`` and ``utils/collect_results.py`` of SemiAnalysisAI/InferenceX at
77f3e680728b, ``tools/llama-bench/llama-bench.cpp`` of ggml-org/llama.cpp at 050fc7f32de1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError, NapkinError
from .chips import accelerator

_OWN: Final = ("gpu", "n_gpus", "expert_parallel", "precision", "kv_precision", "engine", "date")
_WIDTHS: Final = ("bytes_per_weight", "bytes_per_expert_weight", "bytes_per_embedding_weight")
_ENGINES: Final = {"vllm": "vllm", "sglang": "sglang", "trt": "tensorrt-llm"}
_Told = Mapping[str, Any]
_Rows = list[dict[str, Any]]


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """Read the result file of a benchmark tool as rows, one for each measured number.

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns of `napkin.measure`, the JSON that ``vllm bench serve
        --save-result`` writes, the JSON lines of ``sglang.bench_serving --output-file``, an
        ``agg_*.json`` of InferenceX, or what ``llama-bench -o json`` (``jsonl``, ``csv``) prints.
        The content says which it is.

    Returns
    -------
    list of dict
        Values by column, in seconds, tokens per second and tokens. A column that the file does
        not say is missing. A run that no worksheet describes has the reason under ``left_out``
        in place of a ``value``.

    Raises
    ------
    ConfigError
        If the file cannot be read, is of another kind, lacks a key, or has a number that is not
        finite.

    Notes
    -----
    Times are means over requests; the mean TPOT of vllm and sglang is that of (end - first
    token) / (tokens - 1). ``prompt`` and ``new_tokens`` are totals over completed requests. A
    client with a rate of requests, or without ``max_concurrency``, keeps no fixed number open:
    then ``concurrency`` is what sglang reports, or by Little's law the output tokens a second
    times the mean TPOT, and ``note`` says so. Metadata of vllm may name columns, as in
    ``--metadata gpu=H100 n_gpus=2``. InferenceX says the longest lengths of its requests, so
    their mean lengths follow from its times and rates.

    llama-bench runs one sequence. ``tg`` times n_gen steps, the first of which reads one token
    behind n_depth others: tpot of a static batch of 1 with a prompt of n_depth + 1. ``pp`` times
    a prompt: ttft without new_tokens, and n_depth tokens of it are found in the cache. The size
    of the file over its parameters is the width of the weights. The model stays blank, since
    names such as "qwen2 7B Q4_K - Medium" are those of no config; ``note`` keeps them. The GPU
    is named where the catalog knows it.
    """
    path = Path(path)
    try:
        if path.stat().st_size > 10_000_000:
            raise ConfigError(f"{path.name} is larger than 10 MB: give results without details.")
        text = path.read_bytes().decode("utf-8-sig").strip()
        records = _json(text) if text[:1] in ("[", "{") else _csv(text)
    except (json.JSONDecodeError, csv.Error, RecursionError) as reason:
        raise ConfigError(f"{path.name} is broken: {reason}. Give the whole file.") from None
    except (OSError, ValueError) as reason:
        kind = type(reason).__name__
        raise ConfigError(f"{path.name} cannot be read ({kind}): give CSV or JSON.") from None
    if not records:
        raise ConfigError(f"{path.name} is empty: give a CSV or JSON file with results.")
    runs = [_Run(path.name, said if isinstance(said, Mapping) else {}) for said in records]
    return [row for run in runs for row in _reader(run)(run)]


def _json(text: str) -> list[Any]:
    """Return the records of a list, of one run, or of runs below each other."""
    found, place, decoder = list[Any](), 0, json.JSONDecoder()
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found += value if isinstance(value, list) else [value]
        while text[place : place + 1].isspace():
            place += 1
    return found


def _csv(text: str) -> list[Any]:
    header, *rows = list(csv.reader(StringIO(text, newline=""), strict=True)) or [[]]
    names = [name.strip() for name in header]
    if len(set(names)) < len(names) or any(len(row) > len(names) for row in rows):
        raise csv.Error("a column stands twice, or a row has more cells than the header")
    return [dict(zip(names, row, strict=False)) for row in rows if any(map(str.strip, row))]


@dataclass(frozen=True)
class _Run:
    """One record of a file: what it says by key."""

    file: str
    said: _Told

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number, or raise."""
        value = default if self.text(key) == "" else self.said[key]
        if value is None:
            raise ConfigError(f"{self.file} lacks the key {key!r}: give a complete result.")
        with suppress(TypeError, ValueError, OverflowError):
            if isfinite(number := float(value)):
                return number
        said = f"expected a finite number, got {value!r:.40}"
        raise ConfigError(f"{self.file}, key {key!r}: {said}. Correct it.")

    def text(self, key: str) -> str:
        """Return what is said as text; nothing is blank."""
        value = self.said.get(key)
        return "" if value is None else str(value).strip()

    def is_on(self, key: str) -> bool:
        """Say whether a switch is on."""
        return self.text(key).lower() in ("true", "1")

    def told(self, **keys: str) -> dict[str, Any]:
        """Return columns by the keys that say them."""
        return {column: self.text(key) for column, key in keys.items()}

    def rows(self, told: _Told, times: Mapping[str, float], reasons: _Told) -> _Rows:
        """Return a row for each metric, without blanks; a zero was not measured."""
        kept = {"source": self.file, **{k: v for k, v in told.items() if v not in ("", None)}}
        if left_out := next((reason for reason, holds in reasons.items() if holds), ""):
            return [{**kept, "metric": metric, "left_out": left_out} for metric in times]
        return [{**kept, "metric": metric, "value": v} for metric, v in times.items() if v > 0]


def _vocabulary(run: _Run) -> _Rows:
    if run.text("value").lower().lstrip("+-") in ("nan", "inf", "infinity"):
        run.number("value")
    return [{name: run.text(name) for name in run.said if name and run.text(name)}]


def _served(run: _Run, told: dict[str, Any], reasons: _Told) -> _Rows:
    """Return the rows of a client that vllm and sglang share."""
    tokens = run.number("output_throughput")
    tpot, ttft = (run.number(f"mean_{name}_ms") / 1000 for name in ("tpot", "ttft"))
    times = {"tpot": tpot, "ttft": ttft, "output_tokens_per_second": tokens}
    if not (answered := run.number("completed")):
        return run.rows(told, times, {"no request was answered": True})
    if (most := run.number("max_concurrency", 0)) and "inf" in run.text("request_rate").lower():
        concurrency = min(most, answered)
    elif concurrency := run.number("concurrency", 0):
        told["note"] = "concurrency: requests that were open on average"
    else:
        concurrency = tokens * tpot
        told["note"] = "concurrency: output tokens per second times mean TPOT, by Little's law"
    told["concurrency"] = max(round(concurrency), 1)
    told["prompt"] = round(run.number("total_input_tokens") / answered) or ""
    told["new_tokens"] = round(run.number("total_output_tokens") / answered) or ""
    return run.rows(told, times, reasons)


def _vllm(run: _Run) -> _Rows:
    told = run.told(model="model_id", engine_version="version", **{name: name for name in _OWN})
    return _served(run, told, {"speculative decoding": "spec_decode_acceptance_length" in run.said})


def _sglang(run: _Run) -> _Rows:
    said = run.said.get("server_info")
    server = _Run(run.file, said if isinstance(said, Mapping) else {})
    copies = server.number("dp_size", 1)
    told = server.told(model="model_path", n_gpus="tp_size", engine_version="version")
    told["expert_parallel"] = server.text("ep_size")
    told["engine"] = "sglang" if "sglang" in run.text("backend") else ""
    told["precision"] = "fp8" if server.text("quantization") == "fp8" else ""
    told["kv_precision"] = "fp8" if server.text("kv_cache_dtype").startswith("fp8") else ""
    if server.is_on("enable_dp_attention"):
        told["attention_data_parallel"], copies = round(copies), 1
    reasons = {
        "prompts on GPUs of their own": "decode" in server.said,
        "speculative decoding": server.text("speculative_algorithm") or run.text("accept_length"),
        "layers on GPUs one after another": server.number("pp_size", 1) > 1,
        "several copies of the model": copies > 1,
    }
    return _served(run, told, reasons)


def _inferencex(run: _Run) -> _Rows:
    n_gpus, output = round(run.number("tp", 1)), run.number("output_tput_per_gpu")
    tpot, ttft = run.number("mean_tpot"), run.number("mean_ttft")
    told = run.told(model="model", precision="precision", engine_version="image")
    told |= {"gpu": _gpu(run.text("hw").partition("-")[0]) or run.text("hw")}
    told |= {"n_gpus": n_gpus, "expert_parallel": run.text("ep")}
    told["attention_data_parallel"] = n_gpus if run.is_on("dp_attention") else ""
    told["engine"] = next((e for key, e in _ENGINES.items() if key in run.text("framework")), "")
    if tpot and output:
        new_tokens = 1 + (run.number("mean_e2el") - ttft) / tpot
        told["prompt"] = round(new_tokens * (run.number("tput_per_gpu") / output - 1))
        told["new_tokens"] = round(new_tokens)
    told["concurrency"] = round(run.number("conc"))
    told["note"] = f"mean lengths from the times; isl {run.text('isl')}, osl {run.text('osl')}"
    speculation = run.text("spec_decoding") or run.text("mtp")
    reasons = {
        "prompts on GPUs of their own": run.is_on("disagg"),
        "several nodes": run.is_on("is_multinode"),
        "speculative decoding": speculation.lower() not in ("", "none", "off", "false"),
    }
    times = {"tpot": tpot, "ttft": ttft, "output_tokens_per_second": output * n_gpus}
    return run.rows(told, times, reasons)


def _llama_bench(run: _Run) -> _Rows:
    read, written = (round(run.number(key)) for key in ("n_prompt", "n_gen"))
    depth, seconds = round(run.number("n_depth", 0)), run.number("avg_ns") / 1e9
    width = run.number("model_size") / (run.number("model_n_params") or 1)
    gpus, layers = run.text("gpu_info").split(", "), run.text("n_gpu_layers")
    kept = (run.text(key) for key in ("model_type", "model_filename", "gpu_info"))
    told = run.told(engine_version="build_number", date="test_time") | dict.fromkeys(_WIDTHS, width)
    told |= {"engine": "llama.cpp", "gpu": _gpu(gpus[0]) if len(set(gpus)) == 1 else "", "batch": 1}
    told["note"] = "; ".join([*kept, f"{layers} layers on the GPU"])
    host = run.is_on("no_kv_offload") or run.number("n_cpu_moe", 0) or layers == "0"
    reasons = {
        "prompt and answer are timed together": read and written,
        "part of the model is on the host": host,
        "layers on GPUs one after another": len(gpus) > 1 and run.text("split_mode") != "none",
        "cache not in 16 bits": {run.text("type_k"), run.text("type_v")} - {"", "f16", "bf16"},
    }
    if written:
        told |= {"prompt": depth + 1, "new_tokens": written}
        return run.rows(told, {"tpot": seconds / written}, reasons)
    told |= {"prompt": depth + read, "hit_rate": depth / (depth + read or 1)}
    return run.rows(told, {"ttft": seconds}, reasons)


def _gpu(name: str) -> str:
    """Return the name if the catalog knows it."""
    with suppress(NapkinError):
        return name if accelerator(name) else ""
    return ""


_READERS: Final[dict[str, tuple[set[str], Callable[[_Run], _Rows]]]] = {
    "a CSV file with the columns metric and value": ({"metric", "value"}, _vocabulary),
    "llama-bench -o json, jsonl or csv": ({"avg_ns", "n_prompt", "n_gen"}, _llama_bench),
    "agg_*.json of InferenceX": ({"hw", "conc"}, _inferencex),
    "vllm bench serve --save-result": ({"model_id", "output_throughput"}, _vllm),
    "sglang.bench_serving --output-file": ({"dataset_name", "output_throughput"}, _sglang),
}


def _reader(run: _Run) -> Callable[[_Run], _Rows]:
    for keys, reader in _READERS.values():
        if keys <= run.said.keys():
            return reader
    found = ", ".join(map(str, list(run.said)[:8])) or "no keys"
    raise ConfigError(f"{run.file} has {found}. What can be read: {'; '.join(_READERS)}.")
