"""What holds after a list of assumptions: the last word wins, and nothing is half replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sympy import Symbol

from ..errors import NapkinError
from ..formulas import BASE
from ..formulas.formula import Formula
from ..formulas.gqa import grouped_kv_heads
from ..formulas.variants import OF_A_MODEL, Bundle
from ..quantities.notation import group_size, n_kv_heads, n_params, n_params_active
from ..quantities.quantity import REGISTRY
from .choices import WIDTHS, Choice, Given, bundles_of, from_choices

_INSTEAD: Final = (  # of each of these sets the last one holds, whole
    {"mha", "mqa", "gqa", "mla", "mla_full_query"},
    {"idle_kept", "idle_evicted"},
    {"fluid", "binomial", "erlang"},
    {"paged", "reserved_maximum"},
    {"rent", "own"},
)
_APART: Final = (  # they count the same layers, each as if the other were not there
    {"sliding_window", "linear_attention"},
    {"sliding_window", "state_space"},
)
_COUNTED: Final = ("n_params", "n_params_active", "group_size")


def superseded(
    choices: Mapping[str, Choice], steps: tuple[Any, ...], chosen: Mapping[str, Choice]
) -> tuple[dict[str, Choice], tuple[Any, ...]]:
    """Take away what entries that are named now replace.

    Parameters
    ----------
    choices : mapping of str to Choice
        What was named before.
    steps : tuple
        What was assumed before: formulas, bundles, and pairs of symbol and given.
    chosen : mapping of str to Choice
        What is named now.

    Returns
    -------
    choices : dict of str to Choice
        Empty if a scenario is named now: it stands for all of them.
    steps : tuple
        Without values for quantities that the new entries bring; if a model is among
        them, without those of the old model's shape either.
    """
    if not chosen:
        return dict(choices), steps
    kept = {} if "scenario" in chosen else dict(choices)
    of_scenario = from_choices(chosen)[1] if "scenario" in chosen else {}
    shapes = {name for name, quantity in REGISTRY.items() if quantity.config_key}
    brings = {
        "scenario": {symbol.name for symbol in of_scenario},
        "model": {*shapes, *_COUNTED},
        "accelerator": {"memory", "bandwidth", "link_bandwidth", "peak_flops"},
        "precision": {"peak_flops", *WIDTHS},
    }
    brought = {name for key in chosen for name in brings[key]}
    remaining = tuple(
        step
        for step in steps
        if not (isinstance(step, tuple) and step[0].name in brought)
        and not ("model" in chosen and step in OF_A_MODEL)
    )
    return kept, remaining


def check_together(active: Sequence[Bundle], new: Bundle) -> None:
    """Refuse a bundle that would take away a part of another one.

    Parameters
    ----------
    active : sequence of Bundle
        Those that hold already, the model's own among them.
    new : Bundle
        The one to be assumed.

    Raises
    ------
    NapkinError
        If formulas of both would be mixed into something that is neither.
    """
    for bundle in active:
        pair = {bundle.name, new.name}
        if len(pair) == 1 or any(pair <= family for family in _INSTEAD):
            continue
        taken = _special(bundle) & {formula.target for formula in new.formulas}
        if taken or pair in _APART:
            order = not (taken and _special(new) & {f.target for f in bundle.formulas})
            advice = f"Assume {new.name} first" if taken and order else "Write the formulas"
            raise NapkinError(
                f"{new.name} would replace a part of {bundle.name} "
                f"({', '.join(sorted(map(str, taken))) or 'what layers keep'}), and the rest "
                f"would stay: the two do not go together so. {advice}, or start without one."
            )


def _special(bundle: Bundle) -> set[Symbol]:
    """Return the targets for which a bundle has a formula of its own."""
    return {f.target for f in bundle.formulas if BASE.get(f.target) != f}


def applied(
    choices: Mapping[str, Choice], steps: Sequence[Any]
) -> tuple[dict[Symbol, Formula], dict[Symbol, Given]]:
    """Return what holds after all assumptions.

    Parameters
    ----------
    choices : mapping of str to Choice
        What is named of the catalog.
    steps : sequence
        Formulas, bundles, and pairs of symbol and given, in the order of assuming.

    Returns
    -------
    formulas : dict of Symbol to Formula
        What can be computed.
    givens : dict of Symbol to Given
        What is given.

    Raises
    ------
    NapkinError
        If two bundles do not go together.
    """
    formulas, givens = from_choices(choices)
    active = bundles_of(choices)
    for step in steps:
        if isinstance(step, Bundle):
            check_together(active, step)
            active.append(step)
        _apply(step, formulas, givens)
    return formulas, givens


def _apply(step: Any, formulas: dict[Symbol, Formula], givens: dict[Symbol, Given]) -> None:
    """Put one assumption in; the last word wins."""
    if isinstance(step, tuple):
        givens[step[0]] = step[1]
        if step[0] == group_size:  # it says the same as n_kv_heads, so that one gives way
            givens.pop(n_kv_heads, None)
            formulas[n_kv_heads] = grouped_kv_heads
        elif step[0] == n_kv_heads:
            givens.pop(group_size, None)
        return
    if step in OF_A_MODEL:
        for symbol in (n_params, n_params_active):  # another shape has another count
            if symbol in givens and givens[symbol].source != "given":
                del givens[symbol]
    for formula in (step,) if isinstance(step, Formula) else step.formulas:
        formulas[formula.target] = formula
        givens.pop(formula.target, None)
    for symbol in getattr(step, "without", ()):
        formulas.pop(symbol, None)
