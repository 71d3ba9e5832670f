"""The symmetry spectrum: how well every operation holds in every frame, as correlations against time.

The correlation of an operation g is that of f(g x) with f(x) over the cell: 1 if f has g, about 0 if it knows
nothing of g. Operations that no group on the way has are measured too, at their best translation, so that a
symmetry that nobody planned would be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import Alignment, Lattice, Op
from wallpaper.plane.groups import line_kinds
from wallpaper.plane.lattice import Metric, change_basis
from wallpaper.plane.operation import IDENTITY_MATRIX, Matrix, determinant
from wallpaper.symmetry.index_maps import permutation

Role: TypeAlias = Literal["common", "source", "target", "waypoint", "neither"]
ROLES: tuple[Role, ...] = ("common", "source", "target", "waypoint", "neither")

ISOMETRY_TOLERANCE = 1e-6
"""Relative change of metric elements up to which a matrix is an isometry of a lattice: rounding of its path."""

FLAT = 1e-12
"""Variance below which a frame has no contrast to correlate."""


@dataclass(frozen=True, slots=True)
class SpectralLine:
    """One operation of a spectrum."""

    operation: Op
    """On the common cell; with role "neither", the matrix part alone, each frame at its own best translation."""
    role: Role
    """"common": in every group on the way; "source", "target": in that end; "waypoint": only between; "neither"."""

    @property
    def symbol(self) -> str:
        """``1``, ``2``, ``3``, ``4``, ``6``, ``m`` or ``g``; ``m/g`` where only the translation decides."""
        if self.operation.det == 1:
            return str(self.operation.order)
        if self.role == "neither":
            return "m/g"
        return "m" if "mirror" in line_kinds((Op(IDENTITY_MATRIX), self.operation), self.operation.rot) else "g"

    @property
    def label(self) -> str:
        """Symbol and coordinate triplet, such as ``g  -x,y+1/2``; ``+w`` stands for a free translation."""
        return f"{self.symbol}  {self.operation.xyz}{' +w' if self.role == 'neither' else ''}"


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Correlations of L operations in T frames."""

    times: NDArray[np.float64]
    """(T,)."""
    lines: tuple[SpectralLine, ...]
    """L operations, by role, the identity left out."""
    correlations: NDArray[np.float64]
    """(L, T) Pearson correlation, in [-1, 1]; 1 where a frame is flat."""


def symmetry_spectrum(
    frames: NDArray[np.floating],
    times: Sequence[float] | NDArray[np.floating],
    legs: Sequence[Alignment],
    lattices: Sequence[Lattice] = (),
) -> Spectrum:
    """The spectrum of a transition's frames.

    Args:
        frames: (T, C, n, n) on the legs' common cell; n a multiple of 4.
        times: (T,). legs: as they follow each other, all on that cell.
        lattices: primitive lattices, for example of the frames; their isometries that are in none of the groups are
            measured as "neither".
    Raises: ValueError: shapes that do not fit.
    """
    if frames.ndim != 4 or frames.shape[-1] != frames.shape[-2] or len(times) != len(frames):
        raise ValueError(f"`frames` must be (T, C, n, n) with T times, but got {frames.shape} and {len(times)} times")
    lines = spectral_lines(legs, lattices)
    correlations = np.empty((len(lines), len(frames)))
    for index, frame in enumerate(frames):
        correlations[:, index] = _frame_correlations(np.asarray(frame, np.float64), lines)
    return Spectrum(np.asarray(times, np.float64), lines, correlations)


def spectral_lines(legs: Sequence[Alignment], lattices: Sequence[Lattice] = ()) -> tuple[SpectralLine, ...]:
    """What a spectrum of these legs measures: the groups' operations by role, then the lattices' other isometries."""
    groups = [set(legs[0].source_operations), *(set(leg.target_operations) for leg in legs)]
    roles = {op: _role(op, groups) for op in sorted(set.union(*groups)) if op.rot != IDENTITY_MATRIX}
    known = {op.rot for op in set.union(*groups)}
    metrics = [lattice.metric for lattice in lattices]
    others = [matrix for matrix in _candidates() if matrix not in known and any(_keeps(matrix, g) for g in metrics)]
    lines = [
        *(SpectralLine(op, role) for op, role in roles.items()),
        *(SpectralLine(Op(matrix), "neither") for matrix in others),
    ]
    return tuple(sorted(lines, key=lambda line: (ROLES.index(line.role), -line.operation.det, line.operation)))


def _role(op: Op, groups: Sequence[Collection[Op]]) -> Role:
    if all(op in group for group in groups):
        return "common"
    if op in groups[0]:
        return "source"
    return "target" if op in groups[-1] else "waypoint"


@cache
def _candidates() -> tuple[Matrix, ...]:
    """The integer matrices of finite order with entries up to 2: isometries of any lattice used here."""
    numbers = range(-2, 3)
    matrices: list[Matrix] = [((a, b), (c, d)) for a, b, c, d in product(numbers, repeat=4)]
    return tuple(m for m in matrices if m != IDENTITY_MATRIX and _has_finite_order(m))


def _has_finite_order(matrix: Matrix) -> bool:
    """By trace and determinant: a rotation by -180, 120, 90 or 60 degrees, or a reflection."""
    det, trace = determinant(matrix), matrix[0][0] + matrix[1][1]
    return (det == -1 and trace == 0) or (det == 1 and trace in (-1, 0, 1)) or matrix == ((-1, 0), (0, -1))


def _keeps(matrix: Matrix, metric: Metric) -> bool:
    return float(np.abs(change_basis(metric, matrix) - metric).max()) <= ISOMETRY_TOLERANCE * float(metric.max())


def _frame_correlations(frame: NDArray[np.float64], lines: Sequence[SpectralLine]) -> NDArray[np.float64]:
    """(L,) of one frame (C, n, n)."""
    side = frame.shape[-1]
    deviation = (frame - frame.mean(axis=(-2, -1), keepdims=True)).reshape(len(frame), -1)
    variance = float((deviation**2).sum())
    if variance <= FLAT * deviation.size:
        return np.ones(len(lines))
    moved = (deviation[:, permutation(line.operation, side)] for line in lines)
    return np.array(
        [
            (_best_product(deviation, image, side) if line.role == "neither" else float((image * deviation).sum()))
            / variance
            for line, image in zip(lines, moved, strict=True)
        ]
    )


def _best_product(deviation: NDArray[np.float64], image: NDArray[np.float64], side: int) -> float:
    """The largest scalar product of f with f(W x) over all translations by samples: a cross-correlation."""
    spectra = (np.fft.rfft2(each.reshape(-1, side, side)) for each in (deviation, image))
    first, second = spectra
    return float(np.fft.irfft2((first * second.conj()).sum(axis=0), s=(side, side)).max())
