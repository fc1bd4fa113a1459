"""Turns, users over time and chances are drawn from a worksheet, to scale."""

import json
import re
from math import prod

import pytest

import diagrams
import napkin as nk
from napkin.views.figures import Figure

from .test_tour import OTHERS, areas

DRAW = diagrams.duty_cycle
CACHE, TROUBLE = "#E69F00", "#D55E00"
FEW = nk.Napkin(users=25, active_limit=6, duty_cycle=0.16, think_time=60)
SIXTY = nk.Napkin(active_limit=60, duty_cycle=0.2, overflow_target=0.01)
THREE = nk.Napkin(slots=3, offered_load=2)

each_server = pytest.mark.parametrize("n", OTHERS.values(), ids=OTHERS)
each_crowd = pytest.mark.parametrize(
    "n", [FEW, FEW.assume(users=40, active_limit=3, duty_cycle=0.05), FEW.assume(think_time=9)]
)
each_promise = pytest.mark.parametrize(
    "n", [SIXTY, SIXTY.assume(active_limit=6), SIXTY.assume(active_limit=600, duty_cycle=0.1)]
)
each_chain = pytest.mark.parametrize(
    "n", [THREE, THREE.assume(slots=5, offered_load=4.5), THREE.assume(slots=2, offered_load=0.5)]
)


def tells(figure: Figure, title: str) -> None:
    """Check the title and the length of the words beside a drawing in two layouts."""
    assert figure.alt.startswith(title)
    assert 15 <= len(figure.alt.split()) <= 60
    assert 'width="720"' in figure.svg and 'width="358"' in figure.narrow


@each_server
def test_a_turn_is_to_scale(n: nk.Napkin) -> None:
    figure = DRAW.turn(n)
    tells(figure, f"A user of a full server is active for {float(n.duty_cycle):.1%} of each turn.")
    for svg, width in ((figure.svg, 720), (figure.narrow, 358)):
        active = areas(svg, CACHE)[0] / 39  # a hairline less than 40 px high, and than its width
        assert (active + 1) / width == pytest.approx(float(n.duty_cycle), rel=1e-3)


def outlined(svg: str, fill: str) -> float:
    """Return the area below an outline of levels, in px."""
    d = re.search(rf'd="M0 ([\d.]+)([VH\d.]+)Z" fill="{fill}"', svg)
    assert d
    bottom, left, area = float(d[1]), 0.0, 0.0
    for level, right in re.findall(r"V([\d.]+)H([\d.]+)", d[2]):
        area += (bottom - float(level)) * (float(right) - left)
        left = float(right)
    return area


@each_crowd
def test_timelines_add_up_to_what_is_active_below_them(n: nk.Napkin) -> None:
    figure = DRAW.timelines(n)
    tells(figure, f"{int(n.users.number)} users need {float(n.offered_load):.3g} slots on average")
    assert f"for {float(n.overflow_probability):.0%} of the time" in figure.alt
    for svg in (figure.svg, figure.narrow):
        bars = sum(areas(svg, CACHE)) / 6  # each is 6 px high
        below = (outlined(svg, CACHE) + outlined(svg, TROUBLE)) / 10
        assert below == pytest.approx(bars, rel=0.01)


def test_users_are_active_as_often_as_their_duty_cycle_says() -> None:
    figure = DRAW.timelines(FEW.assume(users=400, active_limit=80))
    active = sum(areas(figure.svg, CACHE)) / 6
    assert active / 720 / 400 == pytest.approx(0.16, abs=0.01)


def test_another_seed_is_another_play() -> None:
    assert DRAW.timelines(FEW, seed=2).svg != DRAW.timelines(FEW).svg == DRAW.timelines(FEW).svg


def test_what_runs_begins_with_what_is_drawn() -> None:
    figure, widget = DRAW.timelines(FEW), DRAW.running(FEW)
    data, _ = widget._repr_mimebundle_()
    assert figure._repr_html_() in data["text/html"]
    told = re.search(r"data-running>(.*?)</script>", data["text/html"])
    assert told and json.loads(told[1]) == json.loads(json.dumps({"spec": widget.spec}))
    shown = [
        min(end, widget.spec["span"]) - start for row in widget.spec["rows"] for start, end in row
    ]
    scale = 720 / widget.spec["span"]
    assert sum(shown) * scale == pytest.approx(sum(areas(figure.svg, CACHE)) / 6, rel=1e-3)


@each_promise
def test_the_vermilion_of_a_histogram_is_the_chance_of_an_overflow(n: nk.Napkin) -> None:
    figure = DRAW.histogram(n)
    slots = int(n.active_limit.number)
    crowds = [int(m.users_by_load.number) for m in (n, n.assume(nk.variants.binomial))]
    chances = [float(n.assume(users=users).overflow_probability) for users in crowds]
    tells(figure, f"{slots} slots are too few for {crowds[0]} users {chances[0]:.0%} of the time")
    for svg in (figure.svg, figure.narrow):
        fits, over = (sum(areas(svg, fill)) for fill in (CACHE, TROUBLE))
        assert over / (fits + over) == pytest.approx(sum(chances) / 2, rel=0.05)


@each_chain
@pytest.mark.parametrize("waits", [False, True])
def test_the_bars_of_a_chain_are_the_shares_of_time(n: nk.Napkin, waits: bool) -> None:
    figure = DRAW.chain(n, waits=waits)
    slots, load = int(n.slots.number), float(n.offered_load)
    full = float(n.wait_probability if waits else n.blocking_probability)
    end = "have to wait" if waits else "are turned away"
    tells(
        figure,
        f"With {slots} slots and an offered load of {load:g}, {full:.0%} of requests {end}.",
    )
    empty, *_, last = (area / 33 + 1 for area in areas(figure.svg, CACHE))  # with its hairline
    weight = load ** (slots - 1) / prod(range(1, slots))
    assert last / empty == pytest.approx(weight, rel=0.01)


def test_a_chain_that_never_empties_is_refused() -> None:
    with pytest.raises(nk.NapkinError):
        DRAW.chain(THREE.assume(offered_load=3), waits=True)
