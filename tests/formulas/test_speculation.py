"""Drafts, simulated token by token, and a step that checks them, counted by loops."""

from fractions import Fraction
from itertools import product
from math import prod
from random import Random
from typing import Any

import pytest
from sympy import Rational

import napkin as nk
from napkin.quantities import notation as q
from tests.evaluating import compute

CHAT: dict[str, Any] = {
    "context": 20_000,
    "prompt": 20_000,
    "message": 500,
    "new_tokens": 500,
    "think_time": 60,
    "price": "4 USD/hour",
    "usable_memory": 0.9,
}
GUESSED: dict[str, Any] = {"draft_tokens": 3, "acceptance_rate": 0.8, "draft_time": "200 us"}
DENSE = nk.Napkin(
    model="Qwen3-32B", accelerator="B200", precision="fp8", kv_precision="fp8", **CHAT
)
LARGE = nk.Napkin(model="DeepSeek-V3", accelerator="H200", precision="fp8", n_gpus=8, **CHAT)


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(1, 2), Fraction(4, 5)])
@pytest.mark.parametrize("guesses", [0, 1, 2, 5])
def test_every_string_of_right_and_wrong_guesses(guesses: int, rate: Fraction) -> None:
    expected = Fraction(0)
    for right in product((True, False), repeat=guesses):
        chance = prod(rate if one else 1 - rate for one in right)
        kept = 0
        for one in right:
            if not one:
                break
            kept += 1
        expected += chance * (kept + 1)
    found = compute(
        "tokens_per_step",
        "speculative",
        acceptance_rate=Rational(rate.numerator, rate.denominator),
        draft_tokens=guesses,
    )
    assert found == Rational(expected.numerator, expected.denominator)


def test_a_text_written_with_drafts() -> None:
    """The model writes a fixed text; a draft knows each next letter with a chance."""
    coin, rate, guesses = Random(15), 0.7, 4
    text = [coin.randrange(10) for _ in range(200_000)]
    written = steps = 0
    while written < len(text):
        ahead = text[written : written + guesses]
        draft = [letter if coin.random() < rate else (letter + 1) % 10 for letter in ahead]
        steps += 1
        for guess, letter in zip(draft, ahead, strict=True):
            if guess != letter:
                break
            written += 1
        written += 1  # the model's own letter, after the last right guess
    found = compute("tokens_per_step", "speculative", acceptance_rate=rate, draft_tokens=guesses)
    assert written / steps == pytest.approx(float(found), rel=0.01)


def test_rows_of_a_step_counted_one_by_one() -> None:
    n = DENSE.assume("speculative", **GUESSED, batch=4)
    work = read = 0.0
    for _ in range(4):
        read += float(n.kv_bytes_per_sequence)  # once for all of its rows
        for _ in range(1 + 3):
            work += float(n.weight_flops) + float(n.attention_flops)
    read += float(n.weight_bytes_read)
    assert float(n.decode_compute_time) == pytest.approx(work / float(n.peak_flops.to("FLOP/s")))
    assert float(n.decode_memory_time) == pytest.approx(read / float(n.bandwidth.to("byte/s")))


def test_experts_that_the_rows_of_a_step_touch() -> None:
    coin, trials, touched = Random(12), 2_000, 0
    for _ in range(trials):
        touched += len({e for _ in range(2 * 4) for e in coin.sample(range(256), 8)})
    n = LARGE.assume("speculative", **GUESSED, batch=2)
    assert touched / trials == pytest.approx(float(n.experts_touched), rel=0.01)


def test_links_carry_every_row() -> None:
    plain = LARGE.assume(batch=8)
    assert plain.assume("speculative", **GUESSED).all_reduce_time == 4 * plain.all_reduce_time


@pytest.mark.parametrize(
    ("changes", "calibrated"),
    [(("chunked_prefill",), False)]
    + [
        (changes, calibrated)
        for changes in ((), ("disaggregated",), ("idle_offloaded",))
        for calibrated in (False, True)
    ],
)
def test_no_guess_is_no_speculation(changes: tuple[str, ...], calibrated: bool) -> None:
    plain = LARGE.assume(*changes, calibrated=calibrated, batch=16)
    none = plain.assume("speculative", draft_tokens=0, acceptance_rate=0.8, draft_time="1 ms")
    for target in ("tpot", "ttft", "users", "cost_per_million_output_tokens", "duty_cycle"):
        assert float(none[target]) == pytest.approx(float(plain[target])), target


def test_time_per_token_by_hand() -> None:
    n = DENSE.assume("speculative", **GUESSED, batch=10)
    step, drafts = float(n.decode_step_time), 3 * 200e-6
    added = 1 + 0.8 + 0.8**2 + 0.8**3
    stall = 10 * float(n.prefill_time) / 500
    assert float(n.tpot) == pytest.approx((step + drafts) / added + stall)
    assert float(n.assume("disaggregated").tpot) == pytest.approx((step + drafts) / added)
    chunked = n.assume("chunked_prefill")
    carried = float(n.decode_compute_time) + added * float(chunked.prompt_stall)
    assert float(chunked.tpot) == pytest.approx((max(step, carried) + drafts) / added)
    assert float(n.step_wait) == pytest.approx(step + drafts)


def test_speedup_over_the_ridge() -> None:
    """Weights alone: a step costs nothing more up to the ridge, and its rows beyond it."""
    bare = nk.Napkin(
        model="Qwen3-32B", accelerator="B200", precision="fp8", context=1, batch=1
    ).assume("disaggregated", attention_slowdown=1)
    ridge = float(bare["bytes_per_weight / flops_per_mac * ridge"])
    for batch in (1, 100, 200, 400, 800):
        plain = bare.assume(batch=batch)
        drafted = plain.assume("speculative", draft_tokens=3, acceptance_rate=0.8, draft_time=0)
        longer = max(1, batch * 4 / ridge) / max(1, batch / ridge)
        assert float(plain.decode_step_time / drafted.tpot) == pytest.approx(
            2.952 / longer, rel=3e-3
        )


def test_a_measured_length_replaces_the_chance() -> None:
    n = DENSE.assume("speculative", draft_tokens=3, tokens_per_step=2.5, draft_time=0)
    assert float(n.tpot - n.prompt_stall) == pytest.approx(float(n.decode_step_time) / 2.5)


def test_guesses_without_the_bundle_are_named() -> None:
    assert "draft_tokens counts under speculative" in repr(DENSE.assume(draft_tokens=3))


def test_a_share_of_the_step_as_draft() -> None:
    n = DENSE.assume("speculative", "draft_time = 0.05*decode_step_time", draft_tokens=2)
    assert float(n.drafting_time) == pytest.approx(0.1 * float(n.decode_step_time))


# Experts, compressed attention, eight GPUs, a prefix cache, four-bit experts, an engine.
EVERYTHING = LARGE.assume(
    "speculative", "idle_offloaded", "attention_data_parallel", "expert_parallel",
    precision="fp4", accelerator="B200", engine="vllm", calibrated=True, batch=64,
    host_memory="512 GB", host_link_bandwidth="55 GB/s", **GUESSED,
)  # fmt: skip


def test_verbs_on_a_worksheet_with_everything() -> None:
    n = EVERYTHING
    assert "tokens_per_step" in str(nk.explain(n, "cost_per_user_month"))
    assert "one token per step" not in str(nk.explain(n, "tokens_per_second_per_user"))
    (rate,) = nk.solve(n, "acceptance_rate", tokens_per_second_per_user=50)
    assert float(
        n.assume(acceptance_rate=float(rate.value)).tokens_per_second_per_user
    ) == pytest.approx(50)
    swept = nk.sweep(n, "tpot", draft_tokens=[0, 1, 2, 4], batch=[8, 64])
    two = swept["tpot"].sel(draft_tokens=2, batch=64)
    assert float(two) == pytest.approx(float(n.assume(draft_tokens=2).tpot), rel=1e-9)
    assert "acceptance_rate" in str(nk.sensitivity(n, "cost_per_million_output_tokens"))
    assert nk.uncertainty(n, "tpot", acceptance_rate=(0.6, 0.9))
    plain = LARGE.assume(batch=64)
    assert "draft" in str(nk.compare(plain, plain.assume("speculative", **GUESSED)))
    assert nk.explore(n, "tokens_per_second_per_user", "batch", batch=(1, 64), draft_tokens=(0, 8))
    assert nk.binding(n, "users")


def test_faster_answers_reach_users_and_dollars() -> None:
    plain = EVERYTHING.assume(draft_tokens=0)
    for target in ("tpot", "duty_cycle", "cost_per_million_output_tokens"):
        assert EVERYTHING[target] < plain[target]
    assert EVERYTHING.users >= plain.users
    assert q.query_tokens in EVERYTHING.formulas
