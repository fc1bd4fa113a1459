"""Weights as published: three widths, exact, that memory, step, prefill and speed follow."""

from math import ceil
from typing import Any

import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog import table, width
from napkin.errors import MissingGivenError

FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}
MXFP4 = {
    "quant_method": "mxfp4",
    "modules_to_not_convert": ["model.layers.*.self_attn", "model.embed_tokens", "lm_head"],
}
LLAMA_MATRICES = 32 * (2 * 4096 * 128 * (32 + 8) + 3 * 4096 * 14336)
LLAMA_ROWS = 32 * (2 * 4096 + 2 * 1024 + 2 * 14336 + 4096)
H100_FLOW, H100_MEMORY = 3.35e12, 80e9


def model(name: str, **stored: Any) -> nk.Model:
    config = table("models")[name]["config"]
    return nk.Model.from_config({**config, "quantization_config": stored})


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("gpt-oss-120b", 65_248_815_744),  # 60.8 GiB by the model card
        ("gpt-oss-20b", 13_761_264_768),  # total_size of its index
    ],
)
def test_bytes_of_a_published_checkpoint(name: str, size: int) -> None:
    published = nk.Model.from_config(name)
    assert published.checkpoint_bytes == size
    assert nk.Napkin(model=name).weight_bytes.number == size
    assert not published.notes


_ROUTERS = [f"model.layers.{layer}.mlp.gate" for layer in range(94)]


def _narrow_qwen() -> nk.Model:
    return model("Qwen3-235B-A22B", **FP8, modules_to_not_convert=["lm_head", *_ROUTERS])


def test_blocks_of_a_model_whose_head_router_and_norms_stay_wide() -> None:
    assert _narrow_qwen().checkpoint_bytes == 236_445_455_360  # scales of 32 bits


def test_deepseek_with_its_prediction_layer_is_what_the_hub_counts() -> None:
    """684,531,386,000 numbers; with the headers of 163 files, 688,586,727,753 bytes."""
    published = nk.Model.from_config("DeepSeek-V3")
    attention = [(1536, 7168), (128 * 192, 1536), (576, 7168), (128 * 256, 512), (7168, 128 * 128)]
    expert = [(2048, 7168), (2048, 7168), (7168, 2048)]
    dense = [(18432, 7168), (18432, 7168), (7168, 18432)]
    layers = {0: 3 * dense + 61 * attention, 1: attention}
    layers = {key: rest + (58, 1)[key] * 257 * expert for key, rest in layers.items()}
    size = {key: sum(a * b for a, b in pairs) for key, pairs in layers.items()}
    scales = {k: sum(ceil(a / 128) * ceil(b / 128) for a, b in p) for k, p in layers.items()}
    narrow_and_scales = size[0] + 4 * scales[0]
    assert published.checkpoint_bytes == narrow_and_scales + 2 * (published.n_params - size[0])
    prediction, bias = 13_463_426_048, 59 * 256
    count = published.n_params + prediction + scales[0] + scales[1] + bias
    assert count == 684_531_386_000
    more = size[1] + 4 * scales[1] + 2 * (prediction - size[1]) + 4 * bias
    headers = 688_586_727_753 - (published.checkpoint_bytes + more)
    assert 100 < headers / 91_991 < 200  # bytes for each tensor


def test_the_indexer_has_scales_but_for_its_head_weights() -> None:
    found = nk.Model.from_config("DeepSeek-V3.2").checkpoint_bytes
    indexer = 61 * (64 * 128 * 1536 + 128 * 7168)
    scales = 61 * (64 * 12 + 56)
    wide = 61 * (64 * 7168 + 256)
    plain = nk.Model.from_config("DeepSeek-V3").checkpoint_bytes
    assert found - plain == indexer + 4 * scales + 2 * wide


def by_hand(narrow: Any, matrices: int = LLAMA_MATRICES, name: str = "Llama-3-8B") -> Any:
    return narrow + 2 * (nk.Model.from_config(name).n_params - matrices)


def tensors(**weights: Any) -> dict[str, Any]:
    group = {"targets": ["Linear"], "weights": {"symmetric": True, **weights}}
    return {"quant_method": "compressed-tensors", "config_groups": {"a": group}}


HEAD = {"ignore": ["lm_head"]}
M = LLAMA_MATRICES


@pytest.mark.parametrize(
    ("stored", "narrow"),
    [
        (FP8, M + 4 * M // 128**2),
        ({"quant_method": "fp8"}, M + 4 * 224),
        ({"quant_method": "fp8", "activation_scheme": "static"}, M + 8 * 224),
        (AWQ, M // 2 + M // 128 * Rational(5, 2)),
        ({**AWQ, "zero_point": False}, M // 2 + M // 128 * 2),
        (
            {"quant_method": "awq", "w_bit": 4, "q_group_size": 64},
            M // 2 + M // 64 * Rational(5, 2),
        ),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, M + M // 128 * 3),
        (
            {"quant_method": "gptq", "bits": 4, "group_size": -1},
            M // 2 + LLAMA_ROWS * Rational(5, 2),
        ),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, M + 4 * LLAMA_ROWS),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, M // 2 + 4 * M // 64),
        (
            {
                "quant_method": "bitsandbytes",
                "load_in_4bit": True,
                "bnb_4bit_use_double_quant": True,
            },
            M // 2 + M // 64 + 4 * M // (64 * 256),
        ),
        (tensors(num_bits=8, strategy="channel") | HEAD, M + 2 * LLAMA_ROWS),
        (tensors(num_bits=8, strategy="tensor") | HEAD, M + 2 * 224),
        (
            tensors(num_bits=4, strategy="group", group_size=128)
            | HEAD
            | {"format": "pack-quantized"},
            M // 2 + M // 128 * 2 + 16 * 224,
        ),
        (tensors(num_bits=8, strategy="block", block_structure=[128, 128]) | HEAD, M + M // 8192),
        (
            {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]},
            M // 2 + M // 16 + 8 * 224,
        ),
        (
            {
                "quant_method": "modelopt",
                "quant_algo": "FP8",
                "exclude_modules": ["lm_head"],
            },
            M + 8 * 224,
        ),
        (
            {"quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head"]}},
            M + 8 * 224,
        ),
    ],
    ids=str,
)
def test_formats_by_hand(stored: dict[str, Any], narrow: Any) -> None:
    llama = model("Llama-3-8B", **stored)
    assert llama.checkpoint_bytes == by_hand(narrow)
    unsure = stored.get("weight_block_size")
    assert ["at 32 bits" in note for note in llama.notes] == ([True] if unsure else [])
    assert not any("32 bits" in note for note in nk.Model.from_config("DeepSeek-V3").notes)


def test_what_stays_wide_is_said_by_name_by_part_by_pattern_and_by_layer() -> None:
    """Of gates, of attention, of two layers: each stays at two bytes."""
    gates = 32 * 4096 * 14336
    attention = 32 * 2 * 4096 * 128 * (32 + 8)
    two = 2 * LLAMA_MATRICES // 32
    eight = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    whole = model("Llama-3-8B", **FP8).checkpoint_bytes
    for names, wide in (
        (["gate_proj"], gates),
        (["re:.*gate_proj$", "lm_head"], gates),
        (["model.layers.*.self_attn*"], attention),
        ([f"model.layers.{i}.self_attn" for i in range(32)], attention),
        (["model.layers.40", "model.norm", "visual"], 0),
        ([f"model.layers.{i}.{part}" for i in (0, 31) for part in ("self_attn", "mlp")], two),
    ):
        kept = model("Llama-3-8B", **FP8, modules_to_not_convert=names).checkpoint_bytes
        assert kept - whole == wide - 4 * wide // 128**2, names
    kept = model("Llama-3-8B", **eight, llm_int8_skip_modules=["lm_head", "gate_proj"])
    assert kept.checkpoint_bytes == by_hand(M + gates + 4 * (LLAMA_ROWS - 32 * 14336))


def test_linear_layers_of_a_hybrid_stay_wide_where_the_config_says_so() -> None:
    """Qwen3-Next: 36 layers with linear attention, whose small projections stay wide."""
    names = [
        *(f"model.layers.{i}.linear_attn.in_proj_ba" for i in range(48) if i % 4 != 3),
        *(f"model.layers.{i}.linear_attn.conv1d" for i in range(48) if i % 4 != 3),
        *(f"model.layers.{i}.mlp.gate" for i in range(48)),
        *(f"model.layers.{i}.mlp.shared_expert_gate" for i in range(48)),
        "lm_head",
    ]
    hybrid = model("Qwen3-Next-80B-A3B", **FP8, modules_to_not_convert=names)
    assert not any("quantization_config" in note for note in hybrid.notes)
    linear = [(2 * 2048 + 2 * 4096, 2048), (2048, 4096)]
    full = [(2 * 16 * 256, 2048), (512, 2048), (512, 2048), (2048, 16 * 256)]
    expert = [(512, 2048), (512, 2048), (2048, 512)]
    pairs = 36 * linear + 12 * full + 48 * 513 * expert
    narrow = sum(a * b for a, b in pairs)
    scales = sum(ceil(a / 128) * ceil(b / 128) for a, b in pairs)
    assert hybrid.checkpoint_bytes == narrow + 4 * scales + 2 * (hybrid.n_params - narrow)
    without = model("Qwen3-Next-80B-A3B", **FP8, modules_to_not_convert=names[:-50])
    assert any("quantization_config" in note for note in without.notes)


@pytest.mark.parametrize(
    "stored",
    [
        {"quant_method": "bitsandbytes"},
        {"quant_method": "fp8", "weight_block_size": [128, "wide"]},
        {"quant_method": "fp8", "weight_block_size": [0, 128]},
        {"quant_method": "gptq", "bits": 5, "group_size": 128},
        {"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": True},
        {"quant_method": ["awq"]},
        {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"},
        tensors(num_bits=8, strategy="channel"),  # the head is narrow, too
        tensors(num_bits=4, strategy="group") | HEAD,
        tensors(num_bits=8, strategy="channel") | {"ignore": ["lm_head", "re:("]},
        {**FP8, "modules_to_not_convert": ["model.layers.0.attn"]},
        {**FP8, "modules_to_not_convert": 3},
        {**FP8, "torch_dtype": "float64"},
        [1],
    ],
    ids=str,
)
def test_what_is_not_counted_is_said(stored: Any) -> None:
    config = {**table("models")["Llama-3-8B"]["config"], "quantization_config": stored}
    if "torch_dtype" in stored:
        config["torch_dtype"] = stored["torch_dtype"]
    llama = nk.Model.from_config(config)
    assert any("quantization_config" in note for note in llama.notes)
    with pytest.raises(MissingGivenError, match=r"bytes_per_weight.*quantization_config, .*\("):
        _ = llama.checkpoint_bytes
    assert llama.n_params == 8_030_261_248


def test_experts_whose_router_is_not_named_are_not_counted() -> None:
    assert any("quantization_config" in note for note in model("Qwen3-30B-A3B", **FP8).notes)


# ------------------------------------------------------------------- what follows from the widths


@pytest.mark.parametrize(
    ("published", "n_gpus", "routed", "share"),
    [
        (nk.Model.from_config("gpt-oss-120b"), 1, 36 * 128 * (3 * 2880**2 + 3 * 2880), 4 / 128),
        (model("Llama-3-70B", **AWQ), 1, 0, 0),
        (_narrow_qwen(), 4, 94 * 128 * 3 * 4096 * 1536, 8 / 128),
        (nk.Model.from_config("DeepSeek-V3"), 16, 58 * 256 * 3 * 7168 * 2048, 8 / 256),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_step_prefill_and_speed_follow_the_widths(
    published: nk.Model, n_gpus: int, routed: int, share: float
) -> None:
    """All by hand from the parts: bytes of experts touched, of the rest, without the embedding."""
    n = nk.Napkin(
        model=published,
        accelerator="H100",
        precision="bf16",
        n_gpus=n_gpus,
        context=8192,
        prompt=512,
        kv_copies=1,
        all_reduce_time=0,
    )
    experts = float(published.givens.get("bytes_per_expert_weight", 0)) * routed
    embedding = 2 * int(published.count("embedding_params"))
    rest = int(published.checkpoint_bytes) - experts - embedding

    def read(tokens: float) -> float:
        return rest + experts * (1 - (1 - share) ** tokens if share else 0)

    flow, cache = n_gpus * H100_FLOW, float(n.kv_bytes_per_sequence)
    one = n.assume(batch=1)
    assert float(one.weight_bytes_read) == pytest.approx(read(1), rel=1e-12)
    assert float(one.tokens_per_second) == pytest.approx(flow / (read(1) + cache), rel=1e-3)
    assert float(n.prefill_memory_time) == pytest.approx(read(512) / flow, rel=1e-12)
    fits = (n_gpus * float(n.memory) - int(published.checkpoint_bytes)) / cache
    assert float(n.concurrent_sequences) == pytest.approx(fits, rel=1e-12)
    batch = float(n.assume(speed_target=30).assume(prompt=1).largest_batch_at_speed)
    assert read(batch) + batch * cache == pytest.approx(flow / 30, rel=1e-3)


def test_gpt_oss_on_one_h100() -> None:
    n = nk.Napkin(model="gpt-oss-120b", accelerator="H100", precision="bf16", context=8192)
    one = n.assume(batch=1)
    assert str(one.weight_bytes_read) == "5.00 GB"
    assert str(one.tokens_per_second) == "631 token/s"
    assert float(n.assume(speed_target=30).largest_batch_at_speed) == pytest.approx(156.5, rel=1e-3)


def test_published_widths_count_beside_a_precision_and_a_typed_width_replaces_them() -> None:
    published = nk.Napkin(model="gpt-oss-120b", accelerator="B200", precision="fp8")
    assert published.weight_bytes.number == 65_248_815_744
    assert published.bytes_per_activation.number == 1
    typed = published.assume(bytes_per_weight=1)
    assert typed.weight_bytes.number == typed.n_params.number
    assert (
        published.assume("bytes_per_weight = 2*bytes_per_activation").bytes_per_expert_weight.number
        == 2
    )
    assert typed.assume(precision="bf16").weight_bytes.number == 65_248_815_744
    parts = nk.Napkin(model="Llama-3-8B", precision="fp8", bytes_per_embedding_weight=2)
    wide = 2 * 128_256 * 4096 + 65 * 4096
    assert parts.weight_bytes.number == parts.n_params.number + wide
    assert parts.weight_bytes_read.number == parts.n_params_active.number + wide - 128_256 * 4096
    assert nk.Model.from_config("gpt-oss-120b").count("weight_bytes", bytes_per_weight=1) == (
        published.n_params.number
    )


def test_a_given_weight_bytes_is_shared_out_over_what_is_read() -> None:
    n = nk.Napkin(
        model="Llama-3-70B", accelerator="H100", precision="bf16", weight_bytes="39.77 GB", batch=1
    )
    share = float(n.n_params_active / n.n_params)
    assert float(n.weight_bytes_read) == pytest.approx(39.77e9 * share, rel=1e-12)
    assert n.assume(bytes_per_weight=1).weight_bytes_read.number == n.n_params_active.number
    published = nk.Napkin(model="gpt-oss-120b", batch=1)
    again = published.assume(weight_bytes=65_248_815_744)
    assert again.weight_bytes_read.number == published.weight_bytes_read.number
    half = published.assume(weight_bytes=65_248_815_744 / 2)
    assert float(half.weight_bytes_read) == pytest.approx(float(published.weight_bytes_read) / 2)


def test_the_cache_keeps_16_bits_unless_its_own_precision_is_named() -> None:
    n = nk.Napkin(model="Llama-3-8B", precision="fp8")
    assert n.bytes_per_kv.number == 2
    assert n.assume(kv_precision="fp8").bytes_per_kv.number == 1
    assert n.assume(kv_precision="fp8").assume(bytes_per_kv=2).bytes_per_kv.number == 2
    assert n.assume(precision="fp4").bytes_per_kv.number == 2


@pytest.mark.parametrize(
    ("precision", "bits", "on_h100", "on_b200"),
    [
        ("mxfp4", 4.25, "989 TFLOP/s", "9,000 TFLOP/s"),
        ("nvfp4", 4.5, "989 TFLOP/s", "9,000 TFLOP/s"),
        ("int4", 4.125, "989 TFLOP/s", "2,250 TFLOP/s"),
        ("w4a16", 4.125, "989 TFLOP/s", "2,250 TFLOP/s"),
    ],
)
def test_formats_with_scales(precision: str, bits: float, on_h100: str, on_b200: str) -> None:
    assert 8 * width(precision) == bits
    for gpu, peak in (("H100", on_h100), ("B200", on_b200)):
        n = nk.Napkin(model="Llama-3-70B", accelerator=gpu, precision=precision)
        assert 8 * float(n.bytes_per_weight) == bits
        assert str(n.peak_flops) == peak
    assert "products in bf16" in repr(nk.Napkin(model="Llama-3-70B", precision="w4a16"))


def test_formats_with_scales_leave_embedding_and_head_alone() -> None:
    n = nk.Napkin(model="Llama-3-70B", precision="w4a16")
    wide = 2 * 2 * 128_256 * 8192
    assert float(n.weight_bytes) - wide == pytest.approx(
        33 / 64 * (float(n.n_params) - wide / 2), rel=1e-4
    )
    assert n.assume(precision="bf16").weight_bytes.number == 2 * n.n_params.number


def test_a_precision_does_not_say_what_files_weigh_that_are_stored_in_an_unknown_way() -> None:
    unread = model("Llama-3-8B", quant_method="of tomorrow")
    for named in ({"precision": "fp8"}, {"precision": "nvfp4"}, {"scenario": "article"}):
        n = nk.Napkin(model=unread, accelerator="H100", **named)
        assert n.kv_bytes_per_token.number == 65_536 * n.bytes_per_kv.number
        for target in ("weight_bytes", "concurrent_sequences", "decode_memory_time"):
            with pytest.raises(MissingGivenError, match="'of tomorrow'.* give bytes_per_weight"):
                n.assume(context=1000, batch=1)[target]
        assert n.assume(bytes_per_weight=1).weight_bytes.number == 8_030_261_248
        assert float(n.assume(weight_bytes="5 GB", batch=1).weight_bytes_read) < 5e9
    with pytest.raises(MissingGivenError, match="of tomorrow"):
        nk.solve(nk.Napkin(model=unread, accelerator="H100"), "memory", kv_budget="1 GB")


def test_other_words_for_how_weights_are_stored() -> None:
    """MLX writes ``quantization``, early compressed-tensors ``compression_config``."""
    llama = table("models")["Llama-3-8B"]["config"]
    mlx = nk.Model.from_config(llama | {"quantization": {"group_size": 64, "bits": 4}})
    assert "group_size" in mlx.unread
    early = nk.Model.from_config(llama | {"compression_config": FP8})
    assert early.checkpoint_bytes == model("Llama-3-8B", **FP8).checkpoint_bytes


def test_attention_over_a_wide_cache_runs_at_the_wide_peak() -> None:
    n = nk.Napkin(
        model="Llama-3-8B", accelerator="H100", precision="fp8", context=8192, prompt=8192, batch=1
    )
    peak, wide_peak = float(n.peak_flops), float(n.wide_peak_flops)
    narrow = n.assume(kv_precision="fp8")
    by_hand = float(n.weight_flops) / peak + float(n.attention_flops) / wide_peak
    assert float(n.decode_compute_time) == pytest.approx(by_hand)
    assert float(narrow.decode_compute_time) == pytest.approx(float(n.sequence_step_flops) / peak)
    attention = float(n.prefill_attention_flops)
    assert float(n.prefill_compute_time - narrow.prefill_compute_time) == pytest.approx(
        attention / wide_peak - attention / peak
    )
    work = n.function("prefill_compute_time", "bytes_per_kv")  # the width moves once compiled
    assert work(2) == pytest.approx(float(n.prefill_compute_time))
    assert work(1) == pytest.approx(float(narrow.prefill_compute_time))


def test_one_peak_for_all_where_products_have_16_bits() -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="H100", precision="fp8", context=8192)
    narrow = n.assume(kv_precision="fp8")
    assert narrow.assume(bytes_per_kv=2).attention_slowdown == Rational(1979, 989)
    for same in (n.assume(precision="bf16"), n.assume(precision="int4"), narrow, nk.Napkin()):
        assert "attention_slowdown" not in map(str, same.formulas["decode_compute_time"].symbols)
    assert n.attention_slowdown == Rational(1979, 989)
    assert n.assume(peak_flops="989 TFLOP/s").attention_slowdown == 1
    assert n.assume(accelerator="B200", precision="fp4").attention_slowdown == 4
    assert n.assume(accelerator="B300", precision="fp4").attention_slowdown == Rational(
        12_600, 2250
    )
    fp4 = n.assume(accelerator="B200", precision="fp4", kv_precision="fp8")
    assert fp4.attention_slowdown == 2
    assert n.assume("attention_slowdown = 3").attention_slowdown == 3


def test_gpus_exchange_16_bits_whatever_the_weights_have() -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="H100", context=8192, batch=1, n_gpus=8)
    narrow, wide = (n.assume(precision=precision) for precision in ("fp8", "bf16"))
    assert narrow.all_reduce_time == wide.all_reduce_time
    assert narrow.assume(bytes_per_hidden=1).all_reduce_time * 2 == wide.all_reduce_time
