"""Where an hour, a request and a day go is drawn to scale, from a worksheet."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import diagrams
import napkin as nk
from napkin.verbs.uncertainty import Uncertainty
from napkin.views.figures import Figure
from tests.chapters.example import EXAMPLE

DOLLARS = diagrams.dollars
OTHERS = {
    "the example": EXAMPLE,
    "another GPU": EXAMPLE.assume(accelerator="H100", price="2 USD/hour"),
    "another model": EXAMPLE.assume(model="Llama-3.1-8B", context=8_000, prompt=8_000),
    "calibrated": EXAMPLE.assume(calibrated=True, price="10.57 USD/hour"),
}
RANGES: dict[str, Any] = {"context": (4_000, 8_000), "price": ("2 USD/hour", "8 USD/hour")}
DRAWN: dict[str, Callable[[nk.Napkin], Figure]] = {
    "hour": DOLLARS.hour,
    "request": DOLLARS.request,
    "day": lambda n: DOLLARS.day(n.assume(nk.variants.idle_offloaded)),
    "answer": lambda n: DOLLARS.answer(spread(n), 9.36),
}
PROMPTS, GRAY = "#009E73", "currentColor"
each_worksheet = pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)


def spread(n: nk.Napkin) -> dict[str, tuple[Uncertainty, ...]]:
    sheets = {
        "resident": n.assume("prompt = context", nk.variants.idle_resident),
        "offloaded": n.assume("prompt = context", nk.variants.idle_offloaded),
    }
    return {
        name: tuple(
            nk.uncertainty(sheet, "cost_per_user_month", samples=400, **RANGES)
            for sheet in (m, m.assume(calibrated=True))
        )
        for name, m in sheets.items()
    }


def widths(svg: str, fill: str, height: float) -> list[float]:
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"', svg)
    return [float(w) for w, h, color in found if color == fill and float(h) == height]


@each_worksheet
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_diagram_draws_and_says_in_words_what_it_shows(
    draw: Callable[[nk.Napkin], Figure], n: nk.Napkin
) -> None:
    figure = draw(n)
    assert figure.svg != figure.narrow != ""
    assert 15 <= len(figure.alt.split()) <= 60


@each_worksheet
def test_an_hour_is_split_to_scale_and_its_title_prices_not_being_full(n: nk.Napkin) -> None:
    figure, price = DOLLARS.hour(n), float(n.price)
    for svg, whole in ((figure.svg, 720), (figure.narrow, 358)):
        recomputed = n.assume(nk.variants.idle_recomputed, nk.variants.busy_as_users)
        asked = min(float(recomputed.utilization), 1)
        drawn = widths(svg, PROMPTS, 35)[2] + 1  # a hairline is half a px on each side
        assert drawn / whole == pytest.approx(float(recomputed.prompt_share) * asked, abs=2e-3)
    resident = n.assume(nk.variants.idle_resident, nk.variants.busy_as_users)
    unused = price * (1 - float(resident.utilization))
    assert f"not being full costs USD {unused:.2f} with resident caches" in figure.alt


@each_worksheet
def test_a_request_is_as_long_as_its_share_of_the_bill(n: nk.Napkin) -> None:
    figure = DOLLARS.request(n)
    costs = [
        float(n.assume(policy).cost_per_request)
        for policy in (nk.variants.idle_resident, nk.variants.idle_recomputed)
    ]
    assert f"costs {costs[1] / costs[0]:.1f} times as much" in figure.alt
    share = float(n.assume(nk.variants.idle_recomputed).prompt_share)
    drawn = [sum(w + 1 for w in bar) for bar in _bars(figure.svg)]
    assert drawn[0] / drawn[1] == pytest.approx(costs[0] / costs[1], rel=1e-2)
    assert (_bars(figure.svg)[1][0] + 1) / drawn[1] == pytest.approx(share, rel=2e-2)


def _bars(svg: str) -> list[list[float]]:
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="35(?:\.0)?" fill="', svg)
    return [[float(w) for w in found[start : start + 3]] for start in (0, 3)]


def test_an_average_hour_has_the_mean_of_the_steps() -> None:
    n = EXAMPLE.assume(nk.variants.idle_offloaded)
    figure = DOLLARS.day(n, peak=1.5)
    heights = [float(y) for y in re.findall(r"V([\d.]+)h30", figure.svg)]
    base, top = float(re.findall(r'd="M0 ([\d.]+)V', figure.svg)[0]), min(heights)
    assert len(heights) == 24
    mean = sum(base - y for y in heights) / 24 / (base - top)
    assert mean == pytest.approx(1 / 1.5, abs=5e-3)
    assert f"holds {float(n.users) / 1.5:.3g} in an average one: 33% of" in figure.alt


def test_the_answer_says_its_quantiles_and_how_many_draws_beat_the_claim() -> None:
    drawn = spread(EXAMPLE)
    last = drawn["offloaded"][1]
    figure = DOLLARS.answer(drawn, 9.36)
    assert f"USD {float(last.p5.number):.3g} to {float(last.p95.number):.3g} offl" in figure.alt
    assert f"offloaded {(last.samples < 9.36).mean():.0%}." in figure.alt
