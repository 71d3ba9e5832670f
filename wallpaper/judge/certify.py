"""From the best fit to a certificate: every operation measured in the standard setting, and what was rejected.

Residuals are taken on the samples themselves where an operation maps them onto each other; correlations come from
the Fourier coefficients. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from wallpaper.judge.certificate import Certificate, Frame, Kind, MeasuredOperation, Vector, triplet
from wallpaper.judge.fitting import Fit, Fitter
from wallpaper.judge.settings import metric_system
from wallpaper.judge.spectrum import Band
from wallpaper.plane import DEN, Lattice, Op, plane_group
from wallpaper.plane.groups import line_kinds
from wallpaper.plane.lattice import change_basis, invariant_metric
from wallpaper.plane.operation import IDENTITY_MATRIX, Matrix, determinant, multiply

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ON_GRID = 0.02
"""How far from a sample, in samples, an image may fall and count as that sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """How the best fit's standard cell lies over the given one."""

    matrix: Floats
    """(2, 2) x_standard = `matrix` x + shift, from the given cell's coordinates."""
    fit: Fit
    to_cell: Integers
    """(2, 2) x_primitive = `to_cell` x."""
    isometries: tuple[Matrix, ...]
    """Of the primitive cell."""

    @property
    def from_cell(self) -> Floats:
        """(2, 2) x_standard = `from_cell` x_primitive + shift."""
        return self.matrix @ np.linalg.inv(self.to_cell)

    @property
    def shift(self) -> Floats:
        """(2,) in the standard cell's coordinates, in [0, 1)."""
        shift: Floats = -self.from_cell @ self.fit.origin
        return shift - np.floor(shift + 1e-9)


def certify(
    values: NDArray[np.float32],
    whole: Band,
    lattice: Lattice,
    fitter: Fitter,
    placement: Placement,
    probabilities: dict[str, float],
    noise: float,
) -> Certificate:
    """The certificate of the fit that won.

    Args:
        values: (n, n, C) the samples. whole: the given cell's band. lattice: the given cell.
        noise: standard deviation a sample.
    """
    group = plane_group(placement.fit.setting.group)
    metric = change_basis(lattice.metric, np.asarray(np.linalg.inv(placement.matrix), dtype=np.float64))
    contrast = float(np.sqrt(whole.power / values.shape[2]))
    operations = tuple(_held(values, whole, placement, contrast))
    rejected = tuple(sorted(_rejected(fitter, placement, contrast), key=lambda op: -op.correlation))
    return Certificate(
        group=group.name,
        probability=probabilities[group.name],
        probabilities=probabilities,
        lattice=Lattice.from_metric(invariant_metric(metric, group.point_group)),
        measured=Lattice.from_metric(metric),
        metric_system=metric_system(placement.isometries),
        frame=Frame(_rows(placement.matrix), _pair(placement.shift)),
        operations=operations,
        rejected=rejected,
        weakest_true=min(op.correlation for op in operations),
        strongest_false=max((op.correlation for op in rejected), default=0.0),
        noise=noise,
    )


def _held(
    values: NDArray[np.float32], whole: Band, placement: Placement, contrast: float
) -> Iterator[MeasuredOperation]:
    """Every operation of the group modulo the conventional cell."""
    group = plane_group(placement.fit.setting.group)
    from_cell = placement.from_cell
    correlations = {
        _conjugate(from_cell, op.rot): float(value)
        for op, value in zip(placement.fit.operations, placement.fit.correlations, strict=True)
    }
    for op in group.operations:
        translation = (op.shift[0] / DEN, op.shift[1] / DEN)
        correlation = correlations[op.rot]
        if op.rot == IDENTITY_MATRIX and op.shift != (0, 0):
            correlation = whole.autocorrelation(np.linalg.solve(placement.matrix, np.array(translation)))
        rms, largest = _on_samples(values, placement, op)
        if rms is None:
            rms = float(np.sqrt(max(2 * (1 - correlation), 0.0))) * contrast
        yield MeasuredOperation(
            op.xyz, _kind(op, group.operations), op.order, op.rot, translation, correlation, rms, largest, True
        )


def _on_samples(values: NDArray[np.float32], placement: Placement, op: Op) -> tuple[float | None, float | None]:
    """Root mean square and largest difference over the samples, (None, None) where g leaves the grid."""
    if op.rot == IDENTITY_MATRIX and op.shift == (0, 0):
        return 0.0, 0.0
    side = values.shape[0]
    back = np.linalg.inv(placement.matrix)
    turn = back @ np.array(op.rot) @ placement.matrix
    move = back @ (np.array(op.rot) @ placement.shift + np.array(op.shift) / DEN - placement.shift) * side
    if max(np.abs(turn - np.rint(turn)).max(), np.abs(move - np.rint(move)).max()) > ON_GRID:
        return None, None
    rows = values.reshape(side * side, -1)
    moved = rows.take(_images(_rows(np.rint(turn)), _pair(np.rint(move) % side), side), axis=0)
    difference = np.subtract(moved, rows, out=moved).reshape(-1)
    return float(np.sqrt(np.vdot(difference, difference) / difference.size)), float(np.abs(difference).max())


@lru_cache(maxsize=256)
def _images(turn: tuple[Vector, Vector], move: Vector, side: int) -> Integers:
    """(side * side,) where x -> W x + t, in samples, takes each sample."""
    i, j = np.indices((side, side))
    (a, b), (c, d) = ((int(row[0]), int(row[1])) for row in turn)
    u, v = (a * i + b * j + int(move[0])) % side, (c * i + d * j + int(move[1])) % side
    return (u * side + v).reshape(-1)


def _rejected(fitter: Fitter, placement: Placement, contrast: float) -> Iterator[MeasuredOperation]:
    """The best of each coset of isometries outside the group, and the strongest shorter period."""
    own = placement.fit.setting.matrices
    seen = set(own)
    for matrix in placement.isometries:
        if matrix in seen:
            continue
        coset = [multiply(matrix, each) for each in own]
        seen.update(coset)
        best = max(coset, key=lambda each: float(fitter.map(each).max()))
        yield _refused(placement, best, *fitter.best_translation(best), contrast)
    period = _strongest_period(fitter.map(IDENTITY_MATRIX))
    if period is not None:
        yield _refused(placement, IDENTITY_MATRIX, *period, contrast)


def _refused(
    placement: Placement, matrix: Matrix, correlation: float, place: Floats, contrast: float
) -> MeasuredOperation:
    """An operation x -> W x + t of the primitive cell, in the standard setting."""
    from_cell, shift = placement.from_cell, placement.shift
    turn = _conjugate(from_cell, matrix)
    moved = from_cell @ place + shift - np.array(turn) @ shift
    translation = _pair(moved - np.floor(moved + 1e-9))
    kind: Kind = "translation" if matrix == IDENTITY_MATRIX else "rotation"
    if determinant(matrix) == -1:
        glide = (moved + np.array(turn) @ moved) / 2
        kind = "mirror" if np.abs(glide - np.rint(glide)).max() < 0.02 else "glide"
    rms = float(np.sqrt(max(2 * (1 - correlation), 0.0))) * contrast
    return MeasuredOperation(
        triplet(turn, translation), kind, Op(matrix).order, turn, translation, correlation, rms, None, False
    )


def _strongest_period(correlation: Floats) -> tuple[float, Floats] | None:
    """The highest peak of the autocorrelation beside the one at the origin, with its place; None if there is none."""
    peaks = correlation >= ndimage.maximum_filter(correlation, 3, mode="wrap")
    peaks[0, 0] = False
    places = np.argwhere(peaks)
    if not len(places):
        return None
    heights = correlation[places[:, 0], places[:, 1]]
    best = int(np.argmax(heights))
    return float(heights[best]), places[best] / correlation.shape[0]


def _kind(op: Op, operations: tuple[Op, ...]) -> Kind:
    if op.rot == IDENTITY_MATRIX:
        return "identity" if op.shift == (0, 0) else "translation"
    if op.det == 1:
        return "rotation"
    moved = np.array(op.rot) @ np.array(op.shift) + np.array(op.shift)
    return "mirror" if "mirror" in line_kinds(operations, op.rot) and not (moved % (2 * DEN)).any() else "glide"


def _conjugate(axes: Floats, matrix: Matrix) -> tuple[Vector, Vector]:
    """A W A^-1, in halves: whole numbers if W keeps the cell that A leads to."""
    turned = np.rint(2 * axes @ np.array(matrix) @ np.linalg.inv(axes)) / 2
    return _rows(turned)


def _pair(values: Floats) -> Vector:
    return (float(values[0]), float(values[1]))


def _rows(values: Floats) -> tuple[Vector, Vector]:
    return (_pair(values[0]), _pair(values[1]))
