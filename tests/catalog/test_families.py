"""Families whose files come in several forms, and what an error about a config advises."""

import re
from typing import Any

import pytest

import napkin as nk
from napkin.catalog import table
from napkin.errors import ConfigError

LLAMA: dict[str, Any] = table("models")["Llama-3-8B"]["config"]
GLM: dict[str, Any] = {  # the file of GLM-5.2: 21 of 78 layers have an indexer of their own
    "model_type": "glm_moe_dsa",
    "num_hidden_layers": 78,
    "hidden_size": 6144,
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "head_dim": 64,
    "intermediate_size": 12288,
    "vocab_size": 154880,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 2048,
    "first_k_dense_replace": 3,
    "kv_lora_rank": 512,
    "q_lora_rank": 2048,
    "qk_nope_head_dim": 192,
    "qk_rope_head_dim": 64,
    "v_head_dim": 256,
    "index_head_dim": 128,
    "index_n_heads": 32,
    "index_topk": 2048,
    "index_topk_freq": 4,
    "index_skip_topk_offset": 3,
    "index_share_for_mtp_iteration": True,
    "num_nextn_predict_layers": 1,
    "layer_types": ["deepseek_sparse_attention"] * 78,
    "indexer_types": ["full", "full", *["full", "shared", "shared", "shared"] * 19],
}
PATTERN = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME"
NANO: dict[str, Any] = {  # the file of Nemotron-3-Nano-30B-A3B
    "model_type": "nemotron_h",
    "num_hidden_layers": 52,
    "hidden_size": 2688,
    "intermediate_size": 1856,
    "vocab_size": 131072,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "mamba_num_heads": 64,
    "mamba_head_dim": 64,
    "ssm_state_size": 128,
    "n_groups": 8,
    "conv_kernel": 4,
    "use_conv_bias": True,
    "n_routed_experts": 128,
    "n_shared_experts": 1,
    "num_experts_per_tok": 6,
    "moe_intermediate_size": 1856,
    "moe_shared_expert_intermediate_size": 3712,
    "mamba_ssm_cache_dtype": "float32",
}
BLOCKS = [{"M": "mamba", "E": "moe", "*": "attention"}[letter] for letter in PATTERN]
SPARSE = [0] * 3 + [1] * 57
M3: dict[str, Any] = {  # the text part of the file of MiniMax-M3
    "model_type": "minimax_m3",
    "num_hidden_layers": 60,
    "hidden_size": 6144,
    "intermediate_size": 3072,
    "dense_intermediate_size": 12288,
    "shared_intermediate_size": 3072,
    "vocab_size": 200064,
    "num_attention_heads": 64,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "num_local_experts": 128,
    "num_experts_per_tok": 4,
    "n_shared_experts": 1,
    "use_qk_norm": True,
    "qk_norm_type": "per_head",
    "use_routing_bias": True,
    "use_gemma_norm": True,
    "moe_layer_freq": SPARSE,
    "sparse_attention_config": {
        "use_sparse_attention": True,
        "sparse_index_dim": 128,
        "sparse_num_index_heads": 4,
        "sparse_disable_index_value": SPARSE,
        "sparse_attention_freq": SPARSE,
    },
}


def read(config: dict[str, Any], **changes: Any) -> nk.Model:
    changed = config | changes
    return nk.Model.from_config({key: value for key, value in changed.items() if value is not ...})


# ------------------------------------------------- counts, by transformers 5.24.0


def test_layers_that_share_an_indexer_have_none_of_their_own() -> None:
    model = read(GLM)
    assert model.n_params == 743_377_000_704
    assert model.givens["n_layers_indexed"] == 21
    assert model.n_params - read(GLM, indexer_types=["full"] * 78).n_params == -57 * (
        model.count("indexer_params")
    )


def test_a_pattern_and_a_list_of_blocks_say_the_same() -> None:
    models = [
        read(NANO, hybrid_override_pattern=PATTERN),
        read(NANO, layers_block_type=BLOCKS, mtp_layers_block_type=["attention", "moe"]),
        read(NANO, layers_block_type=BLOCKS, num_hidden_layers=...),
        read(NANO, layers_block_type=BLOCKS, hybrid_override_pattern=PATTERN),
    ]
    assert {model.n_params for model in models} == {31_577_937_344}
    assert all(model.givens == models[0].givens for model in models)
    with pytest.raises(ConfigError, match="layers_block_type and .*_pattern list different"):
        read(NANO, layers_block_type=BLOCKS, hybrid_override_pattern=PATTERN[::-1])


def test_experts_that_work_in_a_narrower_space() -> None:
    """Nemotron-3-Super-120B-A12B."""
    shapes = {
        "hidden_size": 4096,
        "mamba_num_heads": 128,
        "n_routed_experts": 512,
        "num_experts_per_tok": 22,
        "moe_latent_size": 1024,
        "moe_intermediate_size": 2688,
        "moe_shared_expert_intermediate_size": 5376,
        "num_hidden_layers": 88,
    }
    model = read(NANO, layers_block_type=["mamba", "moe"] * 40 + ["attention"] * 8, **shapes)
    assert model.n_params == 120_668_687_360
    assert model.n_params_active == 12_233_346_048


@pytest.mark.parametrize(("width", "mebibytes"), [("float32", 46.81), ("float16", 23.81)])
def test_the_data_type_of_the_config_is_the_width_of_the_state(
    width: str, mebibytes: float
) -> None:
    model = read(NANO, hybrid_override_pattern=PATTERN, mamba_ssm_cache_dtype=width)
    state = nk.Napkin(model=model, bytes_per_kv=2).state_bytes.number
    assert state / 2**20 == pytest.approx(mebibytes, abs=0.005)


def test_an_indexer_of_blocks() -> None:
    model = read(M3)
    outer = {"model_type": "minimax_m3_vl", "text_config": M3, "vision_config": {"hidden_size": 9}}
    assert model.n_params == read(outer).n_params == 426_174_565_632
    assert model.n_params_active == 24_733_273_344
    assert model.layers == {"full": 60}
    assert model.givens["n_layers_dense"] == 3
    for width in (1, 2):
        kept = width * (60 * 2 * 4 * 128 + 57 * 128)
        assert model.kv_bytes_per_token(width) == kept
        assert nk.Napkin(model=M3, bytes_per_kv=width).kv_bytes_per_token.number == kept


@pytest.mark.parametrize(
    ("config", "total"),
    [
        # the total of the hub for OPT-125M; DBRX is published as 132B, ERNIE-4.5-21B as 21.8B
        (
            {
                "model_type": "opt",
                "hidden_size": 768,
                "word_embed_proj_dim": 768,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "ffn_dim": 3072,
                "vocab_size": 50272,
                "max_position_embeddings": 2048,
                "do_layer_norm_before": True,
            },
            125_239_296,
        ),
        (
            {
                "model_type": "exaone",
                "hidden_size": 4096,
                "num_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "intermediate_size": 14336,
                "vocab_size": 102400,
                "activation_function": "silu",
            },
            7_818_448_896,
        ),
        (
            {
                "model_type": "dbrx",
                "d_model": 6144,
                "n_heads": 48,
                "n_layers": 40,
                "max_seq_len": 32768,
                "vocab_size": 100352,
                "attn_config": {"clip_qkv": 8, "kv_n_heads": 8, "rope_theta": 500000},
                "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
            },
            131_596_523_520,
        ),
        (
            {
                "model_type": "ernie4_5_moe",
                "hidden_size": 2560,
                "intermediate_size": 12288,
                "moe_intermediate_size": 1536,
                "num_hidden_layers": 28,
                "num_attention_heads": 20,
                "num_key_value_heads": 4,
                "vocab_size": 103424,
                "moe_num_experts": 64,
                "moe_num_shared_experts": 2,
                "moe_k": 6,
                "moe_layer_start_index": 1,
                "moe_layer_end_index": -1,
                "moe_capacity": [64, 64, 64],
                "moe_gate": "topk",
                "use_rmsnorm": True,
            },
            21_825_437_888,
        ),
    ],
    ids=lambda part: part["model_type"] if isinstance(part, dict) else "",
)
def test_names_of_one_s_own_for_the_usual_shapes(config: dict[str, Any], total: int) -> None:
    assert nk.Model.from_config(config).n_params == total


# ------------------------------------------------------------ what an error advises


def test_everything_that_is_unknown_is_listed_at_once() -> None:
    odd = {"expert_kind": "x", "moe_layer_list": [1] * 99, "sparse_share": 3, "num_blobs": 4}
    with pytest.raises(ConfigError) as caught:
        read(LLAMA, **odd)
    assert re.findall(r"'(\w+)' \(", str(caught.value)) == list(odd)
    assert len(str(caught.value)) < 500
    with pytest.raises(ConfigError, match="'hidden_size', 'vocab_size'"):
        read(LLAMA, **odd, hidden_size=..., vocab_size=...)
    with pytest.raises(ConfigError, match="layer_types is .* is_encoder_decoder is True"):
        read(LLAMA, **odd, layer_types=["linear_attention"] * 32, is_encoder_decoder=True)


@pytest.mark.parametrize("wrong", [{"hidden_size": ...}, {"num_key_value_heads": 5}, {}])
def test_what_the_advice_removes_is_the_last_that_is_wrong(wrong: dict[str, Any]) -> None:
    """Whoever follows "once you remove" has a count, not the next refusal."""
    changes: dict[str, Any] = wrong | {"expert_kind": "x"}
    while True:
        try:
            assert read(LLAMA, **changes).n_params == 8_030_261_248
            return
        except ConfigError as reason:
            if "once you remove" in str(reason):
                del changes["expert_kind"]
                assert read(LLAMA, **changes).n_params == 8_030_261_248
                return
            changes.pop(next(iter(changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"output_gate_type": "swish"},
        {"mlp_hidden_act_fn": "gelu", "hidden_activation": "relu"},
        {"expert_capacity": 64, "router_capacity_factor": 1.25, "moe_capacity_factor": 2},
        {"embedding_initializer_range": 0.02, "expert_init_std": 0.01},
        {"ffn_dropout": 0.1, "expert_dropout_prob": 0.1, "decoder_layerdrop": 0.1},
        {"num_layers": 32, "n_heads": 32, "d_model": 4096},
        {"swiglu_limits_shared": [7.0], "moe_router_score_function": "sigmoid"},
        {"tensor_parallel_size": 8, "kv_cache_scheme": {"num_bits": 8}},
    ],
    ids=str,
)
def test_what_certainly_changes_no_count_is_let_be(changes: dict[str, Any]) -> None:
    assert read(LLAMA, **changes).n_params == 8_030_261_248


def test_keys_of_the_first_files_of_cohere2() -> None:
    config = {"model_type": "cohere2", "hidden_size": 64, "num_hidden_layers": 4, "vocab_size": 99}
    config |= {"num_attention_heads": 4, "intermediate_size": 32, "sliding_window": 8}
    more = {"layer_switch": 4, "order_of_interleaved_layers": "local_attn_first", "rotary_pct": 1.0}
    more |= {"use_parallel_block": True, "use_gated_activation": True, "use_parallel_embedding": 0}
    assert read(config, **more).givens["n_layers_window"] == 3
    with pytest.raises(ConfigError, match="layer_switch is 2"):
        read(config, **(more | {"layer_switch": 2}))


def test_an_alias_with_another_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="num_hidden_layers and num_layers mean the same"):
        read(LLAMA, num_layers=31)


@pytest.mark.parametrize("shared", [5, 7, 64, 0])
def test_key_value_heads_divide_the_query_heads(shared: int) -> None:
    with pytest.raises(ConfigError, match=f"num_key_value_heads is {shared}, .*1, 2, 4, 8, 16, 32"):
        read(LLAMA, num_key_value_heads=shared)


@pytest.mark.parametrize("kind", ["step3_text", "step3_vl"])
def test_what_nothing_confirms_is_refused_by_name(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"'{kind}' is not supported: .*no published count"):
        read({"model_type": kind})


def test_an_embedding_of_another_width_is_projected() -> None:
    """The total of the hub for OPT-350M, which has no norm at its end either."""
    config = {"model_type": "opt", "hidden_size": 1024, "num_hidden_layers": 24, "ffn_dim": 4096}
    config |= {"num_attention_heads": 16, "vocab_size": 50272, "max_position_embeddings": 2048}
    found = read(config, word_embed_proj_dim=512, do_layer_norm_before=False)
    assert found.n_params == found.n_params_active == 331_196_416
    assert found.kv_bytes_per_token() == 2 * 24 * 1024 * 2
    wider = read(config, word_embed_proj_dim=2048, do_layer_norm_before=False)
    assert wider.n_params - found.n_params == 1536 * (50_272 + 2 * 1024)
    square = read(config, do_layer_norm_before=False).n_params
    assert square - found.n_params == 50_272 * 512 - 2 * 512 * 1024
    with pytest.raises(ConfigError, match="hidden_size and word_embed_proj_dim .* differ"):
        read(config, word_embed_proj_dim=512)
