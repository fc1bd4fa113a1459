"""What the named entries of the catalog bring to a napkin: formulas and givens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sympy import Expr, Symbol

from .. import catalog
from ..catalog import Accelerator
from ..catalog.model import Model
from ..formulas import BASE
from ..formulas.formula import Formula
from ..formulas.variants import Bundle, get
from ..quantities.quantity import lookup
from ..quantities.value import coherent

WIDTHS: Final = ("bytes_per_weight", "bytes_per_kv", "bytes_per_activation")


CHOICES: Final = ("scenario", "model", "accelerator", "precision")
"""What a worksheet takes by name, each from the catalog or one's own."""


@dataclass(frozen=True)
class Given:
    """A value that was given.

    Parameters
    ----------
    value : Expr
        In coherent units.
    source : str
        Who gave it: ``"given"``, or a source of the catalog.
    """

    value: Expr
    source: str = "given"


@dataclass(frozen=True)
class Choice:
    """An entry that was named.

    Parameters
    ----------
    entry : str, Model or Accelerator
        What was found under the name.
    shown : str
        The name as it was typed, or the entry's own.
    """

    entry: Any
    shown: str


def resolved(named: Mapping[str, Any]) -> dict[str, Choice]:
    """Look up what is named, once: a napkin does not change when a file does.

    Parameters
    ----------
    named : mapping of str to object
        Scenario, model, accelerator and precision, as far as they are named.

    Returns
    -------
    dict of str to Choice
        The same, looked up.
    """
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


def bundles_of(choices: Mapping[str, Choice]) -> list[Bundle]:
    """Return the bundles that the named model uses.

    Parameters
    ----------
    choices : mapping of str to Choice
        What is named.

    Returns
    -------
    list of Bundle
        Empty if no model is named.
    """
    return [get(name) for name in choices["model"].entry.variants] if "model" in choices else []


def from_choices(
    choices: Mapping[str, Choice],
) -> tuple[dict[Symbol, Formula], dict[Symbol, Given]]:
    """Return the formulas and givens that the named catalog entries bring.

    Parameters
    ----------
    choices : mapping of str to Choice
        What is named.

    Returns
    -------
    formulas : dict of Symbol to Formula
        The base formulas, with the model's variants put in.
    givens : dict of Symbol to Given
        Values with their sources; what is named later in the list above counts.
    """
    formulas = dict(BASE)
    given: dict[str, tuple[Any, str]] = {}
    if "scenario" in choices:
        values, source = catalog.scenario(choices["scenario"].entry, shapes="model" not in choices)
        given |= {name: (value, source) for name, value in values.items()}
    if "model" in choices:
        model = choices["model"].entry
        formulas = model.formulas()
        source = "; ".join((f"{model.name}: {model.source}", *model.notes))
        given |= {name: (value, source) for name, value in model.givens.items()}
    if "precision" in choices:
        precision = str(choices["precision"].entry).lower()
        each = (catalog.width(precision), f"precision {precision}")
        given |= dict.fromkeys(WIDTHS, each)
        given.pop("peak_flops", None)  # a peak belongs to its precision
    if "accelerator" in choices:
        chip = choices["accelerator"].entry
        taken = ["memory", "bandwidth", "link_bandwidth"]
        taken += [f"peak_flops.{precision}"] if "precision" in choices else []
        remarks = chip.remarks(*taken)
        source = "; ".join(filter(None, (f"{chip.name}: {chip.source}", remarks)))
        given |= {"memory": (chip.memory, source), "bandwidth": (chip.bandwidth, source)}
        given.pop("peak_flops", None)
        if chip.link_bandwidth:
            given["link_bandwidth"] = (chip.link_bandwidth, source)
        if "precision" in choices and chip.peak_flops:  # else asked for where it is needed
            given["peak_flops"] = (chip.peak(precision), source)
    return formulas, {
        lookup(name).symbol: Given(coherent(name, value), source)
        for name, (value, source) in given.items()
    }
