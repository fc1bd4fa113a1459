"""What the article says, against its own scenario: each number and formula recomputed."""

from dataclasses import replace

import pytest
from sympy import Integer, Rational

from audit import VERDICTS, Claim, article, claim, claims, ledger
from audit.claims import read_printed, rows_of
from audit.readings import NUMBERS, READINGS, Reading
from napkin import formulas
from napkin.errors import ConfigError, UnknownNameError
from napkin.formulas import variants
from napkin.quantities import notation as q
from napkin.quantities.quantity import REGISTRY

ROWS = rows_of("claims")
STEP = 32 * 10**9 + 6 * 131_072 * 200_000
BY_HAND = {
    # what follows from 8 TB/s, 4500 TFLOP/s, 192 GB, 32 GB of weights, 131,072 B a token
    "teraflops_small": 10**12,
    "teraflops": 10**12,
    "token_flops_without_cache": 2 * 200_000 * 8192 * 8192,
    "token_accesses_without_cache": 8192 * (200_000 + 8192),
    "work_per_access": Rational(2 * 200_000 * 8192, 200_000 + 8192),
    "cycles_of_a_batch": Rational(2 * 200_000 * 8192**2 * 1_850_000_000, 4500 * 10**12),
    "accesses_with_cache": 5120**2,
    "flops_with_cache": 2 * 5120**2,
    "ops_per_access": 2,
    "bandwidth_in_bytes": 8 * 10**12,
    "peak_in_ops": 4500 * 10**12,
    "ridge": Rational(4500, 8),
    "critical_batch": Rational(4500, 16),
    "users_to_fill_compute": 32
    * 10**9
    / ((2 * 32 * 10**9 + 4 * 64 * 64 * 128 * 500) * Rational(8, 4500) - Integer(131_072 * 500)),
    "other_architectures": Rational(7, 8),
    "weights": 32 * 10**9,
    "model_shape": 32_762_123_264,
    "width_typo": 8192,
    "kv_bytes_full_heads": 2 * 64 * 64 * 128 * 200_000,
    "head_sharing": 8,
    "kv_bytes_grouped": 131_072 * 200_000,
    "memory_left": 160 * 10**9,
    "conversations": Rational(160 * 10**9, 131_072 * 200_000),
    "duty_cycle": Rational(1, 5),
    "users_never_idle": Rational(160 * 10**9, 131_072 * 200_000),
    "bytes_of_a_step": STEP,
    "step_time": Rational(STEP, 8 * 10**12),
    "compute_time": Rational(6 * (2 * 32 * 10**9 + 4 * 64 * 64 * 128 * 200_000), 4500 * 10**12),
    "compute_idle": 1
    - Rational(6 * (2 * 32 * 10**9 + 4 * 64 * 64 * 128 * 200_000) * 8, 4500 * STEP),
    "throughput": 6 / Rational(STEP, 8 * 10**12),
    "user_speed": 1 / Rational(STEP, 8 * 10**12),
    "purchase_six": Rational(40_000, 6),
    "purchase_many": 80,
    "user_hour_early": Rational(3, 500),
    "user_month_early": Rational(3 * 720, 500),
    "user_hour": Rational(4, 300),
    "user_month": Rational(2880, 300),
    "users_at_once": 300,
}
RANGES = {"paged_conversations", "users"}
OTHER_BY_HAND = {
    "token_flops_without_cache": [2 * 32 * 10**9 * 200_000],
    "accesses_with_cache": [8192**2],
    "flops_with_cache": [2 * 8192**2],
    "model_shape": [12 * 64 * 8192**2],
    "memory_left": [183_359 * 2**20 - 32 * 10**9],
    "paged_conversations": [
        Rational(160 * 10**9, 131_072 * 30_000),
        Rational(160 * 10**9, 131_072 * 20_000),
    ],
    "users_at_once": [60],
}


def _named(kind: str) -> list[str]:
    return [entry.name for entry in claims() if entry.kind == kind]


def test_there_are_67_in_order() -> None:
    assert [entry.id for entry in claims()] == [f"CL{i:02}" for i in range(1, 68)]


def test_every_number_is_derived_by_hand_here_too() -> None:
    assert set(_named("number")) == set(BY_HAND) | RANGES
    assert set(OTHER_BY_HAND) == {entry.name for entry in claims() if entry.other}


@pytest.mark.parametrize("name", BY_HAND)
def test_derived_value_by_hand(name: str) -> None:
    found = claim(name)
    assert len(found.derived) == 1
    assert found.derived[0].number == BY_HAND[name]


@pytest.mark.parametrize("name", OTHER_BY_HAND)
def test_other_value_by_hand(name: str) -> None:
    assert [value.number for value in claim(name).other] == OTHER_BY_HAND[name]


def test_ranges_by_hand() -> None:
    room = 160 * 10**9
    many, few = claim("paged_conversations").derived, claim("users").derived
    assert [v.number for v in many] == [
        Rational(room, 131_072 * 40_000),
        Rational(room, 131_072 * 4_000),
    ]
    kept = Rational(room, 131_072 * 20_000)
    assert [v.number for v in few] == [kept, 5 * kept]


@pytest.mark.parametrize("name", ROWS)
def test_every_verdict_follows(name: str) -> None:
    found = claim(name)
    assert found.follows == found.verdict


@pytest.mark.parametrize("name", ROWS)
def test_every_claim_is_complete(name: str) -> None:
    found = claim(name)
    assert found.name == name
    assert claim(found.id) == found
    assert found in claims()
    for printed in found.printed:
        assert read_printed(printed)[0].number > 0
    if found.kind == "number":
        assert len(found.printed) == len(found.derived)
        target = found.row["target"]
        assert target in REGISTRY or target.removeprefix("audit.") in NUMBERS
    if found.kind == "formula":
        assert found.row["formula"] in READINGS
    if found.kind == "statement" or found.settled_by:
        known = {*formulas.ALL, *variants.BUNDLES, "catalog.traffic"}
        assert found.settled_by in known
    if found.verdict == "inconsistent":  # both calls are named
        assert found.other


TEXTS = {"id", "version", "kind", "says", "verdict", "why"}
MAY = {"target", "unit", "split", "formula", "settled_by"}
CALL = {"target", "model", "accelerator", "precision", "givens", "variants"}


@pytest.mark.parametrize("name", ROWS)
def test_every_field_is_known(name: str) -> None:
    row = ROWS[name]
    assert set(row) >= TEXTS
    assert set(row) <= TEXTS | MAY | {"printed", "ends", "other", "last_digit", "order", "tour"}
    assert all(
        isinstance(row[field], str) and row[field].strip() for field in TEXTS | (MAY & set(row))
    )
    assert row["version"] in {"earlier", "newer", "both"}
    assert row["kind"] in {"number", "formula", "statement"}
    assert row["verdict"] in VERDICTS
    assert row.get("split", "inconsistent") in {"inconsistent", "imprecise"}
    assert row.get("last_digit", 1) > 0
    assert {row.get("order", True), row.get("tour", True)} == {True}
    for call in [*row.get("ends", ()), *row.get("other", ())]:
        assert set(call) <= CALL


def test_what_the_audit_holds_is_used() -> None:
    rows = list(ROWS.values())
    assert {row["formula"] for row in rows if "formula" in row} == set(READINGS)
    targets = {row.get("target", "") for row in rows}
    targets |= {call.get("target", "") for row in rows for call in row.get("other", ())}
    assert {f"audit.{name}" for name in NUMBERS} <= targets


# ------------------------------------------------------ a verdict that no longer follows


MOVED = {
    "critical_batch": ("281", "right"),
    "user_month": ("9.60 USD/user", "right"),
    "throughput": ("300 token/s", "wrong"),
    "kv_bytes_grouped": ("27 GB", "right within rounding"),
    "purchase_six": ("6,667 USD/user", "right"),
    "ridge": ("565 FLOP/byte", "right within rounding"),
    "compute_idle": ("90 %", "wrong"),
    "work_per_access": ("1e5 FLOP/element", "wrong"),
    "accesses_with_cache": ("50 million element", "wrong"),
}


@pytest.mark.parametrize("name", MOVED)
def test_a_moved_number_changes_the_verdict(name: str) -> None:
    printed, verdict = MOVED[name]
    moved = replace(claim(name), printed=(printed,))
    assert moved.follows == verdict
    assert not moved.holds


@pytest.mark.parametrize("name", [n for n in _named("number") if not claim(n).other])
@pytest.mark.parametrize("factor", [Rational(1, 20), 20])
def test_a_number_far_off_is_wrong(name: str, factor: Rational) -> None:
    found = claim(name)
    far = tuple(f"{float(factor * value.number):.15f}" for value in found.derived)
    row = {key: value for key, value in found.row.items() if key != "last_digit"}
    assert replace(found, printed=far, row=row).follows == "wrong"


@pytest.mark.parametrize("name", _named("formula"))
def test_a_moved_formula_is_wrong(name: str) -> None:
    reading = READINGS[claim(name).row["formula"]]
    moved = Reading(reading.article * 2 + q.batch, reading.ours, reading.narrowed)
    assert moved.verdict == "wrong"
    assert Reading(reading.ours, reading.ours).verdict == "right"


def test_a_changed_scenario_changes_the_verdict() -> None:
    found = claim("step_time")
    changed = {**found.row, "ends": [{"givens": {"batch": 5}}]}
    assert replace(found, row=changed).follows == "wrong"


def _two(first: int, second: int, **more: str) -> Claim:
    calls = [[{"givens": {"d_model": width}}] for width in (first, second)]
    row = {"target": "d_model", "ends": calls[0], "other": calls[1], **more}
    return replace(claim("width_typo"), printed=("100",), row=row)


def test_two_calls_that_part_are_inconsistent() -> None:
    assert _two(100, 200).follows == "inconsistent"
    assert _two(200, 100).follows == "inconsistent"
    assert _two(100, 200, split="imprecise").follows == "imprecise"
    assert _two(100, 100).follows == "right"
    assert _two(100, 101).follows == "right within rounding"
    assert _two(200, 300).follows == "wrong"


# ---------------------------------------------------------------------------- verdicts


def test_verdicts_from_best_to_worst() -> None:
    assert VERDICTS == (
        *("right", "right within rounding", "imprecise"),
        *("wrong", "inconsistent", "not checkable"),
    )
    for rung in rows_of("verdicts").values():
        assert rung["says"]
        assert set(rung) <= {"says", "within"}
        for limit in rung.get("within", ()):
            assert set(limit) <= {"units", "share"}
            assert all(number > 0 for number in limit.values())


@pytest.mark.parametrize(
    ("printed", "derived", "verdict"),
    [
        ("100", 100, "right"),
        ("10.0", 10, "right"),
        ("100", 101, "right within rounding"),
        ("100", 102, "wrong"),
        ("1000", 1010, "right within rounding"),
        ("1000", 1020, "wrong"),
        ("30", 31, "right within rounding"),
        ("9", 10, "imprecise"),
        ("9", 11, "wrong"),
    ],
)
def test_the_ladder(printed: str, derived: int, verdict: str) -> None:
    row = {"target": "d_model", "ends": [{"givens": {"d_model": derived}}]}
    assert replace(claim("width_typo"), printed=(printed,), row=row).follows == verdict


@pytest.mark.parametrize(
    ("text", "number", "unit", "last"),
    [
        ("331", 331, "1", 1),
        ("0.013 USD/(user h)", Rational(13, 1000), "USD/(user h)", Rational(1, 1000)),
        ("26.2 million FLOP", 26_200_000, "FLOP", 100_000),
        ("98 %", Rational(98, 100), "1", Rational(1, 100)),
        ("4.5e12 FLOP/s", 4_500_000_000_000, "FLOP/s", 10**11),
        ("6,667 USD", 6667, "USD", 1),
    ],
)
def test_printed_numbers(text: str, number: Rational, unit: str, last: Rational) -> None:
    value, last_digit = read_printed(text)
    assert (value.number, value.unit, last_digit) == (number, unit, last)


@pytest.mark.parametrize("text", ["", "about 300", "-1", "1e", "nan"])
def test_what_is_no_printed_number(text: str) -> None:
    with pytest.raises(ConfigError, match="is no printed number: write it as"):
        read_printed(text)


def test_the_ledger_is_a_table() -> None:
    rows = ledger().rows
    assert len(rows) == 67
    assert rows[62][2:5] == ["9.36 USD/user", "9.60 USD/user", "wrong"]
    assert rows[33][3] == "32.8 billion or 51.5 billion"
    assert rows[3][3] == "element_loads"
    assert all(all(row[i] for i in (0, 1, 3, 4, 5)) for row in rows)
    assert ledger([claim("CL63")]).rows == [rows[62]]


def test_the_article_s_table_has_every_claim_of_the_tour() -> None:
    rows, told = article().rows, [entry for entry in claims() if entry.tour]
    assert len(told) == 10
    assert [row[0] for row in rows] == [entry.says for entry in told]
    for row, entry in zip(rows, told, strict=True):
        assert all(printed in row[1] for printed in entry.printed)
        assert all(str(value) in row[2] for value in entry.derived)


def test_the_unknown_claim() -> None:
    with pytest.raises(UnknownNameError, match="'user_moth': did you mean user_month"):
        claim("user_moth")
