"""The last word wins, also between typed values and named entries."""

import pytest

import napkin as nk
from napkin.errors import DoesNotFitError, UnitError
from napkin.formulas import variants
from tests.sheets import QWEN


def test_a_later_entry_replaces_what_was_typed_before() -> None:
    assert str(QWEN.assume(memory="192 GB").assume(accelerator="H100").memory) == "85.5 GB"
    assert QWEN.assume(n_kv_heads=64).assume(model="Llama-3-8B").n_kv_heads == 8
    counted = QWEN.assume(n_params=32e9).assume(model="Llama-3-8B")
    assert counted.n_params == 8_030_261_248
    assert QWEN.assume(bytes_per_kv=2).assume(kv_precision="fp8").bytes_per_kv.number == 1
    assert QWEN.assume(bytes_per_kv=2).assume(precision="fp8").bytes_per_kv.number == 2
    plain = nk.Napkin(model="Llama-3-8B", kv_precision="fp8")
    swapped = QWEN.assume(variants.mqa).assume(model="Llama-3-8B")
    assert swapped.kv_bytes_per_token == plain.kv_bytes_per_token


def test_what_an_entry_does_not_bring_stays() -> None:
    other = QWEN.assume(speed_target=30, usable_memory=0.9).assume(model="Llama-3-8B")
    assert other.speed_target.number == 30
    assert float(other.assume(accelerator="H100").usable_memory) == 0.9
    assert QWEN.assume(variants.idle_offloaded).assume(precision="bf16").users != QWEN.users


def test_a_count_that_was_typed_outlives_another_shape_and_one_of_the_catalog_does_not() -> None:
    article = nk.Napkin(scenario="article")
    assert article.n_params == 32 * 10**9
    one_head = 64 * (2 * 8192 * 128 * (64 + 1) + 2 * 8192 * 32_768) + (2 * 64 + 1) * 8192
    assert article.assume(variants.mqa).n_params == one_head
    assert article.assume(n_params=30e9).assume(variants.mqa).n_params == 30 * 10**9
    assert article.assume(variants.mqa).assume(n_params=30e9).n_params == 30 * 10**9


def test_what_is_typed_in_the_same_call_counts() -> None:
    both = nk.Napkin(accelerator="B200", memory="192 GB", precision="fp8", bytes_per_kv=2)
    assert str(both.memory) == "192 GB"
    assert both.bytes_per_kv.number == 2


def test_a_scenario_stands_for_all_that_it_says() -> None:
    article = QWEN.assume(scenario="article")
    assert article.users == nk.Napkin(scenario="article").users
    assert article.context == 200_000
    assert nk.Napkin(scenario="article", model="Llama-3-8B").n_params == 8_030_261_248


def test_group_size_and_kv_heads_say_the_same() -> None:
    assert QWEN.assume(group_size=4).n_kv_heads == 16
    assert QWEN.assume(group_size=4).assume(n_kv_heads=2).group_size == 32
    assert QWEN.assume(variants.gqa).n_kv_heads == 8
    assert QWEN.assume(variants.gqa, group_size=2).n_kv_heads == 32


def test_a_limit_that_is_given_counts() -> None:
    assert QWEN.assume(largest_batch_at_speed=3).active_limit == 3
    assert QWEN.assume(variants.idle_offloaded, users_by_host_link=3).users == 3


def test_a_batch_or_users_that_are_given_do_not_hide_that_nothing_fits() -> None:
    n = nk.Napkin(model="Llama-3-70B", accelerator="H100", precision="bf16", context=1000, batch=1)
    for target in ("tokens_per_second", "decode_step_time", "ttft", "cost_per_million_tokens"):
        with pytest.raises(DoesNotFitError, match="55.6 GB short"):
            _ = n.assume(prompt=1000, price=3)[target]
    assert n.assume(n_gpus=2).tokens_per_second
    assert n.weight_bytes_read


def test_what_no_formula_uses_is_said() -> None:
    said = repr(QWEN.assume(window=1024))
    assert "window given, but not used here" in said
    assert "not used" not in repr(QWEN)


def test_a_decimal_comma_is_no_thousands_separator() -> None:
    with pytest.raises(UnitError):
        QWEN.assume(bandwidth="3,35 TB/s")
    assert QWEN.assume(bandwidth="3,350 GB/s") == QWEN.assume(bandwidth="3.35 TB/s")


def test_the_tie_with_attention_apart() -> None:
    n = nk.Napkin(scenario="article", context=500).assume(variants.attention_apart)
    tied = n.assume(batch=n.critical_batch_at_context)
    assert tied.decode_memory_time == tied.decode_compute_time


def test_a_reservation_is_taken_whole() -> None:
    short = QWEN.assume(variants.reserved_maximum, reserved_length=40_000)
    for context in (500, 20_000):
        n = short.assume(context=context)
        assert n.concurrent_sequences == QWEN.kv_budget / (40_000 * QWEN.kv_bytes_per_token)
    with pytest.raises(nk.NapkinError, match="must hold the context"):
        _ = short.assume(context=50_000).concurrent_sequences


STATES = {
    "n_linear_key_heads": 16,
    "n_linear_value_heads": 16,
    "d_linear_key": 128,
    "d_linear_value": 128,
    "conv_kernel": 4,
    "bytes_per_state": 4,
}
# One matrix of 128 x 128 a head, in four bytes; three taps of query, key and value, in one.
STATE = 16 * 128 * 128 * 4 + 3 * (3 * 16 * 128)
LATENT = {"kv_lora_rank": 512, "q_lora_rank": 1536, "d_nope": 128, "d_rope": 64, "d_value": 128}
SSM = {"n_ssm_heads": 80, "d_ssm_head": 64, "d_ssm_state": 128, "n_ssm_groups": 8}


def test_heads_and_states_share_a_model() -> None:
    """Qwen3-32B has 64 layers, a cache of one byte an element, and 20,000 tokens of context."""
    mixed = QWEN.assume(variants.mqa, n_layers_linear=48, **STATES)
    assert mixed.kv_bytes_per_token.number == 2 * 16 * 128
    assert mixed.kv_bytes_per_sequence.number == 2 * 16 * 128 * 20_000 + 48 * STATE
    latent = QWEN.assume(variants.mla, n_layers_linear=48, **STATES, **LATENT)
    assert latent.kv_bytes_per_sequence.number == 16 * (512 + 64) * 20_000 + 48 * STATE
    # Absorbed: each head scores rank + rotary elements and mixes rank ones; three passes a state.
    work = 2 * 16 * 64 * (2 * 512 + 64) * 20_000 + 3 * 2 * 48 * 16 * 128 * 128
    assert latent.attention_flops.number == work


def test_windows_and_states_share_a_model() -> None:
    n = QWEN.assume(n_layers_window=20, window=1_000, n_layers_linear=24, **STATES)
    per_layer = 2 * 8 * 128
    assert n.kv_bytes_per_sequence.number == per_layer * (20 * 20_000 + 20 * 1_000) + 24 * STATE
    beside = n.assume(n_layers_ssm=10, **SSM)
    inner, state = 80 * 64, 80 * 64 * 128 * 4 + 3 * (80 * 64 + 2 * 8 * 128)
    assert inner == 5_120
    assert beside.kv_bytes_per_sequence.number == (
        per_layer * (10 * 20_000 + 20 * 1_000) + 24 * STATE + 10 * state
    )


def test_a_layer_of_two_kinds_counts_with_both() -> None:
    both = QWEN.assume(
        n_layers_ssm=64, n_layers_parallel=64, conv_kernel=4, bytes_per_state=4, **SSM
    )
    state = 80 * 64 * 128 * 4 + 3 * (80 * 64 + 2 * 8 * 128)
    assert both.kv_bytes_per_token == QWEN.kv_bytes_per_token
    assert both.kv_bytes_per_sequence.number == QWEN.kv_bytes_per_sequence.number + 64 * state


def test_of_one_slot_the_last_bundle_holds_whole() -> None:
    assert QWEN.assume(variants.mla, variants.gqa) == QWEN
    assert QWEN.assume(variants.binomial, variants.erlang) == QWEN.assume(variants.erlang)
    assert QWEN.assume(variants.mha, variants.gqa, n_kv_heads=8) == QWEN.assume(n_kv_heads=8)


def test_more_special_layers_than_layers() -> None:
    for kind in ("n_layers_window", "n_layers_linear"):
        with pytest.raises(nk.NapkinError, match="special layers are a part of n_layers"):
            _ = QWEN.assume(**{kind: 65}, window=9, **STATES).kv_bytes_per_sequence


@pytest.mark.parametrize("target", ["prefill_tokens", "ttft", "tpot", "whole_prompt_time"])
def test_a_prompt_is_no_longer_than_the_model_was_trained_for(target: str) -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="H100", precision="bf16", new_tokens=100, batch=1)
    n = n.assume(context=8000, prompt=9000)
    with pytest.raises(DoesNotFitError, match="the prompt is longer than .* 8,192 is the longest"):
        _ = n.assume("tpot = decode_step_time + prefill_time", "ttft = prefill_time")[target]
    assert n.assume(prompt=8000, batch=1)[target]
    beyond = n.assume(context=9000, beyond_max_context=True)
    assert beyond[target]


def test_a_prompt_and_its_answer_are_no_longer_than_the_model_was_trained_for() -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="H100", precision="bf16", batch=1)
    n = n.assume(context=8192, prompt=8000, new_tokens=193)
    with pytest.raises(DoesNotFitError, match="prompt with its answer .* 8,193"):
        _ = n.generation_time
    assert n.assume(new_tokens=192).generation_time
