"""Every packaged formula has the unit of its target, and a wrong one is caught."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sympy import Expr, Integer, Max, Min, Piecewise, Rational, Sum, Symbol, log, oo, true

from napkin.errors import UnitError, UnknownNameError
from napkin.formulas import ALL, BASE, hardware, tokens_per_second
from napkin.formulas.formula import Elsewhere, Formula
from napkin.formulas.graph import graph_of
from napkin.formulas.roots import Largest, bound_of
from napkin.quantities import notation as q
from napkin.quantities.dimensions import check_equation, dimension_of
from napkin.quantities.given import coherent
from napkin.quantities.quantity import REGISTRY, lookup
from napkin.quantities.units import conversion, parse_unit, scale_of, words


@pytest.mark.parametrize("name", ALL)
def test_both_sides_have_the_same_dimension(name: str) -> None:
    node = ALL[name]
    node.check_units()
    held = graph_of(BASE | {node.target: node}, {})[node.target]
    check_equation(held.target, held.expression)
    if held.valid is not true:
        assert dimension_of(held.valid) == ()


def _without(symbol: Symbol) -> Callable[[Expr], Expr]:
    return lambda expression: expression.xreplace({symbol: Integer(1)})


WRONG = {
    # formula, what is done to it, the words of both sides
    "bandwidth forgotten": ("hardware.drain_time", _without(q.bandwidth), "second", "byte"),
    "Min of a rate and an intensity": (
        "hardware.attainable_flops",
        lambda e: Min(q.peak_flops, q.intensity),
        "FLOP/second",
        "FLOP/byte",
    ),
    "work of a multiply-add forgotten": (
        "matmul.matmul_flops",
        _without(q.flops_per_mac),
        "FLOP",
        "1",
    ),
    "bytes for parameters": (
        "transformer.n_params",
        lambda e: e + q.weight_bytes,
        "1",
        "byte",
    ),
    "width of an element forgotten": (
        "kv_cache.kv_bytes_per_token",
        _without(q.bytes_per_kv),
        "byte",
        "1",
    ),
    "state in elements beside bytes": (
        "layers.state_bytes",
        _without(q.bytes_per_state),
        "byte",
        "1",
    ),
    "bytes added to seconds": (
        "tokens_per_second.decode_memory_time",
        lambda e: e + q.weight_bytes_read,
        "second",
        "byte",
    ),
    "Max of a time and bytes": (
        "prompts.ttft",
        lambda e: Max(q.prefill_compute_time, q.prefill_weight_bytes),
        "second",
        "byte",
    ),
    "exponent with a unit": (
        "experts.experts_touched",
        lambda e: e.xreplace({q.batch: q.kv_bytes_per_sequence}),
        "1",
        "byte",
    ),
    "logarithm of bytes": (
        "experts.experts_touched",
        lambda e: e * log(q.weight_bytes),
        "plain number",
        "byte",
    ),
    "Piecewise branches": (
        "prompts.tpot",
        lambda e: Piecewise((q.speed_target, q.host_time > q.kernel_launch_time), (q.tpot, True)),
        "1/second",
        "second",
    ),
    "condition of unlike sides": (
        "prompts.tpot",
        lambda e: Piecewise((q.tpot, q.memory < q.bandwidth), (q.ttft, True)),
        "byte",
        "byte/second",
    ),
    "reserve as a share": (
        "paging.kv_budget",
        lambda e: e.xreplace({q.reserved_memory: 1 - q.usable_memory}),
        "byte",
        "1",
    ),
    "time for a share": ("duty_cycle.duty_cycle", _without(q.think_time), "second", "1"),
    "hour of a month forgotten": (
        "dollars.cost_per_user_month",
        _without(q.month),
        "USD",
        "USD/second",
    ),
    "energy for power": (
        "dollars.owned_price",
        lambda e: q.power * q.electricity_price * q.lifetime,
        "USD/second",
        "USD",
    ),
}


@pytest.mark.parametrize("slip", WRONG)
def test_wrong_copy_is_caught_and_both_sides_are_named(slip: str) -> None:
    name, spoil, left, right = WRONG[slip]
    formula = ALL[name]
    assert isinstance(formula, Formula)
    with pytest.raises(UnitError) as caught:
        replace(formula, expression=spoil(formula.expression)).check_units()
    said = str(caught.value).replace(",", " ").replace(".", " ").replace(":", " ").replace(";", " ")
    for side in (left, right):
        assert f" {side} " in f"{said} ", said


def test_wrong_validity_is_caught() -> None:
    with pytest.raises(UnitError, match="weight_bytes is in byte.* ttft is in second"):
        dimension_of(q.weight_bytes > q.ttft)
    for node in (hardware.drain_time, tokens_per_second.largest_batch_at_speed, ELSEWHERE):
        with pytest.raises(UnitError, match="weight_bytes is in byte.* ttft is in second"):
            replace(node, valid=q.weight_bytes > q.ttft).check_units()


ELSEWHERE = Elsewhere(q.ttft, q.tpot, q.batch, q.active_limit, why="w", source="s")
SPOILED: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    "left is no time": (tokens_per_second.largest_batch_at_speed, {"left": q.batch}, "1", "second"),
    "right is a speed": (
        tokens_per_second.largest_batch_at_speed,
        {"right": q.speed_target},
        "second",
        "1/second",
    ),
    "target is no batch": (
        tokens_per_second.largest_batch_at_speed,
        {"target": q.tpot},
        "second",
        "1",
    ),
    "another quantity": (ELSEWHERE, {"of": q.tokens_per_second}, "second", "1/second"),
    "another place": (ELSEWHERE, {"at": q.weight_bytes}, "1", "byte"),
}


def test_a_root_has_the_unit_of_its_unknown() -> None:
    root = Largest(bound_of(q.context), bound_of(q.context) * q.kv_bytes_per_token, q.kv_budget)
    assert words(dimension_of(2 * root * q.kv_bytes_per_token)) == "byte"
    with pytest.raises(UnitError, match="Largest: .* is in byte, but tpot is in second"):
        dimension_of(Largest(*root.args[:2], q.tpot))


@pytest.mark.parametrize("slip", SPOILED)
def test_what_is_solved_or_elsewhere_has_units_too(slip: str) -> None:
    node, changes, left, right = SPOILED[slip]
    node.check_units()
    with pytest.raises(UnitError, match=rf"is in {left}\b.* is in {right}\b"):
        replace(node, **changes).check_units()


@pytest.mark.parametrize("number", [Integer(0), oo, -oo])
def test_zero_and_infinity_go_with_any_dimension(number: Expr) -> None:
    check_equation(q.weight_bytes, number)
    dimension_of(Min(number, q.ttft, evaluate=False))
    assert words(dimension_of(Max(number, q.ttft, evaluate=False))) == "second"
    piecewise = Piecewise((number, q.batch > 1), (q.ttft, True))
    assert words(dimension_of(piecewise)) == "second"


def test_other_numbers_are_plain() -> None:
    with pytest.raises(UnitError, match="ttft is in second.* is in 1"):
        check_equation(q.ttft, Integer(1))


def test_undeclared_symbol_names_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="'bandwith'.*did you mean bandwidth"):
        dimension_of(q.memory / Symbol("bandwith", positive=True))


@pytest.mark.parametrize(
    ("unit", "dimension", "scale"),
    [
        ("byte/s", "byte/second", 1),
        ("USD/h", "USD/second", 1 / Integer(3600)),
        ("USD/(user h)", "USD/second", 1 / Integer(3600)),
        ("USD/Mtoken", "USD", 1 / Integer(10**6)),
        ("kW", "joule/second", 1000),
        ("USD/kWh", "USD/joule", 1 / Integer(3_600_000)),
        ("token/sequence", "1", 1),
        ("GiB", "byte", 2**30),
        ("TFLOPS", "FLOP/second", 10**12),
        ("USD/MWh", "USD/joule", 1 / Integer(3_600_000_000)),
        ("ms", "second", Rational(1, 1000)),
        ("users/GPU", "1", 1),
    ],
)
def test_unit_of_the_registry(unit: str, dimension: str, scale: Expr) -> None:
    found, factor = parse_unit(unit)
    assert (words(found), factor) == (dimension, scale)


@pytest.mark.parametrize("unit", ["k", "k1", "kkB", "mm", "Ki"])
def test_a_prefix_alone_or_twice_is_no_unit(unit: str) -> None:
    with pytest.raises(UnitError, match=f"'{unit}' is not a unit"):
        parse_unit(unit)
    if unit.isalpha():
        with pytest.raises(UnitError, match=f"'{unit}/s' is not a unit: '{unit}' is not known"):
            parse_unit(f"{unit}/s")


def test_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(
        UnitError, match="'furlong/s' is not a unit: 'furlong' is not known. Units look like"
    ):
        parse_unit("furlong/s")


def test_every_quantity_has_a_unit_that_is_known() -> None:
    assert all(scale_of(name) > 0 for name in REGISTRY)


def test_the_index_of_a_sum_needs_no_declaration() -> None:
    i = Symbol("i", integer=True, nonnegative=True)
    total = Sum(q.flops_per_mac * q.n_params_active * (q.prompt + i), (i, 0, q.new_tokens - 1))
    check_equation(q.flops_without_cache, total)


@pytest.mark.parametrize(
    ("unit", "other", "times"),
    [
        ("TB/s", "byte/s", 10**12),
        ("GiB", "MiB", 1024),
        ("TFLOPS", "FLOP/s", 10**12),
        ("gigabytes", "byte", 10**9),
        ("USD/hour", "USD/(GPU day)", 24),
        ("kWh", "joule", 3_600_000),
        ("ms", "µs", 1000),
        ("sequences", "1", 1),
        ("token/s/GPU", "token/s", 1),
    ],
)
def test_one_table_reads_what_people_write(unit: str, other: str, times: int) -> None:
    assert conversion(unit, other) == times


@pytest.mark.parametrize(
    "unit",
    ["", "8", "TB/", "/s", "s^2", "byte**2", "(byte", "byte)/s", "a/(b/c)", "k1", "K B", "KB"],
)
def test_what_is_no_unit_is_refused(unit: str) -> None:
    with pytest.raises(UnitError, match="is not a unit"):
        parse_unit(unit)


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("tokens_per_second", "5000 token/s/GPU", "GPU"),
        ("tokens_per_second", "5000 tokens/(s user)", "user"),
        ("price", "2 USD/user/h", "user"),
        ("kv_bytes_per_sequence", "131 kB/token", "token"),
        ("kv_bytes_per_token", "16 GB/sequence", "sequence"),
        ("users", "300 tokens", "token"),
        ("users_per_gpu", "3 GPU/user", "GPU"),
    ],
)
def test_a_label_that_contradicts_the_quantity(name: str, text: str, label: str) -> None:
    with pytest.raises(UnitError, match=label) as caught:
        coherent(name, text)
    unit = text.partition(" ")[2]
    assert f"got {text}: {unit!r} is" in str(caught.value)
    assert f"{lookup(name).unit!r} is not" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("tokens_per_second", "5000 1/s", 5000),
        ("tokens_per_second", "5 ktokens/s", 5000),
        ("kv_bytes_per_sequence", "16 GB", 16 * 10**9),
        ("context", "20,000 tokens", 20_000),
        ("batch", "32 requests", 32),
        ("users_per_gpu", "3 user/GPU", 3),
        ("price", "3600 USD/(GPU h)", 1),
        ("price", "3600 USD/h/GPU", 1),
        ("memory", "80 GB/GPU", 80 * 10**9),
        ("speed_target", "30 token/s/user", 30),
        ("n_layers", "64 layers", 64),
    ],
)
def test_labels_may_be_left_out_and_stand_in_any_order(name: str, text: str, number: int) -> None:
    assert coherent(name, text) == number
