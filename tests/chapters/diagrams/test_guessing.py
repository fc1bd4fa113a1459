"""A draft's steps, the rows of a step and the guesses that are kept are drawn to scale."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.views.drawing import ARITHMETIC, CACHE, SHADE, TROUBLE, WEIGHTS
from tests.chapters.diagrams.test_tokens_per_second import widths
from tests.chapters.example import EXAMPLE

DRAFTED = EXAMPLE.assume(
    nk.variants.speculative,
    batch=53,
    draft_tokens=3,
    acceptance_rate=0.8,
    draft_time="430 us",
)
WORKSHEETS = {
    "the example": DRAFTED,
    "a slow draft": DRAFTED.assume(draft_time="5 ms"),
    "one guess": DRAFTED.assume(draft_tokens=1),
    "another GPU": DRAFTED.assume(accelerator="H200", batch=30),
}
each_worksheet = pytest.mark.parametrize("n", WORKSHEETS.values(), ids=WORKSHEETS)


@each_worksheet
def test_steps_with_and_without_a_draft_share_one_scale(n: nk.Napkin) -> None:
    figure = diagrams.guessing.lanes(n)
    plain = n.assume(draft_tokens=0)
    for svg in (figure.svg, figure.narrow):
        weights, caches = widths(svg, WEIGHTS), widths(svg, CACHE)
        drawn = weights[0] + caches[0] + 2  # a block is drawn 1 px smaller than it is
        assert drawn == pytest.approx(weights[-1] + caches[-1] + 2, rel=0.02)
        share = float(plain.weight_bytes_read / n["bandwidth"]) / float(plain.decode_memory_time)
        assert (weights[0] + 1) / drawn == pytest.approx(share, rel=0.05)
        (draft, *_) = (
            float(wide)
            for wide, style in re.findall(
                r'width="([\d.]+)" height="29.0" fill="currentColor"([^>]*)', svg
            )
            if f'fill-opacity="{SHADE}"' in style
        )
        assert (draft + 1) / drawn == pytest.approx(
            float(n.drafting_time / n.decode_step_time), rel=0.1, abs=0.02
        )


@each_worksheet
def test_the_tokens_of_a_step_stand_where_it_ends(n: nk.Napkin) -> None:
    figure = diagrams.guessing.lanes(n)
    for svg in (figure.svg, figure.narrow):
        boxes = [
            tuple(map(float, found))
            for found in re.findall(
                r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg
            )
        ]
        bars = {round(x + wide, 1) for x, _, wide, high in boxes if high == 29}
        squares = [(x, y, x + wide) for x, y, wide, high in boxes if wide == high and high != 12]
        for _, y, end in squares:
            later = [x for x, level, _ in squares if level == y and 0 < x - end < 5]
            # What has no token close behind it is the last one of its step.
            assert later or any(end == pytest.approx(bar, abs=0.2) for bar in bars)


def test_the_tokens_of_the_title_are_the_squares_that_are_kept() -> None:
    figure = diagrams.guessing.lanes(DRAFTED)
    found = re.search(r"(\d+) steps that check 3 guesses each write (\d+)", figure.alt)
    assert found
    checks, written = int(found[1]), int(found[2])
    right = figure.svg.count('fill-opacity="0.75"') - 1  # one is the legend's
    wrong = len(re.findall(f'fill="{TROUBLE}"', figure.svg)) - 2
    assert right + checks == written
    assert right + wrong == 3 * checks


def test_rows_bring_arithmetic_and_no_reading() -> None:
    figure = diagrams.guessing.rows(DRAFTED, (0, 3, 7))
    for svg in (figure.svg, figure.narrow):
        one, four, eight = (wide + 1 for wide in widths(svg, ARITHMETIC))
        assert four / one == pytest.approx(4, rel=0.05)
        assert eight / one == pytest.approx(8, rel=0.05)
        assert len({round(wide) for wide in widths(svg, CACHE)}) == 1


def test_a_title_says_how_much_longer_a_step_takes() -> None:
    assert "takes no longer" in diagrams.guessing.rows(DRAFTED, (0, 3)).alt
    short = DRAFTED.assume(context=500, prompt=500, batch=300)
    assert "times as long" in diagrams.guessing.rows(short, (0, 3)).alt


def test_columns_fall_by_the_acceptance() -> None:
    figure = diagrams.guessing.stairs(0.5, [1.5, 1.7])
    tall = [
        float(high) + 1
        for high, style in re.findall(r'height="([\d.]+)" fill="currentColor"([^>]*)', figure.svg)
        if f'fill-opacity="{SHADE}"' in style
    ][:3]
    assert tall[1] / tall[0] == pytest.approx(0.5)
    assert tall[2] / tall[0] == pytest.approx(0.25)
    assert "would make 1.75 tokens per step, but 1.70 were measured" in figure.alt
    assert figure.svg.count('stroke-width="4.0"') == 3  # two gains, and the legend
    half = float(re.findall(r'd="M([\d.]+) [^"]*" fill="none"[^>]*opacity="0.15"', figure.svg)[0])
    second = float(re.findall(r'<rect x="([\d.]+)"', figure.svg)[1])
    assert half > second  # the column of the first guess is as tall, and no line crosses it
