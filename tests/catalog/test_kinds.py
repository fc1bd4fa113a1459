"""Models of several kinds of layer: published totals, caches that engines logged, mixtures."""

from typing import Any

import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog import table
from napkin.catalog.model import _KINDS
from napkin.errors import ConfigError
from napkin.formulas.layers import n_layers_full
from tests.evaluating import Shape, compute, total

MIB = 2**20
GIB = 2**30

# LiquidAI/LFM2-1.2B, config.json
LFM2 = {
    "model_type": "lfm2",
    "architectures": ["Lfm2ForCausalLM"],
    "block_auto_adjust_ff_dim": True,
    "block_dim": 2048,
    "block_ff_dim": 12288,
    "block_ffn_dim_multiplier": 1.0,
    "block_mlp_init_scale": 1.0,
    "block_multiple_of": 256,
    "block_norm_eps": 1e-05,
    "block_out_init_scale": 1.0,
    "block_use_swiglu": True,
    "block_use_xavier_init": True,
    "conv_L_cache": 3,
    "conv_bias": False,
    "conv_dim": 2048,
    "conv_dim_out": 2048,
    "conv_use_xavier_init": True,
    "full_attn_idxs": [2, 5, 8, 10, 12, 14],
    "hidden_size": 2048,
    "max_position_embeddings": 128000,
    "norm_eps": 1e-05,
    "num_attention_heads": 32,
    "num_heads": 32,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "rope_theta": 1000000.0,
    "use_pos_enc": True,
    "vocab_size": 65536,
}
# tiiuae/Falcon-H1-1.5B-Instruct: its shapes, as its model card and config.json say them
FALCON_H1 = {
    "model_type": "falcon_h1",
    "architectures": ["FalconH1ForCausalLM"],
    "attn_layer_indices": None,
    "head_dim": 128,
    "hidden_size": 2048,
    "intermediate_size": 4608,
    "mamba_chunk_size": 128,
    "mamba_d_conv": 4,
    "mamba_d_head": 64,
    "mamba_d_ssm": 3072,
    "mamba_d_state": 256,
    "mamba_expand": 2,
    "mamba_n_groups": 1,
    "mamba_n_heads": 48,
    "mamba_norm_before_gate": False,
    "mamba_rms_norm": True,
    "num_attention_heads": 8,
    "num_hidden_layers": 24,
    "num_key_value_heads": 2,
    "vocab_size": 65537,
}
# moonshotai/Kimi-Linear-48B-A3B-Instruct, config.json
KDA = [layer for layer in range(1, 27) if layer % 4]
KIMI = {
    "model_type": "kimi_linear",
    "architectures": ["KimiLinearForCausalLM"],
    "first_k_dense_replace": 1,
    "head_dim": 72,
    "hidden_act": "silu",
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "kv_lora_rank": 512,
    "linear_attn_config": {
        "full_attn_layers": [4, 8, 12, 16, 20, 24, 27],
        "head_dim": 128,
        "kda_layers": KDA,
        "num_heads": 32,
        "short_conv_kernel_size": 4,
    },
    "mla_use_nope": True,
    "model_max_length": 1048576,
    "moe_intermediate_size": 1024,
    "moe_layer_freq": 1,
    "moe_renormalize": True,
    "moe_router_activation_func": "sigmoid",
    "num_attention_heads": 32,
    "num_expert_group": 1,
    "num_experts": 256,
    "num_experts_per_token": 8,
    "num_hidden_layers": 27,
    "num_key_value_heads": 32,
    "num_nextn_predict_layers": 0,
    "num_shared_experts": 1,
    "q_lora_rank": None,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "rope_theta": 10000.0,
    "routed_scaling_factor": 2.446,
    "tie_word_embeddings": False,
    "topk_group": 1,
    "use_grouped_topk": True,
    "v_head_dim": 128,
    "vocab_size": 163840,
}
DEEPSEEK_V32 = table("models")["DeepSeek-V3"]["config"] | {
    "model_type": "deepseek_v32",
    "architectures": ["DeepseekV32ForCausalLM"],
    "index_head_dim": 128,
    "index_n_heads": 64,
    "index_topk": 2048,
}
# zai-org/GLM-5.3: what of its config.json counts
GLM = {
    "model_type": "glm_moe_dsa",
    "architectures": ["GlmMoeDsaForCausalLM"],
    "first_k_dense_replace": 3,
    "hidden_size": 6144,
    "index_head_dim": 128,
    "index_n_heads": 32,
    "index_share_for_mtp_iteration": True,
    "index_topk": 2048,
    "index_topk_freq": 4,
    "indexer_types": ["full"] * 3 + ["shared", "shared", "shared", "full"] * 18 + ["shared"] * 3,
    "intermediate_size": 12288,
    "kv_lora_rank": 512,
    "mlp_layer_types": ["dense"] * 3 + ["sparse"] * 75,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_attention_heads": 64,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 78,
    "num_key_value_heads": 64,
    "num_nextn_predict_layers": 1,
    "q_lora_rank": 2048,
    "qk_head_dim": 256,
    "qk_nope_head_dim": 192,
    "qk_rope_head_dim": 64,
    "v_head_dim": 256,
    "vocab_size": 154880,
}
# nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16, config.json
NEMOTRON = {
    "model_type": "nemotron_h",
    "architectures": ["NemotronHForCausalLM"],
    "attention_bias": False,
    "conv_kernel": 4,
    "expand": 2,
    "head_dim": 128,
    "hidden_size": 2688,
    "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME",
    "intermediate_size": 1856,
    "mamba_head_dim": 64,
    "mamba_num_heads": 64,
    "mamba_proj_bias": False,
    "mamba_ssm_cache_dtype": "float32",
    "mlp_bias": False,
    "moe_intermediate_size": 1856,
    "moe_shared_expert_intermediate_size": 3712,
    "n_groups": 8,
    "n_routed_experts": 128,
    "n_shared_experts": 1,
    "num_attention_heads": 32,
    "num_experts_per_tok": 6,
    "num_hidden_layers": 52,
    "num_key_value_heads": 2,
    "ssm_state_size": 128,
    "tie_word_embeddings": False,
    "use_bias": False,
    "use_conv_bias": True,
    "vocab_size": 131072,
}


def expect(found: Any, logged: float, tolerance: float = 0) -> None:
    """Compare a number with what was logged, and say how far it is off."""
    error = float(found) / logged - 1
    assert abs(error) <= tolerance, f"{float(found):,.2f}, logged {logged:,.2f}: {error:+.3%}"


# ------------------------------------------------------------------------ parameters

# Of one token as well, which transformers 5.24.0 counted on the meta device. The checkpoint of
# Kimi Linear holds 49,122,681,728: the correction bias of each expert in 26 layers is no parameter
# of its code, but a buffer. The other totals are those of the checkpoints.
COUNTS = {
    "LFM2-1.2B": (LFM2, 1_170_340_608, 1_170_340_608),
    "Falcon-H1-1.5B": (FALCON_H1, 1_554_863_488, 1_420_643_712),
    "Kimi-Linear-48B-A3B": (KIMI, 49_122_681_728 - 26 * 256, 3_106_965_888),
    "DeepSeek-V3.2": (DEEPSEEK_V32, 671_877_929_216, 37_477_128_448),
    "GLM-5.3": (GLM, 743_377_000_704, 40_298_928_384),
    "Nemotron-3-Nano": (NEMOTRON, 31_577_937_344, 3_227_751_872),
}


@pytest.mark.parametrize("name", COUNTS)
def test_published_totals(name: str) -> None:
    config, total, active = COUNTS[name]
    model = nk.Model.from_config(config)
    assert model.n_params == total
    assert model.n_params_active == active


def test_layers_by_kind() -> None:
    assert nk.Model.from_config(LFM2).layers == {"full": 6, "short convolution": 10}
    assert nk.Model.from_config(FALCON_H1).layers == {"full": 24, "state space": 24}
    assert nk.Model.from_config(KIMI).layers == {"full": 7, "linear": 20}


def test_one_layer_of_kimi_delta_attention() -> None:
    """Its weights one by one: 4 heads with keys of 3 and values of 5, width 7, 4 taps."""
    keys, values, d, narrow = 4 * 3, 4 * 5, 7, 5
    shapes: list[Shape] = [(keys, d), (keys, d), (values, d), (d, values)]  # query to output
    shapes += [(keys, 4), (keys, 4), (values, 4)]  # the convolutions of the first three
    shapes += [(narrow, d), (keys, narrow), (keys,), (4,)]  # how fast each channel fades
    shapes += [(narrow, d), (values, narrow), (narrow,)]  # gate and norm of the output
    shapes += [(4, d)]  # step size
    given = {
        "d_model": d,
        "n_linear_key_heads": 4,
        "d_linear_key": 3,
        "n_linear_value_heads": 4,
        "d_linear_value": 5,
        "conv_kernel": 4,
    }
    assert compute("linear_attention_params", "kda", **given) == total(shapes)


@pytest.mark.parametrize("name", COUNTS)
def test_work_and_time_follow(name: str) -> None:
    given: dict[str, Any] = {"context": 5000, "prompt": 4000, "batch": 3, "n_gpus": 16}
    given |= {"tensor_parallel": 1}  # groups of one share the heads evenly
    n = nk.Napkin(model=COUNTS[name][0], accelerator="B200", precision="fp8").assume(**given)
    assert 0 < n.decode_step_time.number < n.ttft.number * 1000
    assert n.concurrent_sequences > 1


# ---------------------------------------------------------------------------- caches


def test_cache_of_short_convolutions() -> None:
    """384 MiB at 32,768 tokens in f16: 6 of 16 layers keep keys and values of 8 heads of 64."""
    model = nk.Model.from_config(LFM2)
    assert model.kv_bytes_per_token() == 6 * 2 * 8 * 64 * 2 == 12_288
    expect(32_768 * model.kv_bytes_per_token(), 384 * MIB)
    assert model.count("state_bytes", bytes_per_kv=2) == 10 * (3 - 1) * 2048 * 2


def test_cache_of_attention_beside_state_space() -> None:
    """llama.cpp with Falcon-H1-1.5B, 32,768 cells: K 384 + V 384 MiB, R 0.98 + S 72.00 MiB."""
    model = nk.Model.from_config(FALCON_H1)
    assert model.kv_bytes_per_token() == 24 * 2 * 2 * 128 * 2
    expect(32_768 * model.kv_bytes_per_token(), 768.00 * MIB)
    state = 24 * 48 * 64 * 256 * 4
    tail = 24 * (4 - 1) * (3072 + 2 * 256) * 4  # it keeps the convolution in f32, too
    assert model.count("state_bytes", bytes_per_kv=4) == state + tail
    expect(state, 72.00 * MIB)
    expect(tail, 0.98 * MIB, 0.005 / 0.98)
    expect(model.count("state_bytes", bytes_per_kv=4), 72.98 * MIB, 0.005 / 72.98)


def test_cache_of_latent_beside_linear_attention() -> None:
    """vLLM 0.11 with Kimi Linear on two GPUs: 2.3 GiB each hold 2.48 requests of 120,000 tokens.

    The latent vector lies on both GPUs, the state of the linear layers is split.
    """
    model = nk.Model.from_config(KIMI)
    a_token = model.kv_bytes_per_token()
    assert a_token == 7 * (512 + 64) * 2 == 8064
    expect(a_token, 2.3 * GIB / (2.48 * 120_000), 0.03)
    state = model.count("state_bytes", bytes_per_kv=2)
    assert state == 20 * 32 * 128 * (128 * 4 + 3 * (4 - 1) * 2)
    expect(120_000 * a_token + state / 2, 2.3 * GIB / 2.48, 0.01)


def test_cache_of_an_indexer() -> None:
    """SGLang with DeepSeek-V3.2: 48,072 bytes a token, of 656 a layer and 132 for its indexer."""
    model = nk.Model.from_config(DEEPSEEK_V32)
    found = model.kv_bytes_per_token(Rational(656, 512 + 64))
    assert found == 61 * (656 + 128 + 4)
    expect(found, 48_072, 0.0001)


def test_layers_that_share_an_indexer_keep_no_key() -> None:
    shared = nk.Model.from_config(GLM)
    every = nk.Model.from_config(GLM | {"indexer_types": ["full"] * 78})
    indexer = 2048 * 32 * 128 + 6144 * (128 + 32) + 2 * 128
    assert every.n_params - shared.n_params == (78 - 21) * indexer
    assert every.kv_bytes_per_token() - shared.kv_bytes_per_token() == (78 - 21) * 132
    assert shared.kv_bytes_per_token() == 78 * 576 * 2 + 21 * 132


# ------------------------------------------------------------------- widths of states


@pytest.mark.parametrize(
    ("kept", "logged"), [("float32", 46.8), ("float16", 23.8), ("bfloat16", 23.8)]
)
def test_the_config_says_how_wide_a_state_is(kept: str, logged: float) -> None:
    model = nk.Model.from_config(NEMOTRON | {"mamba_ssm_cache_dtype": kept})
    width = {"float32": 4}.get(kept, 2)
    state = 23 * (64 * 64 * 128 * width + 3 * (64 * 64 + 2 * 8 * 128) * 2)
    assert model.count("state_bytes", bytes_per_kv=2) == state
    expect(state, logged * MIB, 0.05 / logged)
    n = nk.Napkin(model=NEMOTRON | {"mamba_ssm_cache_dtype": kept}, bytes_per_kv=2)
    assert n.state_bytes.number == state
    assert n.assume(bytes_per_state=8).bytes_per_state.number == 8


@pytest.mark.parametrize("key", ["mamba_ssm_dtype", "mamba_ssm_cache_dtype"])
@pytest.mark.parametrize(
    "config", [FALCON_H1, KIMI, NEMOTRON, table("models")["Qwen3-Next-80B-A3B"]["config"]]
)
def test_the_width_of_a_state_in_every_family(config: dict[str, Any], key: str) -> None:
    bare = {name: value for name, value in config.items() if name != "mamba_ssm_cache_dtype"}
    assert "bytes_per_state" not in nk.Model.from_config(bare).givens
    assert nk.Model.from_config(bare | {key: "bfloat16"}).givens["bytes_per_state"] == 2
    for odd in ("int7", 2, True, ["float32"]):
        with pytest.raises(ConfigError, match=rf"{key} is .* Known data types: 'float32'"):
            nk.Model.from_config(bare | {key: odd})


# ------------------------------------------------------------- what a config may say


@pytest.mark.parametrize(
    ("changes", "width"),
    [
        ({}, 8192),  # 2/3 of 12,288
        ({"block_auto_adjust_ff_dim": False}, 12_288),
        ({"block_ff_dim": 100}, 256),  # 66, up to a multiple of 256
        ({"block_ffn_dim_multiplier": 1.3}, 10_752),  # 10,649.6, rounded down, then up
        ({"block_ffn_dim_multiplier": None, "block_ff_dim": 100}, 66),
        ({"block_multiple_of": 1000}, 9000),
    ],
)
def test_width_of_a_feed_forward_layer_that_is_adjusted(
    changes: dict[str, Any], width: int
) -> None:
    assert nk.Model.from_config(LFM2 | changes).givens["d_ff"] == width


@pytest.mark.parametrize(
    ("config", "changes", "words"),
    [
        (LFM2, {"block_ffn_dim_multiplier": "1.0"}, "multiplier .* must be above 0"),
        (LFM2, {"block_ffn_dim_multiplier": float("nan")}, "multiplier .* must be above 0"),
        (LFM2, {"block_ffn_dim_multiplier": True}, "multiplier .* must be above 0"),
        (LFM2, {"block_multiple_of": 0}, "block_multiple_of 0 must be above 0"),
        (LFM2, {"block_multiple_of": 2.5}, "block_multiple_of must be a whole number"),
        (LFM2, {"intermediate_size": 8192}, "mean the same"),
        (LFM2, {"full_attn_idxs": None}, "'layer_types' or 'full_attn_idxs'"),
        (FALCON_H1, {"mamba_d_head": "auto", "mamba_d_ssm": 3001}, "mamba_d_ssm 3001 must be a"),
        (FALCON_H1, {"mamba_d_head": "wide"}, "mamba_d_head must be a whole number"),
        (GLM, {"indexer_types": None}, "index_topk_freq is 4"),
        (KIMI, {"linear_attn_config": {"kda_layers": [0]}}, "must list layers from 1 to 27"),
        (KIMI, {"linear_attn_config": {"kda_layers": [28]}}, "must list layers from 1 to 27"),
        (KIMI, {"tie_word_embeddings": True}, "tie_word_embeddings is True"),
        (KIMI, {"linear_attn_config": None}, "linear_attn_config"),
    ],
)
def test_what_is_refused(config: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    parts = config.get("linear_attn_config")
    if isinstance(changes.get("linear_attn_config"), dict) and parts:
        changes = {"linear_attn_config": parts | changes["linear_attn_config"]}
    with pytest.raises(ConfigError, match=words):
        nk.Model.from_config(config | changes)


# --------------------------------------------------------------------------- mixtures


def test_latent_attention_with_linear_layers() -> None:
    """DeepSeek-V3 where 46 of 61 layers have 64 heads of Gated DeltaNet, 128 wide."""
    linear = {
        "n_layers_linear": 46,
        "n_linear_key_heads": 64,
        "n_linear_value_heads": 64,
        "d_linear_key": 128,
        "d_linear_value": 128,
        "conv_kernel": 4,
    }
    plain = nk.Napkin(model="DeepSeek-V3", bytes_per_kv=2, context=100_000)
    n = plain.assume(**linear)
    state = 46 * 64 * 128 * (128 * 4 + 3 * (4 - 1) * 2)
    assert n.kv_bytes_per_token.number == (61 - 46) * (512 + 64) * 2
    assert n.kv_bytes_per_sequence.number == 100_000 * 15 * 576 * 2 + state
    d, wide, heads = 7168, 64 * 128, 128
    latent = d * 1536 + 1536 + 1536 * heads * 192  # queries
    latent += d * 576 + 512 + 512 * heads * 256 + heads * 128 * d
    delta = 4 * d * wide + wide * d  # query, key, value, gate; output
    delta += 2 * d * 64 + 2 * 64 + 4 * 3 * wide + 128
    assert n.n_params.number - plain.n_params.number == 46 * (delta - latent)


def test_windows_beside_state_space() -> None:
    """Ten layers, one by one: three see 1,000 tokens, five keep a state, two see everything."""
    layers = ["window"] * 3 + ["ssm"] * 5 + ["full"] * 2
    model = {
        "n_layers": 10,
        "n_layers_window": 3,
        "window": 1000,
        "n_layers_ssm": 5,
        "n_heads": 16,
        "n_kv_heads": 4,
        "d_head": 64,
        "d_model": 1024,
        "d_ff": 3000,
        "n_vocab": 5000,
        "n_ssm_heads": 32,
        "d_ssm_head": 64,
        "d_ssm_state": 128,
        "n_ssm_groups": 2,
        "conv_kernel": 4,
    }
    inner, mixed = 32 * 64, 32 * 64 + 2 * 2 * 128
    for context in (500, 1000, 20_000):
        n = nk.Napkin(bytes_per_kv=2).assume(context=context, **model)
        kept = {
            "full": 2 * 4 * 64 * 2 * context,
            "window": 2 * 4 * 64 * 2 * min(context, 1000),
            "ssm": inner * 128 * 4 + 3 * mixed * 2,
        }
        assert n.kv_bytes_per_sequence.number == sum(kept[kind] for kind in layers)
        work = {
            "full": 2 * 2 * 16 * 64 * context,
            "window": 2 * 2 * 16 * 64 * min(context, 1000),
            "ssm": 3 * 2 * inner * 128,
        }
        assert n.attention_flops.number == sum(work[kind] for kind in layers)
    attention = 2 * 1024 * 64 * (16 + 4)
    ssm = 1024 * (inner + mixed + 32) + 4 * mixed + 3 * 32 + inner + inner * 1024
    weights = {"full": attention, "window": attention, "ssm": ssm}
    rest = 2 * 5000 * 1024 + 10 * (3 * 1024 * 3000 + 2 * 1024) + 1024
    assert n.n_params.number == sum(weights[kind] for kind in layers) + rest
    bare = n.assume(ssm_norm=0, ssm_in_bias=1, ssm_out_bias=1)
    assert bare.n_params.number - n.n_params.number == 5 * (mixed + 32 + 1024)


def test_attention_beside_state_space_counts_a_layer_twice() -> None:
    """A layer of both kinds keeps keys, values and a state, and has one feed-forward part."""
    both = nk.Model.from_config(FALCON_H1)
    one = {"n_layers_ssm": 0, "n_layers_parallel": 0}
    attention = 2048 * 128 * (8 + 2) * 2
    inner, mixed = 48 * 64, 48 * 64 + 2 * 256
    ssm = 2048 * (inner + mixed + 48) + (4 + 1) * mixed + 3 * 48 + inner + inner * 2048
    assert both.count("attention_params") == 24 * (attention + ssm)
    assert both.count("attention_params", **one) == 24 * attention
    assert both.count("mlp_params") == 24 * 3 * 2048 * 4608


def test_a_kind_of_layer_in_the_formula_is_in_the_tables_of_the_catalog() -> None:
    """A kind left out of a table is counted as full attention, or as of the usual width."""
    kinds = {symbol.name for symbol in n_layers_full.expression.free_symbols}
    kinds -= {"n_layers", "n_layers_parallel"}
    assert len(kinds) >= 6
    assert set(_KINDS.values()) == kinds
