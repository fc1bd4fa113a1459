"""Models from config.json: exact counts, and what a bad config gets."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog import families, table
from napkin.errors import ConfigError, NapkinError, UnknownNameError

EXACT = {
    # parameters, of one token without an untied input embedding, cache elements of a token
    "Qwen3-32B": (32_762_123_264, 31_984_210_944, 2 * 64 * 8 * 128),
    "Llama-3-8B": (8_030_261_248, 7_504_924_672, 2 * 32 * 8 * 128),
    "Llama-3-70B": (70_553_706_496, 69_503_033_344, 2 * 80 * 8 * 128),
    "gpt-oss-120b": (116_829_156_672, 5_132_849_472, 2 * 36 * 8 * 64),
    "DeepSeek-V3": (671_026_404_352, 36_625_603_584, 61 * (512 + 64)),
    # transformers 5.24.0 on the meta device; the totals are also those of the published
    # checkpoints, or differ by copies, scales and prediction layers that are known
    "Llama-2-7B": (6_738_415_616, 6_607_343_616, 262_144),
    "Llama-2-70B": (68_976_648_192, 68_714_504_192, 163_840),
    "Llama-3.1-405B": (405_853_388_800, 403_752_042_496, 258_048),
    "Llama-3.2-1B": (1_235_814_400, 1_235_814_400, 16_384),
    "Mistral-7B-v0.1": (7_241_732_096, 7_110_660_096, 65_536),
    "Mixtral-8x7B": (46_702_792_704, 12_748_853_248, 65_536),
    "Qwen2.5-7B": (7_615_616_512, 7_070_619_136, 28_672),
    "Qwen2.5-32B": (32_763_876_352, 31_985_308_672, 131_072),
    "Qwen3-8B": (8_190_735_360, 7_568_405_504, 73_728),
    "Qwen3-30B-A3B": (30_532_122_624, 3_041_867_776, 49_152),
    "Qwen3-235B-A22B": (235_093_634_560, 21_568_433_664, 96_256),
    "Qwen3-Next-80B-A3B": (79_674_391_296, 3_563_764_480, 12_288),
    "Gemma-3-27B": (27_009_346_304, 27_009_346_304, 253_952),
    "gpt-oss-20b": (20_914_757_184, 3_608_307_264, 24_576),
    "DeepSeek-V2-Lite": (15_706_484_224, 2_451_435_008, 15_552),
    "GLM-4.5": (352_797_814_784, 32_856_305_664, 188_416),
    "Kimi-K2": (1_026_408_209_408, 31_687_072_768, 35_136),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_counts_of_the_catalog(name: str) -> None:
    model = nk.Model.from_config(name)
    total, active, elements = EXACT[name]
    assert model.n_params == total
    assert model.n_params_active == active
    assert model.kv_bytes_per_token() == 2 * elements
    assert model.kv_bytes_per_token(bytes_per_kv=1) == elements
    assert model.kv_bytes_per_token(bytes_per_kv=0.5) == Rational(elements, 2)
    n = nk.Napkin(model=name, kv_precision="fp8")
    assert (n.n_params.number, n.kv_bytes_per_token.number) == (total, elements)


# --------------------------------------------------------------- how it is read


def config(name: str = "Llama-3-8B", **changes: Any) -> dict[str, Any]:
    changed = table("models")[name]["config"] | changes
    return {key: value for key, value in changed.items() if value is not ...}


def test_the_same_model_from_a_name_a_path_and_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config()), encoding="utf-8")
    models = [nk.Model.from_config(source) for source in ("Llama-3-8B", path, str(path), config())]
    assert {model.n_params for model in models} == {8_030_261_248}
    assert all(model.givens == models[0].givens for model in models)
    assert str(tmp_path) not in models[1].source
    assert nk.Napkin(model=path) == nk.Napkin(model=str(path))


def test_a_folder_as_the_hub_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "My-Llama"
    folder.mkdir()
    with pytest.raises(ConfigError, match="folder 'My-Llama' holds no config.json: give") as caught:
        nk.Model.from_config(folder)
    assert str(tmp_path) not in str(caught.value)
    (folder / "config.json").write_text(json.dumps(config()), encoding="utf-8")
    for source in (folder, str(folder)):
        found = nk.Model.from_config(source)
        assert (found.name, found.source) == ("My-Llama", "config.json")
        assert nk.Napkin(model=source).n_params == 8_030_261_248
    assert nk.Napkin(model=config()).n_params == 8_030_261_248


def test_heads_and_width_follow_where_they_are_absent() -> None:
    full = nk.Model.from_config(config(num_key_value_heads=...))
    assert full.givens["n_kv_heads"] == 32
    assert full.givens["d_head"] == 128
    assert nk.Model.from_config(config(head_dim=64)).givens["d_head"] == 64
    assert nk.Model.from_config(config(head_dim=None)).givens["d_head"] == 128


def test_tied_embeddings_count_once() -> None:
    tied = nk.Model.from_config(config(tie_word_embeddings=True))
    assert tied.n_params == 8_030_261_248 - 128_256 * 4096
    assert tied.n_params_active == tied.n_params


def test_queries_that_are_not_compressed() -> None:
    lite = nk.Model.from_config(config("DeepSeek-V3", q_lora_rank=None))
    assert "mla_full_query" in lite.variants
    narrow = 7168 * 1536 + 1536 + 1536 * 128 * 192
    assert lite.n_params == 671_026_404_352 - 61 * narrow + 61 * 7168 * 128 * 192


def test_windows_are_read() -> None:
    oss = nk.Model.from_config("gpt-oss-120b")
    assert oss.givens["n_layers_window"] == 18
    assert oss.givens["window"] == 128
    kinds = ["sliding_attention", "full_attention", "full_attention"] * 12
    listed = nk.Model.from_config(config("gpt-oss-120b", layer_types=kinds))
    assert listed.givens["n_layers_window"] == 12
    unused = nk.Model.from_config(config("Llama-3-8B", sliding_window=None))
    assert "sliding_window" not in unused.variants
    n = nk.Napkin(model="gpt-oss-120b", kv_precision="fp8", context=1000)
    assert n.kv_bytes_per_sequence.number == 2 * 8 * 64 * (18 * 1000 + 18 * 128)


def test_what_is_left_out_is_said() -> None:
    notes = nk.Model.from_config("DeepSeek-V3").notes
    assert any("multi-token prediction" in note for note in notes)
    assert any("131,072" in note for note in nk.Model.from_config("Qwen3-32B").notes)


# ------------------------------------------------------------------ bad configs


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Llama-3-8B", "hidden_size"),
        ("Llama-3-8B", "num_hidden_layers"),
        ("Llama-3-8B", "vocab_size"),
        ("Llama-3-8B", "model_type"),
        ("gpt-oss-120b", "num_local_experts"),
        ("gpt-oss-120b", "num_experts_per_tok"),
        ("DeepSeek-V3", "kv_lora_rank"),
        ("DeepSeek-V3", "n_routed_experts"),
    ],
)
def test_missing_field_is_named(name: str, key: str) -> None:
    with pytest.raises(ConfigError, match=f"config.json has no '{key}'"):
        nk.Model.from_config(config(name, **{key: ...}))


def test_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="model_type 'mamba' is not supported.*llama"):
        nk.Model.from_config(config(model_type="mamba"))


def test_a_head_width_that_does_not_divide() -> None:
    with pytest.raises(ConfigError, match="hidden_size 4096 must be a multiple.* 33"):
        nk.Model.from_config(config(num_attention_heads=33))
    with pytest.raises(ConfigError, match="num_attention_heads 0"):
        nk.Model.from_config(config(num_attention_heads=0))


@pytest.mark.parametrize("found", ["4096", 4096.5, -1, [4096], {"a": 1}, float("nan")])
def test_a_field_of_a_weird_type(found: object) -> None:
    with pytest.raises(ConfigError, match="hidden_size must be a whole number, got"):
        nk.Model.from_config(config(hidden_size=found))


def test_not_a_file_names_the_closest_model() -> None:
    with pytest.raises(UnknownNameError, match="'Qwen3-32'.*did you mean Qwen3-32B"):
        nk.Model.from_config("Qwen3-32")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b'"text"', b"null"], ids=range(6)
)
def test_not_a_config(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="config.json") as caught:
        nk.Model.from_config(path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"sliding_window": "wide"},
        {"num_hidden_layers": 0},
        {"hidden_size": True},
        {"sliding_window": 128, "layer_types": 7},
        {"sliding_window": 128, "max_window_layers": "all"},
        {"model_type": ["llama"]},
    ],
    ids=str,
)
def test_weird_values_give_a_named_error(changes: dict[str, Any]) -> None:
    with pytest.raises(NapkinError):
        _ = nk.Napkin(model=config(**changes), context=10, precision="fp8").kv_bytes_per_sequence


@pytest.mark.parametrize(
    "source", ["", "a\0b", "a" * 10_000, None, 3, b"config.json"], ids=range(6)
)
def test_what_is_no_config_at_all(source: Any) -> None:
    with pytest.raises(NapkinError) as caught:
        nk.Model.from_config(source)
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_nested_too_deep(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(ConfigError, match="config.json"):
        nk.Model.from_config(path)


# ------------------------------------------------------- a family of a reader's own


def test_the_example_of_the_contributing_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten lines of data are enough for a family that is like another."""
    page = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = page.split("```toml\n")[1].split("```")[0]
    assert len(block.splitlines()) <= 10
    grown = table("families") | tomllib.loads(block)
    monkeypatch.setattr(families, "table", lambda name: grown)
    families._families.cache_clear()
    acme = config(model_type="acme", num_key_value_heads=..., head_color="red", rope_kind="plain")
    model = nk.Model.from_config(acme)
    assert model.n_params == 8_030_261_248 + 32 * 2 * 128
    assert (model.givens["n_layers_window"], model.givens["window"]) == (24, 4096)
    with pytest.raises(ConfigError, match="rope_kind is 'bent'"):
        nk.Model.from_config(acme | {"rope_kind": "bent"})
    with pytest.raises(ConfigError, match="head_size"):
        nk.Model.from_config(acme | {"head_size": 3})
    families._families.cache_clear()


def test_layers_by_kind_and_longest_context() -> None:
    assert nk.Model.from_config("Qwen3-32B").layers == {"full": 64}
    assert nk.Model.from_config("gpt-oss-120b").layers == {"full": 18, "windowed": 18}
    assert nk.Model.from_config("Qwen3-Next-80B-A3B").layers == {"full": 12, "linear": 36}
    assert nk.Model.from_config("Qwen3-32B").max_context == 32_768
    assert nk.Model.from_config("Llama-3-8B").max_context == 8_192


def test_cache_of_a_sequence_with_windows_and_states() -> None:
    """18 of 36 layers keep 128 tokens; 36 of 48 keep a state of 77,266,944 bytes."""
    oss = nk.Model.from_config("gpt-oss-120b")
    assert oss.kv_bytes_per_sequence(131_072) == 4_836_556_800
    hybrid = nk.Model.from_config("Qwen3-Next-80B-A3B")
    assert hybrid.kv_bytes_per_sequence(1_000) == 24_576 * 1_000 + 77_266_944
