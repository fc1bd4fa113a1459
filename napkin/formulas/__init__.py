"""The formulas, one module a chapter; a base formula bears the name of its target."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from sympy import Symbol

from . import (
    calibration,
    dollars,
    duty_cycle,
    experts,
    gqa,
    hardware,
    kv_cache,
    layers,
    matmul,
    paging,
    parallelism,
    prompts,
    quantization,
    speculation,
    tokens_per_second,
    transformer,
)
from .formula import Node

MODULES: Final[tuple[ModuleType, ...]] = (
    hardware,
    matmul,
    transformer,
    kv_cache,
    gqa,
    layers,
    quantization,
    parallelism,
    experts,
    speculation,
    tokens_per_second,
    prompts,
    paging,
    duty_cycle,
    dollars,
    calibration,
)
ALL: Final[dict[str, Node]] = {
    f"{module.__name__.rsplit('.', 1)[1]}.{name}": formula
    for module in MODULES
    for name, formula in vars(module).items()
    if isinstance(formula, Node)
}
BASE: Final[dict[Symbol, Node]] = {
    formula.target: formula
    for name, formula in ALL.items()
    if name.rsplit(".", 1)[1] == formula.target.name
}

__all__ = [
    "ALL",
    "BASE",
    "calibration",
    "dollars",
    "duty_cycle",
    "experts",
    "gqa",
    "hardware",
    "kv_cache",
    "layers",
    "matmul",
    "paging",
    "parallelism",
    "prompts",
    "quantization",
    "speculation",
    "tokens_per_second",
    "transformer",
]
