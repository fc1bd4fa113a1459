"""From a Hugging Face ``config.json`` to shapes and variants; counts come from formulas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sympy import Expr, Symbol

from ..errors import ConfigError, unknown
from ..evaluation import evaluate
from ..formula import Formula
from ..formulas import BASE
from ..quantity import lookup
from ..value import coherent
from ..variants import get
from . import required, table


@dataclass(frozen=True)
class Model:
    """A model's shapes, and the variants that its formulas need.

    Parameters
    ----------
    name : str
        What it is called.
    givens : mapping of str to int
        Shapes by code name; never counts.
    variants : tuple of str
        Names of the bundles of formulas that it uses.
    source : str
        Where the shapes were read.
    notes : tuple of str
        What is left out or special.

    Examples
    --------
    >>> model = Model.from_config("Llama-3-8B")
    >>> model.n_params
    8030261248
    >>> model.kv_bytes_per_token()
    131072
    """

    name: str
    givens: Mapping[str, int] = field(hash=False)
    variants: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, config: str | Path | Mapping[str, Any]) -> Model:
        """Read a model from a catalog name, a path or the config itself.

        Parameters
        ----------
        config : str, Path or mapping
            A name of the catalog, the path of a ``config.json``, or its content.

        Returns
        -------
        Model
            Its shapes.

        Raises
        ------
        UnknownNameError
            If a name is neither in the catalog nor a file.
        ConfigError
            If the file is not a config, lacks a field, or is of an unknown architecture.
        """
        if not isinstance(config, str | Path | Mapping):
            raise ConfigError(f"a model is a catalog name, a path or a dict, got {config!r:.80}.")
        if isinstance(config, Mapping):
            return _read(config, str(config.get("_name_or_path") or "config"), "config given")
        catalog = {name.lower(): name for name in table("models")}
        if str(config).lower() in catalog:
            name = catalog[str(config).lower()]
            row = table("models")[name]
            notes: tuple[str, ...] = ()
            if "max_context_extended" in row:
                notes = (f"up to {row['max_context_extended']:,} tokens with rope scaling",)
            return _read(row["config"], name, f"{row['source']}, read {row['read']}", notes)
        path = Path(config)
        try:
            found = path.is_file()
        except (OSError, ValueError):  # no name that a file could have
            found = False
        if not found:
            raise unknown("model in the catalog, nor a file,", str(config)[:80], table("models"))
        return _read(_load(path), path.stem, f"{path.name}")

    def formulas(self) -> dict[Symbol, Formula]:
        """Return the formulas of this model, its variants put in."""
        chosen = dict(BASE)
        for bundle in map(get, self.variants):
            chosen |= {formula.target: formula for formula in bundle.formulas}
            for symbol in bundle.without:
                chosen.pop(symbol, None)
        return chosen

    def count(self, target: str, **givens: Any) -> Expr:
        """Compute a quantity from the shapes.

        Parameters
        ----------
        target : str
            Code name, for example ``"n_params"``.
        **givens
            Further givens, for example ``bytes_per_kv=1``.

        Returns
        -------
        Expr
            In coherent units, exact.

        Raises
        ------
        MissingGivenError
            If the shapes and givens do not say enough.
        """
        known = {
            lookup(name).symbol: coherent(name, value)
            for name, value in {**self.givens, **givens}.items()
        }
        symbol = lookup(target).symbol
        return evaluate(self.formulas(), known, symbol)[symbol]

    @property
    def n_params(self) -> Expr:
        """Parameters that memory holds."""
        return self.count("n_params")

    @property
    def n_params_active(self) -> Expr:
        """Parameters that multiply one token, without an untied input embedding."""
        return self.count("n_params_active")

    def kv_bytes_per_token(self, bytes_per_kv: float = 2) -> Expr:
        """Return the cache bytes of one token while every layer keeps it.

        Parameters
        ----------
        bytes_per_kv : float
            Bytes of one cached element.

        Returns
        -------
        Expr
            Bytes, exact.
        """
        return self.count("kv_bytes_per_token", bytes_per_kv=bytes_per_kv)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as reason:
        raise ConfigError(f"{path.name} is not a JSON file: {reason}.") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path.name} holds no JSON object, so it is no config.json.")
    return config


@lru_cache(maxsize=1)
def _families() -> dict[str, dict[str, Any]]:
    families = {name: row for name, row in table("families").items() if name != "common"}
    return {kind: row for row in families.values() for kind in row["model_types"]}


def _read(config: Mapping[str, Any], name: str, source: str, notes: tuple[str, ...] = ()) -> Model:
    kind = required(config, "model_type", name)
    if not isinstance(kind, str) or kind not in _families():
        known = ", ".join(sorted(_families()))
        raise ConfigError(f"{name}: model_type {kind!r} is not supported. Supported: {known}.")
    _check_head(config, name)
    family, common = _families()[kind], table("families")["common"]
    absent = common["absent"] | family.get("absent", {})
    givens: dict[str, int] = common["fixed"] | family.get("fixed", {})
    for quantity, keys in (common["keys"] | family["keys"]).items():
        found = next((config[key] for key in keys if config.get(key) is not None), None)
        if found is not None or quantity in absent:
            givens[quantity] = _whole(absent[quantity] if found is None else found, keys[0], name)
        elif quantity not in _DERIVED:
            required(config, keys[0], name)
    variants = list(family["variants"])
    for quantity, rule in _DERIVED.items():
        if quantity in family["keys"] and quantity not in givens:
            rule(givens, variants, name)
    _windows(config, family, givens, variants)
    left_out = [said for key, said in family.get("left_out", {}).items() if config.get(key)]
    return Model(name, givens, tuple(variants), source, (*notes, *left_out))


def _check_head(config: Mapping[str, Any], name: str) -> None:
    """Refuse what shares a family's keys but is no language model: embedders, draft heads."""
    architectures = config.get("architectures") or ["ForCausalLM"]
    if not any(str(entry).endswith("ForCausalLM") for entry in architectures):
        raise ConfigError(
            f"{name}: {', '.join(map(str, architectures))} is no causal language model, so its "
            "parameters and cache are not what model_type says."
        )


def _whole(found: Any, key: str, name: str) -> int:
    if isinstance(found, bool):
        return int(found)
    if not isinstance(found, int) or found < 0:
        raise ConfigError(f"{name}: {key} must be a whole number, got {found!r}.")
    return found


def _head_width(givens: dict[str, int], variants: list[str], name: str) -> None:
    if givens["n_heads"] == 0 or givens["d_model"] % givens["n_heads"]:
        raise ConfigError(
            f"{name}: without head_dim, hidden_size {givens['d_model']} must be a multiple of "
            f"num_attention_heads {givens['n_heads']}."
        )
    givens["d_head"] = givens["d_model"] // givens["n_heads"]


def _own_heads(givens: dict[str, int], variants: list[str], name: str) -> None:
    givens["n_kv_heads"] = givens["n_heads"]


def _full_queries(givens: dict[str, int], variants: list[str], name: str) -> None:
    variants[variants.index("mla")] = "mla_full_query"


_DERIVED = {"d_head": _head_width, "n_kv_heads": _own_heads, "q_lora_rank": _full_queries}


def _windows(
    config: Mapping[str, Any],
    family: Mapping[str, Any],
    givens: dict[str, int],
    variants: list[str],
) -> None:
    """Count the layers that see only a window, and name the variant if there are any."""
    window = config.get("sliding_window")
    if not window or config.get("use_sliding_window") is False:
        return
    kinds, first = config.get("layer_types"), config.get("max_window_layers") or 0
    layers = givens["n_layers"]
    if not isinstance(kinds or [], list) or not isinstance(first, int):
        raise ConfigError(f"layer_types {kinds!r:.80} or max_window_layers {first!r:.80} is odd.")
    if kinds:
        count = sum(kind == "sliding_attention" for kind in kinds)
    elif family.get("alternate_windows"):
        count = (layers + 1) // 2
    else:
        count = max(0, layers - first)
    if count:
        givens |= {"n_layers_window": count, "window": _whole(window, "sliding_window", "config")}
        variants.append("sliding_window")
