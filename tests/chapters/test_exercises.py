"""Each chapter with its worked solutions in place of the empty answers, in this process.

That a chapter runs in a kernel, and shows what is stored, is what nbval asks. So only those cells
run here that the ones in question lean on.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
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


def root_of(node: ast.expr) -> str:
    """Return the name whose item, attribute or method an expression is."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def names_of(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell makes or changes, and those that it reads."""
    made, read = set[str](), set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.FunctionDef):
            made.add(node.name)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            made.add(root_of(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            made.add(root_of(node.value))  # as in rows.append(...)
    return made, read


def needed(
    cells: Iterable[NotebookNode], wanted: Callable[[NotebookNode], bool]
) -> list[NotebookNode]:
    """Return the cells that are wanted, and those above whose names they read."""
    kept, names = [], set[str]()
    for cell in reversed(list(cells)):
        made, read = names_of(cell.source)
        if wanted(cell) or (made - {"nk"}) & names or "import napkin" in cell.source:
            kept.append(cell)
            names |= read
    return kept[::-1]


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
    cells = needed(cells, lambda cell: "answer_" in cell.source or "nk.quantity(" in cell.source)
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
    "11-prompts": "prompts.disaggregated_n_gpus_prefill",
    "12-experts": "experts.experts_touched",
    "13-bits": "quantization.signal_to_noise",
    "14-many-gpus": "parallelism.shared_all_reduce_time",
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
    derived = needed(
        code_of(twin), lambda cell: "nk.agree(" in cell.source or "nk.quantity(" in cell.source
    )
    with pytest.raises(AgreementError):
        list(run(derived))
