"""The fleet's day: as many blocks as servers, areas to scale, and a large fleet still reads."""

import re

import pytest

from diagrams import capstone
from napkin.errors import NapkinError

DAY = [100.0] * 8 + [300.0] * 8 + [200.0] * 8


def test_an_hour_has_a_block_for_each_server_and_a_spare_one() -> None:
    figure = capstone.day(DAY, 1.5, 50, 2)
    for svg in (figure.svg, figure.narrow):
        boxes = re.findall(r'<rect [^>]*fill="none"', svg)
        assert len(boxes) == 8 * 3 + 8 * 9 + 8 * 6 + 1  # and one in the legend
        spares = re.findall(r'<rect [^>]*height="([\d.]+)"[^>]*fill-opacity="0.1"', svg)
        assert len(spares) == 24 + 1
        assert float(spares[0]) == pytest.approx(2 * 220 / 11 - 1, abs=0.01)
    assert "needs 9 servers of 50 sessions" in figure.alt
    assert "an average hour 6" in figure.alt


def test_the_area_is_the_open_sessions_to_the_scale_of_the_blocks() -> None:
    (area,) = re.findall(r'<path d="(M[^"]+Z)"', capstone.day(DAY, 1.5, 50, 2).svg)
    levels = [float(y) for y in re.findall(r"V([\d.]+)h", area)]
    base = float(re.findall(r"M0 ([\d.]+)", area)[0])
    unit = 220 / 11  # nine servers in the busiest hour, and two spare
    assert [base - y for y in levels] == pytest.approx([n / 50 * unit for n in DAY], abs=0.1)


def test_a_large_fleet_has_a_column_for_each_hour() -> None:
    svg = capstone.day([1e5] * 24, 1.2, 40, 0).svg
    assert len(re.findall(r'<rect [^>]*fill="none"', svg)) == 24 + 1


@pytest.mark.parametrize(("sessions", "seats"), [(DAY, 0), ([], 50), ([0.0], 50)])
def test_no_fleet_is_refused(sessions: list[float], seats: int) -> None:
    with pytest.raises(NapkinError, match="no fleet"):
        capstone.day(sessions, 1.5, seats)
