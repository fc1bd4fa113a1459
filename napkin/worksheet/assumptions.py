"""The formulas and values that hold under a reader's assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from sympy import Expr, Symbol

from .. import catalog
from ..catalog import Accelerator, Model
from ..errors import NapkinError
from ..formulas import BASE, hardware, quantization
from ..formulas.formula import Node
from ..formulas.gqa import grouped_kv_heads
from ..formulas.paging import LIMITED
from ..formulas.parallelism import GROUPED, SEVERAL
from ..formulas.variants import (
    Bundle,
    attention_apart,
    chunked_prefill,
    get,
    parts_in_turn,
    with_overheads,
)
from ..quantities import notation as q
from ..quantities.given import coherent, in_unit
from ..quantities.quantity import REGISTRY, lookup

CHOICES: Final = (
    *("scenario", "model", "accelerator", "precision", "kv_precision", "engine", "calibrated"),
)
"""What a worksheet takes by name, from the catalog or from the reader."""
_WIDTHS: Final = (q.bytes_per_weight, *quantization.PARTS)
_REMARKS: Final = {"fp4": ": without scales, which come with mxfp4, nvfp4 or a published format"}
_PEAKS: Final = ("peak_flops", "wide_peak_flops")
_OF_A_SHEET: Final = ("memory", "bandwidth", "link_bandwidth", *_PEAKS)

Change = Node | Bundle
Formulas = dict[Symbol, Node]


@dataclass(frozen=True)
class Given:
    """A value in coherent units, and who gave it: ``"given"``, or a source of the catalog.

    A value that was given as a range is its median; 90 % lies between the ends.
    """

    value: Expr
    source: str = "given"
    ends: tuple[Expr, Expr] | None = None

    @property
    def label(self) -> str:
        """The source in a word or two."""
        return self.source.split(": ")[0]

    def shown(self, symbol: Symbol) -> str:
        """Return the value, or the range, as a reader would type it."""
        return " to ".join(str(in_unit(symbol, end)) for end in self.ends or (self.value,))


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
    if "calibrated" in found:
        found["calibrated"] = _switch(found["calibrated"])
    typed = {key: str(name) for key, name in named.items() if isinstance(name, str | Path)}
    return {
        key: Choice(entry, str(typed.get(key) or getattr(entry, "name", entry)))
        for key, entry in found.items()
    }


def _switch(typed: Any) -> bool:
    found = {"true": True, "false": False}.get(str(typed).lower())
    if found is None:
        raise NapkinError(f"calibrated is True or False, got {typed!r:.60}.")
    return found


def brought_by(chosen: Mapping[str, Choice]) -> set[str]:
    """Name the quantities that entries set; these replace values that were typed before."""
    scenario = catalog.scenario(chosen["scenario"].entry)[0] if "scenario" in chosen else ()
    shapes = {name for name, quantity in REGISTRY.items() if quantity.config_key}
    brings: dict[str, Iterable[str]] = {
        "scenario": scenario,
        "model": {*shapes, "n_params", "n_params_active", "group_size"},
        "accelerator": _OF_A_SHEET,
        "precision": (*_PEAKS, "bytes_per_weight", "bytes_per_activation"),
        "kv_precision": ("bytes_per_kv",),
        "engine": catalog.engine(chosen["engine"].entry, inf)[0] if "engine" in chosen else (),
        "calibrated": catalog.fitted() if is_calibrated(chosen) else (),
    }
    if "model" in chosen:  # with the widths of its published weights
        brings["model"] = {*brings["model"], *chosen["model"].entry.givens}
    return {name for key in chosen for name in brings[key]}


def left_by(chosen: Mapping[str, Choice], changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the changes that hold once entries are named after them.

    An engine replaces the layout of the cache; a schedule that the reader chose stays. A bundle
    goes if the entries bring all that it computes.
    """
    if "model" in chosen:
        changes = tuple(c for c in changes if not (isinstance(c, Bundle) and c.of_a_model))
    brought = {lookup(name).symbol for name in brought_by(chosen)}
    changes = tuple(c for c in changes if isinstance(c, Node) or not targets_of(c) <= brought)
    new = [bundle for bundle in _of_engine(chosen) if bundle.slot != "prompts"]
    return tuple(c for c in changes if not any(_replaces(bundle, c) for bundle in new))


def _of_engine(choices: Mapping[str, Choice]) -> tuple[Bundle, ...]:
    if "engine" not in choices:
        return ()
    return tuple(map(get, catalog.engine(choices["engine"].entry)[1]))


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


def yielding_of(change: Change) -> set[Symbol]:
    """Return those quantities of a change whose given values stay."""
    return set(change.yields) if isinstance(change, Bundle) else set()


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
    fitted = (parts_in_turn,) if is_calibrated(choices) else ()
    _expect_one_step(fitted or tuple(c for c in changes if c == parts_in_turn), changes)
    formulas, givens = dict(BASE), _from_catalog(choices)
    if _are_several(changes, {**givens, **typed}):
        formulas |= SEVERAL
    if q.tensor_parallel in typed:  # groups of GPUs, each with the attention of its sequences
        formulas |= {formula.target: formula for formula in GROUPED}
    if q.max_sequences in givens.keys() | typed.keys():
        formulas |= {formula.target: formula for formula in LIMITED}
    for change in merge((*own, *_of_engine(choices), *fitted, *changes)):
        for formula in nodes_of(change):
            formulas[formula.target] = formula
        for symbol in change.without if isinstance(change, Bundle) else ():
            formulas.pop(symbol, None)
    for change in changes:
        for symbol in {formula.target for formula in nodes_of(change)}:
            givens.pop(symbol, None)
        if isinstance(change, Bundle) and change.of_a_model:  # another shape, another count
            givens.pop(q.n_params, None)
            givens.pop(q.n_params_active, None)
    if q.group_size in typed:  # it determines n_kv_heads, whose own value goes
        givens.pop(q.n_kv_heads, None)
        if not any(getattr(change, "target", None) == q.n_kv_heads for change in changes):
            formulas[q.n_kv_heads] = grouped_kv_heads
    own_targets = set(typed).union(*map(targets_of, changes))
    _slow_down(formulas, givens, own_targets)
    _weigh(formulas, givens, own_targets, q.weight_bytes in typed)
    return formulas, givens | dict(typed)


def _expect_one_step(in_turn: tuple[Bundle, ...], changes: Iterable[Change]) -> None:
    """Refuse bundles of an ideal step beside one whose parts take turns, as measured ones do."""
    for other in (chunked_prefill, attention_apart, with_overheads):
        if in_turn and other in changes:
            raise NapkinError(
                f"{other.name} describes an ideal step ({other.why}), and calibrated=True or "
                f"parts_in_turn one as servers run it, which counts that in its own way. Leave out "
                "one of the two."
            )


def is_calibrated(choices: Mapping[str, Choice]) -> bool:
    """Say whether fitted constants count."""
    return "calibrated" in choices and bool(choices["calibrated"].entry)


def hints_of(choices: Mapping[str, Choice]) -> dict[Symbol, str]:
    """Say of quantities that an entry leaves open why it does."""
    unread = choices["model"].entry.unread if "model" in choices else ""
    return {q.bytes_per_weight: unread} if unread else {}


def _are_several(changes: Iterable[Change], givens: Mapping[Symbol, Given]) -> bool:
    """Say whether a server may have more than one GPU."""
    counted = any(q.n_gpus in targets_of(change) for change in changes)
    several = q.n_gpus in givens and givens[q.n_gpus].value != 1
    return counted or several or q.tensor_parallel in givens


def _slow_down(formulas: Formulas, givens: dict[Symbol, Given], own: set[Symbol]) -> None:
    """Let attention have a peak of its own, unless the entries name a cache as narrow as products.

    A width that a reader gave may move, so a formula looks at it.
    """
    widths = (q.bytes_per_kv, q.bytes_per_activation)
    if own.isdisjoint(widths) and givens.keys() >= set(widths):
        kept, multiplied = (givens[width].value for width in widths)
        if kept <= multiplied:
            givens.pop(q.wide_peak_flops, None)
    if q.wide_peak_flops in givens.keys() | own and q.attention_slowdown not in own:
        formulas[q.attention_slowdown] = hardware.narrow_attention_slowdown


def _weigh(formulas: Formulas, givens: dict[Symbol, Given], own: set[Symbol], given: bool) -> None:
    """Make the widths of the weights agree: the reader's `own` ones, or a `given` total."""
    if q.bytes_per_weight in own:  # one width for all
        for part in (*quantization.PARTS, q.attention_blocks, q.feed_forward_blocks):
            givens.pop(part, None)
    elif (
        given
        and own.isdisjoint(_WIDTHS)
        and not {q.n_params, q.n_layers}.isdisjoint(givens.keys() | own)
    ):
        known = {width: givens.pop(width).value for width in _WIDTHS if width in givens}
        plain = known.get(q.bytes_per_weight)
        ratios = {part: known[part] / plain for part in quantization.PARTS if part in known}
        formulas |= {formula.target: formula for formula in quantization.spread(ratios)}
    wide = q.bytes_per_embedding_weight
    if wide in givens or wide in own or formulas[wide] is not BASE[wide]:
        formulas |= {f.target: f for f in quantization.WIDE if f.target not in own}


def _from_catalog(choices: Mapping[str, Choice]) -> dict[Symbol, Given]:
    """Return the values that the named entries bring, each with its source."""
    given: dict[str, tuple[Any, str]] = {}
    published: Mapping[str, Any] = {}
    products = ""
    chip = choices["accelerator"].entry if "accelerator" in choices else None
    if "scenario" in choices:
        values, source = catalog.scenario(choices["scenario"].entry, shapes="model" not in choices)
        given |= {name: (value, source) for name, value in values.items()}
    model = choices["model"].entry if "model" in choices else None
    if model:
        source = "; ".join((f"{model.name}: {model.source}", *model.notes))
        published = model.givens
        if model.unread:  # neither a scenario nor a precision says what its files weigh
            given.pop("bytes_per_weight", None)
        given |= {name: (value, source) for name, value in published.items()}
    precision = str(choices["precision"].entry).lower() if "precision" in choices else ""
    if precision:
        said = f"precision {precision}{_REMARKS.get(precision, '')}"
        if "bytes_per_weight" not in published and not (model and model.unread):
            given["bytes_per_weight"] = (catalog.width(precision), said)
            if precision in catalog.SCALED:  # such formats leave embedding and head alone
                given["bytes_per_embedding_weight"] = (2, f"precision {precision}")
        given |= _requantized(precision, published, said)
        products = catalog.products(precision, chip)
        said = said if products == precision else f"products in {products} for {precision}"
        given["bytes_per_activation"] = (catalog.width(products), said)
        given.pop("peak_flops", None)  # a peak belongs to its precision
    if chip:
        given.pop("peak_flops", None)
        given |= _from_sheet(chip, products)
    if "engine" in choices:
        # The GPU by its name: a memory that was typed may be an argument of a function.
        size = coherent("memory", given["memory"][0]) if "memory" in given else None
        name = chip.name if chip else ""
        values, _, source = catalog.engine(choices["engine"].entry, size, name)
        given |= {key: (value, source) for key, value in values.items()}
    if is_calibrated(choices):
        given |= catalog.fitted()
    if "kv_precision" in choices:
        kept = str(choices["kv_precision"].entry).lower()
        given["bytes_per_kv"] = (catalog.width(kept), f"kv_precision {kept}")
    return {
        lookup(name).symbol: Given(coherent(name, value), source)
        for name, (value, source) in given.items()
    }


def _requantized(
    precision: str, published: Mapping[str, Any], said: str
) -> dict[str, tuple[Any, str]]:
    """Return the width of experts that are published wider than the four bits asked for.

    Published checkpoints in four bits narrow the experts, and leave the rest in its width.
    """
    part = "bytes_per_expert_weight"
    if catalog.width(precision) >= 1 or published.get(part, 0) < 1:
        return {}
    return {part: (catalog.width(precision), f"experts in {said}, the rest as published")}


def _from_sheet(chip: Accelerator, precision: str) -> dict[str, tuple[Any, str]]:
    """Return the values of a spec sheet, with a peak only if the precision is named."""
    values = {"memory": chip.memory, "bandwidth": chip.bandwidth}
    values |= {"link_bandwidth": chip.link_bandwidth} if chip.link_bandwidth else {}
    fields = ["memory", "bandwidth", "link_bandwidth"]
    if precision:
        fields.append(f"peak_flops.{precision}")
        values |= {"peak_flops": chip.peak(precision)} if chip.peak_flops else {}
        wide = chip.peak_flops.get("bf16") or chip.peak_flops.get("fp16")
        if wide and catalog.width(precision) < 2 and wide != values["peak_flops"]:
            values["wide_peak_flops"] = wide
    source = "; ".join(filter(None, (f"{chip.name}: {chip.source}", chip.remarks(*fields))))
    return {name: (value, source) for name, value in values.items()}
