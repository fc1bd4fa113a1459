# SPDX-License-Identifier: Apache-2.0
"""The references: what chapters link to and formulas name as their source."""

import re
from functools import cache

from pybtex.database import BibliographyData, Entry, parse_file
from pybtex.plugin import find_plugin

from napkin.formulas import ALL

from .chapters import BY_MODULE, CHAPTERS, ROOT, Chapter

REFERENCES = """\
# References

What the chapters point to and what the formulas are taken from, each with the chapters that
use it. Facts of the catalog (data sheets, configurations, prices, traffic, measurements) name
their sources one by one: `nk.catalog` shows them.
"""


@cache
def bibliography() -> BibliographyData:
    """Return the entries of ``references.bib``."""
    return parse_file(str(ROOT / "references.bib"), "bibtex")


def address(entry: Entry) -> str:
    """Return where an entry is to be read, or nothing."""
    number = entry.fields.get("eprint")
    return f"https://arxiv.org/abs/{number}" if number else entry.fields.get("url", "")


def is_named(entry: Entry, source: str) -> bool:
    """Tell whether the source of a formula is this entry."""
    names = (entry.fields.get("eprint"), entry.fields.get("shorthand"))
    return any(name and re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", source) for name in names)


def users(entry: Entry) -> list[Chapter]:
    """Return the chapters that link to an entry, or whose formulas are taken from it."""
    modules = {name.split(".")[0] for name, f in ALL.items() if is_named(entry, f.source)}
    of_formulas = [BY_MODULE[module] for module in modules & BY_MODULE.keys()]
    where = address(entry)
    linking = [c for c in CHAPTERS if where and any(link.startswith(where) for link in c.links)]
    return sorted({*of_formulas, *linking}, key=CHAPTERS.index)


def references_page() -> str:
    """Return the list of references."""
    style = find_plugin("pybtex.style.formatting", "plain")()
    backend = find_plugin("pybtex.backends", "plaintext")()
    lines = []
    for formatted in style.format_bibliography(bibliography()):
        entry = bibliography().entries[formatted.key]
        text = re.sub(r" (URL|arXiv|doi):.*", "", formatted.text.render(backend))
        where = f" [{address(entry).removeprefix('https://')}]({address(entry)})." * bool(
            address(entry)
        )
        used = ", ".join(chapter.link for chapter in users(entry))
        lines.append(f"- {text}{where} Used in {used}.")
    return f"{REFERENCES}\n" + "\n".join(lines) + "\n"
