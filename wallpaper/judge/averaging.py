"""A picture folded onto one cell of its lattice: the mean of all cells in view, and how much they differ.

Cubic spline interpolation between pixels; slow changes of light are fitted and divided out. Knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Planes = NDArray[np.float32]

FEWEST, MOST = 24, 192
"""Samples along one side of the mean cell."""

THINNED = 5
"""One in so many samples is enough to fit the light; prime to the cells' sides."""


@dataclass(frozen=True, slots=True, eq=False)
class MeanCell:
    """What one period of a picture looks like."""

    samples: Planes
    """(n, n, C); [i, j] is the mean at origin + (i/n) a + (j/n) b over all cells."""
    noise: float
    """Standard deviation of one sample's error, from how much the cells differ."""
    complete: bool
    """Whether the picture shows every part of a cell."""


def average_cells(picture: Planes, basis: Floats, origin: Floats) -> MeanCell:
    """Fold a picture.

    Args:
        picture: (H, W, C). basis: (2, 2) cell vectors (x, y) in pixels, y downwards, as columns.
        origin: (2,) pixel (x, y) of the cell's origin.
    """
    side = int(np.clip(4 * np.ceil(np.linalg.norm(basis, axis=0).max() / 4), FEWEST, MOST))
    places, cell = _places(picture.shape[:2], basis, origin, side)
    values = _interpolated(picture, places)
    total, count = _gathered(values, cell, side)
    if (count == 0).any():
        return MeanCell(np.zeros((side, side, picture.shape[2]), np.float32), 0.0, complete=False)
    mean = total / count[:, None]
    light = _light(values[::THINNED], mean[cell[::THINNED]], _terms(places[::THINNED], picture.shape[:2]))
    values = values / np.clip(1 + _terms(places, picture.shape[:2]) @ light, 0.2, 5.0)[:, None]
    mean = _gathered(values, cell, side)[0] / count[:, None]
    spread = ((values - mean[cell]) ** 2).sum() / max(len(values) - side * side, 1) / picture.shape[2]
    noise = float(np.sqrt(spread * np.mean(1 / count)))
    return MeanCell(mean.reshape(side, side, -1).astype(np.float32), noise, complete=True)


def _places(size: tuple[int, ...], basis: Floats, origin: Floats, side: int) -> tuple[Floats, NDArray[np.int64]]:
    """(P, 2) pixels (x, y) in view of every sample of every cell, and (P,) which sample of the cell each is."""
    height, width = size
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]) - origin
    spans = corners @ np.linalg.inv(basis).T
    low, high = np.floor(spans.min(axis=0)).astype(int), np.ceil(spans.max(axis=0)).astype(int)
    i, j = (np.arange(low[axis] * side, high[axis] * side + 1) for axis in (0, 1))
    x = origin[0] + (basis[0, 0] * i[:, None] + basis[0, 1] * j[None, :]) / side
    y = origin[1] + (basis[1, 0] * i[:, None] + basis[1, 1] * j[None, :]) / side
    rows, columns = np.nonzero((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))
    cell = (i[rows] % side) * side + j[columns] % side
    return np.stack([x[rows, columns], y[rows, columns]], axis=1), cell


def _interpolated(picture: Planes, places: Floats) -> Floats:
    """(P, C) the picture between its pixels."""
    at = places[:, ::-1].T
    planes = []
    for channel in range(picture.shape[2]):
        spline = ndimage.spline_filter(picture[..., channel], 3, output=np.float32, mode="mirror")
        planes.append(ndimage.map_coordinates(spline, at, order=3, prefilter=False, mode="mirror", output=np.float32))
    return np.stack(planes, axis=1).astype(np.float64)


def _gathered(values: Floats, cell: NDArray[np.int64], side: int) -> tuple[Floats, Floats]:
    """(n n, C) sums and (n n,) counts by sample of the cell."""
    sums = [np.bincount(cell, values[:, channel], side * side) for channel in range(values.shape[1])]
    return np.stack(sums, axis=1), np.bincount(cell, minlength=side * side).astype(np.float64)


def _terms(places: Floats, size: tuple[int, ...]) -> Floats:
    """(P, 5) the monomials x, y, x^2, x y, y^2 with x and y from -1 to 1 over the picture."""
    x, y = (2 * places[:, axis] / max(size[1 - axis] - 1, 1) - 1 for axis in (0, 1))
    return np.stack([x, y, x * x, x * y, y * y], axis=1)


def _light(values: Floats, expected: Floats, terms: Floats) -> Floats:
    """(5,) coefficients of the polynomial p by which (1 + p) times the mean cell comes closest to the values."""
    weight = np.einsum("pc,pc->p", expected, expected)
    right = np.einsum("pc,pc->p", values - expected, expected)
    normal = (terms * weight[:, None]).T @ terms
    return np.asarray(np.linalg.solve(normal + 1e-9 * np.trace(normal) * np.eye(terms.shape[1]), terms.T @ right))
