"""Formulas as a graph: order, circles, exact numbers, closed forms."""

from itertools import pairwise
from random import Random

import pytest
from sympy import (
    Expr,
    Float,
    Integer,
    Max,
    Min,
    Piecewise,
    Rational,
    Sum,
    Symbol,
    ceiling,
    exp,
    log,
    oo,
    sqrt,
)

from napkin.errors import CircularError
from napkin.formulas import ALL, BASE, dollars, duty_cycle, paging
from napkin.formulas.formula import Formula
from napkin.formulas.graph import closed_form, dependents, effective, number, order, sides
from napkin.formulas.variants import BUNDLES, Bundle, gqa
from napkin.quantities import notation as q
from napkin.quantities.quantity import FRACTION, SHARE, SWITCH, lookup

GIVENS = [q.price, q.users, q.n_gpus]


def test_order_puts_each_after_what_it_needs() -> None:
    nodes = order(BASE, [q.duty_cycle], q.cost_per_user_month)
    assert nodes[-1] == q.cost_per_user_month
    assert len(set(nodes)) == len(nodes)
    for index, symbol in enumerate(nodes):
        if symbol in BASE and symbol != q.duty_cycle:
            used = effective(BASE[symbol], BASE, [q.duty_cycle]).free_symbols
            assert used <= set(nodes[:index])


def test_a_given_is_not_opened() -> None:
    nodes = order(BASE, GIVENS, q.cost_per_user_hour)
    assert set(nodes) == {q.price, q.users, q.n_gpus, q.cost_per_user_hour}
    assert order(BASE, [q.users], q.users) == [q.users]


def test_a_circle_is_named() -> None:
    circle = {
        q.context: Formula(q.context, q.prompt * 2, why="w", source="s"),
        q.prompt: Formula(q.prompt, q.new_tokens + 1, why="w", source="s"),
        q.new_tokens: Formula(q.new_tokens, q.context / 3, why="w", source="s"),
    }
    with pytest.raises(CircularError) as caught:
        order(circle, [], q.context)
    said = str(caught.value)
    steps = said.split(":")[0].split(" needs ")
    assert steps[0] == steps[-1]
    assert set(steps) == {"context", "prompt", "new_tokens"}
    for one, other in pairwise(steps):
        assert Symbol(other, positive=True) in circle[Symbol(one, positive=True)].symbols
    assert f"assume({steps[0]}=...)" in said
    assert order(circle, [q.prompt], q.context)[-1] == q.context


@pytest.mark.parametrize("bundle", BUNDLES.values(), ids=lambda bundle: bundle.name)
def test_no_bundle_closes_a_circle(bundle: Bundle) -> None:
    """Shared heads are the exception: of their number and the group's size, one is given."""
    formulas = BASE | {formula.target: formula for formula in bundle.formulas}
    known = [q.group_size] if bundle is gqa else []
    for target in formulas:
        assert order(formulas, known, target)[-1] == target


POINT = {
    q.batch: Rational(7, 3),
    q.context: Integer(5),
    q.memory: Rational(4, 9),
    q.bandwidth: Integer(10) ** 30 + 1,
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (q.batch * q.context + q.bandwidth, Rational(35, 3) + 10**30 + 1),
        (q.batch**-3, Rational(27, 343)),
        (sqrt(q.memory), Rational(2, 3)),
        (ceiling(q.batch) + q.context, Integer(8)),
        (Max(q.batch, q.context, q.memory), Integer(5)),
        (Min(q.batch, q.context, oo), Rational(7, 3)),
        (Piecewise((q.batch, q.batch > q.context), (q.memory, True)), Rational(4, 9)),
        (q.bandwidth - 10**30, Integer(1)),
    ],
)
def test_number_is_exact_where_it_can_be(expression: Expr, expected: Expr) -> None:
    found = number(expression, POINT)
    assert found == expected
    assert found.is_Rational


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (exp(q.batch), exp(Rational(7, 3))),
        (sqrt(q.batch), sqrt(Rational(7, 3))),
        (q.batch ** (q.memory), Rational(7, 3) ** Rational(4, 9)),
        (log(q.context) / q.batch, log(5) * Rational(3, 7)),
        (Sum(1 / Symbol("j") ** 2, (Symbol("j"), 1, q.context)), Rational(5269, 3600)),
    ],
)
def test_number_has_thirty_digits_elsewhere(expression: Expr, expected: Expr) -> None:
    found = number(expression, POINT)
    assert isinstance(found, Float)
    assert abs(found / expected.evalf(40) - 1) < Rational(1, 10**28)


def test_a_large_whole_power_is_not_worked_out_digit_by_digit() -> None:
    found = number(
        (1 - 1 / q.batch) ** q.context, {q.batch: Integer(256), q.context: Integer(10**6)}
    )
    assert isinstance(found, Float)


def _random_point(symbols: list[Symbol], random: Random) -> dict[Symbol, Expr]:
    """Return a number that its domain allows for each symbol."""
    point = {}
    for symbol in symbols:
        domain = lookup(symbol).domain
        if domain is SWITCH:
            point[symbol] = Integer(random.randint(0, 1))
        elif domain in (FRACTION, SHARE):
            point[symbol] = Rational(random.randint(1, 19), 20)
        elif domain.integer:
            point[symbol] = Integer(random.randint(1, 40))
        else:
            point[symbol] = Rational(random.randint(1, 4000), random.randint(1, 40))
    return point


@pytest.mark.parametrize("target", BASE, ids=str)
def test_closed_form_is_the_same_as_node_by_node(target: Symbol) -> None:
    random = Random(str(target))
    nodes = order(BASE, [], target)
    leaves = [symbol for symbol in nodes if symbol not in BASE]
    form = closed_form(BASE, [], target)
    assert form.free_symbols <= set(leaves)
    for _ in range(3):
        point = _random_point(leaves, random)
        values = dict(point)
        for symbol in nodes:
            if symbol in BASE:
                values[symbol] = number(effective(BASE[symbol], BASE, point), values)
        whole = number(form, point)
        exact = values[target].is_Rational and whole.is_Rational
        if exact or not values[target].is_finite:
            assert whole == values[target]
        else:
            assert abs(whole - values[target]) <= abs(values[target]) * Rational(1, 10**12)


def test_closed_form_stops_at_givens_and_at_what_is_kept() -> None:
    form = closed_form(BASE, GIVENS, q.cost_per_user_month)
    assert form == q.price * q.n_gpus / q.users * q.month
    kept = closed_form(BASE, GIVENS, q.cost_per_user_month, keep=[q.cost_per_user_hour])
    assert kept == q.cost_per_user_hour * q.month
    assert closed_form(BASE, [], q.price) == q.price


def test_closed_form_opens_a_target_that_is_given() -> None:
    opened = closed_form(BASE, [q.cost_per_user_month, *GIVENS], q.cost_per_user_month)
    assert opened == q.price * q.n_gpus / q.users * q.month


def test_a_term_without_its_given_is_left_out() -> None:
    limit = paging.active_limit
    assert effective(limit, BASE, []) == q.concurrent_sequences
    assert effective(limit, BASE, [q.speed_target]) == limit.expression
    evicted = duty_cycle.users_evicted
    assert effective(evicted, BASE, [q.speed_target]) == q.users_by_load
    assert effective(evicted, BASE, [q.host_link_bandwidth]) == evicted.expression
    assert effective(dollars.cost_per_user_hour, BASE, []) == dollars.cost_per_user_hour.expression
    assert effective(limit, BASE, [q.largest_batch_at_speed]) == limit.expression
    assert effective(limit, BASE, [q.step_time_target]) == limit.expression
    assert q.speed_target not in order(BASE, [], q.users)
    assert q.speed_target in order(BASE, [q.speed_target], q.users)


def test_what_may_be_left_out_is_a_side_of_a_min() -> None:
    for name, formula in ALL.items():
        for _, term in formula.left_out:
            assert isinstance(formula.expression, Min), name
            assert term in formula.expression.args


def test_dependents_are_direct() -> None:
    nodes = [q.cost_per_user_hour, q.cost_per_user_month, q.effective_price]
    assert dependents(BASE, nodes, q.price) == ["cost_per_user_hour", "effective_price"]


def test_sides_are_listed_with_the_binding_one_first() -> None:
    values = {q.batch: Integer(3), q.context: Integer(5)}
    assert sides(Max(q.batch, q.context), values) == [(q.context, 5), (q.batch, 3)]
    assert sides(2 + Min(q.batch, q.context), values) == [(q.batch, 3), (q.context, 5)]
    assert sides(2 * Min(q.batch, q.context), values) == []  # a part, not a choice of the whole
    assert sides(q.batch, values) == []
