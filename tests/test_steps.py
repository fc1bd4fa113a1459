"""Compiled expressions: the same as SymPy's own, block after block in the same arrays."""

from typing import Any

import numpy as np
import pytest
from sympy import And, Expr, Max, Min, Piecewise, ceiling, exp, lambdify, sqrt, symbols

from napkin.formulas.roots import largest_of_arrays
from napkin.worksheet.steps import Steps

x, y, rate, shared = symbols("x y rate shared", positive=True)
NODES = {shared: rate / (x + y)}
EXPRESSIONS = [
    x,
    rate,
    x - y,
    -x,
    1 / (x * y) - rate,
    rate / sqrt(x) + y**-2 + 3,
    Max(x - y, Min(shared, y), 1) * shared,
    ceiling(x / y) + rate**y + exp(-x),
    Piecewise((x, x < y), (y * rate, True)),
    And(x <= y, x * rate >= 1, y < 7, rate < 2),
    And(x <= y, rate < 2, rate >= 1.6),  # a constant decides
    And(rate < 2, rate >= 1),
]


@pytest.mark.parametrize("shapes", [((5,), (5,)), ((4, 1), (3,)), ((1,), (6,))])
def test_blocks_are_computed_as_the_expressions_read(shapes: tuple[tuple[int, ...], ...]) -> None:
    program = Steps(EXPRESSIONS, NODES, (x, y, rate), 2)
    calls = [lambdify([x, y, rate], expression.subs(NODES)) for expression in EXPRESSIONS]
    found, generator = program.start([1.5]), np.random.default_rng(7)
    for _ in range(3):  # the second block finds the arrays of the first
        arrays = [generator.uniform(0.1, 9, shape) for shape in shapes]
        kept = [array.copy() for array in arrays]
        shape = np.broadcast_shapes(*shapes)
        outs = [np.empty(shape, bool if e.is_Boolean else float) for e in EXPRESSIONS]
        program.fill(found, arrays, outs)
        points = zip(*(np.broadcast_to(array, shape).flat for array in kept), strict=True)
        for place, point in enumerate(points):
            for out, call in zip(outs, calls, strict=True):
                assert out.flat[place] == pytest.approx(call(*point, 1.5), rel=1e-13)
        for array, before in zip(arrays, kept, strict=True):
            np.testing.assert_array_equal(array, before)


def test_results_use_the_arrays_of_those_no_longer_needed() -> None:
    long: Expr = x
    for _ in range(20):
        long = sqrt(long * y) * rate + 1
    program = Steps([long], {}, (x, y, rate), 2)
    found = program.start([1.5])
    program.fill(found, [np.ones(3), np.ones(3)], [np.empty(3)])
    assert len({id(array) for array in found if np.size(array) == 3}) < 30  # of 80 steps


def test_no_block_joins_an_array_and_a_constant() -> None:
    program = Steps([And(x < y, rate < 2, y < 7, rate > 1)], {}, (x, y, rate), 2)
    found, fits = program.start([1.5]), np.empty(3, bool)
    program.fill(found, [np.ones(3), np.full(3, 2.0)], [fits])
    assert fits.all()
    joined = [sources for call, sources, _ in program._each if call is np.logical_and]
    assert [[np.ndim(found[source]) for source in sources] for sources in joined] == [[1, 1]]


def test_a_search_for_the_largest_stops_where_nothing_is_allowed_any_more() -> None:
    asked = []

    def off(place: Any, limit: Any) -> Any:
        asked.append(np.max(place))
        return place - limit

    root = largest_of_arrays(off, np.array([3.0, 70.0]))
    assert root == pytest.approx([3, 70])
    assert max(asked) <= 8**3
