"""Patterns on finer grids and through a soft filter: what a picture needs where it enlarges or shrinks the samples.

Both keep every symmetry that the lattice has, as the kernels do. Only numpy and scipy's FFT; knows nothing about
pixels of a picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from wallpaper.pictures.axes import LATTICE_TOLERANCE, Floats, Integers, checked_side, relabel, sample_axes
from wallpaper.plane import Lattice

_TURN = np.array([[0, -1], [1, -1]])
"""(v1, v2) -> (v2, -v1 - v2): the axes of a hexagonal lattice turned by 120 degrees."""


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
    fine = _refine_along(pattern, axes.matrix, factor)
    if axes.hexagonal:
        for turned in (axes.matrix @ _TURN, axes.matrix @ _TURN @ _TURN):
            fine += _refine_along(pattern, turned, factor)
        fine /= 3
    return fine


def blur(pattern: Floats, lattice: Lattice, sigma: float) -> Floats:
    """(n, n, C) the pattern after a periodic Gaussian of standard deviation `sigma`, in the lattice's unit of length.

    Isotropic in the plane, so it commutes with every isometry: each wave is damped by
    exp(-2 pi^2 sigma^2 |k|^2), with the shortest of the wave vectors that the samples cannot tell apart.

    Raises: ValueError: not (n, n, C), or sigma < 0.
    """
    side = checked_side(pattern)
    if not sigma >= 0:
        raise ValueError(f"`sigma >= 0` must hold, but got {sigma}")
    gain = np.exp((-2 * np.pi**2 * sigma**2 * _squared_frequencies(lattice, side)).astype(pattern.dtype))
    spectrum = fft.rfft2(pattern, axes=(0, 1))
    spectrum *= gain[..., None]
    smooth: Floats = fft.irfft2(spectrum, s=(side, side), axes=(0, 1), overwrite_x=True)
    return smooth


def _refine_along(pattern: Floats, matrix: Integers, factor: int) -> Floats:
    """Separable refinement along the columns of `matrix`; the result is in the lattice's own basis again."""
    fine = relabel(pattern, matrix)
    for _ in range(2):  # along rows, then with the axes exchanged; twice exchanged they are in order again
        fine = np.ascontiguousarray(_refine_rows(fine, factor).swapaxes(0, 1))
    return relabel(fine, np.rint(np.linalg.inv(matrix)).astype(np.int64))


def _refine_rows(pattern: Floats, factor: int) -> Floats:
    """(factor n, m, C) cubic convolution along the first axis of (n, m, C)."""
    rows = pattern.shape[0]
    taps = np.take(pattern, np.arange(-1, rows + 2), axis=0, mode="wrap")
    fine = np.empty((rows, factor, *pattern.shape[1:]), pattern.dtype)
    fine[:, 0] = pattern
    term = np.empty_like(pattern)
    for k in range(1, factor):
        np.multiply(taps[:rows], _keys(k / factor)[0], out=fine[:, k])
        for tap, weight in enumerate(_keys(k / factor)[1:], 1):
            fine[:, k] += np.multiply(taps[tap : tap + rows], weight, out=term)
    return fine.reshape(rows * factor, *pattern.shape[1:])


def _keys(t: float) -> tuple[float, float, float, float]:
    """Weights of the samples at -1, 0, 1, 2 for a point at t (Keys 1981, equation 15)."""
    return (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )


def _squared_frequencies(lattice: Lattice, side: int) -> NDArray[np.float64]:
    """(n, n // 2 + 1) squared length of each wave vector of `rfft2`, the shortest of its aliases.

    In the basis of `sample_axes` |2 G01| <= G00, G11 of the dual metric G, so the shortest is the centred one (h, k) or
    has a period n less along one axis: G00 (n - 2|h|) n - 2 G01 k n sign(h) more for h, and alike for k.
    """
    matrix = sample_axes(lattice).matrix
    dual = np.linalg.inv(matrix.T @ lattice.metric @ matrix)
    rows, columns = np.arange(side)[:, None], np.arange(side // 2 + 1)[None, :]
    h, k = (np.mod(_combined(p, rows, q, columns) + side // 2, side) - float(side // 2) for p, q in matrix.T.tolist())
    shortest: NDArray[np.float64] = dual[0, 0] * h**2 + dual[1, 1] * k**2
    if abs(dual[0, 1]) > LATTICE_TOLERANCE * abs(dual).max():
        mixed = 2 * dual[0, 1]
        less_h = (dual[0, 0] * side) * (side - 2 * abs(h)) - (mixed * k) * np.copysign(side, h)
        less_k = (dual[1, 1] * side) * (side - 2 * abs(k)) - (mixed * h) * np.copysign(side, k)
        shortest = shortest + (mixed * h) * k + np.minimum(np.minimum(less_h, less_k), 0)
    return np.broadcast_to(shortest, (side, side // 2 + 1))


def _combined(p: int, rows: Integers, q: int, columns: Integers) -> Integers:
    """p rows + q columns, (n, 1) or (1, m) where the other has no share: what follows is then quicker."""
    return p * rows if q == 0 else q * columns if p == 0 else p * rows + q * columns
