"""Verdicts on measured rows: which can be judged, and what their worksheets say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import NapkinError
from .measured_rows import LeftOutError, Row, read, worksheet
from .napkin import Napkin

_DECODING: Final = 0.8
_POOL: Final = 0.9  # what servers leave to weights and caches
_QUEUED: Final = "queued: the cache holds fewer sequences than concurrency"
_WAITING: Final = "queued: by Little's law, fewer than 80% of the requests were decoding"
_BOUND: Final = {"ttft": "prefill_time"}


@dataclass(frozen=True)
class Verdict:
    """One measured number beside what its worksheet says."""

    row: Row
    n: Napkin = field(repr=False)
    ideal: float
    calibrated: float
    beats_bound: bool = False

    @property
    def worksheet(self) -> Napkin:
        """The ideal worksheet with the requests of the row."""
        return self.n.assume(**self.row.requests)

    @property
    def prediction(self) -> Napkin:
        """The calibrated worksheet with the requests of the row."""
        return _predicting(self.n, self.row).assume(**self.row.requests)


@dataclass(frozen=True)
class LeftOut:
    """A row without a verdict, and why."""

    place: int
    metric: str
    reason: str


def judgeable(
    raw: Sequence[Mapping[str, Any]], left: list[LeftOut]
) -> Iterator[tuple[Napkin, list[Row]]]:
    """Yield worksheets with the rows that they can judge, and list the other rows."""
    groups: dict[Any, list[Row]] = {}
    for row in _read(raw, left):
        groups.setdefault(row.worksheet_key, []).append(row)
    for group in groups.values():
        try:
            n = worksheet(group[0])
            fitting = _fitting(n, group, left)
        except NapkinError as reason:
            left += refused(group, reason)
            continue
        if fitting:
            yield n, fitting


def refused(rows: Sequence[Row], reason: NapkinError) -> list[LeftOut]:
    """Leave rows out for the reason that their worksheet gives."""
    said = str(reason).partition("\n")[0]
    return [LeftOut(row.place, row.metric, said) for row in rows]


def _read(raw: Sequence[Mapping[str, Any]], left: list[LeftOut]) -> list[Row]:
    known = []
    for place, told in enumerate(raw, 1):
        try:
            known.append(read(place, told))
        except LeftOutError as reason:
            left.append(LeftOut(place, str(told.get("metric", "")), str(reason)))
    waiting = _waiting(known)
    left += [LeftOut(r.place, r.metric, _WAITING) for r in known if r.place in waiting]
    return [row for row in known if row.place not in waiting]


def _waiting(rows: Sequence[Row]) -> set[int]:
    """Return the places of times of servers whose requests spent long before the first token."""
    beside: dict[Any, dict[str, list[Row]]] = {}
    for row in rows:
        beside.setdefault(row.configuration, {}).setdefault(row.metric, []).append(row)
    found = set()
    for kinds in beside.values():
        for step, first in zip(kinds.get("tpot", ()), kinds.get("ttft", ()), strict=False):
            decoding = step.counts.get("new_tokens", 1) * step.value
            if decoding < _DECODING * (decoding + first.value):
                found |= {step.place, first.place}
    return found


def _fitting(n: Napkin, group: Sequence[Row], left: list[LeftOut]) -> list[Row]:
    """Return the rows whose sequences all fit; a server with more of them lets some wait."""
    import numpy as np

    timed = [row for row in group if row.requests]
    if not timed:
        return list(group)
    lengths = [row.counts["prompt"] + row.counts.get("new_tokens", 0) for row in timed]
    pool = n.assume(usable_memory=_POOL)
    limits = pool.function("concurrent_sequences", "context")(np.array(lengths, float))
    queued = {
        row.place for row, limit in zip(timed, limits, strict=True) if row.requests["batch"] > limit
    }
    left += [LeftOut(row.place, row.metric, _QUEUED) for row in timed if row.place in queued]
    return [row for row in group if row.place not in queued]


def judged(n: Napkin, rows: Sequence[Row]) -> list[Verdict]:
    """Return what a worksheet says of each of its rows."""
    ideal, calibrated = _answers(n, rows), _answers(_predicting(n, rows[0]), rows)
    ahead = [row for row, floor in zip(rows, ideal, strict=True) if _is_ahead(row, floor)]
    beaten: set[int] = set()
    if ahead:
        bound = worksheet(ahead[0], bare=True).assume("fewest_experts", "chunked_prefill")
        floors = _answers(bound, ahead, _BOUND)
        beaten = {row.place for row, b in zip(ahead, floors, strict=True) if _is_ahead(row, b)}
    return [
        Verdict(row, n, floor, predicted, row.place in beaten)
        for row, floor, predicted in zip(rows, ideal, calibrated, strict=True)
    ]


def _predicting(n: Napkin, row: Row) -> Napkin:
    """Return the calibrated worksheet; constants that the rows give replace the fitted ones."""
    return n.assume(calibrated=True).assume(**row.givens)


def _is_ahead(row: Row, floor: float) -> bool:
    """Say whether a measured number is better than a bound allows."""
    return row.value < floor if row.metric in ("tpot", "ttft") else row.value > floor


def _answers(
    n: Napkin, rows: Sequence[Row], instead: Mapping[str, str] | None = None
) -> list[float]:
    """Return what a worksheet says of each row; rows of one kind are computed together."""
    kinds: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        target = (instead or {}).get(row.metric, row.target)
        kinds.setdefault((target, *row.requests), []).append(row)
    found: dict[int, float] = {}
    for (target, *names), part in kinds.items():
        if names:
            columns = [[row.requests[name] for row in part] for name in names]
            numbers = n.function(target, *names)(*columns)
        else:
            numbers = [n[target]] * len(part)
        found |= {row.place: float(x) for row, x in zip(part, numbers, strict=True)}
    return [found[row.place] for row in rows]
