"""Sheets of one area and a stair, to scale."""

import re

import pytest

import diagrams
from napkin.views.drawing import NARROW, WIDE


def blocks(svg: str) -> list[tuple[float, float, str]]:
    block = r'width="([\d.]+)" height="([\d.]+)" fill="currentColor"[^>]*fill-opacity="([\d.]+)"'
    found = re.findall(block, svg)
    return [(float(w), float(h), ink) for w, h, ink in found]


@pytest.mark.parametrize("layout", [WIDE, NARROW])
@pytest.mark.parametrize("area", [1, 12, 200])
def test_sheets_have_one_area_and_the_best_stands_out(area: int, layout: int) -> None:
    widths = (area**0.5 / 3, area**0.5 / 2, area**0.5)
    figure = diagrams.sympy_primer.sheets(area, widths)
    drawn = blocks(figure.svg if layout == WIDE else figure.narrow)
    covered = [(wide + 1) * (high + 1) for wide, high, _ in drawn]  # less the hairline
    assert covered == pytest.approx([covered[0]] * 3, rel=0.01)
    assert drawn[2][0] == pytest.approx(drawn[2][1], abs=0.01)
    assert {ink for *_, ink in drawn[:2]} != {drawn[2][2]}
    assert f"the one that is {widths[2]:.3g} wide" in figure.alt
    assert 15 <= len(figure.alt.split()) <= 60


@pytest.mark.parametrize("steps", [1, 6, 20])
def test_a_stair_is_half_of_its_rectangle(steps: int) -> None:
    figure = diagrams.sympy_primer.stair(steps)
    for svg in (figure.svg, figure.narrow):
        *drawn, _, _ = blocks(svg)  # the last two are the legend
        dark = [ink for *_, ink in drawn].count("0.6")
        assert len(drawn) == steps * (steps + 1) == 2 * dark
    assert f"each of them has {steps * (steps + 1) // 2} blocks" in figure.alt
    assert 15 <= len(figure.alt.split()) <= 60
