"""The diagrams of chapter 05 are drawn to scale, from a worksheet."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.views.figures import Figure
from tests.chapters.example import EXAMPLE

SHARED = {
    "the example": EXAMPLE,
    "another GPU": EXAMPLE.assume(accelerator="H100"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=5_000, prompt=5_000),
    "odd groups": EXAMPLE.assume(model="Qwen2.5-7B"),
}
WINDOWED = {
    "Gemma": nk.Napkin(model="Gemma-3-27B", precision="bf16", context=20_000),
    "every second layer": nk.Napkin(model="gpt-oss-120b", precision="fp8", context=20_000),
    "shorter than a window": nk.Napkin(model="Gemma-3-27B", precision="fp8", context=500),
}
LATENT = {
    "DeepSeek": nk.Napkin(model="DeepSeek-V3", precision="bf16", context=20_000),
    "a small one": nk.Napkin(model="DeepSeek-V2-Lite", precision="bf16", context=1_000),
    "another family": nk.Napkin(model="Kimi-K2", precision="fp8", context=100_000),
}
CACHE = "#E69F00"


def sheets(named: dict[str, nk.Napkin]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("n", named.values(), ids=named)


def rectangles(svg: str, fill: str) -> list[tuple[float, float]]:
    """Return width and height of the rectangles of one color."""
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"', svg)
    return [(float(wide), float(high)) for wide, high, color in found if color == fill]


def described(figure: Figure, words: str) -> None:
    assert isinstance(figure, Figure)
    assert words in figure.alt
    assert 15 <= len(figure.alt.split()) <= 60


@sheets(SHARED)
def test_each_query_head_leads_to_its_kv_head(n: nk.Napkin) -> None:
    figure = diagrams.gqa.heads(n)
    heads, kv = int(n.n_heads.number), int(n.n_kv_heads.number)
    described(figure, f"{heads} query heads share {kv} KV heads, and the cache is {heads // kv} ")
    bars = [wide for wide, high in rectangles(figure.svg, CACHE) if high == 17]
    assert bars[1] / bars[0] == pytest.approx(kv / heads, abs=4e-3)
    assert figure.svg.count("<circle") == 3 * heads
    assert len(rectangles(figure.svg, CACHE)) == heads + kv + 1 + 3


def test_a_model_that_shares_nothing_has_two_choices() -> None:
    n = nk.Napkin(model="Llama-2-7B", precision="bf16")
    described(diagrams.gqa.heads(n), "32 query heads share 1 KV head, and the cache is 32 times")


@sheets(SHARED)
def test_both_pairs_of_bars_have_one_scale(n: nk.Napkin) -> None:
    figure = diagrams.gqa.eight_times(n)
    mha = n.assume(n_kv_heads=n.n_heads.number)
    more = float(n.concurrent_sequences) / float(mha.concurrent_sequences)
    described(figure, f"{more:.2f} times as many conversations")
    read, *_, held = [wide + 1 for wide, high in rectangles(figure.svg, "#0072B2") if high == 25]
    expected = float(n.weight_bytes) / float(mha.weight_bytes_read)
    assert held / read == pytest.approx(expected, rel=0.01)
    whole = int(float(n.concurrent_sequences)) + int(float(mha.concurrent_sequences))
    assert len(rectangles(figure.svg, CACHE)) == 2 + whole + 2 + 1  # with two cut, and the legend


@sheets(WINDOWED)
def test_the_filled_area_is_the_share_that_is_kept(n: nk.Napkin) -> None:
    figure = diagrams.gqa.window(n)
    described(figure, f"{n.kv_bytes_per_sequence:short} of")
    *rows, _ = rectangles(figure.narrow, CACHE)
    assert len(rows) == n.n_layers.number
    share = float(n.kv_bytes_per_sequence) / float(n["kv_bytes_per_token * context"])
    assert sum(wide for wide, _ in rows) / (358 * len(rows)) == pytest.approx(share, rel=2e-3)


@sheets(LATENT)
def test_the_matrix_is_used_once_when_the_parentheses_move(n: nk.Napkin) -> None:
    figure = diagrams.gqa.latent(n)
    described(figure, f"once instead of {int(n.context.number):,} times")
    matrices = rectangles(figure.svg, "#0072B2")
    assert len(matrices) == 5 + 1
    wide, high = matrices[0]
    assert (wide + 1) / (high + 1) == pytest.approx(float(n["d_nope / kv_lora_rank"]), rel=1e-3)
