"""Memory reserved or paged, block tables, and the bus stop are drawn from worksheets."""

import re
from fractions import Fraction

import pytest

import diagrams
import napkin as nk
from napkin.errors import NapkinError
from tests.chapters.example import EXAMPLE

MEASURED = EXAMPLE.assume(context=13_125, reserved_length=126_195, block_size=16)
OTHERS = {
    "the example": MEASURED,
    "another GPU": MEASURED.assume(accelerator="H100"),
    "another model": MEASURED.assume(model="Llama-3-8B", context=1_226, reserved_length=14_089),
}
SMALL = nk.Napkin(block_size=4, reserved_length=8, mean_cached_length=Fraction(10, 3), prompt=10)
FOUR = {"A": 3, "B": 5, "C": 2, "D": 3}
each_worksheet = pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)


def filled(svg: str) -> list[tuple[float, float]]:
    """Return place and width of each rectangle in the color of caches."""
    found = re.findall(r'<rect x="([\d.]+)" [^>]*width="([\d.]+)"[^>]* fill="#E69F00"', svg)
    return [(float(x), float(width)) for x, width in found]


def words(figure: nk.views.Figure) -> int:
    return len(figure.alt.split())


@each_worksheet
def test_a_stripe_is_what_a_request_holds_in_both_halves(n: nk.Napkin) -> None:
    figure = diagrams.paging.room(n)
    ways = (nk.variants.reserved_maximum, nk.variants.paged)
    reserved, paged = (int(n.assume(way).concurrent_sequences.number) for way in ways)
    assert figure.alt.startswith(f"{reserved:,} requests fit if each reserves")
    assert f"and {paged:,} if" in figure.alt
    assert 15 <= words(figure) <= 60
    for svg, width in ((figure.svg, 720), (figure.narrow, 358)):
        *stripes, _ = filled(svg)  # the last one is in the legend
        assert len(stripes) == reserved + paged
        pitch = stripes[-1][0] - stripes[-2][0]
        assert width / pitch == pytest.approx(
            float(n.assume(ways[1]).concurrent_sequences), rel=0.03
        )


def test_each_token_has_a_square_and_the_share_in_use_is_the_worksheets() -> None:
    figure = diagrams.paging.pages(SMALL, FOUR, memory=24)
    assert figure.alt.startswith("Reserving uses 10 of 24 squares and turns 1 of 4 requests away")
    assert 10 / 24 == pytest.approx(float(SMALL.reserved_utilization))
    assert 15 <= words(figure) <= 60
    for svg in (figure.svg, figure.narrow):
        assert len(filled(svg)) == 10 + sum(FOUR.values())


def test_another_page_is_drawn_otherwise() -> None:
    figure = diagrams.paging.pages(SMALL.assume(block_size=2), FOUR, memory=24)
    assert "12 pages of 2 hold all of them, and 4 stays free" in figure.alt


@pytest.mark.parametrize(("page", "tables"), [(4, "B: 1, 4"), (3, "B: 1, 4"), (5, "B: 1")])
def test_an_arrow_leads_from_each_entry_to_its_page(page: int, tables: str) -> None:
    figure = diagrams.paging.block_table(SMALL.assume(block_size=page), FOUR)
    assert f"; {tables};" in figure.alt
    assert figure.svg.count("C248") == 4 + (page < 5)  # curves
    assert 15 <= words(figure) <= 60


def test_a_full_page_of_a_prefix_is_stored_once() -> None:
    n = SMALL.assume(n_sharing=2, context=6, shared_prefix=4)
    figure = diagrams.paging.block_table(n, {"E": 6, "F": 6}, shared=4)
    assert f"12 tokens, but only {n.shared_prefix_tokens.number} are stored" in figure.alt
    assert len(filled(figure.svg)) == n.shared_prefix_tokens.number
    assert "E: 0, 1; F: 0, 2" in figure.alt
    assert 15 <= words(figure) <= 60


@pytest.mark.parametrize(
    ("prompt", "answers", "title"),
    [(10, (2, 6), "12 tokens, 0.5 more than"), (10, (4, 4), "11.5 tokens, 0 more than"),
     (5, (1, 2, 9), "8.083 tokens, 1.6 more than")],
)  # fmt: skip
def test_lengths_are_averaged_over_time(prompt: int, answers: tuple[int, ...], title: str) -> None:
    figure = diagrams.paging.stop(SMALL.assume(prompt=prompt), answers)
    assert title in figure.alt
    assert 15 <= words(figure) <= 60


def test_what_is_too_large_to_draw_is_refused() -> None:
    with pytest.raises(NapkinError, match="a square for each of 126,195 tokens: at most 16"):
        diagrams.paging.pages(MEASURED, FOUR, memory=24)
    with pytest.raises(NapkinError, match="the requests take 5 pages, and there are 4"):
        diagrams.paging.pages(SMALL, FOUR, memory=16)
