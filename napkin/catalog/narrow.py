"""What a ``quantization_config`` says about the weights of a published checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any, Final

from .data import table
from .families import Config

_NOT_COUNTED: Final = (
    "how its quantization_config stores the weights is not counted: give bytes_per_weight"
)
_UNIFORM: Final = frozenset({"gqa", "mla", "mla_full_query", "moe"})
_OTHER_KINDS: Final = (
    *("n_layers_linear", "n_layers_ssm", "n_layers_conv", "n_layers_cross", "n_layers_plain"),
    *("n_layers_indexed", "n_layers_wide", "d_layer_input"),
)


def narrow_weights(
    config: Config, variants: list[str], givens: Mapping[str, int]
) -> tuple[dict[str, float], list[str], list[str]]:
    """Return the widths of stored weights, further bundles, and what is not counted."""
    stored = config.get("quantization_config")
    if not stored:
        return {}, [], []
    kind = stored.get("quant_method") if isinstance(stored, dict) else None
    rules = table("families")["quantizations"].get(kind) if isinstance(kind, str) else None
    if rules is None or not _is_uniform(variants, givens) or not _only_usual(stored, rules):
        return {}, [], [_NOT_COUNTED]
    widths: dict[str, float] = dict(rules["fixed"])
    if "bits" in rules:
        bits = stored.get(rules["bits"])
        if bits not in (2, 3, 4, 8):
            return {}, [], [_NOT_COUNTED]
        widths["bytes_per_code"] = bits / 8
        if rules.get("always") or stored.get(rules["zero_points"], True):
            widths["bytes_per_zero_point"] = bits / 8
    if "group" in rules:
        group = stored.get(rules["group"])
        sides = group if isinstance(group, list) and group else [group]
        if not all(type(side) is int and 0 < side <= 10**6 for side in sides):
            return {}, [], [_NOT_COUNTED]
        widths["weights_per_scale"] = prod(sides)
    return widths, rules.get("variants", []), []


def _is_uniform(variants: list[str], givens: Mapping[str, int]) -> bool:
    """Say whether all layers have the matrices that the formula counts."""
    return set(variants) <= _UNIFORM and not any(givens.get(kind) for kind in _OTHER_KINDS)


def _only_usual(stored: Any, rules: Config) -> bool:
    """Say whether nothing else stays wide than what the formulas leave wide."""
    kept = stored.get("modules_to_not_convert") or []
    return isinstance(kept, list) and all(re.fullmatch(rules["kept"], str(name)) for name in kept)
