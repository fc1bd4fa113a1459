"""The builder of drawings: labels that overlap are refused, and both layouts are drawn."""

import re

import pytest

from napkin.errors import NapkinError
from napkin.views.drawing import LINE, NARROW, WIDE, Drawing, laid_out, measure


def empty(width: int = WIDE) -> Drawing:
    return Drawing(width, "A finding")


def test_labels_that_overlap_are_refused() -> None:
    drawing = empty()
    drawing.text(10, 60, "weights")
    drawing.text(10 + measure("weight"), 60, "caches")
    with pytest.raises(NapkinError, match=r"'caches' and 'weights' overlap: move one"):
        drawing.svg(100)


def test_labels_side_by_side_are_not() -> None:
    drawing = empty()
    end = drawing.text(10, 60, "weights")
    drawing.text(end, 60, "caches")
    drawing.text(10, 60 + LINE, "reserve")
    assert drawing.svg(100).count("<text") == 4


@pytest.mark.parametrize("place", [(-5, 60), (700, 60), (10, 5), (10, 99)])
def test_a_label_that_leaves_the_frame_is_refused(place: tuple[int, int]) -> None:
    drawing = Drawing(WIDE, "")
    drawing.text(*place, "weights")
    with pytest.raises(NapkinError, match="'weights' leaves the drawing"):
        drawing.svg(100)


@pytest.mark.parametrize("anchor", ["start", "middle", "end"])
def test_an_anchor_moves_the_place_that_a_label_takes(anchor: str) -> None:
    x = {"start": 0.0, "middle": measure("weights") / 2, "end": measure("weights")}[anchor]
    drawing = empty()
    assert drawing.text(x, 60, "weights", anchor) == pytest.approx(measure("weights"))
    drawing.svg(100)


def test_words_wrap_into_even_lines_that_fit() -> None:
    drawing = empty(NARROW)
    said = "fifty-three caches fill the memory, and most belong to people who are not waiting"
    end = drawing.words(0, 80, said, NARROW)
    rows = re.findall(r"<text[^>]*>([^<]+)", drawing.svg(400))[1:]
    assert " ".join(rows) == said
    assert end == 80 + LINE * len(rows)
    lengths = [measure(row) for row in rows]
    assert max(lengths) <= NARROW
    assert min(lengths) > max(lengths) / 2


def test_both_layouts_are_drawn_and_an_image_has_the_narrow_one_beside() -> None:
    widths = []

    def draw(drawing: Drawing) -> float:
        widths.append(drawing.width)
        drawing.box(0, drawing.y, 10, 10)
        return drawing.y + 10

    figure = laid_out(draw, "A < B", "Two blocks")
    assert widths == [WIDE, NARROW]
    assert repr(figure) == "A < B. Two blocks"
    assert f'width="{WIDE}"' in figure.svg and f'width="{NARROW}"' in figure.narrow
    assert "A &lt; B" in figure.svg
    html = figure._repr_html_()
    assert html.startswith('<img alt="A &lt; B. Two blocks" src="data:image/svg+xml;base64,')
    assert 'data-narrow="data:image/svg+xml;base64,' in html
