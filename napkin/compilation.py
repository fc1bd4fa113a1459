"""A closed form as a fast function of numbers and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from sympy import Expr, Integer, Symbol

from .evaluation import evaluate
from .graph import Formulas, closed_form, order
from .probability import FUNCTIONS
from .units import scale_of

_BLOCK: Final = 16_384


def compiled(
    formulas: Formulas,
    givens: Mapping[Symbol, Expr],
    target: Symbol,
    arguments: tuple[Symbol, ...],
) -> Callable[..., Any]:
    """Compile a target as a function of some quantities.

    Parameters
    ----------
    formulas : mapping of Symbol to Formula
        What can be computed.
    givens : mapping of Symbol to Expr
        Values of what the function does not take, in coherent units.
    target : Symbol
        What the function returns, in its own unit.
    arguments : tuple of Symbol
        What it takes, each in its own unit.

    Returns
    -------
    callable
        For numbers or arrays of shapes that broadcast.

    Raises
    ------
    MissingGivenError
        If something else that the target needs is not given.
    """
    import numpy as np

    known = {**givens, **dict.fromkeys(arguments, Integer(1))}
    form = target if target in known else closed_form(formulas, known, target)
    fixed = _fixed(formulas, known, target, form.free_symbols - set(arguments))
    call = _compiled(form, arguments, tuple(fixed))
    scales = [float(scale_of(name)) for name in arguments]
    constants, own = list(fixed.values()), float(scale_of(target))

    def block(*values: Any) -> Any:
        scaled = (v if s == 1 else v * s for v, s in zip(values, scales, strict=True))
        return np.real(call(*scaled, *constants)) / own

    def function(*values: Any) -> Any:
        arrays = [np.asarray(value, float) for value in values]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        out = np.empty(shape)
        if out.size <= _BLOCK:
            out[...] = block(*arrays)
            return out[()]
        # Blocks that stay in the cache: the cost of plain NumPy is its temporaries.
        flags: Any = [["readonly"]] * len(arrays) + [["writeonly"]]
        with np.nditer(
            [*arrays, out], ["external_loop", "buffered"], flags, buffersize=_BLOCK, order="C"
        ) as parts:
            for *part, result in parts:
                result[...] = block(*part)
        return out

    function.__name__ = f"{target}_of_{'_'.join(map(str, arguments))}"
    function.__doc__ = f"{target} = {form}"
    return function


def _fixed(
    formulas: Formulas,
    givens: Mapping[Symbol, Expr],
    target: Symbol,
    needed: Iterable[Symbol],
) -> dict[Symbol, float]:
    """Return the numbers of what a function does not take as an argument."""
    wanted = set(needed)
    missing = [s for s in order(formulas, givens, target) if s in wanted and s not in givens]
    values = dict(givens)
    for symbol in missing:
        values[symbol] = evaluate(formulas, givens, symbol)[symbol]
    return {s: float(values[s]) for s in sorted(wanted, key=str)}


@lru_cache(maxsize=256)
def _compiled(
    form: Expr, arguments: tuple[Symbol, ...], fixed: tuple[Symbol, ...]
) -> Callable[..., Any]:
    import numpy as np
    from sympy import lambdify

    functions = {name: np.vectorize(call) for name, call in FUNCTIONS.items()}
    compiled: Callable[..., Any] = lambdify(
        [*arguments, *fixed], form, modules=[functions, "scipy"], cse=True
    )
    return compiled
