"""The pipes, the memories and the kernels of a GPU, to scale."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.errors import NapkinError

B200 = nk.Napkin(accelerator="B200", precision="fp8")
GPUS = {
    "the example": B200,
    "two bytes": B200.assume(precision="bf16"),
    "another GPU": nk.Napkin(accelerator="H100", precision="bf16"),
    "a slow memory": nk.Napkin(accelerator="H100", precision="fp8", bandwidth="2 TB/s"),
}
H100 = {"HBM": "80 GB", "L2 cache": "50 MB", "registers": "34.6 MB"}


def dashes(svg: str, color: str) -> float:
    """Return how many squares the dashed lines of a color have."""
    lines = re.findall(
        rf'd="M([\d.]+) [\d.]+H([\d.]+)"[^>]*stroke="{color}"[^>]*stroke-width="(\d+)"'
        r'[^>]*stroke-dasharray="\d+ (\d+)"',
        svg,
    )
    return sum(
        round((float(end) - float(start) + int(gap)) / (int(size) + int(gap)))
        for start, end, size, gap in lines
    )


@pytest.mark.parametrize("n", GPUS.values(), ids=GPUS)
def test_a_square_for_each_operation_that_a_byte_could_feed(n: nk.Napkin) -> None:
    figure = diagrams.hardware.pipes(n)
    ridge, used = int(n.ridge.number), int(2 / float(n.bytes_per_weight))
    for svg in (figure.svg, figure.narrow):
        assert dashes(svg, "currentColor") == ridge - used
        assert dashes(svg, "#009E73") == 2 * used  # and those of the legend
    assert f"the chip can do {ridge} operations" in figure.alt
    assert 15 <= len(figure.alt.split()) <= 60


def test_memories_are_squares_whose_areas_are_to_scale() -> None:
    figure = diagrams.hardware.memories(H100, {"HBM": "3.35 TB/s"})
    for svg in (figure.svg, figure.narrow):
        sides = [float(w) + 1 for w in re.findall(r'<rect [^>]*width="([\d.]+)"', svg)]
        assert (sides[0] / sides[1]) ** 2 == pytest.approx(80e9 / 50e6, rel=0.01)
        assert (sides[0] / sides[2]) ** 2 == pytest.approx(80e9 / 34.6e6, rel=0.01)
    assert figure.alt.startswith("The chip has room for 0.11% of")
    assert 15 <= len(figure.alt.split()) <= 60
    twice = diagrams.hardware.memories(H100 | {"HBM": "160 GB"})
    assert twice.alt.startswith("The chip has room for 0.05% of")


def test_memories_need_one_beside_the_chip_and_one_on_it() -> None:
    with pytest.raises(NapkinError, match="at least two sizes"):
        diagrams.hardware.memories({"HBM": "80 GB"})


@pytest.mark.parametrize("operations", [(20, 100, 400), (1,), (300, 3)])
def test_the_longer_bar_says_when_a_kernel_is_done(operations: tuple[int, ...]) -> None:
    toy = nk.Napkin(peak_flops="10 FLOP/s", bandwidth="2 B/s", bytes_moved="20 B")
    figure = diagrams.hardware.overlap(toy, operations)
    done = [f"{float(toy.assume(flops=work).roofline_time):g} s" for work in operations]
    for svg in (figure.svg, figure.narrow):
        assert re.findall(r">([\d.]+ s)<", svg) == done
    bars = re.findall(r'width="([\d.]+)" height="17" fill="(#\w+)"', figure.svg)
    moving, *_ = (float(width) + 1 for width, fill in bars if fill == "#0072B2")
    working = [float(width) + 1 for width, fill in bars if fill == "#009E73"]
    for work, width in zip(operations, working, strict=True):
        assert width / moving == pytest.approx(work / 100, rel=0.05, abs=0.02)
