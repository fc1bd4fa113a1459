# SPDX-License-Identifier: Apache-2.0
"""What the site adds to notebooks so that their pages can ask Python."""

import json
import re
import tomllib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from sphinxcontrib.katex import render_latex

import napkin as nk
from napkin.catalog.data import BYTES, SCALED

HERE = Path(__file__).parent
CHAPTERS = HERE.parents[1]
BUILT = CHAPTERS.parent / "_build" / "live" / "live" / "manifest.json"
CONFIG = re.compile(r"^config = (\{.*?\})$", re.MULTILINE | re.DOTALL)
ABOUT = (
    "Fill in the form, and get users, speed and dollars from the package itself. Below the form, "
    "the page builds the same answer cell by cell."
)
QUIZ = re.compile(r'nk\.quiz\("(.*?)"\)')


def _options(names: Iterable[str], chosen: str = "", first: str = "") -> str:
    made = [f"<option{' selected' * (name == chosen)}>{escape(name)}</option>" for name in names]
    return first + "".join(made)


def megabytes() -> str:
    """Say how large Python in the page is."""
    sizes = json.loads(BUILT.read_text(encoding="utf-8"))["bytes"].values()
    return f"{sum(sizes) / 1e6:.0f}"


def _form(notebook: dict[str, Any]) -> str:
    """Return the form, on the page's own example."""
    cells = ("".join(cell["source"]) for cell in notebook["cells"])
    (config,) = filter(None, map(CONFIG.search, cells))
    facts = json.loads(re.sub(r"(?<=\d)_(?=\d)", "", config[1]).replace("False", "false"))
    put = {
        "CONFIG": escape(json.dumps(facts, indent=1)),
        "MODELS": _options(nk.catalog.table("models")),
        "ACCELERATORS": _options(nk.catalog.table("accelerators")),
        "PRECISIONS": _options([*BYTES, *SCALED], "fp8"),
        "WIDTHS": _options(["fp8", "int8", "fp4"], "fp8", "<option value=''>16 bits</option>"),
        "SIZE": megabytes(),
    }
    text = (HERE / "form.html").read_text(encoding="utf-8")
    return re.sub("@([A-Z]+)@", lambda found: put[found[1]], text)


def add_form(notebook: dict[str, Any]) -> None:
    """Put the form below the first words of a page."""
    text = f"## Compute it here\n\n{ABOUT}\n\n```{{raw}} html\n{_form(notebook)}\n```\n"
    cell = {"id": "compute-here", "cell_type": "markdown", "metadata": {}, "source": text}
    notebook["cells"].insert(1, cell)


def _typeset(text: str) -> str:
    """Return the words of a quiz as HTML: code and mathematics stand between signs."""
    parts = re.split(r"`([^`]+)`|\$([^$]+)\$", text)
    made = [escape(part or "") for part in parts]
    made[1::3] = (f"<code>{code}</code>" if code else "" for code in made[1::3])
    made[2::3] = (render_latex(math) if math else "" for math in parts[2::3])
    return "".join(made)


def add_quiz(notebook: dict[str, Any]) -> None:
    """Put the questions of a quiz beside its list, for a page that asks them one by one."""
    for cell in notebook["cells"]:
        if found := QUIZ.fullmatch("".join(cell["source"])):
            questions = tomllib.loads((CHAPTERS / found[1]).read_text(encoding="utf-8"))["question"]
            for part in (
                *questions,
                *(option for asked in questions for option in asked["options"]),
            ):
                part |= {
                    key: _typeset(part[key]) for key in ("asks", "says", "feedback") if key in part
                }
            data = json.dumps(questions).replace("<", "\\u003c")
            script = f'<script type="application/json" data-quiz>{data}</script>'
            shown = {"output_type": "display_data", "metadata": {}, "data": {"text/html": script}}
            cell["outputs"].append(shown)
