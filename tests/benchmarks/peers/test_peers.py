"""What peers answer is added up rightly, and a peer that fails leaves a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmarks.peers import environments
from tests.benchmarks.peers.environments import NotInstalledError, ask, python_of
from tests.benchmarks.peers.rows import Answer, beating, napkin_answers, told
from tests.benchmarks.peers.scores import each_alone, in_pairs, score

ROW = {
    **{"model": "Qwen3-32B", "gpu": "H100", "n_gpus": "4", "precision": "fp8", "engine": "vllm"},
    **{"prompt": "1024", "new_tokens": "256", "concurrency": "16"},
    **{"metric": "tpot", "value": "0.010"},
}
FAKE = """
import os
from tests.benchmarks.peers.answering import serve
def predict(row):
    if row["sequences"] == 3:
        raise SystemExit("three is too many")
    if row["sequences"] == 4:
        os._exit(7)
    print("chatter")
    return -1 if row["sequences"] == 2 else row["sequences"] / 100
serve(lambda: predict)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A peer that echoes, fails, and dies, beside the real ones."""
    (tmp_path / "tests").symlink_to(environments.ROOT / "tests")
    (tmp_path / "fake_peer.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    return "fake_peer"


def _rows(*sequences: int) -> list[dict[str, str]]:
    return [{**ROW, "concurrency": str(count)} for count in sequences]


def test_a_failure_is_a_reason(fake: str) -> None:
    rows = [told(row) for row in _rows(1, 2, 3, 8)] + [told({**ROW, "gpu": "Abacus"})]
    found = ask(sys.executable, fake, "fake", rows)
    assert [answer.get("tpot") for answer in found] == [0.01, None, None, 0.08, None]
    assert "three is too many" in found[2]["reason"] and "-1" in found[1]["reason"]
    assert "Abacus" in found[4]["reason"] and found[0]["seconds"] >= 0


def test_a_peer_that_dies_keeps_its_answers(fake: str) -> None:
    found = ask(sys.executable, fake, "fake", [told(row) for row in _rows(1, 4, 5)])
    assert found[0]["tpot"] == 0.01
    assert all("ended with 7" in answer["reason"] for answer in found[1:])


def test_a_slow_peer_is_stopped(fake: str) -> None:
    (answer,) = ask(sys.executable, fake, "fake", [told(ROW)], limit=0.001)
    assert "took longer" in answer["reason"]


def test_what_does_not_install_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(NotInstalledError, match="nowhere-to-be-found"):
        python_of("none", "nowhere-to-be-found==1")
    assert not (tmp_path / "none/installed.txt").exists()


def test_the_arithmetic() -> None:
    """Twice and half of what was measured: errors of 100 % and 50 %, a factor of 2 each."""
    assert score([1, 1, 4], [2, 0.5, 4]) == pytest.approx((0.5, 0.5, 4 ** (1 / 3)))


def test_tables_say_who_answers_what() -> None:
    rows = [{"value": "1", "gpu": gpu} for gpu in ("A", "A", "B")]
    ours: list[Answer] = [{"tpot": 1.0, "seconds": 0.001}] * 2 + [{"reason": "queued"}]
    theirs: list[Answer] = [
        {"tpot": 2.0, "seconds": 0.5},
        {"reason": "none"},
        {"tpot": 0.5, "seconds": 0.1},
    ]
    answers = {"napkin": ours, "peer": theirs}
    alone = each_alone(rows, answers, {"napkin": 0, "peer": 1}).rows
    assert list(alone[0][:4]) == ["napkin", "2 of 3", "0.0", "0.0"]
    assert list(alone[1][:6]) == ["peer", "2 of 3", "75.0", "75.0", "2.000", "1"]
    pairs = in_pairs(rows, answers, "peer", ["napkin"], "gpu").rows
    assert [list(line[:2]) for line in pairs] == [["all", "1"], ["A", "1"]]
    assert list(pairs[0][2:]) == ["100.0  100.0  2.000", "0.0  0.0  1.000"]


def test_napkin_answers_and_nothing_beats_its_bound() -> None:
    found = napkin_answers([ROW, {**ROW, "metric": "ttft"}, {**ROW, "model": "No such model"}])
    ideal, calibrated = (found[name] for name in ("napkin, ideal", "napkin, calibrated"))
    assert 0 < ideal[0]["tpot"] < calibrated[0]["tpot"] < 0.1
    assert "reason" in ideal[2]
    assert beating([ROW], [ideal[0]]) == 0
    assert beating([ROW, ROW], [{"tpot": ideal[0]["tpot"] / 2}, {"reason": "none"}]) == 1


def test_a_row_brings_shapes_and_names() -> None:
    row = told({**ROW, "model": "nvidia/DeepSeek-R1-NVFP4", "gpu": "b200", "precision": "nvfp4"})
    assert row["model_names"][0] == "nvidia/DeepSeek-R1-NVFP4"
    assert "deepseek-ai/DeepSeek-R1" in row["model_names"]
    assert (row["bits"], row["kv_bits"], row["gpu_name"]) == (4, 16, "B200-SXM")
    assert (row["tensor_parallel"], row["sequences"], row["mode"]) == (4, 16, "agg")
    assert told({**ROW, "model": "gpt-oss-120b", "precision": ""})["bits"] == 4
