# SPDX-License-Identifier: Apache-2.0
"""The script that measures a reader's GPU: what it says without PyTorch, and its table with it."""

import csv
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

import napkin as nk
from measure_gpu import KINDS, main
from measuring.bench import Bench
from measuring.cases import COLUMNS, cases
from measuring.steps import D_HEAD, N_KV_HEADS, SHAPES, Model, Part, Step

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "chapters" / "measure_gpu.py"
OURS = ROOT.parent / "shared" / "measured" / "own_gpu.csv"
WITHOUT = "PyTorch is not installed: it is optional"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_pytorch_it_says_what_to_install(tmp_path: Path) -> None:
    missing = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    (tmp_path / "torch.py").write_text(missing, encoding="utf-8")
    done = run(PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert not done.stdout
    (sentence,) = done.stderr.splitlines()
    assert "pip install torch" in sentence


@pytest.mark.parametrize("name", ["Llama-3-8B", "Qwen3-32B"])
def test_shapes_are_those_of_the_catalog(name: str) -> None:
    model = nk.Napkin(model=name)
    shape = asdict(SHAPES[name]) | {"d_head": D_HEAD, "n_kv_heads": N_KV_HEADS}
    assert {quantity: float(model[quantity]) for quantity in shape} == shape


def test_cases_have_columns_of_the_table() -> None:
    for tiny, has_fp8 in ((False, True), (False, False), (True, False)):
        shapes = cases(tiny, has_fp8)
        assert shapes.keys() <= KINDS.keys()
        listed = [case for kind in shapes.values() for case in kind]
        assert all(case.keys() <= set(COLUMNS) for case in listed)
        assert has_fp8 == any("fp8" in case["precision"] for case in listed)


def test_the_columns_are_those_of_our_own_measurements() -> None:
    if not OURS.is_file():
        pytest.skip("the measurements are not beside this checkout")
    with OURS.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == COLUMNS


def test_every_kind_runs_on_a_cpu() -> None:
    pytest.importorskip("torch", reason=WITHOUT)
    done = run("--device", "cpu")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert "left out, " not in done.stderr
    assert {row["kind"] for row in rows} == set(KINDS)
    for row in rows:
        assert list(row) == COLUMNS
        assert 0 < float(row["seconds_min"]) <= float(row["seconds"]) <= float(row["seconds_max"])


def test_a_kind_that_fails_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason=WITHOUT)

    def fail(_: object) -> None:
        raise RuntimeError("no such kernel\nand a long story")

    monkeypatch.setitem(KINDS, "read", fail)
    monkeypatch.setattr(
        sys, "argv", ["measure_gpu.py", "--device", "cpu", "--only", "read", "copy"]
    )
    assert main() == 0
    said = capsys.readouterr()
    assert [row["kind"] for row in csv.DictReader(said.out.splitlines())] == ["copy"]
    assert "read: left out, RuntimeError: no such kernel\n" in said.err


def test_a_decoded_row_is_the_last_row_of_its_prompt() -> None:
    torch = pytest.importorskip("torch", reason=WITHOUT)
    bench = Bench("cpu")
    model = Model(bench, SHAPES["tiny"], fp8=False)
    prompt, row = Part(bench, model, 1, 24, 24), Part(bench, model, 1, 1, 24)
    whole, last = Step(bench, model, [prompt]), Step(bench, model, [row])
    expected = whole()
    for ours, theirs in zip(row.caches, prompt.caches, strict=True):
        for cache, filled in zip(ours, theirs, strict=True):
            cache[:, :, :-1] = filled[:, :, :-1]
    last.rows = whole.rows[-1:]
    torch.testing.assert_close(last(), expected, rtol=0.05, atol=0.05)
