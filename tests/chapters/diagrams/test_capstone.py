"""The fleet's day: columns to the scale of an axis of servers, and a large fleet still reads."""

import re

import pytest

from diagrams import capstone
from napkin.errors import NapkinError
from napkin.views.drawing import CACHE

DAY = [100.0] * 8 + [300.0] * 8 + [200.0] * 8


def columns(svg: str, fill: str) -> list[float]:
    """Return how tall the columns of a color are, without the legend."""
    found = re.findall(r'<rect [^>]*height="([\d.]+)" fill="([^"]+)"', svg)
    return [float(high) for high, color in found if color == fill and high != "12"]


def test_columns_are_servers_and_their_lower_part_is_open_sessions() -> None:
    figure = capstone.day(DAY, 1.5, 50, 2)
    for svg in (figure.svg, figure.narrow):
        ticks = re.findall(r'y="([\d.]+)"[^>]*text-anchor="end">(\d+)<', svg)
        (bottom, zero), *_, (top, last) = ((float(y), int(number)) for y, number in ticks)
        unit = (bottom - top) / (last - zero)
        assert unit == pytest.approx(220 / 11, abs=0.01)  # nine in the busiest hour, and two
        needed = [3] * 8 + [9] * 8 + [6] * 8
        assert columns(svg, "currentColor") == pytest.approx([n * unit for n in needed], abs=0.1)
        assert columns(svg, CACHE) == pytest.approx([n / 50 * unit for n in DAY], abs=0.1)
    assert "needs 9 servers of 50 sessions" in figure.alt
    assert "an average hour 6" in figure.alt


@pytest.mark.parametrize(
    ("spare", "said"), [(0, "9 servers"), (1, "9 servers and a spare"), (2, "and 2 spare ones")]
)
def test_the_line_is_what_the_title_says_and_the_spare(spare: int, said: str) -> None:
    figure = capstone.day(DAY, 1.5, 50, spare)
    for svg in (figure.svg, figure.narrow):
        assert f"{said}, day and night" in svg
        assert "dasharray" not in svg
    assert figure.alt.endswith(f"{said}.")
    assert 15 <= len(figure.alt.split()) <= 60


def test_a_large_fleet_has_a_column_for_each_hour() -> None:
    svg = capstone.day([1e5] * 24, 1.2, 40, 0).svg
    assert len(columns(svg, CACHE)) == 24
    assert ">3,000<" in svg


@pytest.mark.parametrize(("sessions", "seats"), [(DAY, 0), ([], 50), ([0.0], 50)])
def test_no_fleet_is_refused(sessions: list[float], seats: int) -> None:
    with pytest.raises(NapkinError, match="no fleet"):
        capstone.day(sessions, 1.5, seats)
