"""Measured numbers as rows: the vocabulary of columns, and the worksheet of each row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from .. import catalog
from ..catalog.model import Model
from ..errors import DomainError, NapkinError, UnitError, UnknownNameError
from ..quantities.given import coherent, in_unit
from ..quantities.quantity import REGISTRY
from .napkin import Napkin

METRICS: Final = {
    "tpot": "tpot",
    "ttft": "ttft",
    "output_tokens_per_second": "tokens_per_second",
    "kv_tokens": "kv_budget / (kv_copies * kv_bytes_per_token)",
}
"""What may be measured, and what a worksheet says of it."""
_NAMES: Final[tuple[str, ...]] = ("model", "gpu", "precision", "kv_precision", "engine")
_COUNTS: Final[tuple[str, ...]] = (
    *("n_gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"),
    *("prompt", "new_tokens", "concurrency", "batch"),
)
_KEPT: Final = ("source", "note", "engine_version", "date", "left_out")
COLUMNS: Final = (*_NAMES, *_COUNTS, "metric", "value", *_KEPT)
_COPY: Final = re.compile(  # trained further, or stored narrower: the same shapes
    r"(?i)[-_](fp8|nvfp4|mxfp4|fp4|int8|int4|awq|gptq|w4a16|w8a8|kv|dynamic|quantized\.\w+|v2"
    r"|base|instruct|thinking|chat|it|hf|\d{4})$"
)
_WIDTH: Final = re.compile(r"(?i)[-_.](fp8|nvfp4|mxfp4|fp4|int8|w8a8|int4|awq|gptq|w4a16)\b")
_SAME_WIDTH: Final = {
    **{"w8a8": "int8", "awq": "w4a16", "gptq": "w4a16", "auto": "", "published": ""},
    **{"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "fp8_e4m3": "fp8", "fp8_e5m2": "fp8"},
}
_FOUR_BITS: Final = 0.6  # bytes of a weight with its scales


@dataclass(frozen=True)
class Row:
    """One measured number, with everything that decides a prediction of it."""

    place: int
    metric: str
    value: float
    names: Mapping[str, str]
    counts: Mapping[str, int]
    givens: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The row, as a message names it."""
        told = {name: n for name, n in self.counts.items() if n > 1 or name not in _COUNTS[:4]}
        counts = (f"{name}={n}" for name, n in told.items())
        return f"row {self.place}: {', '.join((self.metric, *self.names.values(), *counts))}"

    @property
    def target(self) -> str:
        """The quantity that was measured; a static batch reads its prompts before it starts."""
        if self.metric == "tpot" and "batch" in self.counts:
            return "decode_step_time"
        return METRICS[self.metric]

    @property
    def requests(self) -> dict[str, float]:
        """The requests as a worksheet takes them; caches are half grown on average."""
        if self.metric == "kv_tokens":
            return {}
        counts = self.counts
        found = {"batch": float(counts.get("batch", counts.get("concurrency", 1)))}
        found["context"] = counts["prompt"] + counts.get("new_tokens", 0) / 2
        if self.target != "decode_step_time":
            found |= {name: counts[name] for name in ("prompt", "new_tokens") if name in counts}
        return found

    @property
    def configuration(self) -> tuple[Any, ...]:
        """All but what was measured."""
        requests = (self.counts.get(name) for name in _COUNTS[4:])
        return (*self.worksheet_key, self.names.get("engine"), *requests)

    @property
    def worksheet_key(self) -> tuple[Any, ...]:
        """What decides the worksheet: rows with the same key differ in requests only."""
        givens = tuple(sorted((name, str(given)) for name, given in self.givens.items()))
        engine = self.names.get("engine", "") if self.metric == "kv_tokens" else None
        return (
            engine,
            *(self.names.get(name) for name in _NAMES if name != "engine"),
            *(self.counts.get(name) for name in _COUNTS[:4]),
            givens,
        )


class LeftOutError(NapkinError):
    """A row that cannot be judged; the message is the reason."""


def read(place: int, raw: Mapping[str, Any]) -> Row:
    """Return a row of the vocabulary, or raise a `LeftOutError` with the reason."""
    told = {name: text for name, value in raw.items() if (text := _text(value))}
    if "left_out" in told:
        raise LeftOutError(told["left_out"])
    metric = told.get("metric", "")
    if metric not in METRICS:
        raise LeftOutError(f"the metric is none of {', '.join(METRICS)}")
    names = {name: told[name] for name in _NAMES if name in told}
    counts = {name: n for name in _COUNTS if (n := _count(name, told)) is not None}
    for name in ("model", "gpu"):
        if name not in names:
            raise LeftOutError(f"no {name} is named")
    if metric != "kv_tokens":
        if not {"concurrency", "batch"} & counts.keys():
            raise LeftOutError("neither concurrency nor batch is given")
        if "prompt" not in counts:
            raise LeftOutError("no prompt is given")
        if metric != "ttft" and "new_tokens" not in counts:
            raise LeftOutError("no new_tokens are given")
    givens = {name: told[name] for name in told if name in REGISTRY and name not in COLUMNS}
    return Row(place, metric, _value(metric, told.get("value", "")), names, counts, givens)


def not_read(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """List the columns that are neither of the vocabulary nor a quantity."""
    found = dict.fromkeys(str(name) for row in rows for name in row)
    return [name for name in found if name not in COLUMNS and name not in REGISTRY]


def _text(value: Any) -> str:
    missing = value is None or (isinstance(value, float) and value != value)
    return "" if missing else str(value).strip()


def _value(metric: str, text: str) -> float:
    like = METRICS[metric] if metric != "kv_tokens" else "shared_prefix"  # in tokens, as it is
    try:
        number = float(in_unit(like, coherent(like, text)))
    except (UnitError, DomainError):
        number = 0.0
    if not (isfinite(number) and number > 0):
        raise LeftOutError("the value is no number above 0")
    return number


def _count(name: str, told: Mapping[str, str]) -> int | None:
    """Return a count; a switch that is on counts the GPUs of the row."""
    text = told.get(name, "").lower()
    if text in ("", "false", "no", "none", "0", "0.0"):
        return None
    if text in ("true", "yes"):
        text = told.get("n_gpus") or told.get("tensor_parallel") or "1"
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if number < 1 or not isfinite(number):
        raise LeftOutError(f"{name} is no number of at least 1")
    return round(number)


def worksheet(row: Row, bare: bool = False) -> Napkin:
    """Return the ideal worksheet of a row, or raise a `NapkinError` with the reason.

    An engine counts for memory alone: the times of the ideal worksheet are those of no engine.
    A bare worksheet has none: what an engine keeps free by itself is no bound.
    """
    model = _model(row.names["model"])
    chip = catalog.accelerator(row.names["gpu"])
    choices: dict[str, Any] = {"model": model, "accelerator": chip}
    told = _plain_width(row.names.get("precision", "")) or _width_in(row.names["model"])
    precision = _precision(told, model, chip)
    widened = precision in ("fp8", "int8") and chip.peak_flops and precision not in chip.peak_flops
    choices["precision"] = "bf16" if widened else precision
    choices["kv_precision"] = _plain_width(row.names.get("kv_precision", "")) or None
    if row.metric == "kv_tokens" and not bare:
        choices["engine"] = row.names.get("engine")
    n_gpus, shared = _spread(row.counts)
    # What was measured did run, even where GPUs cut the blocks of published weights.
    givens = {"attention_blocks": 0, "feed_forward_blocks": 0, **row.givens}
    if widened and "bytes_per_weight" not in model.givens:  # narrow weights, 16-bit products
        givens = {"bytes_per_weight": 1, **givens}
    if n_gpus > 1:
        givens |= {"n_gpus": n_gpus, "tensor_parallel": shared}
    n = Napkin(**choices, beyond_max_context=1, **givens)
    apart = row.counts.get("expert_parallel", 1) > 1 and "moe" in model.variants
    return n.assume("expert_parallel") if apart else n


def _model(name: str) -> Model:
    """Return a model by its name, or that of which the name says that it is a copy."""
    shorter = _COPY.sub("", name)
    try:
        return Model.from_config(name)
    except UnknownNameError:
        if shorter == name:
            raise
    try:
        return _model(shorter)
    except UnknownNameError:
        return _model(shorter.rpartition("/")[2])  # the copy of somebody else


def _width_in(name: str) -> str:
    """Return the precision that a model's name says, such as that of Qwen3-30B-A3B-FP8."""
    said = _WIDTH.search(name)
    return _plain_width(said[1]) if said else ""


def _plain_width(name: str) -> str:
    return _SAME_WIDTH.get(name.lower(), name.lower())


def _spread(counts: Mapping[str, int]) -> tuple[int, int]:
    """Return the GPUs, and how many of them share the attention of one sequence."""
    groups, shared = counts.get("attention_data_parallel", 1), counts.get("tensor_parallel", 0)
    n_gpus = counts.get("n_gpus") or max(groups, shared, 1)
    if n_gpus % groups:
        raise LeftOutError("attention_data_parallel does not divide n_gpus")
    if shared not in (0, n_gpus, n_gpus // groups):
        raise LeftOutError("tensor_parallel and attention_data_parallel do not make n_gpus")
    return n_gpus, n_gpus // groups


def _precision(told: str, model: Model, chip: catalog.Accelerator) -> str:
    """Return the precision of weights and products; without a word, that of published weights."""
    width = model.givens.get("bytes_per_weight", 2)
    if not told:
        return "fp8" if 1 <= width < 2 and "fp8" in chip.peak_flops else "bf16"
    if told == "fp4":  # four bits come with scales
        experts = model.givens.get("bytes_per_expert_weight", width)
        return "mxfp4" if experts < _FOUR_BITS else "nvfp4"
    return told
