"""Rows under a header, as a notebook and a terminal show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
    >>> Table(["GPU", "memory"], [["B200", "180 GB [1]"]], ["[1] data sheet"])
    GPU   memory
    B200  180 GB [1]
    <BLANKLINE>
    [1] data sheet
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

    def _repr_markdown_(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        below = "<br>\n".join(self.notes)
        return f"{text}\n\n<small>{below}</small>" if below else text
