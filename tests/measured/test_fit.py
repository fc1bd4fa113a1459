"""How good the calibrated napkin is, on the rows that the book brings."""

from __future__ import annotations

import re

import numpy as np
import pytest

import napkin as nk
from napkin.catalog import bands

from .book import BOOK, read
from .fit import CONSTANTS, START, Measurements, band, coverage, load, scores, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def steps() -> Measurements:
    return load(read())


@pytest.fixture(scope="module")
def unseen(steps: Measurements) -> np.ndarray:
    return steps.left_out("model")


def _factor(measured: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.exp(np.abs(np.log(predicted / measured)).mean()))


def test_the_constants_of_the_catalog_are_those_that_fit(steps: Measurements) -> None:
    assert steps.fitted() == pytest.approx(START, rel=0.01)


def test_errors_in_the_sample(steps: Measurements) -> None:
    predicted = steps.predicted(START)
    assert len(predicted) > 1_800
    assert np.abs(predicted / steps.measured - 1).mean() < 0.135
    assert _factor(steps.measured, predicted) < 1.15


def test_errors_on_models_that_the_fit_has_not_seen(
    steps: Measurements, unseen: np.ndarray
) -> None:
    assert np.abs(unseen / steps.measured - 1).mean() < 0.15
    assert _factor(steps.measured, unseen) < 1.16


def test_the_band_holds_what_it_promises(steps: Measurements, unseen: np.ndarray) -> None:
    low, high = bands()["tpot_error"]
    assert band(steps.measured, unseen) == pytest.approx((low, high), rel=0.02)
    assert 0.75 < coverage(steps, unseen, "model") < 0.85


def test_no_server_beats_the_bound() -> None:
    found = nk.measure(BOOK).data()
    assert found["tpot"]["beat_bound"] == found["ttft"]["beat_bound"] == 0
    assert found["tpot"]["ideal"]["within_1_25"] < 0.05  # a bound is no prediction
    assert found["ttft"]["calibrated"]["mape"] < 45


def test_every_constant_earns_its_place(steps: Measurements) -> None:
    whole = _factor(steps.measured, steps.predicted(steps.fitted()))
    for name in CONSTANTS:
        others = np.array([other != name for other in CONSTANTS])
        assert _factor(steps.measured, steps.predicted(steps.fitted(free=others))) > whole + 0.002


def test_a_group_that_is_left_out_is_predicted_from_the_others() -> None:
    place = list(CONSTANTS).index("kernel_time")
    made = Measurements(
        calls=((lambda *constants: np.full(100, constants[place]), ()),),
        measured=np.repeat([1e-5, 4e-5], 50),
        groups={"model": np.repeat(["a", "b"], 50)},
    )
    predicted = made.left_out("model")
    assert predicted == pytest.approx(made.measured[::-1], rel=1e-3)


def test_the_file_reads_back() -> None:
    text = written(START, np.array([START * 0.9, START * 1.1]), bands())
    assert re.findall(r"^\[(\w+)\]$", text, re.MULTILINE) == [*CONSTANTS, *bands()]
    assert text.startswith("# What measured servers lose")


def test_scores_are_readable() -> None:
    told = scores(np.array([1.0, 1.0]), np.array([1.1, 2.0]))
    assert told == "2 rows, MAPE 55.0 %, median 55.0 %, gm 1.483, within 1.25x 50%"
