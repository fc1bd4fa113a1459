"""Times that we measured ourselves."""

from __future__ import annotations

import pytest

import napkin as nk
from napkin.errors import NapkinError

SHEETS = {"H100": (3.35e12, 989e12, 1979e12), "H200": (4.8e12, 989e12, 1979e12)}
KINDS = ("gemm", "decode_attention", "experts", "copy", "read")


@pytest.mark.parametrize("gpu", SHEETS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_time_beats_the_data_sheet(gpu: str, kind: str) -> None:
    flow, wide, narrow = SHEETS[gpu]
    for row in nk.catalog.timings(kind, gpu):
        peak = narrow if row.get("precision") == "fp8" else wide
        assert row["seconds"] > row.get("bytes_moved", 0) / flow
        assert row["seconds"] > row.get("flop", 0) / peak


def test_no_whole_step_beats_its_bound() -> None:
    for row in nk.catalog.timings("decode_step"):
        n = nk.Napkin(model=row["model"], accelerator="H100", precision=row["precision"])
        step = n.assume(batch=row["batch"], context=row["context"], beyond_max_context=1)
        assert row["seconds"] > float(step.decode_step_time)


def test_rows_are_chosen_by_their_columns() -> None:
    rows = nk.catalog.timings("gemm", precision="bf16")
    assert {row["precision"] for row in rows} == {"bf16"}
    assert [row["m"] for row in rows] == sorted(row["m"] for row in rows)
    assert all(isinstance(row["m"], int) and isinstance(row["seconds"], float) for row in rows)
    rows[0]["m"] = 0  # a copy
    assert nk.catalog.timings("gemm", precision="bf16")[0]["m"] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("gem",), "did you mean gemm"),
        (("gemm", "B200"), "there is no GPU measured by us 'B200'"),
        (("decode_step", "H200"), "there is no kind of time"),
    ],
)
def test_what_was_not_measured(call: tuple[str, ...], message: str) -> None:
    with pytest.raises(NapkinError, match=message):
        nk.catalog.timings(*call)
    with pytest.raises(NapkinError, match="no gemm was measured at m=3, but at 1, "):
        nk.catalog.timings("gemm", m=3)
