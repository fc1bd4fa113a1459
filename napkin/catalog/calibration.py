"""Constants that were fitted on measured servers, and how far off predictions with them are."""

from __future__ import annotations

from typing import Any

from ..quantities.given import coherent, in_unit
from ..quantities.table import Notes, Table
from .data import source_of, table


def fitted() -> dict[str, tuple[str | float, str]]:
    """Return the fitted constants by code name, each with what it stands for."""
    return {
        name: (
            row["value"],
            f"fitted: {name}, {row['low']} to {row['high']} (95 %); {row['cause']}; "
            f"{source_of(row)}",
        )
        for name, row in _rows("constant").items()
    }


def bands() -> dict[str, tuple[float, float]]:
    """Return the errors of predictions by code name: 80 % of measured servers lie between."""
    return {name: (row["low"], row["high"]) for name, row in _rows("band").items()}


def calibration() -> Table:
    """Tabulate the constants of ``calibrated=True``.

    Returns
    -------
    Table
        One row a constant: its value, the interval of 95 % of refits, and its cause.
    """
    rows, notes = [], Notes()
    for name, row in _rows("constant").items():
        ends = (in_unit(name, coherent(name, row[key])) for key in ("value", "low", "high"))
        value, low, high = map(str, ends)
        mark = notes(source_of(row))
        rows.append([f"`{name}` {mark}", value, f"{low} to {high}", row["cause"]])
    return Table(["constant", "value", "95% of refits", "cause"], rows, notes.lines)


def _rows(kind: str) -> dict[str, Any]:
    return {name: row for name, row in table("calibration").items() if row["kind"] == kind}
