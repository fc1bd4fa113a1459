"""What bad input gets: a message that says what was given, what was expected, what to do.

And whatever is given: a finite answer that plain floats confirm, or such a message.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from inspect import isfunction, signature
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

import napkin as nk
from napkin.errors import (
    CircularError,
    DoesNotFitError,
    DomainError,
    MissingGivenError,
    NapkinError,
    NoFormulaError,
    UnitError,
    UnknownNameError,
)
from napkin.formulas import variants
from napkin.formulas.formula import Formula
from napkin.formulas.variants import BUNDLES
from napkin.quantities import notation as q
from napkin.quantities.quantity import REGISTRY
from tests.sheets import QWEN
from tests.twin import Twin

# ------------------------------------------------------------------- names

UNKNOWN: dict[str, tuple[Callable[[], Any], str, str]] = {
    # what is asked for, what was given, what is close to it
    "quantity": (lambda: QWEN.assume(bandwith=3), "'bandwith'", "bandwidth"),
    "quantity read": (lambda: QWEN.user_per_gpu, "'user_per_gpu'", "users_per_gpu"),
    "quantity of a function": (lambda: QWEN.function("users", "contxt"), "'contxt'", "context"),
    "model": (lambda: nk.Napkin(model="Qwen3-32"), "'Qwen3-32'", "Qwen3-32B"),
    "accelerator": (lambda: nk.Napkin(accelerator="H10"), "'H10'", "H100"),
    "precision": (lambda: nk.Napkin(precision="fp9"), "'fp9'", "fp8"),
    "peak": (lambda: nk.Napkin(accelerator="A100", precision="fp8"), "'fp8'", "bf16"),
    "scenario": (lambda: nk.Napkin(scenario="artikle"), "'artikle'", "article"),
    "variant": (lambda: variants.get("idle_evict"), "'idle_evict'", "idle_offloaded"),
    "attribute": (lambda: nk.sweeep, "'sweeep'", ""),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_name_gets_the_closest(kind: str) -> None:
    ask, given_name, close = UNKNOWN[kind]
    with pytest.raises(AttributeError if kind == "attribute" else UnknownNameError) as caught:
        ask()
    assert given_name in str(caught.value)
    assert close in str(caught.value)


def test_a_name_that_is_close_to_nothing() -> None:
    with pytest.raises(UnknownNameError, match="'zzzz': none is close to it. Known: .*such as"):
        nk.catalog.accelerator("zzzz")


# ------------------------------------------------------------------ missing


def test_a_missing_given_says_meaning_unit_and_who_needs_it() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", duty_cycle=0.2)
    with pytest.raises(MissingGivenError) as caught:
        _ = n.cost_per_user_month
    lines = str(caught.value).splitlines()
    assert lines[0] == "cost_per_user_month cannot be computed from what is given. Missing:"
    context = next(line for line in lines if line.startswith("  context "))
    assert "tokens of a sequence already cached, in token/sequence" in context
    assert "for tokens_kept" in context
    price = next(line for line in lines if line.startswith("  price "))
    assert "price of one GPU for an hour, in USD/h" in price
    assert "for cost_per_user_hour; there is no default price" in price
    assert len(lines) == 4
    assert re.fullmatch(r"Give each, as in assume\((context|price)=\.\.\.\)\.", lines[-1])


@pytest.mark.parametrize(
    ("target", "hints"),
    [
        ("n_params", ["model='Qwen3-32B'"]),
        ("ridge", ["accelerator='B200'", "precision='fp8'"]),
        ("kv_budget", ["model='Qwen3-32B'", "accelerator='B200'", "precision='fp8'"]),
    ],
)
def test_what_a_catalog_entry_would_bring_is_said(target: str, hints: list[str]) -> None:
    with pytest.raises(MissingGivenError) as caught:
        _ = nk.Napkin()[target]
    assert all(hint in str(caught.value) for hint in hints)


@pytest.mark.parametrize("target", ["think_time", "price", "n_layers", "host_time"])
def test_a_target_without_a_formula(target: str) -> None:
    with pytest.raises(NoFormulaError) as caught:
        _ = nk.Napkin()[target]
    said = str(caught.value)
    assert f"no formula computes {target} ({REGISTRY[target].meaning}, in " in said
    assert f"give it, as in {target}=..." in said


def test_derive_of_a_target_without_a_formula() -> None:
    with pytest.raises(NoFormulaError, match=r"no formula computes think_time \(time between"):
        QWEN.derive("think_time")


# -------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("bandwidth", "8 TB", "byte/s"),
        ("memory", "80 GB/s", "byte"),
        ("price", "4 USD", "USD/h"),
        ("context", "20 s", "token/sequence"),
        ("peak_flops", "4500 TFLOP", "FLOP/s"),
        ("n_layers", "64 byte", "1"),
    ],
)
def test_a_unit_mismatch_names_both(name: str, text: str, unit: str) -> None:
    with pytest.raises(UnitError) as caught:
        QWEN.assume(**{name: text})
    said = str(caught.value)
    assert f"{name} expects {unit} (" in said
    assert f"got {text}" in said
    assert repr(text.split(" ")[1]) in said


def test_a_formula_of_another_unit_names_both() -> None:
    wrong = Formula(q.weight_bytes, q.n_params, why="no", source="no")
    with pytest.raises(UnitError, match=r"weight_bytes is in byte \(byte\), but n_params is in 1"):
        QWEN.assume(wrong)


# ------------------------------------------------------------------ domains


@pytest.mark.parametrize(
    ("name", "number", "rule"),
    [
        ("bandwidth", 0, "a number above 0"),
        ("price", -1, "a number above 0"),
        ("context", -1, "a number of at least 0"),
        ("reserved_memory", "-1 GB", "a number of at least 0"),
        ("duty_cycle", 0, "a fraction above 0 and at most 1"),
        ("duty_cycle", 1.01, "a fraction above 0 and at most 1"),
        ("usable_memory", 2, "a fraction above 0 and at most 1"),
        ("hit_rate", -0.1, "a share from 0 to 1"),
        ("hit_rate", 1.1, "a share from 0 to 1"),
        ("n_layers", 2.5, "a whole number of at least 1"),
        ("n_gpus", 0, "a whole number of at least 1"),
        ("n_vocab", -1, "a whole number of at least 0"),
        ("n_experts_shared", 0.5, "a whole number of at least 0"),
        ("tied_embeddings", 2, "0 or 1"),
    ],
)
def test_outside_its_domain(name: str, number: object, rule: str) -> None:
    with pytest.raises(DomainError) as caught:
        QWEN.assume(**{name: number})
    said = str(caught.value)
    assert said.startswith(f"{name} (")
    assert f"must be {rule}, got {number}." in said


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("reserved_memory", 0),
        ("hit_rate", 0),
        ("hit_rate", 1),
        ("duty_cycle", 1),
        ("n_vocab", 0),
        ("tied_embeddings", 0),
        ("think_time", 0),
        ("electricity_price", 0),
        ("context", 0),
    ],
)
def test_the_ends_of_a_domain_are_in_it(name: str, number: object) -> None:
    assert QWEN.assume(**{name: number})[name].number == number


@pytest.mark.parametrize(
    "thing", [float("nan"), float("inf"), "nan", "inf", None, [1], "1e", "--1"]
)
def test_what_is_no_number(thing: object) -> None:
    with pytest.raises(NapkinError, match="bandwidth expects byte/s"):
        QWEN.assume(bandwidth=thing)


def test_a_result_outside_its_domain_names_the_formula() -> None:
    with pytest.raises(DomainError, match=r"n_kv_heads .*comes out as 21.3.*n_heads/group_size"):
        _ = QWEN.assume(variants.gqa, group_size=3).users


def test_a_formula_outside_its_range_says_the_range() -> None:
    with pytest.raises(DomainError, match=r"turn_period .*holds only where duty_cycle < 1"):
        _ = QWEN.assume(duty_cycle=1, think_time=3).turn_period


# -------------------------------------------------------------- does not fit


def _gpus_named(n: nk.Napkin, target: str) -> int:
    """Return the GPUs that the message asks for, after checking that they are right."""
    with pytest.raises(DoesNotFitError) as caught:
        _ = n[target]
    found = re.search(r"n_gpus=(\d+)\.", str(caught.value))
    assert found
    asked = int(found[1])
    assert n.assume(n_gpus=asked)[target].number > 0
    with pytest.raises(DoesNotFitError):
        _ = n.assume(n_gpus=asked - 1)[target]
    return asked


def test_weights_that_do_not_fit() -> None:
    n = QWEN.assume(model="DeepSeek-V3")
    with pytest.raises(DoesNotFitError) as caught:
        _ = n.users
    said = str(caught.value)
    # 673,150,552,416 B of weights, scales counted, 183,359 MiB of memory
    assert "the weights do not fit in memory: they take 673 GB" in said
    assert "and only 192 GB is usable on 1 GPU: 481 GB short. " in said
    assert said.endswith("To fit one sequence too, set n_gpus=4.")
    assert _gpus_named(n, "users") == 4
    assert _gpus_named(n, "kv_budget") == 4
    assert _gpus_named(n.assume(bytes_per_weight=2), "users") == 8


def test_a_cache_that_does_not_fit() -> None:
    n = QWEN.assume(context=6_000_000, beyond_max_context=True)
    with pytest.raises(DoesNotFitError) as caught:
        _ = n.users
    said = str(caught.value)
    # 131,072 B x 6,000,000; 192 GB - 32.8 GB
    assert "a context of 6.00 million token" in said
    assert "takes 786 GB" in said
    assert "and only 160 GB is left for caches. Set n_gpus=8." in said
    assert "shorter context" in said
    assert _gpus_named(n, "users") == 8


def test_a_reserve_larger_than_the_memory() -> None:
    with pytest.raises(DoesNotFitError, match="takes 200 GB of the 192 GB usable on a GPU: res"):
        _ = QWEN.assume(reserved_memory="200 GB").users


def test_a_budget_that_is_given_and_too_small() -> None:
    with pytest.raises(DoesNotFitError, match="only 1.00 GB is left for caches. A short") as caught:
        _ = QWEN.assume(kv_budget="1 GB").users
    assert "n_gpus" not in str(caught.value)


@pytest.mark.slow
@given(
    st.sampled_from(["Qwen3-32B", "Llama-3-70B", "gpt-oss-120b", "DeepSeek-V3"]),
    st.integers(5, 200),
    st.integers(1000, 2_000_000),
    st.sampled_from([0.5, 0.9, 1]),
)
def test_the_gpus_that_would_do_really_do(
    model: str, gigabytes: int, context: int, share: float
) -> None:
    n = QWEN.assume(model=model, memory=f"{gigabytes} GB", usable_memory=share)
    n = n.assume(context=context, beyond_max_context=True)
    try:
        assert n.concurrent_sequences >= 1
    except DoesNotFitError as reason:
        if "n_gpus=" in str(reason):
            _gpus_named(n, "users")
        else:  # nor does any number of GPUs that shares the heads
            for power in range(1, 11):
                with pytest.raises(DoesNotFitError):
                    _ = n.assume(n_gpus=2**power).users


# ------------------------------------------------------- circles and setting


def test_a_circular_assumption_is_named() -> None:
    circle = Formula(q.concurrent_sequences, q.users, why="w", source="s")
    with pytest.raises(CircularError) as caught:
        _ = QWEN.assume(circle).users
    said = str(caught.value)
    assert "users needs concurrent_sequences" in said or "concurrent_sequences needs users" in said
    assert "give one of them a value, for example assume(" in said
    assert QWEN.assume(circle, users=3).concurrent_sequences == 3


def test_an_attribute_cannot_be_set() -> None:
    with pytest.raises(NapkinError, match=r"never changes: use assume\(context=\.\.\.\)"):
        QWEN.context = 3


def test_an_error_shows_as_one_sentence_in_a_notebook() -> None:
    with pytest.raises(NapkinError) as caught:
        QWEN.assume(bandwidth=0)
    shown = caught.value._render_traceback_()
    assert shown == [f"DomainError: {caught.value}"]
    assert "/" not in shown[0].replace("byte/s", "")


# ---------------------------------------------------- whatever is given: the twin

TARGETS = (
    "n_params",
    "n_params_active",
    "weight_bytes",
    "kv_bytes_per_sequence",
    "sequence_step_flops",
    "kv_budget",
    "concurrent_sequences",
    "whole_sequences",
    "largest_batch_at_speed",
    "active_limit",
    "decode_step_time",
    "tokens_per_second",
    "tokens_per_second_per_user",
    "prefill_time",
    "ttft",
    "tpot",
    "users",
    "users_per_gpu",
    "cost_per_user_month",
    "cost_per_million_tokens",
)


def wide(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw numbers of every size between two bounds, with few digits."""
    exponents = st.floats(0, 1).map(lambda x: low * (high / low) ** x)
    return exponents.map(lambda x: float(f"{x:.3g}")).filter(lambda x: low <= x <= high)


def whole(low: int, high: int) -> st.SearchStrategy[int]:
    return wide(low, high).map(round).filter(lambda x: low <= x <= high)


LAYERS = 24  # of the drawn models: variants say which of them are special
SHAPE = {
    "n_heads": whole(1, 256),
    "n_kv_heads": whole(1, 64),
    "d_head": whole(1, 512),
    "d_model": whole(1, 10_000),
    "d_ff": whole(1, 40_000),
    "n_vocab": st.one_of(st.just(0), whole(1, 300_000)),
    "tied_embeddings": st.sampled_from([0, 1]),
    "qk_norm": st.sampled_from([0, 1]),
}
SERVER = {
    "bandwidth": wide(1e9, 1e14),
    "peak_flops": wide(1e11, 1e17),
    "memory": wide(1e10, 1e13),
    "bytes_per_weight": st.sampled_from([0.5, 1, 2, 4]),
    "bytes_per_kv": st.sampled_from([0.5, 1, 2, 4]),
    "compute_efficiency": wide(1e-3, 1),
    "bandwidth_efficiency": wide(1e-3, 1),
    "usable_memory": wide(0.1, 1),
    "reserved_memory": st.one_of(st.just(0), wide(1e6, 1e10)),
}
LOAD = {
    "context": wide(1, 1e6),
    "max_context": st.just(10_000_000),
    "prompt": whole(1, 1_000_000),
    "price": wide(1e-3, 1e4),
}
MAYBE = {
    "speed_target": wide(1e-2, 1e3),
    "batch": wide(1e-1, 1e5),
    "host_link_bandwidth": wide(1e6, 1e12),
    "host_memory": wide(1e9, 1e13),
    "hit_rate": st.one_of(st.just(0), wide(1e-3, 0.999)),
    "new_tokens": whole(1, 100_000),
}
SPECIAL: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "mha": {},
    "mqa": {},
    "mla": {
        "kv_lora_rank": whole(1, 1024),
        "q_lora_rank": whole(1, 2048),
        "d_nope": whole(1, 256),
        "d_rope": whole(1, 128),
        "d_value": whole(1, 256),
    },
    "linear_attention": {
        "n_layers_linear": st.integers(1, LAYERS - 1),
        "n_linear_key_heads": whole(1, 64),
        "n_linear_value_heads": whole(1, 64),
        "d_linear_key": whole(1, 256),
        "d_linear_value": whole(1, 256),
        "conv_kernel": whole(1, 8),
    },
    "sliding_window": {"n_layers_window": st.integers(0, LAYERS), "window": whole(1, 1_000_000)},
    "moe": {
        "n_experts": whole(9, 512),
        "n_experts_active": st.integers(1, 8),
        "d_ff_expert": whole(1, 20_000),
        "n_experts_shared": st.integers(0, 2),
        "n_layers_dense": st.integers(0, LAYERS - 1),
    },
    "idle_offloaded": {},
    "idle_recomputed": {},
    "chunked_prefill": {},
    "disaggregated": {},
    "paged": {"block_size": whole(1, 1024)},
    "reserved_maximum": {},
    "attention_apart": {},
    "with_overheads": {
        "n_kernels": whole(1, 10_000),
        "kernel_launch_time": wide(1e-8, 1e-3),
        "host_time": st.one_of(st.just(0), wide(1e-6, 1e-1)),
    },
    "own": {
        "capex": wide(1e2, 1e6),
        "lifetime": wide(1e3, 1e6),
        "power": wide(1e-2, 20),
        "pue": wide(1, 3),
        "electricity_price": st.one_of(st.just(0), wide(1e-3, 1e1)),
    },
}
CHOICES = [
    ("", "mha", "mqa", "mla"),
    ("", "linear_attention"),
    ("", "sliding_window"),
    ("", "moe"),
    ("", "idle_offloaded", "idle_recomputed"),
    ("", "chunked_prefill", "disaggregated"),
    ("", "paged", "reserved_maximum"),
    ("", "attention_apart", "with_overheads"),
    ("", "own"),
]
SCALE = {"price": 1 / 3600, "lifetime": 3600, "power": 1000, "electricity_price": 1 / 3.6e6}


def _sharing_evenly(givens: dict[str, Any], bundles: list[str]) -> list[int]:
    heads = givens["n_heads"]
    parts = 1 if {"mqa", "mla"} & set(bundles) else givens.get("n_kv_heads", heads)
    divisors = [gpus for gpus in range(1, heads + 1) if heads % gpus == 0]
    return [gpus for gpus in divisors if not gpus % parts or not parts % gpus]


@st.composite
def worksheets(draw: st.DrawFn) -> tuple[nk.Napkin, Twin]:
    """Draw a napkin with everything that its bundles need, and its twin."""
    bundles = [draw(st.sampled_from(choice)) for choice in CHOICES]
    bundles = [name for name in bundles if name]
    givens: dict[str, Any] = {"n_layers": LAYERS}
    for group in (SHAPE, SERVER, LOAD):
        givens |= {name: draw(strategy) for name, strategy in group.items()}
    givens |= {name: draw(drawn) for name, drawn in MAYBE.items() if draw(st.booleans())}
    for bundle in bundles:
        givens |= {name: draw(strategy) for name, strategy in SPECIAL[bundle].items()}
    if {"linear_attention", "sliding_window"} <= set(bundles):  # each is a part of the layers
        rest = LAYERS - givens["n_layers_linear"]
        givens["n_layers_window"] = min(givens["n_layers_window"], rest)
    givens["n_heads"] += -givens["n_heads"] % givens["n_kv_heads"]  # whole groups
    if {"mha", "mqa"} & set(bundles):
        givens.pop("n_kv_heads")
    givens["context"] = max(givens["context"], givens.get("prompt", 0))
    if "own" in bundles:
        givens.pop("price")
    if "disaggregated" in bundles:  # to count the GPUs for prompts needs them to be known
        givens.setdefault("new_tokens", 300)
    if "hit_rate" not in givens and draw(st.booleans()):
        givens["message"] = min(givens["prompt"], draw(whole(1, 1_000_000)))
    if "new_tokens" in givens and draw(st.booleans()):
        givens["think_time"] = draw(wide(1e-1, 1e6))
    else:
        givens["duty_cycle"] = draw(st.one_of(st.just(1), wide(1e-4, 1)))
        givens["turn_period"] = draw(wide(1e-1, 1e6))
    givens["n_gpus"] = draw(st.sampled_from(_sharing_evenly(givens, bundles)))
    typed = givens | {"bytes_per_weight": f"{givens['bytes_per_weight']} byte"}
    n = nk.Napkin(**typed).assume(*(BUNDLES[name] for name in bundles if name in BUNDLES))
    n = n.assume(**typed)
    twin = Twin({k: float(v) * SCALE.get(k, 1) for k, v in givens.items()}, bundles)
    return n, twin


PER = {"cost_per_million_tokens": 1e6}


def _excuse(twin: Twin, target: str) -> bool:
    """Say whether plain floats, too, find no room or no batch that is fast enough."""
    if target in TARGETS[:5]:
        return False
    if target == "prefill_time":
        return twin.kv_budget() <= 0
    if twin.has("reserved_maximum") and twin.context > twin.max_context:
        return True
    if target == "largest_batch_at_speed":
        return not twin.speed_target or twin.largest_batch_at_speed() < 1
    if twin.kv_budget() <= 0 or twin.concurrent_sequences() < max(1, twin.batch):
        return True
    return bool(twin.speed_target) and twin.largest_batch_at_speed() < 1


@pytest.mark.slow
@settings(max_examples=400)
@given(worksheets(), st.sampled_from(TARGETS))
def test_any_answer_is_finite_and_right_or_a_named_error(
    drawn: tuple[nk.Napkin, Twin], target: str
) -> None:
    n, twin = drawn
    try:
        value = n[target]
        text = str(value)
    except NapkinError as reason:
        said = str(reason)
    else:
        _check(value, text, twin, target)
        return
    assert _excuse(twin, target), said
    assert len(said) > 40


def _check(value: nk.Value, text: str, twin: Twin, target: str) -> None:
    found = float(value)
    assert isfinite(found)
    assert not {"nan", "inf", "zoo"} & set(text.split())
    expected = getattr(twin, target)() * PER.get(target, 1)
    if target == "whole_sequences":
        assert abs(found - expected) <= max(1, 1e-9 * expected)
    elif target == "kv_budget":  # a difference of two numbers much larger than itself
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12 * twin.weight_bytes())
    else:
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
@given(worksheets(), st.sampled_from(TARGETS))
def test_an_explanation_reads_or_says_why_not(drawn: tuple[nk.Napkin, Twin], target: str) -> None:
    n, twin = drawn
    said: list[str] = []
    with suppress(NapkinError):
        tree, limits = nk.explain(n, target), nk.binding(n, target)
        said = [str(tree), tree._repr_html_()]
        assert all(line.count(" is decided by ") == 1 for line in limits.lines)
    assert said or _excuse(twin, target)
    assert all(target in text for text in said)


def test_the_twin_notices_a_difference() -> None:
    givens: dict[str, Any] = {
        "n_layers": 2,
        "n_heads": 3,
        "n_kv_heads": 1,
        "d_head": 5,
        "d_model": 7,
        "d_ff": 11,
    }
    twin = Twin(givens, [])
    n = nk.Napkin(**givens, n_vocab=0)
    assert float(n.n_params) == twin.n_params()
    assert float(n.assume(qk_norm=1).n_params) != twin.n_params()
    assert n.n_params == 2 * (7 * 5 * (3 + 3 + 2) + 3 * 7 * 11) + 5 * 7


# ------------------------------------------------------------- at the far ends


ASKS_FOR_NO_CACHE = {
    *("n_params", "n_params_active", "weight_bytes", "kv_bytes_per_sequence"),
    *("sequence_step_flops", "kv_budget", "prefill_time"),
}


@pytest.mark.parametrize("target", TARGETS)
def test_an_empty_context_is_allowed(target: str) -> None:
    """A context of 0 is in its domain: what divides by the cache says so, the rest has a value."""
    n = QWEN.assume(context=0, speed_target=50, prompt=10)
    if target in ASKS_FOR_NO_CACHE:
        assert isfinite(float(n[target]))
        assert (float(n[target]) == 0) == (target == "kv_bytes_per_sequence")
    else:
        with pytest.raises(DomainError, match="has no finite value here, .* divides by 0") as no:
            _ = n[target]
        assert not {"nan", "inf", "zoo", "oo"} & set(str(no.value).split())


ENDS = {
    "no linear layer": (["linear_attention"], {"n_layers_linear": 0}, "kv_bytes_per_sequence"),
    "only linear layers": (["linear_attention"], {"n_layers_linear": LAYERS}, "n_params"),
    "nothing but states": (["linear_attention"], {"n_layers_linear": LAYERS}, "decode_step_time"),
    "no layer with experts": (["moe"], {"n_layers_dense": LAYERS}, "weight_bytes_read"),
    "no layer with experts, speed": (["moe"], {"n_layers_dense": LAYERS}, "largest_batch_at_speed"),
    "no windowed layer": (["sliding_window"], {"n_layers_window": 0}, "kv_bytes_per_sequence"),
    "only windowed layers": (["sliding_window"], {"n_layers_window": LAYERS}, "prefill_time"),
    "a prompt that is cached": ([], {"hit_rate": 1}, "prefill_time"),
    "a prompt that is cached, no vocabulary": ([], {"hit_rate": 1, "n_vocab": 0}, "prefill_time"),
}


@pytest.mark.parametrize("case", ENDS)
def test_what_its_domain_allows_has_an_answer(case: str) -> None:
    bundles, givens, target = ENDS[case]
    special = {
        "n_linear_key_heads": 2,
        "n_linear_value_heads": 4,
        "d_linear_key": 8,
        "d_linear_value": 16,
        "conv_kernel": 4,
        "window": 100,
        "n_experts": 8,
        "n_experts_active": 2,
        "d_ff_expert": 64,
        "bytes_per_state": 4,
        "n_layers": LAYERS,
    }
    n = QWEN.assume(*(BUNDLES[name] for name in bundles if name in BUNDLES))
    n = n.assume(speed_target=50, prompt=1000, batch=4, **(special | givens))
    known = {symbol.name: float(given.value) for symbol, given in n.givens.items()}
    expected = getattr(Twin(known, bundles), target)()
    assert float(n[target]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "givens",
    [
        {"speed_target": 1000},
        {"speed_target": 240},
        {"speed_target": 100, "compute_efficiency": 0.0001},
        {"speed_target": 1000, "host_time": "2 ms"},
    ],
    ids=str,
)
@pytest.mark.parametrize("bundle", ["fluid", "attention_apart", "with_overheads"])
def test_a_speed_out_of_reach_says_what_to_do(givens: dict[str, Any], bundle: str) -> None:
    launches = {"n_kernels": 10, "kernel_launch_time": "1 us", "host_time": "0 s"}
    n = QWEN.assume(BUNDLES[bundle], **(launches | givens))
    with pytest.raises(DoesNotFitError) as caught:
        _ = n.users
    said = str(caught.value)
    pause = n.assume(decode_step_time=1 / float(n.speed_target)).tpot
    assert f"at {n.speed_target} a step may take {pause}." in said
    # 32.0 GB of weights and 2.62 GB of cache at 8 TB/s; 106 GFLOP at 0.45 TFLOP/s
    slow = "compute_efficiency" in givens
    alone = "work of one sequence takes 235 ms" if slow else "and one cache takes 4.33 ms"
    assert alone in said
    assert ("one cache takes" in said) is not slow
    found = re.search(r"Lower speed_target, .*, or set n_gpus=(\d+) or more\.", said)
    assert found
    if not (bundle == "attention_apart" and slow):  # there attention takes no arithmetic
        with pytest.raises(DoesNotFitError):
            _ = n.assume(n_gpus=int(found[1]) - 1).users
    if bundle == "fluid":
        assert n.assume(n_gpus=int(found[1])).users > 0


def test_a_speed_that_only_the_host_keeps_out_of_reach() -> None:
    launches = {"n_kernels": 10, "kernel_launch_time": "1 us", "host_time": "20 ms"}
    n = QWEN.assume(variants.with_overheads, **launches, speed_target=100)
    with pytest.raises(DoesNotFitError, match="The whole step of one sequence takes longer: low"):
        _ = n.users


def test_the_gpus_that_would_do_leave_room_for_a_cache() -> None:
    """Weights that fill two GPUs to the last byte leave nothing."""
    n = nk.Napkin(n_params=20 * 10**9, bytes_per_weight=1, memory="10 GB", n_gpus=2)
    with pytest.raises(DoesNotFitError, match="The weights alone need 3 GPUs.$"):
        _ = n.kv_budget
    assert n.assume(n_gpus=3).kv_budget == nk.Napkin(memory="10 GB").memory


@pytest.mark.parametrize("bundle", ["paged", "reserved_maximum"])
def test_the_gpus_that_would_do_under_another_way_to_share_memory(bundle: str) -> None:
    n = QWEN.assume(BUNDLES[bundle], context=900_000, block_size=1_000_000, max_context=3_000_000)
    with pytest.raises(DoesNotFitError) as caught:
        _ = n.users
    # 900,000 tokens take 118 GB of the 147 GB that are left: they would fit, but for the waste
    waste = {"paged": Rational(999_999, 2), "reserved_maximum": 2_100_000}[bundle]
    assert n.kv_bytes_per_token * (900_000 + waste) > n.kv_budget
    assert "takes 118 GB" not in str(caught.value)
    _gpus_named(n, "users")


def test_more_active_experts_than_there_are() -> None:
    n = nk.Napkin(model="gpt-oss-120b", precision="fp8", batch=4, n_experts_active=200)
    with pytest.raises(NapkinError, match="n_experts"):
        _ = n.weight_bytes_read


def test_all_experts_active_is_a_dense_model() -> None:
    n = nk.Napkin(model="gpt-oss-120b", accelerator="B200", precision="fp8", context=1000)
    n = n.assume(n_experts_active=128, bytes_per_weight=1)
    assert n.assume(batch=5).weight_bytes_read.number == n.n_params_active.number
    full = n.assume(batch=n.assume(speed_target=20).largest_batch_at_speed)
    assert abs(full.decode_step_time.number * 20 - 1) < Rational(1, 10**25)  # a bracketed root


VERBS: dict[str, Callable[[Any], Any]] = {
    "binding": lambda n: nk.binding(n, "users"),
    "compare": lambda n: nk.compare(n, QWEN),
    "explain": lambda n: nk.explain(n, "users"),
    "explore": lambda n: nk.explore(n, "users", "context"),
    "sensitivity": lambda n: nk.sensitivity(n, "users"),
    "solve": lambda n: nk.solve(n, "context", users=3),
    "sweep": lambda n: nk.sweep(n, "users", context=[1]),
    "symbols": lambda n: nk.symbols(n, "users"),
    "uncertainty": lambda n: nk.uncertainty(n, "users", context=(1, 2)),
}


def test_every_verb_stands_in_the_table() -> None:
    public = {name: getattr(nk, name) for name in nk.__all__}
    first = {
        name: next(iter(signature(value).parameters.values()), None)
        for name, value in public.items()
        if isfunction(value)
    }
    assert {name for name, one in first.items() if one and "Napkin" in str(one.annotation)} == set(
        VERBS
    )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("first", ["users", None, 3])
def test_a_verb_without_a_napkin_says_so(verb: str, first: object) -> None:
    with pytest.raises(nk.NapkinError, match=rf"{verb} takes a napkin first, got {first!r}"):
        VERBS[verb](first)


# ----------------------------------------------- more than the memory holds


@pytest.mark.parametrize(
    "target", ["tpot", "tokens_per_second", "cost_per_million_tokens", "ttft", "decode_step_time"]
)
def test_a_batch_beyond_memory_has_no_time_speed_or_cost(target: str) -> None:
    n = QWEN.assume(prompt=100, new_tokens=10)
    with pytest.raises(DoesNotFitError, match="batch do not fit in memory: only 60 sequences"):
        _ = n.assume(batch=61)[target]
    assert n.assume(batch=60)[target]
    assert n.assume(batch=61).users == n.users


@pytest.mark.parametrize("target", ["cost_per_user_month", "users_per_gpu", "capex_per_user"])
def test_users_beyond_memory_have_no_cost(target: str) -> None:
    n = QWEN.assume(capex=3)
    with pytest.raises(DoesNotFitError, match="users do not fit in memory: only 60 sequences fit"):
        _ = n.assume(users=10**6)[target]
    assert n.assume(users=60)[target]
    assert n.assume("idle_recomputed", users=57)[target]
    moved = n.assume("idle_offloaded", host_memory="1 TB")
    with pytest.raises(DoesNotFitError, match="of the host: only those of"):
        _ = moved.assume(users=10**6)[target]
    assert moved.assume(users=57)[target]


# ----------------------------------------------------- implausible input


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"context": True}, "context expects token/sequence .*only a switch is true or false"),
        ({"bytes_per_weight": 4}, r"would be 4 B: a weight of four bits takes 0.5 byte"),
        ({"bytes_per_weight": 8}, "at most 4 bytes"),
        ({"bytes_per_kv": 8}, r"four bits are 0.5"),
        ({"reserved_memory": 4}, "reserved_memory=4 would be 4 B: give a unit, as in '4 GB'"),
        ({"reserved_memory": "4"}, "give a unit"),
        ({"month": "30 h"}, "at least 600 hours"),
        ({"power": 700}, "at most 20 kW for one GPU, got 700"),
        ({"lifetime": 3}, "at least 1,000 hours"),
    ],
)
def test_input_that_is_likely_a_slip(given: dict[str, object], says: str) -> None:
    with pytest.raises(NapkinError, match=says):
        QWEN.assume(**given)


def test_what_is_unusual_but_meant_is_taken() -> None:
    n = QWEN.assume(bytes_per_weight="4 byte", reserved_memory="4 byte", bytes_per_kv=4)
    assert float(n.bytes_per_weight) == float(n.reserved_memory) == float(n.bytes_per_kv) == 4
    assert QWEN.assume(reserved_memory=0, tied_embeddings=True).users
    assert nk.sweep(QWEN, "users", reserved_memory=[0, 4]).fits.all()
    assert QWEN.function("cost_per_user_month", "month")(600)


@pytest.mark.parametrize("heads", [7, 65, 128])
def test_key_value_heads_that_do_not_divide_the_query_heads(heads: int) -> None:
    with pytest.raises(DoesNotFitError, match=f"n_heads is 64, n_kv_heads is {heads}"):
        _ = QWEN.assume(n_kv_heads=heads).users
    grid = nk.sweep(QWEN, "users", n_kv_heads=[heads, 16])
    assert grid.fits.values.tolist() == [False, True]


@pytest.mark.parametrize("way", [(), ("chunked_prefill",)])
def test_a_context_holds_the_prompt(way: tuple[str, ...]) -> None:
    n = QWEN.assume(*way, prompt=12_000, new_tokens=300)
    with pytest.raises(DomainError, match="only where prompt <= context.*holds its prompt"):
        _ = n.assume(context=100).tpot
    assert "prompt, new_tokens given, but not used" in str(nk.explain(n, "users"))
    grid = nk.sweep(n, "tpot", context=[100, 12_000])
    assert grid.fits.values.tolist() == [False, True]
    assert nk.sweep(n, "tpot", beyond=True, context=[100]).tpot > 0  # a curve may go on
    assert n.assume(context=12_000).tpot
    with pytest.raises(DomainError, match="context is 100 token/sequence, prompt is 12,000"):
        _ = n.assume(context=100).ttft
    assert n.assume(context=100).prefill_time


def test_a_model_is_trained_for_prompt_and_answer_together() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="B200", precision="fp8", context=20_000)
    n = n.assume(prompt=19_000, new_tokens=300, think_time=20)
    assert n.users
    long = n.assume(new_tokens=113_000)
    with pytest.raises(DoesNotFitError, match="answer is longer .* 132,000 is asked for"):
        _ = long.users
    assert long.assume(beyond_max_context=True).users


# ------------------------------------------------------ names used elsewhere


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("mfu", "compute_efficiency"),
        ("MBU", "bandwidth_efficiency"),
        ("itl", "tpot"),
        ("tbt", "tpot"),
        ("vram", "memory"),
        ("qps", "requests_per_second"),
        ("max_num_seqs", "max_sequences"),
        ("concurrency", "batch"),
        ("gpu_memory_utilization", "usable_memory"),
        ("isl", "prompt"),
        ("throughput", "tokens_per_second"),
        ("osl", "new_tokens"),
        ("kv_cache_dtype", "bytes_per_kv"),
        ("num_key_value_heads", "n_kv_heads"),
    ],
)
def test_a_name_from_elsewhere_leads_to_the_quantity(name: str, here: str) -> None:
    one: dict[str, Any] = {name: 1}
    for ask in (
        lambda: QWEN[name],
        lambda: getattr(QWEN, name),
        lambda: nk.Napkin(**one),
        lambda: QWEN.assume(f"users = 3*{name}"),
        lambda: nk.sweep(QWEN, "users", **one),
    ):
        with pytest.raises(NapkinError, match=f"no quantity '{name}': here it is {here} \\("):
            ask()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("tok/s", "here it is tokens_per_second"),
        ("latency", "tpot is .*, ttft"),
        ("ep", "assume 'expert_parallel'"),
        ("dp", "replicas .* 'attention_data_parallel'"),
        ("pp", "no formula here counts stages of layers; n_gpus"),
    ],
)
def test_a_planner_s_word_gets_advice(name: str, advice: str) -> None:
    one: dict[str, Any] = {name: 8}
    for ask in (nk.Napkin, QWEN.assume):
        with pytest.raises(UnknownNameError, match=f"no quantity '{name}': {advice}"):
            ask(**one)


def test_a_precision_is_named_where_a_width_is_meant() -> None:
    with pytest.raises(UnknownNameError, match="bytes_per_weight .*; or name a precision"):
        nk.Napkin(quant="fp8")


def test_a_bundle_called_as_elsewhere_gets_advice() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no variant 'ep'.* Assume 'expert_parallel' beside"
    ):
        QWEN.assume("ep")


def test_what_a_quantity_is_called_elsewhere_is_no_quantity_here() -> None:
    known = [name for quantity in REGISTRY.values() for name in quantity.also]
    assert len(known) == len(set(known))
    assert not set(known) & REGISTRY.keys()
    assert all(name == name.lower() for name in known)


def test_a_context_beyond_what_the_model_was_trained_for() -> None:
    for target in ("users", "tpot", "cost_per_million_tokens"):
        with pytest.raises(DoesNotFitError, match="140,000 .* and 131,072 is the longest"):
            _ = QWEN.assume(context=140_000)[target]
        assert QWEN.assume(context=140_000, beyond_max_context=True)[target]
    assert QWEN.assume(context=131_072).users  # with rope scaling
    with pytest.raises(DoesNotFitError, match="and 8,192 is the longest"):
        _ = QWEN.assume(model="Llama-3-70B", context=8_193).users
    assert nk.Napkin(scenario="article", context=10**6, batch=1).kv_bytes_per_sequence
    grid = nk.sweep(QWEN, "users", context=[131_072, 131_073])
    assert grid.fits.values.tolist() == [True, False]


@pytest.mark.parametrize("target", ["users", "ttft", "duty_cycle", "tpot"])
def test_a_prompt_longer_than_its_context_is_refused(target: str) -> None:
    n = nk.Napkin(
        model="Llama-3.1-8B", accelerator="H100", precision="bf16", context=100, prompt=12_000,
        new_tokens=300, think_time=30,
    )  # fmt: skip
    with pytest.raises(DomainError, match="holds only where prompt <= context"):
        _ = n[target]


def test_a_bundle_that_does_not_exist_names_the_closest() -> None:
    with pytest.raises(NapkinError, match="did you mean idle_offloaded"):
        QWEN.assume("idle_offload")
