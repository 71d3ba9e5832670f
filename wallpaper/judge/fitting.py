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

WORTH_REFINING = 0.8
"""Least share of the tapered power, on the maps' grid, for which the origin is refined."""

ALREADY_EXACT = 1e-6
"""Power left over on the grid below which the origin is a point of it."""

NEWTON_STEPS, CONVERGED = 4, 1e-6

TAPER = 0.35
"""Standard deviation, as a share of the band's radius, of the Gaussian on the band where peaks are looked for."""

_EYE, _ZERO = np.eye(2), np.zeros(2)

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
    """The correlations of one band with its images, each product computed once.

    Peaks over translations are as narrow as the finest detail, so they are looked for on maps of a tapered band
    first, whose peaks no grid can miss, and sharpened on the whole band after.
    """

    def __init__(self, band: Band, metric: Metric) -> None:
        self.band, self._metric = band, metric
        h, k = band.vectors.T
        self._half = np.flatnonzero((k > 0) | ((k == 0) & (h > 0)))  # f is real: the other half is conjugate
        self._waves = 2 * np.pi * band.vectors[self._half]
        lengths = np.einsum("mi,ij,mj->m", band.vectors, np.linalg.inv(metric), band.vectors)
        taper = np.exp(-lengths / (2 * TAPER**2 * lengths.max()))
        self._taper = taper / float((np.abs(band.coefficients) ** 2).sum(axis=0) @ taper) * band.power
        self._peaks: dict[Matrix, float] = {}
        self._maps: dict[tuple[Matrix, bool], Floats] = {}
        self._products: dict[Matrix, NDArray[np.complexfloating]] = {}

    def map(self, matrix: Matrix, *, tapered: bool = False) -> Floats:
        """(side, side) correlation of f(W x + t) with f(x) at t = (i, j)/side."""
        key = (matrix, tapered)
        if key not in self._maps:
            products = self._product(matrix)
            self._maps[key] = self.band.translation_map(products * self._taper if tapered else products)
        return self._maps[key]

    def best_translation(self, matrix: Matrix) -> tuple[float, Floats]:
        """The highest correlation that an isometry reaches, and its translation in [0, 1)."""
        moves = self._moves([(matrix, _ZERO, _EYE)])
        starts = {int(np.argmax(self.map(matrix, tapered=tapered))) for tapered in (True, False)}
        found = []
        for start in starts:
            place = self._ascended(moves, np.array(divmod(start, self.band.side)) / self.band.side)
            found.append((float(moves.correlations(place)[0]), place % 1.0))
        return max(found, key=lambda each: each[0])

    def fit(self, setting: Setting, variant: int) -> Fit:
        """The setting at its best origin, the nearest to the cell's own among equals.

        A setting that cannot reach `WORTH_REFINING`, were each operation at its best translation, is left at that.
        """
        axes, operations = setting.variants[variant]
        peaks = np.array([self._peak(op.rot) for op in operations])
        if peaks.mean() < WORTH_REFINING:
            return Fit(setting, axes, operations, _ZERO, peaks)
        side = self.band.side
        shares = np.zeros(side * side)
        for op in operations:
            shares += self.map(op.rot, tapered=True).reshape(-1)[_translations(op, side)]
        shares /= len(operations)
        most = float(shares.max())
        candidates = np.flatnonzero(shares >= most - AS_GOOD)
        origin = self._nearest(np.stack(np.unravel_index(candidates, (side, side)), axis=1) / side)
        moves = self._moves([(op.rot, np.array(op.shift) / DEN, _EYE - np.array(op.rot)) for op in operations])
        if len(operations) > 1 and WORTH_REFINING <= most < 1 - ALREADY_EXACT:
            origin = self._ascended(moves, origin)
        return Fit(setting, axes, operations, origin, moves.correlations(origin))

    def _peak(self, matrix: Matrix) -> float:
        """Highest value of the tapered map."""
        if matrix not in self._peaks:
            self._peaks[matrix] = float(self.map(matrix, tapered=True).max())
        return self._peaks[matrix]

    def _nearest(self, points: Floats) -> Floats:
        steps = (points + 0.5) % 1.0 - 0.5
        lengths = np.einsum("mi,ij,mj->m", steps, self._metric, steps)
        nearest: Floats = steps[int(np.argmin(lengths))]
        return nearest

    def _moves(self, moves: list[tuple[Matrix, Floats, Floats]]) -> _Moves:
        """Of matrices W, translations w and levers L: operations whose translation w + L x depends on a place x."""
        products = np.stack([self._product(matrix)[self._half] for matrix, _, _ in moves])
        levers = np.stack([lever for _, _, lever in moves])
        return _Moves(2 * products, self._waves @ np.stack([w for _, w, _ in moves]).T, self._waves @ levers)

    def _ascended(self, moves: _Moves, start: Floats) -> Floats:
        """The maximum near a point by Newton's method, on the tapered band and then on the whole one.

        Directions along which nothing changes (polar groups) are left alone.
        """
        place = start
        for weights in (self._taper[self._half], np.ones(len(self._half))):
            for _ in range(NEWTON_STEPS):
                gradient, hessian = moves.derivatives(place, weights)
                values, vectors = np.linalg.eigh(hessian)
                curved = values < -1e-3 * np.abs(values).max(initial=1e-12)
                step = vectors @ np.where(curved, -(vectors.T @ gradient) / np.where(curved, values, 1.0), 0.0)
                place = place + np.clip(step, -1 / self.band.side, 1 / self.band.side)
                if np.abs(step).max() < CONVERGED:
                    break
        return place if moves.correlations(place).sum() >= moves.correlations(start).sum() else start

    def _product(self, matrix: Matrix) -> NDArray[np.complexfloating]:
        if matrix not in self._products:
            self._products[matrix] = self.band.products(matrix)
        return self._products[matrix]


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """G operations whose translation depends on a place, on H wave vectors, one of each pair k, -k."""

    products: NDArray[np.complexfloating]
    """(G, H) doubled."""
    phases: Floats
    """(H, G) where the place is 0."""
    levered: Floats
    """(G, H, 2) change of the phases with the place."""

    def terms(self, place: Floats) -> NDArray[np.complexfloating]:
        """(G, H) whose real parts add up to each operation's correlation."""
        terms: NDArray[np.complexfloating] = self.products * np.exp(1j * (self.phases.T + self.levered @ place))
        return terms

    def correlations(self, place: Floats) -> Floats:
        """(G,)."""
        found: Floats = self.terms(place).real.sum(axis=1)
        return found

    def derivatives(self, place: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Gradient (2,) and Hessian (2, 2) of the mean correlation."""
        terms = self.terms(place) * weights
        levered = self.levered.reshape(-1, 2)
        gradient = -(terms.imag.reshape(-1) @ levered)
        hessian = -(levered * terms.real.reshape(-1, 1)).T @ levered
        return gradient / len(terms), hessian / len(terms)


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
