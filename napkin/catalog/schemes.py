"""How a ``quantization_config`` says that one matrix is stored: codes, scales, zero points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sympy import Expr, Integer, Rational, ceiling

from .families import Config

_LARGEST: Final = 10**6
_UNTOUCHED: Final = (
    *("modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules"),
    "llm_int8_skip_modules",
)


@dataclass(frozen=True)
class Scheme:
    """Codes of some bits, and a scale for each block; a side of 0 is the whole side."""

    bits: int
    scale_bytes: Expr
    rows: int = 1
    columns: int = 0
    zero_bits: int = 0
    beside: int = 0
    experts_only: bool = False
    names_head: bool = False
    ignored: tuple[str, ...] = ()

    def bytes_of(self, rows: int, columns: int) -> Expr:
        """Return what a matrix weighs."""
        blocks = ceiling(Rational(rows, self.rows or rows)) * ceiling(
            Rational(columns, self.columns or columns)
        )
        of_block = self.scale_bytes + Rational(self.zero_bits, 8)
        return Rational(self.bits * rows * columns, 8) + blocks * of_block + self.beside


def scheme_of(stored: object, width: int) -> Scheme | None:
    """Return how a config stores matrices, or None where it does not say enough.

    `width` is that of a number that is not narrow, in bytes.
    """
    if not isinstance(stored, Mapping):
        return None
    if isinstance(stored.get("quantization"), Mapping):  # as in hf_quant_config.json
        stored = {"quant_method": "modelopt", **stored["quantization"]}
    method = stored.get("quant_method")
    read = _READERS.get(method) if isinstance(method, str) else None
    lists = [stored.get(key) or [] for key in _UNTOUCHED]
    if read is None or not all(isinstance(names, list) for names in lists):
        return None
    found = read(stored, width)
    return found and replace(found, ignored=tuple(str(name) for names in lists for name in names))


def _is_side(side: object) -> bool:
    return type(side) is int and 0 < side <= _LARGEST


def _fp8(stored: Config, _: int) -> Scheme | None:
    block = stored.get("weight_block_size")
    if block is None:  # a scale for each matrix, and one for its input if that is static
        return Scheme(8, Integer(4), 0, 0, beside=4 * (stored.get("activation_scheme") == "static"))
    if not (isinstance(block, list) and len(block) == 2 and all(map(_is_side, block))):
        return None
    return Scheme(8, Integer(4), *block)


def _mxfp4(_: Config, __: int) -> Scheme:
    return Scheme(4, Integer(1), 1, 32, experts_only=True)


def _grouped(stored: Config, bits: Any, group: Any, zero_points: bool) -> Scheme | None:
    """Return a scheme of AWQ and GPTQ, whose group of -1 is a whole row."""
    if bits not in (2, 3, 4, 8) or not (group == -1 or _is_side(group)) or stored.get("dynamic"):
        return None
    columns = 0 if group == -1 else group
    return Scheme(bits, Integer(2), 1, columns, zero_bits=bits if zero_points else 0)


def _awq(stored: Config, _: int) -> Scheme | None:
    bits, group = (
        stored.get(key, stored.get(other))
        for key, other in (("bits", "w_bit"), ("group_size", "q_group_size"))
    )
    return _grouped(stored, bits, group, bool(stored.get("zero_point", True)))


def _gptq(stored: Config, _: int) -> Scheme | None:
    if stored.get("lm_head"):
        return None
    return _grouped(stored, stored.get("bits"), stored.get("group_size"), True)


def _bitsandbytes(stored: Config, _: int) -> Scheme | None:
    if stored.get("load_in_8bit") and not stored.get("load_in_4bit"):
        return Scheme(8, Integer(4))
    if not stored.get("load_in_4bit"):
        return None
    # Scales of 32 bits; where they are narrow themselves, 256 of them share one.
    nested = Rational(1) + Rational(4, 256)
    return Scheme(4, nested if stored.get("bnb_4bit_use_double_quant") else Integer(4), 1, 64)


def _modelopt(stored: Config, _: int) -> Scheme | None:
    algorithm = str(stored.get("quant_algo")).upper()
    if algorithm == "NVFP4" and stored.get("group_size", 16) == 16:
        return Scheme(4, Integer(1), 1, 16, beside=8, names_head=True)
    if algorithm == "FP8":  # a scale of the matrix, and one of its input
        return Scheme(8, Integer(4), 0, 0, beside=4, names_head=True)
    return None


def _compressed_tensors(stored: Config, width: int) -> Scheme | None:
    groups = stored.get("config_groups")
    group = next(iter(groups.values())) if isinstance(groups, Mapping) and len(groups) == 1 else {}
    if not isinstance(group, Mapping) or group.get("targets") != ["Linear"]:
        return None
    weights, packed = group.get("weights"), group.get("format") or stored.get("format")
    sparse = stored.get("sparsity_config") or {}
    if not isinstance(weights, Mapping) or sparse.get("format", "dense") != "dense":
        return None
    bits, size = weights.get("num_bits"), weights.get("group_size")
    if bits not in (4, 8) or weights.get("scale_dtype"):
        return None
    zero_bits = 0 if weights.get("symmetric", True) else bits
    inputs = group.get("input_activations") or {}
    static = bool(inputs) and not inputs.get("dynamic", False)
    beside = (16 if packed == "pack-quantized" else 0) + (width if static else 0)
    if packed == "nvfp4-pack-quantized":
        return Scheme(4, Integer(1), 1, 16, beside=8 if inputs else 4, names_head=True)
    blocks: dict[str, Any] = {"tensor": (0, 0), "channel": (1, 0)}
    block = weights.get("block_structure")
    if _is_side(size):
        blocks["group"] = (1, size)
    if isinstance(block, list) and len(block) == 2 and all(map(_is_side, block)):
        blocks["block"] = tuple(block)
    if weights.get("strategy") not in blocks:
        return None
    rows, columns = blocks[weights["strategy"]]
    return Scheme(bits, Integer(width), rows, columns, zero_bits, beside, names_head=True)


_READERS: Final[dict[str, Callable[[Config, int], Scheme | None]]] = {
    "fp8": _fp8,
    "mxfp4": _mxfp4,
    "awq": _awq,
    "gptq": _gptq,
    "bitsandbytes": _bitsandbytes,
    "modelopt": _modelopt,
    "modelopt_fp4": _modelopt,
    "compressed-tensors": _compressed_tensors,
}
