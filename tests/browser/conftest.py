"""A real browser, and servers on this machine only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

import napkin as nk
from napkin.quantities.quantity import lookup

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
STATIC = Path(__file__).parents[2] / "napkin" / "views" / "static"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":  # every browser asks
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(f"browser tests need one of {', '.join(NAMES)}: see .ci/run")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    servers = []

    def serving(folder: Path) -> str:
        handler = partial(Quiet, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serving
    for server in servers:
        server.shutdown()
        server.server_close()


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a page that complains of an error on its console, or a request that leaves."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 1000}} | options))
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
            else faults.append(f"a request to {request.url}")
        ),
    )
    yield page
    context.close()
    assert not faults, faults


@pytest.fixture(scope="session")
def module(browser: Browser, serve: Callable[[Path], str]) -> Iterator[Page]:
    """A page that has the explorer's module at hand as ``nk``."""
    address = serve(STATIC)
    with opened(browser) as page:
        page.goto(f"{address}/explorer.css")
        page.evaluate("async (url) => { window.nk = await import(url); }", f"{address}/explorer.js")
        yield page


def check(box: Locator) -> None:
    """Hold the number that a page shows against the worksheet whose Python it shows."""
    target = box.get_attribute("data-target") or ""
    code = box.locator(".nk-code code").text_content() or ""
    shown = box.evaluate("(element) => element.dataset.value")
    n = [eval(line, {"nk": nk}) for line in code.splitlines()][-1]
    if shown:
        assert float(shown) == pytest.approx(float(n[target]), rel=1e-9), code
    elif box.get_attribute("data-reason") == "the caches of the batch do not fit in memory":
        given = n.numbers[lookup("batch").symbol]  # reading it is refused
        assert float(given) > float(n.concurrent_sequences), code
    else:
        with pytest.raises(nk.NapkinError):
            n[target]


def drive(page: Page, box: Locator) -> None:
    """Move every control of an explorer by keyboard and mouse, and check each number."""
    for slider in box.locator("input[type=range]").all():
        slider.focus()
        for key in ("ArrowRight", "ArrowRight", "PageUp", "ArrowLeft", "End", "Home"):
            page.keyboard.press(key)
            check(box)
        place = slider.bounding_box()
        assert place
        page.mouse.click(place["x"] + 0.4 * place["width"], place["y"] + place["height"] / 2)
        check(box)
    for menu in box.locator("select").all():
        for option in menu.locator("option").all_text_contents():
            menu.select_option(option)
            check(box)
