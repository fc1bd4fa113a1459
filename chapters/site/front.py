# SPDX-License-Identifier: Apache-2.0
"""The first page of the site: chapters as cards, and the code of the picture under it."""

import re
from html import escape
from pathlib import Path
from typing import Any, Final

IMAGES: Final = Path(__file__).parents[1] / "images"
# The part of a chapter's first diagram, 5 to 2, that is understood small and without labels.
CROPS: Final = {
    "00-tour": "0 79 556 222",
    "01-hardware": "120 70 500 200",
    "02-matmul": "80 34 420 168",
    "03-transformer": "24 170 705 282",
    "04-kv-cache": "62 222 490 196",
    "05-gqa": "-24 169 436 175",
    "06-tokens-per-second": "84 18 640 256",
    "07-paging": "0 74 440 176",
    "08-duty-cycle": "90 180 484 194",
    "09-dollars": "0 14 720 288",
    "10-does-it-hold": "140 22 512 205",
    "15-guessing": "-4 46 370 148",
}
TABLE: Final = re.compile(r"^\| chapter \|.*(?:\n\|.*)+", re.MULTILINE)
ROW: Final = re.compile(r"^\| \[(.+?)\]\((.+?)\.ipynb\) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def thumbnail(stem: str) -> str:
    """Return a part of a chapter's first diagram, as decoration."""
    drawn = (IMAGES / f"{stem}.svg").read_text(encoding="utf-8")
    shapes = re.sub(r"<text.*?</text>|^<svg.*?>", "", drawn, flags=re.DOTALL)
    return f'<svg viewBox="{CROPS[stem]}" aria-hidden="true">{shapes}'


def cards(found: re.Match[str]) -> str:
    """Return a table of chapters as cards."""
    made = (
        f'<li>{thumbnail(stem)}<a href="{stem}.html">{escape(name)}</a>'
        f"<p>{escape(question)}</p><p>{escape(surprise)}</p></li>"
        for name, stem, question, surprise in ROW.findall(found[0])
    )
    return f'<ul class="front-cards">{"".join(made)}</ul>'


def arrange(notebook: dict[str, Any]) -> None:
    """Turn the table into cards, and put the code under what it shows, folded."""
    cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = TABLE.sub(cards, text)
            continue
        cell["metadata"]["tags"] = ["remove-input"]
        code = f"```python\n{text}\n```"
        folded = (
            f"<details><summary>The code of its opening state</summary>\n\n{code}\n\n</details>"
        )
        under = {"id": "front-code", "metadata": {}, "source": folded}
        cells.append({"cell_type": "markdown", **under})
    notebook["cells"] = cells
