"""A closed form as a fast function of numbers and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from sympy import Expr, Symbol

from ..formulas.graph import Graph
from ..formulas.probability import FUNCTIONS
from ..quantities.units import scale_of
from .evaluation import evaluate

_BLOCK: Final = 16_384


def compile_function(
    graph: Graph,
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

    form = target if target in givens else graph.closed_form(target)
    fixed = _fixed(graph, givens, target, form.free_symbols - set(arguments))
    call, precomputed = _compiled(form, arguments, tuple(fixed))
    scales = [float(scale_of(name)) for name in arguments]
    constants, own = precomputed(*fixed.values()), float(scale_of(target))

    def block(*values: Any) -> Any:
        scaled = (v if s == 1 else v * s for v, s in zip(values, scales, strict=True))
        result = np.real(call(*scaled, *constants))
        return result if own == 1 else result / own

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
    graph: Graph,
    givens: Mapping[Symbol, Expr],
    target: Symbol,
    needed: Iterable[Symbol],
) -> dict[Symbol, float]:
    """Return the numbers of what a function does not take as an argument."""
    wanted = set(needed)
    missing = [s for s in graph.order(target) if s in wanted and s not in givens]
    values = dict(givens)
    for symbol in missing:
        values[symbol] = evaluate(graph, givens, symbol)[symbol]
    return {s: float(values[s]) for s in sorted(wanted, key=str)}


@lru_cache(maxsize=256)
def _compiled(
    form: Expr, arguments: tuple[Symbol, ...], fixed: tuple[Symbol, ...]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Compile what depends on the arguments, and apart from it what can be computed before."""
    import numpy as np
    from sympy import lambdify

    kernel, parts = _split(form, frozenset(arguments))
    modules = [{name: np.vectorize(call) for name, call in FUNCTIONS.items()}, "scipy"]
    call = lambdify([*arguments, *parts.values()], kernel, modules=modules, cse=True)
    return call, lambdify(fixed, list(parts), modules=modules, cse=True)


def _split(form: Expr, arguments: frozenset[Symbol]) -> tuple[Expr, dict[Expr, Symbol]]:
    """Replace each part without arguments by a symbol, so that it is computed once."""
    parts: dict[Expr, Symbol] = {}

    def constant(part: Expr) -> Expr:
        return part if part.is_Number else parts.setdefault(part, Symbol(f"constant_{len(parts)}"))

    def walk(part: Any) -> Any:
        if not part.args or part in arguments:
            return part if part in arguments or not part.free_symbols else constant(part)
        if not part.free_symbols & arguments:
            return constant(part) if isinstance(part, Expr) else part.func(*map(walk, part.args))
        if part.is_Add or part.is_Mul:
            before = [arg for arg in part.args if not arg.free_symbols & arguments]
            after = [walk(arg) for arg in part.args if arg.free_symbols & arguments]
            return part.func(*after, *([constant(part.func(*before))] if before else []))
        return part.func(*map(walk, part.args))

    return walk(form), parts
