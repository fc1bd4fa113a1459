# SPDX-License-Identifier: Apache-2.0
"""Run the text twins into notebooks: the same text gives the same bytes.

``python chapters/execute.py`` runs all twins of ``chapters/text/``, and
``python chapters/execute.py 00-tour`` only the one named.
"""

import json
import re
import sys
from base64 import b64decode
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

CHAPTERS = Path(__file__).resolve().parent
TEXT = CHAPTERS / "text"
SOLUTIONS = CHAPTERS / "solutions"
RESULTS = SOLUTIONS / "results.json"  # what the site shows below each solution
HEADING = re.compile(r"^## (\d+)\.(\d+)$", re.MULTILINE)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
WIDGET = "application/vnd.jupyter.widget-view+json"  # holds a random id
SVG = re.compile(r'src="data:image/svg\+xml;base64,([^"]+)"')
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class ChapterError(Exception):
    """A chapter that cannot be run: its text says which cell, and why."""


def solutions(stem: str) -> dict[str, str]:
    """Return the code of each worked solution of a chapter, which ends by showing its answer."""
    path, found, number = SOLUTIONS / f"{stem}.md", {}, ""
    for cell in jupytext.read(path, fmt="md:myst").cells if path.is_file() else []:
        if heading := HEADING.search(cell.source):
            number = f"{heading[1]}.{heading[2]}"
        if cell.cell_type == "code":
            assert number not in found, f"two solutions for {number}"
            answer = f"answer_{number.replace('.', '_')}"
            shown = f"nk.show({answer}) if hasattr({answer}, 'free_symbols') else {answer}"
            found[number] = f"{cell.source}\n{shown}"
    return found


def words_of(data: dict[str, str]) -> str:
    """Return what a cell shows as one line of Markdown."""
    typeset, plain = data.get("text/latex") or data.get("text/markdown"), data["text/plain"]
    try:
        number = float(plain)
    except ValueError:
        return typeset or "`" + plain.strip("'") + "`"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def run(notebook: NotebookNode, stem: str) -> dict[str, str]:
    """Execute the cells of `notebook` in order and store what they show; return the answers.

    The solutions run behind the last cell, so that no cell of the chapter can lean on them.
    """
    size, solved = len(notebook.cells), solutions(stem)
    notebook.cells += [nbformat.v4.new_code_cell(code) for code in solved.values()]
    client = NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        resources={"metadata": {"path": str(CHAPTERS)}},
    )
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                reason = f"{error.ename}: {COLOR.sub('', error.evalue)}"
            except CellTimeoutError:
                reason = f"it ran for more than {client.timeout} s"
            except DeadKernelError:
                reason = "the kernel died"
            else:
                continue
            source = "\n".join(f"    {line}" for line in cell.source.splitlines())
            raise ChapterError(f"{stem}, cell {index + 1} failed: {reason}\n\n{source}\n")
    shown = [cell.outputs[-1]["data"] for cell in notebook.cells[size:]]
    del notebook.cells[size:]
    return dict(zip(solved, map(words_of, shown), strict=True))


def settle(notebook: NotebookNode, stem: str) -> None:
    """Remove what differs between two runs of the same text."""
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"{stem}-{index + 1:03d}"
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = dict(LANGUAGE)
    notebook.metadata["jupytext"] = {"default_lexer": LANGUAGE["pygments_lexer"]}
    notebook.metadata.pop("widgets", None)


def first_picture(notebook: NotebookNode) -> bytes | None:
    """Return the first figure that the notebook shows: pages outside the book link to it."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    for output in outputs:
        found = SVG.search(output.get("data", {}).get("text/html", ""))
        if found:
            return b64decode(found[1])
    return None


def execute(stem: str) -> None:
    """Write ``chapters/<stem>.ipynb`` from its twin, and the twin if its form differs."""
    twin = TEXT / f"{stem}.md"
    if not twin.is_file():
        known = ", ".join(path.stem for path in sorted(TEXT.glob("*.md"))) or "none yet"
        raise ChapterError(f"there is no chapters/text/{stem}.md (there are: {known})")
    notebook = jupytext.read(twin, fmt="md:myst")
    answers = run(notebook, stem)
    settle(notebook, stem)
    path = CHAPTERS / f"{stem}.ipynb"
    nbformat.write(notebook, path)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    results = dict(sorted((results | ({stem: answers} if answers else {})).items()))
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    picture = first_picture(notebook)
    if picture:
        (CHAPTERS / "images").mkdir(exist_ok=True)
        (CHAPTERS / "images" / f"{stem}.svg").write_bytes(picture)
    # As JupyterLab would write it: it refuses to open a pair that differs.
    text = jupytext.writes(jupytext.read(path), fmt="md:myst")
    if text != twin.read_text(encoding="utf-8"):
        twin.write_text(text, encoding="utf-8")


def main(names: list[str]) -> int:
    """Execute the chapters named, or all; the number of those that failed."""
    failed = 0
    for stem in [Path(name).stem for name in names] or sorted(p.stem for p in TEXT.glob("*.md")):
        try:
            execute(stem)
        except ChapterError as error:
            failed += 1
            print(error, file=sys.stderr)
        else:
            print(f"executed {stem}")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
