# SPDX-License-Identifier: Apache-2.0
"""The form of the chapters: each rule takes a notebook and returns its complaints."""

import ast
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import jupytext
import pytest
from jupytext.compare import compare_notebooks
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("[!.]*.ipynb"))

TAGS = {"hide-input", "hide-cell", "raises-exception", "exercise", "check", "solution"}
CALLOUTS = {"Takeaway", "Assumption", "Pitfall", "Check"}
FOREIGN_PATHS = re.compile(r"/(home|Users|root|tmp)/|site-packages|[A-Z]:\\\\Users")
MATH = re.compile(r"\$\$.+?\$\$|\$(?!\s)[^$]+?(?<!\s)\$(?!\d)", re.DOTALL)
CODE_SPAN = re.compile(r"(`+).+?\1", re.DOTALL)
LINK = re.compile(r"\]\([^)]*\)")
NUMBER = re.compile(r"(?<![\w.^{-])\d[\d,_]*(?:\.\d+)?(?![\w^}])")
MINUTES = re.compile(r"Allow \d+ minutes to read( and \d+ for the exercises)?")
CHAPTER = re.compile(r"(\[(chapter )?|^# )\d+(?= ·|\])", re.MULTILINE)
HEADING = re.compile(r"^#+ Exercises\b", re.MULTILINE)

Rule = Callable[[NotebookNode], list[str]]


def of_type(notebook: NotebookNode, kind: str) -> Iterator[tuple[int, NotebookNode]]:
    """Yield the cells of one type, each with its number, counted from 1."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == kind:
            yield number, cell


def words(text: str) -> int:
    """Count the words of prose: tables and addresses not at all, a formula as one."""
    rows = [line for line in text.splitlines() if not line.lstrip().startswith("|")]
    prose = LINK.sub("]", MATH.sub("x", CODE_SPAN.sub("x", "\n".join(rows))))
    return sum(any(letter.isalnum() for letter in word) for word in prose.split())


def tree(source: str) -> ast.Module | None:
    """Return the syntax tree, or None for what is not Python (magics, say)."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def executed_in_order(notebook: NotebookNode) -> list[str]:
    # nbval does not compare a cell that was never executed.
    counts = [cell.execution_count for _, cell in of_type(notebook, "code")]
    wanted = list(range(1, len(counts) + 1))
    return [] if counts == wanted else [f"execution counts are {counts}: run `make chapters`"]


def no_unexpected_errors(notebook: NotebookNode) -> list[str]:
    return [
        f"cell {number} stores {output.ename}: {output.evalue}"
        for number, cell in of_type(notebook, "code")
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


def known_tags(notebook: NotebookNode) -> list[str]:
    return [
        f"cell {number} has the tag {tag!r}; allowed are {sorted(TAGS)}"
        for number, cell in enumerate(notebook.cells, start=1)
        for tag in cell.metadata.get("tags", [])
        if tag not in TAGS
    ]


def short_code(notebook: NotebookNode) -> list[str]:
    complaints = []
    for number, cell in of_type(notebook, "code"):
        lines = cell.source.splitlines()
        if len(lines) > 12:
            complaints.append(f"cell {number} has {len(lines)} lines; at most 12")
        if (width := max(map(len, lines), default=0)) > 79:
            complaints.append(f"cell {number} is {width} columns wide; at most 79")
    return complaints


def plain_code(notebook: NotebookNode) -> list[str]:
    complaints = []
    for number, cell in of_type(notebook, "code"):
        if (module := tree(cell.source)) is None:
            complaints.append(f"cell {number} is not plain Python")
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in {"print", "input"}:
                    complaints.append(f"cell {number} calls {node.func.id}")
            elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                complaints.append(f"cell {number} imports *")
    return complaints


def short_prose(notebook: NotebookNode) -> list[str]:
    return [
        f"cell {number} has {count} words; at most 150"
        for number, cell in of_type(notebook, "markdown")
        if (count := words(cell.source)) > 150
    ]


def prose_between_code(notebook: NotebookNode) -> list[str]:
    definitions = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.FunctionDef

    def only_defines(cell: NotebookNode) -> bool:
        module = tree(cell.source)
        return module is not None and all(isinstance(node, definitions) for node in module.body)

    return [
        f"cells {number} and {number + 1} are both code: say a sentence between them"
        for number, (cell, following) in enumerate(
            zip(notebook.cells, notebook.cells[1:], strict=False), start=1
        )
        if cell.cell_type == following.cell_type == "code" and not only_defines(cell)
    ]


def no_machine_paths(notebook: NotebookNode) -> list[str]:
    here = [str(ROOT), str(Path.home()), tempfile.gettempdir()]
    complaints = []
    for number, cell in of_type(notebook, "code"):
        shown = json.dumps(cell.outputs)
        found = [path for path in here if len(path) > 1 and path in shown]
        found += FOREIGN_PATHS.findall(shown)
        if found:
            complaints.append(f"cell {number} shows a path of one machine: {found[0]}")
    return complaints


def few_callouts(notebook: NotebookNode) -> list[str]:
    leads = [
        (number, lead)
        for number, cell in of_type(notebook, "markdown")
        for lead in re.findall(r"^>\s*\*\*(.+?)\.?\*\*", cell.source, re.MULTILINE)
    ]
    complaints = [
        f"cell {number} has the callout {lead!r}; allowed are {sorted(CALLOUTS)}"
        for number, lead in leads
        if lead not in CALLOUTS
    ]
    return complaints + ([f"{len(leads)} callouts; at most 5"] if len(leads) > 5 else [])


def no_dollar_money(notebook: NotebookNode) -> list[str]:
    return [
        f"cell {number} has a dollar sign that is not mathematics: write USD"
        for number, cell in of_type(notebook, "markdown")
        if "$" in MATH.sub("", CODE_SPAN.sub("", cell.source))
    ]


def right_length(notebook: NotebookNode) -> list[str]:
    markdown = list(of_type(notebook, "markdown"))
    exercises = [n for n, cell in markdown if HEADING.search(cell.source)]
    before = exercises[0] - 1 if exercises else len(notebook.cells)
    total = sum(words(cell.source) for number, cell in markdown if number <= before)
    complaints = [f"{before} cells before the exercises; at most 70"] if before > 70 else []
    return complaints + ([f"{total} words; at most 3,500"] if total > 3_500 else [])


def value_of(number: str) -> float:
    """Return a number as it is written in prose or in Python."""
    return float(number.replace(",", "").replace("_", ""))


def computed_numbers(notebook: NotebookNode) -> list[str]:
    """No number above ten stands in prose that no cell computes or is given."""
    known: set[float] = set()
    for _, cell in of_type(notebook, "code"):
        shown = [cell.source]
        for output in cell.outputs:
            data = {k: v for k, v in output.get("data", {}).items() if k != "text/html"}
            shown += [output.get("text", ""), *map(str, data.values())]
        known |= {value_of(number) for number in NUMBER.findall("\n".join(shown))}
    complaints = []
    for place, cell in of_type(notebook, "markdown"):
        if HEADING.search(cell.source):  # what follows are questions, with numbers of their own
            break
        prose = LINK.sub("]", CODE_SPAN.sub("", cell.source))
        prose = CHAPTER.sub("", MINUTES.sub("", prose))
        complaints += [
            f"cell {place} says {number[0]}, which no cell gives or computes"
            for number in NUMBER.finditer(prose)
            if (value := value_of(number[0])) > 10
            and value not in known
            and not (prose.startswith("%", number.end()) and value / 100 in known)
        ]
    return complaints


RULES: list[Rule] = [
    executed_in_order,
    no_unexpected_errors,
    known_tags,
    short_code,
    plain_code,
    short_prose,
    prose_between_code,
    no_machine_paths,
    few_callouts,
    no_dollar_money,
    right_length,
    computed_numbers,
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@each_rule
@each_chapter
def test_chapter(path: Path, rule: Rule) -> None:
    complaints = rule(jupytext.read(path))
    assert not complaints, "\n".join(complaints)


@each_chapter
def test_pair(path: Path) -> None:
    """The twin, which people review, says what the notebook says."""
    twin = path.parent / "text" / f"{path.stem}.md"
    compare_notebooks(jupytext.read(path), jupytext.read(twin), fmt="md:myst")


def test_no_twin_without_notebook() -> None:
    twins = {path.stem for path in (ROOT / "chapters" / "text").glob("*.md")}
    assert twins == {path.stem for path in CHAPTERS}


def code(source: str, count: int | None, *outputs: NotebookNode, tag: str = "") -> NotebookNode:
    cell: NotebookNode = new_code_cell(
        source,
        execution_count=count,
        outputs=list(outputs),
        metadata={"tags": [tag]} if tag else {},
    )
    return cell


GOOD = new_notebook(
    cells=[
        new_markdown_cell("# How many?\n\nIt costs USD 2.50/h: $2x$ of $y$, or `$HOME`."),
        code("import napkin as nk", 1),
        code("x = 1\nx", 2, new_output("execute_result", {"text/plain": "1"})),
        new_markdown_cell("> **Takeaway.** One.\n\n| a table | of " + "words | " * 100 + "|"),
        code("1 / 0", 3, new_output("error", ename="Z", evalue="0"), tag="raises-exception"),
        new_markdown_cell("## Exercises"),
        *[new_markdown_cell("Try.") for _ in range(70)],
    ]
)
BAD = new_notebook(
    cells=[
        new_markdown_cell("It costs $5 an hour, or $10, for 1,234 users.\n\n" + "word " * 150),
        new_markdown_cell("> **Note.** No.\n" * 6),
        code("print(1)", None, new_output("error", ename="E", evalue=f"in {ROOT}/x.py")),
        code("\n".join(["y"] * 13) + " " * 80, 2, tag="remove-cell"),
        *[new_markdown_cell("More. " * 40) for _ in range(70)],
    ]
)


@each_rule
def test_a_good_notebook_passes(rule: Rule) -> None:
    assert rule(GOOD) == []


@each_rule
def test_a_bad_notebook_fails(rule: Rule) -> None:
    assert rule(BAD)


@pytest.mark.parametrize(("prose", "complaints"), [("use 90% of it", 0), ("use 90 GB", 1)])
def test_a_share_gives_its_percentage(prose: str, complaints: int) -> None:
    cells = [code("n = nk.Napkin(usable_memory=0.9)", 1), new_markdown_cell(prose)]
    assert len(computed_numbers(new_notebook(cells=cells))) == complaints


def test_words_counts_prose_only() -> None:
    assert words("One `code span` and $a + b$, [two](https://a.b/c) - words.\n| a | b |") == 6


@pytest.mark.parametrize("source", ["%timeit f()", "from sympy import *", "input()"])
def test_code_that_is_not_plain(source: str) -> None:
    assert plain_code(new_notebook(cells=[code(source, 1)]))
