"""A worksheet and a question to it, written down as data: claims, exercises, measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..formulas import ALL
from ..formulas.variants import get
from ..quantities.value import Value
from .choices import CHOICES
from .napkin import Napkin
from .parse import parse_expression


def worksheet(*calls: Mapping[str, Any]) -> Napkin:
    """Return the worksheet that data describes.

    Parameters
    ----------
    *calls : mapping
        With the keys ``scenario``, ``model``, ``accelerator``, ``precision``, ``variants``
        (names of bundles or of packaged formulas) and ``givens``; none is needed. A later
        call is put over the ones before.

    Returns
    -------
    Napkin
        The worksheet.
    """
    n = Napkin()
    for call in calls:
        choices = {key: call[key] for key in CHOICES if key in call}
        changes = [ALL[name] if name in ALL else get(name) for name in call.get("variants", ())]
        n = n.assume(*changes, **choices, **call.get("givens", {}))
    return n


def called(target: str, *calls: Mapping[str, Any], unit: str = "") -> Value:
    """Return the value of an expression in the worksheet that data describes.

    Parameters
    ----------
    target : str
        A quantity, or an expression of quantities, such as ``"memory / bandwidth"``.
    *calls : mapping
        As in `worksheet`.
    unit : str, optional
        The unit of the result; the quantity's own if not given.

    Returns
    -------
    Value
        The result.

    Examples
    --------
    >>> called("memory / bandwidth", {"accelerator": "B200"}, unit="ms")
    22.5 ms
    """
    value = worksheet(*calls)[parse_expression(target)]
    return value.to(unit) if unit else value
