# SPDX-License-Identifier: Apache-2.0
"""The package: what its docstrings say, name by name."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from numpydoc.docscrape import ClassDoc, FunctionDoc, Parameter

import napkin as nk
from napkin import catalog, errors, views
from napkin.formulas import MODULES
from napkin.formulas.variants import BUNDLES
from napkin.quantities.table import Table, escaped

API = """\
# The package

`import napkin as nk`, and the names below; symbols come from `napkin.notation`, which the
[notation](notation.md) lists. `n` is always a worksheet.
"""
GROUPS = {
    "The worksheet": ["Napkin", "Value", "quantity"],
    "Questions to a worksheet": [
        *("binding", "explain", "solve", "sweep", "sensitivity", "uncertainty", "compare")
    ],
    "Formulas": ["Formula", "agree"],
    "Facts": ["Accelerator", "Model"],
    "Measurements": ["measure", "measured", "measurement"],
    "In a notebook": ["explore", "show", "say", "symbols", "check", "quiz"],
}


def told(lines: list[str]) -> str:
    """Return lines of a docstring as one paragraph of Markdown."""
    return " ".join(" ".join(lines).replace("``", "`").split())


def listed(title: str, entries: list[Parameter]) -> Iterator[str]:
    """Yield parameters, results or errors as a list."""
    if entries:
        yield f"{title}:\n"
        for name, kind, description in entries:
            what = " ".join(filter(None, (f"`{name}`" * bool(name), f"({kind})" * bool(kind))))
            yield f"- {what}: {escaped(told(description))}"
        yield ""


def signature(function: Callable[..., Any], name: str) -> str:
    """Return how a function is called, without its types."""
    called = inspect.signature(function)
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in called.parameters.values()]
    return f"{name}({', '.join(str(p) for p in plain if p.name != 'self')})"


def members(kind: type) -> Iterator[list[str]]:
    """Yield the public methods and properties of a class, each with its first sentence."""
    for name, value in vars(kind).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            shown = signature(value, name) if inspect.isfunction(value) else name
            yield [f"`{shown}`", told((inspect.getdoc(value) or "").split("\n\n")[0].splitlines())]


def documented(thing: Any, name: str) -> Iterator[str]:
    """Yield the entry of one function or class."""
    doc = (ClassDoc if inspect.isclass(thing) else FunctionDoc)(thing)
    yield f"### {name}\n"
    yield f"`{signature(thing, name)}`\n"
    yield escaped(told(doc["Summary"] + doc["Extended Summary"])) + "\n"
    for title in ("Parameters", "Returns", "Raises"):
        yield from listed(title, doc[title])
    if doc["Notes"]:
        yield escaped(told(doc["Notes"])) + "\n"
    if doc["Examples"]:
        yield "```python\n" + "\n".join(doc["Examples"]) + "\n```\n"
    rows = list(members(thing)) if inspect.isclass(thing) else []
    if rows:
        yield Table(["of it", "what it gives"], rows)._repr_markdown_() + "\n"


def tables() -> Iterator[str]:
    """Yield what has many names of one kind: bundles, formulas, facts, errors."""
    yield '## Bundles\n\n`n.assume(nk.variants.mla)`, or `n.assume("mla")`.\n'
    rows = [[f"`{b.name}`", told([b.why])] for b in BUNDLES.values()]
    yield Table(["bundle", "what it says"], rows)._repr_markdown_() + "\n"
    yield "## Modules of formulas\n\n`nk.formulas.<module>.<name>`, each a `Formula`.\n"
    rows = [
        [f"`{m.__name__.rsplit('.', 1)[1]}`", told([(m.__doc__ or "").split("\n")[0]])]
        for m in MODULES
    ]
    yield Table(["module", "what it holds"], rows)._repr_markdown_() + "\n"
    yield "## The catalog\n\n`nk.catalog.<name>`: tables of facts, each with its source.\n"
    facts = {name: getattr(catalog, name) for name in dir(catalog)}
    rows = [[f"`{name}`", told(summary(f))] for name, f in facts.items() if callable(f)]
    yield Table(["name", "what it gives"], rows)._repr_markdown_() + "\n"
    yield "## Errors\n\nWhat went wrong is said by one of these, all of them a `NapkinError`.\n"
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
    rows = [
        [f"`{kind.__name__}`", told(summary(kind))]
        for kind in kinds
        if issubclass(kind, nk.NapkinError)
    ]
    yield Table(["error", "when"], rows)._repr_markdown_() + "\n"


def summary(thing: Any) -> list[str]:
    """Return the first paragraph of a docstring."""
    return (inspect.getdoc(thing) or "").split("\n\n")[0].splitlines()


def api_page() -> str:
    """Return the page of the package."""
    lines = [API]
    for title, names in GROUPS.items():
        lines.append(f"## {title}\n")
        for name in names:
            lines += documented(getattr(nk, name), f"nk.{name}")
    lines.append("## Figures and tables\n")
    for name in views.__all__:
        if inspect.isfunction(getattr(views, name)) and name not in nk.__all__:
            lines += documented(getattr(views, name), f"nk.views.{name}")
    lines += tables()
    return "\n".join(lines)
