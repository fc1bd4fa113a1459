"""What chapter 11 says in words, without a cell that shows it."""

from itertools import pairwise

import pytest

import napkin as nk
import prefixes
from tests.chapters.example import EXAMPLE

COLD = EXAMPLE.assume(hit_rate=0)


def test_twice_the_prompt_leaves_a_fifth_of_the_writing_gpus_idle() -> None:
    longer = COLD.assume(prompt=40_000, context=40_000)
    assert float(longer.prefill_time / COLD.prefill_time) == pytest.approx(2.5, rel=0.01)
    now, then = (float(m.assume("disaggregated").n_gpus_prefill) for m in (COLD, longer))
    assert 1 - now / then == pytest.approx(0.2, abs=0.01)


def test_measured_speeds_stretch_both_parts_of_the_bill_alike() -> None:
    real = COLD.assume(calibrated=True)
    for name in ("prefill_time", "decode_step_time"):
        assert float(real[name]) / float(COLD[name]) == pytest.approx(1.4, abs=0.07)


def test_the_best_cache_is_smaller_if_found_tokens_are_the_cheapest() -> None:
    traffic = nk.catalog.table("traffic")["mooncake-conversation"]
    arriving = float(traffic["input_tokens"]["mean"] / traffic["arrival_gap"]["mean"])
    first = float(COLD["flops_per_mac * (n_params_active - head_params) / peak_flops"])
    found, sizes = prefixes.summary("tokens"), list(prefixes.summary("tokens"))
    dram, size = 10 / (4 * 8_760), float(COLD.kv_bytes_per_token) / 1e9
    for seconds, best in ((float(COLD.prefill_time) / 20_000, 1_342), (first, 671)):
        worth = {
            more: 4 * arriving * seconds * (found[more] - found[less]) / ((more - less) * size)
            for less, more in pairwise(sizes)
        }
        assert max(more for more, usd in worth.items() if usd > dram) * size == pytest.approx(
            best, abs=1
        )


def test_a_hit_rate_of_95_percent_and_long_answers_bring_the_lines_together() -> None:
    almost = COLD.assume(hit_rate=0.95, batch=53)
    chunks = float(almost.assume("chunked_prefill").requests_per_second)
    assert 1 - float(almost.requests_per_second) / chunks == pytest.approx(0.1, abs=0.01)
    lengthy = COLD.assume(batch=12, new_tokens=5_000)
    cached = lengthy.assume(hit_rate=1 - 500 / 20_000)
    lost = 1 - float(lengthy.requests_per_second / cached.requests_per_second)
    assert lost == pytest.approx(0.1, abs=0.01)
