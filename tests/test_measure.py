"""Measured rows beside bound and prediction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import napkin as nk
from napkin.__main__ import main
from napkin.verbs.measure import Measures

ROW = {
    "model": "Llama-3.1-8B",
    "gpu": "H100",
    "precision": "bf16",
    "prompt": 1_000,
    "new_tokens": 500,
    "concurrency": 32,
    "metric": "tpot",
    "value": 0.0119,
}
SERVER = nk.Napkin(model="Llama-3.1-8B", accelerator="H100", precision="bf16")
REQUESTS = {"batch": 32, "context": 1_250, "prompt": 1_000, "new_tokens": 500}


def reasons(measures: Measures) -> list[str]:
    return [left.reason for left in measures.left_out]


def test_a_row_beside_its_worksheet() -> None:
    (verdict,) = nk.measure([ROW]).verdicts
    n = SERVER.assume(**REQUESTS)
    assert verdict.ideal == pytest.approx(float(n.tpot), rel=1e-9)
    assert verdict.calibrated == pytest.approx(float(n.assume(calibrated=True).tpot), rel=1e-9)
    assert not verdict.beats_bound
    assert verdict.worksheet.tpot == n.tpot


@pytest.mark.parametrize(
    ("metric", "value", "target"),
    [
        ("ttft", 0.1, "ttft"),
        ("output_tokens_per_second", 2_650, "tokens_per_second"),
        ("kv_tokens", 430_000, "kv_budget / kv_bytes_per_token"),
    ],
)
def test_each_metric_is_a_quantity(metric: str, value: float, target: str) -> None:
    (verdict,) = nk.measure([{**ROW, "metric": metric, "value": value}]).verdicts
    assert verdict.ideal == pytest.approx(float(SERVER.assume(**REQUESTS)[target]), rel=1e-9)


def test_a_static_batch_has_read_its_prompts_before() -> None:
    row = {key: value for key, value in ROW.items() if key != "concurrency"} | {"batch": 32}
    (verdict,) = nk.measure([row]).verdicts
    step = SERVER.assume(batch=32, context=1_250).decode_step_time
    assert verdict.ideal == pytest.approx(float(step), rel=1e-9)


def test_the_same_rows_in_every_dress(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    pd.DataFrame([ROW]).to_csv(path, index=False)
    ways: list[Any] = [[ROW], pd.DataFrame([ROW]), path, str(path), (row for row in [ROW])]
    found = [nk.measure(way).data() for way in ways]
    assert all(data == found[0] for data in found)
    without = {key: value for key, value in ROW.items() if key != "gpu"}
    assert nk.measure([without], gpu="H100").data() == found[0]
    assert nk.measure([{**ROW, "gpu": np.nan}], gpu="H100").data() == found[0]
    assert nk.measure([{**ROW, "value": "11.9 ms"}]).data() == found[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metric": "itl"}, "the metric is none of tpot"),
        ({"value": ""}, "the value is no number above 0"),
        ({"value": "fast"}, "the value is no number above 0"),
        ({"value": -1}, "the value is no number above 0"),
        ({"value": "12 GB"}, "the value is no number above 0"),
        ({"model": ""}, "no model is named"),
        ({"gpu": None}, "no gpu is named"),
        ({"model": "Lama-3.1-8B"}, "did you mean Llama-3.1-8B"),
        ({"gpu": "H1000"}, "there is no accelerator 'H1000'"),
        ({"precision": "fp7"}, "there is no precision 'fp7'"),
        ({"concurrency": ""}, "neither concurrency nor batch is given"),
        ({"concurrency": "many"}, "concurrency is no number of at least 1"),
        ({"prompt": ""}, "no prompt is given"),
        ({"new_tokens": ""}, "no new_tokens are given"),
        ({"n_gpus": 8, "tensor_parallel": 3}, "do not make n_gpus"),
        ({"n_gpus": 8, "attention_data_parallel": 3}, "does not divide n_gpus"),
        ({"concurrency": 100_000}, "queued: the cache holds fewer sequences"),
        ({"model": "DeepSeek-R1", "precision": "fp8"}, "the weights do not fit"),
        ({"left_out": "speculation"}, "speculation"),
    ],
)
def test_rows_without_a_verdict_say_why(change: dict[str, Any], reason: str) -> None:
    found = nk.measure([{**ROW, **change}, ROW])
    assert len(found.verdicts) == 1
    assert found.left_out[0].place == 1
    assert reason in found.left_out[0].reason
    assert "\n" not in found.left_out[0].reason


def test_a_server_whose_requests_wait_is_no_measure_of_a_step() -> None:
    waiting = [ROW, {**ROW, "metric": "ttft", "value": 5.0}]
    found = nk.measure(waiting)
    assert not found.verdicts
    assert set(reasons(found)) == {
        "queued: by Little's law, fewer than 80% of the requests were decoding"
    }
    assert len(nk.measure([ROW, {**ROW, "metric": "ttft", "value": 0.2}]).verdicts) == 2


def test_a_row_that_beats_the_bound_is_named() -> None:
    found = nk.measure([{**ROW, "value": 0.001}, ROW])
    data = found.data()["tpot"]
    assert data["beat_bound"] == 1
    assert data["beating"] == [found.verdicts[0].row.label]
    assert "beats the bound: row 1: tpot, Llama-3.1-8B" in str(found)


def test_a_mixture_may_beat_the_mean_of_its_routing_but_not_the_bound() -> None:
    row = {**ROW, "model": "Mixtral-8x7B", "n_gpus": 2, "concurrency": 2, "new_tokens": 100_000}
    ideal = nk.measure([row]).verdicts[0].ideal
    assert not nk.measure([{**row, "value": ideal * 0.99}]).verdicts[0].beats_bound
    assert nk.measure([{**row, "value": ideal * 0.5}]).verdicts[0].beats_bound


def test_errors_are_those_of_the_textbook() -> None:
    ideal = nk.measure([ROW]).verdicts[0].ideal
    rows = [{**ROW, "value": ideal * factor} for factor in (1.0, 1.2, 2.0, 4.0)]
    errors = nk.measure(rows).data()["tpot"]["ideal"]
    shares = [0, 1 - 1 / 1.2, 0.5, 0.75]
    assert errors["n"] == 4
    assert errors["mape"] == pytest.approx(100 * np.mean(shares), abs=1e-3)
    assert errors["median"] == pytest.approx(100 * np.median(shares), abs=1e-3)
    assert errors["gm"] == pytest.approx(np.exp(np.mean(np.log([1, 1.2, 2, 4]))), abs=1e-3)
    assert errors["within_1_25"] == 0.5
    assert errors["within_1_5"] == 0.5


def test_how_gpus_are_shared() -> None:
    row = {**ROW, "model": "DeepSeek-R1", "gpu": "H200", "precision": "fp8", "n_gpus": 8}
    whole = nk.measure([row]).verdicts[0]
    assert whole.n.tensor_parallel == 8
    for dress in ({"attention_data_parallel": 8}, {"attention_data_parallel": "True"}):
        apart = nk.measure([{**row, **dress}]).verdicts[0]
        assert apart.n.tensor_parallel == 1
        same = nk.measure([{**row, **dress, "tensor_parallel": 8}]).verdicts[0]
        assert same.n == apart.n
    spread = nk.measure([{**row, "expert_parallel": 8}]).verdicts[0]
    assert "expert_parallel" in {getattr(change, "name", "") for change in spread.n.changes}
    dense = nk.measure([{**ROW, "n_gpus": 2, "expert_parallel": 2}])
    assert dense.verdicts[0].n.changes == ()


def test_precisions_as_servers_name_them() -> None:
    def widths(**change: str) -> tuple[float, float]:
        n = nk.measure([{**ROW, "n_gpus": 8, **change}]).verdicts[0].n
        return float(n.bytes_per_expert_weight), float(n.bytes_per_activation)

    published = widths(model="DeepSeek-R1", gpu="B200", precision="")
    assert published == widths(model="DeepSeek-R1", gpu="B200", precision="fp8")
    assert widths(model="DeepSeek-R1", gpu="B200", precision="fp4") == (9 / 16, 0.5)
    assert widths(model="gpt-oss-120b", gpu="H100", precision="fp4")[1] == 2  # no FP4 products
    assert widths(model="gpt-oss-120b", gpu="B200", precision="fp4")[1] == 0.5


@pytest.mark.parametrize(
    ("name", "model", "width"),
    [
        ("Qwen/Qwen3-30B-A3B-FP8", "Qwen3-30B-A3B", 1),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", "Qwen3-235B-A22B", 2),
        ("amd/Llama-3.3-70B-Instruct-FP8-KV", "Llama-3.3-70B", 1),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-quantized.w8a8", "Llama-3.1-70B", 1),
    ],
)
def test_copies_of_a_model_have_its_shapes(name: str, model: str, width: float) -> None:
    row = {**ROW, "model": name, "n_gpus": 8, "precision": ""}
    n = nk.measure([row]).verdicts[0].n
    assert n.choices["model"].entry.name == model
    assert float(n.bytes_per_weight) == width


def test_narrow_weights_on_a_gpu_without_narrow_products() -> None:
    n = nk.measure([{**ROW, "gpu": "A100", "precision": "fp8"}]).verdicts[0].n
    assert (float(n.bytes_per_weight), float(n.bytes_per_activation)) == (1, 2)


def test_words_for_widths_and_for_nothing() -> None:
    plain = nk.measure([ROW]).data()
    dressed = {**ROW, "precision": "bfloat16", "kv_precision": "auto", "expert_parallel": 0}
    assert nk.measure([{**dressed, "attention_data_parallel": "False"}]).data() == plain


def test_columns_of_quantities_and_others() -> None:
    found = nk.measure([{**ROW, "usable_memory": 0.5, "mood": "good", "source": "mine"}])
    assert found.verdicts[0].n.usable_memory == 0.5
    assert found.not_read == ("mood",)
    assert "column not read: mood" in str(found)


def test_an_engine_decides_memory_alone() -> None:
    with_engine = {**ROW, "engine": "vllm"}
    assert nk.measure([with_engine]).verdicts[0].ideal == nk.measure([ROW]).verdicts[0].ideal
    room = {**ROW, "metric": "kv_tokens", "value": 430_000}
    own, whole = (nk.measure([row]).verdicts[0].ideal for row in ({**room, "engine": "vllm"}, room))
    assert own < whole
    other = nk.measure([{**ROW, "engine": "an engine of my own"}])
    assert len(other.verdicts) == 1


def test_constants_that_rows_give_count_in_every_table() -> None:
    row = {**ROW, "kernel_time": 0}
    found = nk.measure([row])
    assert found.verdicts[0].calibrated < nk.measure([ROW]).verdicts[0].calibrated
    predicted = found.verdicts[0].prediction
    assert float(predicted.tpot) == pytest.approx(found.verdicts[0].calibrated, rel=1e-9)
    assert f"{predicted.tpot}" in str(found)


def test_what_an_engine_keeps_free_is_no_bound() -> None:
    room = {**ROW, "metric": "kv_tokens", "engine": "trtllm"}
    with_engine, whole = (
        nk.measure([{**room, "engine": name, "value": 1}]).verdicts[0].ideal
        for name in ("trtllm", "")
    )
    assert with_engine < whole
    between = nk.measure([{**room, "value": (with_engine + whole) / 2}]).verdicts[0]
    beyond = nk.measure([{**room, "value": 1.01 * whole}]).verdicts[0]
    assert (between.beats_bound, beyond.beats_bound) == (False, True)


def test_tables() -> None:
    other = {**ROW, "gpu": "H200", "value": 0.009}
    found = nk.measure([ROW, other, {**other, "value": 0.05}])
    by = found.by("gpu")
    assert [row[:2] for row in by.rows] == [["H200", "2"], ["H100", "1"]]
    assert found.worst(count=1).rows[0][0].startswith("row 3")
    assert "decode_memory_time" in str(found)
    assert "what binds" in str(found)


def test_a_notebook_shows_tables_and_reasons() -> None:
    shown = nk.measure([ROW, {**ROW, "model": ""}])._repr_markdown_()
    assert shown.startswith("| row | measured |")
    assert "\n- 1 row left out (tpot): no model is named" in shown


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "as predicted"),
        ({"value": 0.05}, "slower than the band"),
        ({"value": 0.0075}, "faster than the band"),
        ({"value": 0.001}, "beats the bound"),
        ({"metric": "output_tokens_per_second", "value": 1_000}, "slower than the band"),
        ({"metric": "kv_tokens", "value": 400_000}, ""),
    ],
)
def test_where_a_row_stands(change: dict[str, Any], verdict: str) -> None:
    assert (
        nk.measure([{**ROW, **change}]).worst(change.get("metric", "tpot")).rows[0][-1] == verdict
    )


def test_what_is_no_table() -> None:
    for wrong in (ROW, 7, None):
        with pytest.raises(nk.NapkinError, match="measure takes a file"):
            nk.measure(wrong)


def test_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.csv"
    pd.DataFrame([ROW]).drop(columns="gpu").to_csv(path, index=False)
    assert main(["measure", str(path), "--given", "gpu=H100", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data == json.loads(json.dumps(nk.measure([ROW]).data()))
    assert set(data["tpot"]) >= {"rows", "left_out", "beat_bound", "ideal", "calibrated"}
    assert main(["measure", str(path), "--given", "gpu=H100"]) == 0
    assert capsys.readouterr().out == f"{nk.measure([ROW])}\n"
    assert main(["measure", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err
