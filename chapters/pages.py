# SPDX-License-Identifier: Apache-2.0
"""Write the pages that follow from the package: ``python chapters/pages.py``."""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from napkin import notation
from napkin.catalog.fields import VERDICTS
from napkin.claims import Claim, claims, ledger
from napkin.formula import Formula
from napkin.formulas import ALL, MODULES
from napkin.quantity import REGISTRY, Quantity
from napkin.table import Table

CHAPTERS = Path(__file__).resolve().parent
HEADINGS = {
    "hardware": "A GPU, and a piece of work",
    "matmul": "A matrix product",
    "transformer": "A model, counted",
    "kv_cache": "The cache",
    "gqa": "Attention and its relatives",
    "layers": "Models whose layers differ",
    "quantization": "Narrow numbers",
    "tokens_per_second": "A step, and its speed",
    "paging": "What fits",
    "duty_cycle": "Users",
    "dollars": "Money",
    "": "Beside the formulas",
}
OTHERS = {"scaling_book": "scaling-book, CS336", "kipply": "kipply", "pope": "Pope et al."}
LEAD = """\
# Notation

Each quantity has a short symbol for formulas and a code name for Python. The code name is the
keyword of `nk.Napkin(...)`, the name to read (`n.bandwidth`) and the symbol to import
(`from napkin.notation import bandwidth`). A bare number is in the unit of this page; text
brings its unit. Quantities stand where the book first computes with them.

Bytes are decimal: 1 GB is 10^9 bytes, and binary units say so (GiB). Peaks are dense. Tokens,
sequences, users and GPUs are labels: they are shown, and count as plain numbers.
"""
ROSETTA = """\
## In the letters of others

The same letter means different things in different texts. This table is for readers who come
from one of them; the last column is the key in a Hugging Face `config.json`.
"""


def grouped() -> Iterator[tuple[str, list[Quantity]]]:
    """Yield the quantities by the first module of formulas that uses them."""
    left = {name: quantity for name, quantity in REGISTRY.items() if hasattr(notation, name)}
    for module in MODULES:
        used = {
            symbol.name
            for formula in vars(module).values()
            if isinstance(formula, Formula)
            for symbol in (formula.target, *formula.symbols)
        }
        yield (
            module.__name__.rsplit(".", 1)[1],
            [left.pop(name) for name in list(left) if name in used],
        )
    yield "", list(left.values())


def allowed(quantity: Quantity) -> str:
    """Say which values a quantity may have, and what is assumed."""
    words = quantity.domain.words.removeprefix("a ")
    return words if quantity.default is None else f"{words}; {quantity.default} if not given"


def notation_page() -> str:
    """Return the notation page."""
    parts = [LEAD]
    header = ["symbol", "code name", "meaning", "unit", "allowed"]
    for module, quantities in grouped():
        rows = [[f"${q.shown}$", f"`{q.name}`", q.meaning, q.unit, allowed(q)] for q in quantities]
        if rows:
            parts.append(f"## {HEADINGS[module]}\n\n{Table(header, rows)._repr_markdown_()}\n")
    others = tomllib.loads((CHAPTERS / "rosetta.toml").read_text(encoding="utf-8"))
    rows = [
        [
            f"`{name}`",
            f"${REGISTRY[name].shown}$",
            *(f"`{row[text]}`" if text in row else "" for text in OTHERS),
            f"`{REGISTRY[name].config_key}`" if REGISTRY[name].config_key else "",
        ]
        for name, row in others.items()
    ]
    header = ["code name", "here", *OTHERS.values(), "config.json"]
    parts.append(f"{ROSETTA}\n{Table(header, rows)._repr_markdown_()}\n")
    return "\n".join(parts)


CHAPTER_OF = {
    path.stem.split("-", 1)[1].replace("-", "_"): path.name
    for path in sorted((CHAPTERS / "text").glob("0[1-9]-*.md"))
}
CLAIMS = """\
# The article, claim by claim

This book follows the path of one article,
[Inference cost at scale with napkin math](https://injuly.in/blog/napkin-inference-cost), and
audits it: each number and formula in it is derived again from its own assumptions, each
statement is held against a derivation. Much of it stands. Where it does not, the reason is
given, and the chapter that shows it. An earlier text of the article is audited as well.
"""


def chapter_of(claim: Claim) -> str:
    """Return the chapter that derives what settles a claim, as a link."""
    target = claim.row.get("target", "")
    names = [claim.settled_by, *(name for name in ALL if name.rsplit(".", 1)[1] == target)]
    found = [CHAPTER_OF[name.split(".")[0]] for name in names if name.split(".")[0] in CHAPTER_OF]
    if not found:
        return ""
    stem = found[0].removesuffix(".md")
    return f"[{stem[:2]}]({stem}.ipynb)"


def claims_page() -> str:
    """Return the ledger of claims."""
    counts = Counter(claim.verdict for claim in claims())
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
    rows = [
        [*row, entry.version, chapter_of(entry)]
        for row, entry in zip(ledger().rows, claims(), strict=True)
    ]
    header = [*ledger().header, "text", "chapter"]
    return f"{CLAIMS}\n{len(rows)} claims: {told}.\n\n{Table(header, rows)._repr_markdown_()}\n"


PAGES = {"notation.md": notation_page, "claims.md": claims_page}


def main() -> int:
    """Write every page."""
    for name, page in PAGES.items():
        (CHAPTERS / name).write_text(page(), encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
