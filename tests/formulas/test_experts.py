"""Chapter 12's counts, against tokens that choose experts one by one."""

from itertools import product
from math import isclose
from random import Random

import pytest
from sympy import Expr

import napkin as nk
from napkin.lessons.exercises import chapters
from tests.evaluating import compute

ROUTERS = [(256, 8, 64), (128, 4, 16), (8, 2, 5), (16, 16, 2)]


def answer(number: str) -> float:
    """Return the right answer of one of the chapter's exercises."""
    found = chapters()["12-experts"][number].expected
    assert not isinstance(found, Expr)
    return float(found)


def steps(experts: int, active: int, tokens: int, many: int = 400) -> list[list[int]]:
    """Return, for each of many random steps, how many new experts each token brings."""
    random = Random(12)
    brought: list[list[int]] = []
    for _ in range(many):
        touched: set[int] = set()
        brought.append([])
        for _ in range(tokens):
            chosen = random.sample(range(experts), active)
            brought[-1].append(len(set(chosen) - touched))
            touched.update(chosen)
    return brought


@pytest.mark.parametrize(("experts", "active", "tokens"), ROUTERS)
def test_random_tokens_touch_what_the_formula_says(experts: int, active: int, tokens: int) -> None:
    counted = [sum(step) for step in steps(experts, active, tokens)]
    given = {"n_experts": experts, "n_experts_active": active}
    expected = float(compute("experts_touched", **given, batch=tokens))
    assert sum(counted) / len(counted) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("experts", "active", "tokens"), ROUTERS)
def test_the_last_token_brings_a_term_of_the_series(experts: int, active: int, tokens: int) -> None:
    last = [step[-1] for step in steps(experts, active, tokens, 4000)]
    term = active * (1 - active / experts) ** (tokens - 1)
    assert sum(last) / len(last) == pytest.approx(term, rel=0.06, abs=1e-9)


def test_a_step_reads_each_touched_expert_once() -> None:
    n = nk.Napkin(model="Qwen3-30B-A3B", precision="fp8", batch=12)
    random, experts, layers = Random(3), int(n.n_experts), int(n.n_layers)
    size = 3 * int(n.d_model) * int(n.d_ff_expert)
    routed, many = 0, 20
    for _ in range(many):
        for _ in range(layers):
            touched = {e for _ in range(12) for e in random.sample(range(experts), 8)}
            routed += size * len(touched)
    others = float(n.weight_bytes_read) - float(n.routed_params_read)
    assert routed / many + others == pytest.approx(float(n.weight_bytes_read), rel=0.005)


def test_favorites_among_all_ways_to_choose() -> None:
    """Each way with its probability: by hand in the chapter, and never above uniform routing."""
    random = Random(4)
    shares: list[list[float]] = [[4, 2, 1, 1], [7, 1, 1, 1], [1, 1, 1, 1]]
    shares += [[random.random() for _ in range(4)] for _ in range(50)]
    for weights in shares:
        chances = [weight / sum(weights) for weight in weights]
        mean = 0.0
        for way in product(range(4), repeat=3):
            probability = chances[way[0]] * chances[way[1]] * chances[way[2]]
            mean += probability * len(set(way))
        assert isclose(mean, sum(1 - (1 - p) ** 3 for p in chances))
        assert mean <= 37 / 16 + 1e-12
        if weights == [7, 1, 1, 1]:
            assert mean == pytest.approx(answer("12.3"))


@pytest.mark.parametrize(("gpus", "active"), [(8, 8), (4, 2), (64, 8)])
def test_messages_of_a_token_and_of_a_ring(gpus: int, active: int) -> None:
    random, tokens = Random(5), 4000
    sent = visited = 0
    for _ in range(tokens):
        homes = [random.randrange(gpus) for _ in range(active)]
        sent += 2 * sum(home != 0 for home in homes)  # seen from GPU 0: there and back
        visited += len(set(homes) - {0})
    assert sent / tokens == pytest.approx(2 * active * (gpus - 1) / gpus, rel=0.02)
    distinct = chapters()["12-experts"]["12.6"].expected
    assert isinstance(distinct, Expr)
    given = {"n_gpus": gpus, "n_experts_active": active}
    value = distinct.subs({symbol: given[symbol.name] for symbol in distinct.free_symbols})
    assert visited / tokens == pytest.approx(float(value), rel=0.02)
    ring = sum(1 for _ in ("add up", "hand out") for _ in range(gpus - 1) for _ in range(gpus))
    assert ring / gpus == 2 * (gpus - 1)  # each message is a part of 1/gpus of a vector


def test_an_expert_gets_its_part_of_the_batch() -> None:
    """At E/k times the critical batch, reading and multiplying all experts take equally long."""
    n = nk.Napkin(model="gpt-oss-120b", accelerator="H100", precision="bf16")
    batch = answer("12.5")
    reading = working = 0.0
    for _ in range(int(n.n_experts)):
        params, rows = float(n.expert_params), batch * 4 / 128
        reading += params * 2 / float(n.bandwidth)
        working += 2 * params * rows / float(n.peak_flops)
    assert working == pytest.approx(reading, rel=1e-3)
