"""Two worksheets side by side."""

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
    found = nk.compare(QWEN, QWEN.assume(context=5_000_000), ["users"])
    assert found.results == (("users", "56.2 users", "DoesNotFit", ""),)


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
    assert QWEN.assume(variants.idle_evicted).assume(variants.idle_kept) == QWEN
    assert QWEN.assume(variants.own).assume(variants.rent, price=4) == QWEN
    assert (
        QWEN.assume("tokens_kept = context/2").assume("tokens_kept = context").users == QWEN.users
    )
