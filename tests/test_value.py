"""Values: read from text, exact, converted, and shown with three digits."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, I, Integer, Rational, oo, pi

from napkin.errors import DomainError, NapkinError, UnitError, UnknownNameError
from napkin.quantities import notation as q
from napkin.quantities.digits import three_digits
from napkin.quantities.given import coherent, in_unit, parse_text
from napkin.quantities.units import conversion
from napkin.quantities.value import Value, exact_number


@pytest.mark.parametrize(
    ("name", "given_value", "expected"),
    [
        ("bandwidth", "8 TB/s", 8 * 10**12),
        ("bandwidth", 8e12, 8 * 10**12),
        ("bandwidth", "2.039TB/s", 2039 * 10**9),
        ("memory", "80 GiB", 80 * 2**30),
        ("memory", " 1_000 MB ", 10**9),
        ("memory", "1,500e3 kB", 15 * 10**8),
        ("price", "4 USD/hour", Rational(4, 3600)),
        ("price", "USD 4/hour", Rational(4, 3600)),
        ("price", "$4/h", Rational(4, 3600)),
        ("capex", "USD 40,000", 40_000),
        ("price", 4, Rational(4, 3600)),
        ("price", "96 USD/day", Rational(4, 3600)),
        ("speed_target", "20 token/s", 20),
        ("speed_target", "20", 20),
        ("context", "20_000", 20_000),
        ("context", 20_000, 20_000),
        ("peak_flops", "4500 TFLOP/s", 45 * 10**14),
        ("peak_flops", "4500 TFLOPS", 45 * 10**14),  # as data sheets print it
        ("month", "30 day", 2_592_000),
        ("month", "720 h", 2_592_000),
        ("power", "700 W", 700),
        ("electricity_price", "0.1 USD/kWh", Rational(1, 36_000_000)),
        ("duty_cycle", 0.2, Rational(1, 5)),
        ("duty_cycle", np.float64(0.2), Rational(1, 5)),
        ("duty_cycle", Fraction(1, 3), Rational(1, 3)),
        ("duty_cycle", Rational(1, 3), Rational(1, 3)),
        ("n_layers", np.int64(64), 64),
        ("n_layers", 64.0, 64),
        ("tied_embeddings", True, 1),
        ("memory", Value(Integer(80), "GiB"), 80 * 2**30),
        ("bytes_per_weight", 0.5, Rational(1, 2)),
    ],
)
def test_reads_exactly(name: str, given_value: object, expected: Expr) -> None:
    number = coherent(name, given_value)
    assert number == expected
    assert number.is_Rational


@pytest.mark.parametrize(
    "text",
    ["nonsense", "", "TB/s", "8 TB/s; import os", "8 furlong", "1/0", "8 8", "0x10", "9" * 65],
)
def test_bad_text_is_named_with_an_example(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        coherent("bandwidth", text)
    said = str(caught.value)
    assert "bandwidth expects byte/s" in said
    assert "TB/s" in said
    assert len(said) < 400


def test_huge_text_is_not_repeated_in_full() -> None:
    with pytest.raises(UnitError) as caught:
        parse_text("8" * 100_000)
    assert len(str(caught.value)) < 400


def test_wrong_dimension_names_both_units() -> None:
    with pytest.raises(UnitError, match=r"bandwidth expects byte/s .*got 8 TB: 'TB' and 'byte/s'"):
        coherent("bandwidth", "8 TB")


def test_value_of_another_dimension_is_refused() -> None:
    with pytest.raises(UnitError, match="memory expects byte.*'s' and 'byte'"):
        coherent("memory", Value(Integer(3), "s"))


@pytest.mark.parametrize(
    "thing", [None, [1], {}, float("nan"), float("inf"), np.array([1, 2]), oo, I]
)
def test_what_is_no_finite_number_is_refused(thing: object) -> None:
    with pytest.raises(DomainError, match=r"batch expects sequence \(sequences in the step\)"):
        coherent("batch", thing)


def test_unknown_quantity() -> None:
    with pytest.raises(UnknownNameError, match="did you mean bandwidth"):
        coherent("bandwith", 1)


def test_floats_mean_their_shortest_decimal_form() -> None:
    assert exact_number(0.2) == Rational(1, 5)
    assert exact_number(2.039e12) == 2039 * 10**9
    assert exact_number(np.float64(1e-7)) == Rational(1, 10**7)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (9.6, "9.60"),
        (254.2, "254"),
        (20_000, "20,000"),
        (4.1667e-6, "4.17e-06"),
        (0.0499, "0.0499"),
        (999.6, "1,000"),
        (-3.14159, "-3.14"),
        (0, "0"),
        (1e15, "1.00e+15"),
    ],
)
def test_three_digits(number: float, text: str) -> None:
    assert three_digits(number) == text


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (26_214_400_000, "byte", "26.2 GB"),
        (999_960_000_000, "byte", "1.00 TB"),
        (131_072, "byte/token", "131 kB/token"),
        (45 * 10**14, "FLOP/s", "4,500 TFLOP/s"),
        (2 * 10**18, "FLOP", "2,000 PFLOP"),
        (Rational(1, 2), "byte", "0.500 B"),
        (Rational(1, 20), "s", "50.0 ms"),
        (Rational(7, 10**6), "s", "7.00 µs"),
        (2_592_000, "s", "720 h"),
        (7200, "s", "2.00 h"),
        (7190, "s", "7,190 s"),
        (1, "user", "1 user"),
        (Rational(61, 10), "user", "6.10 users"),
        (32_000_000_000, "1", "32.0 billion"),
        (64, "1", "64"),
        (Rational(4717, 10), "USD/user", "472 USD/user"),
    ],
)
def test_reads_well(number: Expr, unit: str, text: str) -> None:
    value = Value(Integer(number) if isinstance(number, int) else number, unit)
    assert str(value) == repr(value) == f"{value}" == text


@pytest.mark.parametrize(
    ("number", "unit"),
    [(26_214_400_000, "byte"), (20_000, "token/sequence"), (Rational(1, 20), "s"), (64, "1")],
)
def test_latex_says_the_same_as_text(number: Expr, unit: str) -> None:
    value = Value(Integer(number) if isinstance(number, int) else number, unit)
    plain = value.latex().replace("{,}", ",").replace(r"\ \mathrm{", " ").replace("}", "")
    assert plain.replace("\\ ", " ") == str(value)
    assert value._repr_latex_() == f"${value.latex()}$"


def test_to_and_exact() -> None:
    cache = Value(Integer(26_214_400_000), "byte")
    assert str(cache.to("GiB")) == "24.4 GiB"
    assert cache.to("GiB").number == Rational(26_214_400_000, 2**30)
    assert cache.exact == "26,214,400,000 B"
    assert f"{cache:exact}" == cache.exact
    assert Value(Rational(3125, 512), "sequence").exact == "3125/512 sequences"
    assert f"{cache:.1f}" == "26214400000.0"
    assert float(cache) == 26_214_400_000.0
    with pytest.raises(UnitError, match="'byte' and 's'"):
        cache.to("s")
    with pytest.raises(UnitError, match="'parsec' is not a unit"):
        cache.to("parsec")


@given(
    st.fractions(min_value=Fraction(1, 10**6), max_value=10**15),
    st.sampled_from([("byte", "GiB"), ("byte/s", "TB/hour"), ("USD/h", "USD/day"), ("s", "ms")]),
)
def test_conversion_goes_there_and_back(number: Fraction, units: tuple[str, str]) -> None:
    there, back = units
    value = Value(Rational(number), there)
    assert value.to(back).to(there) == value
    assert conversion(there, back) * conversion(back, there) == 1


@given(
    st.sampled_from(["bandwidth", "price", "context", "ttft", "cost_per_million_tokens"]),
    st.integers(1, 10**12),
)
def test_into_coherent_units_and_out_again(name: str, number: int) -> None:
    assert in_unit(name, coherent(name, number)).number == number


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_three_digits_are_within_half_a_percent(number: float) -> None:
    assert abs(float(three_digits(number).replace(",", "")) / number - 1) <= 0.00501


def test_a_value_that_is_not_zero_never_reads_as_zero() -> None:
    assert "1.00e-400" in str(Value(Rational(1, 10**400), "USD/user"))


def test_a_format_that_would_show_zero_raises() -> None:
    with pytest.raises(DomainError, match="read as zero"):
        f"{Value(Rational(3, 10_000), 'USD/user'):.2f}"


@pytest.mark.parametrize("thing", [q.context, q.context / 2, pi * q.batch])
def test_a_symbol_is_no_number(thing: object) -> None:
    with pytest.raises(NapkinError, match="batch"):
        coherent("batch", thing)


def test_a_number_beyond_floats_has_words() -> None:
    """Either it reads as a number with its unit, or an error says why not."""
    try:
        text = str(Value(Integer(10) ** 500, "byte"))
    except NapkinError as reason:
        text = str(reason)
    assert text
    assert "inf" not in text


def test_no_limit_reads_in_the_plural() -> None:
    assert str(Value(oo, "user")) == "unlimited users"


def test_a_unit_to_a_power_of_thousands_is_refused() -> None:
    """With a few more digits in the exponent, the conversion would never end."""
    with pytest.raises(NapkinError, match="month expects h"):
        coherent("month", "1 h**4001/s**4000")


MEASURES = {"byte": ("byte", "kB", "GiB", "TB"), "time": ("s", "ms", "h", "day"), "plain": ("1",)}


@st.composite
def values(draw: st.DrawFn, count: int = 2, most: int = 10**12) -> list[Value]:
    """Draw values that measure the same, each in a unit of its own."""
    units = st.sampled_from(MEASURES[draw(st.sampled_from(sorted(MEASURES)))])
    drawn = st.fractions(-most, most, max_denominator=10**6).map(Rational)
    return [Value(draw(drawn), draw(units)) for _ in range(count)]


@given(values(3))
def test_sums_keep_the_laws_of_numbers(three: list[Value]) -> None:
    a, b, c = three
    assert a + b == b + a
    assert a + b - b == a
    assert (a + b) + c == a + (b + c)
    assert a - b == -(b - a)
    assert (a + b).number.is_Rational


@given(values(), values(1))
def test_products_keep_the_laws_of_numbers(two: list[Value], one: list[Value]) -> None:
    (a, b), (c,) = two, one
    assert a * c == c * a
    assert (a + b) * c == a * c + b * c
    assert a**2 == a * a
    assert 3 * a == a * 3 == a + a + a
    if c:
        assert a / c * c == a
        assert c**-1 == 1 / c
        assert (a * c / c).number.is_Rational


@given(values())
def test_order_is_that_of_the_numbers_in_one_unit(two: list[Value]) -> None:
    a, b = two
    one, other = float(a), float(b.to(a.unit))
    assert (a < b) <= (one <= other)
    assert (one < other) <= (a < b)
    assert (a > b, a <= b, a >= b) == (b < a, not b < a, not a < b)
    assert abs(a) >= a and abs(a) == max(a, -a)


@given(values())
def test_equal_values_hash_equal(two: list[Value]) -> None:
    a, b = two
    again = a.to(b.unit)
    assert again == a and hash(again) == hash(a)
    assert (a == b) == (again.number == b.number)


@given(st.one_of(st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9)))
def test_a_plain_number_is_the_value_without_a_unit(number: float) -> None:
    value = Value(exact_number(number))
    assert value == number and number == value
    assert hash(value) == hash(number)
    assert value + 1 == 1 + value
    assert 1 - value == -(value - 1)
    assert Value(value.number, "byte") != number


def test_prefixes_make_no_difference() -> None:
    assert parse_text("1 kB") == parse_text("1,000 B")
    assert parse_text("1 KiB") > parse_text("1 kB")
    assert str(parse_text("80 GB") + parse_text("500 MB")) == "80.5 GB"
    assert {parse_text("1 h"): 1}[parse_text("3600 s")] == 1


@pytest.mark.parametrize(
    ("value", "text", "unit"),
    [
        (parse_text("80 GB") / parse_text("3.35 TB/s"), "23.9 ms", "s"),
        (parse_text("4 USD/h") * parse_text("720 h"), "2,880 USD", "USD"),
        (parse_text("700 W") * parse_text("720 h") * parse_text("0.1 USD/kWh"), "50.4 USD", "USD"),
        (parse_text("4500 TFLOPS") / parse_text("8 TB/s"), "562 FLOP/B", "FLOP/byte"),
        (
            parse_text("131072 byte/token") * parse_text("20000 token/sequence"),
            "2.62 GB/sequence",
            "byte/sequence",
        ),
        (parse_text("8 users") * parse_text("472 USD/user"), "3,776 USD", "USD"),
        (parse_text("0.5 USD/Mtoken") * parse_text("4000 token"), "0.00200 USD", "USD"),
        (parse_text("0.5 USD/Mtoken") * 2, "1 USD/Mtoken", "USD/Mtoken"),
        (parse_text("8 TB/s") / 2, "4 TB/s", "TB/s"),
        (1 / parse_text("2 s"), "0.500 1/s", "1/s"),
        (parse_text("2 s") ** 3, "8 s s s", "s s s"),
        (parse_text("2 s") ** 0, "1", "1"),
        (parse_text("20 token/s") * parse_text("3 s"), "60 tokens", "token"),
        (Integer(3) * parse_text("2 s"), "6 s", "s"),
        (np.float64(0.5) * parse_text("2 s"), "1 s", "s"),
    ],
)
def test_products_read_well(value: Value, text: str, unit: str) -> None:
    assert (str(value), value.unit) == (text, unit)
    assert value.number.is_Rational


@pytest.mark.parametrize(
    "work",
    [
        lambda one, other: one + other,
        lambda one, other: one - other,
        lambda one, other: one < other,
        lambda one, other: one >= other,
    ],
)
def test_what_measures_different_things_has_no_sum_and_no_order(
    work: Callable[[Any, Any], Any],
) -> None:
    speed, wait = parse_text("8 TB/s"), parse_text("3 s")
    with pytest.raises(UnitError, match="8 TB/s and 3 s measure different things"):
        work(speed, wait)
    with pytest.raises(UnitError, match="8 TB/s and 3 measure different things"):
        work(speed, 3)
    with pytest.raises(UnitError, match="3.*measure different things"):
        work(3, speed)
    assert speed != wait and wait != 3 and 3 != wait


def test_labels_count_as_one() -> None:
    assert parse_text("3 user") == 3
    assert parse_text("3 user") > 2
    assert str(parse_text("3 user") + 1) == str(1 + parse_text("3 user")) == "4 users"


def test_a_value_is_true_unless_it_is_zero_and_has_a_whole_part() -> None:
    assert parse_text("3.7 s") and not parse_text("0 s")
    assert int(parse_text("3.7 s")) == 3


def test_nothing_can_be_divided_by_zero() -> None:
    zero = parse_text("0 s")
    quotients: list[Callable[[], Value]] = [lambda: 3 / zero, lambda: zero**-1, lambda: zero / zero]
    for divide in quotients:
        with pytest.raises(DomainError, match="divided by zero"):
            divide()


@pytest.mark.parametrize("thing", ["3", None, q.context, [3]])
def test_what_is_no_number_takes_no_part(thing: Any) -> None:
    value = parse_text("3 user")
    assert value != thing
    works: list[Callable[[], Any]] = [
        lambda: value + thing,
        lambda: value * thing,
        lambda: thing * value,
        lambda: value**thing,
    ]
    for work in works:
        with pytest.raises(TypeError):
            work()


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("hit_rate", "62 %", Rational(31, 50)),
        ("compute_efficiency", "62.5%", Rational(5, 8)),
        ("context", "8k", 8000),
        ("context", "16Ki", 16_384),
        ("context", "128k tokens", 128_000),
        ("context", "1M", 10**6),
        ("context", "2 Mi tokens", 2**21),
        ("memory", "80 MB", 80 * 10**6),
    ],
)
def test_short_ways_to_write_a_number(name: str, text: str, number: int) -> None:
    assert coherent(name, text) == number


@pytest.mark.parametrize(
    ("name", "text"),
    [("pue", "120 %"), ("context", "5 %"), ("context", "8K"), ("hit_rate", "7% 3")],
)
def test_what_is_not_read_as_a_short_number(name: str, text: str) -> None:
    with pytest.raises(UnitError, match="is not a unit"):
        coherent(name, text)
