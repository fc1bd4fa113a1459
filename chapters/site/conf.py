# SPDX-License-Identifier: Apache-2.0
"""The offline site. What the book is comes from myst.yml; this file says how Sphinx shows it."""

import json
import re
import sys
import time
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinxcontrib.katex import KaTeXServer, render_latex

sys.path.insert(0, str(Path(__file__).parent))  # where our own modules lie
sys.path.insert(0, str(Path(__file__).with_name("live")))
import front
from into_pages import add_form, add_quiz, megabytes
from solved import complete

ROOT = Path(__file__).parents[2]
BOOK = yaml.safe_load((ROOT / "myst.yml").read_text(encoding="utf-8"))["project"]
REPOSITORY: str = BOOK["github"]
OWNER, NAME = REPOSITORY.removeprefix("https://github.com/").split("/")
PUBLISHED = OWNER != "OWNER"  # until somebody sets it, links to it lead nowhere
TAG = BOOK["jupyter"]["binder"]["ref"]

project = html_title = BOOK["title"].split(":")[0]
author = ", ".join(person["name"] for person in BOOK["authors"])
language = "en"
exclude_patterns = ["text/*", "site/*", "audit/*", "pages/*", "quizzes/*", "images/*"]
exclude_patterns += ["**/.ipynb_checkpoints"]

extensions = ["myst_nb", "sphinxcontrib.katex", "reading"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_render_markdown_format = "myst"  # what a cell shows has tables and mathematics
nb_ipywidgets_js: dict[str, Any] = {}  # or three other hosts are asked
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
katex_prerender = True  # typeset by node, once, here
katex_css_path = "katex/katex.min.css"

html_theme = "furo"
html_static_path = ["static", "../../napkin/views/static", "../diagrams/static"]
html_css_files = ["explorer.css", "running.css", "memory-map.css", "site.css", "reading.css"]
html_css_files += ["first-page.css", "live/live.css"]
html_js_files = [(f"{name}.js", {"type": "module"}) for name in ("site", "reading", "live/live")]
html_search_scorer = str(Path(__file__).with_name("static") / "scorer.js")
html_context = {
    "about": BOOK["description"],
    "megabytes": megabytes(),
    "author": author,
    "repository": REPOSITORY if PUBLISHED else "",
    "address": f"https://{OWNER.lower()}.github.io/{NAME}/" if PUBLISHED else "",
}
html_static_path += ["../../_build/katex", "../../_build/live"]
html_extra_path = ["root"]  # the service worker: it looks after the folder in which it lies
html_favicon = "static/favicon.svg"
templates_path = ["templates"]
html_copy_source = False
html_show_sphinx = html_show_copyright = False  # the line at the foot says more
html_theme_options: dict[str, Any] = {"top_of_page_buttons": []}


def page_of(file: str) -> str:
    """Return the name that Sphinx has for a file of the table of contents."""
    return re.sub(r"^chapters/|\.\w+$", "", file)


def toctrees(entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the table of contents of myst.yml in Sphinx's words."""
    for part in entries:
        pages = "\n".join(
            f"{p['title']} </{page_of(p['file'])}>" if "title" in p else f"/{page_of(p['file'])}"
            for p in part.get("children", [part])
        )
        caption = f":caption: {part['title']}\n" if "title" in part else ""
        yield f"\n\n```{{toctree}}\n:hidden:\n{caption}\n{pages}\n```"


root_doc = page_of(BOOK["toc"][0]["file"])


def links(page: str) -> str:
    """Say what a reader can do with a notebook."""
    at = f"{OWNER}/{NAME}/{TAG}?urlpath=lab/tree/chapters/{page}.ipynb"
    binder = f" · [Open in Binder](https://mybinder.org/v2/gh/{at}) (the first start takes minutes)"
    return f"{{download}}`Download the notebook <{page}.ipynb>`" + binder * PUBLISHED


GLOSSARY = tomllib.loads((ROOT / "chapters/pages/glossary.toml").read_text(encoding="utf-8"))
# Words that plain sentences use as well stay as they are.
PLAIN = {"active", "ceiling", "chip", "compulsory", "dense", "gated", "heads", "resident"}
PLAIN |= {"key", "layers", "norm", "pages", "query", "state", "step", "tile", "turn", "value"}
PLAIN |= {"vector"}
ORDER = [page_of(p["file"]) for part in BOOK["toc"] for p in part.get("children", [part])]
MATHEMATICS = r"\$\$[^$]*\$\$|\$[^$]*\$"
AS_IT_IS = re.compile(
    rf"(`[^`]*`|{MATHEMATICS}|\[[^\]]*\]\([^)]*\)|\*\*[^*]+\*\*|^#.*$|^\|.*$)", re.M
)


def with_terms(notebook: dict[str, Any], page: str) -> None:
    """Link each word of an earlier chapter to the glossary, where a chapter first uses it."""
    left = {
        term: re.compile(rf"\b{re.escape(term)}\b", re.IGNORECASE)
        for term, entry in GLOSSARY.items()
        if term not in PLAIN and ORDER.index(entry["chapter"]) < ORDER.index(page)
    }
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "markdown" or text.startswith("# "):
            continue
        if text.startswith("## Exercises"):
            return
        parts = AS_IT_IS.split(text)
        for index in range(0, len(parts), 2):
            for term, pattern in list(left.items()):
                place = "glossary.html#" + re.sub(r"\W+", "-", term.lower())
                link = rf'<a class="term" href="{place}">\g<0></a>'
                parts[index], found = pattern.subn(link, parts[index], count=1)
                if found:
                    del left[term]
                    break  # a link must not be searched for further words
        cell["source"] = "".join(parts)


def start_katex(app: Sphinx) -> None:
    """Start the typesetter, again where its socket is there a moment before it listens."""
    for _ in range(20):
        try:
            KaTeXServer.get()
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
    KaTeXServer.get()


def typeset(notebook: dict[str, Any]) -> None:
    """Typeset the mathematics in derivation trees, which are HTML already."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/html", ""))
            if text.startswith("<div class='napkin-explain'>"):
                typeset = re.sub(
                    r"\$([^$]+)\$", lambda found: render_latex(unescape(found[1])), text
                )
                output["data"]["text/html"] = typeset


DRAWN = re.compile(r'<img alt="([^"]*)" src="data:[^,]*,([^"]*)"[^>]* data-narrow="[^,]*,([^"]*)">')


def inlined(found: re.Match[str]) -> str:
    """Return a diagram in both layouts as a part of the page, so that it takes its colors."""
    alt, *layouts = found.groups()
    said = f'role="img" aria-label="{alt}"'
    drawn = (
        b64decode(data).decode().replace("<svg", f'<svg class="{name}" {said}', 1)
        for name, data in zip(("wide", "narrow"), layouts, strict=True)
    )
    return f'<div class="napkin-diagram">{"".join(drawn)}</div>'


def draw(notebook: dict[str, Any]) -> None:
    """Put diagrams into the page instead of images of them."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/html", ""))
            if DRAWN.search(text):
                output["data"]["text/html"] = DRAWN.sub(inlined, text)


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Add what only the site has: the table of contents, and links below a chapter's title."""
    if page.startswith("solutions/"):
        source[0] = complete(source[0], page.removeprefix("solutions/"))
    if not str(app.env.doc2path(page)).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    typeset(notebook)
    draw(notebook)
    add_quiz(notebook)
    if page == "rederive":
        add_form(notebook)
    first, last = notebook["cells"][0], notebook["cells"][-1]
    text = "".join(first["source"])
    if page == root_doc:
        front.arrange(notebook)
        last["source"] = "".join([*last["source"], *toctrees(BOOK["toc"][1:])])
    else:
        with_terms(notebook, page)
        first["source"] = re.sub(r"(?m)^(# .*)$", rf"\1\n\n{links(page)}\n", text, count=1)
    source[0] = json.dumps(notebook)


# What a check of accessibility finds in the pages of others.
MENDED = {
    'role="heading"': 'role="heading" aria-level="2"',  # Furo: captions of the navigation
    '<aside class="sidebar-drawer"': '<aside class="sidebar-drawer" aria-label="Chapters"',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    ' aria-label="Toggle hidden content"': "",  # MyST-NB: hides the words beside it
}
TEX = re.compile("<annotation .*?</annotation>", re.DOTALL)  # it would stand in search results


def mend(app: Sphinx, problem: Exception | None) -> None:
    """Mend the pages that were written."""
    for path in Path(app.outdir).rglob("*.html"):
        text = TEX.sub("", path.read_text(encoding="utf-8"))
        for wrong, right in MENDED.items():
            text = text.replace(wrong, right)
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Have Sphinx call us."""
    app.connect("builder-inited", start_katex, priority=900)
    app.connect("source-read", read)
    app.connect("build-finished", mend)
