"""Times that we measured ourselves, on one H100 and one H200."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import NapkinError, unknown
from .chips import accelerator

SOURCE = (
    "own measurement of 2026-11-26: one H100-SXM-80GB and one H200-SXM-141GB, PyTorch 2.11, CUDA "
    "13, CUDA graphs, random weights, median of 9 to 15 repeats"
)


def timings(kind: str, gpu: str = "H100", **where: Any) -> list[dict[str, Any]]:
    """Return times that we measured on a GPU.

    Parameters
    ----------
    kind : str
        ``"gemm"``, ``"decode_attention"``, ``"experts"``, ``"decode_step"``, ``"mixed_step"``,
        ``"prefill"``, ``"copy"``, ``"read"``, ``"host_to_gpu"``, ``"kernel_in_graph"`` and others;
        ``chapters/measure_gpu.py`` repeats them.
    gpu : str
        ``"H100"`` or ``"H200"``.
    **where
        Columns and their values, to choose rows, for example ``precision="fp8"``.

    Returns
    -------
    list of dict
        One for each measurement: its shapes, ``seconds``, and where known ``bytes_moved`` and
        ``flop``.

    Raises
    ------
    NapkinError
        If nothing like that was measured, with what was.

    Examples
    --------
    >>> times = [timings("gemm", precision="bf16", m=m)[0]["seconds"] for m in (1, 64, 512)]
    >>> [f"{1e6 * seconds:.0f} µs" for seconds in times]
    ['100 µs', '103 µs', '186 µs']
    """
    chip = accelerator(gpu).name
    found = [row for row in _stored() if accelerator(row["gpu"]).name == chip]
    if not found:
        raise unknown("GPU measured by us", gpu, sorted({row["gpu"] for row in _stored()}))
    kinds = {row["kind"] for row in found}
    if kind not in kinds:
        raise unknown(f"kind of time on {chip}", kind, kinds)
    chosen = [row for row in found if row["kind"] == kind]
    for column, value in where.items():
        values = {row.get(column) for row in chosen}
        if value not in values:
            known = ", ".join(map(str, sorted(values - {None}, key=str)))
            raise NapkinError(f"no {kind} was measured at {column}={value!r}, but at {known}.")
        chosen = [row for row in chosen if row.get(column) == value]
    return [dict(row) for row in chosen]


@cache
def _stored() -> list[dict[str, Any]]:
    text = files(__package__).joinpath("data", "own_gpu.csv").read_text(encoding="utf-8")
    return [
        {name: _number(cell) for name, cell in row.items() if cell}
        for row in csv.DictReader(text.splitlines())
    ]


def _number(cell: str) -> Any:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
