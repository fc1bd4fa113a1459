"""What chapter 13 says in words, without a number of its own."""

import csv
from pathlib import Path

import pytest

import napkin as nk
from tests.chapters.example import EXAMPLE

N = EXAMPLE

DATA = Path(__file__).parents[2] / "chapters" / "data"


def weight_only_wins(n: nk.Napkin) -> bool:
    return bool(n.assume(precision="w4a16").tpot < n.tpot)


@pytest.mark.parametrize(("bundles", "last"), [((), 2), (("chunked_prefill",), 3)])
def test_with_whole_prompts_weight_only_loses_from_few_users_on(bundles, last: int) -> None:
    cold = N.assume(*bundles, hit_rate=0)
    assert weight_only_wins(cold.assume(batch=last))
    assert not weight_only_wins(cold.assume(batch=last + 1))


def test_forty_users_tie_at_a_little_less_than_a_thousand_tokens() -> None:
    forty = N.assume(batch=40)
    assert weight_only_wins(forty.assume(message=950))
    assert not weight_only_wins(forty.assume(message=1_000))


def test_with_cached_histories_weight_only_wins_for_all_users_that_fit() -> None:
    assert all(weight_only_wins(N.assume(batch=size)) for size in (1, 20, 53))


def test_what_stays_wide_is_most_of_a_small_model() -> None:
    small = nk.Napkin(model="Qwen3-0.6B", accelerator="B200", precision="nvfp4")
    wide = small["wide_params * bytes_per_embedding_weight"]
    assert float(wide / small.weight_bytes) > 0.5


def test_kernels_that_narrow_inputs_are_a_tenth_of_a_lone_users_step() -> None:
    alone = N.assume(batch=1, calibrated=True)
    more = float(alone["3 * n_layers * kernel_time"])
    assert more / float(alone.tpot) == pytest.approx(0.1, abs=0.01)


def test_scales_of_a_cache_add_two_to_three_percent() -> None:
    per_head = 128  # numbers that a token's key, or its value, has in one head
    assert 2 / per_head == pytest.approx(0.02, abs=0.005)
    assert 4 / per_head == pytest.approx(0.03, abs=0.005)


def test_a_message_is_weights_and_attention_and_nvfp4_halves_only_the_weights() -> None:
    weights = float(N["prefill_compute_time - prefill_attention_flops / peak_flops"])
    attention = float(N["prefill_attention_flops / peak_flops"])
    assert 1e3 * weights == pytest.approx(6.9, abs=0.05)
    assert 1e3 * attention == pytest.approx(4.6, abs=0.05)
    narrow = float(N.assume(precision="nvfp4").prefill_time)
    assert narrow == pytest.approx(weights / 2 + attention, rel=0.01)


def test_fewer_weight_only_users_fit_than_tie() -> None:
    assert float(N.assume(precision="w4a16").concurrent_sequences) < 77.7


def test_reading_is_less_than_half_of_long_attention_and_a_small_part_of_a_short_one() -> None:
    with (DATA / "13-attention.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["batch"] == "1"]
    per_token = {"bf16": 2 * 8 * 128 * 2, "fp8": 2 * 8 * 128}
    shares = {
        (row["context"], row["kv_precision"]): per_token[row["kv_precision"]]
        * int(row["context"])
        / 8e12
        / float(row["seconds"])
        for row in rows
    }
    assert shares["8192", "bf16"] == pytest.approx(4.2 / 13, abs=0.02)
    assert shares["8192", "fp8"] == pytest.approx(2.1 / 13, abs=0.02)
    assert max(shares["32768", width] for width in per_token) < 0.5


def test_rows_that_name_no_engine_name_an_image_of_atom() -> None:
    with (DATA / "13-pairs.csv").open(encoding="utf-8") as file:
        images = [row["engine_version"] for row in csv.DictReader(file) if not row["engine"]]
    assert images
    assert all("atom" in image for image in images)
