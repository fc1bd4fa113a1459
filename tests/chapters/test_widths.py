"""Pairs of measured servers: what makes one, and what is left out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import napkin as nk
import widths

WIDE = {
    "model": "MiniMaxAI/MiniMax-M2.5",
    "gpu": "b200",
    "n_gpus": 2,
    "tensor_parallel": 2,
    "attention_data_parallel": 1,
    "expert_parallel": 1,
    "precision": "fp8",
    "engine": "vllm",
    "engine_version": "1.0",
    "prompt": 1000,
    "new_tokens": 1000,
    "concurrency": 16,
    "metric": "tpot",
    "value": 0.02,
    "source": "made up",
}
NARROW = WIDE | {"precision": "nvfp4", "value": 0.016}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(*rows: dict[str, Any]) -> str:
        path = tmp_path / "rows.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, WIDE)
            table.writeheader()
            table.writerows(rows)
        return str(path)

    return written


def test_a_pair_compares_times_and_what_both_worksheets_say(write: Any) -> None:
    (pair,) = widths.pairs(write(WIDE, NARROW))
    assert pair.measured == pytest.approx(1.25)
    wide = nk.Napkin(
        model="MiniMax-M2.5",
        accelerator="B200",
        n_gpus=2,
        tensor_parallel=2,
        precision="fp8",
        batch=16,
        context=1500,
        prompt=1000,
        new_tokens=1000,
        hit_rate=0,
    )
    narrow = wide.assume(precision="nvfp4")
    assert pair.ideal == pytest.approx(float(wide.tpot / narrow.tpot), rel=0.02)
    assert (pair.gpu, pair.engine, pair.concurrency) == ("B200", "vllm", 16)


def test_repeats_become_their_geometric_mean(write: Any) -> None:
    again = NARROW | {"value": 0.004}
    (pair,) = widths.pairs(write(WIDE, NARROW, again))
    assert pair.measured == pytest.approx(0.02 / 0.008)


@pytest.mark.parametrize(
    "other",
    [
        {"engine_version": "1.1"},
        {"gpu": "h200"},
        {"concurrency": 32},
        {"prompt": 2000},
        {"source": "another"},
        {"model": "zai-org/GLM-5"},
    ],
)
def test_servers_that_differ_in_more_than_their_width_make_no_pair(
    write: Any, other: dict[str, Any]
) -> None:
    assert widths.pairs(write(WIDE, NARROW | other)) == []


def test_servers_with_a_queue_are_left_out(write: Any) -> None:
    rows = (WIDE | {"concurrency": 10**6}, NARROW | {"concurrency": 10**6})
    assert widths.pairs(write(*rows)) == []


def test_checkpoints_of_one_model_are_the_same_model(write: Any) -> None:
    wide = WIDE | {"model": "deepseek-ai/DeepSeek-R1", "n_gpus": 8, "tensor_parallel": 8}
    narrow = wide | {"model": "nvidia/DeepSeek-R1-NVFP4", "precision": "nvfp4", "value": 0.01}
    (pair,) = widths.pairs(write(wide, narrow))
    assert pair.model == "DeepSeek-R1"
    assert pair.measured == pytest.approx(2)


def test_the_tables_say_what_the_pairs_do() -> None:
    made = [
        widths.Pair("A", "B200", "vllm", size, measured, 2.0, 1.5)
        for size, measured in ((1, 1.0), (64, 2.25))
    ]
    assert widths.gain(made) == pytest.approx(1.5)
    assert widths.off(made, lambda p: p.calibrated) == pytest.approx(1.5)
    table = widths.by(made, lambda p: str(p.concurrency), "requests")
    assert [row[-1] for row in table.rows] == ["1.00", "2.25", "1.50"]


def test_pairs_of_the_book_are_those_of_its_files() -> None:
    data = Path(widths.__file__).parent / "data"
    found = widths.pairs(str(data / "13-pairs.csv"))
    assert len(found) == 49
    assert {pair.model for pair in found} == {"DeepSeek-R1", "MiniMax-M2.5"}
    always = widths.gain(found)  # known beforehand, it is off by as much as the calibrated gain
    assert widths.off(found, lambda _: always) == pytest.approx(1.08, abs=0.005)
    kernels = widths.kernels(str(data / "13-attention.csv"))
    assert len(kernels.rows) == 9
