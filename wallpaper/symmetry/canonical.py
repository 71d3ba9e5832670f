"""One cell for one pattern: the same axes and the same origin however it was found.

A standard setting fixes a cell up to its group's normaliser: half a period here, a quarter turn there, any origin along
the mirrors of pm. Of all these cells the canonical one has a right-handed short basis and, among such, agrees best with
a fixed reference, an arbitrary smooth pattern without symmetry. Close patterns have close cells unless two agree
equally well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import DEN, Lattice, Op, plane_group
from wallpaper.plane.lattice import Metric, change_basis, invariant_metric
from wallpaper.plane.normaliser import free_directions, normaliser
from wallpaper.plane.operation import unimodular_inverse

Floats = NDArray[np.float64]

WAVES = 6
"""Highest frequency along each axis that is compared: what survives any resampling."""

NEARLY_SHORTEST = 1.02
"""Bases whose sum of squares is within this factor of the least count as short: measured lattices err by less."""

NEARLY_EQUAL = 1.02
"""The shorter vector is a, unless the lengths differ by less than this factor."""

GRID = 32
"""Places tried along a free direction before the best one is refined."""

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalCell:
    """A cell in its canonical frame."""

    cell: Floats
    """(n, n, C); entry [i, j] is the sample at i/n along a, j/n along b."""
    lattice: Lattice
    """Of unit area, right-handed, and exactly what the group's system demands."""
    frame: Op
    """x_canonical = A x + w in coordinates of the given cell, `moved` apart."""
    moved: tuple[float, float]
    """Further shift of the origin along the group's free directions, in fractional coordinates."""


def canonical_cell(
    cell: NDArray[np.floating], lattice: Lattice, group: str, *, mirrored: bool = False
) -> CanonicalCell:
    """The cell of the pattern's own, whichever of its cells in the group's standard setting is given.

    Args:
        cell: (n, n, C) one conventional cell in the standard setting; need not be exactly symmetric.
        lattice: its lattice, in any unit.
        mirrored: whether b lies clockwise from a as the pattern is seen; the canonical basis is right-handed.
    Raises: ValueError: the cell is not (n, n, C) with n >= 16.
    """
    if cell.ndim != 3 or cell.shape[0] != cell.shape[1] or cell.shape[0] < 16:
        raise ValueError(f"a cell must be (n, n, C) with n >= 16, but got {cell.shape}")
    values = np.asarray(cell, dtype=np.float64)
    spectrum = np.fft.fft2(values, axes=(0, 1), norm="forward")
    frames = _short_frames(lattice, group, -1 if mirrored else 1)
    found = [(*_best_place(_seen(spectrum, frame), free_directions(group)), frame) for frame in frames]
    agreement = max(score for score, _, _ in found)
    _, moved, frame = next(each for each in found if each[0] >= agreement - 1e-12 * abs(agreement))
    shift = np.array(frame.shift) / DEN + moved
    turned = _turned(values, frame)
    metric = _metric(lattice, frame, group)
    return CanonicalCell(
        _shifted(turned, shift), Lattice.from_metric(metric), frame, (float(moved[0]), float(moved[1]))
    )


def _metric(lattice: Lattice, frame: Op, group: str) -> Metric:
    """Of the basis that the frame's axes belong to, in unit area and as the group demands: G' = A^-T G A^-1."""
    unit = lattice.metric / lattice.area
    return invariant_metric(change_basis(unit, unimodular_inverse(frame.rot)), plane_group(group).point_group)


def _short_frames(lattice: Lattice, group: str, handedness: int) -> list[Op]:
    """Frames of the normaliser to a short basis of this handedness, a the shorter vector where one is."""
    reflects = any(op.det == -1 for op in plane_group(group).operations)  # then either hand gives the same cells
    frames = [frame for frame in normaliser(group) if reflects or frame.det == handedness]
    metrics = {frame.rot: _metric(lattice, frame, group) for frame in frames}
    sums = {axes: float(np.trace(metric)) for axes, metric in metrics.items()}
    least = min(sums.values())
    short = [frame for frame in frames if sums[frame.rot] <= NEARLY_SHORTEST * least]
    ratio = {frame.rot: math.sqrt(metrics[frame.rot][0, 0] / metrics[frame.rot][1, 1]) for frame in short}
    return [frame for frame in short if ratio[frame.rot] <= NEARLY_EQUAL] or short


@cache
def _waves() -> NDArray[np.int64]:
    """(m, 2) wave vectors compared, one of each pair of opposites, the mean left out."""
    steps = range(-WAVES, WAVES + 1)
    return np.array([wave for wave in product(steps, repeat=2) if wave > (0, 0)])


@cache
def _reference(channels: int) -> NDArray[np.complex128]:
    """(m, C) Fourier coefficients of the reference: amplitudes 1 / |k|^2, phases that follow no rule."""
    waves = _waves()
    number = np.arange(1, waves.size // 2 * channels + 1).reshape(len(waves), channels)
    phases = 2 * np.pi * np.mod(number**2 * _GOLDEN, 1)
    reference: NDArray[np.complex128] = np.exp(1j * phases) / (waves**2).sum(axis=1)[:, None]
    return reference


def _seen(spectrum: NDArray[np.complexfloating], frame: Op) -> NDArray[np.complex128]:
    """(m,) agreement, wave by wave, of the pattern in this frame with the reference.

    f'(x') = f(A^-1 (x' - w)) has F'(k) = F(A^T k) exp(-2 pi i k.w).
    """
    waves = _waves()
    given = waves @ np.array(frame.rot)
    phases = np.exp(-2j * np.pi / DEN * (waves @ np.array(frame.shift)))
    side = spectrum.shape[0]
    inside = np.abs(given).max(axis=1) < side // 2
    seen = spectrum[given[:, 0] % side, given[:, 1] % side] * inside[:, None]
    products = seen * np.conj(_reference(spectrum.shape[2]))
    return np.asarray(products.sum(axis=1) * phases, dtype=np.complex128)


def _best_place(agreements: NDArray[np.complex128], free: tuple[int, ...]) -> tuple[float, Floats]:
    """Largest agreement over all shifts along the free directions, and the shift (2,) in [0, 1)."""
    waves = _waves().astype(np.float64)
    axes = [np.arange(GRID) / GRID if axis in free else np.zeros(1) for axis in range(2)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    scores = (np.exp(-2j * np.pi * places @ waves.T) @ agreements).real
    best = places[int(scores.argmax())]
    for step in 0.5 ** np.arange(6, 26):  # halving: the grid is finer than any wave, so the peak is next to it
        around = [best + step * np.array(way) for way in product((-1, 0, 1), repeat=2)]
        tried = np.array([place * [axis in free for axis in range(2)] for place in around])
        values = (np.exp(-2j * np.pi * tried @ waves.T) @ agreements).real
        best = tried[int(values.argmax())]
    return float((np.exp(-2j * np.pi * waves @ best) @ agreements).real), np.mod(best, 1.0)


def _turned(cell: Floats, frame: Op) -> Floats:
    """g(x') = f(A^-1 x'): a permutation of samples."""
    side = cell.shape[0]
    (a, b), (c, d) = unimodular_inverse(frame.rot)
    i, j = np.indices((side, side))
    turned: Floats = cell[(a * i + b * j) % side, (c * i + d * j) % side]
    return turned


def _shifted(cell: Floats, shift: Floats) -> Floats:
    """g(x) = f(x - w): whole samples are moved, the rest by the phase of each Fourier coefficient."""
    side = cell.shape[0]
    steps = np.mod(shift, 1.0) * side
    whole = np.rint(steps)
    moved = np.roll(cell, (int(whole[0]), int(whole[1])), axis=(0, 1))
    if np.abs(steps - whole).max() < 1e-6:
        return moved
    waves = np.fft.fftfreq(side, 1 / side)
    waves[side // 2] = 0  # of the highest wave only the cosine is known
    x, y = (np.exp(-2j * np.pi * waves * rest / side) for rest in steps - whole)
    spectrum = np.fft.fft2(moved, axes=(0, 1)) * (x[:, None] * y)[..., None]
    result: Floats = np.fft.ifft2(spectrum, axes=(0, 1)).real
    return result
