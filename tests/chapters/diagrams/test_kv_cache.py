"""What a cache is, saves and costs is drawn to scale, from a worksheet."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.views.figures import Figure
from tests.chapters.example import EXAMPLE

OTHERS = {
    "the example": EXAMPLE,
    "another GPU": EXAMPLE.assume(accelerator="H100", kv_precision="bf16"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=500, prompt=500),
    "with windows": EXAMPLE.assume(model="Gemma-3-27B"),
}
CASES = ((1, 12), (12, 4))
WEIGHTS, CACHE, ARITHMETIC, TROUBLE = "#0072B2", "#E69F00", "#009E73", "#D55E00"

each_worksheet = pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)


def figures(n: nk.Napkin) -> dict[str, Figure]:
    draw = diagrams.kv_cache
    return {
        "cache": draw.cache(n),
        "saved": draw.saved(n, CASES),
        "phases": draw.phases(n),
        "batching": draw.batching(n, (1, 4, n.batch)),
    }


def rectangles(svg: str, fill: str) -> list[tuple[float, float]]:
    """Return the width and height of what has a color, in order."""
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"', svg)
    return [(float(w), float(h)) for w, h, color in found if color == fill]


@each_worksheet
def test_each_diagram_is_told_in_words(n: nk.Napkin) -> None:
    for name, figure in figures(n).items():
        assert 15 <= len(figure.alt.split()) <= 60, name


@each_worksheet
def test_a_column_of_the_cache_has_the_bytes_of_a_token(n: nk.Napkin) -> None:
    figure = diagrams.kv_cache.cache(n)
    assert f"one column of {n.kv_bytes_per_token:short}" in figure.alt
    for svg in (figure.svg, figure.narrow):
        assert len(rectangles(svg, CACHE)) == 8  # tokens
        assert len(rectangles(svg, ARITHMETIC)) - 2 * (svg is figure.narrow) == 36  # pairs


@each_worksheet
def test_squares_are_the_tokens_that_the_formulas_count(n: nk.Napkin) -> None:
    figure = diagrams.kv_cache.saved(n, CASES)
    sheets = [n.assume(prompt=prompt, new_tokens=new) for prompt, new in CASES]
    kept = sum(float(m.flops_with_cache / m.weight_flops) for m in sheets)
    without = sum(float(m.flops_without_cache / m.weight_flops) for m in sheets)
    for svg in (figure.svg, figure.narrow):
        new, again = (len(rectangles(svg, fill)) - 1 for fill in (ARITHMETIC, TROUBLE))
        assert (new, new + again) == pytest.approx((kept, without))
    factor = float(sheets[1].flops_without_cache / sheets[1].flops_with_cache)
    assert f"and {factor:.1f} times after one of 12" in figure.alt


@each_worksheet
def test_the_areas_of_two_phases_are_their_work(n: nk.Napkin) -> None:
    figure = diagrams.kv_cache.phases(n)
    head, others = float(n.head_params), float(n.n_params_active) - float(n.head_params)
    attention = n.assume(message=n.prompt).prefill_attention_flops
    prefill = 2 * (others * float(n.prompt) + head) + float(attention)
    times = prefill / (float(n.weight_flops) + float(n.attention_flops))
    assert f"does {float(f'{times:.3g}'):,g} times the work" in figure.alt
    for svg in (figure.svg, figure.narrow):
        (large, _), (small, _) = rectangles(svg, ARITHMETIC)
        assert (large / small) ** 2 == pytest.approx(times, rel=0.02)


@each_worksheet
def test_the_bars_shrink_to_the_cache_as_the_step_does(n: nk.Napkin) -> None:
    figure = diagrams.kv_cache.batching(n, (1, 4, n.batch))
    for svg in (figure.svg, figure.narrow):
        caches, shares = rectangles(svg, CACHE), rectangles(svg, WEIGHTS)
        assert len({wide for wide, _ in caches[:-1]}) == 1
        assert shares[0][0] / shares[1][0] == pytest.approx(4, rel=0.01)
        read = float(n.weight_bytes_read) / float(n.kv_bytes_per_sequence)
        assert shares[0][0] / (caches[0][0] + 1) == pytest.approx(read, rel=0.05)
    assert f"{n.assume(batch=1).decode_intensity}" in figure.alt
