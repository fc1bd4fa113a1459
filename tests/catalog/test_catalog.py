"""Catalog entries: each parses, has a source and a date, and is plausible."""

from datetime import date

import pytest

import napkin as nk
from napkin.catalog import BYTES, accelerator, scenario, table, width
from napkin.errors import UnknownNameError
from napkin.quantity import REGISTRY
from napkin.value import coherent

ACCELERATORS = table("accelerators")


def _rate(text: str) -> float:
    return float(coherent("peak_flops", text))


@pytest.mark.parametrize("name", ACCELERATORS)
def test_accelerator(name: str) -> None:
    row, chip = ACCELERATORS[name], accelerator(name)
    assert isinstance(row["read"], date)
    assert row["source"] and str(row["read"]) in chip.source
    assert 2**30 < coherent("memory", chip.memory) < 10**12
    assert 10**11 < coherent("bandwidth", chip.bandwidth) < 10**14
    if chip.link_bandwidth:
        assert coherent("link_bandwidth", chip.link_bandwidth) < coherent(
            "bandwidth", chip.bandwidth
        )
    for alias in row["aliases"]:
        assert accelerator(alias) == accelerator(alias.lower()) == chip


@pytest.mark.parametrize("name", ACCELERATORS)
def test_peaks_are_dense_and_rise_as_numbers_get_narrower(name: str) -> None:
    chip = accelerator(name)
    assert set(chip.peak_flops) <= set(BYTES)
    by_width = sorted(chip.peak_flops, key=lambda precision: -BYTES[precision])
    rates = [_rate(chip.peak(precision)) for precision in by_width]
    assert rates == sorted(rates) or min(rates[1:]) > rates[0]
    for precision in chip.peak_flops:
        times = BYTES["bf16"] / BYTES[precision]
        assert _rate(chip.peak(precision)) == pytest.approx(
            times * _rate(chip.peak("bf16")), rel=0.05
        )
    assert chip.peak("fp16") == chip.peak("bf16")
    ridge = _rate(chip.peak("bf16")) / float(coherent("bandwidth", chip.bandwidth))
    assert 100 < ridge < 400


def test_peak_that_a_chip_lacks() -> None:
    with pytest.raises(UnknownNameError, match="peak of A100.* 'fp8'.*bf16, int8"):
        accelerator("A100").peak("fp8")


@pytest.mark.parametrize("name", table("scenarios"))
def test_scenario(name: str) -> None:
    row = table("scenarios")[name]
    givens, source = scenario(name)
    assert isinstance(row["read"], date)
    assert source
    for key, value in givens.items():
        coherent(key, value)
    assert nk.Napkin(scenario=name).cost_per_user_month.number > 0


def test_the_article_s_scenario() -> None:
    givens, _ = scenario("article")
    expected = {
        "memory": "192 GB",
        "price": "4 USD/hour",
        "context": 200_000,
        "duty_cycle": 0.2,
        "n_layers": 64,
        "d_model": 8192,
        "n_heads": 64,
        "n_kv_heads": 8,
        "d_head": 128,
        "d_ff": 32_768,
        "n_vocab": 0,
        "n_mlp_matrices": 2,
        "n_params": 32_000_000_000,
        "n_params_active": 32_000_000_000,
    }
    assert expected.items() <= givens.items()


@pytest.mark.parametrize("name", table("models"))
def test_model_entry_has_shapes_and_no_counts(name: str) -> None:
    row = table("models")[name]
    assert isinstance(row["read"], date)
    assert row["source"] and row["hf_id"]
    model = nk.Model.from_config(name)
    assert str(row["read"]) in model.source
    assert not {"n_params", "n_params_active", "weight_bytes"} & set(model.givens)
    for key, value in model.givens.items():
        assert REGISTRY[key].name == key
        coherent(key, value)
    assert nk.Model.from_config(name.lower()) == model


def test_widths() -> None:
    assert {p: width(p) for p in BYTES} == {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5}


@pytest.mark.parametrize("name", table("families"))
def test_family_names_quantities_and_variants(name: str) -> None:
    row = table("families")[name]
    for part in ("keys", "absent", "fixed"):
        assert set(row.get(part, {})) <= set(REGISTRY)
    for variant in row.get("variants", ()):
        assert nk.variants.get(variant).name == variant
