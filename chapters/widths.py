# SPDX-License-Identifier: Apache-2.0
"""Measured servers in two widths: pairs of rows in which nothing else differs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, log
from statistics import geometric_mean
from typing import Any, Final

import napkin as nk
from napkin.quantities.table import Table

# Checkpoints of one model in two widths, where the rows name the checkpoint and not the model.
_SAME: Final = {
    "DeepSeek-R1-0528": "DeepSeek-R1",
    "DeepSeek-R1-0528-FP4-V2": "DeepSeek-R1",
    "DeepSeek-R1-NVFP4": "DeepSeek-R1",
}
_ALIKE: Final = (
    *("n_gpus", "tensor_parallel", "attention_data_parallel", "expert_parallel"),
    *("engine", "engine_version", "prompt", "new_tokens", "concurrency", "source"),
)


Times = tuple[float, float, float]
"""A time per token, measured, ideal and calibrated."""


@dataclass(frozen=True)
class Pair:
    """How many times as long a token takes in the wide format as in the narrow one."""

    model: str
    gpu: str
    engine: str
    concurrency: int
    measured: float
    ideal: float
    calibrated: float


def pairs(path: str, wide: str = "fp8", narrow: str = "nvfp4") -> list[Pair]:
    """Return each server of a file that was measured in both widths and had no queue."""
    servers: dict[tuple[str, ...], list[dict[str, str]]] = {}
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["precision"] in (wide, narrow):
                servers.setdefault(_server(row), []).append(row)
    rows = [
        row
        for some in servers.values()
        if len({row["precision"] for row in some}) == 2
        for row in some
    ]
    found: dict[tuple[str, ...], dict[str, list[Times]]] = {}
    for v in nk.measure(rows).verdicts if rows else ():
        row = rows[v.row.place - 1]
        if row["metric"] == "tpot":
            both = found.setdefault(_server(row), {wide: [], narrow: []})
            both[row["precision"]].append((v.row.value, v.ideal, v.calibrated))
    return [
        _pair(server, both[wide], both[narrow])
        for server, both in found.items()
        if all(both.values())
    ]


def _server(row: dict[str, str]) -> tuple[str, ...]:
    """Return all that a row says of its server, but for the width of the weights."""
    gpu = row["gpu"].removesuffix("_sxm").upper()
    return (_model(row), gpu, *(row.get(name, "") for name in _ALIKE))


def _pair(server: tuple[str, ...], wide: list[Times], narrow: list[Times]) -> Pair:
    """Return the changes of one server, each a ratio of geometric means over its runs."""
    told = dict(zip(("model", "gpu", *_ALIKE), server, strict=True))
    changes = (
        geometric_mean(a) / geometric_mean(b)
        for a, b in zip(zip(*wide, strict=True), zip(*narrow, strict=True), strict=True)
    )
    names = (told["model"], told["gpu"], told["engine"] or "not said")
    return Pair(*names, int(told["concurrency"]), *changes)


def _model(row: dict[str, str]) -> str:
    name = row["model"].rpartition("/")[2]
    return _SAME.get(name, name)


def gain(found: Iterable[Pair], kind: str = "measured") -> float:
    """Return how many times as fast the narrow format was, or was predicted to be."""
    return geometric_mean(getattr(pair, kind) for pair in found)


def off(found: Iterable[Pair], predicted: Callable[[Pair], float]) -> float:
    """Return the factor by which predicted changes are off, as a geometric mean."""
    return geometric_mean(exp(abs(log(predicted(p) / p.measured))) for p in found)


def by(found: list[Pair], label: Callable[[Pair], str], head: str) -> Table:
    """Tabulate predicted and measured changes, a row for each label and one for all."""
    groups: dict[str, list[Pair]] = {}
    for pair in sorted(found, key=lambda p: (p.model, p.gpu, p.concurrency)):
        groups.setdefault(label(pair), []).append(pair)
    rows = []
    for name, some in [*groups.items(), ("all", found)]:
        kinds = ("ideal", "calibrated", "measured")
        changes = [gain(some, kind) for kind in kinds]
        rows.append([name, str(len(some)), *(f"{change:.2f}" for change in changes)])
    return Table([head, "pairs", "ideal", "calibrated", "measured"], rows)


def step_times(model: str, **where: Any) -> tuple[float, float]:
    """Return the seconds of our own steps with weights in BF16 and in FP8."""
    wide, narrow = (
        nk.catalog.timings("decode_step", model=model, precision=width, **where)
        for width in ("bf16", "fp8")
    )
    ((wide_row,), (narrow_row,)) = wide, narrow
    return wide_row["seconds"], narrow_row["seconds"]


def kernels(path: str) -> Table:
    """Tabulate what half the width did to kernels: products of our own, and vLLM's attention."""
    products = {
        width: {row["m"]: row["seconds"] for row in nk.catalog.timings("gemm", precision=width)}
        for width in ("bf16", "fp8")
    }
    with open(path, encoding="utf-8") as file:
        told = list(csv.DictReader(file))
    attention = {
        width: {
            (int(row["batch"]), int(row["context"])): float(row["seconds"])
            for row in told
            if row["kv_precision"] == width
        }
        for width in products
    }
    sizes = sorted(products["fp8"])
    groups = {
        "product, up to 256 rows": [m for m in sizes if m <= 256],
        "product, more rows": [m for m in sizes if m > 256],
    }
    rows = [_change(name, products, some) for name, some in groups.items()]
    for size, length in attention["fp8"]:
        name = f"attention, {size} × {length:,}"
        rows.append(_change(name, attention, [(size, length)]))
    return Table(["kernel", "BF16, µs", "FP8, µs", "predicted", "measured"], rows)


def _change(name: str, times: dict[str, dict[Any, float]], places: list[Any]) -> list[str]:
    """Return a row: the times in both widths, and their ratio as a geometric mean."""
    shown = []
    for found in times.values():
        some = sorted({round(1e6 * found[place]) for place in places})
        shown.append(f"{some[0]:,}" if len(some) == 1 else f"{some[0]:,} to {some[-1]:,}")
    change = geometric_mean(times["bf16"][place] / times["fp8"][place] for place in places)
    return [name, *shown, "2.00", f"{change:.2f}"]
