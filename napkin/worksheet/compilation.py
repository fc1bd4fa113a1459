"""Closed forms as one fast function of numbers and arrays."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from math import inf, prod
from typing import Any, Final

from sympy import And, Basic, Expr, Ge, Gt, Le, Lt, Symbol
from sympy.logic.boolalg import Boolean

from ..errors import DomainError
from ..formulas.graph import Graph
from ..formulas.roots import Largest
from ..quantities.quantity import lookup
from ..quantities.units import scale_of
from .evaluation import conditions, evaluate, number, require, without_conditions
from .steps import Steps

_BLOCK: Final = 16_384  # numbers that fit in the cache of a core
_MANY: Final = 2_000_000  # with fewer numbers, a second core does not pay
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
    *,
    gaps: bool = False,
) -> Callable[..., list[Any]]:
    """Compile quantities, each in its own unit, and conditions as one function of some others.

    The function computes shared steps once, and large arrays in blocks that fit in the cache,
    on every core. With gaps, it writes NaN where the last condition does not hold.
    """
    import numpy as np

    for target in targets:
        for symbol in sorted(target.free_symbols, key=str):
            require(graph, givens, symbol)
    compiled, parts = _compiled(graph, targets, arguments)
    constants = [np.asarray(value) for value in _numbers(graph, givens, parts, arguments)]
    kinds = [float if isinstance(target, Symbol) else bool for target in targets]

    def function(*values: Any) -> list[Any]:
        arrays = [np.atleast_1d(np.asarray(value, float)) for value in values]
        out = [np.empty(np.broadcast_shapes(*map(np.shape, values)), kind) for kind in kinds]
        whole = [np.atleast_1d(result) for result in out]
        shape = whole[0].shape
        cores = _cores() if prod(shape) >= _MANY else 1
        places = iter(list(_blocks(shape, _SHARED_BLOCK if cores > 1 else _BLOCK)))

        def work(_: int) -> None:
            found: dict[tuple[int, ...], list[Any]] = {}  # by the shape of the block
            with np.errstate(all="ignore"):
                for place in places:
                    outs = [result[place] for result in whole]
                    if outs[0].shape not in found:
                        found[outs[0].shape] = compiled.start(constants)
                    ins = [_part(array, shape, place) for array in arrays]
                    compiled.fill(found[outs[0].shape], ins, outs)
                    for numbers in outs[:-1] if gaps else ():
                        np.putmask(numbers, ~outs[-1], np.nan)

        if cores > 1:
            with ThreadPoolExecutor(cores) as pool:
                list(pool.map(work, range(cores)))
        else:
            work(0)
        return out

    return function


def fit_conditions(graph: Graph, targets: Iterable[Symbol]) -> list[Boolean]:
    """List the conditions for the targets to have values; limits may be reached exactly."""
    found = dict.fromkeys(f.valid for target in targets for f in conditions(graph, target))
    parts = [_nearly(part) for valid in found for part in And.make_args(valid)]
    computed = dict.fromkeys(s for target in targets for s in graph.order(target) if s in graph)
    return [
        *parts,
        *(limit for s in computed if s not in graph.known for limit in _limits(graph, s)),
    ]


def _limits(graph: Graph, symbol: Symbol) -> Iterator[Boolean]:
    """Yield the ends of what a quantity allows, in coherent units, that its formula may cross."""
    domain, scale = lookup(symbol).domain, scale_of(symbol)
    expression = graph[symbol].expression
    signs = expression.is_positive if domain.open_low else expression.is_nonnegative
    if abs(domain.low) != inf and not (domain.low == 0 and signs):
        above = Gt if domain.open_low else Ge
        yield above(symbol, domain.low * scale, evaluate=False)
    if abs(domain.high) != inf:
        below = Lt if domain.open_high else Le
        yield below(symbol, domain.high * scale, evaluate=False)


def _nearly(condition: Boolean) -> Boolean:
    if isinstance(condition, Le):
        return Le(condition.lhs, condition.rhs * _NEARLY)
    if isinstance(condition, Ge):
        return Ge(condition.lhs, condition.rhs / _NEARLY)
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


def _numbers(
    graph: Graph,
    givens: Mapping[Symbol, Expr],
    parts: tuple[Expr, ...],
    arguments: tuple[Symbol, ...],
) -> list[float]:
    """Return the numbers that do not depend on the arguments."""
    values = dict(givens)
    for symbol in sorted(set().union(*(part.free_symbols for part in parts)), key=str):
        if symbol not in values:
            values |= _constants(graph, givens, values, symbol, arguments)
    return [float(number(part, values)) for part in parts]


def _constants(
    graph: Graph,
    givens: Mapping[Symbol, Expr],
    known: Mapping[Symbol, Expr],
    symbol: Symbol,
    arguments: tuple[Symbol, ...],
) -> dict[Symbol, Expr]:
    """Return such a number, with those on the way to it that are not known.

    Whether it fits may depend on the arguments all the same.
    """
    try:
        return evaluate(graph, known, symbol)
    except DomainError:
        decides = {name for part in conditions(graph, symbol) for name in part.valid.free_symbols}
        moved = any(not set(arguments).isdisjoint(graph.order(name)) for name in decides)
        found = without_conditions(graph, givens, symbol) if moved else None
        if found is None:
            raise
        return {symbol: found}


@lru_cache(maxsize=256)
def _compiled(
    graph: Graph, targets: tuple[Basic, ...], arguments: tuple[Symbol, ...]
) -> tuple[Steps, tuple[Expr, ...]]:
    """Compile the nodes that depend on the arguments; all other parts enter as numbers."""
    scaled = {name: name * scale_of(name) for name in arguments}
    written = [t / scale_of(t) if isinstance(t, Symbol) else t for t in targets]
    moving, steps = set(arguments), dict[Symbol, Expr]()
    for node in _nodes(graph, targets):
        if node in graph and node not in graph.known and graph[node].symbols & moving:
            moving.add(node)
            steps[node] = graph[node].expression
    uses = Counter(s for part in (*steps.values(), *written) for s in part.free_symbols)
    products = {s: part for s, part in steps.items() if part.is_Mul and uses[s] == 1}
    constants: dict[Expr, Symbol] = {}

    def prepared(part: Any) -> Any:
        """Merge the products that only this product needs, and collect the constants."""
        while part.is_Mul and any(arg in products for arg in part.args):
            part = part.func(*(products.get(arg, arg) for arg in part.args))
        return _with_constants(part.xreplace(scaled), moving, constants)

    nodes = {node: prepared(part) for node, part in steps.items() if node not in scaled}
    outputs = [prepared(part) for part in written]
    inputs = (*arguments, *constants.values())
    return Steps(outputs, nodes, inputs, len(arguments)), tuple(constants)


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
