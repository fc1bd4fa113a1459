"""Widths, blocks and outliers, to scale."""

import re
from html import unescape

import pytest

import diagrams
import napkin as nk
from napkin.errors import NapkinError
from napkin.views.drawing import ARITHMETIC, CACHE, TROUBLE, WEIGHTS
from tests.chapters.example import EXAMPLE

FULL = EXAMPLE.assume(batch=20)
OTHERS = {
    "the example": FULL,
    "a small model": FULL.assume(model="Llama-3-8B", context=2_000, batch=200),
}
FORMATS = {"NVFP4": (4, 16, 8), "MXFP4": (4, 32, 8), "FP8": (8, 128, 32)}


def widths(svg: str, fill: str) -> list[float]:
    """Return the widths of boxes of a color, without their hairline."""
    return [
        float(w) + 1 for w in re.findall(rf'width="([\d.]+)" height="[\d.]+" fill="{fill}"', svg)
    ]


@pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)
def test_three_times_are_to_scale(n: nk.Napkin) -> None:
    figure = diagrams.bits.three_times(n)
    sheets = [
        n.assume(precision=wide, kv_precision=cache)
        for wide, cache in (
            *(("bf16", "bf16"), ("w4a16", "bf16"), ("fp8", "bf16")),
            *(("fp8", "fp8"), ("nvfp4", "fp8")),
        )
    ]
    times = {
        WEIGHTS: "weight_bytes_read / bandwidth",
        CACHE: "batch * kv_bytes_per_sequence / bandwidth",
        ARITHMETIC: "decode_compute_time",
    }
    for svg in (figure.svg, figure.narrow):
        unit = widths(svg, WEIGHTS)[0] / float(sheets[0][times[WEIGHTS]])
        for fill, asked in times.items():
            *bars, _ = widths(svg, fill)  # the last one is the legend's
            assert bars == pytest.approx([unit * float(m[asked]) for m in sheets], abs=1.1)
        for m in sheets:
            assert f"{m.decode_step_time}" in svg
        (start, _), *ticks = re.findall(r'<text x="([\d.]+)"[^>]*"middle">([\d.]+)(?: ms)?<', svg)
        left = float(start) if float(start) > 10 else 0.0  # a zero at the edge isn't centered
        assert ticks
        for x, ms in ticks:
            assert float(x) - left == pytest.approx(unit * float(ms) / 1e3, rel=0.02)
    assert len(figure.alt.split()) <= 80


def test_blocks_show_every_bit() -> None:
    figure = diagrams.bits.blocks(FORMATS)
    for svg in (figure.svg, figure.narrow):
        *codes, _ = widths(svg, WEIGHTS)
        *added, _ = widths(svg, "currentColor")
        assert len(codes) == 3 * 32
        bit = codes[0] / 4
        assert codes == pytest.approx([4 * bit] * 64 + [8 * bit] * 32, rel=0.02)
        assert added == pytest.approx([8 * bit, 8 * bit, 8 * bit, 8 * bit], rel=0.05)
    assert figure.alt.startswith("A weight of 4 bits takes 4.25 to 4.5")
    assert "FP8 8.25" in figure.alt


def test_a_share_is_drawn_to_scale_or_said_to_be_too_thin() -> None:
    figure = diagrams.bits.blocks({"INT4": (4, 128, 20), "FP8": (8, 128 * 128, 32)})
    for svg in (figure.svg, figure.narrow):
        code, *_ = widths(svg, WEIGHTS)
        (share, _) = widths(svg, "currentColor")  # of 20 bits a quarter, and the legend
        assert share == pytest.approx(5 * code / 4, rel=0.02)
        said = " ".join(re.findall(r">([^<]+)</text>", svg))
        assert "these 32 weights' share of what a block adds" in unescape(said)
        assert "FP8: the share is 0.0625 bits, too thin to see." in said


def test_a_block_that_does_not_fill_a_row_is_refused() -> None:
    with pytest.raises(NapkinError, match="no whole row"):
        diagrams.bits.blocks({"odd": (4, 24, 8)})


def test_an_outlier_gathers_the_others() -> None:
    block = [0.1, -0.7, 0.4, 0.9, -0.2, 0.6, -1.0, 16.0]
    figure = diagrams.bits.outlier(block)
    assert figure.alt.startswith("One outlier makes every step 16 times as long")
    assert "share 2 levels instead of" in figure.alt
    for svg in (figure.svg, figure.narrow):
        assert svg.count("<circle") == 7 + 8
        assert svg.count(f'fill="{TROUBLE}"') == 2  # the outlier, and what it is stored as
        assert all(f">{end}<" in svg for end in ("−1", "1", "−16", "16"))
        assert svg.count(">0<") == 2
