"""Bytes of checkpoints whose weights are stored narrow, with the scales counted."""

from typing import Any

import pytest
from sympy import Rational

import napkin as nk
from napkin.catalog import table
from napkin.errors import MissingGivenError
from tests.evaluating import compute


def model(name: str, **stored: Any) -> nk.Model:
    config = table("models")[name]["config"]
    return nk.Model.from_config({**config, "quantization_config": stored})


MXFP4 = {
    "quant_method": "mxfp4",
    "modules_to_not_convert": ["model.layers.*.self_attn", "model.embed_tokens", "lm_head"],
}


def test_bytes_of_one_weight_with_its_share_of_a_scale() -> None:
    """MXFP4, MXFP8 and NVFP4: 4.25, 8.25 and 4.5 bits."""
    for code, scale, group, bits in ((0.5, 1, 32, 17), (1, 1, 32, 33), (0.5, 1, 16, 18)):
        found = compute(
            "bytes_per_quantized_weight",
            bytes_per_code=code,
            bytes_per_scale=scale,
            weights_per_scale=group,
        )
        assert 8 * found == Rational(bits, 4)


@pytest.mark.parametrize(
    ("name", "narrow", "size"),
    [
        # 60.8 GiB by the model card; the index of gpt-oss-20b says 13,761,264,768
        ("gpt-oss-120b", 114_661_785_600, 65_248_815_744),
        ("gpt-oss-20b", 19_110_297_600, 13_761_264_768),
    ],
)
def test_experts_in_mxfp4(name: str, narrow: int, size: int) -> None:
    oss = model(name, **MXFP4)
    assert oss.count("quantized_params") == narrow
    assert oss.checkpoint_bytes == size
    assert not oss.notes
    assert narrow * Rational(17, 32) + (oss.n_params - narrow) * 2 == size


def test_blocks_of_fp8() -> None:
    """A dense model by hand: one 4-byte scale for each block of 128 by 128."""
    stored = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    llama = model("Llama-3-8B", **stored)
    matrices = 32 * (2 * 4096 * 128 * (32 + 8) + 3 * 4096 * 14336)
    scales = 4 * matrices // (128 * 128)
    assert llama.checkpoint_bytes == matrices + scales + 2 * (llama.n_params - matrices)
    deepseek = model("DeepSeek-V3", **stored)
    assert 0.668e12 < deepseek.count("quantized_params") < 0.670e12


def test_layers_without_attention_have_no_narrow_attention() -> None:
    """Thirty of 32 layers assumed to be convolutions: what is narrow is in the model."""
    llama = model("Llama-3-8B", quant_method="fp8", weight_block_size=[128, 128])
    n = nk.Napkin(model=llama)
    mixed = n.assume(n_layers_conv=30, conv_kernel=3)
    attention, feed_forward = 2 * 4096 * 128 * (32 + 8), 3 * 4096 * 14336
    assert int(n.quantized_params) == 32 * (attention + feed_forward)
    assert int(mixed.quantized_params) == 2 * attention + 32 * feed_forward


@pytest.mark.parametrize(("kind", "zero"), [("awq", True), ("awq", False), ("gptq", True)])
def test_groups_with_zero_points(kind: str, zero: bool) -> None:
    llama = model("Llama-3-8B", quant_method=kind, bits=4, group_size=128, zero_point=zero)
    matrices = 32 * (2 * 4096 * 128 * (32 + 8) + 3 * 4096 * 14336)
    bits = matrices * 4 + matrices // 128 * (16 + (4 if zero else 0))
    assert 8 * llama.checkpoint_bytes == bits + 16 * (llama.n_params - matrices)


@pytest.mark.parametrize(
    "stored",
    [
        {"quant_method": "bitsandbytes"},
        {"quant_method": "fp8"},
        {"quant_method": "fp8", "weight_block_size": [128, "wide"]},
        {"quant_method": "fp8", "weight_block_size": [0, 128]},
        {"quant_method": "awq", "bits": 4, "group_size": -1},
        {"quant_method": "gptq", "bits": 5, "group_size": 128},
        {"quant_method": ["awq"]},
        {**MXFP4, "modules_to_not_convert": ["model.layers.0"]},
        {**MXFP4, "modules_to_not_convert": 3},
    ],
    ids=str,
)
def test_what_is_not_counted_is_said(stored: dict[str, Any]) -> None:
    oss = model("Llama-3-8B", **stored)
    assert any("quantization_config" in note for note in oss.notes)
    with pytest.raises(MissingGivenError, match="bytes_per_code"):
        _ = oss.checkpoint_bytes
    assert oss.n_params == 8_030_261_248
