"""Sweeps: the same as reading point by point, with labels, units, and what fits."""

from typing import Any

import numpy as np
import pytest
import xarray

import napkin as nk
from napkin.errors import NapkinError
from napkin.worksheet.compilation import _BLOCK, _MANY
from tests.sheets import QWEN


@pytest.mark.parametrize("target", ["tokens_per_second", "decode_step_time", "cost_per_user_month"])
def test_a_grid_is_the_same_as_reading_each_point(target: str) -> None:
    grid = nk.sweep(QWEN, target, batch=[1, 20], context=[4_000, "20,000", 100_000])
    assert dict(grid.sizes) == {"batch": 2, "context": 3}
    raw = nk.sweep(QWEN, target, beyond=True, batch=[1, 20], context=[4_000, "20,000", 100_000])
    for batch in grid.batch.values:
        for context in grid.context.values:
            point = grid.sel(batch=batch, context=context)
            n = QWEN.assume(batch=batch, context=context)
            assert bool(point.fits) == (float(n.concurrent_sequences) >= batch)
            if point.fits or target == "cost_per_user_month":
                expected = pytest.approx(float(n[target]), rel=1e-12)
                assert float(raw.sel(batch=batch, context=context)[target]) == expected
            assert bool(point.fits) == bool(np.isfinite(point[target]))


def test_units_and_meanings_are_on_it() -> None:
    grid = nk.sweep(QWEN, "cost_per_million_tokens", price=["4 USD/hour", "1 USD/hour"])
    assert grid.cost_per_million_tokens.attrs["units"] == "USD/Mtoken"
    assert grid.price.attrs["units"] == "USD/h"
    assert grid.price.values.tolist() == [4, 1]
    assert "caches" in grid.fits.attrs["long_name"]


def test_several_targets_in_one_sweep() -> None:
    grid = nk.sweep(QWEN, ["users", "ttft"], prompt=[100, 1_000])
    assert set(grid) == {"users", "ttft", "fits"}


def test_arrays_that_broadcast() -> None:
    batch, context = np.array([[1.0], [2.0]]), np.array([1e3, 2e3, 3e3])
    grid = nk.sweep(QWEN, "decode_step_time", batch=batch, context=context)
    assert grid.decode_step_time.shape == (2, 3)
    expected = QWEN.function("decode_step_time", "batch", "context")(batch, context)
    np.testing.assert_array_equal(grid.decode_step_time.values, expected)


def test_labeled_and_dask_arrays_are_taken_as_they_are() -> None:
    from dask import array  # which takes a while, and nothing else here needs

    draws = xarray.DataArray([1e3, 2e3], dims=["draw"])
    assert nk.sweep(QWEN, "users", context=draws).users.dims == ("draw",)
    lazy = xarray.DataArray(array.linspace(1e3, 1e5, 50_000, chunks=10_000), dims=["context"])
    swept = nk.sweep(QWEN, "users", context=lazy)
    assert swept.users.chunks == ((10_000,) * 5,)
    now = nk.sweep(QWEN, "users", context=lazy.values)
    np.testing.assert_array_equal(swept.users.compute().values, now.users.values)


@pytest.mark.parametrize("size", [1, _BLOCK, _BLOCK + 1, 3 * _BLOCK + 7])
def test_blocks_do_not_show(size: int) -> None:
    context = np.geomspace(1e3, 1e5, size)
    call = QWEN.function("cost_per_user_month", "context", "price")
    whole = call(context, 3.0)
    assert whole.shape == (size,)
    for index in {0, size // 2, size - 1}:
        assert whole[index] == pytest.approx(call(context[index], 3.0), rel=1e-14)
    assert call(context[:, None][:3], np.array([1.0, 2.0])).shape == (min(3, size), 2)


@pytest.mark.parametrize("shape", [(1, 3 * _BLOCK + 7), (3, _BLOCK), (_MANY // 2, 2)])
def test_every_block_has_its_gaps(shape: tuple[int, ...]) -> None:
    context = np.geomspace(1e3, 1e6, np.prod(shape)).reshape(shape)
    axes: dict[str, Any] = {"batch": np.full(shape, 10.0), "context": context}
    grid = nk.sweep(QWEN, ["decode_step_time", "users"], **axes)
    raw = nk.sweep(QWEN, ["decode_step_time", "users"], beyond=True, **axes)
    assert 0 < grid.fits.mean() < 1
    np.testing.assert_array_equal(grid.fits, raw.fits)
    for name in ("decode_step_time", "users"):
        np.testing.assert_array_equal(grid[name], raw[name].where(raw.fits))


def test_what_cannot_be_told_to_fit_is_left_out() -> None:
    bare = nk.Napkin(peak_flops=1e15, bandwidth=1e12)
    assert set(nk.sweep(bare, "ridge", bandwidth=[1e12, 2e12])) == {"ridge"}


@pytest.mark.parametrize(
    ("axis", "says"),
    [
        ({"context": [-1]}, "must be a number of at least 0, got -1"),
        ({"n_gpus": [1, 1.5]}, "whole number"),
        ({"duty_cycle": [0.5, 1.5]}, "fraction"),
        ({"context": [1, float("nan")]}, "got nan"),
        ({"context": "many"}, "many"),
        ({"context": [object()]}, "an axis takes numbers"),
        ({"contexts": [1]}, "did you mean context"),
        ({}, "needs an axis"),
        ({"context": xarray.DataArray([-1.0], dims=["x"])}, "at least 0"),
    ],
)
def test_a_bad_axis_is_named(axis: dict[str, Any], says: str) -> None:
    with pytest.raises(NapkinError, match=says):
        nk.sweep(QWEN, "users", **axis)


def test_a_speed_that_no_batch_reaches_does_not_fit() -> None:
    grid = nk.sweep(QWEN, "users", speed_target=[20, 100_000])
    assert grid.fits.values.tolist() == [True, False]


def test_the_layout_is_an_axis_as_any_other() -> None:
    grid = nk.sweep(QWEN, "kv_bytes_per_token", group_size=[1, 8])
    assert float(grid.kv_bytes_per_token[0]) == 8 * float(grid.kv_bytes_per_token[1])


def test_what_does_not_fit_has_no_numbers() -> None:
    axes: dict[str, Any] = {"context": [20_000], "usable_memory": [0.1, 1]}
    grid = nk.sweep(QWEN, ["concurrent_sequences", "users"], **axes)
    assert grid.fits.values.tolist() == [[False, True]]
    assert np.isnan(grid.concurrent_sequences.values).tolist() == [[True, False]]
    assert np.isnan(grid.users.values).tolist() == [[True, False]]
    beyond = nk.sweep(QWEN, "concurrent_sequences", beyond=True, **axes)
    assert float(beyond.concurrent_sequences[0, 0]) < 0


def test_accelerators_and_models_are_axes() -> None:
    chips, models = ["B200", "H100"], ["Qwen3-32B", "Llama-3-70B"]
    grid = nk.sweep(QWEN, ["users", "tpot"], model=models, context=[1e3, 4e3], accelerator=chips)
    assert dict(grid.sizes) == {"accelerator": 2, "model": 2, "context": 2}
    assert grid.accelerator.values.tolist() == chips
    assert grid.users.attrs["units"] == "user"
    for chip in chips:
        for model in models:
            n = QWEN.assume(model=model, accelerator=chip, context=4e3)
            here = grid.sel(model=model, accelerator=chip, context=4e3)
            assert float(here.users) == pytest.approx(float(n.users), rel=1e-12)
            assert bool(here.fits)
    assert grid.attrs["warnings"] == ["price given, but not used here"]


def test_a_model_that_does_not_fit_stands_as_such() -> None:
    n = QWEN.assume(context=8_000)
    grid = nk.sweep(n, "users", accelerator=["B200", "H100"], model=["Llama-3-70B", "DeepSeek-V3"])
    assert grid.fits.sel(model="DeepSeek-V3").values.tolist() == [False, False]
    assert np.isnan(grid.users.sel(model="DeepSeek-V3")).all()
    assert grid.users.sel(model="Llama-3-70B").notnull().all()
    assert dict(nk.sweep(QWEN, "users", accelerator="H100").sizes) == {"accelerator": 1}
    with pytest.raises(NapkinError, match="weights do not fit"):
        nk.sweep(QWEN, "users", model=["DeepSeek-V3"])
    with pytest.raises(NapkinError, match="B300"):
        nk.sweep(QWEN, "users", accelerator=["B300x"])


SMALL = nk.Napkin(
    model="Qwen3-30B-A3B",
    accelerator="B200",
    n_gpus=8,
    precision="fp8",
    context=2_000,
    prompt=1_800,
    message=90,
    new_tokens=50,
    think_time=30,
    speed_target=20,
)
REFUSED: dict[str, tuple[nk.Napkin, str, dict[str, list[float]]]] = {
    "a message longer than its prompt": (SMALL, "ttft", {"message": [90, 5_000]}),
    "a context without its prompt": (SMALL, "users", {"context": [1_000, 2_000]}),
    "no prompt to wait for": (SMALL.assume("disaggregated"), "users", {"context": [1_000, 4_000]}),
    "more experts than there are": (SMALL, "tpot", {"n_experts_active": [8, 200]}),
    "a turn without an end": (
        SMALL.assume("idle_offloaded", host_link_bandwidth="50 GB/s"),
        "users",
        {"duty_cycle": [0.5, 1]},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_sweep_refuses_what_a_reading_refuses(case: str) -> None:
    n, target, axis = REFUSED[case]
    axes: dict[str, Any] = dict(axis)
    ((name, values),) = axis.items()
    grid = nk.sweep(n, target, **axes)
    for value in values:
        point = grid.sel({name: value})
        try:
            expected = float(n.assume(**{name: value})[target])
        except NapkinError:
            assert not point.fits
            assert np.isnan(point[target])
        else:
            assert point.fits
            assert float(point[target]) == pytest.approx(expected, rel=1e-12)
    assert sorted(grid.fits.values.tolist()) == [False, True]


CROWD = QWEN.assume("binomial", duty_cycle=0.2, overflow_target=0.01)


@pytest.mark.parametrize("target", ["users", "overflow_probability", "cost_per_user_month"])
def test_chances_end_where_the_weights_do_not_fit(target: str) -> None:
    """Fewer slots than none have no chance; the search for one once had no end."""
    grid = nk.sweep(CROWD, target, memory=["20 GB", "80 GB", "192 GB"])
    assert grid.fits.values.tolist() == [False, True, True]
    fast = nk.sweep(CROWD.assume(speed_target=20), target, speed_target=[20, 1_000])
    assert fast.fits.values.tolist() == [True, False]


def test_chances_do_not_keep_a_solution_or_a_draw_waiting() -> None:
    (found,) = nk.solve(CROWD, "memory", users=100)
    assert float(CROWD.assume(memory=found.value).users) == pytest.approx(100, rel=1e-6)
    assert nk.uncertainty(CROWD, "users", samples=200, memory=("20 GB", "200 GB")).fits < 1
