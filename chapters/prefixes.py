# SPDX-License-Identifier: Apache-2.0
"""Prefix-cache hits of a trace, replayed: `python chapters/prefixes.py TRACE.jsonl SOURCE`.

A trace has a line of JSON for each request: `timestamp` in milliseconds, `input_length` in
tokens, and `hash_ids`, the names of the blocks of its prompt; equal names stand for equal
prefixes. A request finds its longest prefix of blocks that are all still in the cache.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

BLOCK: Final = 512
"""Tokens of a block in the traces of Mooncake."""
SIZES: Final = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Blocks that a cache holds."""
TIMES: Final = (10, 25, 60, 120, 300, 600, 1_200, 3_600)
"""Seconds for which a block is kept after its last use."""
_DATA: Final = Path(__file__).parent / "data" / "11-hits.csv"


class Use(NamedTuple):
    """How long ago a block was used last: in other blocks used since, and in seconds."""

    blocks: int
    seconds: float


def uses(requests: Iterable[Mapping[str, Any]]) -> list[tuple[int, list[Use | None]]]:
    """Return for each request its tokens and the last use of each of its blocks, if any.

    A cache of C blocks that evicts the one unused for longest (LRU) still has a block exactly
    if fewer than C other blocks were used since: one pass over a trace serves all sizes.
    """
    requests = list(requests)
    marks = _Marks(sum(len(request["hash_ids"]) for request in requests))
    last, found, place = dict[int, tuple[int, float]](), list[tuple[int, list[Use | None]]](), 0
    for request in requests:
        now, blocks = request["timestamp"] / 1000, request["hash_ids"]
        row = [
            Use(marks.after(last[block][0]), now - last[block][1]) if block in last else None
            for block in blocks
        ]
        for block in reversed(blocks):  # the end of a prompt is evicted before its beginning
            if block in last:
                marks.add(last[block][0], -1)
            marks.add(place, 1)
            last[block], place = (place, now), place + 1
        found.append((request["input_length"], row))
    return found


def hit_share(
    used: Iterable[tuple[int, Sequence[Use | None]]],
    still_there: Callable[[Use], bool],
    block: int = BLOCK,
) -> float:
    """Return the share of all prompt tokens that the cache still has."""
    hits = total = 0
    for tokens, row in used:
        length = next(
            (at for at, use in enumerate(row) if use is None or not still_there(use)), len(row)
        )
        hits, total = hits + min(length * block, tokens), total + tokens
    return hits / total


def summary(kept: str) -> dict[float, float]:
    """Return the chapter's hit shares, by `tokens` that a cache holds or `seconds` it keeps."""
    with _DATA.open(encoding="utf-8", newline="") as lines:
        return {
            float(row["size"]): float(row["hit_share"])
            for row in csv.DictReader(lines)
            if row["kept"] == kept
        }


def _among_the_last(size: int) -> Callable[[Use], bool]:
    return lambda use: use.blocks < size


def _within(seconds: float) -> Callable[[Use], bool]:
    return lambda use: use.seconds <= seconds


class _Marks:
    """A row of marks that counts those after a place, in a Fenwick tree."""

    def __init__(self, length: int) -> None:
        self._sums, self._all = [0] * (length + 1), 0

    def add(self, place: int, mark: int) -> None:
        self._all, at = self._all + mark, place + 1
        while at < len(self._sums):
            self._sums[at] += mark
            at += at & -at

    def after(self, place: int) -> int:
        count, at = self._all, place + 1
        while at:
            count -= self._sums[at]
            at -= at & -at
        return count


def main(trace: Path, source: str) -> None:
    """Write the hit shares of a trace as CSV, to standard output."""
    used = uses(map(json.loads, trace.read_text(encoding="utf-8").splitlines()))
    rows = [("tokens", size * BLOCK, hit_share(used, _among_the_last(size))) for size in SIZES] + [
        ("seconds", kept, hit_share(used, _within(kept))) for kept in TIMES
    ]
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["kept", "size", "hit_share", "source"])
    for kept, size, share in rows:
        out.writerow([kept, size, f"{share:.4f}", source])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
