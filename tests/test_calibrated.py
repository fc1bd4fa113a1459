"""The calibrated napkin: predictions with a band, from constants that were fitted."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import napkin as nk
from napkin.catalog import bands, fitted
from napkin.quantities.quantity import lookup
from napkin.worksheet.prediction import Prediction

SERVER = nk.Napkin(
    model="Llama-3.1-8B",
    accelerator="H100",
    precision="bf16",
    context=1_250,
    prompt=1_000,
    new_tokens=500,
    batch=32,
    price="3 USD/h",
)
FITTED = SERVER.assume(calibrated=True)
MIXTURE = nk.Napkin(
    model="DeepSeek-R1",
    accelerator="H200",
    precision="fp8",
    n_gpus=8,
    context=1_500,
    prompt=1_000,
    new_tokens=1_000,
)


def band_of(value: nk.Value) -> tuple[nk.Value, nk.Value]:
    assert isinstance(value, Prediction)
    assert value.band is not None
    return value.band


def test_the_step_by_hand() -> None:
    """Every part of the step of a dense model on one GPU, from the constants alone."""
    c = {name: float(FITTED[name]) for name in fitted()}
    peak, flow = 989e12 * c["compute_efficiency"], 3.35e12 * c["bandwidth_efficiency"]
    weights = float(FITTED.weight_bytes_read) / flow
    work = 32 * 2 * float(FITTED.n_params_active) / peak
    caches = 32 * 1_250 * 131_072 / flow  # 32 layers of 8 heads of 128, keys and values, 2 bytes
    kernels = 32 * (6 + 4) * c["kernel_time"]
    step = max(weights, work) + caches + kernels
    assert float(FITTED.decode_step_time) == pytest.approx(step, rel=1e-9)
    prompts = 32 * float(FITTED.prefill_compute_time) / 500
    assert float(FITTED.tpot) == pytest.approx(step + prompts, rel=1e-9)


def test_kernels_of_a_mixture_with_compressed_caches_on_several_gpus() -> None:
    n = MIXTURE.assume(calibrated=True, batch=8)
    dense, moe = 3, 58
    attention = 11 * (dense + moe)
    narrow = 3 * (dense + moe)  # FP8 products narrow their inputs
    exchanges = 2 * (dense + moe)
    assert n.n_kernels == attention + 4 * dense + 12 * moe + narrow + exchanges


def test_it_is_a_choice_that_can_be_taken_back() -> None:
    assert FITTED != SERVER
    assert FITTED.assume(calibrated=False) == SERVER
    assert nk.Napkin(calibrated=False) == nk.Napkin()
    assert pickle.loads(pickle.dumps(FITTED)) == FITTED
    assert "calibrated='True'" in repr(FITTED)
    with pytest.raises(nk.NapkinError, match="calibrated is True or False, got 'perhaps'"):
        SERVER.assume(calibrated="perhaps")


def test_it_is_no_bundle_because_its_constants_would_be_missing() -> None:
    with pytest.raises(nk.NapkinError, match="Write calibrated=True"):
        SERVER.assume("calibrated")
    own = SERVER.assume("parts_in_turn", kernel_time="5 us")
    assert own.fixed_step_time == own.n_kernels * own.kernel_time
    assert own.kind("tpot") == "derived"


def test_the_last_word_wins() -> None:
    own = FITTED.assume(kernel_time="1 us")
    assert own.kernel_time == FITTED.kernel_time.to("us") * 0 + own.kernel_time
    assert own.tpot < FITTED.tpot
    assert own.assume(calibrated=True) == FITTED
    apart = FITTED.assume("disaggregated")
    assert apart.tpot == FITTED.decode_step_time


def test_an_engine_does_not_change_the_schedule_of_a_prediction() -> None:
    assert FITTED.assume(engine="vllm").tpot == FITTED.tpot


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.integers(16, 8_000), st.integers(16, 2_000))
def test_a_prediction_is_never_faster_than_the_bound(batch: int, prompt: int, new: int) -> None:
    asked = {"batch": batch, "prompt": prompt, "new_tokens": new, "context": prompt + new / 2}
    assume(batch <= float(MIXTURE.assume(context=prompt + new / 2).concurrent_sequences))
    bound = MIXTURE.assume("chunked_prefill", **asked)
    predicted = MIXTURE.assume(calibrated=True, **asked)
    assert predicted.tpot > bound.tpot
    assert predicted.prefill_time > bound.prefill_time


def test_prompts_that_hide_are_no_prediction() -> None:
    """The ideal chunks would take the place of what was measured."""
    with pytest.raises(nk.NapkinError, match=r"Leave out one of the two\."):
        MIXTURE.assume(calibrated=True).assume("chunked_prefill")
    with pytest.raises(nk.NapkinError, match=r"Leave out one of the two\."):
        MIXTURE.assume("chunked_prefill").assume(calibrated=True)
    assert FITTED.assume("disaggregated").tpot < FITTED.tpot


def test_a_value_prints_its_band() -> None:
    low, high = bands()["tpot_error"]
    tpot = FITTED.tpot
    assert isinstance(tpot, Prediction)
    assert tpot.band is not None
    assert [float(end / tpot) for end in tpot.band] == pytest.approx([low, high], rel=1e-9)
    text = f"{tpot}"
    assert text.count(" ms") == 2
    assert text.endswith(f"to {tpot.band[1]})")
    assert str(tpot.to("us")).count("us") == 2
    speed = FITTED.tokens_per_second_per_user  # the lower end is where tokens take longest
    slowest = float(band_of(speed)[0])
    assert slowest == pytest.approx(float(1 / tpot.band[1]))


def test_the_band_flows_into_dollars() -> None:
    cost = FITTED.cost_per_million_output_tokens
    assert isinstance(cost, Prediction)
    low, high = cost.band or (cost, cost)
    assert low < cost < high


def test_what_does_not_rest_on_time_has_no_band() -> None:
    assert not isinstance(FITTED.kv_budget, Prediction)
    assert not isinstance(SERVER.tpot, Prediction)
    assert not isinstance(FITTED.tpot * 2, Prediction)
    assert "(" not in str(FITTED.assume(tpot_error=1.1).tpot)


def test_a_band_is_left_out_where_an_end_does_not_fit() -> None:
    fastest = float(FITTED.assume(batch=1).tokens_per_second_per_user)
    n = FITTED.assume(speed_target=fastest * 0.95)
    freed = nk.Napkin(**{k: c.typed for k, c in n.choices.items()})
    freed = freed.assume(context=1_250, prompt=1_000, new_tokens=500, speed_target=fastest * 0.95)
    assert "(" not in str(freed.largest_batch_at_speed)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tpot", "fitted"),
        ("kernel_time", "fitted"),
        ("kv_budget", "derived"),
        ("bandwidth", "measured"),
        ("batch", "assumed"),
        ("utilization", "assumed"),
    ],
)
def test_every_number_says_what_it_is(name: str, kind: str) -> None:
    assert FITTED.kind(name) == kind


def test_explain_marks_what_was_fitted() -> None:
    text = str(nk.explain(FITTED, "tpot"))
    lines = text.splitlines()
    assert lines[0].endswith("(fitted)")
    low, high = band_of(FITTED.tpot)
    assert f"80 % of measured servers lie between {low} and {high}" in text
    assert any("kernel_time = 4." in line and line.endswith("(fitted)") for line in lines)
    assert not any("kv_bytes_per_token =" in line and "(fitted)" in line for line in lines)
    assert "fitted: kernel_time" in text  # its interval and cause, below
    assert "(fitted)" not in str(nk.explain(SERVER, "tpot"))


def test_the_constants_are_few_and_each_has_an_interval_and_a_cause() -> None:
    assert 0 < len(fitted()) <= 8
    for name, row in nk.catalog.table("calibration").items():
        assert lookup(name).meaning
        assert row["cause"]
        if row["kind"] == "constant":
            value, low, high = (nk.Napkin(**{name: row[k]})[name] for k in ("value", "low", "high"))
            assert low <= value <= high
    table = str(nk.catalog.calibration())
    assert all(name in table for name in fitted())


def test_an_unloaded_server_answers_after_its_prompt() -> None:
    alone = FITTED.assume(batch=1)
    assert alone.ttft == alone.prefill_time + alone.decode_step_time
    busy = FITTED.assume(batch=64)
    waits = 8 * float(busy.prefill_time) + float(busy.step_wait)
    assert float(busy.ttft) == pytest.approx(waits)


def test_uncertainty_draws_the_error_of_a_prediction() -> None:
    found = nk.uncertainty(FITTED, "tpot")
    assert [name for name, _ in found.causes] == ["tpot_error"]
    low, high = bands()["tpot_error"]
    inside = (found.samples > float(FITTED.tpot) * low) & (
        found.samples < float(FITTED.tpot) * high
    )
    assert inside.mean() == pytest.approx(0.8, abs=0.02)


def test_four_bits_narrow_the_experts_of_a_model_that_publishes_eight() -> None:
    n = MIXTURE.assume(accelerator="B200", precision="nvfp4")
    assert float(n.bytes_per_expert_weight) == 9 / 16
    assert n.bytes_per_weight == MIXTURE.bytes_per_weight
    assert "the rest as published" in str(nk.explain(n, "weight_bytes"))
