"""From a Hugging Face ``config.json`` to shapes and variants; counts come from formulas."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from sympy import Expr, Integer, Symbol

from ..errors import ConfigError, MissingGivenError, NoFormulaError, unknown
from ..formulas import BASE
from ..formulas.formula import Formula
from ..formulas.graph import graph_of
from ..formulas.quantization import PARTS, WIDE
from ..formulas.variants import get
from ..quantities.given import coherent
from ..quantities.quantity import lookup
from .data import source_of
from .families import text_part
from .naming import model_named, model_names, model_row
from .narrow import STORED, widths
from .shapes import shapes

_KINDS: Final = {
    "windowed": "n_layers_window",
    "linear": "n_layers_linear",
    "state space": "n_layers_ssm",
    "short convolution": "n_layers_conv",
    "cross attention": "n_layers_cross",
    "feed-forward only": "n_layers_plain",
}


@dataclass(frozen=True)
class Model:
    """A model's shapes, and the variants that its formulas need.

    Parameters
    ----------
    name : str
        What it is called.
    givens : mapping of str to number
        Shapes by code name, and the widths of stored weights; never counts.
    variants : tuple of str
        Names of the bundles of formulas that it uses.
    source : str
        Where the shapes were read.
    notes : tuple of str
        What is left out or special.
    unread : str
        Why the widths of its published weights are not known, and what to give instead.

    Examples
    --------
    >>> model = Model.from_config("Llama-3-8B")
    >>> model.n_params
    8030261248
    >>> model.kv_bytes_per_token()
    131072
    """

    name: str
    givens: Mapping[str, Any] = field(hash=False)
    variants: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()
    unread: str = ""

    @classmethod
    def from_config(cls, config: str | Path | Mapping[str, Any]) -> Model:
        """Read a model from a catalog name, a path or the config itself.

        Parameters
        ----------
        config : str, Path or mapping
            A name of the catalog, also as the Hugging Face hub has it
            (``"openai/gpt-oss-120b"``), in other spellings (``"llama3_1-8b"``) or at the end
            of a path that is no file; the path of a ``config.json``, or of the folder that
            holds it; or its content.

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
            path = config.get("_name_or_path")
            called = Path(path).name if isinstance(path, str) else ""
            return _read(config, called or "config", "config given")
        if name := model_named(str(config)):
            return _of_catalog(name)
        path = Path(config)
        try:
            folder = path.is_dir()
            path = path / "config.json" if folder else path
            found = path.is_file()
        except (OSError, ValueError):  # no name that a file could have
            found = folder = False
        if folder and not found:
            raise ConfigError(
                f"the folder {path.parent.name!r} holds no config.json: give the folder of a "
                "model as the hub has it, or the path of its config.json."
            )
        if not found and (name := model_named(str(config), inside=True)):
            return _of_catalog(name)
        if not found:
            raise unknown("model in the catalog, nor a file,", str(config)[:80], model_names())
        name = path.parent.resolve().name if folder else path.stem
        return _read(_load(path), name, path.name)

    def formulas(self) -> dict[Symbol, Formula]:
        """Return the formulas of this model, its variants put in."""
        chosen = dict(BASE)
        if "bytes_per_embedding_weight" in self.givens:
            chosen |= {formula.target: formula for formula in WIDE}
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
        own = self.givens
        if "bytes_per_weight" in givens:  # one width for all
            own = {name: value for name, value in own.items() if lookup(name).symbol not in PARTS}
        known = {
            lookup(name).symbol: coherent(name, value) for name, value in {**own, **givens}.items()
        }
        graph, symbol = graph_of(self.formulas(), known), lookup(target).symbol
        if symbol in known:
            return known[symbol]
        if symbol not in graph:
            raise NoFormulaError(f"no formula computes {target} of {self.name}.")
        form = graph.closed_form(symbol)
        open_ends = sorted(form.free_symbols - known.keys(), key=str)
        missing = [name for name in open_ends if lookup(name).default is None]
        if missing:
            listed = ", ".join(f"{name} ({lookup(name).meaning})" for name in missing)
            why = f" Why: {self.unread}." if "bytes_per_weight" in listed and self.unread else ""
            raise MissingGivenError(
                f"{target} of {self.name} needs {listed}: "
                f"give it, as in count({target!r}, {missing[0]}=...).{why}"
            )
        known |= {name: coherent(name, lookup(name).default) for name in open_ends}
        return form.xreplace(known)

    @property
    def n_params(self) -> Expr:
        """Parameters that memory holds."""
        return self.count("n_params")

    @property
    def n_params_active(self) -> Expr:
        """Parameters that multiply one token, without an untied input embedding."""
        return self.count("n_params_active")

    @property
    def max_context(self) -> int | None:
        """Longest context the model was trained for, if the config says."""
        longest = self.givens.get("max_context")
        return None if longest is None else int(longest)

    @property
    def layers(self) -> dict[str, int]:
        """Layers by kind; those that look back at every token are ``"full"``."""
        kinds = {kind: int(self.givens.get(name, 0)) for kind, name in _KINDS.items()}
        twice = int(self.givens.get("n_layers_parallel", 0))
        full = int(self.givens["n_layers"]) + twice - sum(kinds.values())
        return {kind: count for kind, count in {"full": full, **kinds}.items() if count}

    @property
    def checkpoint_bytes(self) -> Expr:
        """Bytes of the weights as published, where a ``quantization_config`` says how."""
        return self.count("weight_bytes")

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

    def kv_bytes_per_sequence(self, context: float, bytes_per_kv: float = 2) -> Expr:
        """Return the cache bytes of one sequence, windows and states counted.

        Parameters
        ----------
        context : float
            Tokens cached.
        bytes_per_kv : float
            Bytes of one cached element.

        Returns
        -------
        Expr
            Bytes, exact.
        """
        return self.count("kv_bytes_per_sequence", context=context, bytes_per_kv=bytes_per_kv)


@cache
def _of_catalog(name: str) -> Model:
    row = model_row(name)
    notes: tuple[str, ...] = ()
    if "max_context_extended" in row:
        notes = (f"up to {row['max_context_extended']:,} tokens with rope scaling",)
    facts = row["config"] | dict.fromkeys(row.get("null", ()))
    if "max_context_native" in row:  # positions in the config may exceed the training
        facts |= {"max_position_embeddings": row["max_context_native"]}
    model = _read(facts, name, source_of(row), notes)
    longer = {key: row[key] for key in ("max_context_extended",) if key in row}
    return replace(model, givens={**model.givens, **longer})


def _counting(model: Model) -> Callable[[str], Expr]:
    """Return what computes a quantity of a model whose embedding has a width of its own."""
    apart = replace(model, givens={**model.givens, "bytes_per_embedding_weight": 2})
    computed = {symbol.name for symbol in apart.formulas()} - model.givens.keys()

    @cache
    def count(name: str) -> Expr:
        if name in computed:
            return apart.count(name)
        return Integer(model.givens.get(name, lookup(name).default or 0))

    return count


def _load(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as reason:
        raise ConfigError(f"{path.name} is not a JSON file: {reason}.") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path.name} doesn't hold a JSON object, so it isn't a config.json.")
    return config


def _read(config: Mapping[str, Any], name: str, source: str, notes: tuple[str, ...] = ()) -> Model:
    text, nested, left_out = text_part(config, name)
    givens, variants, said = shapes(text, nested, name)
    model = Model(name, givens, tuple(variants), source, (*notes, *left_out, *said))
    stored = {key: config.get(key) for key in STORED} | dict(text)
    published, more, unread = widths(stored, variants, _counting(model))
    notes = (*model.notes, *more)
    return replace(model, givens=givens | published, notes=notes, unread=unread)
