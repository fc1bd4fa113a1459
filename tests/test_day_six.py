"""A day of DeepSeek's whole service, from its tokens to its nodes, its bill and its income.

All figures are those of deepseek-ai/open-infra-index, 202502OpenSourceWeek, day 6: the 24 hours
from noon of 2025-02-27 (UTC+8).
"""

from __future__ import annotations

import pytest

import napkin as nk
from napkin.quantities.given import parse_text

TOKENS_IN, FOUND, TOKENS_OUT = map(parse_text, ("608e9 token", "342e9 token", "168e9 token"))
READING, WRITING = parse_text("73.7e3 token/s"), parse_text("14.8e3 token/s")  # of one node
DAY = parse_text("86400 s")
NODES, PEAK_NODES, GPUS = 226.75, 278, 8
COST, INCOME, MARGIN = parse_text("87072 USD"), parse_text("562027 USD"), 5.45

# The day as a billion requests: how many there were does not matter.
REQUESTS = 10**9
SERVICE = nk.Napkin(
    n_gpus=GPUS,
    prompt=TOKENS_IN / REQUESTS,
    new_tokens=TOKENS_OUT / REQUESTS,
    hit_rate=FOUND / TOKENS_IN,
    arrival_rate=REQUESTS / DAY,
    tokens_per_second=WRITING,
    prefill_time=TOKENS_IN / REQUESTS / READING,
    price="2 USD/hour",
    **nk.catalog.api_price("DeepSeek-R1 at DeepSeek"),
).assume("disaggregated")


def test_the_catalog_has_the_same_day() -> None:
    day = nk.catalog.table("traffic")["deepseek-online"]
    assert day["input_tokens_per_day"]["mean"] == TOKENS_IN
    assert day["nodes_mean_over_peak"]["mean"] == pytest.approx(NODES / PEAK_NODES, abs=1e-4)


def test_what_the_cache_leaves_to_read() -> None:
    assert float(SERVICE.hit_rate) == pytest.approx(0.563, abs=1e-3)
    assert SERVICE.prefill_tokens * REQUESTS == TOKENS_IN - FOUND == parse_text("266e9 token")


def test_nodes_that_write_and_nodes_that_read_make_the_fleet() -> None:
    writing, reading = TOKENS_OUT / DAY / WRITING, TOKENS_IN / DAY / READING
    assert float(writing) == pytest.approx(131.38, abs=0.005)
    assert float(reading) == pytest.approx(95.48, abs=0.005)
    assert float(writing + reading) == pytest.approx(NODES, rel=1e-3)
    # The worksheet says the same: replicas that write, each with its share of the pool that reads.
    replicas = SERVICE.arrival_rate / SERVICE.requests_per_second
    assert SERVICE.replicas_for_requests == 132
    assert float(replicas) == pytest.approx(float(writing), rel=1e-12)
    assert float(replicas * SERVICE.n_gpus_prefill / GPUS) == pytest.approx(float(reading))


def test_the_bill_of_the_day() -> None:
    assert SERVICE.price * GPUS * NODES * DAY == COST
    assert float(SERVICE.cost_per_request * REQUESTS / COST) == pytest.approx(1, rel=1e-3)


def test_the_income_if_every_token_paid_and_its_share_of_the_cost() -> None:
    income = SERVICE.api_cost_per_request * REQUESTS
    assert float(income / INCOME) == pytest.approx(1, rel=5e-4)
    # At which load own GPUs cost what the API asks: that of cost over income.
    assert float(1 / SERVICE.break_even_load - 1) == pytest.approx(MARGIN, rel=1e-3)


def test_the_fleet_is_slower_than_its_data_sheets() -> None:
    """A step takes less than twice its bound; reading gets a sixth to a third of the peak."""
    step = nk.measurement("deepseek_day_step")
    batch = float(WRITING / GPUS * 144 * step.value)
    assert step.worksheet["givens"]["batch"] == pytest.approx(batch, rel=1e-3)
    assert 0.5 < float(step.derived / step.value) < 1
    four_nodes = {"n_gpus": 4 * GPUS, "tensor_parallel": 1, "prompt": 4989, "context": 4989}
    n = nk.Napkin(model="DeepSeek-V3", accelerator="H800", precision="fp8", hit_rate=0.5625)
    n = n.assume("expert_parallel", **four_nodes)
    assert 1 / 6 < float(n.prefill_compute_time * 4 * READING / n.prompt) < 1 / 3
