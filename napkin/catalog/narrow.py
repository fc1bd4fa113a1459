"""What a ``quantization_config`` says about the weights of a published checkpoint."""

from __future__ import annotations

import re
from math import prod
from typing import Any, Final

from .data import table
from .families import Config

_NOT_COUNTED: Final = (
    "how its quantization_config stores the weights is not counted: give bytes_per_weight"
)
_UNIFORM: Final = frozenset(
    {"gqa", "mla", "mla_full_query", "moe", "sliding_window"}
    | {"layer_norm", "other_parts", "full_width_qk_norm"}
)


def narrow_weights(
    config: Config, variants: list[str]
) -> tuple[dict[str, float], list[str], list[str]]:
    """Read the widths of stored weights.

    Parameters
    ----------
    config : mapping
        The whole config.
    variants : list of str
        The bundles of its family.

    Returns
    -------
    givens : dict of str to float
        Bytes of a weight and of a scale, and the weights that share one.
    variants : list of str
        Further bundles.
    notes : list of str
        What is not counted.
    """
    stored = config.get("quantization_config")
    if not stored:
        return {}, [], []
    kind = stored.get("quant_method") if isinstance(stored, dict) else None
    rules = table("families")["quantizations"].get(kind) if isinstance(kind, str) else None
    if rules is None or not set(variants) <= _UNIFORM or not _only_usual(stored, rules):
        return {}, [], [_NOT_COUNTED]
    givens: dict[str, float] = dict(rules["fixed"])
    if "bits" in rules:
        bits = stored.get(rules["bits"])
        if bits not in (2, 3, 4, 8):
            return {}, [], [_NOT_COUNTED]
        givens["bytes_per_code"] = bits / 8
        if rules.get("always") or stored.get(rules["zero_points"], True):
            givens["bytes_per_zero_point"] = bits / 8
    if "group" in rules:
        group = stored.get(rules["group"])
        sides = group if isinstance(group, list) and group else [group]
        if not all(type(side) is int and 0 < side <= 10**6 for side in sides):
            return {}, [], [_NOT_COUNTED]
        givens["weights_per_scale"] = prod(sides)
    return givens, rules.get("variants", []), []


def _only_usual(stored: Any, rules: Config) -> bool:
    """Say whether nothing else stays wide than what the formulas leave wide."""
    kept = stored.get("modules_to_not_convert") or []
    return isinstance(kept, list) and all(re.fullmatch(rules["kept"], str(name)) for name in kept)
