"""The line of Python that rebuilds a worksheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Expr, Symbol

from ..formulas.formula import Formula
from ..formulas.variants import Bundle
from ..quantities.units import scale_of
from ..worksheet.choices import CHOICES, Given
from ..worksheet.napkin import Napkin


def number(value: Expr) -> str:
    """Write a number as Python reads it.

    Parameters
    ----------
    value : Expr
        A SymPy number.

    Returns
    -------
    str
        Whole numbers with underscores, others with the digits that a float has.
    """
    return f"{int(value):_}" if value.is_Integer else repr(float(value))


def as_code(n: Napkin, moved: Iterable[str] = (), ending: str = "") -> str:
    """Return the Python that rebuilds a worksheet.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    moved : iterable of str
        Givens to leave out.
    ending : str
        What stands last in the call of ``assume``, for example ``"context=2_000"``.

    Returns
    -------
    str
        One line, for ``import napkin as nk``.
    """
    calls: list[list[str]] = [
        [f"{kind}={n._choices[kind].shown!r}" for kind in CHOICES if kind in n._choices]
    ]
    formulas_may_follow = False  # in a call, formulas stand before names with values
    for step in _lasting(n._steps):
        if isinstance(step, Bundle | Formula):
            if not formulas_may_follow:
                calls.append([])
            calls[-1].append(_change(step))
            formulas_may_follow = True
        elif step[0].name not in moved:
            calls[-1].append(_typed(*step))
            formulas_may_follow = False
    if ending and len(calls) == 1:
        calls.append([])
    calls[-1] += [ending] if ending else []
    return "nk.Napkin(" + ").assume(".join(", ".join(call) for call in calls) + ")"


def _lasting(steps: Iterable[Any]) -> list[Any]:
    """Leave out what a later step says again, or says otherwise."""
    kept: list[Any] = []
    later: set[Any] = set()
    for step in reversed(list(steps)):
        change = isinstance(step, Bundle | Formula)
        said = _change(step) if change else step[0]
        if said not in later:
            kept.insert(0, step)
            later.add(said)
        if change:
            formulas = step.formulas if isinstance(step, Bundle) else (step,)
            later |= {formula.target for formula in formulas}
    return kept


def _typed(symbol: Symbol, given: Given) -> str:
    value: Any = given.value / scale_of(symbol)
    return f"{symbol.name}={number(value)}"


def _change(step: Bundle | Formula) -> str:
    return repr(step.name if isinstance(step, Bundle) else f"{step.target} = {step.expression}")
