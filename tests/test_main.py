"""The same answers in a terminal."""

import csv
import io
import json
from typing import Any

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


def answer(said: str) -> Any:
    return json.loads(said)["answer"]


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "explain", "users", *GIVEN)
    tree, limits = (str(verb(QWEN, "users")) for verb in (nk.explain, nk.binding))
    idle = "\nprice given, but not used here"
    assert said == f"{tree.removesuffix(idle)}\n\n{limits.removesuffix(idle)}\n"
    data = answer(run(capsys, "explain", "users", *GIVEN, "--json"))
    assert data == {"users": {"value": float(QWEN.users), "unit": "user", "text": "60.8 users"}}


def test_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "explain", "concurrent_sequences", *GIVEN, "--engine", "vllm")
    assert "usable_memory = 0.920  (vllm" in said


def test_derive(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "derive", "kv_bytes_per_token", *GIVEN)
    assert said == f"kv_bytes_per_token = {QWEN.derive('kv_bytes_per_token')}\n"


def test_sensitivity(capsys: pytest.CaptureFixture[str]) -> None:
    found = nk.sensitivity(QWEN, "users")
    assert run(capsys, "sensitivity", "users", *GIVEN) == f"{found}\n"
    data = answer(run(capsys, "sensitivity", "users", *GIVEN, "--json"))
    assert data == {"users": {row.name: row.elasticity for row in found.rows}}


def test_sweep_is_csv(capsys: pytest.CaptureFixture[str]) -> None:
    over = ["--over", "batch=1,10", "--over", "context=4000,40000"]
    rows = list(
        csv.DictReader(io.StringIO(run(capsys, "sweep", "decode_step_time", *over, *GIVEN)))
    )
    assert len(rows) == 4
    last = QWEN.assume(batch=10, context=40_000)
    assert float(rows[-1]["decode_step_time"]) == pytest.approx(float(last.decode_step_time))
    data = answer(run(capsys, "sweep", "decode_step_time", *over, *GIVEN, "--json"))
    assert data[0]["fits"] is True


def test_solve(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "solve", "context", "users=100", *GIVEN)
    assert said == f"{nk.solve(QWEN, 'context', users=100)[0]}\n"


def test_assumptions_by_name_and_by_formula(capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["--assume", "idle_offloaded", "--assume", "kv_bytes_per_token = 1000*bytes_per_kv"]
    said = answer(run(capsys, "explain", "users", *GIVEN, *changes, "--json"))
    n = QWEN.assume(nk.variants.idle_offloaded, "kv_bytes_per_token = 1000*bytes_per_kv")
    assert said["users"]["value"] == float(n.users)


@pytest.mark.slow
def test_what_is_given_counts_beside_a_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    """Policies bring a hit rate, and drafts the tokens of a step: a typed value goes first."""
    guesses = ["--assume", "speculative", "--given", "tokens_per_step=1.5"]
    said = run(capsys, "explain", "tokens_per_step", *guesses)
    assert said.startswith("tokens_per_step = 1.50 token")
    cached = ["--assume", "idle_offloaded", "--given", "hit_rate=0.5"]
    assert run(capsys, "explain", "hit_rate", *cached).startswith("hit_rate = 0.5")


@pytest.mark.parametrize("command", ["models", "accelerators"])
def test_the_catalog(capsys: pytest.CaptureFixture[str], command: str) -> None:
    names = answer(run(capsys, command, "--json"))
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


def test_binding_and_several_targets(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "binding", "users", "decode_step_time", *GIVEN)
    assert said.count("is decided by") == 2
    data = answer(run(capsys, "binding", "users", "decode_step_time", *GIVEN, "--json"))
    assert data["users"]["limits"] == ["concurrent_sequences"]
    assert set(answer(run(capsys, "explain", "users", "tpot", *GIVEN, "--json"))) == {
        "users",
        "tpot",
    }


def test_uncertainty(capsys: pytest.CaptureFixture[str]) -> None:
    over = ["--over", "context=4000,40000"]
    found = nk.uncertainty(QWEN, "users", context=(4_000, 40_000))
    assert run(capsys, "uncertainty", "users", *over, *GIVEN) == f"{found}\n"
    data = answer(run(capsys, "uncertainty", "users", *over, *GIVEN, "--json"))
    assert data["users"]["p95"]["value"] == float(found.p95)
    assert data["users"]["causes"] == {"context": 1}


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    over = ["--over", "accelerator=H100; context=2k", "--over", "context=4k"]
    rows = answer(run(capsys, "compare", "users", "tpot", *over, *GIVEN, "--json"))
    other = QWEN.assume(accelerator="H100", context=2_000)
    assert rows[0]["accelerator=H100; context=2k"] == str(other.users)
    assert rows[0]["context=4k/first"] == "5"
    assert "304 users" in run(capsys, "compare", "users", *over, *GIVEN)


def test_a_sweep_of_what_does_not_fit_is_empty_there(capsys: pytest.CaptureFixture[str]) -> None:
    over = ["--over", "batch=1,500"]
    rows = answer(run(capsys, "sweep", "tpot", "users", *over, *GIVEN, "--json"))
    assert [row["fits"] for row in rows] == [True, False]
    assert rows[1]["tpot"] is None


@pytest.mark.parametrize("verb", ["explain", "derive", "binding", "sensitivity"])
def test_what_is_not_used_is_said_beside_the_answer(
    capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    told = ["duty_cycle, price given, but not used here"]
    assert json.loads(run(capsys, verb, "tpot", *GIVEN, "--json"))["warnings"] == told
    assert main([verb, "tpot", *GIVEN]) == 0
    said = capsys.readouterr()
    assert said.err == f"napkin: {told[0]}\n"
    assert "not used" not in said.out
