# SPDX-License-Identifier: Apache-2.0
"""Claims of the article, each with what follows and a verdict."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import log10
from pathlib import Path
from typing import Any, Final

from sympy import Expr, Rational

from napkin.errors import ConfigError, unknown
from napkin.quantities.given import WORDS
from napkin.quantities.table import Table
from napkin.quantities.units import parse_unit
from napkin.quantities.value import Value
from napkin.worksheet.napkin import ask, from_data

from .readings import NUMBERS, READINGS


def rows_of(name: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a data file beside this module."""
    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


_LADDER: Final = rows_of("verdicts")
VERDICTS: Final = tuple(_LADDER)
"""What may be said of a claim, from best to worst."""
_PRINTED: Final = re.compile(
    r"([\d,]+)(?:\.(\d+))?(?:e(\d+))?(?: ?(trillion|billion|million|%))?(?: (.+))?"
)
_WORDS: Final = {**WORDS, "%": Rational(1, 100)}


@dataclass(frozen=True)
class Claim:
    """Something that the source article says, and what we derive.

    Parameters
    ----------
    name, id : str
        Its name in the data file, and its number.
    version : str
        The text in which it stands: ``"earlier"``, ``"newer"`` or ``"both"``.
    kind : str
        ``"number"``, ``"formula"`` or ``"statement"``.
    says : str
        What it says, in our words.
    printed : tuple of str
        The printed value as it stands there, or both ends of a printed range.
    verdict : str
        Right, right within rounding, imprecise, wrong, inconsistent or not checkable.
    why : str
        The reason for the verdict.
    settled_by : str
        The packaged formula that settles it, where no number does.
    tour : bool
        Whether it stands in the table at the end of the tour.
    row : mapping
        The calls of the worksheet, as the data file has them.
    """

    name: str
    id: str
    version: str
    kind: str
    says: str
    printed: tuple[str, ...]
    verdict: str
    why: str
    settled_by: str
    tour: bool
    row: Mapping[str, Any] = field(hash=False, repr=False)

    @cached_property
    def derived(self) -> tuple[Value, ...]:
        """What follows, for each printed value; nothing for formulas and statements."""
        return self._derive("ends") if self.kind == "number" else ()

    @cached_property
    def other(self) -> tuple[Value, ...]:
        """What follows from another of the article's assumptions, where it has two."""
        return self._derive("other") if "other" in self.row else ()

    @property
    def follows(self) -> str:
        """The verdict that the derivation gives; for a statement, the one written down.

        `verdicts.toml` says how near a printed number must be. If it holds under one of
        two assumptions only, the verdict is what the entry's `split` says.
        """
        if self.kind == "formula":
            return READINGS[self.row["formula"]].verdict
        if self.kind == "statement":
            return self.verdict
        first = self._worst(self.derived)
        second = self._worst(self.other) if self.other else first
        if (first == "wrong") != (second == "wrong"):
            return str(self.row.get("split", "inconsistent"))
        return max(first, second, key=VERDICTS.index)

    @property
    def holds(self) -> bool:
        """Whether the verdict follows from the derivation."""
        return self.follows == self.verdict

    def _derive(self, key: str) -> tuple[Value, ...]:
        return tuple(_value(self.row, call) for call in self.row.get(key, [{}]))

    def _worst(self, derived: Sequence[Value]) -> str:
        rungs = [self._rung(*pair) for pair in zip(self.printed, derived, strict=True)]
        return max(rungs, key=VERDICTS.index)

    def _rung(self, text: str, derived: Value) -> str:
        printed, last_digit = read_printed(text)
        last_digit = Rational(str(self.row.get("last_digit", last_digit)))
        exact = (derived if printed.unit == "1" else derived.to(printed.unit)).number
        if self.row.get("order"):  # only the power of ten is meant
            powers = [round(log10(number)) for number in (printed.number, exact)]
            return "right" if powers[0] == powers[1] else "wrong"
        off = abs(printed.number - exact)
        return next(
            name
            for name, rung in _LADDER.items()
            for limit in rung.get("within", ())
            if _within(off, last_digit, limit.get("units"))
            and _within(off, abs(exact), limit.get("share"))
        )


def _within(off: Expr, one: Expr, limit: float | None) -> bool:
    return limit is None or bool(off <= one * Rational(str(limit)))


def read_printed(text: str) -> tuple[Value, Rational]:
    """Return a number as an article prints it, and one in its last printed digit."""
    match = _PRINTED.fullmatch(text)
    if match is None:
        raise ConfigError(f"{text!r} is no printed number: write it as '26 trillion FLOP'.")
    whole, decimals, exponent, word, unit = match.groups()
    power = _WORDS[word] * Rational(10) ** int(exponent or 0)
    number = Rational(f"{whole.replace(',', '')}.{decimals or 0}") * power
    return Value(number, unit or "1"), power / Rational(10) ** len(decimals or "")


def _value(row: Mapping[str, Any], call: Mapping[str, Any]) -> Value:
    target, unit = call.get("target", row["target"]), row.get("unit", "")
    article = {"scenario": "article"}
    if not target.startswith("audit."):
        return ask(target, article, call, unit=unit)
    computed = from_data(article, call)[NUMBERS[target.removeprefix("audit.")]]
    # Scaled, not converted: the audit counts cycles, for which no unit exists.
    return Value(computed.number / parse_unit(unit)[1], unit)


def claim(name: str) -> Claim:
    """Return a claim by its name, such as "user_month", or its number, such as "CL63".

    >>> claim("CL63").printed, claim("CL63").derived, claim("CL63").follows
    (('9.36 USD/user',), (9.60 USD/user,), 'wrong')
    """
    known = _stored()
    found = known.get(name) or next((c for c in known.values() if c.id == name), None)
    if found is None:
        raise unknown("claim", name, known)
    return found


def claims() -> list[Claim]:
    """Return all claims, in the article's order."""
    return list(_stored().values())


@cache
def _stored() -> dict[str, Claim]:
    """Keep the claims, and with them what was derived."""
    return {name: _from_row(name, row) for name, row in rows_of("claims").items()}


def _from_row(name: str, row: Mapping[str, Any]) -> Claim:
    texts = {key: row[key] for key in ("id", "version", "kind", "says", "verdict", "why")}
    printed, settled_by = tuple(row.get("printed", ())), row.get("settled_by", "")
    tour = row.get("tour", False)
    return Claim(name=name, printed=printed, settled_by=settled_by, tour=tour, row=row, **texts)


def ledger(chosen: Iterable[Claim] | None = None) -> Table:
    """Tabulate claims, all if none are chosen, with what is derived for each."""
    rows = []
    for entry in claims() if chosen is None else chosen:
        packaged = entry.row.get("formula", entry.settled_by)
        ours = " to ".join(map(str, entry.derived)) or packaged
        ours += f" or {' to '.join(map(str, entry.other))}" if entry.other else ""
        printed = " to ".join(entry.printed)
        rows.append([entry.id, entry.says, printed, ours, entry.verdict, entry.why])
    return Table(["claim", "says", "printed", "derived", "verdict", "why"], rows)


def article(*ids: str) -> Table:
    """Tabulate what the article prints beside what its own scenario gives.

    Without names or numbers of claims, those that the tour tells.
    """
    chosen = [claim(name) for name in ids] or [entry for entry in claims() if entry.tour]
    rows = [[says, printed, ours, why] for _, says, printed, ours, _, why in ledger(chosen).rows]
    return Table(["what", "article", "derived", "why"], rows)
