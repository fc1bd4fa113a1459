"""What the page computes is what Python computes: formulas, numbers as they read, corners."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from sympy import Expr, Integer, Rational, Symbol, lambdify, oo

import diagrams
import napkin as nk
from napkin.errors import NapkinError
from napkin.formulas import ALL
from napkin.formulas.probability import NUMERIC
from napkin.formulas.roots import largest_of_arrays
from napkin.quantities.quantity import lookup
from napkin.quantities.value import Value
from napkin.verbs.binding import binding
from napkin.views.exploration import Exploration
from napkin.views.program import javascript
from tests.browser.conftest import STATIC, opened
from tests.views.explorations import EXPLORATIONS, written

POINTS = 10_000
RUNNING: Final = Path(diagrams.__path__[0]) / "static"
RUN = """([code, names, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const points = new Float64Array(bytes.buffer), n = points.length / Math.max(1, names.length);
  const out = new Float64Array(n), v = {};
  const call = new Function("v", ...Object.keys(nk.FUNCTIONS), `return ${code};`);
  const f = (v) => call(v, ...Object.values(nk.FUNCTIONS));
  for (let i = 0; i < n; i++) {
    names.forEach((name, j) => (v[name] = points[j * n + i]));
    out[i] = f(v);
  }
  let text = "";
  for (const byte of new Uint8Array(out.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}"""


def printable(expression: Expr) -> bool:
    try:
        javascript(expression)
    except NapkinError:
        return False
    return bool(expression != oo)  # where everything that decides it is left out


def draw(symbol: Symbol, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    domain = lookup(symbol.name).domain
    if domain.high == 1:
        numbers = rng.uniform(0.01, 0.99, POINTS)
    else:
        numbers = 10 ** rng.uniform(0, 4, POINTS)
    return np.round(numbers) if domain.integer else numbers


@pytest.mark.parametrize("name", [name for name in ALL if printable(written(name))])
def test_a_formula_gives_the_same_on_ten_thousand_random_points(name: str, module: Page) -> None:
    expression = written(name)
    symbols = sorted(expression.free_symbols, key=str)
    rng = np.random.default_rng(14)
    columns = [draw(symbol, rng) for symbol in symbols] or [np.zeros(POINTS)]
    names = [symbol.name for symbol in symbols] or ["nothing"]
    data = b64encode(np.concatenate(columns).tobytes()).decode()
    told = module.evaluate(RUN, [javascript(expression), names, data])
    ours = np.frombuffer(b64decode(told))
    ours_too = {kind.__name__: np.vectorize(kind.implementation) for kind in NUMERIC}
    modules = [ours_too | {"largest": largest_of_arrays}, "scipy"]
    call = lambdify(symbols, expression.doit(), modules=modules)
    with np.errstate(all="ignore"):
        theirs = call(*columns[: len(symbols)]) * np.ones(POINTS)
    real = np.isfinite(theirs) & (np.imag(theirs) == 0)  # more experts active than there are
    assert real.sum() > POINTS / 4
    np.testing.assert_allclose(ours[real], np.real(theirs)[real], rtol=1e-9)


@pytest.mark.parametrize("f", ["x - p", "x ** 3 - p ** 3", "Math.log(x / p)"])
def test_the_largest_place_is_found_over_its_range(f: str, module: Page) -> None:
    places = [float(place) for place in np.geomspace(1e-8, 1e53, 400)]
    told = module.evaluate(f"(all) => all.map((p) => nk.largest((x) => {f}))", places)
    np.testing.assert_allclose([float(place) for place in told], places, rtol=1e-14)


def test_where_no_place_or_every_place_is_allowed(module: Page) -> None:
    ask = "[nk.largest((x) => 1), nk.largest((x) => NaN), nk.largest((x) => -1)].map(String)"
    assert module.evaluate(ask) == ["0", "0", "Infinity"]


UNITS = ("1", "byte", "byte/s", "FLOP/s", "FLOP", "s", "USD/user", "token", "token/s", "user")


@pytest.mark.parametrize("unit", UNITS)
def test_numbers_read_as_in_the_book(unit: str, module: Page) -> None:
    rng = np.random.default_rng(7)
    numbers = [float(f"{x:.9g}") for x in 10 ** rng.uniform(-2, 14, 300)]
    whole = [0, 1, 2, 999, 1_000, 20_000, 999_999, 1_234_567]
    told = module.evaluate(
        "([list, unit]) => list.map((x) => nk.show(x, unit))", [[*numbers, *whole], unit]
    )
    wanted = [str(Value(Rational(str(x)), unit)) for x in numbers]
    wanted += [str(Value(Integer(x), unit)) for x in whole]
    assert told == wanted


def corners(e: Exploration) -> list[tuple[tuple[str, ...], dict[str, float]]]:
    ends = [(s.low, s.at(0.5), s.high) for s in e.sliders]
    places = [dict(zip([s.name for s in e.sliders], p, strict=True)) for p in product(*ends)]
    return list(product(list(product(*e.menus.values())), places))


@pytest.mark.parametrize("name", EXPLORATIONS)
def test_an_explorer_agrees_with_python_at_its_corners(name: str, module: Page) -> None:
    e = EXPLORATIONS[name]()
    ask = "([spec, all]) => all.map(([o, v]) => nk.compile(spec, o).at(v))"
    told = module.evaluate(ask, [e.spec, [[list(o), v] for o, v in corners(e)]])
    valued = 0
    for (options, values), got in zip(corners(e), told, strict=True):
        n = e.opened(options, **values)
        case = e.spec["cases"][" / ".join(options)]
        try:
            wanted = float(n[e.y])
        except NapkinError:
            assert got["reason"], (options, values)
            continue
        if got["reason"] == "the caches of the batch do not fit in memory":
            assert float(n.batch) > float(n.concurrent_sequences)
        else:
            assert not got["reason"], (options, values, got)
        assert got["value"] == pytest.approx(wanted, rel=1e-9), (options, values)
        graph = e.spec["programs"][case["program"]]["graph"]
        sides = {side for node in graph.values() for side in node.get("sides", ())}
        assert got["limits"] == [side for side in binding(n, e.y).limits if side in sides]
        valued += 1
    assert valued > len(told) / 4


def test_the_module_names_no_other_host() -> None:
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_timelines_that_run_long_come_near_the_chance_that_is_told(
    browser: Browser, serve: Callable[[Path], str]
) -> None:
    few = nk.Napkin(users=25, active_limit=6, duty_cycle=0.16, think_time=60)
    address = serve(RUNNING)
    with opened(browser) as page:
        page.goto(f"{address}/running.css")
        share, active = page.evaluate(
            """async ([url, spec]) => {
              const { play } = await import(url), run = play(spec);
              let active = 0;
              for (let turns = 4; turns < 20000; turns += 4) {
                const from = run.until;
                run.advance(from + spec.span);
                for (const [a, b, count] of run.counted(from, run.until)) active += count * (b - a);
              }
              return [run.share, active / (run.until - spec.span) / spec.rows.length];
            }""",
            [f"{address}/running.js", diagrams.duty_cycle.running(few).spec],
        )
    assert active == pytest.approx(0.16, abs=0.002)
    assert share == pytest.approx(float(few.overflow_probability), abs=0.01)
