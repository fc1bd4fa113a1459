"""Explorers that tests look at: those of the chapters, and some that are made to be hard."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sympy import Expr

import napkin as nk
from napkin.formulas import ALL, BASE
from napkin.formulas.graph import Graph
from napkin.views.exploration import Exploration, exploration
from tests.sheets import QWEN

CHAT = QWEN.assume(prompt=20_000, speed_target=20)
MIXTURE = CHAT.assume(model="gpt-oss-120b", accelerator="H200", speed_target=100)
IDLE = {"kept": nk.variants.idle_resident, "moved": nk.variants.idle_offloaded}


def written(name: str) -> Expr:
    """Return the expression of a packaged formula; of one that is solved, from the others."""
    node = ALL[name]
    return Graph(BASE | {node.target: node}, ())[node.target].expression


def made(
    n: nk.Napkin, y: str | list[str], x: str, assume: Any = None, **controls: Any
) -> Callable[[], Exploration]:
    return cache(lambda: exploration(n, y, x, assume, controls))


EXPLORATIONS: dict[str, Callable[[], Exploration]] = {
    "speed over the batch": made(
        CHAT,
        "tokens_per_second",
        "batch",
        batch=(1, 512),
        context=(100, 200_000),
        bandwidth=("2 TB/s", "10 TB/s"),
    ),
    "dollars over the context": made(
        CHAT,
        "cost_per_user_month",
        "context",
        assume=IDLE,
        accelerator=["B200", "H100", "H200"],
        context=(1_000, 200_000),
        duty_cycle=(0.05, 1),
    ),
    "users with a path": made(
        CHAT.assume(turn_period=30, host_link_bandwidth="55 GB/s"),
        "users_per_gpu",
        "context",
        assume=IDLE,
        context=(500, 200_000),
        speed_target=(5, 400),
    ),
    "models, windows and experts": made(
        CHAT,
        "decode_step_time",
        "context",
        model=["Qwen3-32B", "Gemma-3-27B", "DeepSeek-V3", "Qwen3-30B-A3B", "gpt-oss-120b"],
        precision=["fp8", "bf16"],
        context=(10, 131_072),
    ),
    "users of a mixture of experts": made(
        MIXTURE,
        "users_per_gpu",
        "context",
        assume=IDLE,
        context=(500, 131_072),
        speed_target=(20, 400),
    ),
    "owned or rented": made(
        CHAT.assume(nk.variants.own, capex="40_000 USD", lifetime=35_040, power="1.2 kW", pue=1.3)
        .assume(electricity_price="0.1 USD/kWh")
        .assume(nk.variants.rent, price="4 USD/hour"),
        "effective_price",
        "utilization",
        assume={"owned": nk.variants.own, "rented": "effective_price = price"},
        utilization=(0.05, 1),
        capex=("10_000 USD", "80_000 USD"),
    ),
    "the first token": made(
        CHAT, "ttft", "prompt", prompt=(1, 100_000), hit_rate=(0, 0.95), n_gpus=(1, 8)
    ),
}
