"""The diagrams of the tour are drawn to scale, from a worksheet."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.views.figures import Figure
from tests.chapters.example import EXAMPLE

OFFLOADED = EXAMPLE.assume(
    nk.variants.idle_offloaded, host_memory="512 GB", host_link_bandwidth="55 GB/s"
)
OTHERS = {
    "the example": EXAMPLE,
    "another GPU": EXAMPLE.assume(accelerator="H100"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=2_000, prompt=2_000),
}
each_worksheet = pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)


def widths(svg: str, fill: str) -> list[float]:
    return [float(w) for w in re.findall(rf'<rect [^>]*width="([\d.]+)"[^>]*fill="{fill}"', svg)]


def areas(svg: str, fill: str) -> list[float]:
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"', svg)
    return [float(w) * float(h) for w, h, color in found if color == fill]


@each_worksheet
def test_the_map_of_memory_is_to_scale(n: nk.Napkin) -> None:
    figure = diagrams.tour.memory_map(n)
    assert isinstance(figure, Figure)
    for svg in (figure.svg, figure.narrow):
        weights, *_ = areas(svg, "#0072B2")
        wide, high = 720 * 220, 358 * 200
        whole = wide if svg is figure.svg else high
        share = float(n.weight_bytes) / float(n.memory)
        assert weights / whole == pytest.approx(share, rel=1e-3)


@each_worksheet
def test_its_title_and_its_blocks_follow_the_numbers(n: nk.Napkin) -> None:
    figure = diagrams.tour.memory_map(n)
    caches, active = int(n.whole_sequences.number), round(n.usual_active.number)
    assert figure.alt.startswith(f"{caches} caches fill the memory, and {caches - active} of them")
    assert len(areas(figure.svg, "#E69F00")) == active + 1  # and one in the legend
    assert 15 <= len(figure.alt.split()) <= 60


@each_worksheet
def test_a_step_is_drawn_below_that_of_one_conversation_on_one_scale(n: nk.Napkin) -> None:
    figure = diagrams.tour.batching(n)
    times = float(n.decode_step_time / n.assume(batch=1).decode_step_time)
    tokens = f"{n.batch:short}".removesuffix(" sequences")
    assert figure.alt.startswith(f"A step that writes {tokens} tokens takes {times:.1f} times")
    assert 15 <= len(figure.alt.split()) <= 60
    share = float(n.weight_bytes_read / n["weight_bytes_read + batch * kv_bytes_per_sequence"])
    for svg, whole in ((figure.svg, 720), (figure.narrow, 358)):
        alone, full, _ = widths(svg, "#0072B2")
        assert alone == full == pytest.approx(whole * share, abs=1.1)


def test_the_step_of_a_short_context_says_that_the_memory_waits() -> None:
    crowd = EXAMPLE.assume(context=500, prompt=500)
    assert "the memory waits" in diagrams.tour.batching(crowd).alt


@pytest.mark.parametrize("n", [*OTHERS.values(), OFFLOADED], ids=[*OTHERS, "offloaded"])
def test_the_chain_ends_at_the_bill_of_the_worksheet(n: nk.Napkin) -> None:
    figure = diagrams.tour.chain(n)
    bill = f"USD {float(n.cost_per_user_month):.3g}"
    assert f"{bill} a month" in figure.alt and f">{bill}</text>" in figure.narrow
    assert 15 <= len(figure.alt.split()) <= 60
    inside = (720 - 3 * 20) / 4 - 20
    active = float(n.duty_cycle) * inside
    assert any(wide == pytest.approx(active, abs=1.1) for wide in widths(figure.svg, "#E69F00"))


def test_the_chain_names_the_limits_that_count() -> None:
    resident, offloaded = map(diagrams.tour.chain, (EXAMPLE, OFFLOADED))
    assert "GPU 53.5, load 335" in resident.svg
    assert "host 195, load 334" in offloaded.svg


def test_the_chain_draws_where_caches_are_kept_apart_from_the_load() -> None:
    recomputed = EXAMPLE.assume(nk.variants.idle_recomputed)
    resident, offloaded, nowhere = map(diagrams.tour.chain, (EXAMPLE, OFFLOADED, recomputed))
    assert "512 GB / 2.62 GB" in offloaded.svg and "USD 2,880 / 195.3" in offloaded.svg
    assert "kept on the GPU" in resident.svg and "kept" not in nowhere.svg
    arrows = [figure.svg.count('stroke-width="1.5"') for figure in (resident, offloaded, nowhere)]
    assert arrows == [8, 8, 6]
