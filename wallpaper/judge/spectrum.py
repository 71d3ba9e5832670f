r"""The Fourier coefficients of one cell, up to a radius that is the same in all directions of the plane.

f(x) = sum_k F_k exp(2 pi i k x) in fractional coordinates. An isometry (W | w) turns F_k into F_k exp(2 pi i k w) at
W^T k, so no sample is ever interpolated: correlations at every translation are one inverse transform (the
crystallographers' translation function).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from wallpaper.plane.lattice import Metric
from wallpaper.plane.operation import Matrix

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complexfloating]

MOST_COEFFICIENTS = 900
"""Wave vectors used: 16 harmonics each way on a square cell, far more than symmetry needs to show."""

MOST_HARMONIC = 60
"""Largest index along one axis, which bounds the maps' size on long narrow cells."""

LEAST_COEFFICIENTS = 60
"""Wave vectors kept however noisy they are."""

LEAST_SIDE, SAMPLES_PER_HARMONIC = 48, 4
"""Grid of the maps: fine enough for origins too, since a half-turn moves by twice what its centre does."""

SIGNAL_TO_NOISE = 2.0
"""Mean power over the noise's below which a ring of wave vectors ends the band."""


class Samples:
    """The transform of (n, n, C) samples of one cell, looked up by wave vector."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.side, self.channels = samples.shape[0], samples.shape[2]
        planes = np.ascontiguousarray(np.moveaxis(samples, -1, 0))
        self._half: Complexes = fft.rfft2(planes, norm="forward")

    def at(self, vectors: Integers) -> Complexes:
        """(C, M) coefficients at wave vectors (M, 2), each below n/2 in size."""
        flip = vectors[:, 1] < 0
        h, k = np.where(flip[:, None], -vectors, vectors).T
        found = self._half[:, h % self.side, k]
        return np.where(flip, found.conj(), found)

    def tail(self) -> float:
        """Mean power of a coefficient and channel at the highest frequencies, if noise is all there is.

        From the median, ln 2 times the mean of the exponential distribution that noise has, so that a few
        harmonics of sharp edges do not count.
        """
        n = self.side
        high = self._half[:, (2 * n) // 5 : n - (2 * n) // 5 + 1, (2 * n) // 5 :]
        return float(np.median(high.real**2 + high.imag**2)) / math.log(2)


@dataclass(frozen=True, eq=False)
class Band:
    """The coefficients F_k != mean of a cell with |k| up to a radius; the set is closed under the cell's isometries."""

    vectors: Integers
    """(M, 2) wave vectors on the cell's reciprocal axes."""
    coefficients: Complexes
    """(C, M)."""
    side: int
    """Grid of the translation maps, even."""

    @cached_property
    def power(self) -> float:
        """Sum of |F|^2: variance over the cell, all channels."""
        return float((np.abs(self.coefficients) ** 2).sum())

    @cached_property
    def spread(self) -> float:
        """How many coefficients share the power: (sum p)^2 / sum p^2, an effective number of data."""
        power = (np.abs(self.coefficients) ** 2).sum(axis=0)
        return float(power.sum() ** 2 / max(float((power**2).sum()), 1e-30)) * len(self.coefficients)

    @cached_property
    def _row(self) -> Integers:
        """(side, side) row of each wave vector, by its indices modulo `side`; -1 where there is none."""
        table = np.full((self.side, self.side), -1)
        table[self.vectors[:, 0] % self.side, self.vectors[:, 1] % self.side] = np.arange(len(self.vectors))
        return table

    def products(self, matrix: Matrix) -> Complexes:
        """(M,) F_k conj(F_(W^T k)) over all channels, relative to the power: the correlation is its phased sum."""
        moved = self.vectors @ np.array(matrix)
        rows = self._row[moved[:, 0] % self.side, moved[:, 1] % self.side]
        pairs = (self.coefficients * self.coefficients[:, rows].conj()).sum(axis=0) / self.power
        return np.where(rows >= 0, pairs, 0)

    def autocorrelation(self, place: Floats) -> float:
        """Correlation of the cell with itself moved by `place` (2,), in fractional coordinates."""
        power = (np.abs(self.coefficients) ** 2).sum(axis=0)
        return float(power @ np.cos(2 * np.pi * (self.vectors @ place))) / self.power

    def translation_map(self, products: Complexes) -> Floats:
        """(side, side) phased sum of (M,) products at every translation t = (i, j)/side."""
        grid = np.zeros((self.side, self.side), dtype=np.complex128)
        grid[self.vectors[:, 0] % self.side, self.vectors[:, 1] % self.side] = products
        found: Floats = fft.ifft2(grid, norm="forward").real
        return found


def cut_band(samples: Samples, to_cell: Integers, metric: Metric, noise: float, radius: float | None) -> Band:
    """The band of a primitive cell.

    Args:
        samples: of the given cell.
        to_cell: (2, 2) integers, the given cell's vectors in terms of the primitive ones, as columns.
        metric: (2, 2) of the primitive cell; wave vectors k have the squared length k metric^-1 k.
        noise: power of noise in one coefficient and channel.
        radius: longest wave vector that the samples hold faithfully; their own limit if None.
    """
    given = to_cell.T @ metric @ to_cell
    limit = (samples.side / 2 - 1) / math.sqrt(max(given[0, 0], given[1, 1]))
    limit = min(limit, MOST_HARMONIC / math.sqrt(max(metric[0, 0], metric[1, 1])))
    limit = min(limit, math.sqrt(MOST_COEFFICIENTS / (math.pi * math.sqrt(np.linalg.det(metric)))))
    limit = min(limit, radius or limit)
    most = [int(limit * math.sqrt(metric[axis, axis]) + 1e-9) for axis in (0, 1)]
    box = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in most), indexing="ij"), axis=-1).reshape(-1, 2)
    lengths = np.einsum("mi,ij,mj->m", box, np.linalg.inv(metric), box)
    inside = (lengths <= limit**2 * (1 + 1e-9)) & (lengths > 0)
    vectors, lengths = box[inside], lengths[inside]
    order = np.argsort(lengths, kind="stable")
    vectors, lengths = vectors[order], lengths[order]
    coefficients = samples.at(vectors @ to_cell)
    kept = _signal(np.abs(coefficients) ** 2, lengths, noise)
    side = max(LEAST_SIDE, SAMPLES_PER_HARMONIC * int(np.abs(vectors[:kept]).max()))
    return Band(vectors[:kept], coefficients[:, :kept], side + side % 2)


def _signal(power: Floats, lengths: Floats, noise: float) -> int:
    """How many of the coefficients, by length, end with the last ring that stands out from the noise."""
    ring = 40
    count = power.shape[1]
    means = [power[:, start : start + ring].mean() for start in range(0, count, ring)]
    loud = [index for index, mean in enumerate(means) if mean > SIGNAL_TO_NOISE * noise]
    kept: int = min(count, max(LEAST_COEFFICIENTS, ring * (loud[-1] + 1) if loud else 0))
    while kept < count and lengths[kept] <= lengths[kept - 1] * (1 + 1e-6):  # whole shells only
        kept += 1
    return kept
