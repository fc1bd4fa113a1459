"""Names as people and measurement files write them, and those that stay refused."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import napkin as nk
from napkin.catalog import accelerator, table
from napkin.catalog.naming import model_names, plain, sized
from napkin.errors import UnknownNameError


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("h100_sxm", "H100-SXM5-80GB"),
        ("NVIDIA H200-SXM-141GB", "H200-SXM-141GB"),
        ("H100 NVL", "H100-NVL-94GB"),
        ("rtx4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("AMD MI300X", "MI300X"),
        ("tesla t4", "T4"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM5-80GB"),
        ("A100_80GB_PCIe", "A100-PCIE-80GB"),
        ("A100 40GB", "A100-SXM4-40GB"),
        ("NVIDIA B200-SXM-180GB", "B200-SXM"),
        ("B200 192 GB", "B200-SXM"),
        ("NVIDIA B300-SXM-270GB", "B300-SXM"),
        ("GB200-192GB (NVL72)", "GB200"),
        ("AMD Instinct MI355X 288GB HBM3e", "MI355X"),
        ("Intel(R) Arc Pro(R) B70", "Intel Arc Pro B70"),
        ("Intel Gaudi 3", "Gaudi3"),
        ("3080 10GB", "RTX 3080 10GB"),
        ("M3 Max 40\N{NON-BREAKING HYPHEN}Core GPU 64GB", "Apple M3 Max 64GB"),
        ("M3 Max", "Apple M3 Max"),
    ],
)
def test_an_accelerator_may_be_written_in_several_ways(said: str, name: str) -> None:
    assert accelerator(said).name == name


@pytest.mark.parametrize(
    "said",
    [
        "H100 64GB",
        "H200 80GB",
        "V100-SXM2-16GB",
        "RTX 3080 12GB",
        "RTX 3080",
        "M1 Max 32GB",
        "A100-SXM4",
        "H100 80GB HBM2e",
        "AMD Instinct MI300X 192GB HBM3 (x32)",
        "GB",
        "80GB",
        "",
    ],
)
def test_another_memory_is_another_chip_and_nothing_is_guessed(said: str) -> None:
    with pytest.raises(UnknownNameError, match="there is no accelerator"):
        accelerator(said)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("llama3_1-8b", "Llama-3.1-8B"),
        ("Llama 3.1 8B", "Llama-3.1-8B"),
        ("Meta-Llama-3.1-8B-Instruct", "Llama-3.1-8B"),
        ("zhipuai/GLM-5", "GLM-5"),
        ("/models/DeepSeek-R1", "DeepSeek-R1"),
        ("/models/DeepSeek-R1/", "DeepSeek-R1"),
        ("somebody/gpt-oss-120b", "gpt-oss-120b"),
        ("Qwen-3.5-397B-A17B", "Qwen3.5-397B-A17B"),
        ("llama2-70b-99.9", "Llama-2-70B"),
        ("QwQ-32B", "Qwen2.5-32B"),
        ("/mnt/models/deepseek-r1-0528-fp4-v2", "DeepSeek-R1-0528-FP4-V2"),
        ("nvidia/Qwen3-32B-NVFP4", "nvidia/Qwen3-32B-NVFP4"),
    ],
)
def test_a_model_may_be_written_in_several_ways(said: str, name: str) -> None:
    assert nk.Model.from_config(said) == nk.Model.from_config(name)


@pytest.mark.parametrize(
    "said",
    [
        "Llama-370B",
        "Llama-3-1-8B",
        "DeepSeek-V3/R1",
        "Qwen3-32B-NVFP4",  # whose?
        "RedHatAI/Llama-3.1-8B-Instruct-FP8",  # not nvidia's
        "somebody/Qwen3-235B-A22B-FP8",
        "Llama-3.1-8B + LoRA",
        "Llama",
        "no/such/",
    ],
)
def test_another_model_is_not_guessed(said: str) -> None:
    with pytest.raises(UnknownNameError, match="no model in the catalog"):
        nk.Model.from_config(said)


def test_a_file_counts_before_the_end_of_its_path(tmp_path: Path) -> None:
    file = tmp_path / "gpt-oss-20b"
    file.write_text("{}")
    with pytest.raises(nk.NapkinError, match="model_type"):
        nk.Model.from_config(str(file))


def test_no_two_entries_have_the_same_name() -> None:
    models: dict[str, set[str]] = {}
    for other, name in model_names().items():
        models.setdefault(plain(other), set()).add(name)
    assert all(len(names) == 1 for names in models.values())
    chips: dict[str, set[str]] = {}
    for name, row in table("accelerators").items():
        for other in (name, *row["aliases"]):
            chips.setdefault(plain(other), set()).add(name)
    assert all(len(names) == 1 for names in chips.values())


def test_a_size_is_read_wherever_it_stands() -> None:
    assert sized("A100_80GB_PCIe") == ("a100pcie", 80e9)
    assert sized("MI355X 288GB HBM3e") == ("mi355x", 288e9)
    assert sized("Jetson AGX Thor 128G") == ("jetsonagxthor", 128e9)
    assert sized("MI300X 192GB + MI325X 256GB")[1] is None
    assert sized("H100 GPU") == ("h100gpu", None)


# ------------------------------------------------------------- copies with narrow weights


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen3-235B-A22B-FP8", 236_445_455_360),
        ("MiniMax-M2.5", 230_024_049_664),
        ("Kimi-K2-Thinking", 594_206_365_696),
        ("neuralmagic/Meta-Llama-3-8B-Instruct-FP8", 9_081_202_432),
    ],
)
def test_bytes_of_a_narrow_copy(name: str, size: int) -> None:
    assert nk.Model.from_config(name).checkpoint_bytes == size


@pytest.mark.parametrize(
    ("name", "gib", "gpus"),
    [
        ("neuralmagic/Meta-Llama-3-8B-Instruct-FP8", 8.4596, 1),
        ("Llama-3.3-70B-Instruct-FP8-dynamic", 33.88, 2),
        ("DeepSeek-R1-Distill-Qwen-14B", 14.0, 2),
        ("QwQ-32B", 15.54, 4),
    ],
)
def test_weights_are_what_an_engine_printed(name: str, gib: float, gpus: int) -> None:
    n = nk.Napkin(model=name, precision="bf16")
    assert float(n.weight_bytes) / gpus / 2**30 == pytest.approx(gib, rel=0.02)


def test_two_copies_of_one_model_differ_by_one_matrix_a_layer() -> None:
    """The second stores o_proj in 4.5 bits, with two scales of 32 bits, instead of 16."""
    first, second = (
        nk.Model.from_config(name).checkpoint_bytes
        for name in ("nvidia/DeepSeek-R1-NVFP4", "DeepSeek-R1-0528-FP4-V2")
    )
    o_proj = 7168 * 128 * 128
    assert first - second == 61 * (2 * o_proj - (o_proj // 2 + o_proj // 16 + 8))


def test_a_copy_has_the_shapes_of_its_model_and_says_both_sources() -> None:
    for name, row in table("models").items():
        if "like" not in row:
            continue
        copy, first = nk.Model.from_config(name), nk.Model.from_config(row["like"])
        assert copy.n_params == first.n_params
        assert copy.kv_bytes_per_token() == first.kv_bytes_per_token()
        assert row["source"] in copy.source
        assert table("models")[row["like"]]["source"] in copy.source
    assert nk.Model.from_config("Qwen3-30B-A3B-Instruct-2507").max_context == 262_144
    assert nk.Model.from_config("Qwen3-30B-A3B").max_context == 40_960


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Qwen1.5-7B", 7_721_324_544),
        ("bloom-7b1", 7_069_016_064),
        ("QwQ-32B", 32_763_876_352),
        ("Nemotron-3-Super-120B-A12B", 123_611_012_096 - 2_942_324_736),
        ("MiniMax-M2.5", 228_703_644_928 - 13_880_064 - 62 * 256),  # scales, biases of routers
    ],
)
def test_parameters_are_those_that_are_published(name: str, count: int) -> None:
    assert nk.Model.from_config(name).n_params == count


# ------------------------------------------------------------------ names of measurements

MEASURED = Path(__file__).parents[3] / "shared" / "measured"
MORE = re.compile(
    r"\(|\+|-class|\bx\d|^\d+x |^\d+ GPUs|not stated|not in excerpt|^N/A$|^ALL$|hybrid \d"
)
"""What says more than a name, or none: remarks in brackets, several parts, no name at all."""
WHY = {
    "LLaMA 70B": "the first Llama has no 70B, and the source does not say that it is Llama 2",
    "BAAI/Aquila-7B": "its code is in its own repository",
    "Deci/DeciLM-7B": "its layers differ in KV heads, by a list that no source shows",
    "chatglm3-6b": "its code is in its own repository",
    "DeepSeek-V4-Pro": "its compressed caches are not counted",
    "deepseek-v4-pro": "its compressed caches are not counted",
    "deepseek-v4-pro-0813": "its compressed caches are not counted",
    "kimi-k3": "no config that we read",
    "minimax-m3": "no config that we read",
    "Qwen2-Audio-7B-Instruct": "not in the catalog: one row",
    "Qwen2.5-VL-72B-Instruct": "not in the catalog: one row",
    "Mistral-Small-3.2-24B-Instruct-2506": "not in the catalog: one row",
    "starcoder2-15b": "no config that we read",
    "M1 7\N{NON-BREAKING HYPHEN}Core GPU 8GB": "not in the catalog: two rows",
    "AMD RX 7900 XT": "not in the catalog: one row",
    "MS-Intel Arc Pro B60 Dual 48G Turbo": "two GPUs on one card",
    "[MAXSUN] MS-Intel Arc Pro B60 Dual 48G Turbo": "two GPUs on one card",
    "Virtualized NVIDIA H200-SXM-141GB": "maybe not all of it",
} | dict.fromkeys(
    [
        "Kimi-Linear-48B-A3B-Instruct-AWQ-4bit",
        "Meta-Llama-3.1-405B-Instruct-AWQ-INT4",
        "Meta-Llama-3.1-70B-Instruct-quantized.w8a8",
        "Mixtral-8x7B-Instruct-v0.1-AWQ",
        "Nemotron-3-Super-120B-A12B-NVFP4",
        "Qwen2-72B-Instruct-GPTQ-Int4",
        "Qwen2-VL-7B-Instruct-AWQ",
        "Qwen3-0.6B-FP8",
        "Qwen3.8-27B-FP8",
        "amd/DeepSeek-R1-0528-MXFP4-Preview",
        "gemma-3-12b-it-int4-awq",
        "kimi-k2.5-nvfp4",
        "nvidia/DeepSeek-V3.1-NVFP4",
        "qwen3.5-397b-a17b-nvfp4",
    ],
    "which of its weights are narrow is not known, or not counted",
)


def _measured(*columns: str) -> set[str]:
    rows: list[dict[str, Any]] = []
    for file in sorted(MEASURED.glob("*.csv")):
        with file.open(encoding="utf-8") as lines:
            rows += csv.DictReader(lines)
    return {row[column] for row in rows for column in columns if row.get(column)}


@pytest.mark.skipif(not MEASURED.is_dir(), reason="the measurements are not here")
@pytest.mark.parametrize(
    ("columns", "find"),
    [
        (("model", "hf_model", "benchmark"), nk.Model.from_config),
        (("gpu", "hardware", "accelerator"), accelerator),
    ],
    ids=["model", "accelerator"],
)
def test_every_name_of_a_measurement_is_found(
    columns: tuple[str, ...], find: Callable[[str], object]
) -> None:
    names = _measured(*columns)
    assert len(names) > 50
    for name in sorted(names):
        if name in WHY:
            with pytest.raises(UnknownNameError):
                find(name)
        elif not MORE.search(name):
            assert find(name), name
