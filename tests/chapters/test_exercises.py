"""Each chapter with its worked solutions in place of the empty answers."""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parents[2]
TWINS = sorted((ROOT / "chapters" / "text").glob("[0-9]*.md"))
ANSWER = re.compile(r"^answer_(\d+)_(\d+) = None$", re.MULTILINE)


def run(notebook: NotebookNode) -> None:
    """Execute a chapter where it stands."""
    resources = {"metadata": {"path": str(ROOT / "chapters")}}
    NotebookClient(notebook, timeout=120, resources=resources).execute()


def solutions(stem: str) -> dict[str, str]:
    """Return the code of each worked solution by the number of its exercise."""
    found, number = {}, ""
    for cell in jupytext.read(ROOT / "chapters" / "solutions" / f"{stem}.md").cells:
        heading = re.search(r"^## (\d+\.\d+)$", cell.source, re.MULTILINE)
        number = heading[1] if heading else number
        if cell.cell_type == "code":
            assert number not in found, f"two solutions for {number}"
            found[number] = cell.source
    return found


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)
def test_every_exercise_has_one_solution_and_it_is_right(twin: Path) -> None:
    notebook, solved, checked = jupytext.read(twin), solutions(twin.stem), []
    for cell in notebook.cells:
        answer = ANSWER.search(cell.source) if cell.cell_type == "code" else None
        if answer:
            cell.source = solved.pop(f"{answer[1]}.{answer[2]}")
        if cell.source.startswith("nk.check("):
            checked.append(cell)
    assert not solved, f"solutions without an exercise: {sorted(solved)}"
    run(notebook)
    said = [cell.outputs[0].data["text/plain"] for cell in checked]
    assert said and all(text.startswith("Right: ") for text in said), said


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)
def test_every_objective_is_practiced(twin: Path) -> None:
    text = twin.read_text(encoding="utf-8")
    promised, practiced = text.split("## Exercises")
    objectives = set(re.findall(r"`(O\d+\.\d+)`", promised))
    assert objectives and objectives == set(re.findall(r"`(O\d+\.\d+)`", practiced))


@pytest.mark.parametrize(
    ("stem", "formula"),
    [
        ("00-tour", "transformer.weight_flops"),
        ("01-hardware", "hardware.ridge"),
        ("02-matmul", "matmul.tiled_traffic"),
        ("03-transformer", "transformer.dense_mlp_params"),
        ("04-kv-cache", "kv_cache.flops_without_cache"),
        ("05-gqa", "gqa.attention_intensity"),
        ("06-tokens-per-second", "tokens_per_second.generation_time"),
        ("07-paging", "paging.best_block_size"),
        ("08-duty-cycle", "duty_cycle.users_at_quantile"),
        ("09-dollars", "dollars.owned_price"),
    ],
)
def test_a_chapter_fails_when_a_formula_that_it_derives_changes(stem: str, formula: str) -> None:
    notebook = jupytext.read(ROOT / "chapters" / "text" / f"{stem}.md")
    change = (
        f"import napkin.formulas as formulas\nchanged = formulas.{formula}\n"
        "object.__setattr__(changed, 'expression', changed.expression * 3)"
    )
    notebook.cells.insert(0, new_code_cell(change))
    with pytest.raises(CellExecutionError, match="AgreementError"):
        run(notebook)
