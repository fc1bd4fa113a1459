"""Result files of benchmark tools: each kind as rows, and bad files as named errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import napkin as nk
from napkin.catalog.results import read_rows
from napkin.errors import ConfigError

DATA = Path(__file__).parents[1] / "data" / "results"
LLAMA = ("llama_bench.json", "llama_bench.jsonl", "llama_bench.csv")
NUMBERS = {"tpot": 0.021, "ttft": 0.35, "output_tokens_per_second": 694.8}


def first(file: str, number: int = 0) -> dict[str, Any]:
    """Return the record of an example file, to be changed."""
    text = (DATA / file).read_text("utf-8")
    records = json.loads(text) if file.endswith("json") else map(json.loads, text.splitlines())
    return dict(list(records)[number]) if not isinstance(records, dict) else records


@pytest.fixture
def said(tmp_path: Path) -> Callable[[Any], list[dict[str, Any]]]:
    """Return a function that writes a record as JSON and reads it."""

    def read(record: Any) -> list[dict[str, Any]]:
        path = tmp_path / "run.txt"  # a name that says nothing
        path.write_text(json.dumps(record), "utf-8")
        return read_rows(path)

    return read


def by_metric(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["metric"]: row["value"] for row in rows}


# ---------------------------------------------------------------------- kinds of file


def test_a_table_keeps_its_cells_and_drops_what_is_blank() -> None:
    tpot, ttft = read_rows(DATA / "rows.csv")
    assert tpot["value"] == "0.021" and tpot["model"] == "Qwen3-32B" and "note" in tpot
    assert ttft["metric"] == "ttft" and "note" not in ttft


def test_a_spreadsheet_writes_other_line_ends_and_a_mark(tmp_path: Path) -> None:
    text = (DATA / "rows.csv").read_text("utf-8")
    (tmp_path / "rows.csv").write_text(text, "utf-8-sig", newline="\r\n")
    assert read_rows(tmp_path / "rows.csv") == read_rows(DATA / "rows.csv")


def test_vllm() -> None:
    rows = read_rows(DATA / "vllm.json")
    assert by_metric(rows) == pytest.approx(NUMBERS)
    for row in rows:
        assert (row["prompt"], row["new_tokens"], row["concurrency"]) == (2000, 400, 16)
        # the first two are metadata that its user gave
        assert (row["gpu"], row["n_gpus"], row["model"]) == ("H100", "2", "Qwen/Qwen3-32B")
        assert not {"engine", "precision", "note"} & row.keys()
        assert row["source"] == "vllm.json"


def test_sglang() -> None:
    rows = read_rows(DATA / "sglang.jsonl")
    closed, opened = rows[0], rows[3]
    assert [row["metric"] for row in rows] == 2 * list(NUMBERS)
    assert (closed["value"], closed["concurrency"], closed["n_gpus"]) == (0.011, 32, "4")
    assert (closed["precision"], closed["engine"]) == ("fp8", "sglang")
    assert "attention_data_parallel" not in closed and "note" not in closed
    # A rate of requests: nobody keeps a number of them open.
    assert opened["concurrency"] == 21 and "on average" in opened["note"]
    assert (opened["attention_data_parallel"], opened["kv_precision"]) == (4, "fp8")


def test_inferencex() -> None:
    rows = read_rows(DATA / "inferencex.json")
    numbers = by_metric(rows[:3])
    assert numbers == {"tpot": 0.01, "ttft": 0.1, "output_tokens_per_second": 3000.0}
    row = rows[0]
    # (9.3 - 0.1) / 0.01 + 1 tokens, and as many in the prompt: not 1,024
    assert (row["new_tokens"], row["prompt"]) == (921, 921) and "isl 1024" in row["note"]
    assert (row["gpu"], row["n_gpus"], row["engine"]) == ("h200", 2, "vllm")
    assert {row.get("left_out") for row in rows[3:]} == {"speculative decoding"}
    assert not any("value" in row for row in rows[3:])


@pytest.mark.parametrize("file", LLAMA)
def test_llama_bench(file: str) -> None:
    prompt, step = read_rows(DATA / file)
    assert (prompt["metric"], prompt["value"], prompt["prompt"]) == ("ttft", 0.064, 2048)
    assert prompt["hit_rate"] == 0.75 and "new_tokens" not in prompt
    assert (step["metric"], step["value"]) == ("tpot", 0.01)
    assert (step["prompt"], step["new_tokens"], step["batch"]) == (1, 128, 1)
    for row in (prompt, step):
        assert row["bytes_per_weight"] == row["bytes_per_embedding_weight"] == 1.0625
        assert row["gpu"] == "NVIDIA GeForce RTX 4090" and "llama 8B Q8_0" in row["note"]
        assert "model" not in row and "precision" not in row


def test_the_width_of_the_file_gives_its_size() -> None:
    """Three widths of one value make weights of that size, whatever the precision."""
    step = read_rows(DATA / "llama_bench.json")[1]
    widths = {name: step[name] for name in step if name.startswith("bytes_per")}
    n = nk.Napkin(model="Llama-3.1-8B", precision="bf16", **widths)
    assert float(n.weight_bytes) == pytest.approx(1.0625 * float(n.n_params))


# -------------------------------------------------------------------- what is not said


def test_littles_law_where_no_number_is_kept_open(said: Any) -> None:
    record = first("vllm.json") | {"request_rate": 1.7, "max_concurrency": None}
    row = said(record)[0]
    assert row["concurrency"] == round(694.8 * 0.021) == 15
    assert "Little" in row["note"]


def test_a_client_opens_no_more_than_it_has(said: Any) -> None:
    assert said(first("vllm.json") | {"max_concurrency": 1000})[0]["concurrency"] == 160


def test_a_zero_was_not_measured(said: Any) -> None:
    """Without streaming the tools write 0 for the time to the first token."""
    assert set(by_metric(said(first("vllm.json") | {"mean_ttft_ms": 0.0}))) == {
        "tpot",
        "output_tokens_per_second",
    }


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("vllm.json", {"completed": 0}, "no request"),
        ("vllm.json", {"spec_decode_acceptance_length": 2.1}, "speculative"),
        ("sglang.jsonl", {"accept_length": 2.5}, "speculative"),
        ("sglang.jsonl", {"server_info": {"pp_size": 2}}, "one after another"),
        ("sglang.jsonl", {"server_info": {"dp_size": 2}}, "copies"),
        ("sglang.jsonl", {"server_info": {"decode": [], "prefill": []}}, "GPUs of their own"),
        ("inferencex.json", {"disagg": True}, "GPUs of their own"),
        ("inferencex.json", {"is_multinode": True}, "several nodes"),
        ("inferencex.json", {"mtp": "on", "spec_decoding": None}, "speculative"),
        ("llama_bench.json", {"n_gen": 64}, "together"),
        ("llama_bench.json", {"n_gpu_layers": 0}, "host"),
        ("llama_bench.json", {"n_cpu_moe": 3}, "host"),
        ("llama_bench.json", {"no_kv_offload": True}, "host"),
        ("llama_bench.json", {"gpu_info": "RTX 4090, RTX 4090"}, "one after another"),
        ("llama_bench.json", {"type_v": "q8_0"}, "16 bits"),
    ],
)
def test_what_no_worksheet_describes_has_a_reason(
    said: Any, file: str, change: dict[str, Any], reason: str
) -> None:
    rows = said(first(file) | change)
    assert rows
    for row in rows:
        assert reason in row["left_out"] and "value" not in row


def test_a_gpu_that_the_catalog_does_not_know(said: Any) -> None:
    """llama-bench prints a driver's name: the reader says which GPU it is."""
    row = said(first("llama_bench.json") | {"gpu_info": "A board of tomorrow"})[0]
    assert "gpu" not in row and "A board of tomorrow" in row["note"]
    assert said(first("inferencex.json") | {"hw": "tomorrow-1"})[0]["gpu"] == "tomorrow-1"


# ----------------------------------------------------------------------- bad files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("empty",)),
        ("\ufeff \r\n", ("empty",)),
        ("[]", ("empty",)),
        ("metric,value\r\n,\r\n", ("empty",)),
        ("metric,value\r\ntpot,inf\r\n", ("'value'", "'inf'", "finite")),
        ("metric,value\r\ntpot,1,2\r\n", ("more cells",)),
        ("metric,value,metric\r\ntpot,1,2\r\n", ("twice",)),
        ('metric,value\r\n"tpot,1\r\n', ("broken",)),
        ("metric;value\r\ntpot;1\r\n", ("metric;value", "vllm bench serve", "llama-bench")),
        ('{"a": 1}', ("has a.", "InferenceX", "sglang")),
        ("[1, 2]", ("no keys",)),
        ('{"a": ', ("broken", "line 1")),
        ('{"hw": 1, "conc": 2}\n{"hw": }', ("broken", "line 2")),
        ("[" * 100_000, ("broken",)),
        ('{"hw": "h100", "conc": 2}', ("lacks", "'output_tput_per_gpu'")),
    ],
)
def test_bad_text_is_named(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(text, "utf-8", newline="")
    with pytest.raises(ConfigError) as caught:
        read_rows(path)
    for word in ("mine.txt", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "fast", [1], 10**400])
def test_a_number_that_is_none_names_its_key(said: Any, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"run\.txt, key 'mean_tpot_ms': expected a finite"):
        said(first("vllm.json") | {"mean_tpot_ms": value})


def test_a_key_that_is_missing_is_named(said: Any) -> None:
    record = first("sglang.jsonl")
    del record["mean_tpot_ms"]
    with pytest.raises(ConfigError, match=r"run\.txt lacks the key 'mean_tpot_ms'"):
        said(record)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"metric,value\n\xff\xfe")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(10_000_001)
    for name, word in {
        "none": "FileNotFound",
        "bytes.csv": "Unicode",
        "large.json": "10 MB",
    }.items():
        with pytest.raises(ConfigError, match=word) as caught:
            read_rows(tmp_path / name)
        assert name in str(caught.value)


# ---------------------------------------------------------------------- properties

cells = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=12
).map(str.strip)
COLUMNS = ("model", "gpu", "n_gpus", "precision", "prompt", "new_tokens", "concurrency", "note")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS), cells), min_size=1, max_size=4),
    value=st.floats(1e-9, 1e9),
)
@example(rows=[{"note": 'a "b",\r\nc'}], value=0.02)
def test_a_table_comes_back(tmp_path: Path, rows: list[dict[str, str]], value: float) -> None:
    written = [row | {"metric": "tpot", "value": str(value)} for row in rows]
    with (tmp_path / "t.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, [*COLUMNS, "metric", "value"])
        table.writeheader()
        table.writerows(written)
    expected = [{name: cell for name, cell in row.items() if cell} for row in written]
    assert read_rows(tmp_path / "t.csv") == expected


KEYS = sorted({key for file in ("vllm.json", "sglang.jsonl", *LLAMA[:1]) for key in first(file)})
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=4),
    st.dictionaries(st.sampled_from(["dp_size", "decode", "tp_size"]), st.floats(), max_size=2),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    file=st.sampled_from(["vllm.json", "sglang.jsonl", "inferencex.json", "llama_bench.json"]),
    changes=st.dictionaries(st.sampled_from(KEYS), anything, max_size=3),
)
def test_rows_or_a_named_error(said: Any, file: str, changes: dict[str, Any]) -> None:
    rows: list[dict[str, Any]] = []
    with suppress(ConfigError):
        rows = said(first(file) | changes)
    assert all("left_out" in row or 0 < row["value"] < float("inf") for row in rows)
