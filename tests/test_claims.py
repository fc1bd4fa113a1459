"""What the article prints, against its own scenario."""

import pytest
from sympy import Rational

from napkin.catalog import table
from napkin.claims import claim, claims
from napkin.errors import UnknownNameError
from napkin.value import parse_text

BY_HAND = {
    # what follows from 8 TB/s, 4500 TFLOP/s, 192 GB, 32 GB of weights, 131,072 B a token
    "critical_batch": Rational(4500, 16),
    "kv_bytes_full_heads": 2 * 64 * 64 * 128 * 200_000,
    "kv_bytes_grouped": 131_072 * 200_000,
    "conversations": Rational(160 * 10**9, 131_072 * 200_000),
    "step_time": Rational(32 * 10**9 + 6 * 131_072 * 200_000, 8 * 10**12),
    "throughput": 6 / Rational(32 * 10**9 + 6 * 131_072 * 200_000, 8 * 10**12),
    "user_hour": Rational(4, 300),
    "user_month": Rational(2880, 300),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_derived_value_by_hand(name: str) -> None:
    found = claim(name)
    assert len(found.derived) == 1
    assert found.derived[0].number == BY_HAND[name]


def test_ranges_by_hand() -> None:
    room = 160 * 10**9
    many, few = claim("paged_conversations").derived, claim("users").derived
    assert [v.number for v in many] == [
        Rational(room, 131_072 * 40_000),
        Rational(room, 131_072 * 4_000),
    ]
    kept = Rational(room, 131_072 * 20_000)
    assert [v.number for v in few] == [kept, 5 * kept]


@pytest.mark.parametrize("name", table("claims"))
def test_every_claim_is_complete(name: str) -> None:
    found = claim(name)
    assert found.name == name
    assert found.id.startswith("CL")
    assert found.says
    assert found.why
    assert len(found.printed) == len(found.derived)
    for printed in found.printed:
        assert parse_text(printed).number > 0
    assert found in claims()


def test_the_unknown_claim() -> None:
    with pytest.raises(UnknownNameError, match="'user_moth': did you mean user_month"):
        claim("user_moth")
