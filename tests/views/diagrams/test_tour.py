"""The memory of a GPU is drawn to scale, from a worksheet."""

import re

import pytest

import napkin as nk
from napkin.views.figures import Figure

EXAMPLE = nk.Napkin(
    model="Qwen3-32B",
    accelerator="B200",
    precision="fp8",
    kv_precision="fp8",
    usable_memory=0.9,
    context=20_000,
    prompt=20_000,
    message=500,
    new_tokens=500,
    think_time=60,
)
OTHERS = {
    "the example": EXAMPLE,
    "another GPU": EXAMPLE.assume(accelerator="H100"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=2_000, prompt=2_000),
}
each_worksheet = pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)


def areas(svg: str, fill: str) -> list[float]:
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"', svg)
    return [float(w) * float(h) for w, h, color in found if color == fill]


@each_worksheet
def test_the_map_of_memory_is_to_scale(n: nk.Napkin) -> None:
    figure = nk.diagrams.tour.memory_map(n)
    assert isinstance(figure, Figure)
    for svg in (figure.svg, figure.narrow):
        weights, *_ = areas(svg, "#0072B2")
        wide, high = 720 * 220, 358 * 200
        whole = wide if svg is figure.svg else high
        share = float(n.weight_bytes) / float(n.memory)
        assert weights / whole == pytest.approx(share, rel=1e-3)


@each_worksheet
def test_its_title_and_its_blocks_follow_the_numbers(n: nk.Napkin) -> None:
    figure = nk.diagrams.tour.memory_map(n)
    caches, active = int(n.whole_sequences.number), round(n.usual_batch.number)
    assert figure.alt.startswith(f"{caches} caches fill the memory, and {caches - active} of them")
    assert len(areas(figure.svg, "#E69F00")) == active + 1  # and one in the legend
    assert 15 <= len(figure.alt.split()) <= 60
