# SPDX-License-Identifier: Apache-2.0
"""A device, its clock, and what one measurement returns."""

from __future__ import annotations

import gc
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

try:
    import torch
    import torch.nn.attention
except ModuleNotFoundError:  # only these measurements need it, and their command says so
    torch = None

__all__ = ["Bench", "Result", "torch"]

WORKING_SET = 512_000_000  # bytes that no cache of a GPU holds: a repeat finds nothing in it


@dataclass
class Result:
    """Seconds of one piece of work, repeated, and what it moved and computed."""

    seconds: list[float]
    bytes_moved: float | None = None
    flop: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Return the columns that follow from it."""
        middle = median(self.seconds)
        moved, flop = self.bytes_moved, self.flop
        row = {
            "seconds": f"{middle:.6g}",
            "seconds_min": f"{min(self.seconds):.6g}",
            "seconds_max": f"{max(self.seconds):.6g}",
        }
        if moved is not None:
            row |= {"bytes_moved": f"{moved:.0f}", "gb_per_s": f"{moved / middle / 1e9:.5g}"}
        if flop is not None:
            row |= {"flop": f"{flop:.6g}", "tflop_per_s": f"{flop / middle / 1e12:.5g}"}
        return row | self.columns


class Bench:
    """One device, and the clock that suits it."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.on_gpu = device == "cuda"
        self.repeats = 11 if self.on_gpu else 3
        self.gpu = torch.cuda.get_device_name(0) if self.on_gpu else "cpu"
        nvidia = self.on_gpu and torch.version.hip is None
        self.has_fp8 = nvidia and torch.cuda.get_device_capability() >= (8, 9)
        runtime = f"CUDA {torch.version.cuda}" if nvidia else f"ROCm {torch.version.hip}"
        how = f"{runtime}, CUDA graphs" if self.on_gpu else "no GPU"
        self.source = (
            f"own measurement {date.today()}, PyTorch {torch.__version__}, {how}, "
            f"random weights, median of {self.repeats} repeats"
        )

    def normal(self, *shape: int, scale: float = 1.0) -> torch.Tensor:
        """Return random numbers in BF16: zeros would draw less power and run faster."""
        return torch.randn(shape, device=self.device, dtype=torch.bfloat16).mul_(scale)

    def room(self, nbytes: int) -> int:
        """Return the size of a buffer: this much, or less on a small device."""
        return min(nbytes, int(0.3 * torch.cuda.mem_get_info()[0])) if self.on_gpu else 1 << 20

    def copies(self, nbytes: float) -> int:
        """Return how many buffers of this size one must cycle through to miss the caches."""
        return math.ceil(WORKING_SET / nbytes) if self.on_gpu else 1

    def free(self) -> None:
        """Give memory that nothing uses back to the device."""
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()

    def seconds(
        self, work: Callable[[], object], calls: int = 1, graph: bool = True
    ) -> list[float]:
        """Return the seconds of a call, for each repeat of work that consists of so many."""
        if not self.on_gpu:
            work()
            return [_elapsed(work) / calls for _ in range(self.repeats)]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries choose their kernels before a graph records them
            work()
            work()
        torch.cuda.synchronize()
        if graph:
            recorded = torch.cuda.CUDAGraph()
            with torch.cuda.graph(recorded):
                work()
            work = recorded.replay
        work()
        # All repeats are queued before one is read, so that the launches hide behind the work.
        events = [torch.cuda.Event(enable_timing=True) for _ in range(self.repeats + 1)]
        events[0].record()
        for event in events[1:]:
            work()
            event.record()
        torch.cuda.synchronize()
        return [start.elapsed_time(end) / 1000 / calls for start, end in pairwise(events)]

    def fastest(
        self, candidates: Mapping[str, Callable[[], object]], calls: int = 1
    ) -> tuple[str, list[float]]:
        """Return the quickest of several ways to do the same work; not every GPU has each."""
        found: dict[str, list[float]] = {}
        reason = ""
        for name, work in candidates.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # PyTorch warns why it lacks a kernel
                    found[name] = self.seconds(work, calls)
            except Exception as error:
                reason = f"{name}: {error}"
        if not found:
            raise RuntimeError(f"none of {', '.join(candidates)} runs here ({reason})")
        return min(found.items(), key=lambda item: median(item[1]))


def _elapsed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
