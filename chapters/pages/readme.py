"""The README: its table of chapters is that of the first page."""

import re

from .chapters import ROOT

_TABLE = re.compile(r"^\| chapter \|.*(?:\n\|.*)+", re.MULTILINE)


def readme() -> str:
    """Return the README, with the table that ``text/index.md`` holds."""
    first = (ROOT / "text" / "index.md").read_text(encoding="utf-8")
    table = _TABLE.findall(first)[0].replace("](", "](chapters/")
    text = (ROOT.parent / "README.md").read_text(encoding="utf-8")
    return _TABLE.sub(lambda _: table, text)
