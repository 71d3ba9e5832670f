r"""Each setting of each plane group fitted to a cell's coefficients: the best origin, and how much is left unexplained.

A setting's projection keeps the share S(o) = (1/|G|) sum_g C_g(w_g + (I - W_g) o) of the power, C_g being the
correlation map of g's matrix and o the origin; the residual is J = 1 - S. Maps first, Newton's method on the
Fourier sums after, so origins are not bound to samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge.settings import Setting
from wallpaper.judge.spectrum import Band
from wallpaper.plane import DEN, Op
from wallpaper.plane.lattice import Metric
from wallpaper.plane.operation import Matrix

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WORTH_REFINING = 0.6
"""Least share of the power, on the maps' grid, for which the origin is refined."""

ALREADY_EXACT = 1e-6
"""Power left over on the grid below which the origin is a point of it."""

NEWTON_STEPS, CONVERGED = 4, 1e-6

_EYE = np.eye(2)

AS_GOOD = 1e-4
"""Shares that differ by less are equal: origins that the group's normaliser exchanges, in float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One group in one setting at its best origin."""

    setting: Setting
    axes: Matrix
    """x_standard = `axes` (x - `origin`), on primitive axes."""
    operations: tuple[Op, ...]
    """About the origin, on the cell's own axes."""
    origin: Floats
    """(2,) in fractional coordinates of the cell."""
    correlations: Floats
    """(|G|,) of each operation."""

    @property
    def share(self) -> float:
        """S, the part of the power that the group's projection keeps."""
        return float(self.correlations.mean())

    @property
    def residual(self) -> float:
        """J = 1 - S."""
        return 1 - self.share


class Fitter:
    """The correlation maps of one band, each computed once."""

    def __init__(self, band: Band, metric: Metric) -> None:
        self.band, self._metric = band, metric
        self._maps: dict[Matrix, Floats] = {}
        self._products: dict[Matrix, NDArray[np.complexfloating]] = {}
        h, k = band.vectors.T
        self._half = np.flatnonzero((k > 0) | ((k == 0) & (h > 0)))  # f is real: the other half is conjugate
        self._waves = 2 * np.pi * band.vectors[self._half]

    def map(self, matrix: Matrix) -> Floats:
        """(side, side) correlation at every translation."""
        if matrix not in self._maps:
            self._maps[matrix] = self.band.translation_map(matrix)
        return self._maps[matrix]

    def fit(self, setting: Setting, variant: int) -> Fit:
        """The setting at its best origin, the nearest to the cell's own among equals."""
        axes, operations = setting.variants[variant]
        side = self.band.side
        shares = np.zeros(side * side)
        for op in operations:
            shares += self.map(op.rot).reshape(-1)[_translations(op, side)]
        shares /= len(operations)
        most = float(shares.max())
        candidates = np.flatnonzero(shares >= most - AS_GOOD)
        origin = self._nearest(np.stack(np.unravel_index(candidates, (side, side)), axis=1) / side)
        if len(operations) > 1 and WORTH_REFINING <= most < 1 - ALREADY_EXACT:
            origin = self._refined(operations, origin)
        return Fit(setting, axes, operations, origin, self._correlations(operations, origin))

    def _nearest(self, points: Floats) -> Floats:
        steps = (points + 0.5) % 1.0 - 0.5
        lengths = np.einsum("mi,ij,mj->m", steps, self._metric, steps)
        nearest: Floats = steps[int(np.argmin(lengths))]
        return nearest

    def _refined(self, operations: tuple[Op, ...], origin: Floats) -> Floats:
        """Newton's method; directions along which nothing changes (polar groups) are left alone."""
        start = origin
        for _ in range(NEWTON_STEPS):
            gradient, hessian = self._derivatives(operations, origin)
            values, vectors = np.linalg.eigh(hessian)
            curved = values < -1e-3 * np.abs(values).max(initial=1e-12)
            step = vectors @ np.where(curved, -(vectors.T @ gradient) / np.where(curved, values, 1.0), 0.0)
            origin = origin + np.clip(step, -1 / self.band.side, 1 / self.band.side)
            if np.abs(step).max() < CONVERGED:
                break
        better = self._correlations(operations, origin).mean() >= self._correlations(operations, start).mean()
        return origin if better else start

    def _phased(self, op: Op, origin: Floats) -> NDArray[np.complexfloating]:
        """(M / 2,) the terms of g's correlation about the origin, one of each pair k, -k."""
        if op.rot not in self._products:
            self._products[op.rot] = 2 * self.band.products(op.rot)[self._half]
        place = np.array(op.shift) / DEN + (_EYE - np.array(op.rot)) @ origin
        terms: NDArray[np.complexfloating] = self._products[op.rot] * np.exp(1j * (self._waves @ place))
        return terms

    def _correlations(self, operations: tuple[Op, ...], origin: Floats) -> Floats:
        return np.array([self._phased(op, origin).real.sum() for op in operations])

    def _derivatives(self, operations: tuple[Op, ...], origin: Floats) -> tuple[Floats, Floats]:
        """Gradient (2,) and Hessian (2, 2) in the origin of the operations' mean correlation."""
        gradient, hessian = np.zeros(2), np.zeros((2, 2))
        for op in operations:
            lever = _EYE - np.array(op.rot)
            terms = self._phased(op, origin)
            moved = self._waves @ lever
            gradient -= terms.imag @ moved
            hessian -= (moved * terms.real[:, None]).T @ moved
        return gradient / len(operations), hessian / len(operations)


@lru_cache(maxsize=4096)
def _translations(op: Op, side: int) -> Integers:
    """(side * side,) index into a map of w + (I - W) o for every origin o of the grid; `side` is even.

    Shifts that miss the grid are rounded; refining makes up for it.
    """
    i, j = np.indices((side, side))
    (a, b), (c, d) = op.rot
    u = (1 - a) * i - b * j + round(op.shift[0] * side / DEN)
    v = -c * i + (1 - d) * j + round(op.shift[1] * side / DEN)
    return ((u % side) * side + v % side).reshape(-1)
