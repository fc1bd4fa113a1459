"""The napkin: assumptions, closed forms, compiled functions, and users worked by hand."""

import json
import pickle
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Rational, Symbol

import napkin as nk
from napkin import catalog
from napkin.errors import (
    FormulaSyntaxError,
    MissingGivenError,
    NapkinError,
    NoFormulaError,
    UnitError,
)
from napkin.formulas import kv_cache, tokens_per_second, variants
from napkin.formulas.formula import Formula
from napkin.formulas.variants import BUNDLES, Bundle
from napkin.quantities import notation as q
from tests.sheets import QWEN

# ---------------------------------------------------------------- assumptions


def test_a_napkin_never_changes() -> None:
    before = repr(QWEN), dict(QWEN.givens), dict(QWEN.formulas.packaged)
    other = QWEN.assume(variants.idle_offloaded, context=40_000)
    assert (repr(QWEN), dict(QWEN.givens), QWEN.formulas.packaged) == before
    assert other != QWEN
    with pytest.raises(NapkinError, match=r"never changes: use assume\(batch=\.\.\.\)"):
        QWEN.batch = 3


def test_the_last_word_wins_both_ways() -> None:
    given_kv = QWEN.assume(kv_bytes_per_token=1000)
    assert given_kv["kv_bytes_per_token"].number == 1000
    halved = Formula(q.kv_bytes_per_token, kv_cache.kv_bytes_per_token.expression / 2, "w", "s")
    assert given_kv.assume(halved)["kv_bytes_per_token"].number == 65_536
    assert given_kv.assume(halved).assume(kv_bytes_per_token=7)["kv_bytes_per_token"].number == 7
    assert QWEN.assume(halved, kv_bytes_per_token=7)["kv_bytes_per_token"].number == 7
    assert QWEN.assume(variants.mqa)["n_kv_heads"] == 1
    assert QWEN.assume(variants.mqa, n_kv_heads=4)["n_kv_heads"] == 4
    assert QWEN.assume(variants.mqa, variants.mha)["n_kv_heads"] == 64
    assert QWEN.assume(context=1).assume(context=2)["context"] == 2


def test_a_napkin_is_read_by_attribute_by_name_and_by_symbol() -> None:
    assert QWEN.users == QWEN["users"] == QWEN[q.users]
    assert "users_per_gpu" in dir(QWEN)
    assert not hasattr(QWEN, "shape")
    with pytest.raises(AttributeError):
        _ = QWEN._anything


def test_more_shared_heads_change_cache_weights_and_dollars() -> None:
    """Full heads: 8 times the cache, and larger key and value projections in every layer."""
    full = QWEN.assume(n_kv_heads=64)
    # 2 (K, V) x 64 layers x 8 or 64 heads x 128 wide x 1 byte
    assert QWEN.kv_bytes_per_token.number == 131_072
    assert full.kv_bytes_per_token.number == 1_048_576
    # 5120 x 128 x (64 + 8 + 8 + 64) and 5120 x 128 x 4 x 64
    assert QWEN.attention_matrix_params == 94_371_840
    assert full.attention_matrix_params == 167_772_160
    # 64 layers x 5120 x 128 x 2 x 56 heads more
    assert full.n_params - QWEN.n_params == 4_697_620_480
    # 720 h x 4 USD over the sequences that fit
    kept = Rational(183_359 * 2**20 - 32_762_123_264, 131_072 * 20_000)
    fewer = Rational(183_359 * 2**20 - 37_459_743_744, 1_048_576 * 20_000)
    assert QWEN.cost_per_user_month.number == 2880 / kept
    assert full.cost_per_user_month.number == 2880 / fewer
    assert variants.mha.name in repr(QWEN.assume(variants.mha))
    assert QWEN.assume(variants.mha).cost_per_user_month == full.cost_per_user_month


def test_model_accelerator_and_precision_can_be_changed_and_the_rest_stays() -> None:
    base = QWEN.assume(variants.idle_offloaded, variants.attention_apart, speed_target=30)
    moved = base.assume(model="Llama-3-8B", accelerator="H100", precision="bf16", context=8_000)
    direct = nk.Napkin(
        model="Llama-3-8B",
        accelerator="H100",
        precision="bf16",
        kv_precision="fp8",
        context=8_000,
        duty_cycle=0.2,
        price="4 USD/hour",
    ).assume(variants.idle_offloaded, variants.attention_apart, speed_target=30)
    assert moved == direct
    assert moved.memory.number == 81_559 * 2**20
    assert moved.weight_bytes.number == 2 * 8_030_261_248
    assert moved.peak_flops.number == 989 * 10**12
    assert moved.users == direct.users
    assert QWEN.assume(kv_precision="bf16").bytes_per_kv.number == 2
    assert QWEN.assume(precision="bf16").peak_flops.number == 2250 * 10**12
    assert QWEN.assume(bytes_per_kv=1, precision="bf16").bytes_per_kv.number == 1
    assert QWEN.assume(model="DeepSeek-V3", n_gpus=8).n_params == 671_026_404_352
    assert QWEN.assume(n_layers=2).assume(accelerator="H200").n_layers == 2
    assert QWEN.assume(model="DeepSeek-V3").assume(model="Qwen3-32B") == QWEN


def test_a_wrong_formula_is_refused_when_it_is_assumed() -> None:
    wrong = Formula(q.decode_memory_time, q.weight_bytes_read, why="no", source="no")
    with pytest.raises(UnitError, match="decode_memory_time is in second.* is in byte"):
        QWEN.assume(wrong)
    with pytest.raises(UnitError, match="is in byte"):
        QWEN.assume(Bundle("wrong", (wrong,), "no"))


@pytest.mark.parametrize("change", [3, q.users, None])
def test_what_is_no_change_is_refused(change: Any) -> None:
    with pytest.raises(NapkinError, match="assume takes formulas"):
        QWEN.assume(change)


def test_repr_is_worth_reading() -> None:
    said = repr(QWEN.assume(variants.idle_offloaded, speed_target=20, memory="200 GiB"))
    for part in (
        "model='Qwen3-32B'",
        "accelerator='B200'",
        "precision='fp8'",
        "context='20,000 token/sequence'",
        "duty_cycle='0.200'",
        "speed_target='20 token/s'",
        "memory='215 GB'",
        "assuming idle_offloaded",
    ):
        assert part in said
    assert "from Qwen3-32B: " in said
    assert "n_layers = 64" in said
    assert "from B200-SXM: bandwidth = 8.00 TB/s" in said
    assert "n_gpus = 1 GPU, compute_efficiency = 1" in said.split("assumed: ")[1]
    assert "memory = 192 GB" not in said
    assert "qkv_bias" not in said
    own = Formula(q.users, q.concurrent_sequences, why="w", source="s")
    assert "users = concurrent_sequences" in repr(QWEN.assume(own))


def test_defaults_are_few_and_marked() -> None:
    assumed = {
        line.split(" = ")[0].strip("│├└─ ")
        for line in str(
            nk.explain(QWEN.assume(speed_target=20), "cost_per_user_month")
        ).splitlines()
        if line.endswith("(assumed)")
    }
    assert {"bandwidth_efficiency", "compute_efficiency", "usable_memory"} <= assumed
    assert {"reserved_memory", "month", "n_gpus"} <= assumed
    assert not assumed & {"price", "context", "duty_cycle", "memory", "bandwidth"}
    ideal = [QWEN[n].number for n in ("bandwidth_efficiency", "usable_memory", "reserved_memory")]
    assert ideal == [1, 1, 0]
    assert str(QWEN.month) == "720 h"


def test_the_article() -> None:
    article = nk.Napkin(scenario="article")
    # (192 GB - 32 GB) / (2 x 64 x 8 x 128 x 200,000 B) = 3125 / 512
    assert article.users == Rational(3125, 512)
    assert str(article.users) == "6.10 users"
    assert article.cost_per_user_month.number == 2880 * Rational(512, 3125)
    assert str(article.cost_per_user_month) == "472 USD/user"
    evicted = article.assume(variants.idle_offloaded)
    assert evicted.users == 5 * Rational(3125, 512)
    assert str(evicted.cost_per_user_month) == "94.4 USD/user"
    assert article.n_params == article.n_params_active == 32 * 10**9


def test_a_model_beside_the_article_is_counted() -> None:
    both = nk.Napkin(scenario="article", model="Llama-3-8B")
    assert both.n_params == 8_030_261_248
    assert both.memory.number == 192 * 10**9


# --------------------------------------------------- users, worked by hand
#
# Qwen3-32B (FP8) on one B200 with 20,000 tokens each, active a fifth of the time.
#   parameters P   = 2 x 777,912,320 (embedding, head) + 64 x (94,372,096 + 393,216,000)
#                    + 129 x 5120 (norms)                            =  32,762,123,264
#   of a token P_a = P - 777,912,320 (input embedding)               =  31,984,210,944
#   cache K        = 2 x 64 x 8 x 128 B x 20,000                     =   2,621,440,000 B
#   work c         = 2 P_a + 4 x 64 x 64 x 128 x 20,000              = 105,911,461,888 FLOP
P, P_A, K, C = 32_762_123_264, 31_984_210_944, 2_621_440_000, 105_911_461_888
FIT = Rational(183_359 * 2**20 - P, K)  # 60.85 sequences fit
LOAD = FIT * 5  # and as the mean load, five times as many users: 304.2


def _at_speed(speed: int) -> Rational:
    """Sequences that 8 TB/s can read in 1/speed beside the weights."""
    return (Rational(8 * 10**12, speed) - P_A) / K


def _by_link(rate: int, seconds: int) -> Rational:
    """Users whose caches cross a link twice in each turn."""
    return Rational(rate * seconds, 2 * K)


def test_the_parts_of_the_hand_calculation() -> None:
    assert QWEN.n_params == P
    assert QWEN.n_params_active == P_A
    assert QWEN.kv_bytes_per_sequence.number == K
    assert QWEN.sequence_step_flops.number == C
    assert QWEN.concurrent_sequences == FIT
    fast = QWEN.assume(speed_target=20)
    # Memory: (400 GB - 32.0 GB) / K = 140.4; arithmetic: 4,500 TFLOP/s / (20 C) = 2124
    assert _at_speed(20) < Rational(45 * 10**14, 20 * C)
    assert fast.largest_batch_at_speed == _at_speed(20)
    # With a hundredth of the arithmetic that one binds: 21.2
    slow = fast.assume(compute_efficiency=0.01)
    assert slow.largest_batch_at_speed == Rational(45 * 10**12, 20 * C)


HAND: dict[str, tuple[dict[str, Any], Rational]] = {
    # Kept: everyone must fit, so Min(active / 0.2, FIT).
    "kept": ({}, FIT),
    # At 20 token/s 140.4 could be active, more than fit: FIT again.
    "kept, 20 token/s": ({"speed_target": 20}, FIT),
    # At 100 token/s a step reads 80 GB: 18.3 active, 91.6 users by load; 60.8 fit.
    "kept, 100 token/s": ({"speed_target": 100}, FIT),
    # At 200 token/s a step reads 40 GB: 3.06 active, 15.3 users by load: speed binds.
    "kept, 200 token/s": ({"speed_target": 200}, _at_speed(200) * 5),
    # The path to the host does not matter to those who stay.
    "kept, host link": ({"host_link_bandwidth": "1 GB/s", "turn_period": 10}, FIT),
    # Evicted: Min(active / 0.2, link); without a link the mean load alone.
    "evicted": ({}, LOAD),
    "evicted, 20 token/s": ({"speed_target": 20}, LOAD),
    "evicted, 100 token/s": ({"speed_target": 100}, _at_speed(100) * 5),
    # 64 GB/s for 10 s carries 640 GB, 122 caches out and in: the link binds.
    "evicted, host link": (
        {"host_link_bandwidth": "64 GB/s", "turn_period": 10},
        _by_link(64 * 10**9, 10),
    ),
    # For 60 s it carries 732: the load binds.
    "evicted, slow turns": ({"host_link_bandwidth": "64 GB/s", "turn_period": 60}, LOAD),
    # 91.6 by speed is less than 122 by the link.
    "evicted, 100 token/s, host link": (
        {"host_link_bandwidth": "64 GB/s", "turn_period": 10, "speed_target": 100},
        _at_speed(100) * 5,
    ),
    # At 20 token/s 280.8 by load is more than 122 by the link.
    "evicted, 20 token/s, host link": (
        {"host_link_bandwidth": "64 GB/s", "turn_period": 10, "speed_target": 20},
        _by_link(64 * 10**9, 10),
    ),
    # 40 s of thinking are four fifths of a turn of 40 / (1 - 0.2) = 50 s; 16 GB/s: 152.6.
    "evicted, think time": (
        {"host_link_bandwidth": "16 GB/s", "think_time": 40},
        _by_link(16 * 10**9, 50),
    ),
    # Two GPUs: twice the memory, bandwidth and paths; the weights once.
    "kept, two GPUs": ({"n_gpus": 2}, Rational(2 * 183_359 * 2**20 - P, K)),
    "kept, two GPUs, 200 token/s": (
        {"n_gpus": 2, "speed_target": 200},
        # 128 layers' worth of activations of 5,120 B over 900 GB/s, while memory reads 16 TB/s
        (Rational(16 * 10**12, 200) - P_A) / (K + Rational(2 * 128 * 5120 * 16_000, 900)) * 5,
    ),
    "evicted, two GPUs, host link": (
        {"n_gpus": 2, "host_link_bandwidth": "64 GB/s", "turn_period": 10},
        2 * _by_link(64 * 10**9, 10),
    ),
}


@pytest.mark.parametrize("case", HAND)
def test_users_by_hand(case: str) -> None:
    givens, expected = HAND[case]
    bundle = variants.idle_offloaded if case.startswith("evicted") else variants.idle_resident
    n = QWEN.assume(bundle, **givens)
    assert n.users == expected
    assert n.users_per_gpu == expected / givens.get("n_gpus", 1)
    # 4 USD an hour and GPU for 720 hours
    assert n.cost_per_user_month.number == 2880 * givens.get("n_gpus", 1) / expected


def test_a_host_link_needs_the_time_of_a_turn() -> None:
    n = QWEN.assume(variants.idle_offloaded, host_link_bandwidth="64 GB/s")
    with pytest.raises(MissingGivenError, match="think_time"):
        _ = n.users


# ------------------------------------------------ the largest batch at a speed

OVERHEADS: dict[str, Any] = {"n_kernels": 500, "kernel_launch_time": "2 us", "host_time": "3 ms"}
MODELS = {"dense": ("Qwen3-32B", 1), "moe": ("DeepSeek-V3", 8), "moe, windows": ("gpt-oss-120b", 1)}


def _served(model: str, context: float, efficiency: float) -> nk.Napkin:
    name, n_gpus = MODELS[model]
    return nk.Napkin(
        model=name,
        accelerator="B200",
        precision="fp8",
        n_gpus=n_gpus,
        context=context,
        compute_efficiency=efficiency,
        **OVERHEADS,
    )


def _step_at_largest_batch(n: nk.Napkin, speed: float) -> None:
    at_speed = n.assume(speed_target=speed)
    try:
        largest = at_speed.largest_batch_at_speed
    except NapkinError:
        one = n.assume(batch=1).decode_step_time.number
        assert one > Rational(str(speed)) ** -1 * (1 - Rational(1, 10**12))
        return
    n = n.assume(memory="1000 PB")  # so that memory does not refuse the batch
    step = n.assume(batch=largest).decode_step_time.number
    assert abs(step * Rational(str(speed)) - 1) < Rational(1, 10**12)
    more = n.assume(batch=largest * Rational(101, 100)).decode_step_time.number
    assert more > step


SPEEDS = {
    "speed": st.floats(5, 400),
    "context": st.floats(0.5, 100_000),
    "efficiency": st.floats(0.001, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("step", ["the bound", "attention_apart", "with_overheads"])
@given(**SPEEDS)
def test_the_step_takes_the_whole_time_at_the_largest_batch(
    model: str, step: str, speed: float, context: float, efficiency: float
) -> None:
    n = _served(model, context, efficiency)
    n = n.assume(BUNDLES[step]) if step in BUNDLES else n
    _step_at_largest_batch(n, speed)


@pytest.mark.parametrize(
    ("efficiency", "time"), [(1, "decode_memory_time"), (0.005, "decode_compute_time")]
)
@pytest.mark.parametrize("model", MODELS)
def test_both_sides_bind_somewhere(model: str, efficiency: float, time: str) -> None:
    n = _served(model, 1000, efficiency).assume(speed_target=150)
    full = n.assume(batch=n.largest_batch_at_speed)
    assert abs((full[time] + full.all_reduce_time).number * 150 - 1) < Rational(1, 10**12)


def test_at_the_dense_largest_batch_the_step_is_exact() -> None:
    n = QWEN.assume(speed_target=100)
    assert n.assume(batch=n.largest_batch_at_speed).decode_step_time.number == Rational(1, 100)
    overheads = n.assume(variants.with_overheads, **OVERHEADS)
    full = overheads.assume(batch=overheads.largest_batch_at_speed)
    assert full.decode_step_time.number == Rational(1, 100)


# ----------------------------------------------------------- bytes of one token


@pytest.mark.parametrize(("precision", "width"), [("bf16", 2), ("fp8", 1), ("fp4", Rational(1, 2))])
@pytest.mark.parametrize(
    ("model", "active"), [("gpt-oss-120b", 5_132_849_472), ("DeepSeek-V3", 36_625_603_584)]
)
def test_a_batch_of_one_reads_the_active_weights_exactly(
    model: str, active: int, precision: str, width: Rational
) -> None:
    n = nk.Napkin(model=model, precision=precision, bytes_per_weight=width, batch=1)
    assert n.weight_bytes_read.number == active * width
    assert n.assume(batch=2).weight_bytes_read.number > active * width
    assert n.experts_touched == n.n_experts_active


# -------------------------------------------- closed forms, functions, pickles


def test_derive_twice_gives_the_same_object() -> None:
    form = QWEN.derive("cost_per_user_month")
    assert QWEN.derive("cost_per_user_month") is form
    assert QWEN.assume(context=3).derive("cost_per_user_month") is form
    assert pickle.loads(pickle.dumps(QWEN)).derive(q.cost_per_user_month) is form


def test_derive_ends_in_givens_and_gives_the_value() -> None:
    form = QWEN.derive("cost_per_user_month")
    known = {symbol: given.value for symbol, given in QWEN.givens.items()}
    assert form.free_symbols <= {*known, q.month}
    assert (
        form.xreplace(known | {q.month: Integer(2_592_000)})
        == QWEN.values("cost_per_user_month")[q.cost_per_user_month]
    )
    kept = QWEN.derive("cost_per_user_month", keep=["users"])
    assert kept == q.price * q.month / q.users
    with pytest.raises(NoFormulaError, match="no formula computes price"):
        QWEN.derive("price")


@pytest.mark.parametrize("copied", [copy, deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
@pytest.mark.parametrize(
    "n",
    [
        QWEN,
        QWEN.assume(variants.idle_offloaded, speed_target=30),
        QWEN.assume(Formula(q.users, q.concurrent_sequences * 2, why="w", source="s")),
        nk.Napkin(scenario="article"),
        nk.Napkin(
            model=nk.Model.from_config("gpt-oss-120b"), accelerator=nk.catalog.accelerator("H200")
        ),
    ],
    ids=["model", "bundle", "formula", "article", "objects"],
)
def test_a_copy_is_equal_and_gives_equal_values(n: nk.Napkin, copied: Any) -> None:
    again = copied(n)
    assert again == n
    assert hash(again) == hash(n)
    assert repr(again) == repr(n)
    target = "users" if q.duty_cycle in n.givens else "n_params"
    assert again[target] == n[target]


def test_equality_is_by_content() -> None:
    assert QWEN == QWEN.assume(context=20_000)
    assert QWEN != QWEN.assume(context=20_001)
    assert QWEN != QWEN.assume(variants.idle_offloaded)
    assert QWEN != "napkin"


MLA = {"kv_lora_rank": 512, "q_lora_rank": 1536, "d_nope": 128, "d_rope": 64, "d_value": 128}
LINEAR = {
    "n_layers_linear": 48,
    "n_linear_key_heads": 16,
    "n_linear_value_heads": 32,
    "d_linear_key": 128,
    "d_linear_value": 128,
    "conv_kernel": 4,
}
MOE = {
    "n_experts": 128,
    "n_experts_active": 8,
    "d_ff_expert": 1536,
    "n_experts_shared": 1,
    "n_layers_dense": 3,
}
OWN = {
    "capex": 40_000,
    "lifetime": 35_040,
    "power": 1.2,
    "pue": 1.3,
    "electricity_price": 0.1,
}
WINDOWS = {"n_layers_window": 32, "window": 4096, "block_size": 16, "prefill_chunk": 2048}
EXTRA: dict[str, dict[str, Any]] = {
    "gqa": {"group_size": 4},
    "mla": MLA,
    "mla_full_query": MLA,
    "sliding_window": {"n_layers_window": 32, "window": 4096},
    "linear_attention": LINEAR,
    "moe": MOE,
    "expert_parallel": {"n_experts_active": 8},
    "narrow_embedding": {"d_embedding": 512},
    "reserved_by_gpus": {"reserved_alone": "3 GiB", "reserved_for_each": "128 MiB"},
    "idle_offloaded": {"host_link_bandwidth": "64 GB/s", "turn_period": 40},
    "binomial": {"overflow_target": 0.01},
    "erlang": {"wait_target": 0.05},
    "paged": {"block_size": 16},
    "window_reserved": WINDOWS,
    "window_padded": WINDOWS,
    "window_pool": WINDOWS | {"window_share": 0.8},
    "window_whole": WINDOWS,
    "cache_of_the_rest": {"cache_share": 0.9},
    "with_overheads": OVERHEADS,
    "rent": {"price": 3},
    "own": OWN,
    "layer_inputs": {"d_layer_input": 256, "n_vocab_layer_input": 1000},
    "indexer": {"d_index": 128, "n_index_heads": 64, "q_lora_rank": 1536},
    "window_shapes": {
        "n_layers_window": 32,
        "window": 4096,
        "n_heads_window": 64,
        "n_kv_heads_window": 8,
        "d_head_window": 128,
        "d_value_window": 128,
        "d_value": 128,
    },
    "state_space": {
        "n_layers_ssm": 20,
        "conv_kernel": 4,
        "d_ssm_head": 64,
        "d_ssm_state": 128,
        "n_ssm_groups": 8,
        "n_ssm_heads": 64,
    },
    "cross_attention": {"n_layers_cross": 8},
    "speculative": {"draft_tokens": 3, "acceptance_rate": 0.8, "draft_time": 0.001},
}
FULL = QWEN.assume(speed_target=50, prompt=4000, new_tokens=500, hit_rate=0.25, n_gpus=2)
POINTS: dict[tuple[str, ...], list[tuple[float, ...]]] = {
    ("context", "duty_cycle"): [(2_000, 0.1), (20_000, 0.2), (31_000, 0.85)],
    ("prompt", "bandwidth"): [(10, 8e12), (30_000, 1e11), (777, 3e12)],
    ("n_layers", "bytes_per_weight"): [(50, 1), (64, 2)],
}
TARGETS: dict[str, tuple[str, ...]] = {
    "cost_per_user_month": ("context", "duty_cycle"),
    "prefill_time": ("prompt", "bandwidth"),
    "weight_bytes": ("n_layers", "bytes_per_weight"),
}


def test_a_compressed_cache_is_refused_by_name() -> None:
    """Its parameters are counted, but no formula of ours says what it keeps."""
    n = QWEN.assume(BUNDLES["compressed_attention"])
    with pytest.raises(NapkinError, match="no formula computes kv_bytes_per_sequence"):
        _ = n.kv_bytes_per_sequence


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BUNDLES if name != "compressed_attention"])
def test_function_is_the_same_as_reading(name: str) -> None:
    n = FULL.assume(BUNDLES[name], **EXTRA.get(name, {}))
    for target, arguments in TARGETS.items():
        call = n.function(target, *arguments)
        for point in POINTS[arguments]:
            read = n.assume(**dict(zip(arguments, point, strict=True)))[target]
            assert call(*point) == pytest.approx(float(read), rel=1e-9), target


def test_function_takes_arrays_that_broadcast() -> None:
    call = QWEN.function("tokens_per_second", "batch", "context")
    batches, contexts = np.array([1, 2, 4]), np.array([[1000], [50_000]])
    table = call(batches, contexts)
    assert table.shape == (2, 3)
    for i, context in enumerate((1000, 50_000)):
        for j, batch in enumerate((1, 2, 4)):
            read = QWEN.assume(batch=batch, context=context).tokens_per_second
            assert table[i, j] == pytest.approx(float(read), rel=1e-12)
    assert np.isscalar(call(1, 1000))
    assert call.__name__ == "tokens_per_second_of_batch_context"


def test_function_is_in_the_units_of_its_quantities() -> None:
    call = QWEN.function("cost_per_user_month", "price", "month")
    assert call(4, 720) == pytest.approx(float(QWEN.cost_per_user_month), rel=1e-12)
    assert QWEN.function("price", "price")(3) == pytest.approx(3)


def test_function_of_what_is_an_argument_overrides_its_formula() -> None:
    call = QWEN.function("cost_per_user_hour", "users")
    assert call(np.array([1, 300])) == pytest.approx([4, 4 / 300])


def test_function_says_what_is_missing() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8")
    with pytest.raises(MissingGivenError, match="duty_cycle|context|price"):
        n.function("cost_per_user_month", "context")


def test_rent_and_own() -> None:
    owned = QWEN.assume(variants.own, **OWN)
    # 40,000 USD over 35,040 h, and 1.2 kW x 1.3 x 0.1 USD/kWh
    assert owned.price.number == Rational(40_000, 35_040) + Rational(156, 1000)
    with pytest.raises(NoFormulaError, match="price"):
        _ = owned.assume(variants.rent).price
    assert owned.assume(variants.rent, price=2).price.number == 2


HELD_ANYWAY = {
    *("gqa", "idle_resident", "prefill_first", "fluid", "rent"),
    *("tensor_parallel", "uniform_routing"),
}


def test_every_bundle_changes_what_it_says() -> None:
    for name, bundle in BUNDLES.items():
        before = {f.target: FULL.formulas.packaged.get(f.target) for f in bundle.formulas}
        after = FULL.assume(bundle).formulas.packaged
        assert all(after[f.target] == f for f in bundle.formulas), name
        assert str(bundle) == f"{bundle.name}: {bundle.why}"
        same = all(before[target] == after[target] for target in before)
        assert same == (name in HELD_ANYWAY), name


def test_symbols_are_the_registry_s() -> None:
    assert all(Symbol(s.name, positive=True) == s for s in (*QWEN.givens, *QWEN.formulas))
    assert tokens_per_second.largest_batch_at_speed.target in QWEN.formulas


def test_function_of_what_does_not_matter_is_constant() -> None:
    call = QWEN.function("n_params", "context")
    assert call(3) == P
    assert np.broadcast_to(call(np.array([3, 4])), 2).tolist() == [P, P]
    assert QWEN.function("n_params")() == P


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dense", "moe"])
@pytest.mark.parametrize("first", ["attention_apart", "with_overheads"])
@pytest.mark.parametrize("efficiency", [1, 0.005])
def test_two_kinds_of_step_together_keep_their_promise(
    model: str, first: str, efficiency: float
) -> None:
    second = {"attention_apart": "with_overheads"}.get(first, "attention_apart")
    n = _served(model, 5000, efficiency).assume(BUNDLES[first], BUNDLES[second])
    for speed in (5, 20, 50):
        _step_at_largest_batch(n, speed)


def test_a_napkin_outlives_the_file_it_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(catalog.table("models")["Llama-3-8B"]["config"]))
    n = nk.Napkin(model=path, accelerator="B200", precision="fp8", context=8_000)
    before = n.concurrent_sequences
    path.unlink()
    assert n.assume(context=8_000).concurrent_sequences == before
    assert pickle.loads(pickle.dumps(n)).concurrent_sequences == before
    assert f"model={str(path)!r}" in repr(n)


def test_what_has_no_value_is_no_attribute() -> None:
    bare = nk.Napkin(model="Llama-3-70B", accelerator="H100", precision="bf16", context=1000)
    assert hasattr(bare, "weight_bytes")
    assert not hasattr(bare, "price")  # not given
    assert not hasattr(bare, "concurrent_sequences")  # the weights do not fit
    assert getattr(bare, "users", None) is None
    with pytest.raises(MissingGivenError, match="price"):
        _ = bare.price


def test_one_name_alone_is_one_name() -> None:
    alone = QWEN.derive("users", keep="concurrent_sequences")
    assert alone == QWEN.derive("users", keep=["concurrent_sequences"])
    assert alone == QWEN.derive("users", keep=q.concurrent_sequences)


def test_an_expression_as_text_is_read() -> None:
    assert QWEN["memory/bandwidth"] == QWEN[q.memory / q.bandwidth]
    assert QWEN["2*users_per_gpu"] == 2 * QWEN.users_per_gpu
    with pytest.raises(FormulaSyntaxError, match="Call is not allowed"):
        _ = QWEN["__import__('os')"]
