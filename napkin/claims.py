"""What the source article prints, held against the article's own scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .catalog import table
from .errors import unknown
from .value import Value
from .variants import get
from .worksheet import Napkin


@dataclass(frozen=True)
class Claim:
    """A number that the source article prints, and ours.

    Parameters
    ----------
    name : str
        Its name in the catalog.
    id : str
        Its number in the audit.
    says : str
        What the number is.
    printed : tuple of str
        The printed value as it stands there, or both ends of a printed range.
    derived : tuple of Value
        What follows from the article's scenario, likewise.
    why : str
        Why the two differ, or that they do not.
    """

    name: str
    id: str
    says: str
    printed: tuple[str, ...]
    derived: tuple[Value, ...]
    why: str


def claim(name: str) -> Claim:
    """Return a claim of the source article with its derived value.

    Parameters
    ----------
    name : str
        For example ``"user_month"``.

    Returns
    -------
    Claim
        What it prints, what follows, and why they differ.

    Raises
    ------
    UnknownNameError
        With the closest names, if there is none.
    """
    if name not in table("claims"):
        raise unknown("claim", name, table("claims"))
    row = table("claims")[name]
    ends = ["", "high_"] if "high_givens" in row else [""]
    printed = tuple(row[key] for key in ("low", "high") if key in row)
    derived = tuple(_derive(row, end) for end in ends)
    return Claim(name, row["id"], row["says"], printed, derived, row["why"])


def claims() -> list[Claim]:
    """Return all claims of the catalog, in the article's order."""
    return [claim(name) for name in table("claims")]


def _derive(row: dict[str, Any], end: str) -> Value:
    bundles = [get(name) for name in row.get(f"{end}variants", ())]
    napkin = Napkin(scenario="article").assume(*bundles, **row.get(f"{end}givens", {}))
    value = napkin[row["target"]]
    return value.to(row["unit"]) if "unit" in row else value
