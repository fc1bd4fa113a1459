"""A step, its users and its prompts are drawn to scale, from a worksheet."""

import re

import pytest

import napkin as nk
from napkin.views.drawing import ARITHMETIC, CACHE, WEIGHTS

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
)
WORKSHEETS = {
    "the example": EXAMPLE,
    "whole prompts": EXAMPLE.assume(hit_rate=0),
    "another GPU": EXAMPLE.assume(accelerator="H100"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=2_000, prompt=2_000),
    "several GPUs": EXAMPLE.assume(n_gpus=4),
}
each_worksheet = pytest.mark.parametrize("n", WORKSHEETS.values(), ids=WORKSHEETS)


def widths(svg: str, fill: str, *, pale: bool = False) -> list[float]:
    """Return how wide the blocks of a color are, keys of the legend left out."""
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"([^>]*)', svg)
    return [
        float(wide)
        for wide, high, color, style in found
        if color == fill and high != "12" and ("fill-opacity" in style) == pale
    ]


@each_worksheet
def test_the_lanes_of_a_step_are_to_scale(n: nk.Napkin) -> None:
    figure = nk.diagrams.tokens_per_second.lanes(n)
    prompts = n.assume(nk.variants.chunked_prefill).prompt_stall
    for svg in (figure.svg, figure.narrow):
        (work,), (rides,) = widths(svg, ARITHMETIC), widths(svg, ARITHMETIC, pale=True)
        (weights,), (caches,) = widths(svg, WEIGHTS), widths(svg, CACHE)
        read = weights + caches + 2  # a block is drawn 1 px smaller than it is
        assert (work + 1) / read == pytest.approx(
            float(n.decode_compute_time / n.decode_memory_time), rel=0.01
        )
        assert (rides + 1) / read == pytest.approx(float(prompts / n.decode_memory_time), rel=0.01)


def test_a_step_without_prompts_has_no_room_for_them_drawn() -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="H100", precision="bf16", batch=64, context=1024)
    figure = nk.diagrams.tokens_per_second.lanes(n)
    assert widths(figure.svg, ARITHMETIC, pale=True) == []
    assert "prompt" not in figure.alt


def test_the_finding_of_the_lanes_follows_the_numbers() -> None:
    fits, exceeds = (
        nk.diagrams.tokens_per_second.lanes(WORKSHEETS[name]).alt
        for name in ("the example", "whole prompts")
    )
    assert f"Reading takes {EXAMPLE.decode_step_time}" in fits
    assert "fit into the gap" in fits
    assert "reading leaves only 20.3 ms idle" in exceeds


@each_worksheet
def test_a_diagram_is_told_in_a_few_words(n: nk.Napkin) -> None:
    assert 15 <= len(nk.diagrams.tokens_per_second.lanes(n).alt.split()) <= 60
