# SPDX-License-Identifier: Apache-2.0
"""The notation: every quantity once, and the letters of others."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from napkin import notation
from napkin.formulas import MODULES
from napkin.formulas.formula import Formula
from napkin.quantities.quantity import REGISTRY, Quantity
from napkin.quantities.table import Table

HEADINGS = {
    "hardware": "A GPU, and a piece of work",
    "matmul": "A matrix product",
    "transformer": "A model, counted",
    "kv_cache": "The cache",
    "gqa": "Attention and its relatives",
    "layers": "Models whose layers differ",
    "quantization": "Narrow numbers",
    "parallelism": "Several GPUs",
    "experts": "Experts that a step touches",
    "speculation": "Guessing ahead",
    "tokens_per_second": "A step, and its speed",
    "prompts": "Prompts",
    "paging": "What fits",
    "duty_cycle": "Users",
    "dollars": "Money",
    "calibration": "What measured servers lose",
    "": "Beside the formulas",
}
OTHERS = {"scaling_book": "scaling-book, CS336", "kipply": "kipply", "pope": "Pope et al."}
LEAD = """\
# Notation

Each quantity has a short symbol for formulas and a code name for Python. The code name is the
keyword of `nk.Napkin(...)`, the name to read (`n.bandwidth`) and the symbol to import
(`from napkin.notation import bandwidth`). A bare number is in the unit of this page; text
brings its unit. Quantities stand where the book first computes with them. Where the last column is
empty, any number above 0 will do.

Bytes are decimal: 1 GB is $10^9$ bytes, and binary units say so (GiB). Peaks are dense. Tokens,
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
    words = quantity.domain.words.removeprefix("a ").replace("number of at least", "at least")
    parts = [words] * (words != "number above 0")
    return "; ".join(parts + [f"{quantity.default} if not given"] * (quantity.default is not None))


def notation_page() -> str:
    """Return the notation page."""
    parts = [LEAD]
    header = ["symbol", "code name", "meaning", "unit", "allowed"]
    for module, quantities in grouped():
        rows = [[f"${q.shown}$", f"`{q.name}`", q.meaning, q.unit, allowed(q)] for q in quantities]
        if rows:
            parts.append(f"## {HEADINGS[module]}\n\n{Table(header, rows)._repr_markdown_()}\n")
    others = tomllib.loads(Path(__file__).with_name("rosetta.toml").read_text(encoding="utf-8"))
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
