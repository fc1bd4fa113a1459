"""The same answers in a terminal."""

import csv
import io
import json

import pytest

import napkin as nk
from napkin.__main__ import main
from tests.sheets import QWEN

GIVEN = ["--model", "Qwen3-32B", "--accelerator", "B200", "--precision", "fp8"]
GIVEN += ["--kv-precision", "fp8"]
GIVEN += ["--given", "context=20000", "duty_cycle=0.2", "price=4 USD/hour"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "explain", "users", *GIVEN)
    assert said == f"{nk.explain(QWEN, 'users')}\n\n{nk.binding(QWEN, 'users')}\n"
    data = json.loads(run(capsys, "explain", "users", *GIVEN, "--json"))
    assert data == {"users": {"value": float(QWEN.users), "unit": "user", "text": "60.8 users"}}


def test_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "explain", "concurrent_sequences", *GIVEN, "--engine", "vllm")
    n = QWEN.assume(engine="vllm")
    assert said.startswith(f"{nk.explain(n, 'concurrent_sequences')}\n")
    assert "usable_memory = 0.920  (vllm" in said


def test_derive(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "derive", "kv_bytes_per_token", *GIVEN)
    assert said == f"kv_bytes_per_token = {QWEN.derive('kv_bytes_per_token')}\n"


def test_sensitivity(capsys: pytest.CaptureFixture[str]) -> None:
    found = nk.sensitivity(QWEN, "users")
    assert run(capsys, "sensitivity", "users", *GIVEN) == f"{found}\n"
    data = json.loads(run(capsys, "sensitivity", "users", *GIVEN, "--json"))
    assert data == {row.name: row.elasticity for row in found.rows}


def test_sweep_is_csv(capsys: pytest.CaptureFixture[str]) -> None:
    over = ["--over", "batch=1,10", "--over", "context=4000,40000"]
    rows = list(
        csv.DictReader(io.StringIO(run(capsys, "sweep", "decode_step_time", *over, *GIVEN)))
    )
    assert len(rows) == 4
    last = QWEN.assume(batch=10, context=40_000)
    assert float(rows[-1]["decode_step_time"]) == pytest.approx(float(last.decode_step_time))
    data = json.loads(run(capsys, "sweep", "decode_step_time", *over, *GIVEN, "--json"))
    assert data[0]["fits"] is True


def test_solve(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "solve", "context", "users=100", *GIVEN)
    assert said == f"{nk.solve(QWEN, 'context', users=100)[0]}\n"


def test_assumptions_by_name_and_by_formula(capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["--assume", "idle_offloaded", "--assume", "kv_bytes_per_token = 1000*bytes_per_kv"]
    said = json.loads(run(capsys, "explain", "users", *GIVEN, *changes, "--json"))
    n = QWEN.assume(nk.variants.idle_offloaded, "kv_bytes_per_token = 1000*bytes_per_kv")
    assert said["users"]["value"] == float(n.users)


@pytest.mark.parametrize("command", ["models", "accelerators"])
def test_the_catalog(capsys: pytest.CaptureFixture[str], command: str) -> None:
    names = json.loads(run(capsys, command, "--json"))
    assert {"models": "Qwen3-32B", "accelerators": "B200-SXM"}[command] in names
    assert next(iter(names)) in run(capsys, command)


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "user", *GIVEN],
        ["explain", "users", "--model", "nobody"],
        ["explain", "users", "--given", "context"],
        ["solve", "context", "users", *GIVEN],
        ["sweep", "users", "--over", "batch=x", *GIVEN],
        ["derive", "users", *GIVEN, "--assume", "users = __import__('os')"],
    ],
)
def test_what_has_no_answer_has_a_reason(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("napkin: ")
    assert main([*arguments, "--json"]) == 1
    assert "error" in json.loads(capsys.readouterr().err)
