"""Worksheets side by side."""

import pytest

import napkin as nk
from napkin.formulas import variants
from tests.sheets import QWEN


def test_what_differs_is_listed_and_nothing_else() -> None:
    other = QWEN.assume(variants.mha, price=2)
    found = nk.compare(QWEN, other)
    assert found.givens == (("n_kv_heads", "8", "–"), ("price", "4 USD/h", "2 USD/h"))
    assert found.formulas == (("n_kv_heads", "–", "n_heads"),)
    rows = {row[0]: row for row in found.results}
    assert rows["kv_bytes_per_sequence"][3] == "8"
    assert rows["users_per_gpu"][1] == str(QWEN.users_per_gpu)
    assert rows["users_per_gpu"][2] == str(other.users_per_gpu)
    assert "ttft" not in rows  # neither has a prompt


def test_the_same_has_no_differences() -> None:
    found = nk.compare(QWEN, QWEN.assume(price="4 USD/hour"))
    assert (found.givens, found.formulas) == ((), ())
    assert {row[3] for row in found.results} == {"1"}


def test_a_given_zero_is_a_number_and_no_dash() -> None:
    found = nk.compare(QWEN.assume(host_time=0), QWEN.assume(host_time="1 ms"))
    assert found.givens == (("host_time", "0 s", "1.00 ms"),)


def test_an_error_on_one_side_stands_in_its_place() -> None:
    found = nk.compare(QWEN, QWEN.assume(context=5_000_000), targets=["users"])
    assert found.results == (("users", "60.8 users", "DoesNotFit", ""),)


def test_text_and_markdown_say_the_same() -> None:
    found = nk.compare(QWEN, QWEN.assume(price=2))
    for word in ("price", "4 USD/h", "2 USD/h", "second/first"):
        assert word in str(found)
        assert word in found._repr_markdown_()


def test_a_product_keeps_its_stars_in_a_notebook() -> None:
    found = nk.compare(QWEN, QWEN.assume("tokens_kept = context * batch / 2"))
    ((_, _, new),) = found.formulas
    assert "*" in new and new in str(found)
    assert new.replace("*", r"\*") in found._repr_markdown_()


def test_assume_and_undo_is_identity() -> None:
    assert QWEN.assume(price=9).assume(price=4) == QWEN
    assert QWEN.assume(variants.idle_offloaded).assume(variants.idle_resident) == QWEN
    assert QWEN.assume(variants.own).assume(variants.rent, price=4) == QWEN
    assert (
        QWEN.assume("tokens_kept = context/2").assume("tokens_kept = context").users == QWEN.users
    )


def test_several_have_a_column_each_and_a_ratio_to_the_first() -> None:
    sheets = [QWEN, QWEN.assume(price=2), QWEN.assume(price=1, context=10_000)]
    found = nk.compare(*sheets, targets=["cost_per_user_hour", "kv_bytes_per_sequence"])
    assert found.givens == (
        ("context", *["20,000 token/sequence"] * 2, "10,000 token/sequence"),
        ("price", "4 USD/h", "2 USD/h", "1 USD/h"),
    )
    cost, cache = found.results
    assert cost[:4] == ("cost_per_user_hour", *(str(n.cost_per_user_hour) for n in sheets))
    third = float(sheets[2].cost_per_user_hour / sheets[0].cost_per_user_hour)
    assert cost[4:] == ("0.5", f"{third:.3g}")
    assert cache[4:] == ("1", "0.5")
    header, *rows = found._repr_markdown_().splitlines()
    assert header == "| what | name | first | second | third | second/first | third/first |"
    assert {row.count("|") for row in rows} == {8}


def test_a_difference_between_later_ones_is_found() -> None:
    same, other = QWEN.assume(price="4 USD/hour"), QWEN.assume(variants.mha)
    found = nk.compare(QWEN, same, other, targets="users")
    assert found.givens == (("n_kv_heads", "8", "8", "–"),)
    assert found.formulas == (("n_kv_heads", "–", "–", "n_heads"),)


def test_columns_have_the_names_that_are_given() -> None:
    found = nk.compare(today=QWEN, tomorrow=QWEN.assume(price=2), later=QWEN.assume(price=1))
    header = str(found).splitlines()[0].split()
    columns = ["today", "tomorrow", "later", "tomorrow/today", "later/today"]
    assert header == ["what", "name", *columns]
    mixed = nk.compare(QWEN, cheap=QWEN.assume(price=2), targets="price")
    assert mixed.results == (("price", "4 USD/h", "2 USD/h", "0.5"),)
    assert str(mixed).splitlines()[0].split() == ["what", "name", "first", "cheap", "cheap/first"]


def test_one_that_does_not_fit_leaves_the_ratios_of_the_others() -> None:
    far = QWEN.assume(context=5_000_000)
    near = QWEN.assume(context=10_000)
    ((*_, second, third),) = nk.compare(QWEN, far, near, targets="users").results
    assert (second, third) == ("", "2")
    ((*_, second, third),) = nk.compare(far, QWEN, near, targets="users").results
    assert (second, third) == ("", "")


def test_a_digit_that_is_not_shown_is_a_difference() -> None:
    found = nk.compare(QWEN, QWEN.assume(price=4.000001))
    assert [row[0] for row in found.givens] == ["price"]


def test_one_alone_is_told_what_to_give() -> None:
    with pytest.raises(nk.NapkinError, match=r"takes two napkins or more, got 1\. Give another"):
        nk.compare(QWEN)
    with pytest.raises(nk.NapkinError, match="takes two napkins or more, got 1"):
        nk.compare(today=QWEN)
    with pytest.raises(nk.NapkinError, match="takes two napkins or more, got 0"):
        nk.compare()


def test_what_is_no_napkin_is_named() -> None:
    # Types that mypy refuses, because a reader may pass them.
    with pytest.raises(nk.NapkinError, match=r"third is 'users'.*use targets"):
        nk.compare(QWEN, QWEN, "users")  # type: ignore[arg-type]
    with pytest.raises(nk.NapkinError, match=r"target is \['users'\].*use targets"):
        nk.compare(QWEN, QWEN, target=["users"])  # type: ignore[arg-type]
    with pytest.raises(nk.NapkinError, match=r"same name: first, second, first\."):
        nk.compare(QWEN, QWEN, first=QWEN)
