"""The bill of a request, chunks, hits and two kinds of GPU, to scale."""

import re
from math import ceil

import pytest

import diagrams
import napkin as nk
from napkin.views.drawing import ARITHMETIC, CACHE, WEIGHTS
from tests.chapters.example import EXAMPLE

COLD = EXAMPLE.assume(hit_rate=0)
OTHERS = {"the example": COLD, "another GPU": COLD.assume(accelerator="H200")}


def widths(svg: str, fill: str, height: int) -> list[float]:
    """Return the widths of the bars of one color, as drawn: a box is a pixel smaller."""
    return [
        float(width) + 1
        for width in re.findall(
            rf'width="([\d.]+)" height="{height}" fill="{fill}"', svg.replace('.0"', '"')
        )
    ]


@pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)
def test_the_batch_splits_the_weights_only(n: nk.Napkin) -> None:
    figure = diagrams.prompts.bill({"whole": n}, (4, 16))
    for svg in (figure.svg, figure.narrow):
        reading, weights, caches = (widths(svg, c, 21) for c in (ARITHMETIC, WEIGHTS, CACHE))
        assert reading[0] == pytest.approx(reading[1], abs=0.1)
        assert caches[0] == pytest.approx(caches[1], abs=0.1)
        assert weights[0] == pytest.approx(4 * weights[1], rel=0.02)
        total = reading[1] + weights[1] + caches[1]
        share = float(n.assume(batch=16).prompt_share)
        assert reading[1] / total == pytest.approx(share, rel=0.02)
    assert "reading costs what it did" in figure.alt
    assert 15 <= len(figure.alt.split()) <= 60


def test_a_larger_chunk_makes_a_longer_step_and_no_more_requests() -> None:
    figure = diagrams.prompts.chunks(COLD, (366, 2140.46))
    for svg in (figure.svg, figure.narrow):
        work, weights = widths(svg, ARITHMETIC, 16), widths(svg, WEIGHTS, 16)
        step = float(COLD.assume("chunked_prefill").tpot)
        read = float(COLD["weight_bytes_read / bandwidth"])
        assert sum(work[-2:]) / weights[-1] == pytest.approx(step / read, rel=0.02)
    assert figure.alt.startswith("A chunk of 2,140 tokens makes a step 5.8 times as long")
    assert "answers no more requests" in figure.alt
    fewer = diagrams.prompts.chunks(COLD, (100, 366))
    assert "2.52 times as many" in fewer.alt


def test_hits_stand_where_they_were_replayed() -> None:
    replayed = {1e5: 0.1, 1e6: 0.2, 1e7: 0.3}
    figure = diagrams.prompts.hits(replayed, replayed, EXAMPLE, 0.4)
    for svg in (figure.svg, figure.narrow):
        places = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="5"', svg)[:3]
        (x0, y0), (x1, y1), (x2, y2) = ((float(x), float(y)) for x, y in places)
        assert x1 - x0 == pytest.approx(x2 - x1, abs=0.1)
        assert y0 - y1 == pytest.approx(y1 - y2, abs=0.1)
        ends = re.findall(r'd="M([\d.]+) ([\d.]+)L\1 ([\d.]+)" [^>]*opacity="0.45"', svg)
        assert len(ends) == 2  # this GPU and its host: through all shares, so neither is a value
        levels = [float(y) for y in re.findall(r'y="([\d.]+)"[^>]*text-anchor="end">\d+%', svg)]
        for _, start, end in ends:
            assert float(start) < min(levels) < max(levels) < float(end) + 6
    assert "finds 20% of the prompt tokens" in figure.alt


def test_a_square_is_a_gpu() -> None:
    figure = diagrams.prompts.pools({"whole": COLD, "message": EXAMPLE}, 10)
    apart = [m.assume("disaggregated").n_gpus_prefill for m in (COLD, EXAMPLE)]
    needed = sum(ceil(10 * float(gpus)) for gpus in apart)
    for svg, size in ((figure.svg, 23), (figure.narrow, 19)):
        # Two for each GPU that reads, of which the last may be shorter; one for each that writes.
        assert len(re.findall(rf'width="{size}(?:\.0)?"', svg)) == 2 * needed + 20
    assert "10 GPUs that write need 18.4 more to read whole, but only 0.57" in figure.alt
