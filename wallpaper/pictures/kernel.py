"""Patterns as functions on the plane: kernels that have every symmetry the lattice has.

A picture keeps an operation of its pattern only if the interpolation commutes with it, so the kernel
follows the lattice: separable along orthogonal or equally long axes, barycentric on the triangles of a
hexagonal one (the linear box splines of two pairs and of three directions: de Boor, Hollig, Riemenschneider,
*Box Splines*, chapter 1). Only numpy; knows nothing about pixels of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft

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


def sample(pattern: Floats, points: Floats, lattice: Lattice) -> Floats:
    """The pattern at any points of the plane, linear between its samples, periodic.

    If f(g x) = f(x) on the samples for an isometry g of the lattice, so it is between them.

    Args:
        pattern: (n, n, C) float; entry [i, j] is the sample at x = i/n along a, y = j/n along b.
        points: (..., 2) fractional coordinates.
    Returns: (..., C) in the pattern's dtype.
    Raises: ValueError: the pattern is not (n, n, C).
    """
    side = checked_side(pattern)
    axes = sample_axes(lattice)
    grid = points @ (side * np.linalg.inv(axes.matrix)).T
    corner = np.floor(grid)
    u, v = np.moveaxis((grid - corner).astype(pattern.dtype), -1, 0)[..., None]
    margin = int(np.abs(axes.matrix).sum(axis=1).max())  # samples repeated outside, so that no step needs wrapping
    origin = np.mod(corner.astype(np.int64) @ axes.matrix.T, side) + margin
    width = side + 2 * margin
    flat = np.pad(pattern, ((margin, margin), (margin, margin), (0, 0)), mode="wrap").reshape(width * width, -1)
    index = origin[..., 0] * width + origin[..., 1]
    first, second = np.array([width, 1]) @ axes.matrix

    def at(step: Integers | int) -> Floats:
        values: Floats = np.take(flat, index + step, axis=0)
        return values

    if axes.hexagonal:
        low, high = np.minimum(u, v), np.maximum(u, v)
        middle = np.where(u >= v, first, second)[..., 0]
        inside: Floats = (1 - high) * at(0) + (high - low) * at(middle) + low * at(first + second)
        return inside
    near = at(0) * (1 - u) + at(first) * u
    far = at(second) * (1 - u) + at(first + second) * u
    between: Floats = near * (1 - v) + far * v
    return between


def refine(pattern: Floats, lattice: Lattice, factor: int) -> Floats:
    """(factor n, factor n, C) the pattern on a finer grid, by cubic convolution (Keys 1981, a = -1/2).

    Old samples keep their values. On a hexagonal lattice the separable kernel is averaged over the three
    pairs of axes that its rotations exchange, which makes it symmetric. May overshoot [0, 1].

    Raises: ValueError: not (n, n, C), or factor < 1.
    """
    checked_side(pattern)
    if factor < 1:
        raise ValueError(f"`factor >= 1` must hold, but got {factor}")
    if factor == 1:
        return pattern
    axes = sample_axes(lattice)
    turn = np.array([[0, -1], [1, -1]])  # (v1, v2) -> (v2, -v1 - v2)
    turns = [np.linalg.matrix_power(turn, k) for k in range(3 if axes.hexagonal else 1)]
    refined = [_refine_along(pattern, axes.matrix @ turned, factor) for turned in turns]
    return refined[0] if len(refined) == 1 else np.mean(refined, axis=0, dtype=pattern.dtype)


def blur(pattern: Floats, lattice: Lattice, sigma: float) -> Floats:
    """(n, n, C) the pattern after a periodic Gaussian of standard deviation `sigma`, in the lattice's unit of length.

    Isotropic in the plane, so it commutes with every isometry: each wave is damped by
    exp(-2 pi^2 sigma^2 |k|^2), with the shortest of the wave vectors that the samples cannot tell apart.

    Raises: ValueError: not (n, n, C), or sigma < 0.
    """
    side = checked_side(pattern)
    if not sigma >= 0:
        raise ValueError(f"`sigma >= 0` must hold, but got {sigma}")
    gain = np.exp(-2 * np.pi**2 * sigma**2 * _squared_frequencies(lattice, side)).astype(pattern.dtype)
    spectrum = fft.rfft2(pattern, axes=(0, 1))
    smooth: Floats = fft.irfft2(spectrum * gain[..., None], s=(side, side), axes=(0, 1))
    return smooth


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


def _refine_along(pattern: Floats, matrix: Integers, factor: int) -> Floats:
    """Separable refinement along the columns of `matrix`; the result is in the lattice's own basis again."""
    fine = _relabel(pattern, matrix)
    for axis in (0, 1):
        taps = [np.roll(fine, shift, axis) for shift in (1, 0, -1, -2)]
        phases = [sum(w * tap for w, tap in zip(_keys(k / factor), taps, strict=True)) for k in range(1, factor)]
        shape = (*fine.shape[:axis], factor * fine.shape[axis], *fine.shape[axis + 1 :])
        fine = np.stack([fine, *phases], axis=axis + 1).reshape(shape)
    inverse = np.rint(np.linalg.inv(matrix)).astype(np.int64)
    return _relabel(fine, inverse)


def _keys(t: float) -> tuple[float, float, float, float]:
    """Weights of the samples at -1, 0, 1, 2 for a point at t (Keys 1981, equation 15)."""
    return (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )


def _relabel(pattern: Floats, matrix: Integers) -> Floats:
    """The pattern in the basis given by the columns of `matrix`: f'[i, j] = f[matrix (i, j)]."""
    if np.array_equal(matrix, np.eye(2)):
        return pattern
    side = pattern.shape[0]
    i, j = np.indices((side, side))
    (a, b), (c, d) = matrix.tolist()
    relabelled: Floats = pattern[(a * i + b * j) % side, (c * i + d * j) % side]
    return relabelled


def _squared_frequencies(lattice: Lattice, side: int) -> NDArray[np.float64]:
    """(n, n // 2 + 1) squared length of each wave vector of `rfft2`, the shortest of its aliases.

    In the basis of `sample_axes`, short and nearly orthogonal, the shortest alias is next to the centred one.
    """
    matrix = sample_axes(lattice).matrix
    dual = np.linalg.inv(matrix.T @ lattice.metric @ matrix)
    rows, columns = np.arange(side)[:, None], np.arange(side // 2 + 1)[None, :]
    h, k = (np.mod(rows * p + columns * q + side // 2, side) - float(side // 2) for p, q in matrix.T.tolist())
    shortest = np.full(h.shape, np.inf)
    for dh, dk in product((-side, 0, side), repeat=2):
        u, v = h + dh, k + dk
        np.minimum(shortest, (dual[0, 0] * u + 2 * dual[0, 1] * v) * u + dual[1, 1] * v * v, out=shortest)
    return shortest
