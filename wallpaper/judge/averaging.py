"""A picture folded onto one cell of its lattice: the mean of all cells in view, and how much they differ.

Cubic spline interpolation between pixels. Light that changes over the picture is divided out and what differs from the
other cells (a hand, a logo, a scratch) counts little. Knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from wallpaper.judge.bending import find_bend

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Planes = NDArray[np.float32]

FEWEST, MOST = 24, 192
"""Samples along one side of the mean cell."""

ROUNDS, EVEN_LIGHT = 3, 0.04
"""How often light, weights and mean are found from each other; once is enough where the light is even to this share."""

BENDINGS, THINNED = 6, 5
"""Steps by which a distortion is followed, each found from one in five samples."""

UNLIKE, BENT, STRAIGHT = 0.01, 0.6, 0.1
"""Cells that differ by this share of their variance may be distorted; pixels at which they are, and at which they cease
to be."""

BLOCKS = 24
"""Blocks along the picture's longer side in which its light is measured."""

LIGHT_PERIODS = 0.35
"""Standard deviation, in periods, over which the light is smoothed: a cell's own light and shade must average out."""

PATCH = 3.0
"""Side, in pixels, of the patches over which differences are averaged so that noise does not count."""

OUTLYING = 4.0
"""Differences from the mean, in robust standard deviations, at which a sample counts half."""


@dataclass(frozen=True, slots=True, eq=False)
class MeanCell:
    """What one period of a picture looks like."""

    samples: Planes
    """(n, n, C); [i, j] is the mean at origin + (i/n) a + (j/n) b over all cells."""
    noise: float
    """Standard deviation of one sample's random error, from how much the cells differ."""
    drift: float
    """Share of the cell's variance by which it changes from one part of the picture to another, noise apart."""
    stretch: Floats
    """(2, 2) by which straightening changed the basis at the picture's centre."""
    unlike: float
    """How much the cells differ where noise has been averaged out, as a share of the cell's variance: near 0 if the
    picture repeats, large if it is only alike at the lattice's points."""
    roughness: float
    """Variance of one sample about its mean cell, as a share of the cell's variance."""
    complete: bool
    """Whether the picture shows every part of a cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """Every sample of every cell in view: P in all."""

    places: Floats
    """(P, 2) pixels (x, y)."""
    cell: Integers
    """(P,) which of the cell's n x n samples each is."""
    side: int

    def mean(self, values: Planes, weights: Planes) -> tuple[Planes, Floats]:
        """(n n, C) weighted means by sample of the cell, and (n n,) total weights."""
        count = np.asarray(np.bincount(self.cell, weights, self.side**2), dtype=np.float64)
        sums = [np.bincount(self.cell, weights * values[:, k], self.side**2) for k in range(values.shape[1])]
        return (np.stack(sums, axis=1) / np.maximum(count, 1e-9)[:, None]).astype(np.float32), count


def average_cells(picture: Planes, basis: Floats, origin: Floats) -> MeanCell:
    """Fold a picture, straightened if its cells show that it is a little distorted.

    Args:
        picture: (H, W, C). basis: (2, 2) cell vectors (x, y) in pixels, y downwards, as columns.
        origin: (2,) pixel (x, y) of the cell's origin.
    """
    period = float(np.linalg.norm(basis, axis=0).max())
    side = int(np.clip(4 * np.ceil(period / 4), FEWEST, MOST))
    folding, stretch = _fold(picture.shape[:2], basis, origin, side), np.eye(2)
    if (np.bincount(folding.cell, minlength=side * side) == 0).any():
        return MeanCell(
            np.zeros((side, side, picture.shape[2]), np.float32), 0.0, 0.0, stretch, 0.0, 0.0, complete=False
        )
    fold = _balanced(folding, _interpolated(picture, folding.places), picture.shape[:2], period)
    for step in range(BENDINGS if _differs(folding, fold) else 0):
        some = slice(step, None, THINNED)
        differences = fold.values[some] - fold.mean[folding.cell[some]]
        bend = find_bend(picture, folding.places[some], differences, fold.weights[some])
        if bend.largest < (STRAIGHT if step else BENT):
            break
        folding = replace(folding, places=folding.places + bend.at(folding.places))
        stretch = (np.eye(2) + bend.linear) @ stretch
        fold = _balanced(folding, _interpolated(picture, folding.places), picture.shape[:2], period)
    spread = _spread(fold.values - fold.mean[folding.cell], fold.weights, side**2)
    drift = _drift(folding, fold.values, fold.weights, spread) / _contrast(fold)
    noise = float(np.sqrt(spread * np.mean(1 / fold.count)))
    unlike = _unlikeness(folding, fold, period)
    cell = fold.mean.reshape(side, side, -1)
    return MeanCell(cell, noise, drift, stretch, unlike, spread / _contrast(fold), complete=True)


def _differs(folding: Folding, fold: _Fold) -> bool:
    """Whether the cells differ enough to look for a distortion."""
    return _spread(fold.values - fold.mean[folding.cell], fold.weights, folding.side**2) > UNLIKE * _contrast(fold)


def _contrast(fold: _Fold) -> float:
    return max(float(fold.mean.var(axis=0).mean()), 1e-12)


def _unlikeness(folding: Folding, fold: _Fold, period: float) -> float:
    """Median over regions of half a period of (differences from the mean cell)^2, each a mean over some pixels.

    Unweighted: what the weights would excuse counts here. Relative to the same means of the cell itself.
    """
    pitch = float(np.clip(period / 10, 1.5, PATCH))
    patch = np.floor(folding.places / pitch).astype(np.int64)
    patch -= patch.min(axis=0)
    columns = int(patch[:, 1].max()) + 1
    index = patch[:, 0] * columns + patch[:, 1]
    count = np.bincount(index)
    seen = np.flatnonzero(count >= 0.5 * np.median(count[count > 0]))
    expected = fold.mean[folding.cell]
    different, own = (
        np.stack([np.bincount(index, values[:, k])[seen] / count[seen] for k in range(values.shape[1])], axis=1)
        for values in (fold.values - expected, expected)
    )
    power = max(float(own.var(axis=0).sum()), 1e-9)
    wide = max(round(0.5 * period / pitch), 1)
    region = (seen // columns // wide) * (columns // wide + 1) + seen % columns // wide
    area = np.bincount(region)
    squares = np.bincount(region, (different**2).sum(axis=1))[area > 0] / area[area > 0]
    return float(np.median(squares)) / power


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """Values (P, C) with the light divided out, their weights (P,), and the mean (n n, C) with its total weights."""

    values: Planes
    weights: Planes
    mean: Planes
    count: Floats


def _balanced(folding: Folding, seen: Planes, size: tuple[int, ...], period: float) -> _Fold:
    """Light, weights and mean, each found from the others in turn."""
    weights = np.ones(len(seen), dtype=np.float32)
    mean, count = folding.mean(seen, weights)
    values = seen
    for _ in range(ROUNDS):
        light = _light(seen, mean[folding.cell], weights, folding.places, size, period)
        values = seen / light[:, None]
        weights = _trust(values - mean[folding.cell])
        mean, count = folding.mean(values, weights)
        if np.abs(light - 1).max() < EVEN_LIGHT:
            break
    return _Fold(values, weights, mean, count)


def _fold(size: tuple[int, ...], basis: Floats, origin: Floats, side: int) -> Folding:
    height, width = size
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]) - origin
    spans = corners @ np.linalg.inv(basis).T
    low, high = np.floor(spans.min(axis=0)).astype(int), np.ceil(spans.max(axis=0)).astype(int)
    i, j = (np.arange(low[axis] * side, high[axis] * side + 1) for axis in (0, 1))
    x = origin[0] + (basis[0, 0] * i[:, None] + basis[0, 1] * j[None, :]) / side
    y = origin[1] + (basis[1, 0] * i[:, None] + basis[1, 1] * j[None, :]) / side
    rows, columns = np.nonzero((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))
    cell = (i[rows] % side) * side + j[columns] % side
    return Folding(np.stack([x[rows, columns], y[rows, columns]], axis=1), cell, side)


def _interpolated(picture: Planes, places: Floats) -> Planes:
    """(P, C) the picture between its pixels."""
    at = places[:, ::-1].T
    planes = []
    for channel in range(picture.shape[2]):
        spline = ndimage.spline_filter(picture[..., channel], 3, output=np.float32, mode="mirror")
        planes.append(ndimage.map_coordinates(spline, at, order=3, prefilter=False, mode="mirror", output=np.float32))
    return np.stack(planes, axis=1)


def _light(
    seen: Planes, expected: Planes, weights: Planes, places: Floats, size: tuple[int, ...], period: float
) -> Planes:
    """(P,) brightness g relative to the mean: least squares of g times the expected values, over a smooth window."""
    pitch = max(size) / BLOCKS
    shape = (int(np.ceil(size[0] / pitch)), int(np.ceil(size[1] / pitch)))
    row, column = (np.clip(places[:, 1 - axis] / pitch, 0, shape[axis] - 1).astype(np.int64) for axis in (0, 1))
    block = row * shape[1] + column
    sigma = max(1.0, LIGHT_PERIODS * period / pitch)
    sums = []
    for product in (np.einsum("pc,pc->p", seen, expected), np.einsum("pc,pc->p", expected, expected)):
        table = np.bincount(block, weights * product, shape[0] * shape[1]).reshape(shape)
        sums.append(ndimage.gaussian_filter(table, sigma, mode="reflect"))
    gains = np.clip(sums[0] / np.maximum(sums[1], 1e-9), 0.1, 10.0)
    gains /= np.median(gains)
    if np.abs(gains - 1).max() < EVEN_LIGHT / 2:
        return np.ones(len(seen), dtype=np.float32)
    at = (places[:, ::-1] / pitch - 0.5).T
    light: Planes = ndimage.map_coordinates(gains, at, order=1, mode="nearest", output=np.float32)
    return light


def _trust(differences: Planes) -> Planes:
    """(P,) weights 1/(1 + (r/4s)^2), Cauchy's, s being a robust standard deviation of the differences r."""
    squares = np.einsum("pc,pc->p", differences, differences)
    scale = float(np.median(squares)) / 0.455  # the median of chi squared with one degree of freedom
    return np.asarray(1 / (1 + squares / max(OUTLYING**2 * scale, 1e-9)), dtype=np.float32)


def _spread(differences: Planes, weights: Planes, parameters: int) -> float:
    """Variance of one sample and channel about its mean cell."""
    squares = float(weights @ np.einsum("pc,pc->p", differences, differences))
    freedom = float(weights.sum()) * max(1 - parameters / len(weights), 0.05)
    return float(squares / freedom / differences.shape[1])


def _drift(folding: Folding, values: Planes, weights: Planes, spread: float) -> float:
    """Variance of the mean cell's systematic error: how much the picture's halves differ beyond noise, over four."""
    excess = 0.0
    for axis in (0, 1):
        first = folding.places[:, axis] < np.median(folding.places[:, axis])
        halves = [folding.mean(values, weights * half) for half in (first, ~first)]
        (one, left), (two, right) = halves
        both = (left > 0.5) & (right > 0.5)
        if both.sum() > 0.3 * len(both):
            differences = ((one - two)[both] ** 2).mean() - spread * float((1 / left[both] + 1 / right[both]).mean())
            excess = max(excess, float(differences))
    return excess / 4
