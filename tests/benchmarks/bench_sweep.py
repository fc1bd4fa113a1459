"""How fast sweeps and compiled functions are, beside NumPy written by hand, in one run.

``.venv/bin/python -m tests.benchmarks.bench_sweep``
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import napkin as nk

ROUNDS = 7

Array = NDArray[np.float64]
Call = Callable[..., Any]


def step_by_hand(n: nk.Napkin) -> Call:
    """Return step time over batch and context as one writes it in NumPy, and if told the fit."""
    flow, rate = float(n.bandwidth), float(n.peak_flops)
    weights, per_token = float(n.weight_bytes_read), float(n.kv_bytes_per_token)
    dense, look = float(n.weight_flops), float(n.attention_flops_per_token)
    budget, longest = float(n.kv_budget), float(max(n.max_context, n.max_context_extended))

    def step(batch: Array, context: Array, told: bool = True) -> Any:
        cache = context * per_token
        memory = (weights + batch * cache) / flow
        compute = batch * (dense + look * context) / rate
        time = np.maximum(memory, compute)
        if not told:
            return time
        fit = budget / cache
        fits = (fit >= 1) & (batch <= fit) & (context <= longest)
        time[~fits] = np.nan
        return time, fits

    return step


def cost_by_hand(n: nk.Napkin) -> Call:
    """Return dollars per user-month over context and price, likewise."""
    flow, rate, duty = float(n.bandwidth), float(n.peak_flops), float(n.duty_cycle)
    weights, per_token = float(n.weight_bytes_read), float(n.kv_bytes_per_token)
    dense, look = float(n.weight_flops), float(n.attention_flops_per_token)
    budget, longest = float(n.kv_budget), float(max(n.max_context, n.max_context_extended))
    time = 1 / float(n.speed_target)

    def cost(context: Array, price: Array, told: bool = True) -> Any:
        cache = context * per_token
        fit = budget / cache
        fast = np.minimum((flow * time - weights) / cache, rate * time / (dense + look * context))
        users = np.minimum(np.minimum(fast, fit) / duty, fit)
        dollars = price * 720 / users
        if not told:
            return dollars
        fits = (fit >= 1) & (fast >= 1) & (context <= longest)
        dollars[~fits] = np.nan
        return dollars, fits

    return cost


def _time(call: Call, *arrays: Array) -> float:
    begin = perf_counter()
    call(*arrays)
    return perf_counter() - begin


def ratio(ours: Call, hand: Call, *arrays: Array) -> float:
    """Return how many times as fast ours is: both take turns."""
    pairs = [(_time(ours, *arrays), _time(hand, *arrays)) for _ in range(ROUNDS)]
    return median(by_hand for _, by_hand in pairs) / median(own for own, _ in pairs)


def compare(n: nk.Napkin, target: str, hand: Call, **axes: Array) -> None:
    """Print what the verb and the compiled function take beside NumPy by hand."""
    import xarray

    labeled = {name: xarray.DataArray(values, dims=["point"]) for name, values in axes.items()}
    arrays = list(axes.values())
    function = n.function(target, *axes)

    def sweep(*_: Array) -> Any:
        return nk.sweep(n, target, beyond=False, **labeled)

    grid, (expected, fits) = sweep(), hand(*arrays)
    np.testing.assert_allclose(grid[target].to_numpy(), expected, rtol=1e-12)
    np.testing.assert_array_equal(grid.fits.to_numpy(), fits)
    points = f"{len(arrays[0]):>10,} points"
    print(f"{target:>20} {points}: sweep with fits {ratio(sweep, hand, *arrays):.2f}", end=", ")
    print(f"function alone {ratio(function, partial(hand, told=False), *arrays):.2f} times as fast")


def first_call() -> float:
    """Return the seconds of a first sweep, once its libraries are loaded."""
    program = (
        "import time, numpy, xarray, napkin as nk; xarray.DataArray([1.0]) * 1\n"
        "n = nk.Napkin(model='Qwen3-32B', accelerator='B200', precision='fp8', context=20_000, "
        "price=4, duty_cycle=0.2, speed_target=20); n.users\n"
        "begin = time.perf_counter()\n"
        "nk.sweep(n, 'cost_per_user_month', context=[1e3, 1e4], price=[1, 2, 3])\n"
        "print(time.perf_counter() - begin)"
    )
    return float(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    )


def experts() -> None:
    """Print what the root of a step with experts takes beside the step itself."""
    n = nk.Napkin(
        model="gpt-oss-120b", accelerator="H100", n_gpus=4, precision="bf16", speed_target=30
    )
    context = np.random.default_rng(20).uniform(1_000, 100_000, 1_000_000)
    step = n.assume(batch=10, context=1).function("decode_step_time", "context", "batch")
    root = n.assume(context=1).function("largest_batch_at_speed", "context")
    batch = root(context)
    seen = step(context[:100], batch[:100])
    np.testing.assert_allclose(seen, 1 / 30, rtol=1e-12)
    share = median(_time(root, context) for _ in range(3)) / median(
        _time(step, context, batch) for _ in range(3)
    )
    print(f"root of a step with experts, a million points: {share:.0f} times its step")


def main() -> None:
    """Print all of it on one core, and the longest sweeps on all of them."""
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
    cores = os.sched_getaffinity(0)
    print(f"first sweep: {1e3 * first_call():.0f} ms")
    for used in ({min(cores)}, cores):
        os.sched_setaffinity(0, used)
        print(f"{len(used)} core(s)")
        for size in (1_000_000, 10_000_000):
            batch = generator.uniform(1, 500, size)
            context = generator.uniform(1_000, 100_000, size)
            price = generator.uniform(1, 10, size)
            compare(n, "decode_step_time", step_by_hand(n), batch=batch, context=context)
            compare(n, "cost_per_user_month", cost_by_hand(n), context=context, price=price)
        experts()


if __name__ == "__main__":
    main()
