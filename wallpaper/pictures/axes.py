"""The axes along which a lattice's samples are joined, so that a kernel along them has the lattice's symmetry.

Reduction only: integers and a metric. Only numpy; knows nothing about kernels or pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import Lattice

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]

LATTICE_TOLERANCE = 1e-6
"""Relative difference of scalar products taken as equal: lattices may have been stored as float32."""

_PAIRS = ((0, 1), (1, 2), (2, 0))


@dataclass(frozen=True, slots=True, eq=False)
class SampleAxes:
    """The axes along which a lattice's samples are interpolated.

    `matrix` (2, 2) holds them as columns of integers in the lattice's own basis, determinant 1 or -1.
    If `hexagonal`, they enclose 120 degrees and the grid's triangles replace its parallelograms.
    `pitch` is the length of the lattice's shortest vector.
    """

    matrix: Integers
    hexagonal: bool
    pitch: float


def sample_axes(lattice: Lattice) -> SampleAxes:
    """Axes that the lattice's isometries map to themselves, up to sign and order.

    Three vectors of sum zero and no acute angle (Selling's reduction; Conway & Sloane, *Proc. R. Soc. A* 436
    (1992) 55) tell the Bravais type: all three products equal is hexagonal, one zero rectangular, two
    equal rhombic. The rhombic axes are the two equally long vectors; for an oblique lattice any two do.
    """
    vectors = _obtuse_superbase(lattice.metric)
    metric = vectors.T @ lattice.metric @ vectors
    products = np.array([metric[pair] for pair in _PAIRS])
    pitch = float(np.sqrt(metric.diagonal().min()))
    tolerance = LATTICE_TOLERANCE * metric.diagonal().max()
    hexagonal = bool(np.ptp(products) <= tolerance)
    if np.abs(products).min() <= tolerance:
        first, second = _PAIRS[int(np.abs(products).argmin())]
    else:
        # the pair (i, j) is equally long when both have the same product with the third vector
        unlike = [abs(products[(k + 1) % 3] - products[(k + 2) % 3]) for k in range(3)]
        first, second = _PAIRS[0 if hexagonal else int(np.argmin(unlike))]
    return SampleAxes(vectors[:, [first, second]], hexagonal, pitch)


def relabel(pattern: Floats, matrix: Integers) -> Floats:
    """The pattern (n, n, C) in the basis given by the columns of `matrix`: f'[i, j] = f[matrix (i, j)]."""
    if np.array_equal(matrix, np.eye(2)):
        return pattern
    side = pattern.shape[0]
    steps = np.arange(side)
    (a, b), (c, d) = matrix.tolist()
    rows, columns = (
        (first * steps % side)[:, None] + (second * steps % side)[None, :] for first, second in ((a, b), (c, d))
    )
    index = (rows - side * (rows >= side)) * side + (columns - side * (columns >= side))
    relabelled: Floats = np.take(pattern.reshape(side * side, -1), index, axis=0)
    return relabelled


def checked_side(pattern: NDArray[np.generic]) -> int:
    """n of a pattern (n, n, C). Raises: ValueError: any other shape."""
    if pattern.ndim != 3 or pattern.shape[0] != pattern.shape[1] or not pattern.size:
        raise ValueError(f"a pattern must be (n, n, C), but got {pattern.shape}")
    return int(pattern.shape[0])


def _obtuse_superbase(metric: Floats) -> Integers:
    """(2, 3) integer vectors, as columns, with sum zero and pairwise products <= 0; two of them span the lattice."""
    vectors = np.array([[1, 0, -1], [0, 1, -1]])
    tolerance = LATTICE_TOLERANCE * float(metric.diagonal().max())
    while True:
        products = vectors.T @ metric @ vectors
        acute = next((pair for pair in _PAIRS if products[pair] > tolerance), None)
        if acute is None:
            return vectors
        i, j = acute
        p, q = vectors[:, i], vectors[:, j]
        vectors = np.stack([-p, q, p - q], axis=1)  # shortens the sum of squares by 4 p.q
