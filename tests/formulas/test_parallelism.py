"""Many GPUs and skewed experts, against servers that are dealt out and run by hand here."""

from __future__ import annotations

from random import Random

import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog import table
from napkin.errors import DoesNotFitError, MissingGivenError
from napkin.formulas import variants
from napkin.formulas.probability import FUNCTIONS

DEEPSEEK = nk.Napkin(
    model="DeepSeek-V3", accelerator="H200", precision="fp8", bytes_per_kv=2, context=8192,
    n_gpus=8, memory="141 GB", bytes_per_weight=1,
)  # fmt: skip
QWEN = nk.Napkin(
    model="Qwen3-235B-A22B", accelerator="H100", precision="fp8", kv_precision="fp8",
    context=8192, n_gpus=8, memory="80 GB",
)  # fmt: skip
LLAMA = nk.Napkin(
    model="Llama-3.1-70B", accelerator="H100", precision="bf16", context=8192, n_gpus=4
)
ONE = nk.Napkin(
    model="Qwen3-32B", accelerator="B200", precision="fp8", context=20_000, prompt=4_000,
    new_tokens=500, speed_target=50, duty_cycle=0.2, price=4,
)  # fmt: skip
ON_ITS_OWN = variants.attention_data_parallel


# ----------------------------------------------------------- caches: dealt out


def _cache_of_a_gpu(n: nk.Napkin, gpu: int, group: int) -> float:
    """Return the bytes of one sequence that a GPU of a group holds, head by head."""
    if "mla" in n.choices["model"].entry.variants:
        token = float(n.kv_lora_rank) + float(n.d_rope)
    else:
        heads, kv_heads = int(n.n_heads), int(n.n_kv_heads)
        mine = range(gpu * heads // group, (gpu + 1) * heads // group)
        token = 2 * float(n.d_head) * len({head * kv_heads // heads for head in mine})
    return token * float(n.bytes_per_kv) * float(n.n_layers) * float(n.context)


def _sequences(n: nk.Napkin, group: int) -> float:
    """Return how many sequences fit, where each group of GPUs has sequences of its own."""
    gpus = int(n.n_gpus)
    attention = float(n.attention_params) * float(n.bytes_per_weight)
    others = float(n.n_params) * float(n.bytes_per_weight) - attention
    room = float(n.memory) * float(n.usable_memory) - others / gpus - attention / group
    fullest = max(_cache_of_a_gpu(n, gpu, group) for gpu in range(group))
    return gpus / group * room / fullest


@pytest.mark.parametrize("n", [DEEPSEEK, QWEN, LLAMA], ids=["one vector", "4 heads", "8 heads"])
def test_sequences_fit_as_if_dealt_out(n: nk.Napkin) -> None:
    gpus = int(n.n_gpus)
    assert float(n.concurrent_sequences) == pytest.approx(_sequences(n, gpus))
    assert float(n.assume(ON_ITS_OWN).concurrent_sequences) == pytest.approx(_sequences(n, 1))
    by_two = n.assume(tensor_parallel=2)
    assert float(by_two.concurrent_sequences) == pytest.approx(_sequences(n, 2))


def test_published_cases() -> None:
    """vllm-project/recipes#762 and #51454 report the same ratio for DeepSeek-V4."""
    assert round(float(DEEPSEEK.concurrent_sequences)) == 99
    apart = DEEPSEEK.assume(ON_ITS_OWN)
    taken = apart.replicated_weight_bytes / apart.kv_bytes_per_sequence
    assert float(apart.concurrent_sequences + taken) == pytest.approx(794, abs=0.5)
    long = DEEPSEEK.assume(context=32_768, usable_memory=0.9)
    assert float(long.concurrent_sequences) == pytest.approx(18.7, abs=0.05)
    assert round(float(QWEN.concurrent_sequences)) == 257
    split = LLAMA.kv_budget / LLAMA.kv_bytes_per_sequence
    assert LLAMA.concurrent_sequences == split
    assert LLAMA.kv_copies == 1


BLOCKS = {"quant_method": "fp8", "weight_block_size": [128, 128]}
BLOCKS["modules_to_not_convert"] = [
    "lm_head",
    *(f"model.layers.{layer}.mlp.gate" for layer in range(94)),
]


def test_blocks_of_published_weights_stay_whole() -> None:
    """vLLM refuses Qwen3-235B-A22B-FP8 on 8 GPUs: 1536/8 = 192 is no multiple of 128."""
    config = table("models")["Qwen3-235B-A22B"]["config"] | {"quantization_config": BLOCKS}
    n = nk.Napkin(model=config, accelerator="H200", precision="fp8", context=8192, batch=1)
    assert (n.feed_forward_blocks.number, n.attention_blocks.number) == (12, 64)
    four, eight = n.assume(n_gpus=4), n.assume(n_gpus=8)
    assert four.weight_bytes.number == 236_445_455_360
    for target in ("weight_bytes", "concurrent_sequences", "tpot"):
        with pytest.raises(
            DoesNotFitError, match="12 blocks side by side, which 8 GPUs cannot share.*1,536"
        ):
            eight[target]
    with pytest.raises(DoesNotFitError, match="12 blocks"):
        _ = eight.assume("attention_data_parallel").tokens_per_second
    assert eight.assume("expert_parallel").concurrent_sequences > 1
    assert eight.assume(bytes_per_weight=1).concurrent_sequences > 1
    with pytest.raises(DoesNotFitError, match="64 blocks side by side, which 48 GPUs of tensor"):
        _ = n.assume("expert_parallel", n_gpus=48).weight_bytes


@pytest.mark.parametrize("layout", ["paged", "reserved_maximum"])
def test_every_layout_pays_for_its_copies(layout: str) -> None:
    n = DEEPSEEK.assume(variants.get(layout), block_size=64)
    once = n.assume(kv_copies=1).concurrent_sequences
    assert float(once / n.concurrent_sequences) == pytest.approx(8)


def test_copies_are_read_too() -> None:
    n = DEEPSEEK.assume(batch=50)
    bytes_read = float(n.weight_bytes_read) + 50 * 8 * float(n.kv_bytes_per_sequence)
    assert float(n.decode_memory_time) == pytest.approx(bytes_read / 8 / float(n.bandwidth))


def test_a_sequence_must_fit_beside_its_own_attention() -> None:
    """Eight GPUs hold the cache together, but none of them alone."""
    n = LLAMA.assume(ON_ITS_OWN, n_gpus=8, context=200_000, beyond_max_context=True)
    assert float(n.kv_budget) > float(n.kv_bytes_per_sequence)
    with pytest.raises(DoesNotFitError, match="not one sequence fits"):
        _ = n.concurrent_sequences


# -------------------------------------------------------- messages: one by one


def _ring(gpus: int, size: float, rounds: int) -> float:
    """Return what one GPU sends while chunks go around a ring: each round all but one step."""
    return sum(size / gpus for _ in range(rounds) for _ in range(gpus - 1))


def test_all_reduces_as_messages() -> None:
    n = DEEPSEEK.assume(batch=64)
    size = 64 * float(n.d_model) * float(n.bytes_per_hidden)
    sent = sum(_ring(8, size, 2) for _ in range(int(n.n_layers)) for _ in ("attention", "experts"))
    assert float(n.all_reduce_time) == pytest.approx(sent / float(n.link_bandwidth))
    # without the attention: rows are gathered before the experts, and scattered behind them
    sent = sum(_ring(8, size, 2) for _ in range(int(n.n_layers)))
    apart = n.assume(ON_ITS_OWN)
    assert float(apart.all_reduce_time) == pytest.approx(sent / float(n.link_bandwidth))


def test_experts_elsewhere_as_messages() -> None:
    n = DEEPSEEK.assume(ON_ITS_OWN, variants.expert_parallel, batch=64)
    row = float(n.d_model) * float(n.bytes_per_hidden)
    experts = int(n.n_experts)
    layers = int(n.n_layers) - int(n.n_layers_dense)
    away = sum(expert * 8 // experts != 0 for expert in range(experts))  # seen from GPU 0
    sent = layers * 2 * 64 / 8 * row * away * float(n.n_experts_active) / experts
    sent += int(n.n_layers_dense) * _ring(8, 64 * row, 2)
    assert float(n.all_reduce_time) == pytest.approx(sent / float(n.link_bandwidth))


def test_a_cache_comes_back_to_the_gpus_that_hold_it() -> None:
    n = DEEPSEEK.assume(host_link_bandwidth="1 GB/s")
    for group in (1, 2, 8):
        found = n.assume(tensor_parallel=group).restore_time
        assert float(found) == pytest.approx(float(n.kv_bytes_per_sequence) / 1e9 / group)
    assert n.assume(ON_ITS_OWN).restore_time == n.assume(tensor_parallel=1).restore_time


def test_bundles_go_together_in_any_order() -> None:
    both = DEEPSEEK.assume(variants.expert_parallel, ON_ITS_OWN, batch=8)
    assert (
        both.all_reduce_time
        == DEEPSEEK.assume(ON_ITS_OWN, variants.expert_parallel, batch=8).all_reduce_time
    )


@pytest.mark.parametrize("bundle", ["prefill_first", "chunked_prefill"])
def test_steps_and_prompts_take_the_time_of_their_messages(bundle: str) -> None:
    n = ONE.assume(variants.get(bundle), n_gpus=2)
    fast = n.assume(link_bandwidth="1e30 B/s")
    for target, spent in (
        ("decode_step_time", "all_reduce_time"),
        ("prefill_time", "prefill_all_reduce_time"),
    ):
        one = n.assume(batch=10)
        more = float(one[target]) - float(fast.assume(batch=10)[target])
        assert more == pytest.approx(float(one[spent])) and more > 0
    assert n.largest_batch_at_speed < fast.largest_batch_at_speed
    there = n.assume(batch=n.largest_batch_at_speed)
    assert float(there.tokens_per_second_per_user) == pytest.approx(50, rel=1e-9)


def test_what_is_not_known_of_the_links_is_said() -> None:
    n = nk.Napkin(
        n_params=8e9, n_params_active=8e9, bytes_per_weight=1, kv_bytes_per_token=1e5,
        context=1000, batch=1, n_gpus=2,
        memory="80 GB", bandwidth="1 TB/s", peak_flops="1e15 FLOP/s", attention_flops=0,
    )  # fmt: skip
    said = str(nk.explain(n, "decode_step_time"))
    assert "link_bandwidth is not given, so all_reduce_time is left out" in said
    assert "n_kv_heads is not given, so caches are taken to split evenly" in said
    assert "prefill_all_reduce_time" not in said
    assert float(n.decode_step_time) == pytest.approx((8e9 + 1e8) / 2e12)


# --------------------------------------------------------- one GPU is one GPU


one_gpu = pytest.mark.parametrize("given", [{}, {"n_gpus": 1}], ids=["unsaid", "said"])


@one_gpu
def test_one_gpu_has_neither_copies_nor_messages(given: dict[str, int]) -> None:
    n = ONE.assume(**given)
    for target in ("users", "concurrent_sequences", "throughput_ceiling", "decode_intensity"):
        said = str(nk.explain(n, target))
        for word in ("copies", "shards", "all_reduce", "tensor_parallel", "replicated", "link"):
            assert word not in said, (target, word)
    assert n.kv_copies == 1 and n.all_reduce_time.number == 0


@pytest.mark.slow
@one_gpu
def test_a_formula_for_one_gpu_has_no_messages(given: dict[str, int]) -> None:
    left = {str(symbol) for symbol in ONE.assume(**given).derive("tpot").free_symbols}
    assert not left & {"link_bandwidth", "kv_copies", "tensor_parallel"}


def test_the_sharding_is_said() -> None:
    assert "tensor parallelism: every GPU holds a part of each layer" in str(
        nk.explain(DEEPSEEK, "concurrent_sequences")
    )
    said = str(nk.explain(DEEPSEEK.assume(ON_ITS_OWN), "concurrent_sequences"))
    assert "each GPU holds the attention of its own sequences" in said


@pytest.mark.slow
def test_gpus_that_move_are_several() -> None:
    """A function, a sweep, a root and a page start from one GPU, and count for many."""
    n = nk.Napkin(model="DeepSeek-V3", accelerator="H200", precision="fp8", context=8192, batch=8)
    for target in ("concurrent_sequences", "decode_step_time"):
        function = n.function(target, "n_gpus")
        assert function(8) == pytest.approx(float(n.assume(n_gpus=8)[target]))
    swept = nk.sweep(n, "decode_step_time", n_gpus=[8, 9, 16])
    assert swept.fits.to_numpy().tolist() == [True, False, True]
    step = n.assume(n_gpus=16).decode_step_time
    assert float(nk.solve(n, "n_gpus", decode_step_time=step)[0].value) == pytest.approx(16)


# ------------------------------------------------------------------ usable GPUs


@pytest.mark.parametrize(
    ("n", "count"),
    [
        (LLAMA, 3),
        (LLAMA, 24),  # 64 heads do not divide
        (DEEPSEEK, 9),
        (LLAMA.assume(n_heads=48, d_head=128, n_kv_heads=8), 12),  # heads do, caches do not
    ],
)
def test_gpus_that_cannot_share_the_heads_are_refused(n: nk.Napkin, count: int) -> None:
    with pytest.raises(DoesNotFitError, match="the GPUs cannot share the heads evenly") as caught:
        _ = n.assume(n_gpus=count).decode_step_time
    assert f"do not divide among {count} GPUs" in str(caught.value)
    n = n.assume(ON_ITS_OWN, n_gpus=count)
    assert n.batch > 0


def test_tensor_parallel_divides_the_gpus() -> None:
    with pytest.raises(DoesNotFitError, match="tensor_parallel=8 GPUs must divide n_gpus=12 GPUs"):
        _ = DEEPSEEK.assume(n_gpus=12, tensor_parallel=8).concurrent_sequences


@pytest.mark.parametrize(
    ("n", "target", "count"),
    [
        (DEEPSEEK.assume(accelerator="H100", memory="80 GB"), "concurrent_sequences", 16),
        (DEEPSEEK.assume(accelerator="H100", n_gpus=1, memory="80 GB"), "kv_budget", 16),
        # 660 GB over 32, and 11.4 GB of attention and 0.6 GB of cache on each
        (DEEPSEEK.assume(ON_ITS_OWN, memory="50 GB"), "concurrent_sequences", 32),
        (LLAMA.assume(n_gpus=1), "kv_budget", 2),
        (LLAMA.assume(n_gpus=1, context=100_000, usable_memory=0.8), "kv_budget", 4),
        (ONE.assume(speed_target=600), "users", 4),
    ],
)
def test_advice_can_be_followed(n: nk.Napkin, target: str, count: int) -> None:
    with pytest.raises(DoesNotFitError, match=rf"n_gpus={count}\b"):
        _ = n[target]
    assert n.assume(n_gpus=count)[target].number > 0


def test_no_advice_where_gpus_do_not_help() -> None:
    n = DEEPSEEK.assume(context=10_000_000)  # 703 GB, whole on every GPU
    with pytest.raises(DoesNotFitError, match="More GPUs do not help: each needs 703 GB of it"):
        _ = n.concurrent_sequences
    alone = LLAMA.assume(
        ON_ITS_OWN, context=200_000, beyond_max_context=True
    )  # 24 GB of attention, 66 GB of cache
    with pytest.raises(DoesNotFitError) as caught:
        _ = alone.concurrent_sequences
    assert "n_gpus" not in str(caught.value)
    with pytest.raises(DoesNotFitError, match="no number of GPUs that share the heads evenly is"):
        _ = ONE.assume(speed_target=10**9).users


# ---------------------------------------------------------------------- experts


def _chances(experts: int, active: int, skew: float) -> list[float]:
    """Return each expert's chance of a visit, by bisection of the common factor."""
    low, high = 0.0, 1e12
    for _ in range(300):
        middle = (low + high) / 2
        total = sum(min(1, middle * rank**-skew) for rank in range(1, experts + 1))
        low, high = (middle, high) if total < active else (low, middle)
    return [min(1, low * rank**-skew) for rank in range(1, experts + 1)]


def _visited(chances: list[float], tokens: int, random: Random) -> int:
    """Let tokens choose distinct experts, each with its chance: systematic sampling."""
    seen: set[int] = set()
    for _ in range(tokens):
        place, mark = 0.0, random.random()
        for expert, chance in enumerate(chances):
            place += chance
            if place > mark:
                seen.add(expert)
                mark += 1
    return len(seen)


@pytest.mark.parametrize(
    ("experts", "active", "tokens", "skew"),
    [(256, 8, 16, 1.01), (256, 8, 16, 0), (8, 2, 4, 0.5), (16, 4, 3, 2.5), (8, 8, 1, 1)],
)
def test_experts_as_if_tokens_chose(experts: int, active: int, tokens: int, skew: float) -> None:
    random, many = Random(1), 400
    chances = _chances(experts, active, skew)
    mean = sum(_visited(chances, tokens, random) for _ in range(many)) / many
    found = FUNCTIONS["ExpertsTouched"](experts, active, tokens, skew)
    assert mean == pytest.approx(found, rel=0.02)


def test_skewed_routing_touches_fewer() -> None:
    n = DEEPSEEK.assume(batch=16)
    skewed = n.assume(variants.skewed_routing, routing_skew=1.01)
    fewest = n.assume(variants.fewest_experts)
    assert float(n.experts_touched) / 256 == pytest.approx(0.4, abs=0.005)
    assert float(skewed.experts_touched) / 256 == pytest.approx(0.25, abs=0.005)
    assert fewest.experts_touched == 8
    assert fewest.decode_step_time < skewed.decode_step_time < n.decode_step_time
    assert fewest.weight_bytes_read == n.assume(batch=1).weight_bytes_read
    assert float(skewed.assume(routing_skew=0).experts_touched) == pytest.approx(
        float(n.experts_touched)
    )
    assert skewed.assume(variants.uniform_routing).experts_touched == n.experts_touched
    with pytest.raises(MissingGivenError, match="0 is uniform routing"):
        _ = n.assume(variants.skewed_routing).experts_touched
    assert "no bound" in str(nk.explain(n, "experts_touched"))


def test_prompts_touch_skewed_experts_too() -> None:
    n = DEEPSEEK.assume(prompt=32, batch=32)
    for m in (n, n.assume(variants.skewed_routing, routing_skew=1), n.assume("fewest_experts")):
        assert m.prefill_experts_touched == m.experts_touched
        assert m.prefill_weight_bytes == m.weight_bytes_read


@pytest.mark.slow
def test_skewed_routing_works_everywhere() -> None:
    n = DEEPSEEK.assume(
        variants.skewed_routing, routing_skew=0.8, speed_target=60, attention_flops=0
    )
    full = n.assume(batch=n.largest_batch_at_speed)
    assert float(full.tokens_per_second_per_user) == pytest.approx(60, rel=1e-9)
    skews = [0, 0.5, 1.5]
    found = n.function("experts_touched", "routing_skew", "batch")(skews, 16)
    each = [n.assume(routing_skew=skew, batch=16).experts_touched for skew in skews]
    assert found == pytest.approx([float(one) for one in each])
    batches = n.function("largest_batch_at_speed", "routing_skew")(skews)
    each = [n.assume(routing_skew=skew).largest_batch_at_speed for skew in skews]
    assert batches == pytest.approx([float(one) for one in each])
    assert "ExpertsTouched" in str(n.assume(batch=16).derive("weight_bytes_read"))
    rows = {row.name: row.elasticity for row in nk.sensitivity(n, "largest_batch_at_speed").rows}
    more = float(n.assume(routing_skew=0.8008).largest_batch_at_speed)
    slope = (more / float(n.largest_batch_at_speed) - 1) * 1000
    assert rows["routing_skew"] == pytest.approx(slope, rel=0.01)
    flat = nk.sensitivity(n.assume(routing_skew=0, batch=16), "experts_touched")
    assert {row.name for row in flat.rows} >= {"batch"}


def test_the_first_sentence_says_what_is_wrong() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="H100", precision="fp8", context=3000)
    with pytest.raises(DoesNotFitError, match="evenly: tensor_parallel=4 GPUs must divide n_gp"):
        _ = n.assume(n_gpus=2, tensor_parallel=4).concurrent_sequences
    with pytest.raises(DoesNotFitError, match="evenly: 64 query heads, in a cache of 8 parts"):
        _ = n.assume(n_gpus=6).concurrent_sequences


def test_a_message_counts_whole_sequences() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="H100", precision="fp8", context=3000, batch=500)
    n = n.assume(kv_budget=n.kv_bytes_per_sequence.number * Rational(2667, 10))
    with pytest.raises(DoesNotFitError, match="only 266 sequences fit"):
        _ = n.decode_step_time
    n = n.assume("idle_offloaded", host_memory="100.9 GB", users=900, duty_cycle=0.01)
    with pytest.raises(DoesNotFitError, match="only those of 128 users fit"):
        _ = n.users
