"""How fast an explorer answers: key to number, and key to the painted frame, in one run.

``.venv/bin/python -m tests.benchmarks.bench_explorer`` after ``make site``: the site, JupyterLab,
and beside them ipywidgets' ``interact`` with a matplotlib figure of the same curve.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles

import nbformat
from nbformat import v4
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import NAMES, QUIET, Quiet
from tests.browser.lab import running
from tests.browser.test_lab import run_all

SITE = Path(__file__).parents[2] / "_build" / "site"
MOVES = 60
SETUP = """\
import napkin as nk
n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=20_000, batch=16)
"""
EXPLORE = SETUP + 'nk.explore(n, "tokens_per_second", "context", context=(1_000, 100_000))'
INTERACT = (
    "%matplotlib inline\n"
    + SETUP
    + """\
import ipywidgets as widgets, matplotlib.pyplot as plt, numpy as np
f, at = n.function("tokens_per_second", "context"), np.geomspace(1_000, 100_000, 161)
def draw(context):
    plt.plot(at, f(at)); plt.plot([context], [f(context)], "o"); plt.xscale("log"); plt.show()
    print(f(context))
widgets.interact(draw, context=widgets.IntSlider(20_000, 1_000, 100_000, 100));
"""
)
# From the key to what is watched, and to the frame after it.
LISTEN = """([control, watched, field]) => {
  const read = () => {
    const found = document.querySelector(watched);
    return found && (field ? found.dataset[field] : found.outerHTML);
  };
  window.times = [];
  let start = 0, was = read();
  document.addEventListener("keydown", () => { start = performance.now(); }, true);
  const seen = () => {
    const now = read();
    if (!start || !now || now === was) return;
    const began = start, number = performance.now() - began;
    was = now; start = 0;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.times.push([number, performance.now() - began]);
      channel.port2.postMessage(0);
    });
  };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(seen).observe(document.body, all);
  const element = document.querySelector(control);
  element.focus();
}"""


def measure(page: Page, control: str, watched: str, field: str, pause: float) -> None:
    page.evaluate(LISTEN, [control, watched, field])
    for move in range(MOVES):
        page.keyboard.press("ArrowRight" if move % 20 < 10 else "ArrowLeft")
        page.wait_for_timeout(pause)
    times = page.evaluate("window.times")
    for name, column in (("number", 0), ("frame", 1)):
        cuts = quantiles([t[column] for t in times], n=20)
        print(
            f"    to the changed {name}: p50 {cuts[9]:.1f} ms, p95 {cuts[18]:.1f} ms ({len(times)})"
        )


@contextmanager
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def main() -> None:
    found = next(filter(None, map(shutil.which, NAMES)))
    root = Path(tempfile.mkdtemp())
    for name, code in (("explore", EXPLORE), ("interact", INTERACT)):
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        notebook = v4.new_notebook(cells=[v4.new_code_cell(code)], metadata=kernel)
        nbformat.write(notebook, root / f"{name}.ipynb")
    with sync_playwright() as playwright, site() as pages, running(root) as lab:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        page = browser.new_page()
        page.goto(f"{pages}/06-tokens-per-second.html")
        page.wait_for_selector(".nk-explorer")
        print("the site")
        measure(page, ".nk-explorer input[type=range]", ".nk-explorer", "value", 60)
        for name, control, watched, field, pause in (
            ("explore", ".nk-explorer input[type=range]", ".nk-explorer", "value", 60),
            ("interact", ".noUi-handle", ".jp-OutputArea-output img", "", 700),
        ):
            page = browser.new_page(viewport={"width": 1280, "height": 1600})
            page.goto(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb")
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
            run_all(page)
            page.wait_for_selector(watched, timeout=60_000)
            page.wait_for_timeout(2_000)
            print(f"JupyterLab, {name}")
            measure(page, control, watched, field, pause)


if __name__ == "__main__":
    main()
