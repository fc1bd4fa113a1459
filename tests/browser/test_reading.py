"""Reading on the site: the way through the book, what is found, and what a narrow page shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page

from tests.browser.conftest import opened
from tests.browser.test_site import PAGES, SITE

ROOT = Path(__file__).parents[2]
CHAPTERS = [path.stem for path in sorted((ROOT / "chapters" / "text").glob("[0-9]*.md"))]
IN_ORDER = ["index", "sympy-primer", *CHAPTERS, "rederive", "capstone", "end", "notation"]

# For each paragraph of several lines: its characters over its lines, the last of which is short.
MEASURES = """() => [...document.querySelectorAll('article section > p')].flatMap((p) => {
    const lines = Math.round(p.clientHeight / parseFloat(getComputedStyle(p).lineHeight));
    const words = p.textContent.length, plain = !p.querySelector('.katex, code');
    return plain && lines > 4 ? [words / (lines - .5)] : [];
})"""
CUT_OFF = """() => [...document.querySelectorAll('.claim, .claim *')].filter((part) => {
    const box = part.getBoundingClientRect(), inline = getComputedStyle(part).display === 'inline';
    const edge = document.querySelector('article').getBoundingClientRect().right;
    const scrolls = !inline && part.scrollWidth > part.clientWidth + 1;
    return box.width && !part.closest('.katex') && (box.right > edge + 1 || scrolls);
}).map((part) => part.outerHTML.slice(0, 120))"""


@pytest.fixture(params=[1280, 390], ids=str)
def page(
    request: pytest.FixtureRequest, browser: Browser, serve: Callable[[Path], str]
) -> Iterator[Page]:
    size = {"width": request.param, "height": 900}
    with opened(browser, viewport=size, base_url=serve(SITE)) as page:
        yield page


@pytest.fixture
def wide(browser: Browser, serve: Callable[[Path], str]) -> Iterator[Page]:
    with opened(browser, base_url=serve(SITE)) as page:
        yield page


def test_next_and_previous_follow_the_order_of_the_book() -> None:
    link = r'<a class="{}-page" href="([^"]+)">(.*?)</a>'
    pages = {name: (SITE / f"{name}.html").read_text(encoding="utf-8") for name in IN_ORDER}
    for here, following in pairwise(IN_ORDER):
        ((to, words),) = re.findall(link.format("next"), pages[here], re.DOTALL)
        assert to == f"{following}.html"
        if following in CHAPTERS:
            assert f'<div class="title">{int(following[:2])} · ' in words
        ((back, _),) = re.findall(link.format("prev"), pages[following], re.DOTALL)
        assert back == f"{here}.html"


def test_the_sidebar_numbers_each_chapter(wide: Page) -> None:
    wide.goto("/index.html")
    for stem in CHAPTERS:
        link = wide.locator(f".sidebar-tree a[href='{stem}.html']")
        text = link.text_content() or ""
        assert text.startswith(f"{int(stem[:2])} · "), text
        assert len(text) < 30, "it fits in a line"


def test_the_last_page_says_what_was_learned_and_how_to_cite(wide: Page) -> None:
    wide.goto("/end.html")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    shown = wide.locator("pre").text_content() or ""
    assert cited["title"] in shown
    assert f"version = {{{cited['version']}}}" in shown
    assert wide.locator("article li a[href$='html']").count() >= len(CHAPTERS)
    assert wide.get_by_role("heading", name="Report an error").count() == 1


def test_no_claim_is_cut_off_and_each_says_its_verdict_in_words(page: Page) -> None:
    page.goto("/claims.html")
    assert page.locator(".claim").count() > 60
    assert page.evaluate(CUT_OFF) == []
    for claim in page.locator(".claim").all():
        verdict = claim.get_attribute("data-verdict") or "?"
        assert verdict.capitalize() in (claim.locator("p strong").first.text_content() or "")


def test_claims_are_chosen_by_their_verdict_with_the_keyboard_and_no_script(
    browser: Browser, serve: Callable[[Path], str]
) -> None:
    with opened(browser, java_script_enabled=False, base_url=serve(SITE)) as page:
        page.goto("/claims.html")
        everything = page.locator(".claim:visible").count()
        page.get_by_label("Any").focus()
        counts = {}
        for _ in range(page.locator(".verdicts input").count() - 1):
            page.keyboard.press("ArrowRight")
            chosen = page.locator(".verdicts label:has(:checked)").text_content() or ""
            shown = page.locator(".claim:visible")
            verdicts = {claim.get_attribute("data-verdict") for claim in shown.all()}
            (verdict,) = verdicts
            assert (verdict or "?").capitalize() in chosen
            assert f"({shown.count()})" in chosen
            counts[verdict] = shown.count()
        assert sum(counts.values()) == everything


def test_a_word_shows_its_meaning_on_focus_and_hovering_until_escape(wide: Page) -> None:
    wide.goto("/05-gqa.html")
    link, preview = wide.locator("a.term").first, wide.get_by_role("tooltip")
    wide.keyboard.press("Tab")  # so that focus counts as the keyboard's
    link.focus()
    preview.wait_for()
    said = preview.text_content() or ""
    assert link.get_attribute("aria-describedby") == preview.get_attribute("id")
    wide.keyboard.press("Escape")
    assert preview.count() == 0
    assert link.get_attribute("aria-describedby") is None
    link.hover()
    preview.wait_for()
    preview.hover()  # a reader may point at what it says
    wide.wait_for_timeout(400)
    assert preview.text_content() == said
    box = preview.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    link.click()
    target = wide.locator("dt:target + dd")
    assert (target.text_content() or "").strip().startswith(said)


def test_a_tap_on_a_word_goes_to_the_glossary(
    browser: Browser, serve: Callable[[Path], str]
) -> None:
    size = {"width": 390, "height": 900}
    with opened(browser, viewport=size, has_touch=True, base_url=serve(SITE)) as page:
        page.goto("/05-gqa.html")
        page.locator("a.term").first.tap()
        page.wait_for_url("**/glossary.html#*")
        assert page.locator("dt:target").count() == 1


def test_each_previewed_word_stands_in_the_glossary() -> None:
    glossary = (SITE / "glossary.html").read_text(encoding="utf-8")
    for name in PAGES:
        text = (SITE / name).read_text(encoding="utf-8")
        for anchor in re.findall(r'glossary\.html#([^"]+)"', text):
            assert f'id="{anchor}"' in glossary, f"{name}: {anchor}"


@pytest.mark.parametrize("words", ["cost", "B200", "paged attention", "duty cycle"])
def test_search_finds_chapters_first_and_shows_prose(wide: Page, words: str) -> None:
    wide.goto(f"/search.html?q={words}")
    wide.locator(".search-summary:not(:empty)").wait_for()
    wide.wait_for_function(
        "document.querySelectorAll('.search li').length"
        " === document.querySelectorAll('.search .context').length"
    )
    found = [a.get_attribute("href") or "" for a in wide.locator(".search li > a").all()]
    chapters = [re.match(r"\d\d-", page) is not None for page in found]
    assert chapters[0]
    assert chapters == sorted(chapters, reverse=True), found
    others = ["/" in page for page in found]
    assert others == sorted(others), "solutions and teaching come last"
    excerpts = wide.locator(".search .context").all_text_contents()
    for excerpt in excerpts[: sum(chapters)]:
        assert not re.search(r"\bimport\b", excerpt), excerpt
    for excerpt in excerpts:
        assert not re.search(r"Download the notebook|Open in Binder|\\", excerpt), excerpt


@pytest.mark.parametrize("name", PAGES)
def test_no_link_leads_to_a_repository_that_nobody_has_named(name: str) -> None:
    text = (SITE / name).read_text(encoding="utf-8")
    assert "OWNER" not in text
    if "OWNER" in (ROOT / "myst.yml").read_text(encoding="utf-8"):
        assert "mybinder.org" not in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_is_to_those_who_share_it(name: str) -> None:
    text = (SITE / name).read_text(encoding="utf-8")
    said = re.findall(r'<meta name="description" content="([^"]{20,220})">', text)
    assert len(said) == 1
    assert not re.search(r"[\\$]|Download", said[0]), said
    assert 'property="og:title"' in text
    assert 'property="og:image"' in text
    assert "CC BY 4.0" in text
    picture = (SITE / "_static" / "share.png").read_bytes()
    assert picture[:4] == b"\x89PNG"
    assert len(picture) < 100_000


@pytest.mark.parametrize("name", ["00-tour", "05-gqa", "09-dollars", "rederive"])
def test_a_line_has_as_many_characters_as_eyes_like(wide: Page, name: str) -> None:
    wide.goto(f"/{name}.html")
    measures = wide.evaluate(MEASURES)
    assert len(measures) >= 3
    assert 60 <= sum(measures) / len(measures) <= 75


@pytest.mark.parametrize("name", [*CHAPTERS, "rederive"])
def test_on_a_phone_tables_of_results_are_rows_of_labels_and_values(
    browser: Browser, serve: Callable[[Path], str], name: str
) -> None:
    size = {"width": 390, "height": 900}
    with opened(browser, viewport=size, base_url=serve(SITE)) as page:
        page.goto(f"/{name}.html")
        for table in page.locator("article table[data-stacks]:visible").all():
            assert table.evaluate("(e) => e.scrollWidth - e.parentElement.clientWidth") <= 1
            cell = table.locator("td").nth(1)
            shown = cell.evaluate("(e) => getComputedStyle(e, '::before').content")
            label = (table.locator("th").nth(1).text_content() or "").strip()
            assert shown == f'"{label}"' or "katex" in table.locator("th").nth(1).inner_html()
        for error in page.locator(".output.traceback pre").all():
            assert error.evaluate("(e) => e.scrollWidth - e.clientWidth") <= 1


def test_what_scrolls_sideways_shows_its_edge_until_its_end(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto("/00-tour.html")
    box = page.locator("pre.more").first.element_handle()
    box.evaluate("(e) => { e.scrollLeft = e.scrollWidth; }")
    page.wait_for_function("(e) => !e.classList.contains('more')", arg=box)


def test_callouts_differ_by_a_sign_not_by_color_alone(wide: Page) -> None:
    signs = {}
    for name in ("00-tour", "01-hardware"):
        wide.goto(f"/{name}.html")
        for callout in wide.locator(".callout").all():
            kind = (callout.get_attribute("class") or "").split()[-1]
            signs[kind] = callout.evaluate("(e) => getComputedStyle(e, '::before').maskImage")
    assert {"takeaway", "pitfall", "assumption", "predict", "check"} <= set(signs)
    assert all(sign.startswith("url(") for sign in signs.values()), signs
    assert len(set(signs.values())) == len(signs)


@pytest.mark.parametrize("name", [*CHAPTERS, "rederive", "notation"])
def test_on_a_wide_page_every_column_of_a_table_is_seen(wide: Page, name: str) -> None:
    wide.goto(f"/{name}.html")
    for table in wide.locator(".table-wrapper:visible").all():
        assert table.evaluate("(e) => e.scrollWidth - e.clientWidth") <= 1


@pytest.mark.parametrize(("name", "word"), [("notation", "host"), ("glossary", "cache")])
def test_a_long_list_is_shortened_by_a_typed_word(page: Page, name: str, word: str) -> None:
    page.goto(f"/{name}.html")
    field = page.get_by_role("searchbox", name=re.compile("^Find a"))
    entries = page.locator("article :is(tbody tr, dl.terms > dt)")
    before = entries.count()
    field.fill(word)
    shown = entries.filter(visible=True)
    assert 0 < shown.count() < before / 3
    for entry in shown.all():
        text = entry.evaluate(
            "e => e.textContent + (e.matches('dt') ? e.nextElementSibling.textContent : '')"
        )
        assert word in text.lower()
    told = page.locator(".filter [role=status]")
    assert told.inner_text() == f"{shown.count()} of {before}"
    for heading in (
        page.locator("article section section:has(tbody) > h2").filter(visible=True).all()
    ):
        assert heading.locator("xpath=..").locator("tbody tr").filter(visible=True).count()
    field.fill("")
    assert shown.count() == before


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_solution_stands_between_its_question_and_its_result(wide: Page, chapter: str) -> None:
    wide.goto(f"/solutions/{chapter}.html")
    solutions = wide.locator("section section")
    assert solutions.count() >= 3
    for part in solutions.all():
        number = (part.locator("h2").text_content() or "").strip("#¶ ")
        assert number in part.locator("blockquote").inner_text()
        assert part.locator("p", has_text="Result:").inner_text() != "Result:"
    assert wide.get_by_role("button", name="Make this page live").count() == 0  # names are missing
