"""Models whose layers are not alike, against lists of weight shapes written out by hand."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.evaluating import Shape, compute, total

# ------------------------------------------------------------------ a Mamba-2 hybrid

HYBRID = {
    "n_layers": 7,
    "n_layers_ssm": 3,
    "n_layers_plain": 2,
    "n_layers_dense": 2,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_head": 16,
    "d_model": 32,
    "d_ff": 48,
    "n_mlp_matrices": 2,
    "norms_per_layer": 1,
    "n_vocab": 100,
    "n_ssm_heads": 8,
    "d_ssm_head": 8,
    "d_ssm_state": 16,
    "n_ssm_groups": 2,
    "conv_kernel": 4,
    "conv_bias": 1,
}


def hybrid() -> Iterator[Shape]:
    yield from [(100, 32), (100, 32), (32,)]
    for _ in range(7):
        yield (32,)
    for _ in range(3):  # in: gate, x, B, C, a time step for each head
        yield (64 + 64 + 2 * 2 * 16 + 8, 32)
        yield from [(64 + 2 * 2 * 16, 4), (64 + 2 * 2 * 16,)]
        yield from [(8,), (8,), (8,), (64,), (32, 64)]
    for _ in range(2):
        yield from [(64, 32), (32, 32), (32, 32), (32, 64)]
    for _ in range(2):
        yield from [(48, 32), (32, 48)]


def test_hybrid_of_state_space_attention_and_feed_forward() -> None:
    assert compute("n_params", "gqa", **HYBRID) == total(hybrid())
    widths = {"bytes_per_kv": 2, "bytes_per_state": 4}
    kept = sum(2 * 2 * 16 * 2 for _ in range(2))
    assert compute("kv_bytes_per_token", "gqa", **HYBRID, **widths) == kept
    state = 3 * (8 * 8 * 16 * 4 + 3 * (64 + 2 * 2 * 16) * 2)
    found = compute("kv_bytes_per_sequence", "gqa", **HYBRID, **widths, context=1000)
    assert found == 1000 * kept + state


# ------------------------------------------- windowed layers with a shape of their own

SHAPED = {
    "n_layers": 6,
    "n_layers_window": 4,
    "window": 10,
    "n_layers_window_reusing": 1,
    "n_layers_full_reusing": 1,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_head": 24,
    "d_value": 16,
    "n_heads_window": 8,
    "n_kv_heads_window": 4,
    "d_head_window": 12,
    "d_value_window": 8,
    "d_model": 32,
    "qk_norm": 1,
    "window_sinks": 1,
    "head_gate": 1,
}


def shaped() -> Iterator[Shape]:
    for layer in range(2):
        yield from [(4 * 24, 32), (32, 4 * 16), (24,), (4, 32)]
        if layer == 0:
            yield from [(2 * 24, 32), (2 * 16, 32), (24,)]
    for layer in range(4):
        yield from [(8 * 12, 32), (32, 8 * 8), (12,), (8, 32), (8,)]
        if layer < 3:
            yield from [(4 * 12, 32), (4 * 8, 32), (12,)]


def shape(**changes: Any) -> dict[str, Any]:
    return SHAPED | changes


def test_windowed_layers_of_another_shape() -> None:
    assert compute("attention_params", "window_shapes", **SHAPED) == total(shaped())
    without_values = total(shaped()) - 2 * 16 * 32
    found = compute("attention_params", "window_shapes", **shape(value_is_key=1))
    assert found == without_values
    for context in (0, 1, 7, 10, 11, 500):
        kept = 0
        for owned, heads, width, tokens in (
            (1, 2, 24 + 16, context),
            (3, 4, 12 + 8, min(context, 10)),
        ):
            kept += owned * heads * width * tokens
        found = compute(
            "kv_bytes_per_sequence", "window_shapes", **SHAPED, bytes_per_kv=1, context=context
        )
        assert found == kept
        work = 2 * (2 * 4 * 40 * context + 4 * 8 * 20 * min(context, 10))
        assert compute("attention_flops", "window_shapes", **SHAPED, context=context) == work


def test_prefill_of_such_layers() -> None:
    work = 0
    for query in range(25):
        work += 2 * 2 * 4 * 40 * (query + 1) + 2 * 4 * 8 * 20 * min(query + 1, 10)
    assert compute("prefill_attention_flops", "window_shapes", **SHAPED, prompt=25) == work


def test_the_same_shape_everywhere_is_a_plain_window() -> None:
    """Where the shapes are the same, the special bundle says what the plain one says."""
    same = {f"{name}_window": SHAPED[name] for name in ("n_heads", "n_kv_heads")}
    same |= {"d_head_window": 24, "d_value_window": 24, "d_value": 24}
    off = dict.fromkeys(("window_sinks", "head_gate"), 0)
    off |= dict.fromkeys(("n_layers_window_reusing", "n_layers_full_reusing"), 0)
    given = shape(**same, **off, bytes_per_kv=2, context=777, prompt=55, n_vocab=9, d_ff=8)
    for target in (
        *("attention_params", "kv_bytes_per_token", "kv_bytes_per_sequence", "tokens_kept"),
        *("attention_flops", "attention_flops_per_token", "prefill_attention_flops", "n_params"),
    ):
        plain = compute(target, "gqa", **given)
        assert compute(target, "gqa", "window_shapes", **given) == plain, target


# ------------------------------------------------------------- kinds of layer in one model

MIXED = {
    "n_layers": 13,
    "n_layers_window": 3,
    "window": 10,
    "n_layers_linear": 2,
    "n_layers_ssm": 2,
    "n_layers_conv": 1,
    "n_layers_plain": 1,
    "n_layers_cross": 1,
    "n_layers_parallel": 1,  # one of those with a state attends as well
    "d_model": 12,
    "n_linear_key_heads": 2,
    "d_linear_key": 3,
    "n_linear_value_heads": 4,
    "d_linear_value": 5,
    "n_ssm_heads": 3,
    "d_ssm_head": 7,
    "d_ssm_state": 6,
    "n_ssm_groups": 1,
    "conv_kernel": 4,
    "bytes_per_kv": 2,
    "bytes_per_state": 4,
}
FULL, WINDOWED = 13 + 1 - (3 + 2 + 2 + 1 + 1 + 1), 3
GROUPED = {"n_heads": 4, "n_kv_heads": 2, "d_head": 8}
COMPRESSED = {
    "n_heads": 4,
    "q_lora_rank": 9,
    "kv_lora_rank": 10,
    "d_nope": 3,
    "d_rope": 2,
    "d_value": 5,
}
# a grouped layer's shapes; a latent one's, with the norms of its waists
HEADS: dict[str, tuple[dict[str, int], list[Shape]]] = {
    "gqa": (GROUPED, [(32, 12), (16, 12), (16, 12), (12, 32)]),
    "mla": (
        COMPRESSED,
        [(9, 12), (9,), (4 * 5, 9), (10 + 2, 12), (10,), (4 * (3 + 5), 10), (12, 4 * 5)],
    ),
}
# elements that a layer keeps of a token; multiply-adds of a token with an earlier one; of a pair
PER_TOKEN = {
    "gqa": (2 * 2 * 8, 2 * 4 * 8, 2 * 4 * 8),
    "mla": (10 + 2, 4 * (10 + 2 + 10), 4 * (3 + 2 + 5)),
}


def beside_attention() -> Iterator[Shape]:
    """Two linear layers, two with a state-space model, one short convolution."""
    mixed, values = 2 * 2 * 3 + 4 * 5, 4 * 5
    for _ in range(2):
        yield from [(mixed, 12), (values, 12), (4, 12), (4, 12), (mixed, 4)]
        yield from [(4,), (4,), (5,), (12, values)]
    inner, joined = 3 * 7, 3 * 7 + 2 * 6
    for _ in range(2):
        yield from [(inner + joined + 3, 12), (joined, 4), (3,), (3,), (3,), (inner,), (12, inner)]
    yield from [(3 * 12, 12), (12, 4), (12, 12)]


@pytest.mark.parametrize("heads", HEADS)
def test_parameters_of_every_kind_add_up(heads: str) -> None:
    given, layer = HEADS[heads]
    found = compute("attention_params", heads, **(MIXED | given | {"d_head": 8}))
    cross = total([*layer, (8,), (8,), (1,), (1,)])
    assert found == (FULL + WINDOWED) * total(layer) + cross + total(beside_attention())


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("context", [0, 3, 10, 11, 400])
def test_caches_and_states_of_every_kind_add_up(heads: str, context: int) -> None:
    elements, _, _ = PER_TOKEN[heads]
    given = MIXED | HEADS[heads][0]
    cached = 0
    for position in range(context):
        seen_by = FULL + (WINDOWED if position >= context - 10 else 0)
        cached += seen_by * elements * 2
    states = 2 * (4 * 3 * 5 * 4 + 3 * (2 * 2 * 3 + 4 * 5) * 2)
    states += 2 * (3 * 7 * 6 * 4 + 3 * (3 * 7 + 2 * 6) * 2)
    states += 3 * 12 * 2
    assert compute("state_bytes", heads, **given) == states
    found = compute("kv_bytes_per_sequence", heads, **given, context=context)
    assert found == cached + states


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("tokens", [1, 9, 10, 25])
def test_work_of_every_kind_adds_up(heads: str, tokens: int) -> None:
    _, work, pair = PER_TOKEN[heads]
    given = MIXED | HEADS[heads][0]
    update = 3 * (2 * 4 * 3 * 5 + 2 * 3 * 7 * 6)
    step = 2 * (work * (FULL * tokens + WINDOWED * min(tokens, 10)) + update)
    assert compute("attention_flops", heads, **given, context=tokens) == step
    prefill = 0
    for query in range(tokens):
        seen = FULL * (query + 1) + WINDOWED * min(query + 1, 10)
        prefill += 2 * (pair * seen + update)
    assert compute("prefill_attention_flops", heads, **given, prompt=tokens) == prefill


# -------------------------------------------------------------- smaller differences


def test_layer_norms_learned_positions_and_a_bias_of_the_head() -> None:
    """The smallest GPT-2, tensor by tensor; then with a head of its own, biased."""

    def gpt2() -> Iterator[Shape]:
        yield from [(50257, 768), (1024, 768), (768,), (768,)]
        for _ in range(12):
            yield from [(768,), (768,), (768, 2304), (2304,), (768, 768), (768,)]
            yield from [(768,), (768,), (768, 3072), (3072,), (3072, 768), (768,)]

    given = {"n_layers": 12, "n_heads": 12, "n_kv_heads": 12, "d_head": 64, "d_model": 768}
    given |= {"d_ff": 3072, "n_mlp_matrices": 2, "n_vocab": 50257, "n_positions": 1024}
    given |= dict.fromkeys(("qkv_bias", "attention_output_bias", "mlp_bias"), 1)
    counted = compute("n_params", **given, norm_vectors=2, tied_embeddings=1)
    assert counted == total(gpt2()) == 124_439_808
    headed = compute("n_params", **given, norm_vectors=2, tied_embeddings=0, head_bias=1)
    assert headed == counted + 50257 * 768 + 50257
    bare = compute("n_params", **given, norm_vectors=0, tied_embeddings=1)
    assert bare == counted - 25 * 2 * 768


def test_norms_over_the_full_width() -> None:
    given = {"n_heads": 4, "n_kv_heads": 2, "d_head": 8, "d_model": 30, "qkv_bias": 1}
    found = compute("attention_small_params", **given, qk_norm_wide=1)
    assert found == (4 + 2) * 8 + (4 + 2 + 2) * 8


def test_embeddings_of_the_layers_and_wide_layers() -> None:
    given = {"n_layers": 5, "d_layer_input": 3, "n_vocab_layer_input": 11, "d_model": 7}
    shapes = [(11, 5 * 3), (7, 5 * 3), (3,)] + 5 * [(7, 3), (3, 7)]
    assert compute("other_params", **given) == total(iter(shapes))
    wide = compute("mlp_params", **given, n_layers_wide=2, d_ff=4)
    assert wide == 3 * (3 * 7 * 4) + 2 * (3 * 7 * 8)


def test_cross_attention_keeps_no_text() -> None:
    given = {"n_layers": 5, "n_layers_cross": 2, "n_heads": 4, "n_kv_heads": 2, "d_head": 8}
    given |= {"d_model": 32, "n_vocab": 50, "n_vocab_extra": 8}
    layer = [(32, 32), (16, 32), (16, 32), (32, 32)]
    shapes = 5 * layer + 2 * [(8,), (8,), (1,), (1,)]
    assert compute("attention_params", "gqa", **given) == total(iter(shapes))
    found = compute("kv_bytes_per_token", "gqa", **given, bytes_per_kv=2)
    assert found == 3 * 2 * 2 * 8 * 2
    assert compute("embedding_params", **given) == 58 * 32


def test_an_indexer_beside_latent_attention() -> None:
    """DeepSeek-V3.2 has 851,524,864 parameters more than V3."""
    given = {"d_model": 7168, "q_lora_rank": 1536, "n_index_heads": 64, "d_index": 128}
    given |= {"n_layers": 61, "attention_matrix_params": 187_107_328}
    without = compute("attention_params", "mla", **given)
    with_it = compute("attention_params", "mla", **given, n_layers_indexed=61)
    assert with_it - without == 851_524_864
