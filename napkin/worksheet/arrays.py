"""Quantities over arrays of inputs, and which points fit on a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sympy import And, Symbol

from ..errors import DomainError
from ..quantities.given import coherent, in_unit, somewhere
from ..quantities.quantity import lookup
from ..quantities.units import conversion
from ..quantities.value import Value
from .compilation import compile_many, fit_conditions
from .napkin import Napkin
from .unused import unused

_BLOCK: Final = 65_536  # numbers that the second look at them finds in the cache

Compiled = tuple[Callable[..., list[Any]], bool, list[str]]


def read_numbers(name: str, values: Any) -> Any:
    """Read the values along an axis as numbers in the unit of its quantity.

    Numbers and arrays are in that unit already; text and `Value` bring their own. A value that
    the quantity does not allow raises a `DomainError`.
    """
    import numpy as np

    if isinstance(values, str | Value):
        values = float(in_unit(name, coherent(name, values)))
    elif isinstance(values, list | tuple) and any(isinstance(v, str | Value) for v in values):
        values = [float(in_unit(name, coherent(name, value))) for value in values]
    try:
        if np.iscomplexobj(values):
            raise TypeError
        array = np.asarray(list(values) if isinstance(values, range) else values, float)
    except (TypeError, ValueError):
        raise DomainError(
            f"{name}: an axis takes numbers, or text with units, got {values!r:.80}."
        ) from None
    check_numbers(name, array)
    return array


def check_numbers(name: str, array: Any) -> None:
    """Raise a `DomainError` if an array holds a value that its quantity does not allow."""
    import numpy as np

    quantity = lookup(name)
    domain = quantity.domain
    whole = not domain.integer or bool((array == np.round(array)).all())
    # The smallest and the largest value decide for all; a NaN is both of them.
    blocks = np.array_split(array.ravel(), 1 + array.size // _BLOCK) if array.size else []
    ends = np.array([(block.min(), block.max()) for block in blocks])
    if not (whole and domain.within(ends).all()):
        wrong = ~domain.within(array) | (array != np.round(array) if domain.integer else False)
        raise DomainError(
            f"{name} ({quantity.meaning}) must be {domain.words}, got {array[wrong].flat[0]:g} "
            f"among the values of the axis."
        )
    if not np.isfinite(ends).all():
        raise DomainError(f"{name} ({quantity.meaning}) must be finite along an axis, got inf.")


def unit_factor(name: str, unit: str) -> float:
    """Return the factor that converts numbers in a unit to the unit of a quantity."""
    return float(conversion(unit, lookup(name).unit))


def compile_with_fit(
    n: Napkin, targets: Sequence[str], axes: Sequence[str], *, beyond: bool = False
) -> Compiled:
    """Compile targets over axes; the last result says which points fit, if that can be known.

    A point fits if a server can run it and all that is computed on the way is in the range of
    its quantity; the numbers of other points are NaN, unless they are wanted. Also returned are
    whether the fit can be known, and what is given and not used.
    """
    symbols = tuple(lookup(target).symbol for target in targets)
    arguments = tuple(lookup(name).symbol for name in axes)
    made: Compiled = n._remember(
        (symbols, arguments, beyond), lambda: _compile(n, symbols, arguments, beyond)
    )
    return made


def _compile(
    n: Napkin, symbols: tuple[Symbol, ...], arguments: tuple[Symbol, ...], beyond: bool
) -> Compiled:
    opened = n.assume(**{s.name: somewhere(s) for s in arguments})
    fits = fit_conditions(opened.formulas, (*symbols, *arguments))
    wanted = (*symbols, And(*fits, evaluate=False)) if fits else symbols
    gaps = bool(fits) and not beyond
    call = compile_many(opened.formulas, opened.numbers, wanted, arguments, gaps=gaps)
    return call, bool(fits), unused(opened.formulas, opened.typed, symbols)
