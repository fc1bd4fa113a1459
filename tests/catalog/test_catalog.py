"""Catalog entries: each parses, has a source and a date, and is plausible."""

import re
from datetime import date
from pathlib import Path

import pytest

import napkin as nk
from napkin.catalog import BYTES, accelerator, scenario, table, tables, width
from napkin.errors import ConfigError, NapkinError, UnknownNameError
from napkin.quantities.given import coherent
from napkin.quantities.quantity import REGISTRY

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


# Where a narrower number is not as much faster as it is narrower, by the source.
ODD = {
    "B300-SXM": {"fp4"},
    "GB300": {"fp4"},
    "MI250": {"int8"},
    "MI250X": {"int8"},
    "MI250X-GCD": {"int8"},
    "Gaudi3": {"fp8"},
    "TPU v4": {"int8"},
    "TPU v6e": {"fp8"},
    "Intel Arc Pro B60": {"fp8"},
    "RTX 5090": {"fp4"},
}
WEAK = {"H20": 37}  # arithmetic kept small for export, the memory of a large GPU


@pytest.mark.parametrize("name", ACCELERATORS)
def test_peaks_are_dense_and_rise_as_numbers_get_narrower(name: str) -> None:
    chip = accelerator(name)
    assert set(chip.peak_flops) <= set(BYTES)
    if not chip.peak_flops:
        with pytest.raises(UnknownNameError, match="no source .* gives a peak .* of your own"):
            chip.peak("bf16")
        return
    if set(chip.peak_flops) == {"fp4"}:  # all that its maker prints
        assert (name, chip.peak("fp4")) == ("DGX Spark", "500 TFLOP/s")
        with pytest.raises(UnknownNameError, match="fp4"):
            chip.peak("bf16")
        return
    wide = chip.peak_flops.get("bf16") or chip.peak_flops["fp16"]
    by_width = sorted(chip.peak_flops, key=lambda precision: -BYTES[precision])
    rates = [_rate(chip.peak(precision)) for precision in by_width]
    assert rates == sorted(rates) or min(rates[1:]) > rates[0]
    odd = set()
    for precision in chip.peak_flops:
        times = BYTES["bf16"] / BYTES[precision]
        if _rate(chip.peak(precision)) != pytest.approx(times * _rate(wide), rel=0.05):
            odd.add(precision)
    assert odd == ODD.get(name, set())
    assert chip.peak("fp16") == wide
    ridge = _rate(wide) / float(coherent("bandwidth", chip.bandwidth))
    least, most = (100, 400) if name in FIRST else (100, 600)
    assert least < ridge < most or ridge == WEAK.get(name)


FIRST = ("A100-SXM4-80GB", "H100-SXM5-80GB", "H200-SXM-141GB", "B200-SXM", "MI300X")


def test_there_are_enough_and_the_old_names_hold() -> None:
    assert len(ACCELERATORS) >= 25
    assert [accelerator(n).name for n in ("A100", "H100", "H200", "B200", "MI300X")] == list(FIRST)
    names = [n.lower() for key, row in ACCELERATORS.items() for n in (key, *row["aliases"])]
    assert len(names) == len(set(names))


DRIVER = {"H100": 81_559, "H200": 143_771, "B200": 183_359, "A100": 81_920, "L4": 23_034}


@pytest.mark.parametrize("name", DRIVER)
def test_memory_is_what_the_driver_shows(name: str) -> None:
    assert nk.Napkin(accelerator=name).memory.number == DRIVER[name] * 2**20


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, row in ACCELERATORS.items() if "memory_sheet" in row])
def test_the_sheet_s_memory_stands_beside_it(name: str) -> None:
    chip = accelerator(name)
    seen, sheet = (float(coherent("memory", m)) for m in (chip.memory, chip.memory_sheet))
    assert 0.95 < seen / sheet < 1.08  # a sheet's GB may be meant as GiB, and error codes take some
    assert "-smi shows it" in chip.source
    assert f"{chip.memory} (sheet: {chip.memory_sheet})" in repr(nk.catalog.accelerators())


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, row in ACCELERATORS.items() if "disagree" in row])
def test_where_sources_disagree_both_stand(name: str) -> None:
    chip = accelerator(name)
    for other in chip.disagree:
        field, _, precision = other["field"].partition(".")
        ours = chip.peak_flops.get(precision) if precision else getattr(chip, field)
        assert ours != other["value"]
        assert other["value"] in chip.remarks(other["field"])
        assert other["value"] in chip.remarks()
        assert other["value"] in repr(nk.catalog.accelerators())


def test_a_napkin_names_the_disagreement_that_concerns_it() -> None:
    n = nk.Napkin(accelerator="B300", precision="fp4")
    said = repr(nk.explain(n, "ridge"))
    assert "bandwidth 7.75 TB/s by ai-dynamo" in said
    assert "peak_flops.fp4 14000 TFLOP/s by ai-dynamo" in said
    assert "153.5" not in said
    assert "1100 W" not in said


def test_a_v100_has_fp16_and_no_bf16() -> None:
    assert accelerator("V100").peak("fp16") == "125 TFLOP/s"
    with pytest.raises(UnknownNameError, match="'bf16'.*Known: fp16"):
        accelerator("V100").peak("bf16")


def test_an_accelerator_without_a_peak_still_says_what_fits() -> None:
    n = nk.Napkin(model="Llama-3-8B", accelerator="RTX3090", precision="fp16", context=8000)
    assert n.concurrent_sequences > 0
    with pytest.raises(nk.NapkinError, match="peak_flops"):
        _ = n.decode_step_time
    assert n.assume(peak_flops="71 TFLOP/s").decode_step_time.number > 0


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
    owner, _, own = row["hf_id"].partition("/")
    short = () if "like" in row else (own, f"{owner}/{name}")
    for other in (name.lower(), row["hf_id"], *short, *row.get("aliases", ())):
        assert nk.Model.from_config(other) == model


def test_a_hub_id_names_its_entry_and_is_suggested() -> None:
    assert nk.Model.from_config("openai/gpt-oss-120b").name == "gpt-oss-120b"
    assert nk.Napkin(model="meta-llama/Llama-3.1-70B").n_params == 70_553_706_496
    assert nk.Model.from_config("deepseek-ai/deepseek-r1").n_params == 671_026_404_352
    with pytest.raises(UnknownNameError, match="did you mean .*openai/gpt-oss-120b"):
        nk.Model.from_config("openai/gpt-oss-121b")


def test_widths() -> None:
    assert {p: width(p) for p in BYTES} == {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5}


@pytest.mark.parametrize("name", table("families"))
def test_family_names_quantities_and_variants(name: str) -> None:
    row = table("families")[name]
    for part in ("keys", "absent", "fixed"):
        assert set(row.get(part, {})) <= set(REGISTRY)
    for variant in row.get("variants", ()):
        assert nk.variants.get(variant).name == variant


# ------------------------------------------------------------------------- one's own


MINE = """
[Mine]
aliases = ["my chip"]
memory = "96 GB"
bandwidth = "4 TB/s"
peak_flops = { bf16 = "500 TFLOP/s", fp8 = "1000 TFLOP/s" }
source = "my data sheet"
read = 2026-01-31
"""


def test_one_file_of_one_s_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    chip = nk.catalog.read(file)["Mine"]
    assert chip.source == "my data sheet, read 2026-01-31"
    assert accelerator("MY CHIP", own=file) == accelerator(str(file)) == chip
    assert accelerator("B200", own=file).name == "B200-SXM"
    for given in (chip, str(file)):
        n = nk.Napkin(accelerator=given, precision="fp8")
        assert n.ridge.number == 250
    assert nk.catalog.accelerators(file).rows[0][0] == "Mine"
    with pytest.raises(UnknownNameError, match="'Mine'"):
        accelerator("Mine")
    assert "Mine" not in repr(nk.catalog.accelerators())


def test_a_file_with_two_needs_a_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(MINE + MINE.replace("[Mine]", "[Other]").replace("my chip", "other"))
    with pytest.raises(ConfigError, match=r"mine.toml has 2 accelerators \(Mine, Other\): choose"):
        accelerator(str(file))
    assert accelerator("other", own=file).name == "Other"


def test_one_object_of_one_s_own() -> None:
    chip = nk.Accelerator("Mine", "96 GB", "4 TB/s", {"fp8": "1000 TFLOP/s"}, "my data sheet")
    assert nk.Napkin(accelerator=chip, precision="fp8").ridge.number == 250
    with pytest.raises(ConfigError, match="accelerator 'Mine', field 'memory'"):
        nk.Accelerator("Mine", "96 GB/s", "4 TB/s", {}, "my data sheet")
    with pytest.raises(ConfigError, match="field 'source': expected text"):
        nk.Accelerator("Mine", "96 GB", "4 TB/s", {}, "")


@pytest.mark.parametrize("text", ["", "[Mine", "= 3", "\0"])
def test_a_file_that_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="mine.toml (has no entry|is not a TOML file)"):
        nk.catalog.read(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="^none.toml cannot be read .*: give a TOML file"):
        nk.catalog.read(tmp_path / "none.toml")


# --------------------------------------------------------------------- what a field must be

WRONG = [
    ("memory", '"80 GB/s"', "memory expects byte"),
    ("memory", "80", "a number above 0 with its unit (byte)"),
    ("memory", '"80"', "a number above 0 with its unit"),
    ("bandwidth", '"0 TB/s"', "bandwidth"),
    ("source", '" "', "expected text that is not empty"),
    ("color", '"red"', "unexpected keyword argument 'color'. Fields are memory"),
    ("aliases", '"one"', "expected a list"),
    ("peak_flops", '"3 TFLOP/s"', "expected a table"),
    ("peak_flops", '{ fp3 = "1 TFLOP/s" }', "one of bf16, fp16"),
    ("peak_flops", '{ fp8 = "1 TB/s" }', "peak_flops expects FLOP/s"),
    ("peak_flops", '{ fp8 = "-1 TFLOP/s" }', "must be a number above 0"),
    ("peak_flops", '{ bf16 = "9 TFLOP/s", fp8 = "8 TFLOP/s" }', "bf16 <= fp8 <= fp4"),
]
NEEDED = {"memory": '"80 GB"', "bandwidth": '"2 TB/s"', "source": '"its data sheet"'}


def _read(tmp_path: Path, fields: dict[str, str]) -> dict[str, nk.Accelerator]:
    file = tmp_path / "mine.toml"
    lines = [f"{field} = {value}" for field, value in fields.items()]
    file.write_text("\n".join(["[Mine]", *lines]))
    return nk.catalog.read(file)


@pytest.mark.parametrize(("field", "value", "said"), WRONG)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, NEEDED | {field: value})
    message = str(caught.value)
    assert message.startswith("mine.toml, accelerator 'Mine'")
    assert f"{field!r}" in message
    assert said in message


@pytest.mark.parametrize("field", NEEDED)
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    rest = {name: value for name, value in NEEDED.items() if name != field}
    with pytest.raises(ConfigError, match=f"mine.toml, accelerator 'Mine'.*'{field}'"):
        _read(tmp_path, rest)


def test_what_is_needed_is_enough(tmp_path: Path) -> None:
    assert _read(tmp_path, NEEDED)["Mine"].memory == "80 GB"


# ------------------------------------------------------------------------- shipped facts

STORED = Path(nk.catalog.__file__).parent / "data"
SOURCED = sorted({path.stem for path in STORED.glob("*.toml")} - {"families"})


@pytest.mark.parametrize("kind", SOURCED)
def test_every_fact_has_a_source_and_the_day_it_was_read(kind: str) -> None:
    for name, row in table(kind).items():
        assert row["source"].strip(), name
        assert isinstance(row["read"], date), name


def test_scenarios_give_quantities() -> None:
    for row in table("scenarios").values():
        for name, given in (row["givens"] | row.get("shapes", {})).items():
            coherent(name, given)


def test_prices_say_when_they_were_asked() -> None:
    for row in table("prices").values():
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])(-\d\d)?", row["date"])


def test_percentiles_of_traffic_rise() -> None:
    points = ("p10", "p25", "p50", "p75", "p90", "p99", "max")
    for row in table("traffic").values():
        metrics = [cell for cell in row.values() if isinstance(cell, dict)]
        assert row["says"]
        assert metrics
        for cell in metrics:
            known = [cell[point] for point in points if point in cell]
            assert known == sorted(known)
            assert known or "mean" in cell
            assert min([0, *known]) == 0
            assert cell["unit"]


def test_what_another_source_says_names_its_field() -> None:
    for row in ACCELERATORS.values():
        for other in row.get("disagree", ()):
            quantity, _, precision = other["field"].partition(".")
            assert coherent(quantity.removesuffix("_physical"), other["value"]) > 0
            assert bool(precision) is (quantity == "peak_flops")
            assert not precision or precision in BYTES
            assert other["source"]


# ----------------------------------------------------------------------------- tables


TABLES = ("accelerators", "models", "prices", "api_prices", "traffic", "scenarios", "engines")


@pytest.mark.parametrize("kind", TABLES)
def test_tables_read_well(kind: str) -> None:
    shown = getattr(nk.catalog, kind)()
    assert isinstance(shown, nk.views.Table)
    assert {row[0] for row in shown.rows} >= set(table(kind))
    assert all(len(row) == len(shown.header) for row in shown.rows)
    assert all(row[-1] for row in shown.rows)
    assert all("|" not in cell for row in shown.rows for cell in row)
    body = repr(shown).splitlines()
    assert body[0].startswith(shown.header[0])
    markdown = shown._repr_markdown_().splitlines()
    assert {line.count(" | ") for line in markdown[: len(shown.rows) + 2]} == {
        len(shown.header) - 1
    }
    marks = {mark for row in shown.rows for mark in re.findall(r"\[\d+\]", row[-1])}
    assert marks == {note.split(" ")[0] for note in shown.notes}
    assert any("read 20" in note for note in shown.notes)


def test_prices_have_a_date_and_are_no_default() -> None:
    found = nk.catalog.price("B200")
    assert (found.low, found.high, found.date) == ("5.98 USD/h", "10.57 USD/h", "2026-03")
    assert found.source
    assert nk.catalog.prices("b200").rows[0][:4] == ["B200-SXM", found.low, found.high, found.date]
    for name, row in table("prices").items():
        assert name in ACCELERATORS
        assert coherent("price", row["low"]) <= coherent("price", row["high"])
    with pytest.raises(UnknownNameError, match="no price in the catalog for 'GB200'"):
        nk.catalog.price("GB200")
    with pytest.raises(NapkinError, match="no default price"):
        _ = nk.Napkin(accelerator="B200", users=3).cost_per_user_hour


def test_api_prices_are_givens_with_a_date_and_no_default() -> None:
    found = nk.catalog.api_price("DeepSeek-R1 at DeepSeek")
    assert found == {  # of the provider's own report, DeepSeek-AI open-infra-index 2025, day 6
        "api_input_price": "0.55 USD/Mtoken",
        "api_cached_input_price": "0.14 USD/Mtoken",
        "api_output_price": "2.19 USD/Mtoken",
    }
    n = nk.Napkin(prompt=1000, new_tokens=200, message=250, **found)
    dollars = (250 * 0.55 + 750 * 0.14 + 200 * 2.19) / 1e6
    assert float(n.api_cost_per_request) == pytest.approx(dollars, rel=1e-12)
    for name, row in table("api_prices").items():
        hit = row.get("api_cached_input_price", row["api_input_price"])
        asked = [row["api_input_price"], row["api_output_price"]]
        asked = [coherent("api_input_price", text) for text in (hit, *asked)]
        assert asked == sorted(asked), name
        assert "model" not in row or row["model"] in table("models")
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])(-\d\d)?", row.get("date", "2026-01"))
        assert row["source"].startswith("https://")
    with pytest.raises(UnknownNameError, match="gpt-oss-120b at Fireworks"):
        nk.catalog.api_price("gpt-oss-120b")
    with pytest.raises(NapkinError, match=r"nk\.catalog\.api_prices"):
        _ = nk.Napkin(prompt=1000, new_tokens=200).api_cost_per_request


def test_traffic_says_what_we_computed() -> None:
    rows = table("traffic")
    assert rows["azure-conversation"]["input_tokens"]["p50"] == 1020
    assert rows["mooncake-conversation"]["turn_gap"]["p50"] == 124.5
    for name in ("servegen-small", "servegen-mid", "servegen-large", "servegen-reasoning"):
        assert "our computation" in rows[name]["input_tokens"]["note"]
    assert {row[0] for row in nk.catalog.traffic("azure-code").rows} == {"azure-code"}
    with pytest.raises(UnknownNameError, match="did you mean azure-code"):
        nk.catalog.traffic("azure-cod")


def test_models_are_counted_by_their_formulas() -> None:
    row = next(row for row in tables.models().rows if row[0] == "Llama-3-8B")
    assert row[1] == "8,030,261,248"
    assert row[3] == "131,072"


def test_the_catalog_lists_what_it_has() -> None:
    assert set(TABLES) <= set(dir(nk.catalog))
