"""What is solved from the formulas that hold, whichever of them is asked for first."""

import pytest

import napkin as nk
from napkin.errors import CircularError, DoesNotFitError
from napkin.formulas.agreement import agree
from napkin.formulas.graph import Graph
from napkin.quantities import notation as q
from napkin.quantities.quantity import lookup
from tests.sheets import QWEN

CHAT = QWEN.assume(prompt=20_000, speed_target=20)
ASKED = ["tpot", "users", "decode_compute_time", "batch", "largest_batch_at_speed", "active_limit"]


@pytest.mark.parametrize("first", ASKED)
def test_what_is_solved_does_not_depend_on_what_is_asked_first(first: str) -> None:
    slow = CHAT.assume("tpot = 2 * decode_step_time")
    graph = Graph(slow.formulas.packaged, slow.numbers)
    assert graph.order(lookup(first).symbol)
    assert q.tpot not in graph[q.largest_batch_at_speed].symbols
    # Twice the time for each token, or half of it allowed.
    form, faster = graph[q.largest_batch_at_speed].expression, 2 * q.speed_target
    assert agree(
        form, CHAT.formulas[q.largest_batch_at_speed].expression.xreplace({q.speed_target: faster})
    )


def test_a_slower_token_leaves_fewer_at_a_speed() -> None:
    slow, fast = CHAT.assume("tpot = 2 * decode_step_time"), CHAT.assume(speed_target=40)
    assert slow.largest_batch_at_speed == fast.largest_batch_at_speed
    assert slow.tpot == 2 * slow.decode_step_time
    assert slow.users == CHAT.users  # memory holds fewer than the speed allows


@pytest.mark.parametrize("first", ["largest_batch_at_speed", "active_limit", "tpot"])
def test_a_speed_that_depends_on_its_own_limit_is_a_circle(first: str) -> None:
    with pytest.raises(CircularError, match="active_limit"):
        CHAT.assume("tpot = decode_step_time * (1 + active_limit / batch)")[first]


def test_what_a_page_or_a_note_asks_of_a_model_can_be_known() -> None:
    # None of its layers keeps a state: it needs no width of one.
    with pytest.raises(DoesNotFitError, match="batch do not fit in memory: only 60 sequences"):
        nk.explain(CHAT.assume(batch=600), "decode_step_time")


@pytest.mark.parametrize("target", ["kv_budget", "decode_step_time", "users", "ttft"])
def test_weights_that_do_not_fit_are_told_as_such(target: str) -> None:
    with pytest.raises(DoesNotFitError, match="the weights do not fit in memory: they take 673 GB"):
        CHAT.assume(model="DeepSeek-V3")[target]


def test_a_comparison_tells_a_formula_as_it_holds_and_what_is_solved_as_a_question() -> None:
    apart = CHAT.assume("kv_bytes_per_token = 2*n_layers*n_kv_heads*d_head*bytes_per_kv / 2")
    assert nk.compare(CHAT, apart, targets=["users"]).formulas == (
        (
            "kv_bytes_per_token",
            "bytes_per_kv*cache_elements*n_layers_full",
            "bytes_per_kv*d_head*n_kv_heads*n_layers",
        ),
    )
    given = CHAT.assume("largest_batch_at_speed = 7 * batch / batch")
    ((name, one, _),) = nk.compare(CHAT, given, targets=["users"]).formulas
    assert (name, one) == (
        str(q.largest_batch_at_speed),
        "largest batch with tpot <= 1/speed_target",
    )
