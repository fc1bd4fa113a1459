"""A ring, a pipeline and a fleet are walked through here, piece by piece and slot by slot."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

import diagrams
import napkin as nk
from diagrams.many_gpus import rounds, slots
from napkin.views.drawing import ARITHMETIC, CACHE, TROUBLE, WEIGHTS

CHAPTERS = Path(__file__).parents[3] / "chapters"
EXAMPLE = nk.Napkin(
    model="Qwen3-32B", accelerator="B200", precision="fp8", kv_precision="fp8",
    usable_memory=0.9, context=20_000,
)  # fmt: skip
each_ring = pytest.mark.parametrize("n_gpus", [2, 3, 4, 8])
each_pipeline = pytest.mark.parametrize(("stages", "parts"), [(1, 5), (4, 4), (8, 24), (5, 2)])


def blocks(svg: str, fill: str) -> list[float]:
    """Return how tall the blocks of a color are, keys of the legend left out."""
    found = re.findall(r'<rect [^>]*height="([\d.]+)" fill="([^"]+)"', svg)
    return [float(high) + 1 for high, color in found if color == fill and high != "12"]


def add_up(numbers: list[list[int]]) -> tuple[list[list[int]], list[int], int]:
    """Run a ring: each message leaves one GPU and arrives at the next.

    Returns what each GPU holds at the end, how many numbers each has sent, and the rounds.
    """
    count = len(numbers)
    piece = len(numbers[0]) // count
    held, sent, trips = [list(row) for row in numbers], [0] * count, 0
    for adding in (True, False):
        for turn in range(count - 1):
            messages = []
            for gpu in range(count):
                which = (gpu - turn + (0 if adding else 1)) % count
                start = which * piece
                messages.append((gpu, start, held[gpu][start : start + piece]))
            for gpu, start, message in messages:
                receiver = held[(gpu + 1) % count]
                for place, number in enumerate(message, start):
                    receiver[place] = receiver[place] + number if adding else number
                sent[gpu] += len(message)
            trips += 1
    return held, sent, trips


@each_ring
def test_a_ring_run_message_by_message_adds_up_and_sends_what_the_package_says(n_gpus: int) -> None:
    dice, width, layers = Random(n_gpus), 24 * n_gpus, 3
    numbers = [[dice.randrange(100) for _ in range(width)] for _ in range(n_gpus)]
    sums = [sum(column) for column in zip(*numbers, strict=True)]
    held, sent, trips = add_up(numbers)
    assert held == [sums] * n_gpus
    assert trips == 2 * (n_gpus - 1)
    assert set(sent) == {2 * (n_gpus - 1) * width // n_gpus}
    n = nk.Napkin(
        n_gpus=n_gpus, n_layers=layers, d_model=width, bytes_per_hidden=2, batch=1,
        link_bandwidth="1 GB/s", n_kv_heads=n_gpus, n_heads=n_gpus,
    )  # fmt: skip
    in_step = 2 * layers * sent[0] * 2  # two all-reduces in a layer, of two bytes a number
    assert float(n.all_reduce_time) == pytest.approx(in_step / 1e9)


@each_ring
def test_a_drawn_ring_ends_with_every_sum_everywhere(n_gpus: int) -> None:
    told = rounds(n_gpus)
    assert len(told) == 2 * (n_gpus - 1) + 1
    everybody = frozenset(range(n_gpus))
    assert told[-1] == [[everybody] * n_gpus] * n_gpus
    halfway = told[n_gpus - 1]
    assert all(sum(piece == everybody for piece in pieces) == 1 for pieces in halfway)
    for before, after in pairwise(told):
        for gpu in range(n_gpus):
            changed = [p for p in range(n_gpus) if after[gpu][p] != before[gpu][p]]
            assert len(changed) == 1
            assert after[gpu][changed[0]] >= before[(gpu - 1) % n_gpus][changed[0]]
    if n_gpus > 4:
        return  # too many squares to read
    figure = diagrams.many_gpus.ring(n_gpus)
    complete = sum(p == everybody for held in told for pieces in held for p in pieces)
    for svg in (figure.svg, figure.narrow):
        assert svg.count(f'fill="{ARITHMETIC}"') == complete


@each_pipeline
def test_a_pipeline_walked_slot_by_slot_has_the_bubble_of_the_formula(
    stages: int, parts: int
) -> None:
    done = [0] * (stages + 1)  # how many parts each stage has finished; stage 0 has all
    done[0], idle, time = parts, 0, 0
    while done[stages] < parts:
        ready = [done[stage - 1] > done[stage] for stage in range(1, stages + 1)]
        for stage, works in enumerate(ready, start=1):
            done[stage] += works
            idle += not works
        time += 1
    assert time == parts + stages - 1
    assert idle / (stages * time) == pytest.approx((stages - 1) / (parts + stages - 1))
    table = slots(stages, parts)
    assert {len(row) for row in table} == {time}
    assert sum(part is None for row in table for part in row) == idle
    if parts > 8:
        return  # too many slots to read
    figure = diagrams.many_gpus.pipeline(stages, parts)
    assert f"{idle} of {stages * time} slots are idle" in figure.alt
    assert figure.svg.count(f'fill="{ARITHMETIC}"') == stages * parts


@pytest.mark.parametrize("n", [EXAMPLE, EXAMPLE.assume(accelerator="H100", precision="bf16")])
def test_memory_is_drawn_to_scale(n: nk.Napkin) -> None:
    figure, big = diagrams.many_gpus.pooled(n, 8), n.assume(n_gpus=8)
    for svg in (figure.svg, figure.narrow):
        for fill, byte in ((WEIGHTS, "weight_bytes"), (CACHE, "kv_budget")):
            drawn = blocks(svg, fill)
            assert len(drawn) == 16
            assert drawn[0] / 150 == pytest.approx(float(n[byte]) / float(n.memory), abs=0.005)
            assert drawn[-1] / 150 == pytest.approx(
                float(big[byte]) / 8 / float(n.memory), abs=0.005
            )


def test_a_fleet_is_counted_hour_by_hour() -> None:
    """A made-up day: replicas are added and taken away one by one, as queues would show."""
    dice = Random(14)
    day = [40 + 30 * (8 <= hour < 20) + 10 * dice.random() for hour in range(24)]
    each, running, ran = 3.5, 0, []
    for rate in day:
        while running * each < rate:
            running += 1
        while (running - 1) * each >= rate:
            running -= 1
        ran.append(running)
    for rate, number in zip(day, ran, strict=True):
        n = nk.Napkin(arrival_rate=rate, requests_per_second=each)
        assert float(n.replicas_for_requests) == number
    figure = diagrams.many_gpus.fleet(day, each)
    assert f"needs {max(ran)} replicas" in figure.alt
    assert f"has {sum(ran) / 24:.1f} on average" in figure.alt
    assert TROUBLE in figure.svg and TROUBLE in figure.narrow


def test_the_arrivals_are_those_of_the_catalog() -> None:
    with (CHAPTERS / "data" / "14-arrivals.csv").open() as file:
        counts = [int(row["requests"]) for row in csv.DictReader(file)]
    told = nk.catalog.table("traffic")["azure-conversation"]["arrival_rate"]
    assert len(counts) == told["n"]
    assert sum(counts) / len(counts) / 60 == pytest.approx(told["mean"], rel=1e-3)
    assert max(counts) / 60 == pytest.approx(told["max"], rel=1e-3)
