"""Charts: the numbers of the worksheet, words for those who do not see them."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
from sympy import Integer

import napkin as nk
from napkin.errors import NapkinError, UnitError
from napkin.formulas import variants
from napkin.views import Figure, bars, curves
from napkin.views.figures import series_style
from tests.sheets import QWEN

BF16 = QWEN.assume(precision="bf16")


def words(figure: Figure) -> str:
    """Return the text that stands in a picture."""
    return " ".join(ElementTree.fromstring(figure.svg).itertext())


def roof(**options: Any) -> Figure:
    lines = {"FP8": (QWEN, "attainable_flops"), "BF16": (BF16, "attainable_flops")}
    return curves(lines, "A finding", intensity=(1, 20_000), **options)


def test_a_chart_names_lines_axes_units_and_finding() -> None:
    shown = words(roof())
    for text in ("FP8", "BF16", "A finding", "TFLOP/s", "work for each byte moved (log)"):
        assert text in shown


def test_values_at_a_place_stand_in_picture_and_words() -> None:
    figure = roof(at=QWEN.ridge, regimes=("memory decides", "arithmetic decides"))
    for text in (f"{QWEN.peak_flops}", f"{BF16.peak_flops}"):
        assert text in words(figure) and text in figure.alt
    assert f"At {QWEN.ridge}: FP8 {QWEN.peak_flops}" in figure.alt
    assert "memory decides" in words(figure) and "arithmetic decides" in words(figure)


def test_alternative_text_has_the_right_length_and_no_place_without_one() -> None:
    assert 15 <= len(roof().alt.split()) <= 60
    assert "At " not in roof().alt
    assert (
        f"FP8 from {QWEN.assume(intensity=1).attainable_flops} to {QWEN.peak_flops}" in roof().alt
    )


def test_linear_axes_do_not_say_log() -> None:
    figure = roof(log="")
    assert "(log)" not in words(figure) and "logarithmic" not in figure.alt
    assert "horizontal axis logarithmic" in roof(log="x").alt
    assert "vertical axis logarithmic" in roof(log="y").alt


def test_measurements_are_points() -> None:
    sheet = nk.Napkin(accelerator="H100", precision="bf16", inner=8192, columns=8192)
    sheet = sheet.assume("flops = matmul_flops", "bytes_moved = compulsory_bytes")
    lines = {"bound": (sheet, "roofline_time")}
    plain = curves(lines, "One", rows=(1, 4096))
    dotted = curves(lines, "One", rows=(1, 4096), measured=["gemm_h100_1", "gemm_h100_64"])
    assert "measured" in words(dotted) and "measured" not in words(plain)
    alone = curves(lines, "One", rows=(1, 4096), measured="gemm_h100_1")
    listed = curves(lines, "One", rows=(1, 4096), measured=["gemm_h100_1"])
    assert words(alone) == words(listed)
    assert "Measured" not in plain.alt
    assert "Measured: from 51.6 µs to 47.4 µs." in dotted.alt


def test_points_belong_to_the_line_that_they_name() -> None:
    sheet = nk.Napkin(accelerator="H100", precision="bf16", bytes_moved="1 GB")
    lines = {name: (sheet.assume(precision=name), "roofline_time") for name in ("bf16", "fp8")}
    timed = {"fp8": {1e12: 2e-3, 1e15: 3e-3}}
    figure = curves(lines, "One", flops=(1e12, 1e15), at=2e14, measured=timed)
    assert "fp8, measured" not in words(figure) and "measured" in words(figure)
    assert "Measured: from 2.00 ms to 3.00 ms." in figure.alt
    assert "202 ms" in figure.alt and "202 ms" not in words(figure)  # a number would hide points
    both = curves(lines, "One", flops=(1e12, 1e15), measured=timed | {"bf16": {1e12: 1e-3}})
    assert "fp8, measured" in words(both) and "bf16, measured" in words(both)
    assert "Measured: fp8 from 2.00 ms to 3.00 ms; bf16 from" in both.alt
    with pytest.raises(NapkinError, match="no line to measure 'fp': did you mean fp8"):
        curves(lines, "One", flops=(1e12, 1e15), measured={"fp": {1e12: 1e-3}})


def test_beyond_what_fits_a_line_goes_on_only_if_asked() -> None:
    lines = {"step": (QWEN, "decode_intensity")}
    ends = [
        re.search(r"to (\S+) FLOP/B\.", curves(lines, "One", batch=(1, 2_000), beyond=beyond).alt)
        for beyond in (False, True)
    ]
    fits, crowd = (float(end[1]) for end in ends if end)
    assert fits < float(QWEN.assume(batch=float(QWEN.concurrent_sequences)).decode_intensity) + 0.1
    assert crowd > fits


def test_lines_that_cross_are_marked_once() -> None:
    lines = {"weights": (QWEN, "weight_flops"), "attention": (QWEN, "attention_flops")}
    border = QWEN.context_attention_equals_weights
    figure = curves(lines, "One", at=border, context=(1_000, 200_000))
    assert words(figure).count(str(QWEN.weight_flops)) == 1
    assert figure.alt.count(str(QWEN.weight_flops)) == 2


def test_words_for_an_axis_take_the_place_of_its_name_and_unit() -> None:
    lines = {"step": (QWEN.assume(context=1_000), "decode_memory_time")}
    figure = curves(lines, "One", x="tokens in the step", y="time", batch=(1, 16))
    assert "tokens in the step (log)" in figure.svg
    assert figure.alt.startswith("Line chart, time over tokens in the step from 1 to 16, both")
    assert "sequence" not in figure.svg + figure.alt


def test_one_axis_is_needed() -> None:
    with pytest.raises(NapkinError, match="one axis with its ends"):
        curves({"one": (QWEN, "ridge")}, "One")


def test_lines_that_measure_different_things_are_named() -> None:
    lines = {"people": (QWEN, "users"), "first token": (QWEN, "ttft")}
    with pytest.raises(UnitError, match="people is in user, but first token in s: one axis"):
        curves(lines, "One", context=(1_000, 20_000))


def test_lines_of_other_units_are_drawn_in_the_unit_of_the_first() -> None:
    nk.quantity("fleet_bill", unit="USD/day", meaning="what all GPUs cost")
    fleet = QWEN.assume("fleet_bill = n_gpus * price")
    lines = {"fleet": (fleet, "fleet_bill"), "one GPU": (fleet, "price")}
    figure = curves(lines, "One", at=2, n_gpus=(1, 8))
    assert "fleet 192 USD/day; one GPU 96 USD/day" in figure.alt
    assert "one GPU from 96 USD/day to 96 USD/day" in curves(lines, "One", n_gpus=(1, 8)).alt


@pytest.mark.slow
def test_more_lines_than_colors() -> None:
    lines = {
        f"{count} GPUs": (QWEN.assume(n_gpus=count), "users") for count in (1, 2, 4, 8, 16, 32, 64)
    }
    figure = curves(lines, "One", at=2_000, context=(1_000, 20_000))
    assert "64 GPUs" in words(figure)


def test_no_line_and_a_line_without_a_value_are_said() -> None:
    with pytest.raises(NapkinError, match="at least one line, such as"):
        curves({}, "One", context=(1_000, 20_000))
    with pytest.raises(NapkinError, match="'step' has no value.*beyond=True"):
        curves({"step": (QWEN, "decode_intensity")}, "One", batch=(1_000, 2_000))


def test_bars_show_values_parts_and_totals() -> None:
    parts = {"attention": QWEN.attention_params, "feed-forward": QWEN.mlp_params}
    figure = bars({"Qwen3-32B": parts, "the same": parts}, "A finding", "parameters")
    for text in ("attention", "feed-forward", "A finding", "31.2 billion"):
        assert text in words(figure)
    assert "in parts: attention, feed-forward" in figure.alt
    assert "Qwen3-32B 31.2 billion" in figure.alt


def test_bars_without_parts() -> None:
    rows = {
        "shared": QWEN.kv_bytes_per_sequence,
        "its own": QWEN.assume(variants.mha).kv_bytes_per_sequence,
    }
    figure = bars(rows, "A finding", "cache", log=True)
    assert "2.62 GB" in words(figure) and "21.0 GB" in words(figure)
    assert "logarithmic" in figure.alt and "in parts" not in figure.alt


def test_bars_of_plain_numbers() -> None:
    figure = bars({"price": 1.0, "memory": -1.246}, "A finding", "percent")
    assert "price 1; memory -1.25" in figure.alt


def test_bars_of_other_prefixes_are_drawn_in_one_unit() -> None:
    rows = {"weights": {"": nk.Value(Integer(30), "GiB")}, "memory": {"": QWEN.memory}}
    assert f"weights 30 GiB; memory {QWEN.memory.to('GiB')}." in bars(rows, "One", "memory").alt
    parts = {"all": {"weights": QWEN.memory, "cache": nk.Value(Integer(20), "GB")}}
    assert f"all {QWEN.memory + nk.Value(Integer(20), 'GB')}." in bars(parts, "One", "memory").alt


@pytest.mark.parametrize(
    "rows",
    [
        {"weights": QWEN.weight_bytes, "wait": QWEN.month},
        {"weights": QWEN.weight_bytes, "wait": 3.0},
        {"all": {"weights": QWEN.weight_bytes, "wait": QWEN.month}},
    ],
)
def test_bars_that_measure_different_things_are_named(rows: dict[str, Any]) -> None:
    with pytest.raises(UnitError, match="weights is in byte, but .*wait in .* one axis"):
        bars(rows, "One", "memory")


def test_more_parts_than_colors_all_look_different() -> None:
    figure = bars({"all": {f"part {i}": QWEN.n_params for i in range(12)}}, "One", "parameters")
    assert "part 11" in words(figure)
    assert len({series_style(place) for place in range(25)}) == 25


@pytest.mark.parametrize("rows", [{}, {"weights": {}}, {"one": 1.0, "weights": {}}])
def test_bars_of_nothing_say_what_to_give(rows: dict[str, Any]) -> None:
    with pytest.raises(NapkinError, match="bars needs at least one bar.*such as"):
        bars(rows, "One", "memory")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["bar_chart", "line_chart", "figures"])
def test_a_chart_loads_no_numpy_before_it_is_drawn(module: str) -> None:
    code = f"import sys, napkin.views.{module}; print('numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


@pytest.mark.slow
def test_the_same_bytes_in_every_run() -> None:
    assert roof(at=1).svg == roof(at=1).svg
