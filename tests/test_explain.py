"""The derivation tree: complete, the same in text and HTML, and right; what binds."""

import re
from collections.abc import Iterator
from html import escape

import pytest
from sympy import Expr, Rational

import napkin as nk
from napkin.errors import DoesNotFitError, MissingGivenError
from napkin.formulas import variants
from napkin.formulas.formula import Formula
from napkin.quantities.quantity import REGISTRY
from napkin.quantities.table import Notes
from napkin.worksheet.derivation import Node
from tests import sheets

QWEN = sheets.QWEN.assume(speed_target=20)
ARTICLE = nk.Napkin(scenario="article")
OVERHEADS = {"n_kernels": 500, "kernel_launch_time": "2 us", "host_time": "1 ms"}
CASES = {
    "kept": (QWEN, "cost_per_user_month"),
    "evicted": (
        QWEN.assume(variants.idle_offloaded, host_link_bandwidth="64 GB/s", think_time=30),
        "cost_per_user_month",
    ),
    "article": (ARTICLE, "cost_per_user_month"),
    "experts": (QWEN.assume(model="DeepSeek-V3", n_gpus=8), "tokens_per_second"),
    "windows": (QWEN.assume(model="gpt-oss-120b", prompt=1000), "ttft"),
    "overheads": (QWEN.assume(variants.with_overheads, **OVERHEADS), "users"),
    "chance": (QWEN.assume(variants.binomial, overflow_target=0.01), "users"),
}


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[nk.Napkin, str]:
    return CASES[request.param]


def placed(node: Node, n: nk.Napkin) -> Iterator[tuple[Node, nk.Napkin]]:
    """Yield each line with a worksheet in which its number can be read."""
    if node.place:
        unknown, value = node.place
        n = n.assume(memory="1 PB", **{str(unknown): value})  # also where more than fits
    yield node, n
    for child in node.children:
        yield from placed(child, n)


@pytest.mark.slow
def test_every_number_is_what_reading_gives(case: tuple[nk.Napkin, str]) -> None:
    n, target = case
    tree = nk.explain(n, target)
    lines = [
        (found[1], found[2])
        for line in str(tree).splitlines()
        if (found := re.match(r"[│├└─ ]*(\w+) = (?:.* = )?(.*?)$", line.split("  (")[0]))
        and found[1] in REGISTRY
    ]
    nodes = list(placed(tree.root, n))
    assert len(lines) == len(nodes)
    for (name, shown), (node, worksheet) in zip(lines, nodes, strict=True):
        assert name == str(node.symbol)
        assert float(node.value) == pytest.approx(float(worksheet[name]), rel=1e-12)
        assert shown == str(worksheet[name])
    told = {node.symbol for node, _ in nodes}
    assert n.values(target).keys() <= told
    kinds = n.formulas.packaged
    roots = {symbol for symbol in kinds if not isinstance(kinds[symbol], Formula)}
    assert all(len(node.shown[0]) <= 120 for node, _ in nodes if node.symbol in roots)


def test_numbers_in_place_of_symbols_are_what_reading_gives(case: tuple[nk.Napkin, str]) -> None:
    n, target = case
    for node, worksheet in placed(nk.explain(n, target).root, n):
        if node.expression is None or node.seen or node.expression.is_Symbol:
            continue
        text, latex = node.numbers
        if node.words[0]:
            assert (text, latex) == ("", "")
            continue
        for symbol in node.expression.free_symbols:
            assert str(worksheet[symbol]) in text
            assert worksheet[symbol].latex() in latex
            assert "_" not in str(symbol) or str(symbol) not in text


def test_a_long_root_is_told_in_words_and_opened_where_it_lies() -> None:
    """A root of a speed, and a time at full load, each with the step that it rests on."""
    tree = nk.explain(QWEN, "tpot_at_limit").root
    assert tree.shown[0] == "tpot at batch = active_limit"
    limit, tpot = tree.children
    assert (str(limit.symbol), str(tpot.symbol)) == ("active_limit", "tpot")
    assert tpot.value == tree.value
    assert tpot.label == f"at batch = {QWEN.active_limit}"
    nodes = list(walk(tree))
    root = next(node for node in nodes if str(node.symbol) == "largest_batch_at_speed")
    assert root.shown[0] == "the largest batch with tpot <= 1/speed_target"
    speed, tpot = root.children
    assert str(speed.symbol) == "speed_target"
    assert float(tpot.value * speed.value) == pytest.approx(1, rel=1e-12)
    assert tpot.label == f"at batch = {root.value}"
    assert tpot.children


def test_a_short_root_is_written() -> None:
    assert nk.explain(QWEN, "critical_batch").root.words == ("", "")


def test_a_time_that_was_given_is_not_opened_elsewhere() -> None:
    given = QWEN.assume(tpot="40 ms")
    root = nk.explain(given, "tpot_at_limit").root
    assert root.value == given.tpot_at_limit
    assert "at batch" not in root.shown[0]


def test_text_and_html_have_the_same_content(case: tuple[nk.Napkin, str]) -> None:
    n, target = case
    tree = nk.explain(n, target)
    text, html = str(tree), tree._repr_html_()
    nodes, notes = list(walk(tree.root)), Notes()
    assert html.count("<code>") == len(nodes)
    for node in nodes:
        assert f"<code>{node.symbol}</code>" in html
        assert node.value.latex() in html
        assert f"{node.symbol} = " in text
        for remark in node.remarks(notes):
            assert remark in text
            assert escape(remark) in html
        if node.label:
            assert f"({node.label})" in text
            assert f"({escape(node.label)})" in html
    for source in (*notes.lines, *tree.sources()):
        assert source in text
        assert escape(source) in html
    assert html.count("<details") == html.count("</details>")
    assert html.count("<div") == html.count("</div>")
    assert repr(tree) == text


def test_every_line_says_why_or_from_where(case: tuple[nk.Napkin, str]) -> None:
    n, target = case
    tree, notes = nk.explain(n, target), Notes()
    for node in walk(tree.root):
        if node.formula is None:
            assert node.label
        elif not node.seen:
            why, _, mark = node.remarks(notes)[0].rpartition(" ")
            assert why == node.formula.why
            assert f"{mark} {node.formula.source}" in str(tree).splitlines()
        else:
            assert node.label == "see above"


def test_from_dollars_to_the_spec_sheet() -> None:
    lines = str(nk.explain(QWEN, "cost_per_user_month")).splitlines()
    assert lines[0] == (
        "cost_per_user_month = cost_per_user_hour*month = (0.0657 USD/(user h))*(720 h)"
        " = 47.3 USD/user"
    )
    text = "\n".join(lines)
    assert "bandwidth = 8.00 TB/s  (B200-SXM)" in text
    assert "n_layers = 64  (Qwen3-32B)" in text
    assert "bytes_per_kv = 1 B  (kv_precision fp8)" in text
    assert "context = 20,000 token/sequence  (given)" in text
    assert "month = 720 h  (assumed)" in text
    assert "bandwidth_efficiency = 1  (assumed)" in text


def test_what_is_zero_leaves_no_line() -> None:
    """Of the small parameters Qwen3 has only two norm vectors of head width in a layer."""
    tree = nk.explain(sheets.QWEN, "attention_small_params")
    lines = str(tree).splitlines()
    assert lines[0] == "attention_small_params = 2*d_head*qk_norm = 2*128*1 = 256"
    assert [str(node.symbol) for node in tree.root.children] == ["d_head", "qk_norm"]
    everything = list(walk(nk.explain(sheets.QWEN, "cost_per_user_month").root))
    assert not [node for node in everything if node.formula and node.value.number == 0]


def test_sources_are_listed_once() -> None:
    tree = nk.explain(QWEN, "cost_per_user_month")
    sources = tree.sources()
    assert len(sources) == len(set(sources)) == 2
    assert any(s.startswith("B200-SXM: ") and "read 20" in s for s in sources)
    assert any(s.startswith("Qwen3-32B: ") and "config.json" in s for s in sources)
    assert [line for line in str(tree).splitlines() if line in sources] == sources
    assert any("article: injuly.in" in s for s in nk.explain(ARTICLE, "users").sources())


def test_a_quantity_that_is_another_one_is_not_said_twice() -> None:
    first = str(nk.explain(QWEN, "tokens_kept", depth=0)).splitlines()[0]
    assert first == "tokens_kept = context = 20,000 token/sequence"


def test_what_is_left_out_is_said() -> None:
    without = QWEN.assume(variants.idle_offloaded)
    said = "host_link_bandwidth is not given, so users_by_host_link is left out"
    assert said in str(nk.explain(without, "users"))
    given = without.assume(host_link_bandwidth="64 GB/s", turn_period=60)
    assert said not in str(nk.explain(given, "users"))
    assert "users_by_host_link = " in str(nk.explain(given, "users"))
    speed = "speed_target is not given, so largest_batch_at_speed is left out"
    assert speed in str(nk.explain(ARTICLE, "users"))
    assert speed not in str(nk.explain(QWEN, "users"))


def test_a_context_beyond_training_is_warned_of() -> None:
    said = "longer than the model was trained for: max_context is 32,768 token"
    assert said in str(nk.explain(QWEN.assume(context=40_000), "users"))
    assert said in nk.explain(QWEN.assume(context=40_000), "users")._repr_html_()
    for context in (20_000, 32_768):
        assert "trained for" not in str(nk.explain(QWEN.assume(context=context), "users"))


def test_a_batch_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DoesNotFitError, match="batch do not fit in memory: only 60 sequences"):
        nk.explain(QWEN.assume(batch=61), "tokens_per_second")
    assert "do not fit" not in str(nk.explain(QWEN.assume(batch=60), "tpot"))


def test_a_given_that_its_formula_contradicts_shows_both() -> None:
    text = str(nk.explain(ARTICLE, "users"))
    assert "n_params = 32.0 billion  (article)" in text
    assert "its formula would give 44.0 billion" in text
    # 64 x (2 x 8192 x 128 x 72 + 2 x 8192 x 32768) + 129 x 8192 = 44,024,471,552
    agrees = QWEN.assume(n_params=32_762_123_264)
    assert "its formula would give" not in str(nk.explain(agrees, "weight_bytes"))


def test_depth() -> None:
    alone = nk.explain(QWEN, "users", depth=0)
    assert [str(node.symbol) for node in walk(alone.root)] == ["users"]
    assert str(alone).startswith("users = Min(")
    one = nk.explain(QWEN, "users", depth=1)
    assert {str(node.symbol) for node in walk(one.root)} == {
        "users",
        "users_by_load",
        "concurrent_sequences",
    }
    deep = len(list(walk(nk.explain(QWEN, "users").root)))
    assert len(list(walk(nk.explain(QWEN, "users", depth=99).root))) == deep
    assert nk.explain(QWEN, "context").root.children == ()


def test_a_value_that_cannot_be_computed() -> None:
    with pytest.raises(MissingGivenError, match="think_time"):
        nk.explain(QWEN, "turn_period")
    with pytest.raises(MissingGivenError):
        nk.binding(nk.Napkin(), "users")


# -------------------------------------------------------------------- what binds

EVICTED = QWEN.assume(variants.idle_offloaded, host_link_bandwidth="64 GB/s", turn_period=10)
BINDS = {
    # napkin, target, what decides it from the top down, the side that comes next
    "memory": (QWEN, "users", ["concurrent_sequences"], "users_by_load"),
    "speed": (
        QWEN.assume(speed_target=200),
        "users",
        ["users_by_load", "largest_batch_at_speed"],
        "concurrent_sequences",
    ),
    "host link": (EVICTED, "users", ["users_by_host_link"], "users_by_load"),
    "memory-bound step": (
        QWEN.assume(batch=8),
        "decode_step_time",
        ["decode_memory_time"],
        "decode_compute_time",
    ),
    "compute-bound step": (
        QWEN.assume(batch=8, context=1, compute_efficiency=0.01),
        "decode_step_time",
        ["decode_compute_time"],
        "decode_memory_time",
    ),
}


@pytest.mark.parametrize("name", BINDS)
def test_the_side_that_binds_and_by_how_much(name: str) -> None:
    n, target, limits, other = BINDS[name]
    found = nk.binding(n, target)
    assert list(found.limits)[: len(limits)] == limits
    line = found.lines[0]
    assert line.startswith(target)
    winner = n[limits[0]]
    assert str(winner) in line
    assert str(n[other]) in line
    ratio = winner / n[other]
    assert f"{float(max(ratio, 1 / ratio)):.3g} times" in line
    assert line.index(str(winner)) < line.index(str(n[other]))
    assert winner == n[target]
    assert str(found) == repr(found) == "\n".join((*found.lines, *found.warnings))
    assert found._repr_markdown_().startswith(f"- {line}")


def test_where_nothing_competes() -> None:
    said = nk.binding(QWEN, "weight_bytes")
    assert said.limits == ()
    assert "nothing competes: weight_bytes" in str(said)
    assert said._repr_markdown_() == str(said)
    assert nk.binding(QWEN, "context").limits == ()


def test_a_side_that_is_no_symbol() -> None:
    n = QWEN.assume("ttft = Max(prefill_compute_time, prefill_weight_bytes / bandwidth)", prompt=1)
    found = nk.binding(n, "ttft")
    weights = n.prefill_weight_bytes / n.bandwidth
    assert "prefill_weight_bytes" in found.limits[0]
    assert str(weights) in found.lines[0]


@pytest.mark.parametrize("places", [281, Rational(1, 5)])
def test_a_choice_inside_a_side_is_a_part_of_it(places: Expr) -> None:
    """Of `Min(a, Max(b, 1))` the sides of the Min are compared, whatever is inside them."""
    n = QWEN.assume("active_limit = Min(concurrent_sequences, Max(slots, 1))", slots=places)
    found = nk.binding(n, "active_limit")
    line, limit = found.lines[0], found.limits[0]
    room = float(n.concurrent_sequences)
    if places > 1:
        assert limit == "concurrent_sequences"
        assert line.endswith(f"Max(1, slots) = 281 sequences is {281 / room:.3g} times larger")
    else:
        assert limit == "Max(1, slots)"
        assert line.endswith(f"(sequences whose caches fit) is {room:.3g} times larger")


def test_binding_follows_the_side_that_binds() -> None:
    fast = QWEN.assume(speed_target=200)
    assert "concurrent_sequences" not in nk.binding(fast, "cost_per_user_month").limits
    assert nk.binding(fast, "cost_per_user_month").limits == nk.binding(fast, "users").limits


def test_what_is_said_to_stand_above_is_open_there() -> None:
    """At a depth, a line that was cut off once is opened where it stands nearer."""
    tree = nk.explain(QWEN, "n_params_active", depth=2)
    opened = {node.symbol for node in walk(tree.root) if node.children}
    near = [child for child in tree.root.children if child.formula is not None]
    assert {str(child.symbol) for child in near} == {"n_params", "embedding_params"}
    assert {child.symbol for child in near} <= opened


@pytest.mark.parametrize(
    ("efficiency", "side"), [(1, "decode_memory_time"), (0.001, "decode_compute_time")]
)
def test_what_binds_at_a_solved_batch(efficiency: float, side: str) -> None:
    n = QWEN.assume(speed_target=20, compute_efficiency=efficiency)
    (line,) = nk.binding(n, "largest_batch_at_speed").lines
    place = f"at batch = {n.largest_batch_at_speed}"
    assert line.startswith(f"{place} decode_step_time is decided by {side} = 50.0 ms")


def test_a_number_in_front_of_a_max_does_not_hide_what_binds() -> None:
    own = QWEN.assume("decode_step_time = 2*Max(decode_memory_time, decode_compute_time)")
    told = nk.binding(own.assume(batch=10), "decode_step_time")
    assert told.limits == nk.binding(QWEN.assume(batch=10), "decode_step_time").limits
    assert told.limits == ("decode_memory_time",)
    at_speed = str(nk.binding(own.assume(speed_target=20), "largest_batch_at_speed"))
    assert "decode_step_time is decided by decode_memory_time" in at_speed
    turned = QWEN.assume("decode_step_time = 2*decode_memory_time - Max(decode_memory_time, 0)")
    assert nk.binding(turned.assume(batch=10), "decode_step_time").limits == ()


def test_a_readers_own_symbol_cannot_bring_html() -> None:
    nk.quantity("crafty", unit="s", shown="<img src=x>")
    n = nk.Napkin(crafty=1).assume("think_time = 2 * crafty")
    assert "<img" not in nk.explain(n, "think_time")._repr_html_()
    del REGISTRY["crafty"]
