"""A step, its users and its prompts are drawn to scale, from a worksheet."""

import re

import pytest

import diagrams
import napkin as nk
from diagrams._scheduling import EMPTY, POLICIES, QUEUES, READS, WAITS, served
from napkin.views.drawing import ARITHMETIC, CACHE, WEIGHTS
from tests.chapters.example import EXAMPLE

WORKSHEETS = {
    "the example": EXAMPLE,
    "whole prompts": EXAMPLE.assume(hit_rate=0),
    "another GPU": EXAMPLE.assume(accelerator="H100"),
    "another model": EXAMPLE.assume(model="Llama-3-8B", context=2_000, prompt=2_000),
    "several GPUs": EXAMPLE.assume(n_gpus=4),
}
each_worksheet = pytest.mark.parametrize("n", WORKSHEETS.values(), ids=WORKSHEETS)


def widths(svg: str, fill: str, *, pale: bool = False) -> list[float]:
    """Return how wide the blocks of a color are, keys of the legend left out."""
    found = re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)" fill="([^"]+)"([^>]*)', svg)
    return [
        float(wide)
        for wide, high, color, style in found
        if color == fill and high != "12" and ("fill-opacity" in style) == pale
    ]


@each_worksheet
def test_the_lanes_of_a_step_are_to_scale(n: nk.Napkin) -> None:
    figure = diagrams.tokens_per_second.lanes(n)
    prompts = n.assume(nk.variants.chunked_prefill).prompt_stall
    for svg in (figure.svg, figure.narrow):
        (work,), (rides,) = widths(svg, ARITHMETIC), widths(svg, ARITHMETIC, pale=True)
        (weights,), (caches,) = widths(svg, WEIGHTS), widths(svg, CACHE)
        read = weights + caches + 2  # a block is drawn 1 px smaller than it is
        assert (work + 1) / read == pytest.approx(
            float(n.decode_compute_time / n.decode_memory_time), rel=0.01
        )
        assert (rides + 1) / read == pytest.approx(float(prompts / n.decode_memory_time), rel=0.01)


def test_a_step_without_prompts_has_no_room_for_them_drawn() -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="H100", precision="bf16", batch=64, context=1024)
    figure = diagrams.tokens_per_second.lanes(n)
    assert widths(figure.svg, ARITHMETIC, pale=True) == []
    assert "prompt" not in figure.alt


def test_the_finding_of_the_lanes_follows_the_numbers() -> None:
    fits, exceeds = (
        diagrams.tokens_per_second.lanes(WORKSHEETS[name]).alt
        for name in ("the example", "whole prompts")
    )
    assert f"Reading takes {EXAMPLE.decode_step_time}" in fits
    assert "fit into the gap" in fits
    assert "reading leaves only 20.3 ms idle" in exceeds


@each_worksheet
def test_a_diagram_is_told_in_a_few_words(n: nk.Napkin) -> None:
    drawn, quiet = diagrams.tokens_per_second, n.assume(nk.variants.disaggregated)
    for figure in (drawn.lanes(n), drawn.steps(n), drawn.trade_off(quiet, n)):
        assert 15 <= len(figure.alt.split()) <= 60


@each_worksheet
def test_the_steps_of_one_user_and_of_many_have_one_axis(n: nk.Napkin) -> None:
    alone, figure = n.assume(batch=1), diagrams.tokens_per_second.steps(n)
    for svg in (figure.svg, figure.narrow):
        weights, work = widths(svg, WEIGHTS), widths(svg, ARITHMETIC)
        assert max(weights) - min(weights) <= 0.01  # read once, however many users there are
        read = max(widths(svg, CACHE)) + weights[0] + 2
        ratio = float(n.decode_compute_time / n.decode_memory_time)
        assert (work[-1] + 1) / read == pytest.approx(ratio, rel=0.01)
    assert f"{alone.decode_memory_time}" in figure.alt


@each_worksheet
def test_the_trade_off_names_the_speeds_of_the_worksheet(n: nk.Napkin) -> None:
    quiet = n.assume(nk.variants.disaggregated)
    figure = diagrams.tokens_per_second.trade_off(quiet, n)
    assert f"{1 / float(n.tpot):.3g} token/s each" in figure.alt
    assert f"{n.tokens_per_second:short}" in figure.alt
    assert f"ceiling {n.throughput_ceiling:short}" in figure.svg


SMALL = nk.Napkin(batch=4, decode_step_time="10 ms", prefill_time="25 ms", new_tokens=10)


@pytest.mark.parametrize("n", [SMALL, EXAMPLE.assume(batch=4, new_tokens=20)])
def test_a_schedule_draws_a_block_for_each_token(n: nk.Napkin) -> None:
    figure = diagrams.tokens_per_second.schedule(n)
    until = 5 * float(n.new_tokens) * float(n.decode_step_time)
    ends = until + 1e-9
    for policy in POLICIES:
        blocks = [b for b in served(n, policy, until) if b.tokens and b.start + b.lasts <= ends]
        assert f"{policy}: {len(blocks)} tokens" in figure.svg
    drawn = re.findall(rf'<path d="([^"]+)" fill="{CACHE}"', figure.svg)
    assert [d.count("M") for d in drawn] == [
        sum(b.tokens for b in served(n, policy, until)) for policy in POLICIES
    ]
    assert 15 <= len(figure.alt.split()) <= 60


def test_a_chunk_that_fills_its_step_leaves_no_crumb_for_another() -> None:
    """Prompts of 25 ms in pieces of 10 ms, two at once, are read within 50 ms of reading."""
    reads = [b for b in served(SMALL, "chunked prefill", 0.16) if b.kind == READS]
    assert sum(b.lasts for b in reads if b.slot == 1) == pytest.approx(0.06)
    assert sum(b.lasts for b in reads if b.slot == 3) == pytest.approx(0.06)


def test_a_prompt_in_the_queue_is_not_drawn_as_read() -> None:
    for policy in POLICIES:
        blocks = served(SMALL, policy, 0.5)
        assert {READS, QUEUES} <= {b.kind for b in blocks}
        whole = [b for b in blocks if b.kind == READS and policy != "chunked prefill"]
        assert all(b.lasts == float(SMALL.prefill_time) for b in whole)


def test_the_promise_is_an_upright_line() -> None:
    draw, quiet = diagrams.tokens_per_second.trade_off, EXAMPLE.assume(nk.variants.disaggregated)
    assert "promise: 20" in draw(quiet, EXAMPLE, promise=20).svg
    assert "promise" not in draw(quiet, EXAMPLE).svg


def test_the_server_by_hand_keeps_the_pace_of_the_formula() -> None:
    """In the long run continuous batching makes a token of each slot in every `tpot`."""
    until = 400.0
    blocks = served(SMALL, "continuous batching", until)
    per_token = until * float(SMALL.batch) / sum(block.tokens for block in blocks)
    assert per_token == pytest.approx(float(SMALL.tpot), rel=0.005)


def test_only_a_static_batch_has_empty_slots_and_only_whole_prompts_make_others_wait() -> None:
    kinds = {policy: {b.kind for b in served(SMALL, policy, 2.0)} for policy in POLICIES}
    assert [EMPTY in kinds[policy] for policy in POLICIES] == [True, False, False]
    assert [WAITS in kinds[policy] for policy in POLICIES] == [True, True, False]
