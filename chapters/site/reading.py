# SPDX-License-Identifier: Apache-2.0
"""What makes pages good to read: kinds of callout, labels for narrow tables, previews, shares."""

import json
import re
import tomllib
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from share import draw_share
from sphinx.application import Sphinx

GLOSSARY = tomllib.loads(
    (Path(__file__).parents[1] / "pages/glossary.toml").read_text(encoding="utf-8")
)
TERMS = {
    re.sub(r"\W+", "-", term.lower()): entry["says"].replace("'", "’")
    for term, entry in GLOSSARY.items()
}
TO_TERM = re.compile(r'glossary\.html#([\w-]+)"')
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
CELL = re.compile(r"<td\b|<tr\b")
LONGEST = 200  # what search engines and messengers show of a description


def lead_of(node: nodes.Element) -> str:
    """Return the bold words that open a paragraph, without their period."""
    first = next((child for child in node.children if child.astext()), None)
    words = first.astext() if isinstance(first, nodes.strong) else ""
    return words[:-1] if words.endswith(".") else ""


def mark_callouts(app: Sphinx, doctree: nodes.document) -> None:
    """Say of each callout in its class what kind it is, so that a style sheet can tell them apart.

    A chapter writes them as a quotation, or a paragraph, that opens with a bold word.
    """
    for quote in doctree.findall(nodes.block_quote):
        if isinstance(quote[0], nodes.paragraph) and (lead := lead_of(quote[0])):
            quote["classes"] += ["callout", nodes.make_id(lead)]
    for paragraph in doctree.findall(nodes.paragraph):
        if lead_of(paragraph) == "Predict":
            paragraph["classes"] += ["callout", "predict"]


def words_of(html: str) -> str:
    """Return HTML as plain words; mathematics twice in it is read once."""
    once = re.sub(r'<span class="katex-mathml">.*?</math></span>', "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", once).split())


def labeled(found: re.Match[str]) -> str:
    """Label each cell of a table of results with its column, for screens where rows are stacked."""
    table = found[0]
    head, _, body = table.partition("</thead>")
    labels = [words_of(text) for text in re.findall(r"<th\b[^>]*>(.*?)</th>", head, re.DOTALL)]
    if len(labels) < 3 or not body:
        return table
    column = 0

    def label(tag: re.Match[str]) -> str:
        nonlocal column
        column = 0 if tag[0] == "<tr" else column + 1
        return tag[0] if not column else f'<td data-label="{labels[column - 1]}"'

    return head.replace("<table", "<table data-stacks", 1) + "</thead>" + CELL.sub(label, body)


def description(doctree: nodes.document | None) -> str:
    """Return what a page is about: whole sentences from its first paragraph of prose."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = paragraph.astext().removeprefix(f"{lead_of(paragraph)}.").strip()
        if len(text) > 60 and "Download the notebook" not in text:
            kept = ""
            for sentence in re.split(r"(?<=[.?!])\s+", " ".join(text.split())):
                if len(kept) + len(sentence) > LONGEST:
                    break
                kept = f"{kept} {sentence}".strip()
            return kept or text[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def finish(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add to a page what its text alone does not say."""
    body = TABLE.sub(labeled, context.get("body", ""))
    terms = {term: TERMS[term] for term in sorted({*TO_TERM.findall(body)}) if term in TERMS}
    context["body"] = body
    # A closing tag would end the script; nothing else is special there.
    context["terms"] = json.dumps(terms, ensure_ascii=False).replace("</", "<\\/") if terms else ""
    context["description"] = escape(description(doctree) or app.config.html_context["about"])


def share(app: Sphinx, problem: Exception | None) -> None:
    """Draw the picture that a shared link shows."""
    if problem is None:
        draw_share(Path(app.outdir) / "_static" / "share.png")


def setup(app: Sphinx) -> None:
    """Have Sphinx call us."""
    app.connect("doctree-read", mark_callouts)
    app.connect("html-page-context", finish)
    app.connect("build-finished", share)
