"""The diagrams of a matrix product follow its shapes and its GPU, and are to scale."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.errors import NapkinError

draw = diagrams.matmul
BLUE, GREEN = "#0072B2", "#009E73"
MODELS = ("Qwen3-32B", "Llama-3-8B", "Llama-3-70B")


def worksheet(model: str, gpu: str, tokens: int = 64) -> nk.Napkin:
    n = nk.Napkin(model=model, accelerator=gpu, precision="fp8")
    return n.assume(rows=tokens, inner=n.d_model, columns=n.d_ff)


WORKSHEETS = {
    f"{model} on {gpu}": worksheet(model, gpu)
    for model, gpu in zip(MODELS, ("B200", "H100", "L40S"), strict=True)
}
each_worksheet = pytest.mark.parametrize("n", WORKSHEETS.values(), ids=WORKSHEETS)


def blocks(svg: str, fill: str) -> list[tuple[float, float]]:
    """Return width and height of each rectangle of a color."""
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"', svg)
    return [(float(wide), float(high)) for wide, high, color in found if color == fill]


@each_worksheet
def test_the_sides_of_a_product_are_to_scale(n: nk.Napkin) -> None:
    figure = draw.product(n)
    share = float(n.bytes_per_weight * n.inner * n.columns / n.compulsory_bytes)
    assert figure.alt.startswith(f"{share:.0%} of the bytes of this product are weights")
    assert 15 <= len(figure.alt.split()) <= 60
    for svg in (figure.svg, figure.narrow):
        ((wide, high),) = blocks(svg, BLUE)
        (left, thin), (below, _) = blocks(svg, "currentColor")
        assert high / wide == pytest.approx(float(n.inner / n.columns), rel=0.01)
        assert (left, below) == pytest.approx((high, wide), rel=0.01)
        assert thin / left == pytest.approx(64 / float(n.inner), rel=0.02)


@pytest.mark.parametrize("k", [1, 3, 4])
def test_a_small_product_is_multiplied(k: int) -> None:
    figure = draw.example([[2] * k, [1] * k], [[1, 0]] * k)
    assert f"{k} multiply-adds" in figure.alt and f"= {2 * k}." in figure.alt
    assert f">2 × 2 results: 4 × {2 * k} = {8 * k} FLOP<" in figure.narrow
    assert 15 <= len(figure.alt.split()) <= 60


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NapkinError, match="needs 1 numbers"):
        draw.example([[1, 2]], [[1]])


@pytest.mark.parametrize("tile", [(4, 4), (2, 4), (8, 1)])
def test_a_tile_has_as_many_cells_as_multiply_adds(tile: tuple[int, int]) -> None:
    cut = nk.Napkin(rows=8, inner=8, columns=8, tile_rows=tile[0], tile_columns=tile[1])
    figure = draw.tiles(cut)
    assert figure.alt.startswith(
        f"One step of a tile loads {tile[0]} + {tile[1]} numbers and does {tile[0] * tile[1]} "
    )
    assert 15 <= len(figure.alt.split()) <= 60
    for svg in (figure.svg, figure.narrow):
        (across, tall), *_ = blocks(svg, GREEN)
        _, (slice_wide, pitch), *_ = blocks(svg, BLUE)
        assert (across, tall) == pytest.approx((slice_wide, tile[0] * pitch), rel=0.001)  # of a px
        assert across * tall / pitch**2 == pytest.approx(tile[0] * tile[1], rel=0.01)


@each_worksheet
def test_bars_are_as_long_as_the_two_times(n: nk.Napkin) -> None:
    figure = draw.together(n)
    assert 15 <= len(figure.alt.split()) <= 60
    for svg in (figure.svg, figure.narrow):
        moving = [wide + 1 for wide, _ in blocks(svg, BLUE)][65:-1]  # after 64 and 1; a legend
        working = [wide + 1 for wide, _ in blocks(svg, GREEN)][:-1]
        ours = float(n.compulsory_bytes / n.bandwidth) / float(n.matmul_flops / n.peak_flops)
        assert len(moving) == len(working) == 4
        assert moving[1] / working[1] == pytest.approx(ours, rel=0.01)
        assert moving[2] / working[2] == pytest.approx(1, rel=0.01)


def test_what_tokens_share_follows_the_numbers() -> None:
    few, many = (draw.together(worksheet("Qwen3-32B", "B200", m)) for m in (64, 600))
    assert few.alt.startswith("64 tokens at once take 1.01 times as long as one token")
    assert many.alt.startswith("600 tokens at once take 2.13 times as long as one token")
