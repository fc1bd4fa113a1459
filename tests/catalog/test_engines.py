"""Engines by name: where their values come from, and what public logs say of them."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog.data import table
from napkin.errors import DoesNotFitError, MissingGivenError, UnknownNameError
from napkin.formulas.variants import BUNDLES
from napkin.quantities import notation as q
from napkin.quantities.quantity import REGISTRY
from tests.catalog.test_configs import CONFIGS, needs_files

MIB = 2**20
ENGINES = tuple(table("engines"))
SERVED = nk.Napkin(
    model="Gemma-3-27B", accelerator="H100", precision="fp8", context=32_768, engine="vllm"
)


@pytest.mark.parametrize("name", ENGINES)
def test_an_entry_has_a_version_a_source_and_known_names(name: str) -> None:
    row = table("engines")[name]
    assert row["version"]
    assert "@" in row["source"] or ".py" in row["source"]
    assert set(row["variants"]) <= set(BUNDLES)
    names = {*row["givens"]}.union(
        *row.get("by_memory", {}).values(), *row.get("by_name", {}).values()
    )
    assert {"block_size", "bytes_per_kv", "prefill_chunk"} <= names <= set(REGISTRY)
    assert {"chunked_prefill", "prefill_first"} & set(row["variants"])


def test_explain_names_the_engine_and_its_file() -> None:
    said = repr(nk.explain(SERVED, "concurrent_sequences"))
    assert "usable_memory = 0.920  (vllm (main in 2026))" in said
    assert "prefill_chunk = 8,192 tokens  (vllm (main in 2026))" in said
    assert "vllm/config/cache.py@" in said
    assert "read 2026-11-26" in said
    assert "engine='vllm'" in repr(SERVED)


def test_none_is_the_ideal_napkin() -> None:
    ideal = nk.Napkin(model="Gemma-3-27B", accelerator="H100", precision="fp8", context=32_768)
    assert ideal.usable_memory == 1
    assert "window_reserved" not in repr(nk.explain(ideal, "concurrent_sequences"))


def test_a_value_that_was_typed_counts() -> None:
    n = nk.Napkin(engine="vLLM", usable_memory=0.5, accelerator="H100", bytes_per_kv=1)
    assert n.usable_memory == Rational(1, 2)
    assert n.bytes_per_kv.number == 1
    assert n.block_size == 16
    assert n.assume(engine="vllm").usable_memory == 0.92  # named later
    assert n.assume(prefill_chunk=100).prefill_chunk == 100


def test_a_chunk_follows_the_gpu() -> None:
    chunks = {"H100": 8192, "A100": 2048, "L4": 2048}
    for chip, chunk in chunks.items():
        assert nk.Napkin(engine="vllm", accelerator=chip).prefill_chunk == chunk
    n = nk.Napkin(engine="sglang", accelerator="B200")
    assert n.prefill_chunk == 16_384
    assert n.reserved_memory.number == 26_240 * MIB
    assert n.assume(accelerator="L4").reserved_memory.number == 3760 * MIB
    assert n.assume(n_gpus=8).reserved_memory.number == (26_240 + 7 * 128) * MIB
    assert n.assume(reserved_memory="1 GB").reserved_memory.number == 10**9
    with pytest.raises(MissingGivenError, match="name an engine and an accelerator"):
        _ = nk.Napkin(model="Gemma-3-27B", engine="vllm", context=9000).window_reserved


def test_an_engine_named_later_replaces_the_layout() -> None:
    paged = SERVED.assume("paged")
    assert "window_reserved" not in map(str, paged.formulas)
    assert paged.changes == (BUNDLES["paged"],)
    assert paged.assume(engine="sglang").changes == ()
    assert paged.assume(engine="sglang").assume(engine="vllm") == SERVED
    own = SERVED.assume("decode_step_time = weight_bytes / bandwidth").assume(engine="sglang")
    assert len(own.changes) == 1


@pytest.mark.parametrize(
    ("engine", "schedule"),
    [
        ("vllm", "chunked_prefill"),
        ("llama.cpp", "chunked_prefill"),
        ("sglang", "prefill_first"),  # in chunks, but not in the steps of decoding
        ("tensorrt-llm", "prefill_first"),
    ],
)
def test_an_engine_brings_its_schedule(engine: str, schedule: str) -> None:
    n = SERVED.assume(prompt=8000, new_tokens=200, context=8100, batch=4)
    served = n.assume(engine=engine)
    assert served.tpot == served.assume(schedule).tpot
    assert served.formulas["tpot"] == n.assume(schedule).formulas["tpot"]


@pytest.mark.parametrize("chosen", ["prefill_first", "chunked_prefill", "disaggregated"])
@pytest.mark.parametrize("name", ENGINES)
def test_a_schedule_that_a_reader_chose_wins(name: str, chosen: str) -> None:
    ideal = nk.Napkin(model="Gemma-3-27B", prompt=8000, new_tokens=200)
    by_hand = {**ideal.assume(chosen).formulas.packaged}
    for n in (
        ideal.assume(engine=name).assume(chosen),
        ideal.assume(chosen).assume(engine=name),
        ideal.assume(chosen, engine=name),
    ):
        assert n.formulas.packaged[q.tpot] == by_hand[q.tpot]
        assert n.formulas.packaged[q.prompt_stall] == by_hand[q.prompt_stall]


def test_what_is_said_beside_an_engine_counts() -> None:
    ideal = nk.Napkin(model="Gemma-3-27B")
    said = ideal.assume("paged", "mha", engine="vllm", model="Llama-3-8B")
    assert said.changes == (BUNDLES["paged"], BUNDLES["mha"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_verbs_take_what_an_engine_rounds(name: str) -> None:
    n = SERVED.assume(engine=name, beyond_max_context=True)
    rows = {row.name: row.elasticity for row in nk.sensitivity(n, "concurrent_sequences").rows}
    assert -1 <= rows["context"] < 0 < rows["memory"]
    assert all(rows[part] <= 0 for part in {"block_size", "prefill_chunk"} & set(rows))
    (found,) = nk.solve(n, "context", concurrent_sequences=2)
    assert n.assume(context=found.value).concurrent_sequences == pytest.approx(2)


@pytest.mark.parametrize("name", ENGINES)
def test_a_function_is_the_same_as_reading(name: str) -> None:
    n = SERVED.assume(engine=name, n_gpus=2)
    call = n.function("concurrent_sequences", "context", "memory")
    for context in (500, 2000, 9000, 32_768):
        for memory in (60e9, 200e9):
            read = n.assume(context=context, memory=memory).concurrent_sequences
            assert call(context, memory) == pytest.approx(float(read), rel=1e-9)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'vlm'.*did you mean vllm"):
        nk.Napkin(engine="vlm")


def test_windows_reserve_what_a_step_does_not_read() -> None:
    assert SERVED.window_reserved == 16 * 576 + 16
    ideal = SERVED.assume("window_reserved = Min(context, window)")
    assert SERVED.concurrent_sequences < ideal.concurrent_sequences / 2
    assert SERVED.assume(batch=1).decode_memory_time == ideal.assume(batch=1).decode_memory_time


def test_without_windows_an_engine_changes_only_what_is_given() -> None:
    n = nk.Napkin(model="Qwen3-32B", accelerator="H100", precision="fp8", context=1000)
    same = n.assume("activations_profiled", usable_memory=0.92, bytes_per_kv=2)
    same = same.assume(prefill_chunk=8192, max_sequences=1024)
    assert n.assume(engine="vllm").concurrent_sequences == same.concurrent_sequences
    assert n.assume(engine="vllm").derive("concurrent_sequences") == same.derive(
        "concurrent_sequences"
    )


def test_tensorrt_takes_its_share_of_what_the_weights_leave() -> None:
    n = SERVED.assume(engine="tensorrt-llm")
    assert n.kv_budget.number == Rational(9, 10) * (81_559 * MIB - n.weight_bytes.number)
    assert n.window_reserved == n.context


def test_sglang_keeps_a_pool_for_windows() -> None:
    n = SERVED.assume(engine="sglang")
    assert n.window_reserved == Rational(8, 10) * 32_768
    assert n.assume(n_layers_window=62).window_reserved == 1024  # one pool


# -------------------------------------------------------------------- public reports


def test_a_window_in_every_layer() -> None:
    """vllm-project/vllm#19029: 2,198,512 tokens, and 178.68 sequences at 16,384."""
    shape: dict[str, Any] = {
        "n_layers": 30,
        "n_layers_window": 30,
        "window": 4096,
        "n_kv_heads": 2,
        "d_head": 128,
    }
    n = nk.Napkin(engine="vllm", accelerator="H100", context=16_384, **shape)
    n = n.assume(kv_budget=2_198_512 * 30 * 2 * 2 * 128 * 2)
    assert n.window_reserved == 12_304
    assert n.concurrent_sequences == Rational(2_198_512, 12_304)
    assert f"{float(n.concurrent_sequences):.2f}" == "178.68"


GEMMA: dict[str, dict[str, Any]] = {  # Gemma-4-31B and 26B-A4B: only what a cache needs
    "31B": {"n_layers": 60, "n_layers_window": 50, "n_kv_heads": 4, "n_kv_heads_window": 16},
    "26B": {"n_layers": 30, "n_layers_window": 25, "n_kv_heads": 2, "n_kv_heads_window": 8},
}


def _gemma(size: str, engine: str, **givens: Any) -> nk.Napkin:
    widths: dict[str, Any] = {
        "d_head": 512,
        "d_value": 512,
        "d_head_window": 256,
        "d_value_window": 256,
    }
    n = nk.Napkin(engine=engine, window=1024, **GEMMA[size], **widths, **givens)
    return n.assume("window_shapes")


@pytest.mark.parametrize(
    ("context", "gigabytes"), [(4096, "0.40"), (8192, "0.48"), (32_768, "0.99"), (131_072, "3.00")]
)
def test_windows_in_llama_cpp(context: int, gigabytes: str) -> None:
    """ollama/ollama#16958: the cache of one sequence of Gemma-4-26B-A4B."""
    n = _gemma("26B", "llama.cpp", context=context, kv_budget="100 GB")
    assert f"{100 / float(n.concurrent_sequences):.2f}" == gigabytes


@pytest.mark.parametrize(
    ("size", "before", "after"), [("31B", 35_552, 143_327), ("26B", 171_536, 664_225)]
)
def test_windows_on_a_mac(size: str, before: int, after: int) -> None:
    """vllm-project/vllm-metal#563: the log lies between the chunks that vLLM may have."""
    n = _gemma(size, "vllm", context=32_768, kv_budget="1 GB")
    n = n.assume(kv_budget=before * int(n.kv_bytes_per_token.number))
    logged = Rational(after, 32_768)
    assert n.assume(prefill_chunk=8192).concurrent_sequences < logged
    assert logged < n.assume(prefill_chunk=2048).concurrent_sequences


def test_windows_on_an_a100() -> None:
    """vllm-project/vllm#43308: some 525 thousand tokens in some 50 GB, 55 thousand before."""
    n = _gemma("31B", "vllm", context=131_072, kv_budget="50 GB", accelerator="A100")
    assert 50e9 / float(n.kv_bytes_per_token) == pytest.approx(55_486, rel=1e-4)
    tokens = [float(n.assume(context=c).concurrent_sequences) * c for c in (131_072, 262_144)]
    assert tokens[0] < 525_000 < tokens[1]
    assert tokens == pytest.approx([525_000] * 2, rel=0.06)


def test_eight_bit_weights_keep_a_wide_cache() -> None:
    """vllm-project/vllm#22291: 0.16 GB a request of 3,072 tokens."""
    n = nk.Napkin(model="Qwen2.5-7B", precision="int8", engine="vllm", context=3072)
    assert n.kv_bytes_per_sequence.number == 3072 * 28 * 2 * 4 * 128 * 2
    assert f"{float(n.kv_bytes_per_sequence) / 2**30:.2f}" == "0.16"


def test_every_layer_whole() -> None:
    """ggml-org/llama.cpp#13581: Llama-4-Scout, q8_0, 10,485,760 tokens are 1,044,480 MiB."""
    shape: dict[str, Any] = {
        "n_layers": 48,
        "n_layers_window": 36,
        "window": 8192,
        "n_kv_heads": 8,
        "d_head": 128,
    }
    n = nk.Napkin(engine="llama.cpp", context=10_485_760, kv_budget="1044480 MiB", **shape)
    n = n.assume("window_whole", bytes_per_kv=Fraction(34, 32))  # before it had windows
    assert n.concurrent_sequences == 1
    # vllm-project/vllm#16118: 24.00 GiB on each of eight GPUs for 1,048,576 tokens
    n = n.assume(context=1_048_576, bytes_per_kv=2, kv_budget=f"{8 * 24} GiB")
    assert n.concurrent_sequences == 1


LOGGED = [  # sequences that an engine printed at a context, with its cache in GiB for each GPU
    ("Llama-3.1-70B", 8, "107.35 GiB", 131_072, "21.47"),  # vllm-project/vllm#10702
    ("Qwen2.5-7B", 1, "4.05 GiB", 6600, "11.49"),  # vllm-project/vllm#15360
    ("Llama-3.1-8B", 1, "3.81 GiB", 20_000, "1.56"),  # vllm-project/vllm#10517
]


@pytest.mark.parametrize(("model", "n_gpus", "cache", "context", "printed"), LOGGED)
def test_sequences_that_vllm_prints(
    model: str, n_gpus: int, cache: str, context: int, printed: str
) -> None:
    n = nk.Napkin(model=model, engine="vllm", context=context, n_gpus=n_gpus)
    n = n.assume(kv_budget=n_gpus * int(nk.Napkin(kv_budget=cache).kv_budget.number))
    assert float(n.concurrent_sequences) == pytest.approx(float(printed), rel=2e-3)


# vLLM 0.19 on an H100 (llm-d-planner, docs/accuracy/vllm-v0.19.0-accuracy-report.md): peak
# activations in GiB that it logged, and the widths of the model.
PEAKS = {
    "Llama-3.1-8B": (4096, 14_336, 128_256, 1.89),
    "Qwen2.5-7B": (3584, 18_944, 152_064, 2.21),
    "Qwen3-8B": (4096, 12_288, 151_936, 2.21),
    "granite-3.1-2b": (2048, 8192, 49_155, 0.75),
    "granite-3.1-8b": (4096, 12_800, 49_155, 0.85),
    "phi-4": (5120, 17_920, 100_352, 1.52),
    "Mistral-Small-3.1-24B": (5120, 32_768, 131_072, 2.03),  # beside a vision tower
    "CodeLlama-7b": (4096, 11_008, 32_016, 0.77),
}


@pytest.mark.parametrize("name", PEAKS)
def test_activations_that_vllm_logs(name: str) -> None:
    d_model, d_ff, n_vocab, logged = PEAKS[name]
    n = nk.Napkin(engine="vllm", accelerator="H100", d_model=d_model, d_ff=d_ff, n_vocab=n_vocab)
    assert float(n.reserved_memory) / 2**30 == pytest.approx(logged, rel=0.11)


@pytest.mark.parametrize(
    ("model", "n_gpus", "logged", "within"),
    [
        ("Llama-3.1-8B", 1, 476_016, 0.006),
        ("Qwen2.5-7B", 1, 1_096_000, 0.006),
        ("Llama-3.1-8B", 4, 4 * 67.44 * 2**30 / 131_072, 0.035),  # buffers of several GPUs
    ],
)
def test_tokens_that_vllm_logs(model: str, n_gpus: int, logged: float, within: float) -> None:
    """The same report: 79.19 GiB of which 95 % are used. Without activations, 4 to 6 % more."""
    n = nk.Napkin(model=model, accelerator="H100", precision="bf16", engine="vllm", n_gpus=n_gpus)
    n = n.assume(memory="79.19 GiB", usable_memory=0.95)
    tokens = float(n.kv_budget / n.kv_bytes_per_token)
    assert logged < tokens < (1 + within) * logged
    assert float(n.assume(reserved_memory=0).kv_budget / n.kv_bytes_per_token) > 1.03 * logged


def test_activations_grow_with_a_chunk() -> None:
    """vllm-project/vllm#10517: 3.81 GiB are left after prompts of 20,000 tokens, 2.89 of 29,000."""
    n = nk.Napkin(model="Llama-3.1-8B", precision="bf16", engine="vllm", memory="23.58 GiB")
    n = n.assume(usable_memory=0.9, max_sequences=256)
    less = n.assume(prefill_chunk=20_000).kv_budget - n.assume(prefill_chunk=29_000).kv_budget
    assert float(less) / 2**30 == pytest.approx(3.81 - 2.89, abs=0.01)


def test_activations_are_left_out_where_nothing_is_known_of_them() -> None:
    bare = nk.Napkin(engine="vllm", n_params=7e9, bytes_per_weight=2, memory="80 GB")
    assert bare.kv_budget.number == Rational(92, 100) * 80 * 10**9 - 14 * 10**9
    typed = nk.Napkin(model="Llama-3.1-8B", engine="vllm", accelerator="H100", reserved_memory=0)
    assert typed.reserved_memory.number == 0
    assert "reserved_memory" not in repr(typed.assume(engine="vllm")).split("assumed:")[1]


@needs_files
def test_gemma_from_its_config() -> None:
    config = json.loads((CONFIGS / "json" / "gemma-4-26b-a4b.json").read_text(encoding="utf-8"))
    n = nk.Napkin(model=config, engine="llama.cpp", context=32_768, kv_budget="100 GB")
    by_hand = _gemma("26B", "llama.cpp", context=32_768, kv_budget="100 GB")
    assert n.concurrent_sequences == by_hand.concurrent_sequences


def test_an_engine_runs_so_many_sequences_and_no_more() -> None:
    n = nk.Napkin(model="Llama-3.1-8B", accelerator="B200", engine="vllm", precision="fp8")
    n = n.assume(kv_precision="fp8", context=600)
    assert float(n.concurrent_sequences) > 4000
    assert n.batch == n.active_limit == n.max_sequences == 1024
    with pytest.raises(DoesNotFitError, match="The engine runs 1,024 sequences: max_sequences"):
        _ = n.assume(batch=1025).tpot
    assert n.assume(max_sequences=2000, batch=1025).batch == 1025
    assert np.isnan(nk.sweep(n, "decode_step_time", batch=[1024, 1025]).decode_step_time[1])
    assert n.assume(max_sequences=64, speed_target=20).active_limit == 64
    ideal = nk.Napkin(model="Llama-3.1-8B", accelerator="B200", precision="fp8", context=600)
    assert "max_sequences" not in map(str, ideal.formulas["active_limit"].symbols)
