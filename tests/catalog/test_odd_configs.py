"""Malformed configs: an exact answer or a named error, never another exception."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import napkin as nk
from napkin.catalog import table
from napkin.errors import ConfigError, NapkinError

TINY = Path(__file__).parents[1] / "data" / "tiny_configs.json"
CONFIGS = {name: row["config"] for name, row in table("models").items() if "config" in row}
EVERY = [*CONFIGS.values(), *(row["config"] for row in json.loads(TINY.read_text("utf-8")))]
KEYS = sorted({key for config in EVERY for key in config})
MORE = ["layer_types", "sliding_window_pattern", "mlp_only_layers", "q_lora_rank", "head_dim"]
MORE += [
    "architectures",
    "text_config",
    "_name_or_path",
    "quantization_config",
    "n_shared_experts",
    "moe_layer_freq",
    "attention_bias",
]

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 200),
    st.integers(10**9, 10**40),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=5),
    st.sampled_from(["full_attention", "sliding_attention", "qwen3", "gemma3", "llama4"]),
)
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=6,
)
DROPPED = object()


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """Return a config of the catalog with some keys dropped or filled with anything."""
    config = dict(draw(st.sampled_from(EVERY)))
    changes = draw(
        st.dictionaries(
            st.sampled_from([*config, *KEYS, *MORE]),
            st.one_of(st.just(DROPPED), values),
            max_size=3,
        )
    )
    config |= changes
    config = {key: value for key, value in config.items() if value is not DROPPED}
    if draw(st.booleans()):
        outer = draw(st.sampled_from(["gemma3", "llama4", "llava", "qwen2_vl", "qwen2_5_omni"]))
        config = {"model_type": outer, "text_config": config, "thinker_config": config}
    return config


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changed())
@example({"model_type": ["llama"]})
@example({"model_type": "llama", "_name_or_path": 10**5000, "hidden_size": 10**5000})
@example({"model_type": "llama", "architectures": "LlamaForCausalLM"})
@example({"model_type": "gemma3", "text_config": None})
@example({"model_type": "gemma3", "text_config": {"model_type": "gemma3"}})
def test_an_answer_or_a_named_error(config: Mapping[str, Any]) -> None:
    try:
        model = nk.Model.from_config(config)
        indexed = 32 * model.kv_bytes_per_token(1)  # an indexer's key has 33/32 byte an element
        counts = (model.n_params, model.n_params_active, indexed)
    except NapkinError:
        return
    assert all(count.is_Integer and count >= 0 for count in counts)
    shapes = {name for name in model.givens if not name.startswith("bytes_per_")}
    assert all(isinstance(model.givens[name], int) for name in shapes)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=8), values, max_size=5))
def test_any_mapping(config: dict[str, Any]) -> None:
    with pytest.raises(NapkinError):
        nk.Model.from_config({**config, "hidden_size": None})


def config(name: str, **changes: Any) -> dict[str, Any]:
    merged = CONFIGS[name] | changes
    return {key: value for key, value in merged.items() if value is not DROPPED}


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("Llama-3-8B", {"num_local_experts": 8}, "num_local_experts"),
        ("Llama-3-8B", {"moe_intermediate_size": 99}, "moe_intermediate_size"),
        ("Llama-3-8B", {"attention_kind": "linear"}, "attention_kind"),
        ("Llama-3-8B", {"layer_types": ["linear_attention"] * 32}, "layer_types"),
        ("Llama-3-8B", {"sliding_window": 4096}, "sliding_window"),
        ("Llama-3-8B", {"is_encoder_decoder": True}, "is_encoder_decoder"),
        ("Llama-3-8B", {"architectures": ["LlamaModel"]}, "LlamaModel"),
        ("Llama-3-8B", {"architectures": ["Qwen2ForCausalLM"]}, "Qwen2ForCausalLM"),
        ("Llama-3-8B", {"num_hidden_layers": 10**9}, "more than any model has"),
        ("Llama-3-8B", {"num_hidden_layers": 10**5000}, "num_hidden_layers"),
        ("Llama-3-8B", {"vocab_size": math.inf}, "vocab_size"),
        ("Llama-3-8B", {"tie_word_embeddings": "yes"}, "true or false"),
        ("Llama-3-8B", {"hidden_size": [4096, 4096]}, "hidden_size"),
        ("Llama-3-8B", {"foo_bar": 3, "ffn_dim_multiplier": 1.3}, "foo_bar.*ffn_dim_multiplier"),
        ("Llama-3-8B", {"conv_kernel": 4, "qk_rope_head_dim": 64}, "conv_kernel.*qk_rope_head"),
        ("Llama-3-8B", {"use_gated_activation": True}, "use_gated_activation"),
        ("Llama-3-8B", {"pad_vocab_size_multiple": 64}, "pad_vocab_size_multiple"),
        ("DeepSeek-V3", {"attention_bias": True}, "attention_bias is True"),
        ("DeepSeek-V3", {"moe_layer_freq": 2}, "moe_layer_freq is 2"),
        ("DeepSeek-V3", {"index_n_heads": 64}, "index_n_heads"),
        ("gpt-oss-120b", {"layer_types": ["sliding_attention"]}, "must have 36 entries"),
        ("gpt-oss-120b", {"experts_per_token": 8}, "mean the same"),
        (
            "gpt-oss-120b",
            {"sliding_window": None, "layer_types": ["sliding_attention"] * 36},
            "36 of 36 layers have a window, but sliding_window is None",
        ),
        ("gpt-oss-120b", {"sliding_window": 0}, "18 of 36 layers have a window"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_may_change_a_count_is_refused(name: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        nk.Model.from_config(config(name, **changes))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "changes",
    [
        {"rope_scaling": {"factor": 8.0}},
        {"attention_dropout": 0.1},
        {"layer_norm_eps": 1e-5},
        {"quantization_config": {"quant_method": "fp8"}},
        {"num_local_experts": None},
        {"sliding_window": None},
        {"use_sliding_window": False},
        {"architectures": ["LlamaForCausalLM"]},
        {"architectures": None},
        {"foo_bar": None, "bar_layers": 0, "baz": False, "experts": [], "text": ""},
        {"use_cache": True, "auto_map": {"AutoModel": "modeling.Llama"}, "do_sample": True},
        {"_name_or_path": "here", "torch_dtype": "bfloat16", "transformers_version": "4.40"},
        {"unsloth_version": "2026.1", "pad_token": "<pad>", "seq_length": 4096},
    ],
    ids=str,
)
def test_what_changes_no_count_is_let_be(changes: dict[str, Any]) -> None:
    assert nk.Model.from_config(config("Llama-3-8B", **changes)).n_params == 8_030_261_248


def test_a_key_inside_a_part_that_is_read_must_be_known() -> None:
    dbrx = {"model_type": "dbrx", "d_model": 64, "n_heads": 4, "n_layers": 2, "vocab_size": 99}
    attention = {"kv_n_heads": 2, "clip_qkv": 8, "attn_pdrop": 0.1}
    experts = {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2, "moe_loss_weight": 0.1}
    whole = dbrx | {"attn_config": attention, "ffn_config": experts}
    assert nk.Model.from_config(whole).givens["n_kv_heads"] == 2
    with pytest.raises(ConfigError, match=r"ffn_config\.moe_shared"):
        nk.Model.from_config(whole | {"ffn_config": experts | {"moe_shared": 1}})


def nested(outer: bool | None, inner: bool | None, kind: str = "gemma3") -> dict[str, Any]:
    text: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 6, "intermediate_size": 32}
    whole: dict[str, Any] = {"model_type": kind, "text_config": text}
    for part, tied in ((whole, outer), (text, inner)):
        part |= {} if tied is None else {"tie_word_embeddings": tied}
    return whole


def test_the_part_that_is_heeded_says_whether_the_head_is_the_embedding() -> None:
    def tied(*args: Any) -> float:
        return float(nk.Model.from_config(nested(*args)).givens["tied_embeddings"])

    assert [tied(None, None), tied(False, True), tied(True, False)] == [1, 0, 1]
    assert [tied(None, True, "llava"), tied(None, None, "llava")] == [1, 0]
    assert [tied(True, None, "llama4"), tied(False, True, "llama4")] == [0, 1]
    for args in ((None, False), (None, None, "mistral3"), (True, None, "mllama")):
        with pytest.raises(ConfigError, match="leaves open"):
            tied(*args)


def test_a_nested_config_leaves_out_what_is_the_default() -> None:
    """With the widths of Gemma-3-4B, which its config.json does not hold."""
    text = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34}
    model = nk.Model.from_config(
        {"model_type": "gemma3", "text_config": {**text, "model_type": "gemma3_text"}}
    )
    expected = {"n_heads": 8, "n_kv_heads": 4, "d_head": 256, "n_vocab": 262_208}
    assert expected.items() <= model.givens.items()
    with pytest.raises(ConfigError, match="num_attention_heads"):
        nk.Model.from_config({**text, "model_type": "gemma3_text", "vocab_size": 262_208})
