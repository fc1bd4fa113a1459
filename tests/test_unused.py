"""What a reader gave and a result does not use is named wherever the result is shown."""

import pytest

import napkin as nk
from napkin.worksheet.unused import unused as named
from tests.sheets import QWEN


def unused(n: nk.Napkin, targets: str | list[str]) -> list[str]:
    return named(n.formulas, n.typed, targets)


SAID = "duty_cycle, price given, but not used here"


def test_a_value_that_a_target_does_not_need_is_named() -> None:
    assert unused(QWEN, "kv_bytes_per_sequence") == [SAID]
    assert unused(QWEN, "cost_per_user_month") == []
    assert unused(QWEN, ["kv_bytes_per_sequence", "cost_per_user_month"]) == []


def test_what_only_a_condition_needs_is_used() -> None:
    n = nk.Napkin(n_params=3, bytes_per_weight=1, memory=10, bandwidth=1, batch=1, price=1)
    n = n.assume(kv_bytes_per_sequence=1)
    assert unused(n, "decode_memory_time") == ["price given, but not used here"]


def test_a_batch_does_not_enter_the_users() -> None:
    assert unused(QWEN.assume(batch=3), "users") == ["price, batch given, but not used here"]


def test_a_zero_that_drops_a_term_is_used() -> None:
    assert unused(QWEN.assume(n_layers_window=0), "cost_per_user_month") == []


@pytest.mark.parametrize(
    "show",
    [
        lambda n: str(nk.explain(n, "concurrent_sequences")),
        lambda n: nk.explain(n, "concurrent_sequences")._repr_html_(),
        lambda n: str(nk.binding(n, "concurrent_sequences")),
        lambda n: nk.binding(n, "concurrent_sequences")._repr_markdown_(),
        lambda n: str(nk.views.results({"one": n}, "concurrent_sequences")),
        lambda n: str(nk.sweep(n, "concurrent_sequences", context=[1, 2]).attrs),
    ],
)
def test_it_is_said_beside_the_result(show: object) -> None:
    assert callable(show)
    assert SAID in show(QWEN)
    assert "not used" not in show(
        nk.Napkin(**{k: c.typed for k, c in QWEN.choices.items()}, context=9)
    )


def test_an_axis_that_changes_nothing_is_named() -> None:
    grid = nk.sweep(QWEN, "cost_per_user_month", batch=[1, 2])
    assert grid.attrs["warnings"] == ["batch given, but not used here"]


@pytest.mark.parametrize(
    ("name", "value", "bundle"),
    [
        ("overflow_target", 0.01, "binomial"),
        ("wait_target", 0.1, "erlang"),
        ("host_memory", "1 TB", "idle_offloaded"),
        ("host_link_bandwidth", "55 GB/s", "idle_offloaded"),
        ("routing_skew", 1, "skewed_routing"),
    ],
)
def test_a_value_that_waits_for_a_bundle_names_it(name: str, value: object, bundle: str) -> None:
    (said,) = unused(QWEN.assume(**{name: value}), "users")
    assert said == f"price, {name} given, but not used here; {name} counts under {bundle}"


def test_a_speed_that_no_batch_changes_is_named() -> None:
    n = QWEN.assume(speed_target=30)
    assert unused(n, "active_limit") == unused(QWEN, "active_limit")
    (said,) = unused(n.assume(tpot="20 ms"), "active_limit")
    assert "speed_target given, but not used here" in said
    with pytest.raises(nk.NapkinError, match="no sequence reaches the speed asked for"):
        _ = n.assume(tpot="50 ms").active_limit
