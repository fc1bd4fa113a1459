"""Questions to a worksheet, written down as data."""

from __future__ import annotations

import pytest

import napkin as nk
from napkin.errors import FormulaSyntaxError, UnitError, UnknownNameError
from napkin.quantities.dimensions import dimension_of
from napkin.quantities.quantity import lookup
from napkin.quantities.units import coherent_unit
from napkin.worksheet.napkin import ask, from_data
from tests.sheets import QWEN


def test_a_later_call_stands_over_an_earlier_one() -> None:
    base = {"model": "Qwen3-32B", "kv_precision": "fp8", "givens": {"context": 20_000}}
    changed = from_data(base, {"variants": ["mha"], "givens": {"context": 10_000}})
    expected = QWEN.assume(nk.variants.mha, context=10_000)
    assert changed.kv_bytes_per_sequence == expected.kv_bytes_per_sequence


def test_a_packaged_formula_may_be_a_variant() -> None:
    call = {"variants": ["hardware.dense_peak"], "givens": {"sparse_peak_flops": "2 TFLOP/s"}}
    assert ask("peak_flops", call).number == 10**12


def test_a_quantity_comes_in_its_own_unit_and_an_expression_in_a_coherent_one() -> None:
    call = {"accelerator": "B200", "givens": {"price": "4 USD/hour"}}
    assert str(ask("price", call)) == "4 USD/h"
    assert str(ask("memory / bandwidth", call)) == "24.0 ms"
    assert ask("price * 1", call, unit="USD/day").number == 96


@pytest.mark.parametrize("target", ["memory / bandwidth", "Max(memory, 2*memory)", "n_heads/2"])
def test_a_napkin_reads_expressions_as_quantities(target: str) -> None:
    from napkin.worksheet.parse import parse_expression

    expression = parse_expression(target)
    value = QWEN[expression]
    assert value.unit == coherent_unit(dimension_of(expression))
    known = {symbol: QWEN.values(symbol)[symbol] for symbol in expression.free_symbols}
    assert value.number == expression.xreplace(known)


def test_an_expression_without_a_unit_is_refused() -> None:
    with pytest.raises(UnitError, match="Both sides need the same unit"):
        _ = QWEN[nk.notation.memory + nk.notation.bandwidth]


def test_what_is_not_of_the_book_is_refused() -> None:
    from sympy import Symbol

    with pytest.raises(UnknownNameError, match="there is no quantity"):
        _ = QWEN[Symbol("x") * nk.notation.memory]
    with pytest.raises(FormulaSyntaxError):
        ask("x * memory", {})


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("peak_flops", "FLOP/s"),
        ("ridge", "FLOP/byte"),
        ("context", "1"),
        ("power", "joule/s"),
        ("cost_per_user_hour", "USD/s"),
    ],
)
def test_the_coherent_unit_of_a_dimension(name: str, unit: str) -> None:
    assert coherent_unit(dimension_of(lookup(name).symbol)) == unit
