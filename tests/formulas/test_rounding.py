"""Rounding and its bytes by brute force: numbers in a loop, block by block, and no formula."""

from __future__ import annotations

import numpy as np
import pytest

import napkin as nk

COUNT = 2**15


def _rounded(block: np.ndarray, bits: int) -> tuple[np.ndarray, bytes]:
    """Return what a block is stored as, and the bytes that store it: codes, then a scale."""
    scale = np.float32(np.abs(block).max())
    edges = np.linspace(-scale, scale, 2**bits + 1)
    # A scale is rounded, too, so the largest number may lie a hair outside.
    codes = np.clip(np.searchsorted(edges, block, side="right") - 1, 0, 2**bits - 1)
    middles = (edges[codes] + edges[codes + 1]) / 2
    packed = np.packbits([[code >> place & 1 for place in range(bits)] for code in codes])
    return middles, packed.tobytes() + scale.tobytes()


def _stored(numbers: np.ndarray, size: int, bits: int) -> tuple[float, float, float]:
    """Return the ratio of signal to noise, the peaks, and the bytes of one number."""
    signal = noise = peaks = 0.0
    length = 0
    for start in range(0, len(numbers), size):
        block = numbers[start : start + size]
        middles, packed = _rounded(block, bits)
        signal += float((block**2).sum())
        noise += float(((block - middles) ** 2).sum())
        peaks += size * float(np.abs(block).max() ** 2)
        length += len(packed)
    return signal / noise, (peaks / signal) ** 0.5, length / len(numbers)


@pytest.mark.parametrize("shape", ["uniform", "normal", "laplace"])
@pytest.mark.parametrize(("bits", "size"), [(6, 16), (6, 32), (8, 32), (8, 128), (8, COUNT)])
def test_noise_and_bytes_of_blocks(shape: str, bits: int, size: int) -> None:
    draw = getattr(np.random.default_rng(13), shape)
    numbers = draw(-1, 1, COUNT) if shape == "uniform" else draw(0, 1, COUNT)
    ratio, peak, stored = _stored(numbers, size, bits)
    n = nk.Napkin(rounding_levels=2**bits, peak_to_rms=peak).assume(
        nk.variants.block_scales,
        bytes_per_code=bits / 8,
        bytes_per_scale=4,
        weights_per_scale=size,
    )
    # The largest number of a block lies at the edge of its step, where the error is largest.
    assert float(n.signal_to_noise) == pytest.approx(ratio, rel=0.03 + 2 / size)
    assert float(n.bytes_per_weight) == stored


def test_one_more_bit_is_six_decibels() -> None:
    numbers = np.random.default_rng(1).normal(0, 1, COUNT)
    few, many = (_stored(numbers, 64, bits)[0] for bits in (7, 8))
    assert 10 * np.log10(many / few) == pytest.approx(6.02, abs=0.1)


def test_beside_a_huge_outlier_the_formula_is_too_kind_by_a_factor_of_three() -> None:
    """Every number lies beside an edge of its step: the error is step / 2, not spread over it."""
    numbers = np.random.default_rng(1).normal(0, 1e-6, COUNT)
    numbers[::128] = 1
    ratio, peak, _ = _stored(numbers, 128, 4)
    n = nk.Napkin(rounding_levels=16, peak_to_rms=peak)
    assert float(n.signal_to_noise) / ratio == pytest.approx(3, rel=0.001)
