"""The formulas and values that hold under a reader's assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sympy import Expr, Symbol

from .. import catalog
from ..catalog import Accelerator, Model
from ..formulas import BASE
from ..formulas.formula import Node
from ..formulas.gqa import grouped_kv_heads
from ..formulas.parallelism import GROUPED, SEVERAL
from ..formulas.variants import Bundle, get
from ..quantities.notation import (
    group_size,
    n_gpus,
    n_kv_heads,
    n_params,
    n_params_active,
    tensor_parallel,
)
from ..quantities.quantity import REGISTRY, lookup
from ..quantities.value import coherent

CHOICES: Final = ("scenario", "model", "accelerator", "precision")
"""What a worksheet takes by name, from the catalog or from the reader."""
_WIDTHS: Final = ("bytes_per_weight", "bytes_per_kv", "bytes_per_activation")
_OF_A_SHEET: Final = ("memory", "bandwidth", "link_bandwidth", "peak_flops")

Change = Node | Bundle
Formulas = dict[Symbol, Node]


@dataclass(frozen=True)
class Given:
    """A value in coherent units, and who gave it: ``"given"``, or a source of the catalog."""

    value: Expr
    source: str = "given"


@dataclass(frozen=True)
class Choice:
    """An entry of the catalog or of the reader, and the name that the reader typed."""

    entry: Any
    typed: str


def choose(named: Mapping[str, Any]) -> dict[str, Choice]:
    """Look up each named entry once, so that a napkin does not change when a file does."""
    found = dict(named)
    if not isinstance(found.get("model"), Model | None):
        found["model"] = Model.from_config(found["model"])
    if not isinstance(found.get("accelerator"), Accelerator | None):
        found["accelerator"] = catalog.accelerator(found["accelerator"])
    typed = {key: str(name) for key, name in named.items() if isinstance(name, str | Path)}
    return {
        key: Choice(entry, str(typed.get(key) or getattr(entry, "name", entry)))
        for key, entry in found.items()
    }


def brought_by(chosen: Mapping[str, Choice]) -> set[str]:
    """Name the quantities that entries set; these replace values that were typed before."""
    scenario = catalog.scenario(chosen["scenario"].entry)[0] if "scenario" in chosen else ()
    shapes = {name for name, quantity in REGISTRY.items() if quantity.config_key}
    brings: dict[str, Iterable[str]] = {
        "scenario": scenario,
        "model": {*shapes, "n_params", "n_params_active", "group_size"},
        "accelerator": _OF_A_SHEET,
        "precision": ("peak_flops", *_WIDTHS),
    }
    return {name for key in chosen for name in brings[key]}


def merge(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Drop each change that a later one replaces entirely."""
    kept: list[Change] = []
    for change in changes:
        kept = [other for other in kept if not _replaces(change, other)]
        kept.append(change)
    return tuple(kept)


def _replaces(change: Change, other: Change) -> bool:
    if isinstance(change, Bundle) and isinstance(other, Bundle):
        return change == other or (bool(change.slot) and change.slot == other.slot)
    return targets_of(other) <= targets_of(change)


def targets_of(change: Change) -> set[Symbol]:
    """Return the quantities that a change decides."""
    taken = set(change.without) if isinstance(change, Bundle) else set()
    return {formula.target for formula in nodes_of(change)} | taken


def nodes_of(change: Change) -> tuple[Node, ...]:
    """Return the nodes that a change brings."""
    return change.formulas if isinstance(change, Bundle) else (change,)


def apply(
    choices: Mapping[str, Choice],
    changes: tuple[Change, ...],
    typed: Mapping[Symbol, Given],
) -> tuple[Formulas, dict[Symbol, Given]]:
    """Return the formulas and givens that hold after all assumptions."""
    model = choices["model"].entry if "model" in choices else None
    own: tuple[Change, ...] = tuple(map(get, model.variants)) if model else ()
    formulas, givens = dict(BASE), _from_catalog(choices)
    if _are_several(changes, {**givens, **typed}):
        formulas |= SEVERAL
    for change in merge((*own, *changes)):
        for formula in nodes_of(change):
            formulas[formula.target] = formula
        for symbol in change.without if isinstance(change, Bundle) else ():
            formulas.pop(symbol, None)
    for change in changes:
        for symbol in {formula.target for formula in nodes_of(change)}:
            givens.pop(symbol, None)
        if isinstance(change, Bundle) and change.of_a_model:  # another shape, another count
            givens.pop(n_params, None)
            givens.pop(n_params_active, None)
    if group_size in typed:  # it determines n_kv_heads, whose own value goes
        givens.pop(n_kv_heads, None)
        formulas[n_kv_heads] = grouped_kv_heads
    if tensor_parallel in typed:  # groups of GPUs, each with the attention of its sequences
        formulas |= {formula.target: formula for formula in GROUPED}
    return formulas, givens | dict(typed)


def _are_several(changes: Iterable[Change], givens: Mapping[Symbol, Given]) -> bool:
    """Say whether a server may have more than one GPU."""
    counted = any(n_gpus in targets_of(change) for change in changes)
    return counted or tensor_parallel in givens or (n_gpus in givens and givens[n_gpus].value != 1)


def _from_catalog(choices: Mapping[str, Choice]) -> dict[Symbol, Given]:
    """Return the values that the named entries bring, each with its source."""
    given: dict[str, tuple[Any, str]] = {}
    if "scenario" in choices:
        values, source = catalog.scenario(choices["scenario"].entry, shapes="model" not in choices)
        given |= {name: (value, source) for name, value in values.items()}
    if "model" in choices:
        model = choices["model"].entry
        source = "; ".join((f"{model.name}: {model.source}", *model.notes))
        given |= {name: (value, source) for name, value in model.givens.items()}
    precision = str(choices["precision"].entry).lower() if "precision" in choices else ""
    if precision:
        given |= dict.fromkeys(_WIDTHS, (catalog.width(precision), f"precision {precision}"))
        given.pop("peak_flops", None)  # a peak belongs to its precision
    if "accelerator" in choices:
        given.pop("peak_flops", None)
        given |= _from_sheet(choices["accelerator"].entry, precision)
    return {
        lookup(name).symbol: Given(coherent(name, value), source)
        for name, (value, source) in given.items()
    }


def _from_sheet(chip: Accelerator, precision: str) -> dict[str, tuple[Any, str]]:
    """Return the values of a spec sheet, with a peak only if the precision is named."""
    values = {"memory": chip.memory, "bandwidth": chip.bandwidth}
    values |= {"link_bandwidth": chip.link_bandwidth} if chip.link_bandwidth else {}
    fields = ["memory", "bandwidth", "link_bandwidth"]
    if precision:
        fields.append(f"peak_flops.{precision}")
        values |= {"peak_flops": chip.peak(precision)} if chip.peak_flops else {}
    source = "; ".join(filter(None, (f"{chip.name}: {chip.source}", chip.remarks(*fields))))
    return {name: (value, source) for name, value in values.items()}
