"""Explorers, without a page: what they hand to it, what stands for them, what they refuse."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

import napkin as nk
from napkin.errors import NapkinError
from napkin.formulas import ALL
from napkin.views.as_code import as_code
from napkin.views.exploration import exploration
from napkin.views.program import javascript, sides_in_words
from tests.views.explorations import CHAT, EXPLORATIONS, IDLE, MIXTURE, written

REFUSED = {
    "duty_cycle.erlang_users_by_load": "LoadAtWait",
    "duty_cycle.blocking_probability": "ErlangB",
    "experts.skewed_experts_touched": "ExpertsTouched",
    "experts.skewed_prefill_experts_touched": "ExpertsTouched",
}

each_exploration = pytest.mark.parametrize("name", EXPLORATIONS)


@pytest.mark.slow
def test_a_page_can_compute_a_formula() -> None:
    unsupported = [n for n in ALL.keys() - REFUSED if "Not supported" in javascript(written(n))]
    assert unsupported == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_page_cannot_compute_is_named(name: str) -> None:
    with pytest.raises(NapkinError, match=rf"cannot compute {REFUSED[name]}, which .* contains"):
        javascript(written(name))


def test_a_sum_is_closed_before_it_is_printed() -> None:
    from sympy import Function, Sum, symbols

    i, count = symbols("i count", integer=True)
    assert javascript(Sum(i, (i, 1, count))) == "(1/2)*Math.pow(v.count, 2) + (1/2)*v.count"
    with pytest.raises(NapkinError, match="cannot compute Sum"):
        javascript(Sum(Function("f")(i), (i, 1, count)))


@pytest.mark.slow
@each_exploration
def test_what_a_page_gets_is_json_and_small(name: str) -> None:
    e = EXPLORATIONS[name]()
    text = json.dumps(e.spec, allow_nan=False)
    assert len(text) < 60_000
    assert (
        e.html().count("<script") == 1 and "</" not in re.findall(r">(\{.*?)</script>", e.html())[0]
    )


@pytest.mark.slow
@each_exploration
def test_the_table_says_what_python_says(name: str) -> None:
    e = EXPLORATIONS[name]()
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", e.html())]
    axis = e.sliders[0]
    for place, value, _ in zip(cells[::3], cells[1::3], cells[2::3], strict=True):
        n = e.opened([next(iter(menu)) for menu in e.menus.values()])
        if value != "no value":
            assert str(n.assume(**{axis.name: place.split(" token")[0]})[e.y]) == value


def test_copied_code_declares_the_quantities_of_the_reader_first() -> None:
    declared = [
        nk.quantity("copied_share", meaning="a share that a reader declared", domain="share"),
        nk.quantity("copied_gain", unit="s", shown="g_c", default=2.5),
    ]
    n = CHAT.assume("copied_share = batch * copied_gain / decode_step_time / 1e9")
    *lines, last = as_code(n, "batch").splitlines()
    assert [eval(line, {"nk": nk}) for line in lines] == sorted(declared, key=str)
    assert eval(last, {"nk": nk}).formulas.keys() == n.formulas.keys()


@pytest.mark.slow
@each_exploration
def test_the_copied_line_rebuilds_the_worksheet(name: str) -> None:
    e = EXPLORATIONS[name]()
    for key, case in e.spec["cases"].items():
        if "error" in case:
            continue
        moved = ", ".join(
            f'{s.name}="{s.value:.12g} {s.unit}"' if s.prefixed else f"{s.name}={s.value * s.scale}"
            for s in e.sliders
        )
        copied = eval(case["code"].replace("{moved}", moved), {"nk": nk})
        n = e.opened(key.split(" / ") if e.menus else [])
        assert copied.givens.keys() == n.givens.keys()
        assert float(copied[e.y]) == pytest.approx(float(n[e.y]), rel=1e-12)


def test_code_keeps_formulas_of_the_reader_and_what_was_given_after_them() -> None:
    n = CHAT.assume("kv_bytes_per_token = 2*n_layers*n_kv_heads*d_head*bytes_per_kv / 2")
    n = n.assume(nk.variants.idle_offloaded, usable_memory=0.9)
    again = eval(as_code(n), {"nk": nk})
    assert float(again.users) == float(n.users)
    assert as_code(nk.Napkin(context=2_000)) == "nk.Napkin(context=2_000)"
    assert as_code(nk.Napkin(context=2_000), "max_context") == "nk.Napkin(context=2_000)"


def test_an_explorer_reads_as_a_sentence_and_stores_a_table() -> None:
    shown = nk.explore(CHAT, "users_per_gpu", "context", context=(1_000, 200_000), assume=IDLE)
    assert repr(shown) == (
        "At context 20,000 token/sequence: users_per_gpu is 60.8 user/GPU (memory full)."
    )
    data, _ = shown._repr_mimebundle_()
    assert data["text/plain"] == repr(shown)
    assert data["text/html"].startswith('<div class="nk-stored">')
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_typed_formula_counts_and_a_wrong_one_says_why() -> None:
    shown: Any = nk.explore(CHAT, "users_per_gpu", "context", context=(1_000, 200_000))
    before = shown.spec
    shown.formula = "kv_bytes_per_token = 2*n_layers*n_kv_heads*d_head*bytes_per_kv / 2"
    assert shown.error == "" and shown.spec != before
    half = shown.spec
    shown.formula = "kv_bytes_per_token = 2 *"
    assert "kv_bytes_per_token" in shown.error and shown.spec == half
    shown.formula = "kv_bytes_per_token = memory / bandwidth"
    assert "byte" in shown.error and shown.spec == half
    shown.formula = ""
    assert shown.error == "" and shown.spec == before


def test_sides_are_said_in_words_with_what_they_decide_where_there_are_several() -> None:
    assert sides_in_words(["prefill_compute_time"]) == "compute-bound"
    assert sides_in_words(["decode_memory_time", "prefill_compute_time", "users_by_load"]) == (
        "decode bandwidth-bound, prefill compute-bound, load-bound"
    )
    assert sides_in_words(["batch", "chunk*new_tokens/prefill_tokens"]) == "sequences in the step"
    assert sides_in_words([]) == ""


@pytest.mark.parametrize(
    ("y", "x", "controls", "message"),
    [
        ("users_per_gpu", "host_link_latency", {}, "host_link_latency"),
        ("users_per_gpu", "context", {"context": (5, 5)}, "must move from less to more"),
        ("users_per_gpu", "window", {}, "give its ends"),
        ("weight_bytes", "context", {"context": (1, 9)}, "does not depend on context"),
        ("users", "context", {"model": [f"m{i}" for i in range(65)]}, "at most 4 controls"),
        ("users", "context", {"context": 5}, "needs two ends"),
        ("users", "context", {"context": "1-5"}, "needs two ends"),
        ("users", "context", {"context": (1, 2, 3)}, "needs two ends"),
        ("users", "context", {"accelerator": "B200"}, "needs a list of options"),
        ("users", "context", {"model": []}, "needs a list of options"),
        (
            "users",
            "context",
            dict.fromkeys(("memory", "bandwidth", "price", "n_layers"), (1, 2)),
            "at most 4 controls",
        ),
    ],
)
def test_what_an_explorer_cannot_show_is_said(
    y: str, x: str, controls: dict[str, Any], message: str
) -> None:
    with pytest.raises(NapkinError, match=message):
        assert exploration(CHAT, y, x, None, controls).spec


def test_a_switch_has_options_in_words_and_is_code_in_code() -> None:
    e = exploration(CHAT, "users", "context", None, {"calibrated": [False, True]})
    (menu,) = e.spec["menus"]
    assert (menu["meaning"], menu["options"]) == ("calibration", ["ideal", "calibrated"])
    codes = [case["code"] for case in e.spec["cases"].values()]
    assert "calibrated=False" in codes[0] and "calibrated=True" in codes[1]


def test_a_closed_form_that_is_too_wide_gives_way_to_the_formula_of_the_target() -> None:
    n, moved = CHAT.assume(batch=16, new_tokens=500), {"batch": (1, 50), "message": (1, 20_000)}
    forms = [
        exploration(n, target, "batch", None, moved).spec["programs"][0]["formula"]
        for target in ("requests_per_second", "decode_compute_time")
    ]
    wide, narrow = (unescape(re.sub("<[^>]*>", "", form)) for form in forms)
    assert wide == "λ=Xnnew"
    assert 10 < len(narrow) <= 65 and "B" in narrow


def test_a_menu_of_assumptions_needs_words() -> None:
    unnamed: Any = [nk.variants.idle_resident]
    with pytest.raises(NapkinError, match="needs words for each option"):
        nk.explore(CHAT, "users", "context", assume=unnamed)


def test_ends_that_nobody_gave_are_places_that_the_quantity_allows() -> None:
    ends = exploration(CHAT, "users", "n_gpus", None, {}).sliders[0]
    assert (ends.low, ends.high) == (1, 10)


def test_a_case_that_does_not_fit_says_so_and_the_others_work() -> None:
    e = exploration(
        CHAT, "users", "context", None, {"model": ["Qwen3-32B", "DeepSeek-V3"], "context": (1, 9)}
    )
    reasons = e.spec["programs"][0]["reasons"]
    assert "not one sequence fits in memory" in reasons
    assert "error" not in e.spec["cases"]["Qwen3-32B"]
    told = e.spec["cases"]["DeepSeek-V3"]["error"]
    assert told.startswith("the weights do not fit in memory: they take 673 GB")


def test_a_batch_that_moves_may_be_too_large_for_memory() -> None:
    e = EXPLORATIONS["speed over the batch"]()
    (program,) = e.spec["programs"]
    assert program["reasons"][0] == "the caches of the batch do not fit in memory"
    assert "if (w < 0 && !(v.batch <= v.concurrent_sequences)) w = 0;" in program["code"]
    assert "v.concurrent_sequences = " in program["code"]


def test_without_a_memory_no_batch_is_too_large() -> None:
    n = nk.Napkin(model="Qwen3-32B", precision="fp8", context=20_000)
    e = exploration(n, "decode_intensity", "batch", None, {"batch": (1, 10_000)})
    (program,) = e.spec["programs"]
    assert "the caches of the batch do not fit in memory" not in program["reasons"]


def test_a_page_looks_for_what_has_no_closed_form() -> None:
    e = exploration(MIXTURE, "users", "context", None, {"context": (1_000, 9_000)})
    (program,) = e.spec["programs"]
    assert "v.largest_batch_at_speed = largest((batch_) => " in program["code"]


def test_sliders_read_in_the_unit_that_suits() -> None:
    e = exploration(
        CHAT, "decode_step_time", "bandwidth", None, {"bandwidth": ("2 TB/s", "10 TB/s")}
    )
    axis = e.sliders[0]
    assert (axis.unit, axis.low, axis.high, axis.value) == ("TB/s", 2.0, 10.0, 8.0)
    assert str(axis.given(8.0)) == "8.00 TB/s"
    assert not axis.log and axis.at(0.5) == 6.0


def test_a_bar_of_the_tornado_opens_the_explorer_of_its_assumption() -> None:
    shown: Any = nk.views.tornado(CHAT, "cost_per_user_month", "Memory decides", count=4)
    bars = shown.children[0]
    assert [row["name"] for row in bars.rows][:2] == ["memory", "usable_memory"]
    bars.chosen = "context"
    assert repr(shown.children[1]).startswith("At context 20,000 token/sequence: cost_per_user_mo")
    bars.chosen = "memory"
    assert repr(shown.children[1]).startswith("At memory 192 GB: cost_per_user_month is 47.4 USD")
    data = shown._repr_mimebundle_()
    assert data["text/plain"].startswith("Bar chart") and "<img alt=" in data["text/html"]
    stored = json.loads(re.findall(r"data-tornado>(.*?)</script>", data["text/html"])[0])
    assert list(stored["explorers"]) == [row["name"] for row in bars.rows]
    assert stored["explorers"]["memory"] == shown.children[1].exploration.state


def test_shares_are_in_percent_and_long_times_in_years() -> None:
    n = EXPLORATIONS["owned or rented"]().n.assume(nk.variants.own, utilization=0.4)
    e = exploration(n, "effective_price", "utilization", None, {"lifetime": (8_760, 70_080)})
    assert [(s.unit, s.value) for s in e.sliders] == [("%", 40), ("years", 4)]
    assert [str(s.given(s.value)) for s in e.sliders] == ["0.400", "35,040 h"]


def test_ends_that_nobody_gave_lie_where_the_quantity_may_be() -> None:
    ends = exploration(CHAT, "cost_per_user_month", "month", None, {}).sliders[0]
    assert (ends.low, ends.high) == (600, 7_200)


def test_axes_are_as_logarithmic_as_they_are_asked_to_be() -> None:
    n, wide = CHAT.assume(prompt=20_000), {"context": (1_000, 30_000)}
    for log, (x, y) in {"": (False, False), "x": (True, False), "xy": (True, True)}.items():
        spec = exploration(n, "users", "context", None, wide, log=log).spec
        assert (spec["sliders"][0]["log"], spec["logy"]) == (x, y)
    assert exploration(n, "users", "context", None, wide).spec["logy"] is None


def test_lines_are_the_options_of_a_menu_or_several_quantities() -> None:
    with pytest.raises(NapkinError, match="lines needs one of assumption, got 'model'"):
        nk.explore(CHAT, "users", "context", assume=IDLE, lines="model")
    speeds = ["tokens_per_second_per_user", "tokens_per_second"]
    e = exploration(CHAT, speeds, "batch", None, {"batch": (1, 50)})
    assert e.spec["lines"] == "shown"
    assert [program.get("y", e.spec["y"])["name"] for program in e.spec["programs"]] == speeds
