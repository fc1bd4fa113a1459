# SPDX-License-Identifier: Apache-2.0
"""The glossary: one sentence for each word that the chapters introduce in bold."""

import re
import tomllib
from functools import cache
from pathlib import Path

from napkin.quantities.quantity import REGISTRY

from .chapters import CHAPTERS

GLOSSARY = """\
# Glossary

The words that the chapters introduce in bold, each with the chapter that does. Where a word
has a number behind it, its code name and unit stand beside: [notation](notation.md) has all of
those.

<dl class="terms">
"""


@cache
def glossary() -> dict[str, dict[str, str]]:
    """Return what each term says, its chapter, and the quantity behind it."""
    text = Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def anchor(term: str) -> str:
    """Return where a term stands on the page."""
    return re.sub(r"\W+", "-", term.lower())


def glossary_page() -> str:
    """Return the glossary: a list of definitions in HTML, which Markdown has no words for."""
    by_stem = {chapter.stem: chapter for chapter in CHAPTERS}
    parts = [GLOSSARY.rstrip()]
    for term, entry in sorted(glossary().items(), key=lambda item: item[0].lower()):
        behind = ""
        if "quantity" in entry:
            quantity = REGISTRY[entry["quantity"]]
            unit = "" if quantity.unit == "1" else f", in {quantity.unit}"
            behind = f" `{quantity.name}`{unit}."
        link = by_stem[entry["chapter"]].named_link
        parts.append(f'<dt id="{anchor(term)}">{term}</dt>\n<dd>\n')
        parts.append(f"{entry['says']}{behind} {link}.\n\n</dd>")
    return "\n".join([*parts, "</dl>"]) + "\n"
