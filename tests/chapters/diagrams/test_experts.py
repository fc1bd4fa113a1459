"""The diagrams of chapter 12 are drawn to scale, from a worksheet."""

import re

import pytest

import diagrams
import napkin as nk
from napkin.formulas import variants

GIANT = nk.Napkin(
    model="DeepSeek-V3",
    accelerator="B200",
    n_gpus=8,
    precision="fp8",
    kv_precision="fp8",
    usable_memory=0.9,
    context=20_000,
)
CROWD = GIANT.assume(variants.attention_data_parallel, variants.expert_parallel)
DENSE = GIANT.assume(model="Llama-3.3-70B")
SPLITS = {"tensor parallel": GIANT, "attention data-parallel": CROWD}
WEIGHTS, CACHE = "#0072B2", "#E69F00"


def widths(svg: str, fill: str) -> list[float]:
    """Return the widths of bars of one color, without legends."""
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="19.0" fill="([^"]+)"', svg)
    return [float(wide) + 1 for wide, color in found if color == fill]


@pytest.mark.parametrize(
    ("n", "tokens"),
    [
        (GIANT, (1, 8, 64)),
        (GIANT.assume(model="gpt-oss-120b"), (1, 16)),
        (nk.Napkin(model="Mixtral-8x7B"), (1, 2, 5)),
    ],
    ids=["the example", "fewer experts", "eight experts"],
)
def test_as_many_squares_are_filled_as_experts_are_touched(
    n: nk.Napkin, tokens: tuple[int, ...]
) -> None:
    figure = diagrams.experts.grid(n, tokens)
    assert 15 <= len(figure.alt.split()) <= 60
    filled = [
        drawn.count("M") for drawn in re.findall(rf'<path d="([^"]+)" fill="{WEIGHTS}"', figure.svg)
    ]
    touched = [round(float(n.assume(batch=count).experts_touched)) for count in tokens]
    assert filled == touched
    outlined = re.findall(r'<path d="([^"]+)" fill="none"[^>]*stroke-width="2"', figure.svg)
    assert [drawn.count("M") for drawn in outlined] == [int(n.n_experts_active)] * len(tokens)


def test_bars_of_two_models_have_one_scale() -> None:
    figure = diagrams.experts.race(SPLITS, DENSE, (1, 64, 400))
    assert 15 <= len(figure.alt.split()) <= 60
    assert figure.alt.startswith("The giant's step takes 0.60 times")
    assert re.findall("giant: ([a-z -]+)", figure.svg) == [
        "tensor parallel",
        *2 * ["attention data-parallel"],
    ]
    weights, caches = widths(figure.svg, WEIGHTS), widths(figure.svg, CACHE)
    full = CROWD.assume(batch=400)
    dense = DENSE.assume(batch=400)
    expected = float(full.weight_bytes_read / dense.weight_bytes_read)
    assert weights[4] / weights[5] == pytest.approx(expected, rel=0.01)
    expected = float(full.kv_bytes_per_sequence / dense.kv_bytes_per_sequence)
    assert caches[4] / caches[5] == pytest.approx(expected, rel=0.01)
    lone = 8 * float(GIANT.kv_bytes_per_sequence / dense.kv_bytes_per_sequence) / 400
    assert caches[0] / caches[5] == pytest.approx(lone, abs=0.01)


def test_more_users_than_fit_are_not_drawn() -> None:
    with pytest.raises(nk.NapkinError, match="500 conversations do not fit"):
        diagrams.experts.race({"tensor parallel": GIANT}, DENSE, (1, 500))


def test_each_expert_of_a_token_has_a_home() -> None:
    figure = diagrams.experts.exchange(GIANT)
    assert 15 <= len(figure.alt.split()) <= 60
    assert "8 GPUs send 14 vectors in an all-reduce and 14 in an all-to-all" in figure.alt
    homes = re.findall(rf'<rect [^>]*width="10.0" height="10" fill="{WEIGHTS}"', figure.svg)
    slices = re.findall(rf'<rect [^>]*width="3.0" height="10" fill="{WEIGHTS}"', figure.svg)
    assert (len(homes), len(slices)) == (8, 64)
    around = int(GIANT.n_gpus)
    arrows = re.findall(r'<path d="M[^M"]+M[^"]+"[^>]*stroke-width="1.5"', figure.svg)[around:]
    more = [int(count) - 1 for count in re.findall("×([0-9])<", figure.svg)]
    assert 2 * (len(arrows) + sum(more)) == 14  # there, and back
    assert "7 vectors go out, 7 results come back" in figure.svg


@pytest.mark.parametrize("n", [GIANT, GIANT.assume(model="gpt-oss-120b", n_gpus=4)])
def test_arrows_end_at_the_edges_of_boxes(n: nk.Napkin) -> None:
    figure = diagrams.experts.exchange(n)
    for svg in (figure.svg, figure.narrow):
        boxes = [
            (float(x) + 22.5, float(y) + 14.5)  # where the middle is
            for x, y in re.findall(r'x="([\d.]+)" y="([\d.]+)" width="45.0" height="29.0"', svg)
        ]
        found = re.findall(r'd="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)M[^"]+" [^>]*"1.5"', svg)
        assert len(found) > int(n.n_gpus)
        assert len({(x, y) for x, y, *_ in found}) == len(found)  # none starts at another's start
        for x1, y1, x2, y2 in found:
            for x, y in ((float(x1), float(y1)), (float(x2), float(y2))):
                reach = (max(abs(x - bx) / 23, abs(y - by) / 15) for bx, by in boxes)
                assert min(reach) == pytest.approx(1, abs=0.01)
