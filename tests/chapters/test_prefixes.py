"""The replay of a trace against a cache that is a plain list."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

import prefixes

BLOCK = 4


def trace() -> list[dict[str, Any]]:
    """Return a small trace: some users come back with longer prompts, all share a beginning."""
    coin, requests, stories, names = random.Random(2), [], [[0, i + 1] for i in range(6)], 6
    for moment in range(60):
        story = coin.choice(stories)
        names += 1
        story.append(names)
        length = BLOCK * len(story) - coin.randrange(BLOCK)
        requests.append(
            {"timestamp": 1000 * moment, "input_length": length, "hash_ids": list(story)}
        )
    return requests


def lru(requests: list[dict[str, Any]], size: int) -> float:
    """Serve a trace block by block from a list, the block unused for longest in front."""
    cache: list[int] = []
    hits = total = 0
    for request in requests:
        found = 0
        for block in request["hash_ids"]:
            if block not in cache:
                break
            found += 1
        hits += min(found * BLOCK, request["input_length"])
        total += request["input_length"]
        for block in reversed(request["hash_ids"]):
            if block in cache:
                cache.remove(block)
            cache.append(block)
        cache = cache[-size:]
    return hits / total


def forgetful(requests: list[dict[str, Any]], seconds: float) -> float:
    """Serve a trace from a cache that forgets a block some time after its last use."""
    last: dict[int, float] = {}
    hits = total = 0
    for request in requests:
        now, found = request["timestamp"] / 1000, 0
        for block in request["hash_ids"]:
            if now - last.get(block, -1e9) > seconds:
                break
            found += 1
        hits += min(found * BLOCK, request["input_length"])
        total += request["input_length"]
        last |= dict.fromkeys(request["hash_ids"], now)
    return hits / total


@pytest.mark.parametrize("size", [1, 5, 12, 20, 33, 1000])
def test_a_replay_finds_what_a_list_finds(size: int) -> None:
    found = prefixes.hit_share(prefixes.uses(trace()), lambda use: use.blocks < size, BLOCK)
    assert found == pytest.approx(lru(trace(), size), abs=1e-12)


@pytest.mark.parametrize("seconds", [0, 3, 10, 100])
def test_a_replay_by_time_finds_what_a_clock_finds(seconds: float) -> None:
    found = prefixes.hit_share(prefixes.uses(trace()), lambda use: use.seconds <= seconds, BLOCK)
    assert found == pytest.approx(forgetful(trace(), seconds), abs=1e-12)


def test_the_file_is_what_the_program_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text("\n".join(map(json.dumps, trace())), encoding="utf-8")
    prefixes.main(path, "somewhere")
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["source"] for row in rows} == {"somewhere"}
    for kept, sizes in (
        ("tokens", [s * prefixes.BLOCK for s in prefixes.SIZES]),
        ("seconds", prefixes.TIMES),
    ):
        here = [float(row["size"]) for row in rows if row["kept"] == kept]
        assert here == list(sizes) == list(prefixes.summary(kept))
    assert list(prefixes.summary("tokens").values()) == sorted(prefixes.summary("tokens").values())
