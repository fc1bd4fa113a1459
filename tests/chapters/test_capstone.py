"""The capstone is a template: other inputs run, and its memo says what the worksheet says."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final

import jupytext
import pytest

CHAPTERS: Final = Path(__file__).parents[2] / "chapters"
INPUTS: Final = ("model", "gpus", "service", "sessions", "promise")
OWN: Final[dict[str, dict[str, str]]] = {
    "the example": {},
    "a dense model on one H100": {
        "model": 'model = {"model": "Llama-3.1-8B", "precision": "bf16"}\ndraft = {}',
        "gpus": 'gpus = {"accelerator": "H100", "n_gpus": 1, "price": "2.5 USD/hour", '
        '"usable_memory": 0.9, "host_memory": "200 GB", "host_link_bandwidth": "50 GB/s"}\n'
        "layout = []",
        "service": 'service = {"context": 4_000, "message": 300, "new_tokens": 300, '
        '"think_time": "40 s", "hit_rate": 0.5, "speed_target": 30}',
        "sessions": "sessions = [100, 200, 300, 250, 900, 400]",
        "promise": 'promise, spare = {"overflow_target": 0.05}, 0\n'
        'doubts = {"context": (2_000, 8_000), "think_time": ("20 s", "90 s")}',
    },
    "no draft, and one doubt": {
        "model": 'model = {"model": "DeepSeek-R1", "precision": "fp8", "kv_precision": "fp8"}\n'
        "draft = {}",
        "promise": 'promise, spare = {"overflow_target": 0.01}, 1\n'
        'doubts = {"tokens_per_step": (1.57, 1.93), "hit_rate": (0.7, 0.95)}',
    },
    "four guesses": {
        "model": 'model = {"model": "DeepSeek-R1", "precision": "fp8", "kv_precision": "fp8"}\n'
        'draft = {"draft_tokens": 4, "tokens_per_step": 3.1}',
    },
    "experts on eight H200s": {
        "model": 'model = {"model": "Qwen3-235B-A22B", "precision": "fp8", "kv_precision": "fp8"}\n'
        'draft = {"draft_tokens": 2, "tokens_per_step": 2.2}',
        "gpus": 'gpus = {"accelerator": "H200", "n_gpus": 8, "price": "3 USD/hour", '
        '"usable_memory": 0.9, "host_memory": "256 GB", "host_link_bandwidth": "50 GB/s"}\n'
        "layout = [nk.variants.attention_data_parallel, nk.variants.expert_parallel]",
        "service": 'service = {"context": 8_000, "message": 400, "new_tokens": 600, '
        '"think_time": "30 s", "hit_rate": 0.8, "speed_target": 25}',
        "sessions": "sessions = [5_000] * 12 + [9_000] * 12",
        "promise": 'promise, spare = {"overflow_target": 0.01}, 2\n'
        'doubts = {"hit_rate": (0.5, 0.9), "tokens_per_step": (1.5, 2.6), '
        '"think_time": ("20 s", "60 s")}',
    },
}


def run(replaced: dict[str, str]) -> dict[str, Any]:
    """Run the cells in order, each input cell replaced, and return their names."""
    found: dict[str, Any] = {}
    left = dict(replaced)
    for cell in jupytext.read(CHAPTERS / "text" / "capstone.md", fmt="md:myst").cells:
        if cell.cell_type == "code":
            name = re.split(r"\W", cell.source, maxsplit=1)[0]
            source = left.pop(name, cell.source) if name in INPUTS else cell.source
            exec(compile(source, "capstone", "exec"), found)
    assert not left, f"no cell gives {left}"
    return found


def bills(text: str) -> list[int]:
    """Return the amounts in USD that are rounded to whole ones and not those of a seat."""
    return [int(number.replace(",", "")) for number in re.findall(r"USD ([\d,]+)(?!\.?\d)", text)]


def close(amount: float) -> Any:
    return pytest.approx(amount, rel=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("case", OWN)
def test_the_memo_says_what_the_worksheet_says(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHAPTERS)
    found = run(OWN[case])
    n, safe, memo = found["n"], found["safe"], found["memo"].text
    parts = dict(re.findall(r"\*\*([A-Z][^*]+)\.\*\* (.*?)(?=\n\n\*\*|\Z)", memo, re.DOTALL))
    users = math.floor(float(safe.users))
    busy = found["wave"] * max(found["sessions"])
    servers = math.ceil(busy / users) + found["spare"]
    month = float(n.price) * float(n.n_gpus) * 720
    asked, answered = parts["The question"], parts["The answer"]
    assert found["model"]["model"] in asked
    assert f"{max(found['sessions']):,} open sessions" in asked
    assert f"at {float(n.speed_target):g} tokens per second" in asked
    hardware = f"{servers} servers of {float(n.n_gpus):g} x {found['gpus']['accelerator']}"
    assert f"{hardware}, at USD {float(n.price):g} per GPU" in " ".join(answered.split())

    def bill(cost: Any, wave: float = found["wave"]) -> Any:
        count = math.ceil(wave * max(found["sessions"]) * float(cost) / month) + found["spare"]
        return close(count * month)

    first, rest = " ".join(answered.split()).split(" a month: ", 1)
    assert bills(first) == [close(servers * month)]
    assert f"USD {servers * month / max(found['sessions']):.2f} for each of the sessions" in rest
    assert f"USD {month / users:.2f} for each seat" in rest
    middle, low, high = bills(rest.split("middle case", 1)[1])
    assert low <= bills(first)[0] <= high
    spread = found["spread"]
    assert [low, middle, high] == [bill(spread.p5), bill(spread.p50), bill(spread.p95)]
    name = found["top"][0]
    worst = max(found["doubts"][name], key=lambda end: float(cost_at(safe, name, end)))
    mind = parts["What would change the bill"]
    assert f"With {put(name, worst)} instead of {taken(found, name)}" in mind
    assert bills(mind)[0] == bill(cost_at(safe, name, worst))
    named = re.findall(
        r"^- .+: we took (.+)\. At (.+), a seat costs USD (\S+); at (.+), USD (\S+)\.$",
        memo,
        re.MULTILINE,
    )
    for name, (value, low_end, low_cost, high_end, high_cost) in zip(
        found["top"], named, strict=True
    ):
        ends = found["doubts"][name]
        seats = [f"{float(cost_at(safe, name, end)):.2f}" for end in ends]
        assert value == taken(found, name)
        assert [low_end, high_end] == [put(name, end) for end in ends]
        assert [low_cost, high_cost] == seats
    assert len(named) == min(3, len(found["doubts"]))
    rests = " ".join(parts["What it rests on"].split())
    assert f"we took {found['wave']:.2f} times the hour's average" in rests
    assert bills(rests)[-1] == bill(month / users, 1)
    if found["model"]["model"] == "DeepSeek-R1":
        longer = found["longer"]
        assert f"In {found['alike']} runs by others" in mind
        assert f"took {longer:.2f} times as long" in mind
        assert bills(mind)[1] == bill(cost_at(safe, "tpot_error", longer))
    else:
        assert "No measured server was compared" in mind
        assert len(bills(mind)) == 1


def put(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.0%}" if name == "hit_rate" else f"{value:,}"


def taken(found: dict[str, Any], name: str) -> str:
    return put(name, (found["draft"] | found["service"])[name])


def cost_at(safe: Any, name: str, end: Any) -> Any:
    return safe.assume(**{name: end}).cost_per_user_month


def test_five_cells_are_the_readers() -> None:
    cells = jupytext.read(CHAPTERS / "text" / "capstone.md", fmt="md:myst").cells
    starts = [re.split(r"\W", c.source, maxsplit=1)[0] for c in cells if c.cell_type == "code"]
    assert [name for name in starts if name in INPUTS] == list(INPUTS)
