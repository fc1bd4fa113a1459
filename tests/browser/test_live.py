"""Python in the page: the same numbers as here, no other host asked, offline after a visit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import live_cells
import live_form
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page

import napkin as nk
from tests.browser.conftest import AXE, Quiet, opened

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "site"
LONG: Final = 120_000  # the first start, on a busy machine
KEPT = ROOT.parent / "shared" / "configs" / "json"

DENSE: Final = {
    "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": False,
}  # fmt: skip
WRITTEN: Final = {
    "dense": DENSE,
    "tied": DENSE | {"tie_word_embeddings": True},
    "experts": DENSE | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2},
    "unknown": DENSE | {"model_type": "none_of_them"},
    "no layers": {key: value for key, value in DENSE.items() if key != "num_hidden_layers"},
}
CHOICES: Final = (
    {"accelerator": "B200-SXM", "n_gpus": "8", "policy": "idle_resident", "price": "4"},
    {
        "accelerator": "H100-SXM5-80GB",
        "n_gpus": "4",
        "policy": "idle_offloaded",
        "context": "20,000",
    },
    {"accelerator": "own", "memory": "1 TB", "policy": "idle_recomputed", "precision": "bf16"},
)


@pytest.fixture(scope="module")
def page(browser: Browser, serve: Callable[[Path], str]) -> Iterator[Page]:
    """The form, with a clipboard that can be read."""
    with opened(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{serve(SITE)}/rederive.html")
        page.wait_for_load_state("networkidle")
        assert not [url for url in asked if "manifest" in url or "worker" in url]  # not unasked
        yield page
        strangers = [
            url for url in asked if not url.startswith(("http://127.0.0.1", "data:", "blob:"))
        ]
        assert not strangers


def fill(page: Page, **fields: str) -> None:
    form = page.locator("#live-form")
    for name, text in fields.items():
        field = form.locator(f"[name={name}]")
        if field.is_visible():
            field.evaluate("(e, text) => { e.value = text; }", text)
            field.dispatch_event("change")


def compute(page: Page) -> None:
    page.locator("#live-form [type=submit]").click()
    page.wait_for_function(
        "() => !document.querySelector('#live-form [type=submit]').disabled", timeout=LONG
    )


def fields(page: Page) -> dict[str, str]:
    script = "form => Object.fromEntries(new FormData(form))"
    found: dict[str, str] = page.locator("#live-form").evaluate(script)
    return found


def exact(page: Page) -> dict[str, float]:
    numbers = page.locator("#live-answer [data-exact]")
    pairs = numbers.evaluate_all("found => found.map(e => [e.dataset.target, e.dataset.exact])")
    return {name: float(number) for name, number in pairs}


def configs() -> dict[str, str]:
    texts = {name: json.dumps(config) for name, config in WRITTEN.items()}
    return texts | {path.stem: path.read_text() for path in sorted(KEPT.glob("*.json"))[::3][:20]}


@pytest.mark.parametrize("name", configs())
def test_the_form_answers_as_this_interpreter_does(name: str, page: Page) -> None:
    texts = configs()
    chosen = CHOICES[list(texts).index(name) % len(CHOICES)]
    fill(page, model="", config=texts[name], **chosen)
    compute(page)
    expected = live_form.answer(fields(page))
    errors = page.locator("#live-form .live-error").all_text_contents()
    assert errors == list(expected["errors"].values())
    values = expected.get("values", {})
    numbers = {target: found["exact"] for target, found in values.items() if "exact" in found}
    assert exact(page) == pytest.approx(numbers, rel=1e-9)
    if numbers:  # and what the page gives to be copied is that worksheet
        names: dict[str, Any] = {}
        exec(page.locator("#live-answer pre code").text_content() or "", names)
        computed = {target: float(names["n"][target]) for target in numbers}
        assert computed == pytest.approx(numbers, rel=1e-9)


def test_there_are_twenty_configs_beside_those_written_here() -> None:
    if not KEPT.exists():
        pytest.skip("the collection of published configs is not on this machine")
    assert len(configs()) == 20 + len(WRITTEN)


EXAMPLE: Final = {
    "config": "", "model": "Qwen3-32B", "accelerator": "B200-SXM", "precision": "fp8",
    "n_gpus": "1", "context": "20_000", "price": "4", "policy": "idle_resident", "formulas": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("config", "{not json"),
        ("model", "Qwen3-33B"),
        ("context", "six"),
        ("price", "4 GB"),
        ("formulas", "kv_bytes_per_sequence = memory / bandwidth"),
        ("formulas", "users = __import__('os')"),
    ],
)
def test_an_error_stands_at_its_field(field: str, wrong: str, page: Page) -> None:
    fill(page, **EXAMPLE | ({"model": ""} if field == "config" else {}) | {field: wrong})
    compute(page)
    place = page.locator(f"#live-form [name={field}]")
    assert place.get_attribute("aria-invalid") == "true"
    told = page.locator(f"#{place.get_attribute('aria-describedby')}").text_content()
    assert told == live_form.answer(fields(page))["errors"][field]
    assert page.evaluate("document.activeElement.name") == field
    fill(page, **EXAMPLE)
    compute(page)
    assert page.locator(".live-error").count() == 0


def test_a_quantity_of_ones_own_counts(page: Page) -> None:
    own = "new packed_bytes = 0.5625 byte\n"
    own += "kv_bytes_per_token = 2*n_layers*n_kv_heads*d_head*packed_bytes"
    fill(page, **EXAMPLE, kv_precision="")
    compute(page)
    before = exact(page)["users"]
    fill(page, formulas=own)
    compute(page)
    assert exact(page)["users"] > 2 * before
    fill(page, formulas="")


def test_a_value_of_a_reader_needs_no_formula(page: Page) -> None:
    fill(page, **EXAMPLE, kv_precision="")
    compute(page)
    before = exact(page)["users"]
    fill(page, formulas="bytes_per_kv = 0.5 byte")
    compute(page)
    assert exact(page)["users"] == pytest.approx(4 * before, rel=1e-9)
    fill(page, formulas="")


def test_a_name_and_a_config_are_never_both_taken(page: Page) -> None:
    config = page.locator("#live-form [name=config]")
    fill(page, **EXAMPLE | {"config": json.dumps(DENSE), "context": "6000"})
    assert config.is_disabled() and page.locator("#live-named").is_visible()
    compute(page)
    named = exact(page)["users"]
    names: dict[str, Any] = {}
    exec(page.locator("#live-answer pre code").text_content() or "", names)
    assert names["n"].choices["model"].entry.name == "Qwen3-32B"
    assert named == float(names["n"].users)
    with page.expect_file_chooser() as chooser:
        page.locator("#live-file").click()
    content = json.dumps(DENSE).encode()
    file = FilePayload(name="config.json", mimeType="application/json", buffer=content)
    chooser.value.set_files(file)
    page.wait_for_function("!document.forms['live-form'].elements.config.disabled")
    compute(page)
    assert exact(page)["users"] != named
    both = live_form.answer(fields(page) | {"model": "Qwen3-32B"})
    assert "empty one of them" in both["errors"]["model"]
    fill(page, **EXAMPLE)


def test_after_the_first_answer_numbers_follow_what_is_typed(page: Page) -> None:
    fill(page, **EXAMPLE)
    compute(page)
    formula = opened_part(page, "The formula")
    before = exact(page)["users"]
    page.locator("#live-form [name=context]").fill("10000")
    page.wait_for_function(
        "before => document.querySelector('[data-target=users]')?.dataset.exact !== before",
        arg=page.locator("[data-target=users]").get_attribute("data-exact"),
    )
    assert exact(page)["users"] == pytest.approx(2 * before, rel=1e-9)
    assert formula.is_visible()  # what was open stays open
    assert page.evaluate("document.activeElement.name") == "context"


def test_the_other_policies_stand_beside_the_answer(page: Page) -> None:
    fill(page, **EXAMPLE)
    compute(page)
    rows = page.locator(".live-policies tbody tr")
    rows.first.wait_for()
    assert any(" to " in text for text in rows.all_inner_texts())  # the band of real servers
    for row, policy in zip(rows.all(), live_form.POLICIES, strict=True):
        shown = row.locator("td").all_inner_texts()
        expected = live_form.answer({**fields(page), "policy": policy})["values"]
        assert f"{shown[1]} users" == expected["users"]["text"]
        assert f"{shown[2]} USD/user" == expected["cost_per_user_month"]["text"]


def barriers(page: Page, where: str) -> list[tuple[str, str]]:
    page.evaluate(AXE)
    script = "at => axe.run({ include: at.split(', ') }, { resultTypes: ['violations'] })"
    found = page.evaluate(script, where)
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]]


def opened_part(page: Page, title: str) -> Locator:
    box = page.locator("#live-answer > details", has_text=title)
    box.locator("> summary").click()
    place = box.locator(".live-told")
    page.wait_for_function(
        "e => e.childNodes.length && e.ariaBusy !== 'true'",
        arg=place.element_handle(),
        timeout=LONG,
    )
    return place


def test_formula_steps_and_effects_are_shown(page: Page) -> None:
    fill(page, **EXAMPLE)
    compute(page)
    formula = opened_part(page, "The formula")
    assert formula.locator(".katex").count() > 10
    assert formula.locator(".katex-error").count() == 0
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert barriers(page, "#live-form, #live-answer") == []
    page.set_viewport_size({"width": 1280, "height": 1000})
    steps = opened_part(page, "Every step")
    assert steps.locator("details").count() > 10
    assert "$" not in (steps.text_content() or "")
    effects = opened_part(page, "What matters most")
    shown = effects.locator("tbody tr").evaluate_all(
        "rows => rows.map(r => [r.firstChild.title, r.lastChild.textContent])"
    )
    names: dict[str, Any] = {}
    exec(page.locator("#live-answer pre code").text_content() or "", names)
    rows = nk.sensitivity(names["n"], "users").rows[:10]
    assert [name for name, _ in shown] == [row.name for row in rows]
    bars = effects.locator("tbody span").evaluate_all("all => all.map(e => e.offsetWidth)")
    assert max(bars) == bars[0] > 5 * min(bars) > 0
    assert [float(text.replace("−", "-").rstrip(" %")) for _, text in shown] == pytest.approx(
        [row.elasticity for row in rows], rel=0.01
    )


def test_a_link_holds_the_whole_worksheet(
    page: Page, browser: Browser, serve: Callable[[Path], str]
) -> None:
    fill(page, **EXAMPLE | {"formulas": "users = 2 * concurrent_sequences"}, think_time="61 s")
    compute(page)
    page.get_by_role("button", name="Copy a link").click()
    page.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    with opened(browser) as other:
        other.goto(link)
        other.wait_for_function("document.forms['live-form'].elements.think_time.value === '61 s'")
        assert fields(other) == fields(page)
        assert "Press Compute" in other.locator("#live-answer").inner_text()
        other.goto(link[:-20])
        other.locator(".live-error").wait_for()
        assert "cut off" in (other.locator(".live-error").text_content() or "")
    fill(page, formulas="")


def test_what_a_config_says_cannot_run(page: Page) -> None:
    evil = "<img src=x onerror=document.title='run'>"
    config = DENSE | {"_name_or_path": evil, "finetuning_task": evil}
    fill(page, **EXAMPLE | {"model": "", "config": json.dumps(config)})
    compute(page)
    steps = opened_part(page, "Every step")
    assert steps.locator("img, script").count() == 0
    assert page.title() != "run"
    fill(page, config="")


def test_stop_ends_and_the_next_question_starts_again(page: Page) -> None:
    page.evaluate(
        "async () => { const { python } = await import('./_static/live/client.js');"
        "window.told = python.ask('run', 'while True: pass', 'endless').catch(e => e.message); }"
    )
    page.get_by_role("button", name="Stop").click(timeout=LONG)
    assert page.evaluate("window.told") == "stopped"
    fill(page, **EXAMPLE)
    compute(page)
    assert exact(page)["users"] > 0


def test_it_works_without_a_server_after_the_first_visit(browser: Browser) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/rederive.html")
    compute(page)
    first = exact(page)
    page.locator(".live-bar[data-kept]").wait_for(state="attached", timeout=LONG)
    page.close()
    server.shutdown()
    server.server_close()
    again = context.new_page()
    again.goto(f"http://127.0.0.1:{server.server_port}/rederive.html")
    compute(again)
    assert exact(again) == first != {}
    facts = "async () => (await import('./_static/live/client.js')).python.facts.restored"
    assert again.evaluate(facts)
    context.close()


def test_the_archive_is_the_way_back(browser: Browser, serve: Callable[[Path], str]) -> None:
    with opened(browser) as page:
        page.goto(f"{serve(SITE)}/rederive.html?python=archive")
        compute(page)
        assert exact(page)["users"] > 0
        names = page.evaluate("caches.keys()")
        assert not [name for name in names if name.startswith("napkin-image")]


def answered(page: Page, number: str, text: str) -> tuple[str, str]:
    """Type an answer to an exercise; return its state and what the page says."""
    field = page.get_by_label(f"Your answer to {number}", exact=True)
    form = page.locator("form.live-exercise", has=field)
    field.fill(text)
    field.press("Enter")
    page.wait_for_function(
        "e => !e.querySelector('button').disabled && e.querySelector('output').textContent",
        arg=form.element_handle(),
        timeout=LONG,
    )
    return form.get_attribute("data-state") or "", form.locator("output").text_content() or ""


def test_exercises_quizzes_and_cells_answer(browser: Browser, serve: Callable[[Path], str]) -> None:
    address = f"{serve(SITE)}/01-hardware.html"
    with opened(browser) as page:
        page.goto(address)
        # A quiz needs no Python.
        quiz = page.locator("fieldset.live-quiz").first
        quiz.get_by_label("half the time").check()
        assert (quiz.locator("output").text_content() or "").startswith("Not quite. That would be")
        quiz.get_by_label("the same time").check()
        assert quiz.get_attribute("data-state") == "right"
        # Exercises: right, wrong, as a formula, with a unit, and none at all.
        right = nk.lessons.exercise("1.1").expected
        assert answered(page, "1.1", str(right)) == ("right", nk.check("1.1", str(right)).text)
        wrong, told = answered(page, "1.1", "16 GB")
        assert (wrong, told) == ("wrong", nk.check("1.1", "16 GB").text)
        assert answered(page, "1.3", "<b>1</b>")[0] == "wrong"
        assert page.locator(".live-exercise b").count() == 0
        assert answered(page, "1.4", "peak_flops / bandwidth")[0] == "wrong"
        state, told = answered(page, "1.4", "peak_flops / (2 * bandwidth)")
        assert state == "right" and "$" not in told
        assert answered(page, "1.5", "")[0] == "open"
        page.reload()
        kept = page.locator("form.live-exercise[data-state=right]")
        assert kept.get_by_role("textbox").input_value() == "peak_flops / (2 * bandwidth)"
        # Cells.
        page.get_by_role("button", name="Make this page live").click()
        cells = page.locator(".cell:has(textarea)")
        last = cells.nth(2)
        last.locator("textarea").fill("nk.Napkin(accelerator='H100').assume(memory='1 GB').memory")
        last.get_by_role("button").click()
        last.locator(".cell_output", has_text="1.00").wait_for(timeout=LONG)
        last.locator("textarea").fill("print('<i>no</i>'); 1 / 0")
        last.get_by_role("button").click()
        last.locator(".live-error").wait_for(timeout=LONG)
        assert last.locator("i").count() == 0
        assert "ZeroDivisionError: division by zero (line 1)" in last.inner_text()
        # A cell that was mended above counts below, also in between.
        shown = cells.filter(has=page.locator("textarea:visible"))
        first, between, last = (shown.nth(place) for place in (1, 2, 3))
        for name, cell in (("x = 1", first), ("y = 2 * x", between), ("y", last)):
            cell.locator("textarea").fill(name)
        last.get_by_role("button").click()
        last.locator(".cell_output", has_text="2").wait_for(timeout=LONG)
        first.locator("textarea").fill("x = 5")
        first.get_by_role("button").click()
        last.get_by_role("button").click()
        last.locator(".cell_output", has_text="10").wait_for(timeout=LONG)


def test_a_guess_is_written_down_and_told_again(
    browser: Browser, serve: Callable[[Path], str]
) -> None:
    with opened(browser) as page:
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{serve(SITE)}/05-gqa.html")
        assert "Write down your guess" in page.locator("p", has_text="Predict.").inner_text()
        page.get_by_label("Your guess").fill('3 "times" <b>')
        told = page.locator(".cell_output", has_text="Your guess: 3 times <b>.")
        told.wait_for()
        page.reload()
        told.wait_for()
        assert page.get_by_label("Your guess").input_value() == '3 "times" <b>'
        page.get_by_role("button", name="Make this page live").click()
        code = page.locator("textarea.live-code").evaluate_all("all => all.map(e => e.value)")
        assert 'guess = "3 times <b>"' in code
        assert not [url for url in asked if "manifest" in url]  # none of it needs Python


def readme() -> str:
    """Return the first example of the README, without its prompts."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("```")
    block = next(part for part in text[1::2] if ">>> " in part)
    return "\n".join(line[4:] for line in block.splitlines() if line.startswith((">>> ", "... ")))


def test_the_first_example_of_the_readme_runs(page: Page) -> None:
    script = """async ([code, space]) => (await import('./_static/live/client.js'))
        .python.ask('run', code, space)"""
    told = page.evaluate(script, [readme(), "readme"])
    here = live_cells.run(readme(), "readme")
    assert told.get("value") == here.get("value") and "error" not in here
    assert told["printed"] == here["printed"]
