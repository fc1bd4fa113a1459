"""What the weights of a published checkpoint weigh, by its ``quantization_config``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import gcd
from typing import Any, Final

from sympy import Expr, Rational

from .families import Config, shown
from .schemes import Scheme, scheme_of

STORED: Final = ("quantization_config", "quantization", "compression_config")
"""Keys that say how weights are stored."""
_SCALES: Final = (
    "scales of blocks are counted at 32 bits, as servers hold them; some files, such as those of "
    "Qwen3-32B-FP8, store 16"
)
_COUNTED: Final = frozenset({"gqa", "mla", "mla_full_query", "moe"})
_WIDE: Final = re.compile(
    "lm_head|embed|norm|router|vision|visual|projector|multi_modal|audio|conv1d|mtp|rotary|sinks"
)
_SLACK: Final = Rational(1, 100)  # what biases, norms and convolutions may add to the matrices
_SHARED_ROWS: Final = ("q_proj", "q_b_proj", "kv_b_proj", "gate_proj", "up_proj")
_SHARED_COLUMNS: Final = ("o_proj", "down_proj")
_MLA: Final = frozenset({"mla", "mla_full_query"})
_SMALL: Final = ("mlp.gate", "mlp.shared_expert_gate", "self_attn.indexer.weights_proj")


@dataclass(frozen=True)
class Matrix:
    """A matrix by its name in a layer, the layers that have it, and its copies in each."""

    name: str
    rows: int
    columns: int
    layers: int
    copies: int = 1

    @property
    def size(self) -> int:
        """Weights of all copies in one layer."""
        return self.rows * self.columns * self.copies


class _NotCountedError(Exception):
    """Why the stored weights are not counted."""


def widths(
    config: Config, variants: Collection[str], count: Callable[[str], Expr]
) -> tuple[dict[str, Expr], list[str], str]:
    """Return the average widths of the stored weights, notes, and why they are not counted.

    `count` computes a quantity of the model.
    """
    stored = next((config[key] for key in STORED if config.get(key)), None)
    if stored is None:
        return {}, [], ""
    dtype = config.get("torch_dtype") or config.get("dtype") or "bfloat16"
    wide = {"bfloat16": 2, "float16": 2, "float32": 4}.get(str(dtype))
    scheme = scheme_of(stored, wide) if wide else None
    try:
        if not (wide and scheme):
            raise _NotCountedError(f"no count is known for {shown(stored)}, {dtype!s:.20}")
        found = _averages(config, scheme, variants, count, wide)
    except _NotCountedError as reason:
        method = stored.get("quant_method", stored) if isinstance(stored, Mapping) else stored
        unread = (
            f"its quantization_config, {shown(method)}, is not counted ({reason}): give "
            "bytes_per_weight, the average of its files, or weight_bytes, all that they weigh"
        )
        return {}, [unread], unread
    # A config does not say it: files of DeepSeek, in the same words, do store 32.
    unsure = scheme.rows > 1 and scheme.scale_bytes == 4 and not _MLA & set(variants)
    return found, [_SCALES] if unsure else [], ""


def _averages(
    config: Config,
    scheme: Scheme,
    variants: Collection[str],
    count: Callable[[str], Expr],
    wide: int,
) -> dict[str, Expr]:
    others = ("n_layers_cross", "n_layers_wide", "n_layers_conv", "d_layer_input")
    if not set(variants) <= _COUNTED or any(count(other) for other in others):
        raise _NotCountedError("some of its layers are of another kind")
    if scheme.names_head and not any("lm_head" in name for name in scheme.ignored):
        raise _NotCountedError("the head is a matrix, too")
    layers, routed = int(count("n_layers")), count("routed_params")
    linear = count("n_params") - routed - count("wide_params")
    matrices = [*_matrices(config, variants, lambda name: int(count(name)))]
    plain = [m for m in matrices if ".experts." not in m.name]
    missing = linear - sum(m.size * m.layers for m in plain)
    if not 0 <= missing <= _SLACK * linear and not scheme.experts_only:
        raise _NotCountedError("not all of its matrices are known")
    if _MLA & set(variants):  # there they are no linear layers, or said by the code to stay wide
        small = (m.name for m in matrices if m.name in _SMALL)
        scheme = replace(scheme, ignored=(*scheme.ignored, *small))
    kept = _kept(scheme, matrices, layers)
    saved = {True: Rational(0), False: Rational(0)}
    for m in matrices:
        routes = ".experts." in m.name
        if routes or not scheme.experts_only:
            narrow = m.copies * scheme.bytes_of(m.rows, m.columns)
            saved[routes] += (m.layers - kept[m]) * (wide * m.size - narrow)
    found = {
        "bytes_per_weight": wide - saved[False] / linear,
        "bytes_per_embedding_weight": Rational(wide),
    }
    found |= {"bytes_per_expert_weight": wide - saved[True] / routed} if routed else {}
    return found | (_blocks(scheme, kept, int(count("d_head"))) if scheme.rows > 1 else {})


def _blocks(scheme: Scheme, kept: Mapping[Matrix, int], head: int) -> dict[str, int]:
    """Count the blocks along the sides that GPUs share, where every one must stay whole."""
    found = {"attention_blocks": 0, "feed_forward_blocks": 0}
    whole_heads = head % scheme.rows == 0  # keys and values of one are then copied whole
    for m in kept:
        name = m.name.rpartition(".")[2]
        rows = name in _SHARED_ROWS or (name in ("k_proj", "v_proj") and not whole_heads)
        if kept[m] < m.layers and (rows or name in _SHARED_COLUMNS):
            part = "attention_blocks" if "attn" in m.name else "feed_forward_blocks"
            side, block = (m.rows, scheme.rows) if rows else (m.columns, scheme.columns)
            found[part] = gcd(found[part], side // block if side % block == 0 else 1)
    return found


def _kept(scheme: Scheme, matrices: list[Matrix], layers: int) -> dict[Matrix, int]:
    """Return in how many layers each matrix stays wide."""
    full = {m: [f"model.layers.{layer}.{m.name}" for layer in range(layers)] for m in matrices}
    hit = {m: set[int]() for m in matrices}
    mixed = any(m.layers != layers for m in matrices)
    for entry in map(_usual, scheme.ignored):
        layer = re.search(r"layers\.(\d+)", entry)
        if layer and int(layer[1]) >= layers:
            continue  # of the layers that predict further tokens
        if re.search(r"experts\.\d", entry) or (
            mixed and re.fullmatch(r".*layers\.\d+(\.mlp)?\*?", entry)
        ):
            raise _NotCountedError(f"{entry:.60} may be a layer of any kind, or a part of experts")
        matches = _matcher(entry)
        told = False
        for m in matrices:
            found = {layer for layer, name in enumerate(full[m]) if matches(name)}
            hit[m] |= found
            told |= bool(found)
        if not (told or _WIDE.search(entry)):
            raise _NotCountedError(f"{entry:.60} names no known matrix")
    kept = {m: m.layers if len(found) == layers else len(found) for m, found in hit.items()}
    untold = any(m.name in _SMALL and kept[m] != m.layers for m in matrices)
    if not scheme.experts_only and (untold or any(kept[m] > m.layers for m in matrices)):
        raise _NotCountedError(
            "whether routers and gates stay wide is not said: name them among the layers that it "
            "leaves out, as in model.layers.0.mlp.gate"
        )
    return kept


def _usual(entry: str) -> str:
    """Return a name with the words that most checkpoints use."""
    for word, usual in (("block_sparse_moe", "mlp"), ("feed_forward", "mlp")):
        entry = entry.replace(word, usual)
    return entry


def _matcher(entry: str) -> Callable[[str], bool]:
    """Return whether an entry names a module: by a pattern, from a layer on, or by a part."""
    if entry.startswith("re:"):
        try:
            pattern = re.compile(entry.removeprefix("re:"))
        except re.error:
            return lambda name: False
        return lambda name: bool(pattern.match(name))
    if "layers." in entry:
        entry = "model.layers." + entry.partition("layers.")[2]
    if "*" in entry:
        return lambda name: fnmatchcase(name, entry) or fnmatchcase(name, f"{entry}.*")
    if "layers." in entry:
        return lambda name: f"{name}.".startswith(f"{entry}.")
    return lambda name: f".{entry}." in f".{name}."


def _matrices(
    config: Config, variants: Collection[str], n: Callable[[str], int]
) -> Iterator[Matrix]:
    """Yield the matrices of a model, named as Hugging Face names them."""
    d, kind = n("d_model"), str(config.get("model_type"))
    inside = "mixer" if kind == "nemotron_h" else "self_attn"
    yield from _attention(inside, variants, n, d)
    if n("n_layers_linear"):
        keys = n("n_linear_key_heads") * n("d_linear_key")
        heads = n("n_linear_value_heads")
        values = heads * n("d_linear_value")
        joined = {"in_proj_qkvz": 2 * keys + 2 * values, "in_proj_ba": 2 * heads}
        apart = {"in_proj_qkv": 2 * keys + values, "in_proj_z": values}
        apart |= {"in_proj_b": heads, "in_proj_a": heads}
        for name, rows in (joined if kind.startswith("qwen3_next") else apart).items():
            yield Matrix(f"linear_attn.{name}", rows, d, n("n_layers_linear"))
        yield Matrix("linear_attn.out_proj", d, values, n("n_layers_linear"))
    if n("n_layers_ssm"):
        inner = n("n_ssm_heads") * n("d_ssm_head")
        mixed = 2 * inner + 2 * n("n_ssm_groups") * n("d_ssm_state") + n("n_ssm_heads")
        yield Matrix("mixer.in_proj", mixed, d, n("n_layers_ssm"))
        yield Matrix("mixer.out_proj", d, inner, n("n_layers_ssm"))
    feed = "mixer" if kind == "nemotron_h" else "mlp"
    if n("n_layers_dense"):
        yield from _feed_forward(feed, d, n("d_ff"), n("n_mlp_matrices"), n("n_layers_dense"))
    if "moe" in variants:
        layers = n("n_layers_moe")
        for matrix in _feed_forward(
            f"{feed}.experts.0", d, n("d_ff_expert"), n("n_mlp_matrices"), layers
        ):
            yield Matrix(matrix.name, matrix.rows, matrix.columns, layers, n("n_experts"))
        if n("d_ff_shared"):
            shared = f"{feed}.shared_expert{'' if kind.startswith('qwen') else 's'}"
            yield from _feed_forward(shared, d, n("d_ff_shared"), n("n_mlp_matrices"), layers)
        if n("shared_expert_gate"):
            yield Matrix(f"{feed}.shared_expert_gate", 1, d, layers)
        yield Matrix(f"{feed}.gate", n("n_experts"), d, layers)


def _attention(
    inside: str, variants: Collection[str], n: Callable[[str], int], d: int
) -> Iterator[Matrix]:
    layers = n("n_layers_full") + n("n_layers_window")
    heads = n("n_heads")
    parts: dict[str, tuple[int, int]] = {}
    if _MLA & set(variants):
        rank, queries = n("kv_lora_rank"), heads * (n("d_nope") + n("d_rope"))
        parts["q_proj"] = (queries, d)
        if "mla" in variants:
            waist = n("q_lora_rank")
            parts = {"q_a_proj": (waist, d), "q_b_proj": (queries, waist)}
        parts["kv_a_proj_with_mqa"] = (rank + n("d_rope"), d)
        parts["kv_b_proj"] = (heads * (n("d_nope") + n("d_value")), rank)
        parts["o_proj"] = (d, heads * n("d_value"))
    else:
        width, shared = heads * n("d_head"), n("n_kv_heads") * n("d_head")
        parts["q_proj"] = ((1 + n("attention_output_gate")) * width, d)
        parts |= {"k_proj": (shared, d), "v_proj": (shared, d), "o_proj": (d, width)}
    if n("n_layers_indexed"):
        queries = n("n_index_heads") * n("d_index")
        parts["indexer.wq_b"] = (queries, n("q_lora_rank"))
        parts |= {"indexer.wk": (n("d_index"), d), "indexer.weights_proj": (n("n_index_heads"), d)}
    for name, (rows, columns) in parts.items():
        yield Matrix(f"{inside}.{name}", rows, columns, layers)


def _feed_forward(inside: str, d: int, width: int, matrices: int, layers: int) -> Iterator[Matrix]:
    names: dict[str, Any] = {"up_proj": (width, d), "down_proj": (d, width)}
    names |= {"gate_proj": (width, d)} if matrices == 3 else {}
    for name, (rows, columns) in names.items():
        yield Matrix(f"{inside}.{name}", rows, columns, layers)
