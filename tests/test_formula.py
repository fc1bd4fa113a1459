"""A formula as data, and the comparison of a derivation with it."""

import pickle

import pytest
from sympy import Eq, Expr, Integer, LambertW, Max, Rational, Sum, Symbol, ceiling, factor, log

import napkin as nk
from napkin.catalog import table
from napkin.errors import AgreementError
from napkin.formulas import ALL, BASE, MODULES, duty_cycle, hardware, kv_cache, matmul
from napkin.formulas.agreement import agree
from napkin.formulas.formula import Elsewhere, Formula, Node, Solved, latex_of
from napkin.formulas.graph import Graph
from napkin.quantities import notation as q
from napkin.quantities.quantity import REGISTRY

NODES = {name: node for name, node in ALL.items() if not isinstance(node, Formula)}
FLOW = q.bandwidth * q.bandwidth_efficiency
RATE = q.peak_flops * q.compute_efficiency


def test_agrees_by_algebra() -> None:
    derived = (q.memory**2 - 1) / (FLOW * (q.memory + 1)) + 1 / FLOW
    said = agree(derived, hardware.drain_time)
    assert said.how == "by algebra"
    assert str(hardware.drain_time) in str(said)
    assert said._repr_markdown_().startswith("✓ Agrees with the package (by algebra): $")


def test_agrees_with_a_sum_over_the_steps() -> None:
    i = Symbol("i", integer=True, nonnegative=True)
    step = q.flops_per_mac * q.n_params_active * (q.prompt + i)
    total = Sum(step, (i, 0, q.new_tokens - 1))
    assert agree(total, kv_cache.flops_without_cache).how == "by algebra"
    assert agree(factor(total.doit()), kv_cache.flops_without_cache).how == "by algebra"


def test_agrees_with_a_plain_expression() -> None:
    assert str(agree(q.memory + q.memory, 2 * q.memory)) == "Agrees (by algebra): 2*memory"


@pytest.mark.parametrize(
    ("derived", "packaged"),
    [
        (Max(q.flops / RATE, q.bytes_moved / FLOW) * 1, hardware.roofline_time.expression),
        (
            Max(q.flops * FLOW, q.bytes_moved * RATE) / (RATE * FLOW),
            hardware.roofline_time.expression,
        ),
        (
            q.inner * q.rows * ceiling(q.columns / q.tile_columns)
            + q.columns * (q.inner * ceiling(q.rows / q.tile_rows) + q.rows),
            matmul.tiled_traffic.expression,
        ),
        (log(q.batch / LambertW(q.batch)), LambertW(q.batch)),
    ],
    ids=["Max", "Max rewritten", "ceiling", "LambertW"],
)
def test_agrees_at_points(derived: Expr, packaged: Expr) -> None:
    if derived != packaged:
        assert agree(derived, packaged).how == "at 30 points"
    else:
        assert agree(derived, packaged)


@pytest.mark.parametrize(
    ("derived", "packaged"),
    [
        (q.flops / RATE, hardware.roofline_time.expression),
        (q.flops / RATE + q.bytes_moved / FLOW, hardware.roofline_time.expression),
        (matmul.tiled_traffic.expression.replace(ceiling, lambda x: x), matmul.tiled_traffic),
        (LambertW(q.batch) * (1 + Rational(1, 10**12)), LambertW(q.batch)),
    ],
)
def test_disagreement_at_a_point_shows_the_point(derived: Expr, packaged: Expr) -> None:
    with pytest.raises(AgreementError) as caught:
        agree(derived, packaged)
    said = str(caught.value)
    assert f"derived {derived}" in said
    assert str(getattr(packaged, "expression", packaged)) in said
    point = said.split("\nat ")[1]
    assert all(f"{symbol} = " in point for symbol in derived.free_symbols)


def test_disagreement_shows_both_and_the_difference() -> None:
    with pytest.raises(AgreementError) as caught:
        agree(2 * hardware.drain_time.expression, hardware.drain_time)
    said = str(caught.value)
    assert "derived 2*memory/(bandwidth*bandwidth_efficiency)" in said
    assert "but packaged memory/(bandwidth*bandwidth_efficiency)" in said
    assert "the difference is memory/(bandwidth*bandwidth_efficiency)" in said


def test_pickling_gives_an_equal_formula() -> None:
    for name, formula in ALL.items():
        again = pickle.loads(pickle.dumps(formula))
        assert again == formula, name
        assert hash(again) == hash(formula), name
        assert again.symbols == formula.symbols, name


def written(node: Node) -> Formula:
    """Return a formula as it is, and what is solved or taken elsewhere with its equation."""
    return node if isinstance(node, Formula) else Graph(BASE, ())[node.target]


def test_latex_uses_the_shown_symbols() -> None:
    for name, node in ALL.items():
        formula = written(node)
        text = formula._repr_latex_()
        for symbol in {formula.target, *formula.symbols}:
            assert REGISTRY[symbol.name].shown in text, name
            assert "_" not in symbol.name or symbol.name not in text, name


def test_latex_of_a_symbol_outside_the_registry() -> None:
    assert set(latex_of(Symbol("y") * q.batch).split(r"\,")) == {"y", "B"}


def test_every_formula_says_why_and_from_where() -> None:
    for name, formula in ALL.items():
        assert len(formula.why.split()) > 2 and not formula.why.endswith("."), name
        assert formula.source, name
        assert {s.name for s in (formula.target, *formula.symbols)} <= REGISTRY.keys(), name
        assert formula.target not in formula.symbols, name


def test_a_formula_reads_as_an_equation() -> None:
    assert str(hardware.drain_time) == "drain_time = memory/(bandwidth*bandwidth_efficiency)"
    assert repr(hardware.drain_time) == str(hardware.drain_time)
    assert hardware.drain_time.equation == Eq(q.drain_time, q.memory / FLOW)


@pytest.mark.parametrize("name", NODES)
def test_what_is_solved_or_elsewhere_has_an_equation_without_its_unknown(name: str) -> None:
    node = NODES[name]
    assert isinstance(node, Solved | Elsewhere)
    assert node.unknown.name in REGISTRY
    assert node.unknown not in node.symbols
    formula = written(node)
    assert formula.target == node.target
    assert formula.why == node.why
    assert not formula.symbols & {node.target, node.unknown}


def test_what_is_solved_says_what_it_solves() -> None:
    said = "solved: the largest batch with batch*kv_bytes_per_sequence <= weight_bytes_read"
    node = NODES["tokens_per_second.batch_cache_equals_weights"]
    assert written(node).scope == said
    assert str(node) == (
        "batch_cache_equals_weights = largest batch with "
        "batch*kv_bytes_per_sequence*kv_copies <= weight_bytes_read"
    )


def _symbols_of(node: Node) -> set[Symbol]:
    """Return all symbols that a formula names, also in its condition and its sentences."""
    named: set[Symbol] = {node.target, *node.symbols, *node.valid.free_symbols}
    if not isinstance(node, Formula):
        named.add(node.unknown)
    for detail in () if isinstance(node, Elsewhere) else node.details:
        named |= detail.when.free_symbols.union(*(value.free_symbols for value in detail.values))
    return named


def test_every_quantity_of_the_book_is_used() -> None:
    """By a formula, or because an entry of the catalog brings it."""
    used = {symbol.name for node in ALL.values() for symbol in _symbols_of(node)}
    for name in table("accelerators"):
        used |= {symbol.name for symbol in nk.Napkin(accelerator=name).givens}
    for name in table("models"):
        used |= set(nk.Model.from_config(name).givens)
    assert {name for name, quantity in REGISTRY.items() if not quantity.own} <= used


def test_base_formulas_bear_the_name_of_their_target() -> None:
    assert all(f.target == symbol for symbol, f in BASE.items())
    assert BASE[q.users] is duty_cycle.users
    # one a chapter, unlike layers, narrow weights, many GPUs, what measured servers lose
    assert len(MODULES) == 16
    assert Integer(12) in written(BASE[q.napkin_params]).expression.args
