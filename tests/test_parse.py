"""A reader's formula: what is allowed is read, and nothing else does anything."""

from __future__ import annotations

import time
from fractions import Fraction
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Max, Min, Piecewise, Rational, ceiling, exp, floor, log, sqrt

import napkin as nk
from napkin.errors import FormulaSyntaxError, NapkinError, UnitError
from napkin.quantities import notation as q
from napkin.worksheet.parse import parse

QWEN = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=20_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*n_layers*d_head", 2 * q.n_layers * q.d_head),
        ("(n_layers + 1) / 3 - -d_head", (q.n_layers + 1) / 3 + q.d_head),
        ("0.25 * +n_layers", Rational(1, 4) * q.n_layers),
        ("n_layers**2 + n_layers**0.5", q.n_layers**2 + sqrt(q.n_layers)),
        ("2**n_layers", 2**q.n_layers),
        ("Min(batch, 3) + Max(batch, n_layers, 5)", Min(q.batch, 3) + Max(q.batch, q.n_layers, 5)),
        ("sqrt(batch) * log(batch) * exp(-batch)", sqrt(q.batch) * log(q.batch) * exp(-q.batch)),
        ("ceiling(batch/16) + floor(batch)", ceiling(q.batch / 16) + floor(q.batch)),
        (
            "1 if batch < 8 else 2 if batch >= 64 else 3",
            Piecewise((1, q.batch < 8), (Piecewise((2, q.batch >= 64), (3, True)), True)),
        ),
        ("1e3 * 1_000", 10**6),
    ],
)
def test_what_is_allowed_is_read(text: str, expected: object) -> None:
    assert parse(f"context = {text}").expression == expected


def test_the_reader_is_its_source() -> None:
    formula = parse(" users=price ")
    assert formula.target == q.users
    assert formula.source == "the reader's own"


HOSTILE = {
    "dunder": "context = ().__class__.__bases__",
    "attribute": "context = n_layers.name",
    "call": "context = __import__('os').system('true')",
    "print": "context = print(1)",
    "comprehension": "context = [x for x in (1, 2)]",
    "generator": "context = sum(x for x in (1, 2))",
    "lambda": "context = (lambda: 1)()",
    "subscript": "context = n_layers[0]",
    "tower": "context = 9**9**9",
    "tower of brackets": "context = ((10**64)**64)**64",
    "symbolic tower": "context = ((batch**64)**64)**64",
    "exponential of exponential": "context = exp(exp(exp(9)))",
    "rounded exponential": "context = ceiling(2**(batch**9))",
    "huge exponential": "context = exp(5000)",
    "brackets": "context = " + "(" * 5000 + "1" + ")" * 5000,
    "terms": "context = " + "+".join(["n_layers"] * 100_000),
    "many sides": "context = Max(" + ",".join(f"batch*{i}" for i in range(99)) + ")",
    "signs": "context = " + "-" * 900 + "1",
    "digits": "context = " + "9" * 600,
    "look-alike letters": "context = n_lаyers",
    "full-width digits": "context = １",
    "NUL": "context = 1\0",
    "newline": "context = 1\nbatch = 2",
    "nan": "context = nan",
    "infinity": "context = inf",
    "overflow": "context = 1e999",
    "division by zero": "context = 1/0",
    "logarithm of zero": "context = log(0)",
    "root of a negative": "context = sqrt(-1)",
    "text": "context = 'x'",
    "format": "context = f'{1}'",
    "truth": "context = True",
    "imaginary": "context = 1j",
    "walrus": "context = (batch := 3)",
    "star": "context = Max(*(1, 2))",
    "keyword": "context = Max(key=3)",
    "no arguments": "context = Max()",
    "two conditions": "context = 1 if batch < 2 and batch > 1 else 2",
    "chained condition": "context = 1 if 1 < batch < 2 else 2",
    "bare condition": "context = batch < 2",
    "modulo": "context = batch % 2",
    "floor division": "context = batch // 2",
    "matrix product": "context = batch @ 2",
    "await": "context = await batch",
    "yield": "context = (yield)",
    "comparison for assignment": "context == 3",
    "no target": "= 3",
    "nothing": "",
    "unknown target": "contexts = 3",
    "unknown name": "context = contexts",
    "unfinished": "context = 3 *",
    "statement": "context = import os",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused_with_its_place(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(FormulaSyntaxError, match=r"at character \d+ of"):
        parse(text)
    assert time.process_time() - begin < 5  # not a benchmark: it must not hang


@pytest.mark.parametrize("thing", [None, 3, b"users = 1", ["users = 1"]])
def test_a_formula_is_text(thing: Any) -> None:
    with pytest.raises(FormulaSyntaxError, match="a formula is text"):
        parse(thing)


def test_the_place_is_where_the_fault_is() -> None:
    with pytest.raises(FormulaSyntaxError, match="at character 22 of"):
        parse("context = n_layers + foo")
    with pytest.raises(FormulaSyntaxError, match="did you mean n_layers"):
        parse("context = n_layer")


_PIECES = [
    *("batch", "n_layers", "d_head", "2", "0.5", "+", "-", "*", "**", "/", "(", ")", ","),
    *("Min(", "log(", "exp(", "if", "else", "<"),
]


@settings(deadline=None)
@given(
    st.text(
        alphabet="context=batchn_layers0123456789+-*/()., MinMaxsqrtexplogif<>else'[]{}:@\\",
        max_size=60,
    )
    | st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        formula = parse(f"context = {text}")
    except NapkinError:
        return
    assert formula.target == q.context
    try:
        value = QWEN.assume(formula, batch=3).context
    except NapkinError:
        return
    assert isfinite(float(value))


_NAMED = st.sampled_from(["batch", "n_layers"])
_READABLE = st.recursive(
    _NAMED | st.sampled_from(["2", "+7", "-3"]),
    lambda part: (
        st.builds("({} {} {})".format, part, st.sampled_from("+-*"), part)
        | st.builds("{} / {}".format, part, _NAMED)
        | st.builds("({}) ** 2".format, part)
        | st.builds("{}({}, {})".format, st.sampled_from(["Min", "Max"]), part, part)
        | st.builds("({} if batch < 8 else {})".format, part, part)
    ),
    max_leaves=6,
)


@given(_READABLE)
def test_any_expression_of_what_is_allowed_is_read_as_python_does(text: str) -> None:
    point = {"batch": Fraction(3), "n_layers": Fraction(64)}
    expected = eval(text, {"Min": min, "Max": max, **point})
    read = parse(f"context = {text}").expression
    assert read.subs({q.batch: 3, q.n_layers: 64}) == Rational(Fraction(expected))


def test_its_unit_is_checked_where_it_is_assumed() -> None:
    with pytest.raises(UnitError, match="users is in 1 .* but price is in USD/second"):
        QWEN.assume("users = price")


def test_it_replaces_the_formula_or_the_given() -> None:
    half = QWEN.assume("kv_bytes_per_token = n_layers*n_kv_heads*d_head*bytes_per_kv")
    assert half.kv_bytes_per_token * 2 == QWEN.kv_bytes_per_token
    assert QWEN.assume("context = 10*n_layers").context == 640
    assert half.assume(nk.formulas.kv_cache.kv_bytes_per_token) == QWEN


def test_powers_of_powers_end_before_they_are_multiplied_out() -> None:
    with pytest.raises(NapkinError, match="degree"):
        parse("users = ((batch + 1)**50 + batch)**50")
