"""How fast a sweep is: a million points beside NumPy written by hand, in one run.

``.venv/bin/python -m tests.benchmarks.bench_sweep``
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import napkin as nk

POINTS = 1_000_000
ROUNDS = 9

Array = NDArray[np.float64]


def step_by_hand(n: nk.Napkin) -> Callable[[Array, Array], Array]:
    """Return the step time over batch and context, as one writes it in NumPy."""
    flow, rate = float(n.bandwidth), float(n.peak_flops)
    weights, per_token = float(n.weight_bytes_read), float(n.kv_bytes_per_token)
    dense, look = float(n.weight_flops), float(n.attention_flops_per_token)

    def step(batch: Array, context: Array) -> Array:
        memory = (weights + batch * context * per_token) / flow
        compute = batch * (dense + look * context) / rate
        return np.maximum(memory, compute)

    return step


def cost_by_hand(n: nk.Napkin) -> Callable[[Array, Array], Array]:
    """Return dollars per user-month over context and price, likewise."""
    flow, rate, duty = float(n.bandwidth), float(n.peak_flops), float(n.duty_cycle)
    weights, per_token = float(n.weight_bytes_read), float(n.kv_bytes_per_token)
    dense, look = float(n.weight_flops), float(n.attention_flops_per_token)
    budget, time = float(n.kv_budget), 1 / float(n.speed_target)

    def cost(context: Array, price: Array) -> Array:
        cache = context * per_token
        fit = budget / cache
        fast = np.minimum((flow * time - weights) / cache, rate * time / (dense + look * context))
        users = np.minimum(np.minimum(fast, fit) / duty, fit)
        return price * 720 / users

    return cost


def _time(call: Callable[..., Any], *arrays: Array) -> float:
    begin = perf_counter()
    call(*arrays)
    return perf_counter() - begin


def ratio(napkin: Callable[..., Any], hand: Callable[..., Any], *arrays: Array) -> float:
    """Return how many times as fast the napkin is, after a check that both agree."""
    np.testing.assert_allclose(napkin(*arrays), hand(*arrays), rtol=1e-12)
    pairs = [(_time(napkin, *arrays), _time(hand, *arrays)) for _ in range(ROUNDS)]
    return median(by_hand for _, by_hand in pairs) / median(ours for ours, _ in pairs)


def main() -> None:
    """Print both ratios."""
    n = nk.Napkin(
        model="Qwen3-32B",
        accelerator="B200",
        precision="fp8",
        context=20_000,
        price=4,
        duty_cycle=0.2,
        speed_target=20,
    )
    generator = np.random.default_rng(20)
    batch = generator.uniform(1, 500, POINTS)
    context = generator.uniform(1_000, 100_000, POINTS)
    price = generator.uniform(1, 10, POINTS)
    for target, hand, names, arrays in (
        ("decode_step_time", step_by_hand(n), ("batch", "context"), (batch, context)),
        ("cost_per_user_month", cost_by_hand(n), ("context", "price"), (context, price)),
    ):
        found = ratio(n.function(target, *names), hand, *arrays)
        print(f"{target}: {found:.2f} times as fast as NumPy by hand, {POINTS:,} points")


if __name__ == "__main__":
    main()
