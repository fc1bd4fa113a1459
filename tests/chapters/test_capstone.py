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


def thousands(text: str) -> int:
    (number,) = re.findall(r"USD ([\d,]+) thousand", text)
    return int(number.replace(",", ""))


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
    assert f"for {servers} servers of {n.n_gpus}" in " ".join(answered.split())
    first, rest = answered.split("a month", 1)
    assert thousands(first) == pytest.approx(servers * month / 1000, abs=0.5)
    assert f"USD {month / users:.2f} for each seat" in rest
    low, high = (int(x.replace(",", "")) for x in re.findall(r"USD ([\d,]+) thousand", rest))
    assert low <= thousands(first) <= high
    for end, cost in ((low, found["spread"].p5), (high, found["spread"].p95)):
        count = math.ceil(busy * float(cost) / month) + found["spare"]
        assert end == pytest.approx(count * month / 1000, abs=0.5)
    name = found["top"][0]
    worst = max(found["doubts"][name], key=lambda end: float(cost_at(safe, name, end)))
    changed = math.ceil(busy * float(cost_at(safe, name, worst)) / month) + found["spare"]
    mind = parts["What would change our mind"].split(" Others measured")[0]
    bad = worst if isinstance(worst, str) else f"{worst:,}"
    assert f"With {bad} instead of {n[name]}" in mind
    assert thousands(mind) == pytest.approx(changed * month / 1000, abs=0.5)
    named = re.findall(
        r"^- .+: we took (.+), which .* from (.+) to (.+)\. .* USD (\S+) and (\S+)\.$",
        memo,
        re.MULTILINE,
    )
    for name, (value, *ends) in zip(found["top"], named, strict=True):
        given = found["doubts"][name]
        seats = [f"{float(cost_at(safe, name, end)):.3g}" for end in given]
        shown = [end if isinstance(end, str) else f"{end:,}" for end in given]
        assert [value, *ends] == [str(n[name]), *shown, *seats]
    assert len(named) == min(3, len(found["doubts"]))
    assert f"{found['held']:.0%} of the tokens" in memo
    slow = float(cost_at(safe, "tpot_error", 1 / found["held"]))
    (slower,) = re.findall(r"like theirs, it's (.+)\.", memo)
    count = math.ceil(busy * slow / month) + found["spare"]
    assert thousands(slower) == pytest.approx(count * month / 1000, abs=0.5)


def cost_at(safe: Any, name: str, end: Any) -> Any:
    return safe.assume(**{name: end}).cost_per_user_month


def test_five_cells_are_the_readers() -> None:
    cells = jupytext.read(CHAPTERS / "text" / "capstone.md", fmt="md:myst").cells
    starts = [re.split(r"\W", c.source, maxsplit=1)[0] for c in cells if c.cell_type == "code"]
    assert [name for name in starts if name in INPUTS] == list(INPUTS)
