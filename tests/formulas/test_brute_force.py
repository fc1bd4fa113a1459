"""Twins that share no formula with the package: loops, lists of shapes, enumeration."""

import pickle
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product
from math import comb, isnan, prod
from typing import Any

import pytest
from scipy.special import betainc
from sympy import Float, Rational, exp, uppergamma

import napkin as nk
from napkin.formulas import duty_cycle
from napkin.formulas.probability import (
    FUNCTIONS,
    BinomialOverflow,
    ErlangB,
    ErlangC,
    LoadAtWait,
    UsersAtOverflow,
)
from napkin.quantities import notation as q
from tests.evaluating import Shape, compute, total

# ------------------------------------------------------------------ matrices

SHAPES = [(1, 1, 1), (2, 3, 4), (5, 7, 3), (8, 8, 8)]


@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
def test_triple_loop(m: int, k: int, n: int) -> None:
    multiplies = additions = loads = 0
    for _ in range(m):
        for _ in range(n):
            for step in range(k):
                loads += 2
                multiplies += 1
                additions += step > 0
    shape = {"rows": m, "inner": k, "columns": n}
    assert compute("matmul_scalar_operations", **shape) == multiplies + additions
    assert compute("matmul_flops", **shape) == 2 * multiplies
    assert compute("element_loads", **shape) == loads


@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
@pytest.mark.parametrize(("tile_m", "tile_n"), [(1, 1), (2, 3), (3, 2), (4, 8), (9, 9)])
def test_tiles_with_ragged_edges(m: int, k: int, n: int, tile_m: int, tile_n: int) -> None:
    moved = 0
    for top in range(0, m, tile_m):
        for left in range(0, n, tile_n):
            rows = range(top, min(top + tile_m, m))
            columns = range(left, min(left + tile_n, n))
            for _ in range(k):
                moved += len(rows) + len(columns)
            moved += len(rows) * len(columns)  # written once
    tiling = {"tile_rows": tile_m, "tile_columns": tile_n}
    assert compute("tiled_traffic", rows=m, inner=k, columns=n, **tiling) == moved


def test_each_matrix_once() -> None:
    sizes = {"activation": 2, "weight": 1, "output": 4}
    counted = {"activation": 5 * 7, "weight": 7 * 3, "output": 5 * 3}
    bytes_moved = sum(sizes[kind] * counted[kind] for kind in sizes)
    given = {f"bytes_per_{kind}": size for kind, size in sizes.items()}
    assert compute("compulsory_bytes", rows=5, inner=7, columns=3, **given) == bytes_moved


# ------------------------------------------------------- generation, step by step


@pytest.mark.parametrize(("prompt", "new"), [(1, 1), (5, 1), (1, 6), (9, 4), (100, 37)])
def test_generation_with_and_without_a_cache(prompt: int, new: int) -> None:
    weights = 11
    without = with_cache = 0
    for step in range(new):
        without += 2 * weights * (prompt + step)
        with_cache += 2 * weights * (prompt if step == 0 else 1)
    given = {"prompt": prompt, "new_tokens": new, "n_params_active": weights}
    assert compute("flops_without_cache", **given) == without
    assert compute("flops_with_cache", **given) == with_cache


def test_generation_time_as_the_context_grows() -> None:
    prompt, new, batch, per_token, weights, rate = 50, 13, 4, 3, 700, 20
    total = sum(
        Fraction(weights + batch * per_token * (prompt + step), rate) for step in range(new)
    )
    given = {"prompt": prompt, "new_tokens": new, "batch": batch, "bandwidth": rate}
    found = compute(
        "generation_time", **given, kv_bytes_per_token=per_token, weight_bytes_read=weights
    )
    assert found == Rational(total)


# --------------------------------------------------------- pairs under a causal mask


def _pairs(prefix: int, new: int, window: int | None) -> int:
    count = 0
    for query in range(prefix, prefix + new):
        for key in range(prefix + new):
            seen = key <= query and (window is None or query - key < window)
            count += seen
    return count


@pytest.mark.parametrize("new", [1, 3, 8, 20])
@pytest.mark.parametrize("prefix", [0, 1, 4, 12, 30])
def test_causal_pairs_over_a_prefix(prefix: int, new: int) -> None:
    prompt = prefix + new
    given = {"prompt": prompt, "hit_rate": Fraction(prefix, prompt)}
    assert compute("attention_pairs", **given) == _pairs(prefix, new, None)


@pytest.mark.parametrize("window", [1, 2, 5, 12, 40])
@pytest.mark.parametrize("new", [1, 3, 8, 20])
@pytest.mark.parametrize("prefix", [0, 1, 4, 12, 30])
def test_causal_pairs_in_a_window(prefix: int, new: int, window: int) -> None:
    """Three layers, two of them windowed: the mean over the layers."""
    prompt = prefix + new
    counted = Fraction(_pairs(prefix, new, None) + 2 * _pairs(prefix, new, window), 3)
    found = compute(
        "attention_pairs",
        prompt=prompt,
        hit_rate=Fraction(prefix, prompt),
        n_layers=3,
        n_layers_window=2,
        window=window,
    )
    assert found == Rational(counted)


@pytest.mark.parametrize("context", [0, 1, 6, 7, 100])
def test_tokens_kept_by_windowed_layers(context: int) -> None:
    kept = [list(range(context)), list(range(context))[-7:], list(range(context))[-7:]]
    mean = Rational(sum(map(len, kept)), 3)
    shape = {"n_layers": 3, "n_layers_window": 2, "window": 7}
    assert compute("tokens_kept", context=context, cache_elements=16, **shape) == mean


@pytest.mark.parametrize("block", [1, 2, 16, 17])
def test_waste_of_the_last_page(block: int) -> None:
    lengths = range(1, 3 * block + 1)
    mean = Rational(sum(-length % block for length in lengths), len(lengths))
    assert compute("block_waste", block_size=block) == mean


# ----------------------------------------------- parameters, from lists of weight shapes


def qwen3_32b() -> Iterator[Shape]:
    yield from [(151936, 5120), (151936, 5120), (5120,)]  # embedding, head, last norm
    for _ in range(64):
        yield from [(5120,), (5120,)]  # norms
        yield from [(64 * 128, 5120), (8 * 128, 5120), (8 * 128, 5120), (5120, 64 * 128)]
        yield from [(128,), (128,)]  # norms of queries and keys
        yield from [(25600, 5120), (25600, 5120), (5120, 25600)]


def llama_3_8b() -> Iterator[Shape]:
    yield from [(128256, 4096), (128256, 4096), (4096,)]
    for _ in range(32):
        yield from [(4096,), (4096,)]
        yield from [(4096, 4096), (1024, 4096), (1024, 4096), (4096, 4096)]
        yield from [(14336, 4096), (14336, 4096), (4096, 14336)]


def gpt_oss_120b(experts: int = 128) -> Iterator[Shape]:
    yield from [(201088, 2880), (201088, 2880), (2880,)]
    for _ in range(36):
        yield from [(2880,), (2880,)]
        yield from [(4096, 2880), (4096,), (512, 2880), (512,), (512, 2880), (512,)]
        yield from [(2880, 4096), (2880,), (64,)]  # output with bias, sinks
        yield from [(128, 2880), (128,)]  # router
        for _ in range(experts):
            yield from [(2880, 2 * 2880), (2 * 2880,), (2880, 2880), (2880,)]


def deepseek_v3(experts: int = 256) -> Iterator[Shape]:
    yield from [(129280, 7168), (129280, 7168), (7168,)]
    for layer in range(61):
        yield from [(7168,), (7168,)]
        yield from [(1536, 7168), (1536,), (128 * 192, 1536)]  # queries
        yield from [(512 + 64, 7168), (512,), (128 * 256, 512), (7168, 128 * 128)]
        if layer < 3:
            yield from [(18432, 7168), (18432, 7168), (7168, 18432)]
            continue
        yield (256, 7168)
        for _ in range(experts + 1):  # and one shared
            yield from [(2048, 7168), (2048, 7168), (7168, 2048)]


@pytest.mark.parametrize(
    ("name", "shapes", "active"),
    [
        ("Qwen3-32B", qwen3_32b, qwen3_32b),
        ("Llama-3-8B", llama_3_8b, llama_3_8b),
        ("gpt-oss-120b", gpt_oss_120b, lambda: gpt_oss_120b(4)),
        ("DeepSeek-V3", deepseek_v3, lambda: deepseek_v3(8)),
    ],
)
def test_parameters_are_what_the_shapes_add_up_to(name: str, shapes: Any, active: Any) -> None:
    model = nk.Model.from_config(name)
    embedding = prod(next(shapes()))
    assert model.n_params == total(shapes())
    assert model.n_params_active == total(active()) - embedding
    assert model.count("n_params_active_with_embedding") == total(active())


def test_one_linear_layer() -> None:
    """A small layer: 2 key heads of 3, 4 value heads of 5, width 7, convolution of 4 taps."""
    qkv = 2 * 3 + 2 * 3 + 4 * 5
    shapes = [(qkv, 7), (4 * 5, 7), (4, 7), (4, 7), (qkv, 4), (4,), (4,), (5,), (7, 4 * 5)]
    given = {
        "d_model": 7,
        "n_linear_key_heads": 2,
        "d_linear_key": 3,
        "n_linear_value_heads": 4,
        "d_linear_value": 5,
        "conv_kernel": 4,
    }
    found = compute("linear_attention_params", **given)
    assert found == total(iter(shapes))


# --------------------------------------------------------------- experts touched


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("active", [1, 2, 3])
def test_experts_touched_over_all_choices(active: int, batch: int) -> None:
    experts = 4
    choices = list(combinations(range(experts), active))
    touched = [len(set().union(*tokens)) for tokens in product(choices, repeat=batch)]
    mean = Rational(sum(touched), len(touched))
    found = compute("experts_touched", n_experts=experts, n_experts_active=active, batch=batch)
    assert found == mean


# ----------------------------------------------------------------- chance and load


def _overflow(users: int, slots: int, share: Fraction) -> Fraction:
    terms = (
        comb(users, active) * share**active * (1 - share) ** (users - active)
        for active in range(slots + 1, users + 1)
    )
    return sum(terms, Fraction(0))


@pytest.mark.parametrize(
    ("users", "slots", "share"),
    [(1, 0, 0.5), (5, 2, 0.3), (20, 20, 0.2), (21, 20, 0.2), (229, 60, 0.2), (300, 60, 0.2)],
)
def test_binomial_overflow_by_summation(users: int, slots: int, share: float) -> None:
    exact = _overflow(users, slots, Fraction(str(share)))
    found = BinomialOverflow(users, slots, Rational(str(share))).evalf()
    assert float(found) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.slow
def test_sixty_slots_carry_229_users() -> None:
    share, target = Fraction(1, 5), Fraction(1, 100)
    largest = max(n for n in range(60, 301) if _overflow(n, 60, share) <= target)
    assert largest == 229
    users = float(UsersAtOverflow(60, Rational(1, 5), Rational(1, 100)).evalf())
    assert 229 <= users < 230
    found = compute(
        "users_by_load", "binomial", active_limit=60, duty_cycle=0.2, overflow_target=0.01
    )
    assert 229 <= found < 230


def test_a_chance_that_is_no_limit() -> None:
    """Who accepts nearly every overflow accepts more users than the mean load allows."""
    given = {"active_limit": 60, "duty_cycle": 0.2, "overflow_target": 0.999}
    assert compute("users_by_load", "binomial", **given) >= 300
    assert BinomialOverflow(q.users, 60, Rational(1, 5)).evalf().free_symbols == {q.users}
    never = UsersAtOverflow(60, Rational(1, 5), Rational(1, 10**300)).evalf()
    assert 60 <= never < 61


def test_the_normal_approximation_is_within_three_percent() -> None:
    given = {"active_limit": 60, "duty_cycle": 0.2, "quantile": 2.3263}
    assert abs(float(compute("users_at_quantile", **given)) / 229 - 1) < 0.03


def _erlang_b(servers: int, load: Fraction | float) -> Any:
    blocked: Any = 1
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    return blocked


@pytest.mark.parametrize("servers", [1, 2, 10, 100, 1000])
@pytest.mark.parametrize("busy", [0.1, 0.7, 0.95, 1.0, 1.3, 1.6])
def test_erlang_b_by_recursion(servers: int, busy: float) -> None:
    load = servers * busy
    found = float(ErlangB(servers, Rational(str(load))).evalf())
    expected = _erlang_b(servers, load)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)
    packaged = compute("blocking_probability", slots=servers, offered_load=Rational(str(load)))
    assert float(packaged) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("servers", [1, 2, 10, 100, 1000])
@pytest.mark.parametrize("busy", [0.5, 0.7, 0.95, 0.999])
def test_erlang_c_by_the_chain_of_states(servers: int, busy: float) -> None:
    """Weights of the states of the birth-death chain: a^k/k! up to c, then a geometric tail."""
    load = servers * busy
    weight, below = 1.0, 0.0
    for state in range(servers):
        below += weight
        weight *= load / (state + 1)
        if weight > 1e200:
            below, weight = below / 1e200, weight / 1e200
    waiting = weight / (1 - busy)
    expected = waiting / (below + waiting)
    found = float(ErlangC(servers, Rational(str(load))).evalf())
    assert found == pytest.approx(expected, rel=1e-9)
    packaged = compute("wait_probability", slots=servers, offered_load=Rational(str(load)))
    assert float(packaged) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("servers", [1, 7, 60, 1000])
@pytest.mark.parametrize("target", [0.001, 0.05, 0.5])
def test_the_load_at_a_wait_gives_that_wait(servers: int, target: float) -> None:
    users = compute(
        "users_by_load", "erlang", active_limit=servers, duty_cycle=0.2, wait_target=target
    )
    load = float(users) * 0.2
    blocked = _erlang_b(servers, load)
    assert blocked / (1 - load / servers * (1 - blocked)) == pytest.approx(target, rel=1e-6)


def test_a_broken_number_of_places() -> None:
    """Between whole numbers the incomplete gamma and beta functions go on, ten digits of them."""
    for servers, load in ((0.3, 0.2), (2.5, 1), (17.25, 12), (60.5, 90.25), (20_000.5, 19_800)):
        places, offered = Float(servers, 30), Float(load, 30)
        exact = offered**places * exp(-offered) / uppergamma(places + 1, offered)
        assert FUNCTIONS["ErlangB"](servers, load) == pytest.approx(float(exact), rel=1e-10)
    for users, slots, share in ((3.5, 0.5, 0.3), (301.25, 60.5, 0.2), (60_000.5, 12_200.25, 0.2)):
        exact = betainc(slots + 1, users - slots, share)
        found = FUNCTIONS["BinomialOverflow"](users, slots, share)
        assert found == pytest.approx(exact, rel=1e-10)


def test_the_ends_of_chance() -> None:
    assert FUNCTIONS["BinomialOverflow"](61, 60, 1.0) == 1  # all are active, always
    assert FUNCTIONS["UsersAtOverflow"](60, 1.0, 0.01) == pytest.approx(60)
    assert FUNCTIONS["ErlangB"](60, 0.0) == 0  # nobody comes
    assert isnan(FUNCTIONS["ErlangB"](60, -1.0))
    assert isnan(FUNCTIONS["BinomialOverflow"](300, 60, 1.5))
    nowhere = float("nan")
    assert isnan(FUNCTIONS["UsersAtOverflow"](nowhere, 0.2, 0.01))
    assert isnan(FUNCTIONS["LoadAtWait"](nowhere, 0.05))


@pytest.mark.parametrize(
    ("call", "symbol", "at"),
    [
        (UsersAtOverflow(q.slots, Rational(1, 5), Rational(1, 100)), q.slots, 60),
        (LoadAtWait(60, q.wait_target), q.wait_target, Rational(1, 20)),
        (ErlangB(60, q.offered_load), q.offered_load, 50),
    ],
)
def test_slopes_of_chance(call: Any, symbol: Any, at: Any) -> None:
    """Two derivatives of one function are the same, also after a round trip."""
    slope = call.diff(symbol)
    assert slope == call.diff(symbol)
    assert hash(slope) == hash(call.diff(symbol))
    assert pickle.loads(pickle.dumps(slope)) == slope
    found = float(slope.subs(symbol, at).evalf())
    step = Rational(1, 1000) * at
    high, low = (float(call.subs(symbol, at + move).evalf()) for move in (step, -step))
    assert found == pytest.approx((high - low) / float(2 * step), rel=1e-4)
    again = float(slope.diff(symbol).subs(symbol, at).evalf())
    middle = float(call.subs(symbol, at).evalf())
    assert again == pytest.approx((high - 2 * middle + low) / float(step) ** 2, rel=0.01)


def test_turns_of_one_user() -> None:
    """A user who answers for 10 s of every 50 s is active a fifth of the time."""
    busy, think = 2 + 100 * Fraction(8, 100), 40
    found = compute("duty_cycle", ttft=2, new_tokens=100, tpot=0.08, think_time=think)
    assert found == Rational(busy / (busy + think)) == Rational(1, 5)
    assert compute("turn_period", think_time=think, duty_cycle=found) == busy + think
    assert duty_cycle.turn_period.target == q.turn_period


# -------------------------------------------------- attention on a compressed cache


@pytest.mark.parametrize("context", [1, 1000, 131_072])
def test_intensity_of_compressed_attention_is_its_work_over_its_bytes(context: int) -> None:
    shape = {
        "n_layers": 61,
        "n_heads": 128,
        "kv_lora_rank": 512,
        "d_rope": 64,
        "context": context,
        "bytes_per_kv": 2,
    }
    work = compute("attention_flops", "mla", **shape)
    # a head scores 512 + 64 elements and mixes 512, for each token and layer
    assert work == 2 * 61 * 128 * (512 + 64 + 512) * context
    cache = compute("kv_bytes_per_sequence", "mla", **shape)
    assert cache == 61 * (512 + 64) * 2 * context
    intensity = compute("attention_intensity", "mla", **shape)
    assert work / cache == intensity == Rational(2 * 128 * (2 * 512 + 64), 2 * (512 + 64))


def test_intensity_of_grouped_attention_is_its_work_over_its_bytes() -> None:
    """A group of g queries of width d over S keys and values, queries and results moved too."""
    heads, groups, width, context, size = 64, 8, 128, 1000, 2
    per_kv_head = heads // groups
    work = 2 * 2 * per_kv_head * width * context
    moved = size * width * (2 * context + 2 * per_kv_head)
    given = {"n_heads": heads, "n_kv_heads": groups, "context": context, "bytes_per_kv": size}
    assert compute("attention_intensity", **given) == Rational(work, moved)


def test_prefill_is_the_sum_of_decode_steps() -> None:
    """Token i of a prompt attends over i tokens, itself among them."""
    shape = {"n_layers": 3, "n_heads": 4, "d_head": 5}
    steps = [compute("attention_flops", **shape, context=i) for i in range(1, 21)]
    assert compute("prefill_attention_flops", **shape, prompt=20) == sum(steps)


def test_step_of_a_state_is_three_passes_over_it() -> None:
    given = {
        "n_layers": 4,
        "n_layers_linear": 4,
        "n_heads": 2,
        "d_head": 3,
        "context": 10,
        "n_linear_value_heads": 2,
        "d_linear_key": 3,
        "d_linear_value": 5,
    }
    passes = 0
    for _ in range(4 * 2):
        for _ in range(3 * 5):
            passes += 3  # read by the key, correct, read by the query
    assert compute("attention_flops", **given) == 2 * passes


@pytest.mark.parametrize("servers", [10, 100, 1000])
def test_erlang_b_far_beyond_the_places(servers: int) -> None:
    """Where nearly all are turned away, the share still has nine right digits."""
    found = float(ErlangB(servers, 5 * servers).evalf())
    assert found == pytest.approx(_erlang_b(servers, 5.0 * servers), rel=1e-9)
