# SPDX-License-Identifier: Apache-2.0
"""Matrix products, attention, and whole passes through a decoder with random weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .bench import Bench, torch

N_KV_HEADS, D_HEAD = 8, 128
KERNELS = ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION")


@dataclass(frozen=True)
class Shape:
    """The widths of a decoder."""

    n_layers: int
    d_model: int
    n_heads: int
    d_ff: int
    n_vocab: int
    qk_norm: bool = False


SHAPES = {
    "Llama-3-8B": Shape(32, 4096, 32, 14336, 128256),
    "Qwen3-32B": Shape(64, 5120, 64, 25600, 151936, qk_norm=True),
    "tiny": Shape(2, 256, 16, 512, 1024, qk_norm=True),
}


class Product:
    """A matrix that multiplies rows, with one scale where it is FP8."""

    def __init__(self, bench: Bench, n: int, k: int, fp8: bool) -> None:
        self.weight = bench.normal(n, k, scale=1.0 if fp8 else k**-0.5)
        self.fp8 = fp8
        if fp8:
            self.weight = self.weight.to(torch.float8_e4m3fn)
            self.one = torch.tensor(1.0, device=bench.device)
            self.scale = torch.tensor(k**-0.5, device=bench.device)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        if not self.fp8:
            return torch.nn.functional.linear(rows, self.weight)
        return torch._scaled_mm(
            rows.to(torch.float8_e4m3fn),
            self.weight.t(),
            scale_a=self.one,
            scale_b=self.scale,
            out_dtype=torch.bfloat16,
            use_fast_accum=True,
        )


class Model:
    """A decoder with as many of its layers as the device holds."""

    def __init__(self, bench: Bench, shape: Shape, fp8: bool) -> None:
        self.shape = shape
        hidden, queries = shape.d_model, shape.n_heads * D_HEAD
        widths = {
            "qkv": (queries + 2 * N_KV_HEADS * D_HEAD, hidden),
            "out": (hidden, queries),
            "gate_up": (2 * shape.d_ff, hidden),
            "down": (hidden, shape.d_ff),
        }
        self.weights_of_a_layer = sum(n * k for n, k in widths.values())
        self.head = Product(bench, shape.n_vocab, hidden, fp8=False)
        room = 0.7 * torch.cuda.mem_get_info()[0] if bench.on_gpu else math.inf
        fitting = room // (self.weights_of_a_layer * (1 if fp8 else 2))
        self.layers = [
            {name: Product(bench, n, k, fp8) for name, (n, k) in widths.items()}
            for _ in range(int(min(shape.n_layers, fitting)))
        ]
        ones = {width: torch.ones_like(bench.normal(width)) for width in (hidden, D_HEAD)}
        self.norm_weights = ones

    @property
    def note(self) -> str:
        """Say what a step of it is, and what does not fit."""
        note = "from embedded rows to logits, head in bf16; fp8: activations cast on the fly"
        if len(self.layers) < self.shape.n_layers:
            return f"{len(self.layers)} of {self.shape.n_layers} layers; {note}"
        return note

    @property
    def nbytes(self) -> int:
        """Bytes of the weights that a step reads."""
        products = [product for layer in self.layers for product in layer.values()]
        return sum(int(product.weight.nbytes) for product in [*products, self.head])

    def norm(self, rows: torch.Tensor) -> torch.Tensor:
        """Bring rows to a mean square of one."""
        width = rows.shape[-1]
        return torch.nn.functional.rms_norm(rows, (width,), self.norm_weights[width], 1e-5)


def attention(
    kernel: str, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool
) -> torch.Tensor:
    """Let each group of heads of `q` attend to one head of `k` and `v`."""
    attend = torch.nn.functional.scaled_dot_product_attention
    backend = torch.nn.attention.SDPBackend
    if q.shape[2] > 1:
        with torch.nn.attention.sdpa_kernel(getattr(backend, kernel)):
            return attend(q, k, v, is_causal=causal, enable_gqa=True)
    # Heads of a group see the same keys: taken as rows of one head, they read them once.
    grouped = q.reshape(q.shape[0], k.shape[1], -1, q.shape[3])
    if kernel == "matmul":
        scores = grouped @ k.transpose(2, 3) * D_HEAD**-0.5
        return (scores.softmax(-1) @ v).reshape(q.shape)
    with torch.nn.attention.sdpa_kernel(getattr(backend, kernel)):
        return attend(grouped, k, v).reshape(q.shape)


Caches = Sequence[tuple["torch.Tensor", "torch.Tensor"]]


def _read(kernel: str, q: torch.Tensor, caches: Caches, causal: bool) -> None:
    for keys, values in caches:
        attention(kernel, q, keys, values, causal)


def fastest_attention(
    bench: Bench, q: torch.Tensor, caches: Caches, causal: bool = False
) -> tuple[str, list[float]]:
    """Return the quickest kernel for these shapes, and its times for one cache."""
    kernels = (*KERNELS, "matmul") if q.shape[2] == 1 else KERNELS
    work = {kernel: partial(_read, kernel, q, caches, causal) for kernel in kernels}
    return bench.fastest(work, calls=len(caches))


class Part:
    """Rows that read caches of one kind: sequences that decode, or a chunk of a prompt."""

    def __init__(
        self, bench: Bench, model: Model, sequences: int, length: int, context: int
    ) -> None:
        self.sequences, self.length, self.context = sequences, length, context
        self.causal = 1 < length == context
        shape = (sequences, N_KV_HEADS, context, D_HEAD)
        self.caches = [(bench.normal(*shape), bench.normal(*shape)) for _ in model.layers]
        q = bench.normal(sequences, model.shape.n_heads, length, D_HEAD)
        self.kernel, _ = fastest_attention(bench, q, self.caches[:1], self.causal)

    def positions(self) -> torch.Tensor:
        """Return where each row stands in its sequence."""
        return torch.arange(self.context - self.length, self.context).repeat(self.sequences)

    def attend(self, layer: int, *qkv: torch.Tensor) -> torch.Tensor:
        """Write keys and values of these rows to the end of the cache, and attend to all of it."""
        shape = (self.sequences, self.length)
        q, k, v = (rows.unflatten(0, shape).transpose(1, 2) for rows in qkv)
        keys, values = self.caches[layer]
        keys[:, :, -self.length :] = k
        values[:, :, -self.length :] = v
        out = attention(self.kernel, q, keys, values, self.causal)
        return out.transpose(1, 2).flatten(0, 1).flatten(1)


class Step:
    """One pass of the rows of one or two parts through all layers."""

    def __init__(self, bench: Bench, model: Model, parts: list[Part]) -> None:
        self.model, self.parts = model, parts
        self.sizes = [part.sequences * part.length for part in parts]
        self.rows = bench.normal(sum(self.sizes), model.shape.d_model)
        self.n_logits = sum(part.sequences for part in parts)
        speed = 500_000 ** -torch.linspace(0, 1, D_HEAD // 2)
        angle = torch.cat([part.positions() for part in parts])[:, None, None] * speed
        cosine, sine = angle.cos(), angle.sin()
        turn = (torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1))
        self.cosine, self.sine = (part.to(bench.device, torch.bfloat16) for part in turn)

    def __call__(self) -> torch.Tensor:
        rows, norm = self.rows, self.model.norm
        for index, layer in enumerate(self.model.layers):
            heads = layer["qkv"](norm(rows)).unflatten(1, (-1, D_HEAD))
            rows = rows + layer["out"](self.attend(index, heads))
            gate, up = layer["gate_up"](norm(rows)).chunk(2, 1)
            rows = rows + layer["down"](torch.nn.functional.silu(gate) * up)
        # A chunk comes first: its last row stands beside the sequences that decode.
        return self.model.head(norm(rows[-self.n_logits :]))

    def attend(self, index: int, heads: torch.Tensor) -> torch.Tensor:
        """Rotate queries and keys, and let each part attend to its own caches."""
        n_heads = self.model.shape.n_heads
        qk, v = heads.split([n_heads + N_KV_HEADS, N_KV_HEADS], 1)
        if self.model.shape.qk_norm:
            qk = self.model.norm(qk)
        qk = torch.addcmul(qk * self.cosine, qk.roll(D_HEAD // 2, -1), self.sine)
        q, k = qk.split([n_heads, N_KV_HEADS], 1)
        rows = zip(*(each.split(self.sizes) for each in (q, k, v)), strict=True)
        pairs = zip(self.parts, rows, strict=True)
        attended = [part.attend(index, *qkv) for part, qkv in pairs]
        return attended[0] if len(attended) == 1 else torch.cat(attended)
