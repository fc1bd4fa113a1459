"""What a napkin says of itself: what is given, what is assumed, what comes from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sympy import Symbol

from ..formulas.formula import Formula
from ..formulas.variants import Bundle
from ..quantities.quantity import REGISTRY, SWITCH, lookup
from ..quantities.value import coherent, in_unit
from .choices import Choice, Given

_WIDTH: Final = 90
_IDEAL: Final = (  # what makes a napkin ideal, unless it is given
    *("n_gpus", "bandwidth_efficiency", "compute_efficiency"),
    *("usable_memory", "reserved_memory", "month"),
)


def summary(
    choices: Mapping[str, Choice],
    steps: tuple[Any, ...],
    formulas: Mapping[Symbol, Formula],
    givens: Mapping[Symbol, Given],
) -> str:
    """Describe a napkin in a few lines.

    Parameters
    ----------
    choices : mapping of str to Choice
        Scenario, model, accelerator and precision, as far as they are named.
    steps : tuple
        Formulas and bundles that were assumed, among the givens that were typed.
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : mapping of Symbol to Given
        All givens.

    Returns
    -------
    str
        First the line that makes the napkin again, as far as it has no formulas of its own.
    """
    named = {key: choice.shown for key, choice in choices.items()}
    typed = {s.name: str(in_unit(s, g.value)) for s, g in givens.items() if g.source == "given"}
    words = [f"{name}={value!r}" for name, value in {**named, **typed}.items()]
    lines = [f"{_wrapped('Napkin(', words)})"]
    lines += [f"  assuming {step}" for step in steps if isinstance(step, Formula | Bundle)]
    for source in dict.fromkeys(given.source for given in givens.values()):
        if source != "given":
            lines.append(_wrapped(f"  from {source.split(': ')[0]}: ", _listed(givens, source)))
    assumed = [
        f"{name} = {in_unit(name, coherent(name, REGISTRY[name].default))}"
        for name in _IDEAL
        if REGISTRY[name].symbol not in givens
    ]
    lines += [_wrapped("  assumed: ", assumed)] if assumed else []
    used = {symbol for formula in formulas.values() for symbol in formula.symbols}
    idle = [s.name for s in givens if s.name in typed and s not in used and s not in formulas]
    return "\n".join(lines + ([_wrapped("  used by no formula here: ", idle)] if idle else []))


def _wrapped(lead: str, items: list[str]) -> str:
    """Join items with commas, in lines that a notebook shows without breaking them."""
    lines = [lead]
    for index, item in enumerate(items):
        piece = item + (", " if index < len(items) - 1 else "")
        if len(lines[-1]) + len(piece) > _WIDTH and lines[-1].strip():
            lines.append("    ")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _listed(givens: Mapping[Symbol, Given], source: str) -> list[str]:
    pairs = [(s, in_unit(s, g.value)) for s, g in givens.items() if g.source == source]
    return [f"{s} = {v}" for s, v in pairs if lookup(s).domain is not SWITCH]
