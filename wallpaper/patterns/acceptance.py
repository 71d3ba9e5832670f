"""Whether a generated pattern is fit to be labelled: enough contrast, no symmetry beyond its group, no shorter period.

Cheap and meant for the generator alone; the library's judge of symmetry shares nothing with it. Correlations over all
translations come from one Fourier transform, whose coefficients an isometry only permutes.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import DEN, Lattice, PlaneGroup
from wallpaper.plane.operation import IDENTITY_MATRIX, Matrix, Shift, multiply

MOST_CORRELATION = 0.9
"""An isometry that is not in the group must leave the pattern less alike than this, for any translation."""

LEAST_CONTRAST = 0.09
"""Least standard deviation of luminance, on a scale of 0 to 1."""

MOST_COVER = 0.75
"""Largest share of the cell that one colour may have."""

NEAR = 0.14
"""Translations closer than this to a lattice point (in sqrt of cell area) are the pattern's own smoothness."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_METRIC_TOLERANCE = 1e-6
"""Relative difference of metric elements below which a matrix is an isometry: rounding only."""

_ALL = np.array(list(product((-1, 0, 1), repeat=4))).reshape(-1, 2, 2)
_UNIMODULAR = _ALL[np.abs(_ALL[:, 0, 0] * _ALL[:, 1, 1] - _ALL[:, 0, 1] * _ALL[:, 1, 0]) == 1]
"""(m, 2, 2) the integer matrices that can be isometries of a lattice in its usual bases."""


def find_fault(pixels: NDArray[np.uint8], group: PlaneGroup, lattice: Lattice) -> str | None:
    """Why a pattern must not be used, or None if it may.

    Args:
        pixels: (n, n, 3) one cell; n a multiple of 4. Sides over 64 are subsampled.
    """
    step = max(1, pixels.shape[0] // 64)
    small = pixels[::step, ::step].astype(np.float32) / 255
    contrast = float((small @ _LUMINANCE).std())
    if contrast < LEAST_CONTRAST:
        return f"contrast {contrast:.3f} is below {LEAST_CONTRAST}"
    cover = _largest_cover(pixels[::step, ::step])
    if cover > MOST_COVER:
        return f"one colour covers {cover:.2f} of the cell"
    spectrum = np.fft.fft2(small - small.mean(axis=(0, 1)), axes=(0, 1))
    power = float((np.abs(spectrum) ** 2).sum())
    for matrix in foreign_isometries(group, lattice):
        if _correlations(spectrum, matrix, power).max() > MOST_CORRELATION:
            return f"the isometry {matrix} nearly holds, and is not in {group.name}"
    shifted = _correlations(spectrum, IDENTITY_MATRIX, power)
    if shifted[_far_from_lattice(small.shape[0], group.centring, lattice)].max(initial=0.0) > MOST_CORRELATION:
        return f"a translation that {group.name} does not have nearly holds"
    return None


def foreign_isometries(group: PlaneGroup, lattice: Lattice) -> tuple[Matrix, ...]:
    """Isometries of the lattice outside the point group, one for each coset: the others follow from it.

    If W holds with some translation, so does W P for every P in the point group.
    """
    found: list[Matrix] = []
    covered = set(group.point_group)
    for matrix in _isometries(lattice):
        if matrix not in covered:
            found.append(matrix)
            covered |= {multiply(matrix, own) for own in group.point_group}
    return tuple(found)


def _isometries(lattice: Lattice) -> list[Matrix]:
    metric = lattice.metric
    moved = _UNIMODULAR.transpose(0, 2, 1) @ metric @ _UNIMODULAR
    kept = np.abs(moved - metric).max(axis=(1, 2)) <= _METRIC_TOLERANCE * metric.max()
    return [((a, b), (c, d)) for (a, b), (c, d) in _UNIMODULAR[kept].tolist()]


def _correlations(spectrum: NDArray[np.complexfloating], matrix: Matrix, power: float) -> NDArray[np.float64]:
    """(n, n) correlation of f(x) with f(W^-1 x + t) at every translation t of the grid.

    The coefficient of f(W^-1 x) at k is that of f at W^T k, so no second transform is needed; and W^-1 is a symmetry
    exactly if W is.
    """
    side = spectrum.shape[0]
    k, m = np.indices((side, side))
    (a, b), (c, d) = matrix
    moved = spectrum[(a * k + c * m) % side, (b * k + d * m) % side]
    cross = (spectrum.conj() * moved).sum(axis=-1)
    return np.asarray(np.fft.ifft2(cross).real * side * side / power, dtype=np.float64)


def _far_from_lattice(side: int, centring: tuple[Shift, ...], lattice: Lattice) -> NDArray[np.bool_]:
    """(side, side) translations that are neither lattice translations nor close to one."""
    basis = lattice.basis / math.sqrt(lattice.area)
    far = np.ones((side, side), dtype=bool)
    for shift, p, q in product(centring, (-1, 0, 1), (-1, 0, 1)):
        u, v = ((np.arange(side) / side - part / DEN + 0.5) % 1.0 - 0.5 for part in shift)
        x = basis[0, 0] * (u[:, None] + p) + basis[0, 1] * (v + q)
        y = basis[1, 1] * (v + q)
        far &= x * x + y * y > NEAR * NEAR
    return far


def _largest_cover(pixels: NDArray[np.uint8]) -> float:
    """Share of the most frequent colour, colours told apart by their upper four bits."""
    coarse = pixels.astype(np.int64) >> 4
    counts = np.bincount((coarse[..., 0] * 256 + coarse[..., 1] * 16 + coarse[..., 2]).ravel())
    return float(counts.max() / counts.sum())
