"""Elasticities equal finite differences; spreads repeat to the bit."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import napkin as nk
from napkin.errors import NapkinError
from napkin.formulas import variants
from napkin.quantities.quantity import lookup
from tests import sheets

QWEN = sheets.QWEN.assume(prompt=20_000, speed_target=20)
MOE = nk.Napkin(
    model="gpt-oss-120b",
    accelerator="H200",
    precision="fp8",
    context=9_000,
    price=3,
    duty_cycle=0.3,
    bytes_per_weight=1,
)
EVERYTHING = nk.Napkin(
    model="DeepSeek-R1",
    accelerator="B200",
    n_gpus=8,
    precision="fp8",
    kv_precision="fp8",
    price=4,
    context=20_000,
    prompt=20_000,
    message=500,
    new_tokens=500,
    think_time=60,
    speed_target=20,
    host_memory="256 GB",
    host_link_bandwidth="55 GB/s",
    calibrated=True,
).assume(
    *(variants.attention_data_parallel, variants.expert_parallel, variants.idle_offloaded),
    *(variants.speculative, "draft_time = 2*decode_step_time/n_layers"),
    draft_tokens=1,
    tokens_per_step=1.84,
    hit_rate=0.9,
)
NAPKINS = {
    "kept": QWEN,
    "evicted": QWEN.assume(variants.idle_offloaded, host_link_bandwidth=6e10, think_time=20),
    "erlang": QWEN.assume(variants.idle_offloaded, variants.erlang, wait_target=0.02),
    "experts": MOE.assume(speed_target=60, prompt=900),
    "overheads": QWEN.assume(
        variants.with_overheads, n_kernels=500, kernel_launch_time=4e-6, host_time=1e-3
    ),
}


def test_the_elasticity_to_one_given() -> None:
    found = nk.sensitivity(QWEN, "kv_bytes_per_sequence")
    assert found.to("context") == found.to(nk.notation.context) == 1
    assert found.to("price") == 0


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cost_per_user_month", "tokens_per_second", "ttft", "users"])
@pytest.mark.parametrize("name", NAPKINS)
def test_elasticities_equal_finite_differences(name: str, target: str) -> None:
    n = NAPKINS[name]
    found = {row.name: row.elasticity for row in nk.sensitivity(n, target).rows}
    here = float(n[target])
    for given, elasticity in found.items():
        if lookup(given).domain.integer:
            continue  # reading allows no broken count; the derivative is formal
        call, value = n.function(target, given), float(n[given])
        step = 1e-5
        up, down = ((call(value * (1 + by)) - here) / (by * here) for by in (step, -step))
        # At the width of the products, a wider cache also slows attention: two slopes meet.
        slope = down if given == "bytes_per_kv" else (up + down) / 2
        assert slope == pytest.approx(elasticity, rel=2e-4, abs=1e-6), given


@pytest.mark.parametrize("name", ["hit_rate", "think_time", "tokens_per_step", "bandwidth"])
def test_a_server_with_everything_has_elasticities(name: str) -> None:
    call, value = EVERYTHING.function("cost_per_user_month", name), float(EVERYTHING[name])
    up, here, down = (call(value * (1 + by)) for by in (1e-5, 0, -1e-5))
    found = nk.sensitivity(EVERYTHING, "cost_per_user_month").to(name)
    assert (up - down) / (2e-5 * here) == pytest.approx(found, rel=2e-4)


def test_counts_are_differentiated_as_if_they_were_continuous() -> None:
    rows = {row.name: row.elasticity for row in nk.sensitivity(QWEN, "n_params").rows}
    layers = float(QWEN.attention_params) + float(QWEN.mlp_params) + 2 * 64 * 5120
    assert rows["n_layers"] == pytest.approx(layers / float(QWEN.n_params), rel=1e-12)
    assert "qkv_bias" not in rows


def test_rows_are_sorted_and_read_as_sentences() -> None:
    found = nk.sensitivity(QWEN, "cost_per_user_month")
    sizes = [abs(row.elasticity) for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert "1 % more price (4 USD/h) makes cost_per_user_month 1 % higher" in found.sentences()
    assert str(found).splitlines()[0] == f"cost_per_user_month = {QWEN.cost_per_user_month}"
    assert all(sentence in found._repr_markdown_() for sentence in found.sentences())


def test_chance_counts_whole_users_and_has_a_slope_between_them() -> None:
    n = QWEN.assume(variants.idle_offloaded, variants.binomial, overflow_target=0.01)
    more, less = (n.assume(memory=n.memory * share).users for share in (1.2, 0.8))
    coarse = float((more - less) / n.users) / 0.4
    assert nk.sensitivity(n, "users").to("memory") == pytest.approx(coarse, rel=0.05)


def test_a_rounded_quantity_has_the_slope_of_what_is_rounded() -> None:
    whole, part = (
        {row.name: row.elasticity for row in nk.sensitivity(QWEN, target).rows}
        for target in ("whole_sequences", "concurrent_sequences")
    )
    rounded_off = float(QWEN.concurrent_sequences) / float(QWEN.whole_sequences)
    assert whole == pytest.approx({name: slope * rounded_off for name, slope in part.items()})


def test_a_spread_repeats_to_the_bit() -> None:
    one, again = (
        nk.uncertainty(QWEN, "cost_per_user_month", context=(4_000, 40_000), price=(2, 6))
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.samples, again.samples)
    assert one == again
    other = nk.uncertainty(QWEN, "cost_per_user_month", seed=3, context=(4_000, 40_000))
    assert other.p50 != one.p50


def test_quantiles_of_a_proportional_result() -> None:
    found = nk.uncertainty(QWEN, "cost_per_user_month", samples=200_000, price=(2, 6))
    per_dollar = float(QWEN.cost_per_user_month) / 4
    for value, price in ((found.p5, 2.2), (found.p50, 4), (found.p95, 5.8)):
        assert float(value) == pytest.approx(price * per_dollar, rel=5e-3)
    assert found.causes == (("price", 1.0),)


def test_the_wider_range_causes_more() -> None:
    found = nk.uncertainty(
        QWEN, "cost_per_user_month", context=(4_000, 40_000), price=stats.norm(4, 0.05)
    )
    assert found.causes[0][0] == "context"
    assert found.causes[0][1] > 0.9
    assert "context causes most of the spread" in str(found)


def test_draws_that_do_not_fit_are_left_out_and_said() -> None:
    n = QWEN.assume(beyond_max_context=True)
    found = nk.uncertainty(n, "users", context=(1_000_000, 1_300_000))
    assert 0 < found.fits < 1
    assert found.samples.min() >= 1
    assert "do not fit" in str(found)
    with pytest.raises(NapkinError, match="not one of"):
        nk.uncertainty(n, "users", context=(2_000_000, 3_000_000))


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        ({}, "needs ranges"),
        ({"context": 3}, "a range is a text such as"),
        ({"context": (5, 4)}, "ends before it begins"),
        ({"context": (-1, 4)}, "at least 0"),
        ({"context": stats.norm(0, 1)}, "narrow the distribution"),
        ({"contexts": (1, 2)}, "did you mean context"),
    ],
)
def test_a_bad_range_is_named(ranges: dict[str, Any], says: str) -> None:
    with pytest.raises(NapkinError, match=says):
        nk.uncertainty(QWEN, "users", **ranges)


def test_whole_quantities_are_drawn_whole() -> None:
    found = nk.uncertainty(QWEN, "kv_bytes_per_token", n_layers=(2, 3), samples=64)
    layers_alone = QWEN.assume(n_layers=1).kv_bytes_per_token
    low, high = float(found.p5) / float(layers_alone), float(found.p95) / float(layers_alone)
    assert (low, high) == (2, 3)
