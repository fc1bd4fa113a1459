"""What chapter 13 says in words, without a number of its own."""

import pytest

import napkin as nk

N = nk.Napkin(
    model="Qwen3-32B",
    accelerator="B200",
    precision="fp8",
    kv_precision="fp8",
    usable_memory=0.9,
    context=20_000,
    prompt=20_000,
    message=500,
    new_tokens=500,
)


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
