"""Closed forms as one fast function of numbers and arrays."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from math import prod
from typing import Any, Final

from sympy import And, Basic, Expr, Ge, Le, Symbol, lambdify
from sympy.logic.boolalg import Boolean

from ..formulas.graph import Graph
from ..formulas.probability import FUNCTIONS
from ..formulas.roots import Largest, largest_of_arrays
from ..quantities.quantity import lookup
from ..quantities.units import scale_of
from .evaluation import conditions, evaluate, number, require

_BLOCK: Final = 16_384  # numbers that fit in the cache of a core
_MANY: Final = 500_000  # with fewer numbers, a second core does not pay
_SHARED_BLOCK: Final = 65_536  # larger, because cores wait for each other between operations
_NEARLY: Final = 1 + 1e-12  # a limit that is just reached is kept


def compile_function(
    graph: Graph, givens: Mapping[Symbol, Expr], target: Symbol, arguments: tuple[Symbol, ...]
) -> Callable[..., Any]:
    """Compile a target as a function of some quantities, each in its own unit."""
    call = compile_many(graph, givens, (target,), arguments)

    def function(*values: Any) -> Any:
        (result,) = call(*values)
        return result[()] if result.ndim == 0 else result

    function.__name__ = f"{target}_of_{'_'.join(map(str, arguments))}"
    function.__doc__ = f"Return {target}: {lookup(target).meaning}."
    return function


def compile_many(
    graph: Graph,
    givens: Mapping[Symbol, Expr],
    targets: tuple[Symbol | Boolean, ...],
    arguments: tuple[Symbol, ...],
) -> Callable[..., list[Any]]:
    """Compile quantities, each in its own unit, and conditions as one function of some others.

    The function computes shared steps once, and large arrays in blocks that fit in the cache,
    on every core.
    """
    import numpy as np

    for target in targets:
        for symbol in sorted(target.free_symbols, key=str):
            require(graph, givens, symbol)
    call, parts = _compiled(graph, targets, arguments)
    constants = _numbers(graph, givens, parts)
    scales = [float(scale_of(name)) for name in arguments]
    units = [float(scale_of(t)) if isinstance(t, Symbol) else 1 for t in targets]
    kinds = [float if isinstance(target, Symbol) else bool for target in targets]

    def block(arrays: Sequence[Any], out: Sequence[Any]) -> None:
        scaled = (v if s == 1 else v * s for v, s in zip(arrays, scales, strict=True))
        with np.errstate(all="ignore"):
            for result, found, unit in zip(out, call(*scaled, *constants), units, strict=True):
                result[...] = found if unit == 1 else found / unit

    def function(*values: Any) -> list[Any]:
        arrays = [np.asarray(value, float) for value in values]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        out = [np.empty(shape, kind) for kind in kinds]
        cores = _cores()
        many = prod(shape) >= _MANY and cores > 1
        places = list(_blocks(shape, _SHARED_BLOCK if many else _BLOCK))
        ins = ([_part(array, shape, place) for array in arrays] for place in places)
        outs = ([result[place] for result in out] for place in places)
        if many:
            with ThreadPoolExecutor(cores) as pool:
                list(pool.map(block, ins, outs))
        else:
            for pair in zip(ins, outs, strict=True):
                block(*pair)
        return out

    return function


def fit_conditions(graph: Graph, targets: Iterable[Symbol]) -> list[Boolean]:
    """List the conditions for a server to run the targets; limits may be reached exactly."""
    found = dict.fromkeys(f.valid for target in targets for f in conditions(graph, target))
    return [_nearly(part) for valid in found for part in And.make_args(valid)]


def _nearly(condition: Boolean) -> Boolean:
    if isinstance(condition, Le):
        return Le(condition.lhs, condition.rhs * _NEARLY)
    if isinstance(condition, Ge):
        return Ge(condition.lhs * _NEARLY, condition.rhs)
    return condition


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _blocks(shape: tuple[int, ...], size: int) -> Iterator[tuple[Any, ...]]:
    """Cut a shape along its longest axis into parts of about a size."""
    if not shape or not prod(shape):
        yield (Ellipsis,)
        return
    axis = max(range(len(shape)), key=shape.__getitem__)
    step = max(1, size * shape[axis] // prod(shape))
    for start in range(0, shape[axis], step):
        yield (*[slice(None)] * axis, slice(start, start + step), Ellipsis)


def _part(array: Any, shape: tuple[int, ...], where: tuple[Any, ...]) -> Any:
    """Return the part of an array that broadcasts into a part of the shape."""
    missing = len(shape) - array.ndim
    own = [
        part if array.shape[axis - missing] > 1 else slice(None)
        for axis, part in enumerate(where[:-1])
        if axis >= missing
    ]
    return array[(*own, Ellipsis)]


def _numbers(graph: Graph, givens: Mapping[Symbol, Expr], parts: tuple[Expr, ...]) -> list[float]:
    """Return the numbers that do not depend on the arguments."""
    values = dict(givens)
    for symbol in sorted(set().union(*(part.free_symbols for part in parts)), key=str):
        if symbol not in values:
            values |= evaluate(graph, givens, symbol)
    return [float(number(part, values)) for part in parts]


@lru_cache(maxsize=256)
def _compiled(
    graph: Graph, targets: tuple[Basic, ...], arguments: tuple[Symbol, ...]
) -> tuple[Callable[..., Any], tuple[Expr, ...]]:
    """Compile the nodes that depend on the arguments; all other parts enter as numbers."""
    import numpy as np

    constants: dict[Expr, Symbol] = {}
    moving, steps = set(arguments), []
    for node in _nodes(graph, targets):
        if node in graph and node not in graph.known and graph[node].symbols & moving:
            moving.add(node)
            steps.append((node, _with_constants(graph[node].expression, moving, constants)))
    outputs = [_with_constants(target, moving, constants) for target in targets]
    uses = Counter(s for part in (*dict(steps).values(), *outputs) for s in part.free_symbols)
    named = {s for _, part in steps for root in part.atoms(Largest) for s in root.free_symbols}
    kept = [(node, part) for node, part in steps if uses[node] > 1 or node in named]
    once = dict(step for step in steps if step not in kept)
    modules = [
        {name: np.vectorize(call) for name, call in FUNCTIONS.items()},
        {"largest": largest_of_arrays},
        "numpy",
    ]
    call = lambdify(
        [*arguments, *constants.values()],
        outputs,
        modules=modules,
        printer=_printer(once),
        cse=lambda _: (kept, outputs),
    )
    return call, tuple(constants)


def _printer(once: Mapping[Symbol, Expr]) -> Any:
    """Return a printer that inlines each node with a single use.

    NumPy then frees its array at once, and SymPy does not compare its nested limits.
    """
    from sympy.printing.numpy import NumPyPrinter

    class Printer(NumPyPrinter):
        def _print_Symbol(self, expr: Symbol) -> str:
            inner = f"({self._print(once[expr])})" if expr in once else super()._print_Symbol(expr)
            return str(inner)

        def _print_And(self, expr: And) -> str:  # sides of shapes that broadcast
            return " & ".join(f"({self._print(side)})" for side in expr.args)

    return Printer(
        {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}
    )


def _nodes(graph: Graph, targets: tuple[Basic, ...]) -> list[Symbol]:
    """List all that targets and conditions need, each after its own inputs."""
    found: dict[Symbol, None] = {}
    for target in targets:
        for symbol in sorted(target.free_symbols, key=str):
            found |= dict.fromkeys(graph.order(symbol))
    return list(found)


def _with_constants(part: Any, moving: set[Symbol], constants: dict[Expr, Symbol]) -> Any:
    """Replace each constant part by a symbol, and all constant terms of a sum by one."""
    bound = {root.args[0] for root in part.atoms(Largest)}

    def constant(part: Expr) -> Expr:
        if part.is_Number:
            return part
        return constants.setdefault(part, Symbol(f"constant_{len(constants)}"))

    def walk(part: Any) -> Any:
        if part in moving or part in bound or (not part.args and not part.free_symbols):
            return part
        if not part.free_symbols & (moving | bound):
            return constant(part) if isinstance(part, Expr) else part.func(*map(walk, part.args))
        if part.is_Add or part.is_Mul:
            still = [arg for arg in part.args if not arg.free_symbols & (moving | bound)]
            moves = [walk(arg) for arg in part.args if arg.free_symbols & (moving | bound)]
            return part.func(*moves, *([constant(part.func(*still))] if still else []))
        return part.func(*map(walk, part.args))

    return walk(part)
