"""The first page: its picture computes what the worksheet does, and nothing bars a reader."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page

import napkin as nk
from napkin import catalog
from tests.browser.conftest import AXE, opened
from tests.browser.lab import running
from tests.browser.test_lab import open_chapter, run_all
from tests.browser.test_site import SCHEMES, SITE

FOCUSED: Final = """() => {
  const { dataset, value, tagName } = document.activeElement;
  return dataset.slider ?? dataset.do ?? (value || tagName);
}"""
ROW: Final = re.compile(
    r"^\| \[(.+?)\]\(chapters/(\d.+?)\.ipynb\) \| (.+?) \| (.+?) \|$", re.MULTILINE
)
ROOT = Path(__file__).parents[2]
BUNDLES = {"resident": nk.variants.idle_resident, "offloaded": nk.variants.idle_offloaded}
SHIFTED: Final = """() => new Promise((done) => new PerformanceObserver((list) => done(
    list.getEntries().reduce((sum, shift) => sum + shift.value, 0)
)).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => done(0), 800))"""


@pytest.fixture(scope="module")
def n() -> nk.Napkin:
    """The worksheet of the page's own cell."""
    cells = json.loads((ROOT / "chapters" / "index.ipynb").read_text(encoding="utf-8"))["cells"]
    (code,) = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    found: dict[str, Any] = {}
    exec(code.rpartition("\n")[0], found)
    made: nk.Napkin = found["n"]
    return made


@pytest.fixture(scope="module")
def address(serve: Callable[[Path], str]) -> str:
    return f"{serve(SITE)}/index.html"


def numbers(n: nk.Napkin) -> tuple[int, float, float]:
    """Return users, tokens/s and cost for whole users."""
    given = n.assume(users=int(n.users.number))
    cost = float(given.cost_per_user_month)
    return int(given.users.number), 1 / float(given.usual_tpot), cost


def shown(box: Locator) -> tuple[int, float, float]:
    told = box.evaluate("(box) => ({ ...box.dataset })")
    return int(told["users"]), float(told["speed"]), float(told["cost"])


def big(box: Locator) -> list[str]:
    return box.locator(".nk-big strong").all_text_contents()


def test_numbers_and_predictions_are_those_of_the_worksheet(
    n: nk.Napkin, browser: Browser, address: str
) -> None:
    bands = catalog.bands()
    with opened(browser) as page:
        for idle, context, pause in product(BUNDLES, (1_000, 20_000, 120_000), (5, 60, 600)):
            page.goto("about:blank")
            page.goto(f"{address}#idle={idle}&context={context}&think_time={pause}")
            box = page.locator(".nk-map[data-users]")
            here = n.assume(BUNDLES[idle], context=context, prompt=context, think_time=pause)
            assert shown(box) == pytest.approx(numbers(here), rel=1e-9)
            real = json.loads(box.get_attribute("data-real") or "")
            for told, end in zip(real, (None, 0, 1), strict=True):
                errors = {} if end is None else {name: band[end] for name, band in bands.items()}
                wanted = numbers(here.assume(calibrated=True, **errors))
                found = (told["users"], told["speed"], told["cost"])
                assert found == pytest.approx(wanted, rel=1e-9), (idle, context, pause, end)


def test_the_band_is_that_which_the_package_prints(
    n: nk.Napkin, browser: Browser, address: str
) -> None:
    given = n.assume(BUNDLES["resident"], calibrated=True, users=53)
    # A calibrated number has a band, which the type of an attribute can't tell.
    low, high = given.usual_tpot.band  # type: ignore[attr-defined]
    with opened(browser) as page:
        page.goto(address)
        said = page.locator(".nk-big div").nth(1).locator("small").last.text_content()
    middle, *ends = (f"{1 / float(time):.0f}" for time in (given.usual_tpot, high, low))
    assert (said or "").split() == f"real servers: {middle} ({ends[0]} to {ends[1]})".split()


def test_no_place_of_the_sliders_is_refused(browser: Browser, address: str) -> None:
    states = """async (url) => {
      const { answers } = await import(url), told = document.querySelector("[data-memory-map]");
      const { spec } = JSON.parse(told.textContent), solve = answers(spec), refused = [];
      for (const idle in spec.idle) for (const context of spec.stops.context)
        for (const think_time of spec.stops.think_time) {
          const a = solve({ idle, context, think_time });
          if ([a, ...a.real].some((one) => one.reason || !(one.cost > 0) || !(one.speed > 0)))
            refused.push([idle, context, think_time, a.reason]);
        }
      return refused;
    }"""
    with opened(browser) as page:
        page.goto(address)
        assert page.evaluate(states, address.replace("index.html", "_static/memory-map.js")) == []


@pytest.mark.parametrize("idle", BUNDLES)
@pytest.mark.parametrize("slider", ["context", "think_time"])
def test_each_slider_changes_the_numbers_in_each_state_and_all_is_in_the_address(
    idle: str, slider: str, browser: Browser, address: str
) -> None:
    with opened(browser) as page:
        page.goto(address)
        box = page.locator(".nk-map")
        opening = big(box)
        box.locator(f"[value={idle}]").check(force=True)
        before = big(box)
        box.locator(f"[data-slider={slider}]").focus()
        page.keyboard.press("ArrowRight")
        after = big(box)
        assert after != before
        for key in ("Home", "End"):
            page.keyboard.press(key)
            assert big(box) not in (before, after)
        moved = big(box)
        page.wait_for_function("slider => location.hash.includes(slider)", arg=f"{slider}=")
        page.reload()
        assert big(box) == moved
        box.get_by_role("button", name="Back to the start").click()
        assert big(box) == opening
        page.wait_for_function("() => !location.hash")


def test_all_controls_are_reached_by_keyboard(browser: Browser, address: str) -> None:
    with opened(browser) as page:
        page.goto(address)
        page.get_by_role("link", name="Use my model").focus()
        reached = []
        for _ in range(7):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(FOCUSED))
            if reached[-1] == "resident":
                page.keyboard.press("ArrowRight")
                assert page.locator(".nk-map [value=offloaded]").is_checked()
        wanted = ["resident", "context", "think_time", "motion", "start", "SUMMARY", "SUMMARY"]
        assert reached == wanted


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_shifts_and_nothing_leaves_the_page(
    width: int, browser: Browser, address: str
) -> None:
    with opened(browser, viewport={"width": width, "height": 900}) as page:
        page.goto(address)
        page.locator(".nk-map canvas").wait_for()
        assert page.evaluate(SHIFTED) < 0.05
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        height = page.locator(".nk-stored").bounding_box()
        for idle, context in (("offloaded", 1000), ("resident", 120_000)):
            page.evaluate("hash => { location.hash = hash; }", f"idle={idle}&context={context}")
            page.wait_for_timeout(100)
            assert page.locator(".nk-stored").bounding_box() == height


def test_there_is_no_barrier_once_it_has_moved(browser: Browser, address: str) -> None:
    found = []
    with opened(browser) as page:
        page.goto(f"{address}#idle=offloaded&think_time=10")
        page.locator(".nk-map details").click()
        page.evaluate(AXE)
        for width, scheme in product((1280, 390), SCHEMES):
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(100)
            result = page.evaluate("axe.run({ resultTypes: ['violations'] })")
            found += [(width, scheme, one["id"]) for one in result["violations"]]
    assert not found


def moving(page: Page, wanted: str) -> None:
    page.wait_for_function(
        "wanted => document.querySelector('.nk-map').dataset.moving === wanted", arg=wanted
    )


def test_it_moves_by_itself_only_in_sight_and_where_motion_is_welcome(
    browser: Browser, address: str
) -> None:
    with opened(browser) as page:
        page.goto(address)
        moving(page, "yes")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        moving(page, "no")
        page.evaluate("scrollTo(0, 0)")
        moving(page, "yes")
        page.get_by_role("button", name="Pause the motion").click()
        moving(page, "no")
    with opened(browser, reduced_motion="reduce") as page:
        page.goto(address)
        page.get_by_role("button", name="Play the motion").wait_for()
        moving(page, "no")


def test_without_scripts_the_opening_numbers_and_a_drawing_stand_there(
    browser: Browser, address: str
) -> None:
    with opened(browser, java_script_enabled=False) as page:
        page.goto(address)
        assert big(page.locator(".nk-map")) == ["53", "196", "54.3"]
        stored, drawn = page.locator(".nk-stored").bounding_box(), page.locator(".nk-map svg.wide")
        assert drawn.is_visible() and stored and stored["height"] < 500


def test_cards_say_what_the_readme_does_and_lead_to_the_chapters(
    browser: Browser, address: str
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = ROW.findall(readme)
    assert len(rows) == len(list((ROOT / "chapters" / "text").glob("[0-9]*.md")))
    with opened(browser) as page:
        page.goto(address)
        cards = page.locator(".front-cards li").all()
        for card, (name, stem, question, surprise) in zip(cards, rows, strict=True):
            link = card.get_by_role("link")
            assert (link.text_content(), link.get_attribute("href")) == (name, f"{stem}.html")
            assert card.locator("p").all_text_contents() == [question, unescape(surprise)]
            assert card.locator("svg[aria-hidden=true] :is(rect, path)").count() > 2
            assert card.locator("svg text").count() == 0
        cards[3].locator("svg").click(force=True)  # the link covers its card
        page.wait_for_url("**/03-transformer.html")


def test_in_jupyterlab_the_same_picture_moves(browser: Browser, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("text", "site", "__pycache__")
    shutil.copytree(ROOT / "chapters", tmp_path / "chapters", ignore=ignored)
    with running(tmp_path) as lab, opened(browser) as page:
        open_chapter(page, lab, "index")
        run_all(page)
        box = page.locator(".nk-map[data-users]")
        box.wait_for(timeout=60_000)
        opening = big(box)
        box.locator("[data-slider=context]").focus()
        page.keyboard.press("ArrowRight")
        assert opening == ["53", "196", "54.3"] != big(box)
        page.wait_for_timeout(600)
        assert not page.evaluate("location.hash")
