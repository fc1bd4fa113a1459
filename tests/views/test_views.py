"""What a reader touches says the same as the worksheet, with and without a front end."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from sympy import Eq, Integer

import napkin as nk
from napkin.errors import NapkinError
from napkin.formulas import variants
from napkin.quantities import notation as q
from napkin.quantities.quantity import REGISTRY
from tests.sheets import QWEN

TIGHT = QWEN.assume(model="Llama-3-70B", accelerator="A100", precision="int8")


def test_a_view_is_what_is_called_and_no_file() -> None:
    """Names load later, so a module of the same name would take their place."""
    for path in Path(nk.views.__file__).parent.glob("[a-z]*.py"):
        import_module(f"napkin.views.{path.stem}")
        assert path.stem not in nk.views.__all__
    for name in nk.views.__all__:
        assert callable(getattr(nk.views, name)), name
        assert name in dir(nk.views)
    with pytest.raises(AttributeError, match="napkin.views has no 'tornados'"):
        _ = nk.views.tornados


def test_show_uses_the_book_s_symbols() -> None:
    shown = nk.show(Eq(q.drain_time, q.memory / q.bandwidth), nk.formulas.dollars.capex_per_user)
    assert r"$\displaystyle t_\mathrm{drain} = \frac{M}{W}$" in shown.markdown
    assert shown._repr_markdown_() == shown.markdown
    assert repr(shown).splitlines()[0] == "drain_time = memory/bandwidth"
    assert "capex*n_gpus/users" in repr(shown)


def test_say_fills_in_values() -> None:
    kv = nk.Value(Integer(26_214_400_000), "byte")
    said = nk.say(
        "One user holds {kv}, {n} of {share} and {exact}.", kv=kv, n=3, share=0.12345, exact=kv
    )
    assert repr(said) == said._repr_markdown_()
    assert repr(said) == "One user holds 26.2 GB, 3 of 0.123 and 26.2 GB."
    assert repr(nk.say("{kv:exact}", kv=kv)) == "26,214,400,000 B"


def test_symbols_are_read_from_the_worksheet() -> None:
    table = nk.symbols(QWEN, "users", q.context)
    assert [row[1] for row in table.rows] == ["`users`", "`context`"]
    meaning = "users with an open session"
    assert table.rows[0] == ["$N$", "`users`", meaning, str(QWEN.users)]
    lines = table._repr_markdown_().splitlines()
    assert len(lines) == 4
    assert {line.count(" | ") for line in lines} == {3}
    assert repr(table).splitlines()[0].startswith("symbol  ")


def test_results_name_the_error_where_there_is_no_answer() -> None:
    table = nk.views.results(
        {"kept": QWEN, "large": QWEN.assume(context=6_000_000)}, "users", "context"
    )
    assert table.rows[0][:2] == ["kept", "60.8 users"]
    assert table.rows[1][1] == "DoesNotFit"


def test_the_figure_says_in_words_what_it_shows() -> None:
    figure = nk.views.users_over_context(QWEN.assume(speed_target=20))
    root = ElementTree.fromstring(figure.svg)
    assert root.tag.endswith("svg")
    assert repr(figure) == figure.alt
    assert 15 <= len(figure.alt.split()) <= 60
    assert f"idle caches resident {QWEN.users_per_gpu:short}" in figure.alt
    assert f"{QWEN.assume(variants.idle_offloaded).users_per_gpu:short}" in figure.alt
    html = figure._repr_html_()
    assert re.fullmatch(r'<img alt="[^"]+" src="data:image/svg\+xml;base64,[^"]+" .*>', html)


@pytest.mark.slow
def test_the_figure_is_the_same_bytes_in_every_run() -> None:
    again = [nk.views.users_over_context(QWEN).svg for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.slow
def test_no_line_is_drawn_where_a_napkin_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    plot = Axes.plot

    def spy(self: Axes, x: Any, y: Any, *rest: Any, **options: Any) -> Any:
        if len(x) > 1:
            drawn.append((x, y))
        return plot(self, x, y, *rest, **options)

    monkeypatch.setattr(Axes, "plot", spy)
    fast = QWEN.assume(speed_target=200)
    nk.views.users_over_context(fast)
    for contexts, users in drawn:
        assert np.isnan(users).any()
        assert np.isfinite(users).any()
        for context, found in zip(contexts, users, strict=True):
            if np.isnan(found):
                with pytest.raises(NapkinError):
                    _ = fast.assume(context=context).users
            else:
                assert fast.assume(context=context).users > 0
    assert len(drawn) == 2


def test_symbols_lists_every_quantity() -> None:
    every = nk.symbols()
    assert [row[1] for row in every.rows] == [f"`{name}`" for name in REGISTRY]
    assert every.header == ["symbol", "in code", "meaning", "unit"]
    assert all(row[2] for row in every.rows)
    here = {row[1]: row[-1] for row in nk.symbols(nk.Napkin(model="Qwen3-32B")).rows}
    assert here["`n_layers`"] == "64"
    assert here["`users`"] == "– user"
    with pytest.raises(nk.NapkinError, match=r"nk\.symbols\(\) lists them"):
        nk.Napkin(zzz=3)


def test_symbols_without_a_value_have_a_dash_and_their_unit() -> None:
    rows = nk.symbols(QWEN, "memory", "flops").rows
    assert [row[-1] for row in rows] == [str(QWEN.memory), "– FLOP"]


def test_a_sentence_formats_numbers_as_it_is_told() -> None:
    said = nk.say("{a} {b:.1%} {c:.0f} {d}", a=1234.5, b=0.123, c=QWEN.ridge, d=0.5)
    assert repr(said) == "1,234 12.3% 562 0.5"


def test_a_table_of_results_takes_the_names_that_a_text_taught() -> None:
    n = nk.Napkin(model="Qwen3-32B")
    table = nk.views.results({"today": n}, "n_params", heads=("model", "parameters"))
    assert table.header == ("model", "parameters")
    with pytest.raises(NapkinError, match="1 heads for 2 columns: one for the names of the rows"):
        nk.views.results({"today": n}, "n_params", heads=("parameters",))


def test_numbers_stand_at_the_right_and_words_at_the_left() -> None:
    rows = [["B200", "53.5 users", "-", "–"], ["H100", "−3", "fast", "1,200 ms"]]
    lines = nk.views.Table(["1", "users", "speed", "time"], rows)._repr_markdown_().splitlines()
    assert lines[1] == "| --- | ---: | --- | ---: |"
    assert nk.views.Table(["GPU", "users"], [])._repr_markdown_().splitlines()[1] == "| --- | --- |"
