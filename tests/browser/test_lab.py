"""Widgets in JupyterLab: stored, then live, driven by keyboard and mouse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as TooLate

from tests.browser.conftest import AXE, drive, opened
from tests.browser.lab import running

BOOK = Path(__file__).parents[2] / "chapters"
# One chapter for each kind of widget: timelines that run, and a tornado that opens explorers. All
# chapters run under nbval, the site drives every explorer, and the test below opens chapter 05.
STEMS = ["08-duty-cycle", "09-dollars"]
HALF = "kv_bytes_per_token = 2*n_layers*n_kv_heads*d_head*bytes_per_kv / 2"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab over a copy of the chapters."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(BOOK, root / "chapters", ignore=shutil.ignore_patterns("text", "site"))
    with running(root) as address:
        yield address


def open_chapter(page: Page, lab: str, stem: str) -> None:
    # A workspace of its own: else the tabs of the chapter before are still there.
    page.goto(f"{lab}/lab/workspaces/{uuid4().hex}/tree/chapters/{stem}.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    # Lab draws only the cells in sight: here all of them are.
    page.set_viewport_size({"width": 1280, "height": 30_000})
    cells = len(json.loads((BOOK / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"])
    page.wait_for_function(
        "n => document.querySelectorAll('.jp-Notebook .jp-Cell').length >= n", arg=cells
    )


def run_all(page: Page) -> None:
    """Run all cells; a kernel that says idle too early drops the request, so ask until one runs."""
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=60_000)
    busy = page.locator(".jp-InputPrompt", has_text="[*]")
    for _ in range(10):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with suppress(TooLate):
            busy.first.wait_for(state="attached", timeout=3_000)
            return
        page.keyboard.press("Escape")  # a menu that is still open
    pytest.fail("JupyterLab ran no cell when asked ten times")


def outputs(stem: str) -> str:
    notebook = json.loads((BOOK / f"{stem}.ipynb").read_text(encoding="utf-8"))
    return json.dumps([cell.get("outputs") for cell in notebook["cells"]])


@pytest.fixture(autouse=True)
def no_kernel_stays(lab: str) -> Iterator[None]:
    yield
    with urlopen(f"{lab}/api/sessions") as found:
        sessions = json.load(found)
    for session in sessions:
        urlopen(Request(f"{lab}/api/sessions/{session['id']}", method="DELETE")).close()


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_shows_all_before_it_runs_and_its_explorer_works_when_it_has_run(
    stem: str, browser: Browser, lab: str
) -> None:
    with opened(browser) as page:
        open_chapter(page, lab, stem)
        figures = outputs(stem).count("<img alt=")
        page.wait_for_function(
            "n => document.querySelectorAll('.jp-OutputArea img[alt]').length >= n", arg=figures
        )
        page.locator(".jp-OutputArea table caption").first.wait_for()
        assert page.locator(".nk-explorer").count() == 0
        run_all(page)
        if stem == "09-dollars":
            page.locator(".nk-tornado button", has_text="context").click(timeout=60_000)
        expected = 2 if stem == "09-dollars" else 1
        page.locator(".nk-explorer").nth(expected - 1).wait_for(timeout=60_000)
        for box in page.locator(".nk-explorer").all():
            drive(page, box)
        for timelines in page.locator(".nk-running").all():
            timelines.get_by_role("button", name="Run").click()
            page.wait_for_function("e => e.dataset.turns > 4.5", arg=timelines.element_handle())
            timelines.get_by_role("button", name="Stop").click()


def test_a_typed_formula_counts_and_a_wrong_one_shows_its_message(
    browser: Browser, lab: str
) -> None:
    with opened(browser) as page:
        open_chapter(page, lab, "05-gqa")
        run_all(page)
        box = page.locator("[data-target=kv_bytes_per_sequence]")
        box.wait_for(timeout=60_000)
        field, error = box.locator(".nk-typed input"), box.get_by_role("alert")
        before = float(box.get_attribute("data-value") or "nan")
        field.fill("kv_bytes_per_token = 2 *")
        field.press("Enter")
        page.wait_for_function(
            "e => e.textContent.includes('kv_bytes_per_token')", arg=error.element_handle()
        )
        assert float(box.get_attribute("data-value") or "nan") == before
        field.fill(HALF)
        field.press("Enter")
        page.wait_for_function(
            "([e, error, x]) => Number(e.dataset.value) === x / 2 && !error.textContent",
            arg=[box.element_handle(), error.element_handle(), before],
        )
        page.evaluate(AXE)
        result = page.evaluate(
            "axe.run({ include: [['.jp-OutputArea-output']] }, { resultTypes: ['violations'] })"
        )
        assert not [(v["id"], v["nodes"][0]["html"][:200]) for v in result["violations"]]
