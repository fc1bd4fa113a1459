"""Rows under a header, as a notebook and a terminal show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = re.compile(r"[-+−]?\d")
_AS_IT_IS: Final = re.compile(r"(`[^`]*`|\$[^$]*\$)")  # code and mathematics


def escaped(text: str) -> str:
    r"""Return text for Markdown, where a star would make italics and a bar a column.

    Examples
    --------
    >>> print(escaped("memory*bandwidth, or `memory*bandwidth`"))
    memory\*bandwidth, or `memory*bandwidth`
    """
    parts = _AS_IT_IS.split(text)
    parts[::2] = (re.sub(r"[*|]", r"\\\g<0>", part) for part in parts[::2])
    return "".join(parts)


class Notes:
    """Footnotes, numbered as they come."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def __call__(self, *texts: str) -> str:
        for text in filter(None, texts):
            self._marks.setdefault(text, f"[{len(self._marks) + 1}]")
        return "".join(self._marks[text] for text in texts if text)

    @property
    def lines(self) -> list[str]:
        """The notes below a table, each with its mark."""
        return [f"{mark} {text}" for text, mark in self._marks.items()]


@dataclass(frozen=True)
class Table:
    """Rows under a header, as Markdown or as aligned text.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        Cells, as many as the header has.
    notes : sequence of str
        Footnotes, each a line below the rows.

    Examples
    --------
    >>> Table(["GPU", "memory"], [["H100", "81559 MiB [1]"]], ["[1] nvidia-smi"])
    GPU   memory
    H100  81559 MiB [1]
    <BLANKLINE>
    [1] nvidia-smi
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        cells = ([c.ljust(w) for c, w in zip(line, widths, strict=True)] for line in lines)
        text = "\n".join("  ".join(line).rstrip() for line in cells)
        return "\n".join([text, "", *self.notes]) if self.notes else text

    def _rule(self, place: int) -> str:
        """Return the rule below a head: numbers stand at the right, words at the left."""
        cells = [row[place] for row in self.rows if row[place] not in ("", "–")]
        return "---:" if cells and all(map(_NUMBER.match, cells)) else "---"

    def _repr_markdown_(self) -> str:
        rules = ["---", *(self._rule(place) for place in range(1, len(self.header)))]
        lines = [self.header, rules, *self.rows]
        text = "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in lines)
        below = "<br>\n".join(map(escaped, self.notes))
        return f"{text}\n\n<small>{below}</small>" if below else text
