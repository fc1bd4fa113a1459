"""What others measured: counts agree, and no time beats its bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

import napkin as nk
from napkin.catalog import table
from napkin.errors import UnknownNameError

NAMES = list(table("measurements"))


@pytest.mark.parametrize("name", NAMES)
def test_it_holds(name: str) -> None:
    entry = nk.measurement(name)
    assert entry.holds, (name, entry.error)


@pytest.mark.parametrize("factor", [0.5, 1.5])
@pytest.mark.parametrize("name", NAMES)
def test_it_would_not_hold_for_anything(name: str, factor: float) -> None:
    """A value moved by half falls out of what is said to be near."""
    entry = nk.measurement(name)
    assert not replace(entry, value=entry.value * factor).holds


def test_the_table_shows_error_and_source() -> None:
    shown = repr(nk.measured("llama3_8b_cache", "qwen3_32b_files"))
    assert "+0.01%" in shown and "65,524,246,528 B" in shown and "issue 6753" in shown


def test_a_count_that_is_derived_with_a_fraction_is_rounded() -> None:
    shown = repr(nk.measured("deepseek_day_cost"))
    assert "87,072 USD/day" in shown and "87,100 USD/day" in shown


def test_an_unknown_one_is_named() -> None:
    with pytest.raises(UnknownNameError, match="qwen3_32b_files"):
        nk.measurement("qwen3_32b_file")


def test_the_flat_part_is_flat_and_attention_is_not() -> None:
    """Up to 64 rows cost about what one costs; four times the sequences about four times."""
    rows = [nk.measurement(f"gemm_h100_{count}").value for count in (1, 16, 64)]
    assert max(rows) < 1.15 * min(rows)
    few, many = (nk.measurement(f"attention_h100_32_heads_{count}").value for count in (8, 32))
    assert 3 < many / few < 5
