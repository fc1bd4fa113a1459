"""A label of a time axis is centered on its tick, also at the right edge of a phone."""

import re

import pytest

from diagrams._time_axis import axis, scale
from napkin.views.drawing import NARROW, WIDE, Drawing


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("left", [0.0, 80.0])
@pytest.mark.parametrize("span", [0.02, 0.0214, 0.0409, 0.0999, 1.034])
def test_each_label_is_centered_on_its_tick(width: int, left: float, span: float) -> None:
    d = Drawing(width, "An axis")
    svg = d.svg(axis(d, left, 50, span, scale(d, left, span)) + 6)  # refused if a label leaves
    ticks = [float(x) for x in re.findall(r'd="M([\d.]+) 50\.0L\1 55\.0"', svg)]
    labels = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="70\.0"[^>]*"middle">', svg)]
    assert len(ticks) == len(labels) >= 2
    assert labels[1:] == pytest.approx(ticks[1:], abs=0.06)
    assert labels[0] - ticks[0] < 5  # at the left edge, a zero has no room to be centered


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_an_axis_uses_the_width_that_its_last_label_leaves(width: int) -> None:
    d = Drawing(width, "An axis")
    assert scale(d, 0, 0.0249) == pytest.approx((width - 1) / 0.0249, rel=0.02)
