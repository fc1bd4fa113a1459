"""What others published or measured, held against what the worksheet derives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..catalog.data import source_of, table
from ..errors import unknown
from ..quantities.given import parse_text
from ..quantities.table import Notes, Table
from ..quantities.value import Value
from ..worksheet.napkin import ask


@dataclass(frozen=True)
class Measurement:
    """A published or measured value, and the question that it answers."""

    name: str
    says: str
    value: Value
    target: str
    worksheet: Mapping[str, Any] = field(hash=False)
    kind: str
    within: float
    source: str
    note: str = ""

    @cached_property
    def derived(self) -> Value:
        """What follows from shapes and spec sheets."""
        return ask(self.target, self.worksheet).to(self.value.unit)

    @property
    def error(self) -> float:
        """Relative error of what is derived."""
        return float(self.derived / self.value - 1)

    @property
    def holds(self) -> bool:
        """Whether a count is near enough, or a time between the bound and the slack."""
        if self.kind == "count":
            return abs(self.error) <= self.within
        slack = self.error if self.kind == "ceiling" else -self.error
        return 0 <= slack <= self.within


def measurement(name: str) -> Measurement:
    """Return a measurement of the catalog.

    Parameters
    ----------
    name : str
        For example ``"qwen3_32b_files"``.

    Returns
    -------
    Measurement
        The published value, with what derives it.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is none.

    Examples
    --------
    >>> files = measurement("qwen3_32b_files")
    >>> files.value.exact, files.derived.exact, files.error
    ('65,524,246,528 B', '65,524,246,528 B', 0.0)
    """
    rows = table("measurements")
    if name not in rows:
        raise unknown("measurement", name, rows)
    row = rows[name]
    rest = {key: row[key] for key in ("says", "target", "worksheet", "kind", "within")}
    value, note = parse_text(row["value"]), row.get("note", "")
    return Measurement(name, value=value, source=source_of(row), note=note, **rest)


def measured(*names: str) -> Table:
    """Tabulate what was published beside what is derived.

    Parameters
    ----------
    *names : str
        Measurements of the catalog.

    Returns
    -------
    Table
        One row a measurement with its relative error; sources and notes below.
    """
    rows, notes = [], Notes()
    for entry in map(measurement, names):
        mark = notes(f"{entry.source}: {entry.note}" if entry.note else entry.source)
        whole = entry.kind == "count" and entry.value.number.is_Integer
        pair = [
            value.exact if whole and value.number.is_Integer else str(value)
            for value in (entry.value, entry.derived)
        ]
        small = "0" if not entry.error else "under 0.01%"
        error = f"{entry.error:+.2%}" if abs(entry.error) >= 5e-5 else small
        rows.append([f"{entry.says} {mark}", *pair, error])
    header = ["what", "published or measured", "derived", "error of the derived"]
    return Table(header, rows, notes.lines)
