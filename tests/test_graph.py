"""Formulas as a graph: order, circles, zeros, exact numbers, closed forms."""

from functools import cache
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

import napkin as nk
from napkin.errors import CircularError, UnknownNameError
from napkin.formulas import ALL, BASE, duty_cycle, kv_cache, paging
from napkin.formulas.formula import Formula, Node
from napkin.formulas.graph import Formulas, Graph, graph_of
from napkin.formulas.variants import BUNDLES, Bundle, gqa, moe
from napkin.quantities import notation as q
from napkin.quantities.quantity import FRACTION, REGISTRY, SHARE, SWITCH, lookup
from napkin.worksheet.evaluation import number, sides
from tests.sheets import QWEN

GIVENS = [q.price, q.users, q.n_gpus]


def under(bundle: Bundle) -> Formulas:
    """Return the formulas that hold under a bundle alone."""
    nodes: dict[Symbol, Node] = {symbol: BASE[symbol] for symbol in BASE.keys() - bundle.without}
    return nodes | {node.target: node for node in bundle.formulas}


@cache
def base_where(*known: Symbol) -> Graph:
    """Return the packaged formulas, written once for all tests of single targets."""
    return Graph(BASE, known)


def made(target: Symbol, expression: Expr) -> Formula:
    return Formula(target, expression, why="w", source="s")


def test_order_puts_each_after_what_it_needs() -> None:
    graph = Graph(BASE, [q.duty_cycle])
    nodes = graph.order(q.cost_per_user_month)
    assert nodes[-1] == q.cost_per_user_month
    assert len(set(nodes)) == len(nodes)
    for index, symbol in enumerate(nodes):
        if symbol in graph and symbol != q.duty_cycle:
            assert graph[symbol].symbols <= set(nodes[:index])


def test_a_given_is_not_opened() -> None:
    nodes = Graph(BASE, GIVENS).order(q.cost_per_user_hour)
    assert set(nodes) == {q.price, q.users, q.n_gpus, q.cost_per_user_hour}
    assert Graph(BASE, [q.users]).order(q.users) == [q.users]


def test_a_formula_is_read_by_name_too() -> None:
    graph = Graph(BASE, ())
    assert "n_params" in graph and "price" not in graph
    assert graph["n_params"] is graph[q.n_params]
    for ask in (graph.__getitem__, graph.__contains__):
        with pytest.raises(UnknownNameError, match="no quantity 'n_parms': did you mean n_params"):
            ask("n_parms")


def test_a_circle_is_named() -> None:
    circle: Formulas = {
        q.context: made(q.context, q.prompt * 2),
        q.prompt: made(q.prompt, q.new_tokens + 1),
        q.new_tokens: made(q.new_tokens, q.context / 3),
    }
    with pytest.raises(CircularError) as caught:
        Graph(circle, ()).order(q.context)
    said = str(caught.value)
    steps = said.split(":")[0].split(" needs ")
    assert steps[0] == steps[-1]
    assert set(steps) == {"context", "prompt", "new_tokens"}
    for one, other in pairwise(steps):
        assert Symbol(other, positive=True) in circle[Symbol(one, positive=True)].symbols
    assert f"assume({steps[0]}=...)" in said
    assert Graph(circle, [q.prompt]).order(q.context)[-1] == q.context


def test_a_circle_through_what_is_solved_is_named() -> None:
    """A step that depends on how many are active, who depend on the step."""
    slow = made(q.tpot, q.decode_step_time * q.active_limit / q.slots)
    for target in (q.active_limit, q.largest_batch_at_speed, q.tpot):
        with pytest.raises(CircularError, match="largest_batch_at_speed needs active_limit"):
            Graph(BASE | {q.tpot: slow}, [q.speed_target]).order(target)


@pytest.mark.slow
@pytest.mark.parametrize("bundle", BUNDLES.values(), ids=lambda bundle: bundle.name)
def test_no_bundle_closes_a_circle(bundle: Bundle) -> None:
    """Shared heads are the exception: of their number and the group's size, one is given."""
    graph = Graph(under(bundle), [q.group_size] if bundle is gqa else [])
    seen = set[Symbol]()
    for target in reversed(list(graph)):
        if target not in seen:  # what another needs stands in no circle either
            order = graph.order(target)
            assert order[-1] == target
            seen.update(order)


def test_a_graph_is_made_once_for_other_numbers() -> None:
    three = graph_of(BASE, {q.batch: Integer(3)})
    assert graph_of(BASE, {q.batch: Integer(4)}) is three
    assert graph_of(BASE, {q.context: Integer(3)}) is not three
    windows = graph_of(BASE, {q.n_layers_window: Integer(3)})
    assert graph_of(BASE, {q.n_layers_window: Integer(0)}) is not windows


@pytest.mark.parametrize(
    "first", [q.weight_bytes_read, q.decode_step_time, q.tpot, q.batch, q.users, q.active_limit]
)
def test_what_is_solved_does_not_depend_on_what_was_asked_first(first: Symbol) -> None:
    for formulas in (BASE, under(moe)):
        fresh, asked = (Graph(formulas, [q.speed_target]) for _ in range(2))
        asked.order(first)
        solved = q.largest_batch_at_speed
        assert asked[solved].expression == fresh[solved].expression
        assert not asked[solved].symbols & {q.tpot, q.decode_step_time, q.batch}


# ------------------------------------------------------------------- zeros


def test_what_a_model_has_none_of_vanishes() -> None:
    graph = Graph(BASE, ())
    assert graph[q.attention_params].expression == q.n_layers_full * q.attention_layer_params
    assert graph[q.n_layers_full].expression == q.n_layers
    kinds = {s.symbol for s in REGISTRY.values() if s.name.startswith("n_layers_") and not s.own}
    left = {q.n_layers_full, q.n_layers_dense, q.n_layers_moe}
    for target in (q.n_params, q.kv_bytes_per_sequence, q.ttft, q.cost_per_user_month):
        assert set(graph.order(target)) & kinds <= left
        assert not graph.closed_form(target).free_symbols & kinds
    assert BASE[q.attention_params].symbols == graph.packaged[q.attention_params].symbols


def test_what_comes_to_zero_vanishes_where_it_is_used() -> None:
    graph = Graph(BASE, ())
    assert graph[q.state_bytes].expression == 0
    assert graph[q.kv_bytes_per_sequence].expression == q.kv_bytes_per_token * q.tokens_kept
    assert graph[q.tokens_kept].expression == q.context
    none = Graph(BASE | {q.kv_bytes_per_token: made(q.kv_bytes_per_token, Integer(0))}, ())
    assert none[q.kv_bytes_per_sequence].expression == 0
    assert none[q.decode_memory_time].symbols.isdisjoint({q.batch, q.kv_bytes_per_sequence})


def test_zeros_go_through_a_chain_of_formulas() -> None:
    chain: Formulas = {
        q.d_index: made(q.d_index, q.rows * q.n_positions),
        q.columns: made(q.columns, q.inner * q.d_index),
        q.tile_rows: made(q.tile_rows, q.columns * 2),
        q.tile_columns: made(q.tile_columns, q.tile_rows + q.batch),
    }
    assert Graph(chain, ())[q.tile_columns].expression == q.batch
    assert Graph(chain, [q.n_positions])[q.tile_columns].expression == q.tile_rows + q.batch
    assert Graph(chain, [q.columns])[q.tile_columns].expression == q.tile_rows + q.batch


def test_what_is_known_is_no_zero_unless_it_is_said_to_be() -> None:
    packaged = kv_cache.kv_bytes_per_sequence
    for known in (q.state_bytes, q.n_layers_linear):
        assert Graph(BASE, [known])[q.kv_bytes_per_sequence].expression == packaged.expression
    zero = Graph(BASE, [q.n_layers_linear], zero=[q.n_layers_linear])
    assert zero[q.kv_bytes_per_sequence].expression == q.kv_bytes_per_token * q.tokens_kept
    assert q.d_linear_key in Graph(BASE, [q.n_layers_linear]).order(q.state_bytes)
    half = made(q.n_layers_window, q.n_layers / 2)
    assert q.window in Graph(BASE | {q.n_layers_window: half}, ()).order(q.tokens_kept)


def test_only_counts_and_switches_are_zeros() -> None:
    """A share or a price that happens to be 0 may move: its term stays."""
    given = graph_of(BASE, {q.hit_rate: Integer(0), q.reserved_memory: Integer(0)})
    assert q.hit_rate in given[q.prefill_tokens].symbols
    assert q.reserved_memory in given[q.kv_budget].symbols
    for known in ({}, {q.reserved_memory: Integer(1)}):
        assert q.reserved_memory in graph_of(BASE, known)[q.kv_budget].symbols


def test_explanations_and_closed_forms_lose_zero_terms() -> None:
    said = str(nk.explain(QWEN, "cost_per_user_month"))
    assert "n_layers_window" not in said and "attention_sinks" not in said
    assert not {q.n_layers_window, q.mlp_bias} & QWEN.derive("n_params").free_symbols
    windowed = QWEN.assume(n_layers_window=16, window=1000)
    assert "n_layers_window = 16  (given)" in str(nk.explain(windowed, "kv_bytes_per_sequence"))
    assert q.window in windowed.derive("kv_bytes_per_sequence").free_symbols
    assert windowed.assume(n_layers_window=0).users == QWEN.users


def test_a_quantity_that_moves_is_no_zero() -> None:
    """A function of a count that is 0 where it starts; 64 layers, 2 x 8 x 128 bytes a token."""
    cached = QWEN.assume(window=1000).function("kv_bytes_per_sequence", "n_layers_window")
    for layers in (0, 1, 64):
        assert cached(layers) == 2048 * ((64 - layers) * 20_000 + layers * 1000)


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


EVERY_KIND = [
    quantity.symbol
    for quantity in REGISTRY.values()
    if quantity.default == 0 and quantity.domain.integer and not quantity.own
]
MIXED = [q.n_params_active, q.kv_bytes_per_sequence, q.prefill_attention_flops, q.tokens_reserved]


def _upon(target: Symbol) -> set[Symbol]:
    """Return all whose formulas need a target, directly or through others."""
    found = set[Symbol]()
    while more := {s for s, node in BASE.items() if node.symbols & {target, *found}} - found:
        found |= more
    return found


LONG = _upon(q.users)  # they repeat its form, which `make test-quick` tests by itself


@pytest.mark.parametrize(
    ("target", "known"),
    [
        *(pytest.param(target, [], marks=[pytest.mark.slow] * (target in LONG)) for target in BASE),
        *((target, EVERY_KIND) for target in MIXED),
    ],
    ids=str,
)
def test_closed_form_is_the_same_as_node_by_node(target: Symbol, known: list[Symbol]) -> None:
    random, graph = Random(str(target)), base_where(*known)
    nodes = graph.order(target)
    leaves = [symbol for symbol in nodes if symbol not in graph]
    form = graph.closed_form(target)
    assert form.free_symbols <= set(leaves)
    for _ in range(3):
        point = _random_point(leaves, random)
        if q.n_layers in point:  # more than all special layers together
            point[q.n_layers] = Integer(1000)
        values = dict(point)
        for symbol in nodes:
            if symbol in graph:
                values[symbol] = number(graph[symbol].expression, values)
        whole = number(form, point)
        exact = values[target].is_Rational and whole.is_Rational
        if exact or not values[target].is_finite:
            assert whole == values[target]
        else:
            assert abs(whole - values[target]) <= abs(values[target]) * Rational(1, 10**12)


def test_closed_form_stops_at_givens_and_at_what_is_kept() -> None:
    graph = Graph(BASE, GIVENS)
    form = graph.closed_form(q.cost_per_user_month)
    assert form == q.price * q.n_gpus / q.users * q.month
    kept = graph.closed_form(q.cost_per_user_month, keep=[q.cost_per_user_hour])
    assert kept == q.cost_per_user_hour * q.month
    assert Graph(BASE, ()).closed_form(q.price) == q.price
    assert Graph({}, ()).closed_form(q.batch) == q.batch


def test_closed_form_opens_a_target_that_is_given() -> None:
    opened = Graph(BASE, [q.cost_per_user_month, *GIVENS]).closed_form(q.cost_per_user_month)
    assert opened == q.price * q.n_gpus / q.users * q.month


def test_a_term_without_its_given_is_left_out() -> None:
    limit = paging.active_limit
    assert Graph(BASE, ())[q.active_limit].expression == q.concurrent_sequences
    assert Graph(BASE, ())[q.active_limit].left_out == limit.left_out
    for known in (q.speed_target, q.largest_batch_at_speed):
        held = Graph(BASE, [known])[q.active_limit]
        assert (held.expression, held.left_out) == (limit.expression, ())
    paced = made(q.speed_target, 1 / q.think_time)
    assert Graph(BASE | {q.speed_target: paced}, ())[q.active_limit].expression == limit.expression
    offloaded = duty_cycle.users_offloaded
    away = BASE | {q.users: offloaded}
    assert Graph(away, [q.speed_target])[q.users].expression == q.users_by_load
    both = Graph(away, [q.host_link_bandwidth, q.host_memory])
    assert both[q.users].expression == offloaded.expression
    assert Graph(BASE, ())[q.cost_per_user_hour].left_out == ()
    assert q.speed_target not in Graph(BASE, ()).order(q.users)
    assert q.speed_target in Graph(BASE, [q.speed_target]).order(q.users)


def test_what_may_be_left_out_is_in_the_formula_and_vanishes() -> None:
    formulas = {name: node for name, node in ALL.items() if isinstance(node, Formula)}
    assert sum(bool(formula.left_out) for formula in formulas.values()) > 5
    for name, formula in formulas.items():
        for part in formula.left_out:
            assert part.term in formula.symbols, name
            left = formula.expression.xreplace({part.term: part.value})
            assert part.term == part.value or not left.has(part.term), name
            assert str(part).startswith(f"{part.given} is not given, so "), name


def test_dependents_are_direct() -> None:
    nodes = [q.cost_per_user_hour, q.cost_per_user_month, q.effective_price]
    found = Graph(BASE, ()).dependents(nodes, q.price)
    assert found == ["cost_per_user_hour", "effective_price"]


def test_sides_are_listed_with_the_binding_one_first() -> None:
    values = {q.batch: Integer(3), q.context: Integer(5)}
    assert sides(Max(q.batch, q.context), values) == [(q.context, 5), (q.batch, 3)]
    assert sides(2 + Min(q.batch, q.context), values) == [(q.batch, 3), (q.context, 5)]
    assert sides(2 * Min(q.batch, q.context), values) == [(q.batch, 3), (q.context, 5)]
    # A part, not a choice of the whole; and a sign turns the order around.
    assert sides(q.memory * Min(q.batch, q.context), values) == []
    assert sides(-2 * Min(q.batch, q.context), values) == []
    two = Min(q.batch, q.context) + Max(q.batch, q.context)
    assert sides(two, values) == []  # two choices, and none of the whole
    assert sides(q.batch, values) == []
    inside = Min(q.batch, Max(q.context, 7))
    assert sides(inside, values) == [(q.batch, 3), (Max(q.context, 7), 7)]
