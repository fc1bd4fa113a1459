"""The site in a browser: nothing asked of others, no barrier, explorers that compute."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import AXE, drive, opened

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
# Every page is checked whole where it is wide and light. Only contrast depends on the scheme, and
# colors belong to kinds of page: one of each kind is enough for contrast in the other modes. A
# typeset formula repeats what its MathML says, in the color of the text around it. Words of code
# are colored alike on all pages.
CONTRAST = "runOnly: ['color-contrast']"
LAYOUT = "rules: { 'color-contrast': { enabled: false } }"
TYPESET = "{ exclude: [['.katex-html']] }"
COLORED = "{ exclude: [['.katex-html'], ['pre span']] }"
KINDS = {
    *("index.html", "08-duty-cycle.html", "rederive.html", "claims.html", "glossary.html"),
    *("end.html", "search.html", "solutions/05-gqa.html", "instructor/05-gqa.html"),
}
MODES: Final[tuple[tuple[int, Literal["light", "dark"], str], ...]] = (
    (1280, "light", ""),
    (390, "light", LAYOUT),
    (390, "light", CONTRAST),
    (390, "dark", CONTRAST),
    (1280, "dark", CONTRAST),
)
SITE = Path(__file__).parents[2] / "_build" / "site"
PAGES = sorted(
    str(path.relative_to(SITE))
    for path in SITE.rglob("*.html")
    if not path.relative_to(SITE).parts[0].startswith("_")
)
STORED = re.compile(r'<script type="application/json" data-explorer>(.*?)</script>', re.DOTALL)


def explorers(name: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in STORED.findall((SITE / name).read_text(encoding="utf-8"))]


WITH_EXPLORERS = [name for name in PAGES if explorers(name)]

WITH_DIAGRAMS = [
    name
    for name in PAGES
    if name != "index.html"  # a picture that moves takes its place
    and 'class="napkin-diagram"' in (SITE / name).read_text(encoding="utf-8")
]
CLASHES = """() => [...document.querySelectorAll('.napkin-diagram svg')].flatMap((svg) => {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) return [];
    const labels = [...svg.querySelectorAll('text')].map((t) => [t.textContent,
        t.getBoundingClientRect()]);
    const clash = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
        && a.top < b.bottom - 3 && b.top < a.bottom - 3;
    return labels.flatMap(([text, box], place) => [
        ...(box.left < frame.left - 1 || box.right > frame.right + 1 ? [`${text} leaves`] : []),
        ...labels.slice(0, place).filter(([, other]) => clash(box, other))
            .map(([other]) => `${text} over ${other}`)]);
})"""


def test_the_site_is_built_and_has_its_pages() -> None:
    assert {"index.html", "00-tour.html", "09-dollars.html", "glossary.html"} <= set(PAGES)
    assert "00-tour.html" in WITH_EXPLORERS


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barrier_in_both_themes_wide_and_narrow(
    name: str, browser: Browser, serve: Callable[[Path], str]
) -> None:
    found = []
    with opened(browser) as page:
        page.goto(f"{serve(SITE)}/{name}", wait_until="load")
        page.evaluate(AXE)
        for width, scheme, rules in MODES:
            alike = rules == CONTRAST or (rules == LAYOUT and "/" in name)  # solutions, teachers
            if alike and name not in KINDS:
                continue
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
            result = page.evaluate(
                f"axe.run({TYPESET if name in KINDS else COLORED}, "
                f"{{ resultTypes: ['violations'], {rules} }})"
            )
            found += [
                (width, scheme, v["id"], v["nodes"][0]["html"][:200]) for v in result["violations"]
            ]
            sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert sideways <= 0, f"{width}: {sideways} px too wide"
    assert not found, found


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", WITH_DIAGRAMS)
def test_labels_of_diagrams_stay_apart_in_the_letters_of_the_page(
    name: str, width: int, browser: Browser, serve: Callable[[Path], str]
) -> None:
    with opened(browser, viewport={"width": width, "height": 1000}) as page:
        page.goto(f"{serve(SITE)}/{name}", wait_until="load")
        shown = page.locator(".napkin-diagram svg:visible")
        assert shown.count() == page.locator(".napkin-diagram").count()
        assert shown.first.get_attribute("class") == ("wide" if width == 1280 else "narrow")
        assert page.evaluate(CLASHES) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_says_what_it_shows_and_no_link_leads_nowhere(name: str) -> None:
    text = (SITE / name).read_text(encoding="utf-8")
    for picture in re.findall(r"<img [^>]*>", text):
        assert len(re.findall(r'alt="([^"]{20,})"', picture)) == 1, picture[:200]
    for diagram in re.findall(r'<svg class="(?:wide|narrow)"[^>]*>', text):
        assert len(re.findall(r'aria-label="([^"]{20,})"', diagram)) == 1, diagram[:200]
    for target in re.findall(r'href="([^"#:?]+)(?:#[^"]*)?"', text):
        assert ((SITE / name).parent / unescape(target)).exists(), target


@pytest.mark.parametrize("name", PAGES)
def test_mathematics_and_tables_are_typeset(name: str) -> None:
    text = (SITE / name).read_text(encoding="utf-8")
    prose = re.sub(r"(?s)<(pre|script|code)\b.*?</\1>", "", text)
    assert not re.findall(r"\$[^$\n]{1,200}\\[a-z]+[^$\n]*\$", prose)
    assert not re.findall(r"\| --- \|", prose)


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_an_explorer_computes_what_python_does_when_keys_move_it(
    name: str, browser: Browser, serve: Callable[[Path], str]
) -> None:
    with opened(browser) as page:
        page.goto(f"{serve(SITE)}/{name}")
        for index, stored in enumerate(explorers(name)):
            box = page.locator(".nk-explorer").nth(index)
            assert box.get_attribute("data-target") == stored["spec"]["y"]["name"]
            drive(page, box)


def test_the_tour_can_be_done_by_keyboard_alone(
    browser: Browser, serve: Callable[[Path], str]
) -> None:
    focused = """() => {
      const at = document.activeElement, box = at.closest(".nk-explorer");
      return box ? `${at.tagName} ${at.type ?? ""}`.trim() : "";
    }"""
    with opened(browser) as page:
        page.goto(f"{serve(SITE)}/00-tour.html")
        box = page.locator(".nk-explorer").first
        box.wait_for()
        reached: list[str] = []
        for _ in range(400):
            page.keyboard.press("Tab")
            here = page.evaluate(focused)
            if reached and not here:
                break
            if here:
                reached.append(here)
                before = box.locator(".nk-code").text_content()
                if here == "INPUT range":
                    page.keyboard.press("ArrowLeft")
                    assert box.locator(".nk-code").text_content() != before
                if page.evaluate("document.activeElement.textContent") == "Pin this curve":
                    page.keyboard.press("Enter")
                    box.get_by_role("button", name="Remove the pinned curve").wait_for()
                    told = "dashed: offloaded, cost of one user for a month: USD"
                    box.locator(".nk-was", has_text=told).wait_for()  # painted in a later frame
        wanted = ["SELECT select-one"] + ["INPUT range", "INPUT text"] * 3
        assert reached[: len(wanted)] == wanted
        assert reached.count("BUTTON button") == 4


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_timelines_run_and_stop(
    motion: Literal["no-preference", "reduce"], browser: Browser, serve: Callable[[Path], str]
) -> None:
    with opened(browser) as page:
        page.emulate_media(reduced_motion=motion)
        page.goto(f"{serve(SITE)}/08-duty-cycle.html")
        box = page.locator(".nk-running")
        button, told = box.get_by_role("button"), box.get_by_role("status")
        assert (button.text_content(), box.get_attribute("data-turns")) == ("Run", "4")
        drawn = box.locator("svg rect").count()
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("e => e.dataset.turns > 5", arg=box.element_handle())
        if motion == "no-preference":
            assert button.text_content() == "Stop"
            page.keyboard.press("Enter")
        turns = float(box.get_attribute("data-turns") or 0)
        assert button.text_content() == "Run"
        assert f"of {turns:.0f} turns" in (told.text_content() or "")
        assert box.locator("svg rect").count() == pytest.approx(drawn, rel=0.5)
        assert float(box.get_attribute("data-turns") or 0) == turns
