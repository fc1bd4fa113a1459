"""Each chapter with its worked solutions in place of the empty answers, in this process.

That a chapter runs in a kernel, and shows what is stored, is what nbval asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jupytext
import pytest
from nbformat import NotebookNode

import napkin as nk
from execute import RESULTS, solutions, words_of
from napkin.errors import AgreementError, NapkinError
from napkin.formulas import ALL
from napkin.formulas.formula import Formula

ROOT = Path(__file__).parents[2]
TWINS = sorted((ROOT / "chapters" / "text").glob("[0-9]*.md"))
ANSWER = re.compile(r"^answer_(\d+)_(\d+) = None$", re.MULTILINE)

each_chapter = pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)


@pytest.fixture(autouse=True)
def _in_the_folder_of_the_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "chapters")


def code_of(path: Path) -> list[NotebookNode]:
    """Return the code cells of a text twin."""
    return [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def run(cells: Iterable[NotebookNode], names: dict[str, Any] | None = None) -> Iterator[Any]:
    """Execute cells in order, with `names`; yield what each check of an answer says."""
    names = {} if names is None else names
    for cell in cells:
        raises = "raises-exception" in cell.metadata.get("tags", [])
        with pytest.raises(NapkinError) if raises else nullcontext():
            if cell.source.startswith("nk.check("):
                yield eval(cell.source, names)
            else:
                exec(compile(cell.source, "cell", "exec"), names)


def shown(answer: Any) -> str:
    """Return an answer as the site shows it below its solution."""
    seen = nk.show(answer) if hasattr(answer, "free_symbols") else answer
    data = {"text/plain": repr(seen)}
    for kind in ("latex", "markdown"):
        if hasattr(seen, f"_repr_{kind}_"):
            data[f"text/{kind}"] = getattr(seen, f"_repr_{kind}_")()
    return words_of(data)


@each_chapter
def test_every_exercise_has_one_solution_and_it_is_right(twin: Path) -> None:
    cells, solved, asked = code_of(twin), solutions(twin.stem), []
    for cell in cells:
        if answer := ANSWER.search(cell.source):
            asked.append(f"{answer[1]}.{answer[2]}")
            cell.source = solved.pop(asked[-1])
    assert not solved, f"solutions without an exercise: {sorted(solved)}"
    names: dict[str, Any] = {}
    said = list(run(cells, names))
    assert len(said) == len(asked) > 0
    assert [feedback for feedback in said if feedback.state != "right"] == []
    answers = {number: shown(names[f"answer_{number.replace('.', '_')}"]) for number in asked}
    assert answers == json.loads(RESULTS.read_text(encoding="utf-8"))[twin.stem]


@each_chapter
def test_every_objective_is_practiced(twin: Path) -> None:
    text = twin.read_text(encoding="utf-8")
    promised, practiced = text.split("## Exercises")
    objectives = set(re.findall(r"`(O\d+\.\d+)`", promised))
    assert objectives and objectives == set(re.findall(r"`(O\d+\.\d+)`", practiced))


DERIVED = {
    "00-tour": "transformer.weight_flops",
    "01-hardware": "hardware.ridge",
    "02-matmul": "matmul.tiled_traffic",
    "03-transformer": "transformer.dense_mlp_params",
    "04-kv-cache": "kv_cache.flops_without_cache",
    "05-gqa": "gqa.attention_intensity",
    "06-tokens-per-second": "tokens_per_second.generation_time",
    "07-paging": "paging.block_waste",
    "08-duty-cycle": "duty_cycle.users_at_quantile",
    "09-dollars": "dollars.owned_price",
    "10-does-it-hold": "calibration.fixed_step_time",
    "15-guessing": "speculation.accepted_tokens_per_step",
}


@each_chapter
def test_a_chapter_fails_when_a_formula_that_it_derives_changes(
    twin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends where it derives the formula, which is changed before the chapter starts."""
    changed = ALL[DERIVED[twin.stem]]
    assert isinstance(changed, Formula)
    monkeypatch.setitem(vars(changed), "expression", 3 * changed.expression)
    with pytest.raises(AgreementError):
        list(run(code_of(twin)))
