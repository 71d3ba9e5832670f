"""Patterns as functions on the plane: kernels that have every symmetry the lattice has.

A picture keeps an operation of its pattern only if the interpolation commutes with it, so the kernel
follows the lattice: separable along orthogonal or equally long axes, barycentric on the triangles of a
hexagonal one (the linear box splines of two pairs and of three directions: de Boor, Hollig, Riemenschneider,
*Box Splines*, chapter 1). Only numpy; knows nothing about pixels of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.pictures.axes import Floats, SampleAxes, checked_side, relabel, sample_axes
from wallpaper.pictures.resampling import blur, refine
from wallpaper.plane import Lattice

__all__ = [
    "Floats",
    "Interpolator",
    "SampleAxes",
    "blur",
    "checked_side",
    "interpolator",
    "refine",
    "sample",
    "sample_axes",
]


@dataclass(frozen=True, slots=True, eq=False)
class Interpolator:
    """A pattern ready to be sampled: linear between its samples, in grid coordinates along `SampleAxes`.

    Channels lie apart, and two rows and columns are repeated beyond the period, so that no neighbour needs wrapping.
    """

    planes: Floats
    """(C, (n + 2)^2) samples along the axes."""
    side: int
    """n, the period in grid coordinates."""
    hexagonal: bool
    to_grid: NDArray[np.float64]
    """(2, 2) grid coordinates from fractional ones; every whole number is a sample."""

    def at(self, u: Floats, v: Floats) -> Iterator[Floats]:
        """The channels, one by one, at grid coordinates of any one shape, all in [0, n]; in the planes' dtype."""
        i, j = u.astype(np.intp), v.astype(np.intp)
        u, v = ((each - whole).astype(self.planes.dtype) for each, whole in ((u, i), (v, j)))
        width = self.side + 2
        index = i * width + j
        if self.hexagonal:
            low, high, middle = np.minimum(u, v), np.maximum(u, v), index + np.where(u >= v, width, 1)
            for plane in self.planes:
                start, turn, end = plane.take(index), plane.take(middle), plane[width + 1 :].take(index)
                end -= turn
                end *= low
                turn -= start
                turn *= high
                start += turn
                start += end
                yield start
            return
        for plane in self.planes:
            near = _between(plane.take(index), plane[width:].take(index), u)
            far = _between(plane[1:].take(index), plane[width + 1 :].take(index), u)
            yield _between(near, far, v)


def interpolator(pattern: Floats, lattice: Lattice) -> Interpolator:
    """An `Interpolator` of a pattern (n, n, C). Raises: ValueError: any other shape."""
    side, axes = checked_side(pattern), sample_axes(lattice)
    planes = np.empty((pattern.shape[2], side + 2, side + 2), pattern.dtype)
    planes[:, :side, :side] = np.moveaxis(relabel(pattern, axes.matrix), -1, 0)
    planes[:, side:, :side] = planes[:, [0, 1 % side], :side]
    planes[:, :, side:] = planes[:, :, [0, 1 % side]]
    return Interpolator(planes.reshape(len(planes), -1), side, axes.hexagonal, side * np.linalg.inv(axes.matrix))


def sample(pattern: Floats, points: Floats, lattice: Lattice) -> Floats:
    """The pattern at any points of the plane, linear between its samples, periodic.

    If f(g x) = f(x) on the samples for an isometry g of the lattice, so it is between them.

    Args:
        pattern: (n, n, C) float; entry [i, j] is the sample at x = i/n along a, y = j/n along b.
        points: (..., 2) fractional coordinates.
    Returns: (..., C) in the pattern's dtype.
    Raises: ValueError: the pattern is not (n, n, C).
    """
    ready = interpolator(pattern, lattice)
    u, v = np.moveaxis(np.mod(points @ ready.to_grid.T, ready.side), -1, 0)
    return np.stack(list(ready.at(u, v)), axis=-1)


def _between(first: Floats, second: Floats, share: Floats) -> Floats:
    """first + share (second - first), in the memory of `second`, which is lost."""
    second -= first
    second *= share
    second += first
    return second
