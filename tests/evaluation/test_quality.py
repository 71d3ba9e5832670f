from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from wallpaper.evaluation.quality import C1, C2, ring_spectrum, spectrum_distance, ssim
from wallpaper.plane import LATTICE_SYSTEMS, Lattice

ATOL = 1e-12  # float64 means of a few thousand numbers below 1
SQUARE = torch.eye(2, dtype=torch.float64)[None]


def noise(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_ssim_is_that_of_scipy_s_gaussian_filter() -> None:
    """truncate=3.5 gives scipy's filter the same 11 taps."""
    x, y = noise(0, 2, 3, 24, 24), noise(1, 2, 3, 24, 24)
    y = 0.7 * x + 0.3 * y

    def blurred(image: np.ndarray) -> np.ndarray:
        filtered: np.ndarray = gaussian_filter(image, 1.5, mode="wrap", truncate=3.5)
        return filtered

    for number, value in enumerate(ssim(x, y).tolist()):
        channels = []
        for a, b in zip(x[number].double().numpy(), y[number].double().numpy(), strict=True):
            ma, mb = blurred(a), blurred(b)
            va, vb, covariance = blurred(a * a) - ma * ma, blurred(b * b) - mb * mb, blurred(a * b) - ma * mb
            part = (2 * ma * mb + C1) * (2 * covariance + C2) / ((ma**2 + mb**2 + C1) * (va + vb + C2))
            channels.append(part.mean())
        assert value == pytest.approx(np.mean(channels), abs=ATOL)


def test_ssim_of_flat_images_is_the_closed_form_and_1_for_equal_ones() -> None:
    dark, light = torch.full((1, 3, 16, 16), 0.25), torch.full((1, 3, 16, 16), 0.75)
    expected = (2 * 0.25 * 0.75 + C1) / (0.25**2 + 0.75**2 + C1)
    assert float(ssim(dark, light)) == pytest.approx(expected, abs=ATOL)
    image = noise(0, 4, 3, 16, 16)
    torch.testing.assert_close(ssim(image, image), torch.ones(4, dtype=torch.float64), rtol=0, atol=ATOL)


def test_ssim_knows_no_border() -> None:
    x, y = noise(0, 1, 3, 16, 16), noise(1, 1, 3, 16, 16)
    moved = ssim(x.roll((5, 11), (2, 3)), y.roll((5, 11), (2, 3)))
    torch.testing.assert_close(ssim(x, y), moved, rtol=0, atol=ATOL)


@pytest.mark.parametrize("system", LATTICE_SYSTEMS)
def test_rings_hold_all_power(system: str) -> None:
    """Parseval: the sum over all waves is the mean square of the samples."""
    image = noise(0, 2, 3, 16, 16)
    metric = torch.from_numpy(Lattice.standard(system).metric)[None].expand(2, -1, -1)
    rings = ring_spectrum(image, metric)
    torch.testing.assert_close(rings.sum(1), image.double().square().sum(1).mean((1, 2)), rtol=1e-12, atol=0)
    torch.testing.assert_close(rings[:, 0], image.double().mean((2, 3)).square().sum(1), rtol=1e-12, atol=0)


@pytest.mark.parametrize(("h", "k"), [(1, 0), (3, 2), (0, -5), (2, -3)])
def test_a_wave_is_in_the_ring_of_its_length(h: int, k: int) -> None:
    """On a hexagonal lattice of area 1, d* = 2 sqrt(h^2 + hk + k^2) / sqrt(3) / a with a^2 = 2 / sqrt(3)."""
    i, j = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    wave = torch.cos(2 * math.pi * (h * i + k * j) / 16)[None, None]
    for metric, length in (
        (SQUARE, math.hypot(h, k)),
        (9 * SQUARE, math.hypot(h, k)),  # another unit of length is the same cell
        (
            torch.from_numpy(Lattice.standard("hexagonal").metric)[None],
            math.sqrt(2 / math.sqrt(3) * (h * h + h * k + k * k)),
        ),
    ):
        assert int(ring_spectrum(wave, metric).argmax()) == math.floor(length + 0.5)


def test_spectrum_distance_of_equal_flat_faint_and_moved_images() -> None:
    image = noise(0, 1, 3, 16, 16)
    mean = image.mean((2, 3), keepdim=True)
    assert float(spectrum_distance(image, image, SQUARE)) == 0
    assert float(spectrum_distance(image.roll(3, 2), image, SQUARE)) == pytest.approx(0, abs=1e-6)
    assert float(spectrum_distance(mean.expand_as(image), image, SQUARE)) == pytest.approx(1, abs=1e-6)
    assert float(spectrum_distance(mean + (image - mean) / 2, image, SQUARE)) == pytest.approx(0.75, abs=1e-6)
    assert float(spectrum_distance(image, mean.expand_as(image), SQUARE)) > 1, "finite where there is no power"
