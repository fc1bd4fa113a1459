"""Pairs of measured servers against their worksheets, asked one by one."""

import csv
from pathlib import Path

import pytest

import napkin as nk
import pairs

SERVED = Path(pairs.__file__).parent / "data" / "served.csv"


def test_a_change_is_that_of_two_worksheets(tmp_path: Path) -> None:
    with SERVED.open(encoding="utf-8", newline="") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if (row["model"], row["gpu"], row["n_gpus"], row["engine"])
            == ("openai/gpt-oss-120b", "h200_sxm", "1", "vllm")
            and row["metric"] == "tpot"
            and row["concurrency"] == "16"
        ]
    path = tmp_path / "served.csv"
    with path.open("w", encoding="utf-8", newline="") as lines:
        out = csv.DictWriter(lines, rows[0])
        out.writeheader()
        out.writerows(rows)
    (pair,) = pairs.pairs(path, short=922, long=7_373, answer=922)
    times = {}
    for row in rows:
        if row["new_tokens"] == "922":
            (verdict,) = nk.measure([row]).verdicts
            sheet = verdict.prediction
            times[row["prompt"]] = [
                float(row["value"]),
                float(sheet.decode_step_time),
                verdict.ideal,
                verdict.calibrated,
            ]
    changes = [long / short for long, short in zip(times["7373"], times["922"], strict=True)]
    assert list(pair) == pytest.approx([16, *changes])
    assert changes[1] < changes[0]  # prompts, too, make a token longer


def test_a_table_of_changes_counts_each_pair_once() -> None:
    found = [pairs.Pair(4, 1.1, 1.0, 1.2, 1.1), pairs.Pair(8, 1.3, 1.1, 1.3, 1.4)]
    assert pairs.off(found)["calibrated"] == pytest.approx((1.4 / 1.3) ** 0.5)
    said = repr(pairs.changes(found))
    assert "all       2      1.20" in said and "off by" in said
