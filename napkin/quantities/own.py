"""Quantities of a reader's own, for formulas of a reader's own."""

from __future__ import annotations

import keyword
from typing import Final

from sympy import Symbol

from ..errors import NapkinError, unknown
from .given import allows
from .quantity import (
    ANY,
    COUNT,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    REGISTRY,
    SHARE,
    WHOLE,
    Domain,
    Quantity,
)
from .units import parse_unit
from .value import exact_number

DOMAINS: Final[dict[str, Domain]] = {
    "positive": POSITIVE,
    "non-negative": NON_NEGATIVE,
    "fraction": FRACTION,
    "share": SHARE,
    "count": COUNT,
    "whole": WHOLE,
    "any": ANY,
}
# fmt: off
_RESERVED: Final = frozenset({
    "assume", "values", "givens", "typed", "numbers", "choices", "changes", "formulas", "derive",
    "own_quantities", "function", "model", "accelerator", "engine", "kv_precision", "calibrated",
    "kind", "rows", "precision", "scenario", "self", "fits", "samples", "seed", "target",
    "targets", "unknown", "x", "y", "at", "lines", "title", "regimes", "measured", "beyond", "n",
    "Min", "Max", "sqrt", "log", "exp", "ceiling", "floor",
})
# fmt: on


def quantity(
    name: str,
    unit: str = "1",
    meaning: str = "a quantity of the reader's own",
    shown: str = "",
    domain: str = "positive",
    default: float | None = None,
) -> Symbol:
    r"""Declare a quantity of your own, to use in formulas that you assume.

    Parameters
    ----------
    name : str
        Code name: a Python identifier that no quantity of the book has.
    unit : str
        For example ``"1"``, ``"s"``, ``"byte/token"`` or ``"USD/h"``.
    meaning : str
        One phrase.
    shown : str
        Shown symbol in LaTeX; the name in roman if not given.
    domain : str
        ``"positive"``, ``"non-negative"``, ``"fraction"``, ``"share"``, ``"count"``,
        ``"whole"`` or ``"any"``.
    default : float, optional
        The value assumed when nobody gives one.

    Returns
    -------
    Symbol
        Its SymPy symbol.

    Raises
    ------
    NapkinError
        If the name is taken by something else, or is no name.
    UnitError
        If the unit is not known.

    Notes
    -----
    It is known to this Python process, and to each where a napkin is unpickled that uses
    it. Declaring the same again changes nothing.

    Examples
    --------
    >>> quantity("speculation_gain", unit="1", meaning="tokens for each step")
    speculation_gain
    """
    plain = isinstance(name, str) and name.isidentifier() and name.isascii()
    if not plain or keyword.iskeyword(name) or name.startswith("_") or name in _RESERVED:
        raise NapkinError(
            f"{name!r} is no name for a quantity: use plain letters, digits and '_', and no name "
            "that a napkin or a verb has for something else."
        )
    if not isinstance(unit, str) or not isinstance(domain, str):
        raise NapkinError(f"{name}: unit and domain are texts, got {unit!r} and {domain!r}.")
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    parse_unit(unit)
    text = shown or _roman(name)
    low = DOMAINS[domain].low
    sign = "real" if low < 0 else "positive" if DOMAINS[domain].open_low or low else "nonnegative"
    new = Quantity(name, unit, meaning, text, DOMAINS[domain], default, own=True, assumption=sign)
    if default is not None and not allows(new.domain, exact_number(default)):
        raise NapkinError(f"{name}: the default must be {new.domain.words}, got {default!r}.")
    return register(new)


def register(new: Quantity) -> Symbol:
    """Enter a quantity that is not in the book."""
    known = REGISTRY.get(new.name)
    if known is not None and known != new:
        raise NapkinError(
            f"there is a quantity {new.name!r} already: {known.meaning}, in {known.unit}. "
            "Choose another name."
        )
    REGISTRY[new.name] = new
    return new.symbol


def own_among(names: set[str]) -> tuple[Quantity, ...]:
    """Return those quantities of these names that a reader declared."""
    return tuple(REGISTRY[name] for name in sorted(names) if REGISTRY[name].own)


def declaration(quantity: Quantity) -> str:
    """Return the line of Python that declares a reader's quantity again."""
    words = {domain: word for word, domain in DOMAINS.items()}
    given: dict[str, object] = {"unit": quantity.unit, "meaning": quantity.meaning}
    if quantity.shown != _roman(quantity.name):
        given["shown"] = quantity.shown
    given["domain"] = words[quantity.domain]
    if quantity.default is not None:
        given["default"] = quantity.default
    texts = [repr(quantity.name), *(f"{key}={value!r}" for key, value in given.items())]
    return f"nk.quantity({', '.join(texts)})"


def _roman(name: str) -> str:
    """Return a name in upright letters, as LaTeX."""
    return rf"\mathrm{{{name}}}".replace("_", r"\ ")
