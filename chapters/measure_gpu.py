# SPDX-License-Identifier: Apache-2.0
"""Measure a GPU of your own: bandwidth, matrix products, attention, experts, whole steps.

``python chapters/measure_gpu.py > my_gpu.csv`` needs PyTorch and a GPU, and takes a few minutes.
``--only gemm copy`` measures these kinds only; ``--device cpu`` tries them with tiny shapes.
"""

from __future__ import annotations

import argparse
import csv
import gc
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

from measuring.bench import Bench, Result, torch
from measuring.cases import COLUMNS, Case, cases
from measuring.steps import (
    D_HEAD,
    N_KV_HEADS,
    SHAPES,
    Model,
    Part,
    Product,
    Step,
    fastest_attention,
)


def copy(bench: Bench) -> Result:
    """Copy a large buffer to another on the device."""
    size = bench.room(8_000_000_000)
    source, target = (torch.zeros(size, dtype=torch.uint8, device=bench.device) for _ in "ab")
    return Result(bench.seconds(lambda: target.copy_(source)), 2 * size)


def read(bench: Bench) -> Result:
    """Read a large buffer and write next to nothing."""
    rows = bench.normal(bench.room(4_000_000_000) // 2 // 16384, 16384)
    once = bench.normal(16384)
    ways = {
        "sum": lambda: rows.sum(),
        "sum of each row": lambda: rows.sum(1),
        "product with a vector": lambda: rows @ once,
    }
    name, seconds = bench.fastest(ways)
    return Result(seconds, rows.nbytes, columns={"note": f"best of several: {name}"})


def host_link(bench: Bench, ways: str) -> Result:
    """Copy pinned memory of the host to the device (`up`), from it (`down`), or both at once."""
    size, lanes = bench.room(1_000_000_000), []
    for way in ways.split():
        host = torch.zeros(size, dtype=torch.uint8, pin_memory=bench.on_gpu)
        device = torch.zeros(size, dtype=torch.uint8, device=bench.device)
        stream = torch.cuda.Stream() if bench.on_gpu else None
        lanes.append((stream, device, host) if way == "up" else (stream, host, device))

    def transfer() -> None:
        for stream, target, source in lanes:
            if stream:
                stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                target.copy_(source, non_blocking=True)
        for stream, *_ in lanes:
            if stream:
                torch.cuda.current_stream().wait_stream(stream)

    return Result(bench.seconds(transfer, graph=False), size * len(lanes))


def tiny_kernel(bench: Bench, graph: bool) -> Result:
    """Launch a kernel that does next to nothing, many times."""
    numbers, calls = torch.zeros(32, device=bench.device), 1000

    def launch() -> None:
        for _ in range(calls):
            numbers.add_(1)

    seconds = bench.seconds(launch, calls, graph)
    return Result(seconds, columns={"note": "one tiny elementwise kernel"})


def gemm(bench: Bench, m: int, n: int, k: int, precision: str) -> Result:
    """Multiply m rows by weights n x k that no cache holds."""
    fp8 = precision == "fp8"
    width = 1 if fp8 else 2
    weights = [Product(bench, n, k, fp8) for _ in range(bench.copies(width * n * k))]
    rows = bench.normal(m, k)
    if fp8:
        rows = rows.to(torch.float8_e4m3fn)
    seconds = bench.seconds(lambda: [weight(rows) for weight in weights], len(weights))
    note = "weights n x k larger than L2; fp8 with bf16 results"
    moved = width * (n * k + m * k) + 2 * m * n
    return Result(seconds, moved, 2 * m * n * k, {"note": note})


def decode_attention(
    bench: Bench, batch: int, context: int, group_size: int, precision: str
) -> Result:
    """Let one new row of each sequence attend to its cache."""
    shape = (batch, N_KV_HEADS, context, D_HEAD)
    values = batch * N_KV_HEADS * context * D_HEAD
    caches = [(bench.normal(*shape), bench.normal(*shape)) for _ in range(bench.copies(4 * values))]
    q = bench.normal(batch, N_KV_HEADS * group_size, 1, D_HEAD)
    kernel, seconds = fastest_attention(bench, q, caches)
    note = f"{N_KV_HEADS} KV heads of {D_HEAD}; best of several kernels: {kernel}"
    return Result(seconds, 4 * values, 4 * values * group_size, {"note": note})


def experts(
    bench: Bench, batch: int, n_experts: int, n_experts_active: int, precision: str
) -> Result:
    """Send rows through experts that are drawn at random, three times."""
    hidden, width = 2048, 768
    into = bench.normal(n_experts, 2 * width, hidden, scale=hidden**-0.5)
    out = bench.normal(n_experts, hidden, width, scale=width**-0.5)
    rows = bench.normal(batch * n_experts_active, hidden)
    drawn = [torch.rand(batch, n_experts).topk(n_experts_active).indices for _ in range(3)]
    counts = [draw.flatten().bincount(minlength=n_experts) for draw in drawn]
    ends = [count.cumsum(0).to(bench.device, torch.int32) for count in counts]
    silu, linear = torch.nn.functional.silu, torch.nn.functional.linear

    def grouped() -> None:
        product = getattr(torch.nn.functional, "grouped_mm", None) or torch._grouped_mm
        for end in ends:
            gate, up = product(rows, into.transpose(1, 2), offs=end).chunk(2, 1)
            product(silu(gate) * up, out.transpose(1, 2), offs=end)

    def one_by_one() -> None:
        for count in counts:
            for expert, part in enumerate(rows.split(count.tolist())):
                if len(part):
                    gate, up = linear(part, into[expert]).chunk(2, 1)
                    linear(silu(gate) * up, out[expert])

    name, seconds = bench.fastest({"grouped": grouped, "one by one": one_by_one}, calls=3)
    touched = sum(int((count > 0).sum()) for count in counts) / 3
    weights = 3 * hidden * width
    note = (
        f"one layer of Qwen3-30B-A3B's experts ({hidden}, {width}), uniform routing; "
        f"best of several: {name}"
    )
    columns = {"experts_touched": f"{touched:.4g}", "note": note}
    flop = 2 * weights * batch * n_experts_active
    return Result(seconds, 2 * weights * touched, flop, columns)


_HELD: dict[tuple[str, bool], Model] = {}


def held_model(bench: Bench, name: str, precision: str) -> Model:
    """Return the model of this name; only the last one stays on the device."""
    key = (name, "weights fp8" in precision)
    if key not in _HELD:
        _HELD.clear()
        bench.free()
        _HELD[key] = Model(bench, SHAPES[name], key[1])
    return _HELD[key]


def prefill(bench: Bench, model: str, precision: str, prompt: int) -> Result:
    """Pass one prompt through the model."""
    held = held_model(bench, model, precision)
    part = Part(bench, held, 1, prompt, prompt)
    seconds = bench.seconds(Step(bench, held, [part]))
    products = 2 * prompt * held.weights_of_a_layer
    scores = 2 * prompt**2 * held.shape.n_heads * D_HEAD  # half of the square
    head = 2 * held.shape.d_model * held.shape.n_vocab
    note = f"one prompt, head for the last token only; {part.kernel}; {held.note}"
    flop = len(held.layers) * (products + scores) + head
    return Result(seconds, flop=flop, columns={"note": note})


def decode_step(bench: Bench, model: str, precision: str, batch: int, context: int) -> Result:
    """Pass one new row of each sequence through the model."""
    held = held_model(bench, model, precision)
    part = Part(bench, held, batch, 1, context)
    seconds = bench.seconds(Step(bench, held, [part]))
    cache = 4 * len(held.layers) * batch * context * N_KV_HEADS * D_HEAD
    note = f"whole step, {held.note}; attention: {part.kernel}"
    return Result(seconds, held.nbytes + cache, columns={"note": note})


def mixed_step(
    bench: Bench,
    model: str,
    precision: str,
    batch: int,
    context: int,
    chunk: int,
    chunk_context: int,
) -> Result:
    """Pass sequences that decode and a chunk of a prompt through the same products."""
    held = held_model(bench, model, precision)
    parts = [Part(bench, held, batch, 1, context)]
    if chunk:
        parts.insert(0, Part(bench, held, 1, chunk, chunk_context + chunk))
    seconds = bench.seconds(Step(bench, held, parts))
    flop = 2 * (batch + chunk) * len(held.layers) * held.weights_of_a_layer
    note = f"batch sequences decode beside a chunk of a prompt; flop without head; {held.note}"
    if chunk and chunk_context:
        note += "; the chunk's own triangle not masked"
    return Result(seconds, flop=flop, columns={"m": batch + chunk, "note": note})


KINDS: dict[str, Callable[..., Result]] = {
    "copy": copy,
    "read": read,
    "host_to_gpu": partial(host_link, ways="up"),
    "gpu_to_host": partial(host_link, ways="down"),
    "host_both_ways": partial(host_link, ways="up down"),
    "kernel_in_graph": partial(tiny_kernel, graph=True),
    "kernel_eager": partial(tiny_kernel, graph=False),
    "gemm": gemm,
    "decode_attention": decode_attention,
    "experts": experts,
    "prefill": prefill,
    "decode_step": decode_step,
    "mixed_step": mixed_step,
}


def measured(bench: Bench, kind: str, case: Case) -> Case | None:
    """Return a row of the table, or None with a line on stderr where this case does not run."""
    shown = " ".join([kind, *(f"{name}={value}" for name, value in case.items())])
    try:
        result = KINDS[kind](bench, **case).row()
    except Exception as error:  # a case that a device cannot run must not cost the others
        reason = next(iter(str(error).splitlines()), "")
        print(f"{shown}: left out, {type(error).__name__}: {reason}", file=sys.stderr)
        return None
    finally:
        bench.free()
    print(f"{shown}: {result['seconds']} s", file=sys.stderr)
    return {"gpu": bench.gpu, "kind": kind, "source": bench.source, **case, **result}


def measure(bench: Bench, kinds: list[str], limit: float) -> int:
    """Write the table to stdout, and return how many rows it has."""
    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    table.writeheader()
    if not bench.has_fp8:
        print(f"FP8 is left out: {bench.gpu} does not multiply in it", file=sys.stderr)
    shapes = cases(not bench.on_gpu, bench.has_fp8)
    started, written = perf_counter(), 0
    for kind in kinds:
        for case in shapes.get(kind, [{}]):
            if perf_counter() - started > limit:
                print(f"stopped in {kind}: {limit:g} s are over, see --seconds", file=sys.stderr)
                return written
            row = measured(bench, kind, case)
            if row:
                table.writerow(row)
                sys.stdout.flush()
                written += 1
    return written


def main() -> int:
    """Read the command line and measure: 0 with a table, 1 without a row, 2 without a device."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=KINDS,
        default=list(KINDS),
        metavar="KIND",
        help=f"of {', '.join(KINDS)}",
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=300, help="begin no case after so many")
    options = parser.parse_args()
    if torch is None:
        print("PyTorch is missing: pip install torch, then run this again.", file=sys.stderr)
        return 2
    if options.device == "cuda" and not torch.cuda.is_available():
        print("PyTorch sees no GPU: --device cpu tries the script without one.", file=sys.stderr)
        return 2
    torch.manual_seed(0)
    gc.freeze()  # what PyTorch made on import stays: a recorded graph begins with a collection
    with torch.no_grad():
        rows = measure(Bench(options.device), options.only, options.seconds)
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
