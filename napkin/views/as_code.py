"""The line of Python that rebuilds a worksheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Expr, Symbol

from ..choices import CHOICES, Given
from ..formula import Formula
from ..units import scale_of
from ..variants import Bundle
from ..worksheet import Napkin


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
    named = [f"{kind}={n._choices[kind].shown!r}" for kind in CHOICES if kind in n._choices]
    before: list[str] = []
    after: list[str] = []
    changes: list[str] = []
    for step in n._steps:
        if isinstance(step, Bundle | Formula):
            changes.append(_change(step))
            continue
        text = _typed(*step)
        if step[0].name not in moved:
            (after if changes else before).append(text)
    made = f"nk.Napkin({', '.join(named + before)})"
    assumed = ", ".join([*dict.fromkeys(changes), *after, *([ending] if ending else [])])
    return f"{made}.assume({assumed})" if assumed else made


def _typed(symbol: Symbol, given: Given) -> str:
    value: Any = given.value / scale_of(symbol)
    return f"{symbol.name}={number(value)}"


def _change(step: Bundle | Formula) -> str:
    return repr(step.name if isinstance(step, Bundle) else f"{step.target} = {step.expression}")
