r"""The plane group of a pattern whose lattice is known: every isometry tried with its best translation.

Each of the 17 groups in each setting that the lattice allows is fitted; the geometric Akaike criterion
G-AIC = J + 2 (N/|G|) eps^2 (Kanatani, *Int. J. Comput. Vision* 26 (1998) 171; for plane groups Moeck, *Symmetry* 10
(2018) 133) weighs what a group leaves unexplained against the numbers that it needs. Shares no code with projection
or generator.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge.certificate import Certificate
from wallpaper.judge.certify import Placement, certify
from wallpaper.judge.fitting import Fitter
from wallpaper.judge.periods import find_periods
from wallpaper.judge.reading import contrasts, unit_samples
from wallpaper.judge.settings import METRIC_TOLERANCE, Setting, isometries, reduced_basis, settings
from wallpaper.judge.spectrum import Band, Samples, cut_band
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group
from wallpaper.plane.lattice import change_basis, invariant_metric
from wallpaper.plane.relations import CENTRED_TO_PRIMITIVE

Floats = NDArray[np.float64]

LEAST_CONTRAST = 1e-3
"""Standard deviation below which a pattern is flat: under half a step of 8 bits."""

LEAST_SIDE = 8
"""Samples along a side below which there are too few waves."""

SYSTEMATIC = 0.001
"""Share of the power that may be error of another kind than noise, such as rounding to 8 bits on few samples: an
operation that correlates above 1 - `SYSTEMATIC` is not told from a true one."""


FEWEST_DATA = 100
"""Data that Akaike weights count at the least: where few coefficients carry the power, the dark ones are data too."""

MOST_LOSS = 0.2
"""Correlation that noise may take from a true translation; what loses more is no period."""


def identify(
    pattern: NDArray[np.generic],
    lattice: Lattice,
    *,
    noise: float | None = None,
    tolerance: float = METRIC_TOLERANCE,
) -> Certificate:
    """Which plane group the pattern has.

    Args:
        pattern: (n, n, C) or (n, n); uint8 or uint16 of full range, or float in [0, 1]. Entry [i, j] is the sample at
            i/n along a, j/n along b. Any whole number of periods, any origin and setting.
        lattice: the cell that the samples fill.
        noise: standard deviation of the noise a sample, as a share of full range; estimated if None.
        tolerance: relative change of scalar products up to which a matrix is an isometry of the lattice.
    Raises: ValueError: another shape or range, NaN, or no contrast.
    """
    values = unit_samples(pattern)
    if values.shape[0] != values.shape[1]:
        raise ValueError(f"a pattern must be (n, n) or (n, n, C), but got {np.shape(pattern)}")
    if values.shape[0] < LEAST_SIDE:
        raise ValueError(f"`n >= {LEAST_SIDE}` must hold for a pattern (n, n, C), but got {values.shape[0]}")
    contrast = float(contrasts(values).max())
    if contrast < LEAST_CONTRAST:
        raise ValueError(
            f"a pattern must have a contrast of at least {LEAST_CONTRAST}, but got {contrast:.2g}: it is flat"
        )
    return identify_samples(values, lattice, noise=noise, systematic=SYSTEMATIC, tolerance=tolerance)


def identify_samples(
    values: NDArray[np.float32],
    lattice: Lattice,
    *,
    noise: float | None,
    systematic: float,
    radius: float | None = None,
    tolerance: float = METRIC_TOLERANCE,
) -> Certificate:
    """`identify` for (n, n, C) float32 samples that are known to be sound; they may overshoot [0, 1].

    Args:
        systematic: share of the power that may be error of another kind than noise.
        radius: longest wave vector (in 1/length) that the samples hold faithfully; their own limit if None.
    """
    samples = Samples(values)
    floor = samples.tail() if noise is None else noise**2 / samples.side**2
    whole = cut_band(samples, np.eye(2, dtype=np.int64), lattice.metric, floor, radius)
    periods = find_periods(whole, 1 - min(MOST_LOSS, 2 * _error(whole, floor, systematic)))
    primitive = change_basis(lattice.metric, periods.basis)
    turn = np.array(reduced_basis(primitive))
    matrices = isometries(change_basis(primitive, turn), tolerance)
    metric = invariant_metric(change_basis(primitive, turn), matrices)
    to_cell = np.rint(np.linalg.inv(turn)).astype(np.int64) @ periods.to_cell
    band = cut_band(samples, to_cell, metric, floor, radius)
    fitter = Fitter(band, metric)
    fits = [fitter.fit(setting, _plainest(setting, to_cell)) for setting in settings(matrices)]
    error = _error(band, floor, systematic)
    scores = np.array([fit.residual / error + 2 / len(fit.operations) for fit in fits])
    weights = np.exp(-0.5 * max(band.spread, FEWEST_DATA) * (scores - scores.min()))
    weights /= weights.sum()
    best = fits[int(np.argmin(scores))]
    probabilities = dict.fromkeys(GROUP_NAMES, 0.0)
    for fit, weight in zip(fits, weights, strict=True):
        probabilities[fit.setting.group] += float(weight)
    placement = Placement(standard_axes(best.setting.group, best.axes) @ to_cell, best, to_cell, matrices)
    return certify(values, whole, lattice, fitter, placement, probabilities, math.sqrt(floor) * samples.side)


_TO_CENTRED = np.linalg.inv(np.array(CENTRED_TO_PRIMITIVE))


def standard_axes(group: str, axes: object) -> Floats:
    """(2, 2) change from the primitive cell's axes to the conventional standard ones: x_standard = M x."""
    primitive = np.asarray(axes, dtype=np.float64)
    return _TO_CENTRED @ primitive if len(plane_group(group).centring) > 1 else primitive


def _plainest(setting: Setting, to_cell: NDArray[np.int64]) -> int:
    """The variant whose standard axes are most like the given cell's."""
    axes = np.array([axes for axes, _ in setting.variants])
    strays = np.abs(standard_axes(setting.group, axes) @ to_cell - np.eye(2)).sum(axis=(1, 2))
    return int(np.argmin(strays))


def _error(band: Band, floor: float, systematic: float) -> float:
    """Share of the band's power that is error: noise, or what else is expected if that is more."""
    return max(floor * band.coefficients.size / band.power, systematic)
