"""What a reader does with an explorer: drag, press, point, type, share; and what it then says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import diagrams
import napkin as nk
from napkin.views.exploration import exploration
from napkin.views.widget import Explorer
from tests.browser.conftest import AXE, STATIC, check, drive, opened
from tests.browser.test_site import SITE, WITH_EXPLORERS
from tests.chapters.example import EXAMPLE
from tests.views.explorations import CHAT, EXPLORATIONS, made

COST = "dollars over the context"
POLICIES = made(
    EXAMPLE,
    "users",
    "think_time",
    assume={"resident": nk.variants.idle_resident, "offloaded": nk.variants.idle_offloaded},
    think_time=(5, 600),
    host_memory=("128 GB", "4096 GB"),
)
SPEEDS = made(
    CHAT,
    ["tokens_per_second_per_user", "tokens_per_second"],
    "batch",
    batch=(1, 50),
)
CROWDED = exploration(
    CHAT,
    "tokens_per_second",
    "batch",
    {f"a context of {size:,} tokens": f"context = {size}" for size in (20_000, 21_000, 22_000)},
    {"batch": (1, 512)},
    "assumption",
)
UNNAMED = made(
    CHAT.assume("decode_step_time = Max(batch * kv_budget / bandwidth, weight_bytes / bandwidth)"),
    "decode_step_time",
    "batch",
    batch=(1, 20),
)
PHASES = made(
    CHAT.assume(batch=16, message=500, new_tokens=500),
    "requests_per_second",
    "batch",
    batch=(1, 50),
    message=(1, 20_000),
)
FRAMES = """(box) => {
  const frame = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { left, right, top, bottom };
  };
  const names = [...box.querySelectorAll(".nk-name, .nk-other")].map(frame);
  return { chart: frame(box.querySelector("svg")), names };
}"""
Stage = Callable[..., str]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Path], str]) -> Stage:
    """Make a page of explorers as the site has them, and say where it is."""
    root = tmp_path_factory.mktemp("stage")
    site = Path(__file__).parents[2] / "chapters" / "site" / "static" / "site.js"
    drawn = Path(diagrams.__path__[0]) / "static"
    for path in (*STATIC.iterdir(), site, *drawn.iterdir()):
        shutil.copy(path, root)
    address, head = serve(root), '<link rel="stylesheet" href="explorer.css"><title>A page</title>'

    def staged(*names: str, **more: Callable[[], Any]) -> str:
        stored = [EXPLORATIONS[name]().html() for name in names]
        stored += [each().html() for each in more.values()]
        page = "-".join(re.sub(r"\W", "", name) for name in (*names, *more)) + ".html"
        script = '<script type="module" src="site.js"></script>'
        text = (
            f'<!doctype html><html lang="en"><meta charset="utf-8">{head}<body data-theme="auto">'
        )
        (root / page).write_text(text + "".join(stored) + script, encoding="utf-8")
        return f"{address}/{page}"

    return staged


def settled(page: Page) -> None:
    """Wait until the curve is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def plot_of(box: Locator) -> dict[str, float]:
    box.locator("svg").scroll_into_view_if_needed()
    found = box.locator("svg").bounding_box()
    assert found
    return {"x": found["x"], "y": found["y"], "width": found["width"]}


def texts(box: Locator) -> list[str]:
    """Return what stands along the axes, and not on top, where it says what decides."""
    places = box.locator("svg text").evaluate_all(
        "all => all.filter((t) => +t.getAttribute('y') > 20).map((t) => t.textContent)"
    )
    return [str(text) for text in places]


def path_of(box: Locator, name: str) -> str:
    return box.locator(f"path.nk-{name}").get_attribute("d") or ""


def test_a_press_jumps_a_drag_goes_along_and_each_number_is_that_of_python(
    browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(COST))
        box = page.locator(".nk-explorer")
        at, first, seen = plot_of(box), box.get_attribute("data-value"), set[str | None]()
        page.mouse.move(at["x"] + 200, at["y"] + 150)
        page.mouse.down()
        assert box.get_attribute("data-value") != first  # a press is enough
        for step in range(5):
            page.mouse.move(at["x"] + 200 + 60 * step, at["y"] + 100)
            check(box)
            seen.add(box.get_attribute("data-value"))
        page.mouse.up()
        page.mouse.move(at["x"] + 250, at["y"] + 100)
        assert len(seen) == 5 and box.get_attribute("data-value") in seen
        page.mouse.move(at["x"] - 30, at["y"] + 100)  # beyond an end is at the end
        page.mouse.click(at["x"] + at["width"] - 2, at["y"] + 100)
        assert box.locator("input[type=text]").first.input_value() == "200,000"


def test_a_finger_that_taps_jumps_and_one_that_scrolls_the_page_is_left_alone(
    browser: Browser, stage: Stage
) -> None:
    with opened(browser, viewport={"width": 390, "height": 800}, has_touch=True) as page:
        page.goto(stage(COST))
        box = page.locator(".nk-explorer")
        at, first = plot_of(box), box.get_attribute("data-value")
        assert box.locator("svg").evaluate("e => getComputedStyle(e).touchAction") == "pan-y"
        page.touchscreen.tap(at["x"] + 100, at["y"] + 100)
        assert box.get_attribute("data-value") != first
        check(box)
        small = box.locator("input, select, button, summary").evaluate_all(
            "all => all.map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])"
            ".filter(([, height]) => height < 44)"
        )
        assert small == []


def test_a_pointer_reads_out_both_numbers_and_moves_nothing(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(COST))
        box = page.locator(".nk-explorer")
        at, first = plot_of(box), box.get_attribute("data-value")
        page.mouse.move(at["x"] + 300, at["y"] + 150)
        context, cost = (box.locator(".nk-read").text_content() or "").split(": ")
        page.mouse.move(at["x"] + 300, at["y"] - 100)
        assert box.locator(".nk-read").count() == 0
        assert box.get_attribute("data-value") == first
        page.mouse.click(at["x"] + 300, at["y"] + 150)
        assert context == f"{box.locator('input[type=text]').first.input_value()} tokens"
        assert f": {cost}" in (box.locator(".nk-value").text_content() or "")


@pytest.mark.parametrize("name", EXPLORATIONS)
def test_the_axes_stay_and_the_curve_moves_whatever_moves_alone(
    name: str, browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(name))
        box = page.locator(".nk-explorer")
        settled(page)
        start, curve, ghost = texts(box), path_of(box, "curve"), path_of(box, "ghost")
        assert curve == ghost
        for place, slider in enumerate(box.locator("input[type=range]").all()):
            shapes, stood = set(), slider.input_value()
            for key in ("End", "Home"):
                slider.press(key)
                settled(page)
                assert texts(box) == start
                assert path_of(box, "ghost") == ghost
                gray = "gray: where you started" if slider.input_value() != stood else ""
                assert box.locator(".nk-was").text_content() == gray
                shapes.add(path_of(box, "curve"))
            idle = "nk-idle" in (slider.locator("xpath=..").get_attribute("class") or "")
            assert not place or idle or shapes != {curve}
            back = box.get_by_role("button", name="Back to the start")
            if back.is_enabled():
                back.click()
            settled(page)
            assert path_of(box, "curve") == curve


def test_the_axes_stay_while_a_reader_drags_beyond_them_and_follow_when_it_is_over(
    browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(policies=POLICIES))
        box, ranges = page.locator(".nk-explorer"), page.locator("input[type=range]")
        box.locator("select").select_option("offloaded")
        ranges.nth(0).press("End")
        settled(page)
        before = texts(box)
        place = ranges.nth(1).bounding_box()
        assert place
        page.mouse.move(place["x"] + 0.4 * place["width"], place["y"] + place["height"] / 2)
        page.mouse.down()
        page.mouse.move(place["x"] + place["width"], place["y"] + place["height"] / 2, steps=4)
        settled(page)
        assert texts(box) == before
        page.mouse.up()
        settled(page)
        inside = box.evaluate(
            "e => +e.querySelector('.nk-point').getAttribute('cy')"
            " > +e.querySelector('clipPath rect').getAttribute('y')"
        )
        assert inside


def to_the_ends(page: Page) -> None:
    """Move all controls to where the curve leaves the opening axes."""
    page.locator("select").select_option("offloaded")
    for each in page.locator("input[type=range]").all():
        each.press("End")
    settled(page)


def test_the_axes_return_with_the_controls_and_nothing_else_is_needed(
    browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(policies=POLICIES))
        box, ranges = page.locator(".nk-explorer"), page.locator("input[type=range]")
        settled(page)
        start, stood = texts(box), [each.input_value() for each in ranges.all()]

        def beyond() -> None:
            to_the_ends(page)
            assert texts(box) != start

        def each_back() -> None:
            box.locator("select").select_option("resident")
            for each, place in zip(ranges.all(), stood, strict=True):
                each.fill(place)

        for back in (each_back, box.get_by_role("button", name="Back to the start").click):
            beyond()
            back()
            settled(page)
            assert texts(box) == start


def test_a_pinned_curve_stays_in_sight(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(policies=POLICIES))
        box = page.locator(".nk-explorer")
        settled(page)
        start = texts(box)
        to_the_ends(page)
        wide = texts(box)
        box.get_by_role("button", name="Pin this curve").click()
        box.get_by_role("button", name="Back to the start").click()
        settled(page)
        assert texts(box) == wide
        box.get_by_role("button", name="Remove the pinned curve").click()
        settled(page)
        assert texts(box) == start


def test_a_control_that_cannot_act_is_dimmed_and_says_what_decides(
    browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(policies=POLICIES))
        box, menu = page.locator(".nk-explorer"), page.locator("select")
        settled(page)
        dimmed = box.locator(".nk-idle")
        assert dimmed.locator("label").all_text_contents() == [
            "time between an answer and the next question no effect here: memory full",
            "memory of the host kept for caches, for each GPU no part in this: resident",
        ]
        told = dimmed.first.locator("input").first.get_attribute("aria-describedby")
        assert page.locator(f"#{told}").text_content() == "no effect here: memory full"
        page.evaluate(AXE)
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
        bare = {"landmark-one-main", "region", "page-has-heading-one"}  # it is no real page
        assert {v["id"] for v in found} <= bare
        menu.select_option("offloaded")
        settled(page)
        assert dimmed.count() == 0


def test_the_state_is_in_the_address_and_a_link_restores_it(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        where = stage(COST, policies=POLICIES)
        page.goto(where)
        first, second = page.locator(".nk-explorer").all()
        first.locator("select").nth(0).select_option("H200")
        first.locator("input[type=text]").nth(0).fill("5,000")
        first.locator("input[type=text]").nth(0).press("Enter")
        second.locator("select").select_option("offloaded")
        second.locator("input[type=text]").nth(1).fill("1024")
        second.locator("input[type=text]").nth(1).press("Enter")
        page.wait_for_url("**#*host_memory*")
        link, values = page.url, [b.get_attribute("data-value") for b in (first, second)]
        assert (
            link
            == f"{where}#accelerator=H200&context=5000&2.assumption=offloaded&2.host_memory=1024"
        )
        with opened(browser) as other:
            other.goto(link)
            boxes = other.locator(".nk-explorer").all()
            assert [b.get_attribute("data-value") for b in boxes] == values
            for box in boxes:
                check(box)
            # A link within the page moves what it names; what makes no sense stays at the start.
            other.evaluate("location.hash = '#context=1e9&accelerator=B9000&duty_cycle=many'")
            expect(boxes[0].locator("input[type=text]").nth(0)).to_have_value("200,000")
            assert boxes[0].locator("select").nth(0).input_value() == "B200"
            assert boxes[1].get_attribute("data-value") == values[1]
        for box in (first, second):
            box.get_by_role("button", name="Back to the start").click()
        page.wait_for_url(where)


def test_the_table_is_that_of_the_curve_in_sight(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(COST))
        box = page.locator(".nk-explorer")
        assert page.locator("table").count() == 1
        box.locator("summary", has_text="As a table").click()
        box.locator("input[type=text]").nth(1).fill("50")
        box.locator("input[type=text]").nth(1).press("Enter")
        settled(page)
        for row in box.locator("tr").all()[1:]:
            context, cost, _ = row.locator("td").all_text_contents()
            n = EXPLORATIONS[COST]().n.assume(nk.variants.idle_resident, duty_cycle=0.5)
            n = n.assume(context=int(context.removesuffix(" tokens").replace(",", "")))
            if cost == "no value":
                with pytest.raises(nk.NapkinError):
                    n["cost_per_user_month"]
            else:
                told = f"{float(n.cost_per_user_month):.3g}"
                assert float(cost.removeprefix("USD\xa0").replace(",", "")) == float(told)


@pytest.mark.parametrize(
    ("entered", "shown"),
    [("1e4", "10,000"), ("12 345", "12,345"), ("9999999", "200,000"), ("many", "20,000")],
)
def test_what_is_typed_is_read_as_people_write_numbers(
    entered: str, shown: str, browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(COST))
        field = page.locator(".nk-explorer input[type=text]").first
        field.fill(entered)
        field.press("Enter")
        expect(field).to_have_value(shown)
        check(page.locator(".nk-explorer"))


def test_years_and_percent_and_money_read_as_people_say_them(
    browser: Browser, stage: Stage
) -> None:
    bought = EXPLORATIONS["owned or rented"]().n.assume(nk.variants.own, utilization=0.4)
    years = made(
        bought, "effective_price", "utilization", utilization=(0.05, 1), lifetime=(8_760, 70_080)
    )
    with opened(browser) as page:
        page.goto(stage(years=years))
        box = page.locator(".nk-explorer")
        units, fields = box.locator(".nk-unit"), box.locator("input[type=text]")
        assert units.all_text_contents() == ["%", "years"]
        assert [field.input_value() for field in fields.all()] == ["40", "4"]
        told = f"price of one useful GPU-hour: USD\xa0{float(bought.effective_price):.2f}/h"
        assert box.locator(".nk-value").text_content() == told
        drive(page, box)


def test_several_quantities_have_a_line_each(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(speeds=SPEEDS))
        box = page.locator(".nk-explorer")
        settled(page)
        assert box.locator("path.nk-line").count() == 1
        named = " ".join(box.locator("svg text").all_text_contents())
        assert "tokens of all users together" in named and "tokens that one user sees" in named
        drive(page, box)
        assert box.get_attribute("data-target") == "tokens_per_second"


@pytest.mark.parametrize("width", [1280, 390])
def test_names_of_lines_that_end_together_stand_apart_within_the_chart(
    width: int, browser: Browser, stage: Stage
) -> None:
    with opened(browser, viewport={"width": width, "height": 900}) as page:
        page.goto(stage(crowded=lambda: CROWDED))
        box = page.locator(".nk-explorer")
        settled(page)
        found = box.evaluate(FRAMES)
        chart, names = found["chart"], found["names"]
        close = 0 if width > 1_000 else 4  # rows of one name
        assert (len(names) == 3) == (not close)  # wrapped only where it must be
        for name in names:
            assert chart["left"] <= name["left"] and name["right"] <= chart["right"]
        for above, name in pairwise(names):
            assert name["top"] >= above["bottom"] - close
        assert box.locator(".nk-leader").count() >= 2
        assert box.locator(".nk-stop").count() == 3  # no batch of 512 fits


MIDDLES = """(box) => {
  const text = document.createRange();
  text.selectNodeContents(box.querySelector(".nk-below"));
  return [text, box.querySelector(".nk-grid")].map((each) => {
    const { left, right } = each.getBoundingClientRect();
    return (left + right) / 2;
  });
}"""


def test_a_logarithmic_axis_says_its_ends_and_its_title_is_below_the_plot(
    browser: Browser, stage: Stage
) -> None:
    with opened(browser) as page:
        page.goto(stage(crowded=lambda: CROWDED))
        box = page.locator(".nk-explorer")
        settled(page)
        assert set(box.locator(".nk-along").all_text_contents()) == {"1", "10", "100", "512"}
        title, plot = box.evaluate(MIDDLES)
        assert title == pytest.approx(plot, abs=2)


def test_the_table_counts_as_people_do(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(crowded=lambda: CROWDED))
        box = page.locator(".nk-explorer")
        box.locator("summary", has_text="As a table").click()
        settled(page)
        cells = box.locator("tr td:first-child")
        places = cells.all_text_contents()
        assert (places[0], places[-1]) == ("1 sequence", "512 sequences")
        for place in places:
            assert len(re.sub(r"\D|^0+", "", place)) <= 3
        assert cells.first.evaluate("cell => getComputedStyle(cell).textAlign") == "right"


def test_the_note_of_a_pinned_curve_says_each_thing_once(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(speeds=SPEEDS, policies=POLICIES))
        for box, option in zip(page.locator(".nk-explorer").all(), ("", "resident, "), strict=True):
            box.get_by_role("button", name="Pin this curve").click()
            settled(page)
            value = box.locator(".nk-value").text_content()
            assert box.locator(".nk-was").text_content() == f"dashed: {option}{value}"


def test_a_region_whose_side_has_no_name_is_not_drawn(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(unnamed=UNNAMED))
        box = page.locator(".nk-explorer")
        settled(page)
        assert box.locator(".nk-region, .nk-band-0, .nk-band-1").all_text_contents() == []
        assert "(" not in (box.locator(".nk-value").text_content() or "")
        assert box.get_attribute("data-limits")  # it is known, and cannot be said


@pytest.mark.parametrize("width", [1280, 390])
def test_every_region_in_sight_has_a_name_or_a_letter_with_a_key(
    width: int, browser: Browser, stage: Stage
) -> None:
    with opened(browser, viewport={"width": width, "height": 900}) as page:
        page.goto(stage(phases=PHASES))
        box = page.locator(".nk-explorer")
        for key in ("Home", "End"):
            box.locator("input[type=range]").nth(1).press(key)
            settled(page)
            shades = box.locator(".nk-band-0, .nk-band-1, .nk-none").count()
            names = box.locator(".nk-region").all_text_contents()
            letters = (box.locator(".nk-key").text_content() or "").split("; ")
            said = dict(each.split(": ", 1) for each in letters if each)
            assert shades == len(names) > 0
            assert {name for name in names if len(name) == 1} == said.keys()
            told = {said.get(name, name) for name in names}
            assert any(re.fullmatch(r"decode \w+-bound, prefill \w+-bound", each) for each in told)


def test_the_modules_that_a_notebook_gets_as_one_still_work(browser: Browser, stage: Stage) -> None:
    with opened(browser) as page:
        page.goto(stage(COST))
        state = EXPLORATIONS[COST]().state
        page.evaluate(
            """async ([text, state]) => {
              const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
              const { default: explorer } = await import(url), el = document.createElement("div");
              el.id = "joined";
              document.body.append(el);
              const none = () => {}, get = (key) => state[key];
              const model = { get, set: none, save_changes: none, on: none, off: none };
              explorer.render({ model, el });
            }""",
            [str(Explorer._esm), state],
        )
        values = page.locator(".nk-value").all_text_contents()
        assert len(values) == 2 and values[0] == values[1]


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_every_explorer_of_the_book_opens_where_each_control_changes_the_value(
    name: str, browser: Browser, serve: Callable[[Path], str]
) -> None:
    with opened(browser) as page:
        page.goto(f"{serve(SITE)}/{name}")
        for box in page.locator(".nk-explorer").all():
            settled(page)
            assert box.locator(".nk-idle label").all_text_contents() == []
            first = box.get_attribute("data-value")
            for control in box.locator("input[type=range], select").all():
                changed = False
                if control.evaluate("e => e.tagName") == "SELECT":
                    for option in control.locator("option").all_text_contents():
                        control.select_option(option)
                        changed |= box.get_attribute("data-value") != first
                else:
                    for key in ("Home", "End"):
                        control.press(key)
                        changed |= box.get_attribute("data-value") != first
                assert changed, control.get_attribute("id")
                settled(page)
                if box.get_by_role("button", name="Back to the start").is_enabled():
                    box.get_by_role("button", name="Back to the start").click()
                assert box.get_attribute("data-value") == first


@pytest.mark.parametrize("name", ["09-dollars.html", "rederive.html"])
def test_a_bar_of_the_tornado_opens_the_explorer_of_its_assumption(
    name: str, browser: Browser, serve: Callable[[Path], str]
) -> None:
    assert (SITE / name).stat().st_size < 700_000
    stored = re.findall(r"data-tornado>(.*?)</script>", (SITE / name).read_text(encoding="utf-8"))
    with opened(browser) as page:
        page.goto(f"{serve(SITE)}/{name}")
        bars, before = page.locator(".nk-tornado button"), page.locator(".nk-explorer").count()
        assert bars.count() == len(json.loads(stored[0])["rows"])
        for place in range(bars.count()):
            bars.nth(place).focus()
            page.keyboard.press("Enter")
            assert bars.nth(place).get_attribute("aria-pressed") == "true"
            assert page.locator(".nk-explorer").count() == before + 1
            box = page.locator(
                ".nk-tornado ~ div .nk-explorer, div:has(> .nk-tornado) + div .nk-explorer"
            )
            code = bars.nth(place).locator("small").text_content()
            name_below = box.locator("label small").first.element_handle()
            page.wait_for_function("([e, code]) => e.textContent === code", arg=[name_below, code])
            first = box.get_attribute("data-value")
            box.locator("input[type=range]").press("PageUp")
            assert box.get_attribute("data-value") != first
            if name.startswith("09"):  # the model of the other page is a file of the reader
                check(box)
