"""Explorers: a quantity over another, computed by the page while a reader moves assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..worksheet.napkin import Napkin, expect_napkin
from .exploration import exploration

if TYPE_CHECKING:
    from .widget import Explorer


def explore(
    n: Napkin,
    y: str | Sequence[str],
    x: str,
    *,
    assume: Mapping[str, Any] | None = None,
    lines: str = "",
    log: str | None = None,
    **controls: Any,
) -> Explorer:
    """Show a quantity over another one, with controls that answer at once.

    Parameters
    ----------
    n : Napkin
        The worksheet.
    y : str or sequence of str
        What is computed: one quantity, or several of one unit, each with its line.
    x : str
        The given along the axis, and the first control.
    assume : mapping, optional
        A menu of assumptions: words, and the bundle or formula (or a list of them) that
        each stands for.
    lines : str
        The menu whose options are all drawn, such as ``"model"`` or ``"assumption"``.
    log : str, optional
        Which axes are logarithmic: ``"xy"``, ``"x"``, ``"y"`` or ``""``; without it, those with
        a wide range.
    **controls
        Ends of a slider, as ``context=(1_000, 200_000)``, also for `x`; or the options of a
        menu, as ``accelerator=["B200", "H100"]``. At most four controls in all.

    Returns
    -------
    Explorer
        Curve, value, what decides, closed form, and the line of Python that rebuilds the
        worksheet; without a kernel, the same; without scripts, a table.

    Raises
    ------
    NapkinError
        If there are too many controls, or a page cannot compute the quantity.
    """
    from .widget import Explorer

    expect_napkin(n, "explore")
    return Explorer(exploration(n, y, x, assume, controls, lines, log))
