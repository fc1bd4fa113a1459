"""The cloud of chapter 10: its predictions are those of the package, and its fit is robust."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import napkin as nk
from cloud import FEW, LOSSES, Cloud, scatter, tightening
from napkin.worksheet.napkin import Napkin

SERVERS = [("Llama-3.1-8B", "H100", "vllm"), ("Llama-3.1-8B", "H200", ""), ("Qwen3-8B", "H200", "")]
LOADS = (1, 4, 16, 64)


def row(model: str, gpu: str, engine: str, load: int) -> dict[str, Any]:
    n = Napkin(model=model, accelerator=gpu, precision="bf16", batch=load, context=1_250)
    n = n.assume(prompt=1_000, new_tokens=500, calibrated=True)
    names = {"model": model, "gpu": gpu, "engine": engine, "precision": "bf16", "metric": "tpot"}
    lengths = {"prompt": 1_000, "new_tokens": 500, "concurrency": load}
    return {**names, **lengths, "value": 1.02 * float(n.tpot)}


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return Cloud(nk.measure([row(*server, load) for server in SERVERS for load in LOADS]))


def test_predictions_are_those_of_measured_rows(cloud: Cloud) -> None:
    assert cloud.predicted() == pytest.approx([v.calibrated for v in cloud.verdicts], rel=1e-9)
    assert cloud.predicted() == pytest.approx(cloud.measured / 1.02, rel=1e-9)
    assert cloud.off(cloud.predicted()) == pytest.approx(1.02)
    assert cloud.inside(cloud.predicted()) == 1
    assert cloud.inside(cloud.ideal / 10) == 0


def test_stages_lead_from_the_bound_to_the_prediction(cloud: Cloud) -> None:
    stages = list(cloud.stages().values())
    assert len(stages) == len(LOSSES) + 2
    assert stages[0] == pytest.approx(cloud.ideal)
    assert stages[1] == pytest.approx(cloud.predicted(**LOSSES))
    assert stages[-1] == pytest.approx(cloud.predicted())
    assert all((later >= sooner).all() for sooner, later in pairwise(stages[1:]))


@pytest.mark.parametrize("choice", ["accelerator", "model", "engine"])
def test_what_is_left_out_is_predicted_from_the_others(cloud: Cloud, choice: str) -> None:
    assert cloud.left_out(choice) == pytest.approx(cloud.measured, rel=0.03)


def test_the_table_has_a_row_for_each_group(cloud: Cloud) -> None:
    table = cloud.by({"engine": cloud.ideal, "accelerator": cloud.measured})
    groups = [(cells[0], cells[1], cells[-1]) for cells in table.rows]
    assert groups[1] == ("engine: vllm", "4", table.rows[1][2])  # ideal in both columns
    assert groups[2:] == [
        ("accelerator: H200-SXM-141GB", "8", "1.00"),
        ("accelerator: H100-SXM5-80GB", "4", "1.00"),
    ]


def test_pictures_say_what_they_show(cloud: Cloud) -> None:
    seen = scatter(cloud).alt
    assert "12 servers" in seen
    assert f"up to {FEW} requests" in seen
    assert "All but 0 lie above" in seen
    stages = {"ideal": cloud.ideal, "fitted": cloud.predicted()}
    picture = tightening(stages=stages, cloud=cloud)
    assert "fitted 1.02" in picture.alt
    assert 15 <= len(picture.alt.split()) <= 60
    assert picture.svg == tightening(cloud, stages).svg


def test_the_constants_are_those_of_the_catalog(cloud: Cloud) -> None:
    assert set(cloud.fitted) == set(nk.catalog.fitted())
    assert not np.isclose(list(cloud.fitted.values()), list(LOSSES.values())).any()
