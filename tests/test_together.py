"""Bundles and values beside each other: none ignored, none in a mixture that means nothing."""

from typing import Any

import pytest

import napkin as nk
from napkin.errors import DoesNotFitError, DomainError, NapkinError, NoSolutionError, UnitError

CHAT: dict[str, Any] = {
    "model": "Qwen3-32B",
    "accelerator": "B200",
    "n_gpus": 4,
    "precision": "fp8",
    "context": 8_000,
    "prompt": 7_000,
    "message": 500,
    "new_tokens": 500,
    "think_time": 30,
    "speed_target": 20,
    "price": 3,
    "usable_memory": 0.9,
}
DENSE = nk.Napkin(**CHAT)
EXPERTS = nk.Napkin(**CHAT | {"model": "DeepSeek-R1", "accelerator": "H200", "n_gpus": 16})
CACHED = nk.Napkin(**{key: value for key, value in CHAT.items() if key != "message"}, hit_rate=0.9)
BLOCKS = {"bytes_per_code": 0.5, "bytes_per_scale": 1, "weights_per_scale": 32}


def test_ones_own_formula_counts_where_gpus_form_groups() -> None:
    grouped = EXPERTS.assume(tensor_parallel=2, host_link_bandwidth="50 GB/s")
    own = grouped.assume("restore_time = kv_bytes_per_sequence/(3*host_link_bandwidth)")
    assert float(own.restore_time) == pytest.approx(float(own.kv_bytes_per_sequence) / 150e9)
    assert float(grouped.restore_time) == pytest.approx(float(own.kv_bytes_per_sequence) / 100e9)


def test_ones_own_count_of_heads_counts_beside_a_group() -> None:
    own = DENSE.assume(group_size=4).assume("n_kv_heads = n_heads/2")
    assert float(own.n_heads) == 2 * float(own.n_kv_heads) == 64


@pytest.mark.parametrize("idle", ["idle_resident", "idle_offloaded", "idle_recomputed"])
def test_a_hit_rate_that_was_given_stays(idle: str) -> None:
    there = CACHED.assume(idle)
    assert float(there.hit_rate) == 0.9
    assert there.prefill_tokens == CACHED.prefill_tokens
    assert CACHED.assume(idle, hit_rate=0.5).hit_rate == there.assume(hit_rate=0.5).hit_rate


def test_readers_that_were_counted_and_acceptance_that_was_measured_stay() -> None:
    assert DENSE.assume(n_gpus_prefill=8).assume("disaggregated").n_gpus_prefill == 8
    drafts = DENSE.assume(tokens_per_step=1.8).assume("speculative", draft_tokens=1, draft_time=0)
    assert float(drafts.tokens_per_step) == 1.8


@pytest.mark.parametrize("target", ["tpot", "users", "cost_per_user_month", "usual_tpot"])
def test_a_step_adds_no_more_than_it_checks(target: str) -> None:
    with pytest.raises(DoesNotFitError, match=r"checks 1 token, .* 3 tokens\. Assume speculative"):
        _ = DENSE.assume(tokens_per_step=3)[target]
    drafts = DENSE.assume("speculative", draft_tokens=2, draft_time=0)
    assert drafts.assume(tokens_per_step=3)[target]
    with pytest.raises(DoesNotFitError, match="checks 3 tokens"):
        _ = drafts.assume(tokens_per_step=3.01)[target]


@pytest.mark.parametrize("bundle", ["chunked_prefill", "attention_apart", "with_overheads"])
def test_an_ideal_step_is_refused_beside_a_measured_one(bundle: str) -> None:
    for changes, choices in ((("parts_in_turn", bundle), {}), ((bundle,), {"calibrated": True})):
        for order in (changes, changes[::-1]):
            with pytest.raises(NapkinError, match=f"{bundle} describes an ideal step"):
                _ = DENSE.assume(*order, **choices).tpot


def test_the_usual_batch_of_a_calibrated_server_whose_prompts_are_read_elsewhere() -> None:
    """Found again as the fixed point of who is writing while one of them writes."""
    n = EXPERTS.assume("attention_data_parallel", "expert_parallel", "disaggregated")
    n = n.assume(calibrated=True, new_tokens=50)
    users, batch = float(n.users), 1.0
    for _ in range(60):
        there = n.assume(batch=batch)
        writing = 50 * float(there.tpot)
        batch = 1 + (users - 1) * writing / (float(there.ttft) + writing + 30)
    assert float(n.usual_batch) == pytest.approx(batch, rel=1e-6)
    assert float(n.usual_tpot) == pytest.approx(float(there.tpot), rel=1e-6)
    share = writing / (float(there.ttft) + writing + 30)
    assert float(n.usual_active) == pytest.approx(users * share, rel=1e-6)


@pytest.mark.parametrize("later", [{"precision": "bf16"}, {"model": "gpt-oss-120b"}])
def test_a_format_of_blocks_gives_way_to_a_width_with_a_name(later: dict[str, str]) -> None:
    own = DENSE.assume("block_scales", **BLOCKS)
    assert own.weight_bytes < DENSE.weight_bytes
    assert own.assume(**later).weight_bytes == DENSE.assume(**later).weight_bytes
    other = own.assume(model="Llama-3.1-8B")  # its checkpoint names no width
    assert other.weight_bytes < DENSE.assume(model="Llama-3.1-8B").weight_bytes


def test_a_prompt_that_is_all_cached_reads_what_every_token_needs() -> None:
    whole = nk.Napkin(
        **{key: v for key, v in CHAT.items() if key not in ("message", "model", "n_gpus")},
        model="DeepSeek-R1",
        n_gpus=16,
        hit_rate=1,
    )
    assert whole.prefill_experts_touched == 0
    assert (
        0 < float(whole.prefill_memory_time) < float(whole.assume(hit_rate=0).prefill_memory_time)
    )


def test_a_level_that_a_search_left_uneven_is_still_a_level() -> None:
    n = nk.Napkin(**CHAT | {"model": "Qwen3-30B-A3B", "n_gpus": 8, "context": 2_000})
    n = n.assume(prompt=1_800, message=90, new_tokens=50)
    with pytest.raises(NoSolutionError, match="over a whole range of speed_target"):
        nk.solve(n, "speed_target", users=n.users)


@pytest.mark.parametrize("context", ["1e400", 10**400, "1e-400"])
def test_a_number_that_no_computer_holds_is_named(context: object) -> None:
    with pytest.raises(DomainError, match="context .* Check its exponent"):
        _ = DENSE.assume(context=context).users


def test_mistakes_are_told_what_to_do() -> None:
    with pytest.raises(NapkinError, match="a dense model has none"):
        _ = DENSE.assume("expert_parallel").users
    with pytest.raises(DomainError, match="a batch that is given must be able to answer"):
        _ = DENSE.assume("busy_as_users", batch=1).cost_per_request
    with pytest.raises(UnitError, match="give the number as a value: price=4"):
        DENSE.assume("price = 4")
    with pytest.raises(DomainError, match="give a unit, as in '4 GB'"):
        DENSE.assume("idle_offloaded", host_memory=512)
