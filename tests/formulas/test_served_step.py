"""The time of a token on a loaded server, against a server that was measured under load."""

import csv
from pathlib import Path

import pytest

import napkin as nk

MEASURED = Path(__file__).parents[3] / "shared" / "measured" / "cost_at_load.csv"
# Prompts of 512 tokens, answers of 256: an answer sees 640 tokens on average.
SERVER = nk.Napkin(
    model="Llama-3.1-8B",
    accelerator="H100",
    precision="bf16",
    context=640,
    prompt=512,
    new_tokens=256,
)
# Constants fitted on other rows: achieved fractions, a time per layer and one per sequence.
FITTED = SERVER.assume(
    "decode_step_time = decode_memory_time + decode_compute_time"
    " + n_layers*kernel_launch_time + batch*host_time",
    bandwidth_efficiency=0.885,
    compute_efficiency=0.74,
    kernel_launch_time="95 us",
    host_time="9.7 us",
)
# Requests a second: measured over the step alone, over the served step, over the fitted one.
RATIOS = {
    "1": (1.45, 1.44, 0.79),
    "10": (2.00, 1.75, 0.97),
    "25": (3.39, 2.25, 1.24),
    "50": (4.37, 2.48, 1.36),
    "100": (4.35, 2.46, 1.35),
    "200": (4.33, 2.45, 1.34),
}


@pytest.mark.skipif(not MEASURED.exists(), reason="the measured rows are not on this machine")
def test_prompts_of_others_explain_the_slow_token_of_a_loaded_server() -> None:
    with MEASURED.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["config"] == "C1"]
    found = {row["rps"]: _ratios(row) for row in rows if row["rps"] in RATIOS}
    assert found.keys() == RATIOS.keys()
    for load, ratios in found.items():
        assert ratios == pytest.approx(RATIOS[load], abs=0.01), load


def _ratios(row: dict[str, str]) -> tuple[float, float, float]:
    tpot = float(row["tpot_p50_ms"]) / 1e3
    batch = float(row["tps_output"]) * tpot  # Little's law
    ideal, fitted = SERVER.assume(batch=batch), FITTED.assume(batch=batch)
    times = (ideal.decode_step_time, ideal.tpot, fitted.tpot)
    alone, served, predicted = (tpot / float(time.to("s")) for time in times)
    return alone, served, predicted
