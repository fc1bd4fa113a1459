"""Real config.json files: every count against one that another library made."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog import table
from napkin.errors import ConfigError, MissingGivenError, NoFormulaError

CONFIGS = Path(__file__).parents[3] / "shared" / "configs"


def _truth() -> list[dict[str, str]]:
    if not CONFIGS.exists():
        return []
    with (CONFIGS / "truth.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _rows(*expected: str) -> list[dict[str, str]]:
    """Return the rows whose expectation is one of these, for which there is a file."""
    return [row for row in _truth() if row["expected"].startswith(expected) and _path(row).exists()]


def _path(row: dict[str, str]) -> Path:
    return CONFIGS / "json" / f"{row['name']}.json"


def _name(row: dict[str, str]) -> str:
    return row["name"]


COUNTED = _rows("number")
CACHED = [row for row in COUNTED if row["kv_elements_per_token_all_global"]]
needs_files = pytest.mark.skipif(
    not CONFIGS.exists(),
    reason="the published config files are not here: tests/data has smaller ones",
)


@needs_files
@pytest.mark.parametrize("row", COUNTED, ids=_name)
def test_parameters(row: dict[str, str]) -> None:
    model = nk.Model.from_config(_path(row))
    total, routed = int(row["total_params_text"]), int(row["routed_expert_params"] or 0)
    assert model.n_params == total
    active = Rational(row["active_params_per_token_text"])
    if routed:
        share = Rational(row["experts_per_token"]) / Rational(row["routed_experts"])
        assert active == total - routed * (1 - share)
    embedding = int(row["embedding_params"])
    assert model.n_params_active == active - (embedding if row["lm_head_tied"] == "False" else 0)
    assert model.count("n_params_active_with_embedding") == active
    assert model.count("embedding_params") == embedding


@needs_files
@pytest.mark.parametrize("row", CACHED, ids=_name)
def test_cache(row: dict[str, str]) -> None:
    model = nk.Model.from_config(_path(row))
    indexed = model.givens.get("n_layers_indexed", 0) * model.givens.get("d_index", 0)
    keys = Rational(33, 32) * indexed  # one byte an element, and a scale of four for each 128
    assert model.kv_bytes_per_token(1) - keys == int(row["kv_elements_per_token_all_global"])
    short, long = (
        model.count("kv_bytes_per_sequence", context=tokens, bytes_per_kv=1, bytes_per_state=1)
        for tokens in (1, 1_000_000_000)
    )
    state = model.count("state_bytes", bytes_per_kv=1, bytes_per_state=1) if _kept(row) else 0
    assert short == model.kv_bytes_per_token(1) + state
    window, full = int(row["window_tokens"] or 0), int(row["layers_full_attention"])
    if row["layers_sliding_or_chunked"] == "0":
        assert long == 1_000_000_000 * model.kv_bytes_per_token(1) + state
    elif full == 0:
        assert long == window * model.kv_bytes_per_token(1)
    else:
        assert window * model.kv_bytes_per_token(1) < long < 10**9 * model.kv_bytes_per_token(1)


def _kept(row: dict[str, str]) -> bool:
    return bool(row["state_elements_per_sequence"])


@needs_files
@pytest.mark.parametrize("row", COUNTED, ids=_name)
def test_layers_by_kind(row: dict[str, str]) -> None:
    givens = nk.Model.from_config(_path(row)).givens
    columns = {
        "n_layers": "layers",
        "n_layers_window": "layers_sliding_or_chunked",
        "n_layers_linear": "layers_linear_attention",
        "n_layers_ssm": "layers_mamba",
    }
    for quantity, column in columns.items():
        assert givens.get(quantity, 0) == int(row[column]), quantity
    if row["window_tokens"]:
        assert givens["window"] == int(row["window_tokens"])
    reusing = ("n_layers_full_reusing", "n_layers_window_reusing")
    assert sum(givens.get(q, 0) for q in reusing) == int(row["layers_reusing_kv_of_another"])
    if row["moe_layers"] not in {"", "0"}:
        model = nk.Model.from_config(_path(row))
        assert model.count("n_layers_moe") == int(row["moe_layers"])
        routed = model.count("n_layers_moe") * givens["n_experts"] * model.count("expert_params")
        assert routed == int(row["routed_expert_params"])
        shared = model.count("n_layers_moe") * model.count("shared_expert_params")
        gates = givens.get("shared_expert_gate", 0) * givens["n_layers"] * givens["d_model"]
        # the source counts neither such gates nor a dense layer beside the experts as shared
        if int(row["shared_expert_params"]):
            assert shared - gates == int(row["shared_expert_params"]) - (
                gates if row["model_type"] == "qwen3_next" else 0
            )


@needs_files
@pytest.mark.parametrize("row", [row for row in COUNTED if _kept(row)], ids=_name)
def test_state_of_layers_without_a_cache(row: dict[str, str]) -> None:
    """That library keeps all taps of the convolution; the next step needs one less."""
    model = nk.Model.from_config(_path(row))
    taps = model.givens["conv_kernel"]
    convolution = model.count("state_bytes", bytes_per_state=Rational(1, 10**9), bytes_per_kv=1)
    state = model.count("state_bytes", bytes_per_state=1, bytes_per_kv=1)
    tail = round(convolution)
    assert state + tail / Rational(taps - 1) == int(row["state_elements_per_sequence"])


@pytest.mark.slow
@needs_files
@pytest.mark.parametrize("row", CACHED, ids=_name)
def test_work_and_time_follow(row: dict[str, str]) -> None:
    """All bundles of a family fit together: nothing that a step needs is missing."""
    n = nk.Napkin(
        model=_path(row), accelerator="B200", precision="fp8", context=5000, prompt=4000, batch=3
    )
    n = n.assume(
        n_gpus=16, tensor_parallel=1, beyond_max_context=True
    )  # groups of one share the heads evenly
    if nk.Model.from_config(_path(row)).unread:
        with pytest.raises(MissingGivenError, match="quantization_config, .* is not counted"):
            _ = n.decode_step_time
        n = n.assume(bytes_per_weight=1)
    assert 0 < n.decode_step_time.number < n.ttft.number * 1000
    assert n.concurrent_sequences > 1


@needs_files
@pytest.mark.parametrize("row", _rows("error"), ids=_name)
def test_no_number_or_the_published_one(row: dict[str, str]) -> None:
    """What no independent count covers is refused by name."""
    kind = row["architecture"] if row["model_type"] in {"llama", "mistral"} else row["model_type"]
    with pytest.raises(ConfigError, match=kind):
        nk.Model.from_config(_path(row))


@needs_files
@pytest.mark.parametrize("row", [row for row in COUNTED if row not in CACHED], ids=_name)
def test_a_cache_without_formulas_is_refused(row: dict[str, str]) -> None:
    """Parameters are counted; a cache that no formula counts gets an error, not a guess."""
    model = nk.Model.from_config(_path(row))
    for target in ("kv_bytes_per_token", "kv_bytes_per_sequence", "attention_flops"):
        with pytest.raises(NoFormulaError, match=target):
            model.count(target, bytes_per_kv=1, context=1000)
    with pytest.raises(MissingGivenError, match="kv_bytes_per_sequence"):
        model.count("decode_memory_time", bytes_per_kv=1, bytes_per_weight=1, batch=1, bandwidth=1)
    assert any("caches" in note for note in model.notes)


@needs_files
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gemma-3-27b-it", "vision tower"),
        ("qwen2-audio-7b", "audio tower"),
        ("glm-4.5", "multi-token prediction"),
        ("llama-3.2-11b-vision", "image"),
    ],
)
def test_what_is_left_out_is_said(name: str, words: str) -> None:
    notes = nk.Model.from_config(CONFIGS / "json" / f"{name}.json").notes
    assert any(words in note for note in notes)


# ------------------------------------------------- small configs, of every family

TINY = json.loads((Path(__file__).parents[1] / "data" / "tiny_configs.json").read_text("utf-8"))


@pytest.mark.parametrize("row", TINY, ids=lambda row: row["config"]["model_type"])
def test_small_models_of_every_family(row: dict[str, Any]) -> None:
    """Made up at random, and counted by transformers 5.24.0 on the meta device."""
    model = nk.Model.from_config(row["config"])
    assert model.n_params == row["total"]
    assert model.n_params_active == row["active"]
    assert model.givens.get("n_layers_window", 0) == row["windows"]


def test_every_family_has_a_small_model_or_stands_inside_a_larger_one() -> None:
    texts = (row["config"].get("text_config", {}) for row in TINY)
    inside = {text["model_type"] for text in texts if "model_type" in text}
    same = {"kimi_k2", "hunyuan"}  # other names of a family that has one
    counted = inside | {row["config"]["model_type"] for row in TINY}
    for family in table("families").values():
        kinds = set(family.get("model_types", ())) - same
        assert not kinds or kinds & counted, kinds
