"""What the named entries of the catalog bring to a napkin: formulas and givens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sympy import Expr, Symbol

from . import catalog
from .catalog import Accelerator
from .catalog.model import Model
from .formula import Formula
from .formulas import BASE
from .quantity import lookup
from .value import coherent
from .variants import Bundle, get

WIDTHS: Final = ("bytes_per_weight", "bytes_per_kv", "bytes_per_activation")


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


def bundles_of(choices: Mapping[str, Any]) -> list[Bundle]:
    """Return the bundles that the named model uses.

    Parameters
    ----------
    choices : mapping of str to object
        What is named.

    Returns
    -------
    list of Bundle
        Empty if no model is named.
    """
    if "model" not in choices:
        return []
    chosen = choices["model"]
    model = chosen if isinstance(chosen, Model) else Model.from_config(chosen)
    return [get(name) for name in model.variants]


def from_choices(choices: Mapping[str, Any]) -> tuple[dict[Symbol, Formula], dict[Symbol, Given]]:
    """Return the formulas and givens that the named catalog entries bring.

    Parameters
    ----------
    choices : mapping of str to object
        Scenario, model, accelerator and precision, as far as they are named.

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
        values, source = catalog.scenario(choices["scenario"], shapes="model" not in choices)
        given |= {name: (value, source) for name, value in values.items()}
    if "model" in choices:
        chosen = choices["model"]
        model = chosen if isinstance(chosen, Model) else Model.from_config(chosen)
        formulas = model.formulas()
        source = "; ".join((f"{model.name}: {model.source}", *model.notes))
        given |= {name: (value, source) for name, value in model.givens.items()}
    if "precision" in choices:
        precision = str(choices["precision"]).lower()
        each = (catalog.width(precision), f"precision {precision}")
        given |= dict.fromkeys(WIDTHS, each)
        given.pop("peak_flops", None)  # a peak belongs to its precision
    if "accelerator" in choices:
        chip = choices["accelerator"]
        chip = chip if isinstance(chip, Accelerator) else catalog.accelerator(chip)
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
