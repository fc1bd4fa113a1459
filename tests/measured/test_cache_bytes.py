"""Bytes of cache for each token, from logs of servers, against the shapes of the models."""

from __future__ import annotations

import csv
from contextlib import suppress

import pytest

import napkin as nk
from napkin.errors import NapkinError

from . import MEASURED

LOGS = MEASURED / "kv_capacity.csv"
WIDTHS = {"bf16": "bf16", "fp16": "fp16", "fp8": "fp8", "fp8_e4m3": "fp8", "": None}


def logged() -> dict[str, tuple[float, float]]:
    """Return measured and derived bytes of a token on each GPU, by model and line."""
    found = {}
    with LOGS.open(encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["clean_row"] == "yes"]
    for place, line in enumerate(lines):
        measured = line["kv_bytes_per_token_per_gpu_measured"]
        name = line["model"].partition(" (")[0]
        if not measured or line["kv_dtype"] not in WIDTHS:
            continue
        with suppress(NapkinError):  # models that the catalog does not have
            n = nk.Napkin(model=name, kv_precision=WIDTHS[line["kv_dtype"]] or "bf16")
            n = n.assume(n_gpus=int(line["n_gpus_tp"] or 1))
            copies = n.kv_copies if n.n_gpus > 1 else 1
            found[f"{place}: {name}"] = (
                float(measured),
                float(n.kv_bytes_per_token * copies / n.n_gpus),
            )
    return found


@pytest.mark.skipif(not LOGS.exists(), reason="the measured rows are not on this machine")
def test_every_clean_log_agrees_within_six_in_a_thousand() -> None:
    found = logged()
    assert len(found) >= 9
    for name, (measured, derived) in found.items():
        assert measured == pytest.approx(derived, rel=0.006), name
