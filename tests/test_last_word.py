"""The last word wins, also between typed values and named entries."""

import pytest

import napkin as nk
from napkin.errors import DoesNotFitError, UnitError
from napkin.formulas import variants
from tests.sheets import QWEN


def test_a_later_entry_replaces_what_was_typed_before() -> None:
    assert str(QWEN.assume(memory="192 GB").assume(accelerator="H100").memory) == "80.0 GB"
    assert QWEN.assume(n_kv_heads=64).assume(model="Llama-3-8B").n_kv_heads == 8
    counted = QWEN.assume(n_params=32e9).assume(model="Llama-3-8B")
    assert counted.n_params == 8_030_261_248
    assert QWEN.assume(bytes_per_kv=2).assume(precision="fp8").bytes_per_kv.number == 1
    plain = nk.Napkin(model="Llama-3-8B", precision="fp8")
    swapped = QWEN.assume(variants.mqa).assume(model="Llama-3-8B")
    assert swapped.kv_bytes_per_token == plain.kv_bytes_per_token


def test_what_an_entry_does_not_bring_stays() -> None:
    other = QWEN.assume(speed_target=30, usable_memory=0.9).assume(model="Llama-3-8B")
    assert other.speed_target.number == 30
    assert float(other.assume(accelerator="H100").usable_memory) == 0.9
    assert QWEN.assume(variants.idle_evicted).assume(precision="bf16").users != QWEN.users


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
    by_time = QWEN.assume(step_time_target="5 ms").active_limit
    assert by_time == QWEN.assume(speed_target=200).active_limit
    assert QWEN.assume(variants.idle_evicted, users_by_host_link=3).users == 3


def test_a_batch_or_users_that_are_given_do_not_hide_that_nothing_fits() -> None:
    n = nk.Napkin(model="Llama-3-70B", accelerator="H100", precision="bf16", context=1000, batch=1)
    for target in ("tokens_per_second", "decode_step_time", "ttft", "cost_per_million_tokens"):
        with pytest.raises(DoesNotFitError, match="61.1 GB short"):
            _ = n.assume(prompt=1000, price=3)[target]
    assert n.assume(n_gpus=2).tokens_per_second
    assert n.weight_bytes_read


def test_what_no_formula_uses_is_said() -> None:
    said = repr(QWEN.assume(window=1024, n_layers_window=64))
    assert "used by no formula here: window, n_layers_window" in said
    assert "used by no formula" not in repr(QWEN)


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


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (variants.mla, variants.linear_attention),
        (variants.linear_attention, variants.mla),
        (variants.linear_attention, variants.mqa),
        (variants.linear_attention, variants.sliding_window),
        (variants.sliding_window, variants.linear_attention),
        (variants.moe, variants.state_space),
    ],
    ids=lambda bundle: bundle.name,
)
def test_bundles_that_would_be_half_replaced_are_refused(
    first: variants.Bundle, second: variants.Bundle
) -> None:
    with pytest.raises(nk.NapkinError, match="the two do not go together"):
        QWEN.assume(first, second)


def test_bundles_that_go_together_do() -> None:
    hybrid = dict.fromkeys(("n_linear_key_heads", "n_linear_value_heads"), 16)
    hybrid |= {"d_linear_key": 128, "d_linear_value": 128, "conv_kernel": 4, "n_layers_linear": 48}
    both = QWEN.assume(variants.mqa, variants.linear_attention, **hybrid)
    assert both.kv_bytes_per_token.number == 2 * 16 * 128
    assert QWEN.assume(variants.mla, variants.gqa, n_kv_heads=8) == QWEN.assume(n_kv_heads=8)
    assert both.assume(variants.linear_attention) == both


def test_more_special_layers_than_layers() -> None:
    with pytest.raises(nk.NapkinError, match="n_layers_window is a part of n_layers"):
        _ = QWEN.assume(variants.sliding_window, n_layers_window=65, window=9).kv_bytes_per_sequence
    with pytest.raises(nk.NapkinError, match="n_layers_linear is a part of n_layers"):
        _ = QWEN.assume(variants.linear_attention, n_layers_linear=65).kv_bytes_per_token
