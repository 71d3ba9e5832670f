r"""How alike two images of a torus are: structural similarity, and the power that each wave length carries.

SSIM: Wang et al., *Image quality assessment*, IEEE Trans. Image Process. 13 (2004) 600, equation 13 with its
Gaussian window and constants, on a window that wraps around. Knows no groups and no models.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW, SIGMA = 11, 1.5
"""Samples across the Gaussian window of SSIM, and its standard deviation."""

C1, C2 = 0.01**2, 0.03**2
"""SSIM's constants for values in [0, 1]."""


def ssim(image: Tensor, other: Tensor) -> Tensor:
    """(B,) mean structural similarity of images (B, C, n, n) in [0, 1], over samples and channels; 1 if equal.

    Samples of the lattice frame count alike, whatever the cell's shape.
    """
    x, y = image.double(), other.double()
    mean_x, mean_y, xx, yy, xy = _blurred(torch.stack([x, y, x * x, y * y, x * y])).unbind()
    variances = xx - mean_x**2 + yy - mean_y**2
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    similarity: Tensor = luminance * (2 * (xy - mean_x * mean_y) + C2) / (variances + C2)
    return similarity.flatten(1).mean(1)


def ring_spectrum(image: Tensor, metric: Tensor) -> Tensor:
    """Power of images (B, C, n, n) by wave length: (B, n + 1), summed over channels and over each ring of waves.

    Ring r >= 1 holds the waves with r - 1/2 <= |k| < r + 1/2, ring 0 only the mean; the last one all that is beyond.

    Args:
        metric: (B, 2, 2) metric tensors of the images' cells; |k| is counted in waves per side of a cell of area 1.
    """
    side = image.shape[-1]
    counts = (torch.fft.fftfreq(side, dtype=torch.float64) * side).round()
    waves = torch.cartesian_prod(counts, counts)
    inverse = torch.linalg.inv(metric.double()) * torch.linalg.det(metric.double()).sqrt()[:, None, None]
    length = torch.einsum("ki,bij,kj->bk", waves, inverse, waves).clamp(min=0).sqrt()
    ring = (length + 0.5).long().clamp(1, side)
    ring[:, 0] = 0
    power = torch.fft.fft2(image.double()).abs().square().sum(1).flatten(1) / side**4
    return torch.zeros(len(image), side + 1, dtype=torch.float64).scatter_add_(1, ring, power)


def spectrum_distance(image: Tensor, truth: Tensor, metric: Tensor) -> Tensor:
    """(B,) sum over rings of |P - P_truth| over the sum of P_truth: 0 if equal, 1 for a flat image.

    Arguments as in `ring_spectrum`; the mean is left out. Blind to where things are: it tells blur from misplacement.
    """
    ours, theirs = (ring_spectrum(each, metric)[:, 1:] for each in (image, truth))
    least = torch.finfo(torch.float64).tiny
    return (ours - theirs).abs().sum(1) / theirs.sum(1).clamp(min=least)


def _blurred(images: Tensor) -> Tensor:
    """(..., n, n) seen through the Gaussian window, on the torus: a product of Fourier coefficients."""
    side = images.shape[-1]
    steps = torch.arange(WINDOW) - WINDOW // 2
    window = torch.exp(-0.5 * (steps.to(images.dtype) / SIGMA).square())
    around = torch.zeros(side, dtype=images.dtype).index_add_(0, steps % side, window / window.sum())
    wave = torch.fft.fft(around).real  # the window is even
    blurred: Tensor = torch.fft.irfft2(torch.fft.rfft2(images) * wave[:, None] * wave[: side // 2 + 1], s=(side, side))
    return blurred
