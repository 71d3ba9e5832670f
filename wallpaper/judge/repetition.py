"""The lattice of a picture: autocorrelation peaks, the finest lattice that explains them, its basis to sub-pixels.

Lags are (x, y) in pixels, x to the right and y downwards. Every correlation is taken over the overlap alone, with the
overlap's own means and variances, so borders and slow changes of light do not pull peaks. Knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from wallpaper.judge.settings import reduced_basis

Floats = NDArray[np.float64]
Planes = NDArray[np.float32]

SOFTENING = 0.8
"""Standard deviation, in pixels, of the blur that takes pixel noise off before correlations."""

LONGEST_LAG = 0.64
"""Lags reach this share of the picture's sides."""

LEAST_OVERLAP = 0.16
"""Share of the picture that a lag must leave in common with it."""

SHORTEST_PERIOD = 5.0
"""Pixels; shorter periods hold too few samples to show symmetry."""

LEAST_CORRELATION = 0.45
"""Lattice points must correlate by this much, else nothing repeats."""

CLEAR = 0.75
"""Likeness below which another look, with the light evened out, may see more."""

AS_ALIKE = 0.97
"""A finer lattice is the lattice if it correlates this well relative to the best: all true periods are alike. A period
that is missed is found again on the mean cell."""

LEAST_DIFFERENCE = 0.004
"""Correlation by which points of a finer lattice must fall short, every other one say, to be no periods."""

LEAST_DIP = 0.04
"""Between two lattice points the correlation must fall by this much, else it is a ridge: stripes, or a gradient."""

CANDIDATES = 16
"""Shortest peaks that are tried as basis vectors."""

NEAR, FINE = 2, 10.0
"""Pixels around a predicted lattice point in which its peak is looked for; one where periods are below `FINE`."""

FARTHEST = 4
"""Multiples of the basis vectors that a candidate is judged by: further ones magnify its error."""


@dataclass(frozen=True, slots=True, eq=False)
class Autocorrelation:
    """Correlation of a picture with itself at every lag (x, y), y >= 0."""

    values: Planes
    """(Ly + 1, 2 Lx + 1), entry [y, x + Lx]; -1 where the overlap is too small."""
    overlap: Planes
    """Same shape: pixels in common."""

    @property
    def reach(self) -> tuple[int, int]:
        """Largest lags (Lx, Ly)."""
        return self.values.shape[1] // 2, self.values.shape[0] - 1


def autocorrelate(picture: Planes) -> Autocorrelation:
    """Pearson correlation over each overlap, all channels together.

    Args: picture: (H, W, C).
    """
    soft = ndimage.gaussian_filter(picture, (SOFTENING, SOFTENING, 0), mode="nearest")
    soft -= soft.mean(axis=(0, 1))
    height, width = soft.shape[:2]
    ly, lx = int(LONGEST_LAG * height), int(LONGEST_LAG * width)
    shape = (fft.next_fast_len(height + ly, real=True), fft.next_fast_len(width + lx, real=True))
    spectrum = fft.rfft2(np.ascontiguousarray(np.moveaxis(soft, -1, 0)), s=shape)
    product = fft.irfft2((spectrum.real**2 + spectrum.imag**2).sum(axis=0), s=shape)
    columns = np.arange(-lx, lx + 1)
    common = product[: ly + 1][:, columns % shape[1]]
    pixels = np.multiply.outer(height - np.arange(ly + 1), width - np.abs(columns)).astype(np.float32)
    here, there = _window_sums(soft, ly, lx)
    covariance = common - np.einsum("cyx,cyx->yx", here[:-1], there[:-1]) / pixels
    variances = [sums[-1] - np.einsum("cyx,cyx->yx", sums[:-1], sums[:-1]) / pixels for sums in (here, there)]
    scale = np.sqrt(np.maximum(variances[0] * variances[1], 1e-8 * float(here[-1].max()) ** 2))
    scale = np.maximum(scale, np.finfo(np.float32).tiny)  # a flat picture has 0, and correlates with nothing
    values = np.where(pixels >= LEAST_OVERLAP * height * width, covariance / scale, np.float32(-1.0))
    return Autocorrelation(values, pixels)


def _window_sums(planes: Planes, ly: int, lx: int) -> tuple[Planes, Planes]:
    """(C + 1, ly + 1, 2 lx + 1) sums over the overlap at each lag of every channel and of all their squares.

    First over the overlap's place in the picture itself, then over its place in the moved one; from one table of sums.
    """
    height, width = planes.shape[:2]
    table = np.zeros((planes.shape[2] + 1, height + 1, width + 1), dtype=np.float32)
    table[:-1, 1:, 1:] = np.moveaxis(planes, -1, 0)
    table[-1, 1:, 1:] = np.einsum("yxc,yxc->yx", planes, planes)
    np.cumsum(table, axis=1, out=table)
    np.cumsum(table, axis=2, out=table)
    x, y = np.arange(-lx, lx + 1), np.arange(ly + 1)
    above = table[:, height - y]
    below = table[:, height, None] - table[:, y]
    here: Planes = above[:, :, width - np.maximum(x, 0)] - above[:, :, np.maximum(-x, 0)]
    there: Planes = below[:, :, width + np.minimum(x, 0)] - below[:, :, np.maximum(x, 0)]
    return here, there


def find_lattice(picture: Planes) -> Floats | None:
    """(2, 2) reduced basis in pixels, one vector (x, y) a column; None if nothing repeats in two directions.

    a to b turns counter-clockwise as one sees it, so the determinant is negative.

    Args: picture: (H, W, C).
    """
    basis, likeness = _repetition(autocorrelate(picture))
    if likeness < CLEAR:
        evened, better = _repetition(autocorrelate(_evenly_lit(picture)))
        basis = evened if better > likeness else basis
    return basis


def _evenly_lit(picture: Planes) -> Planes:
    """The picture over its own wide blur: spots of light and dark corners go, and so does some contrast."""
    sigma = max(picture.shape[:2]) / 7
    around = ndimage.gaussian_filter(picture.mean(axis=2), sigma, mode="reflect", truncate=2.5)
    return np.asarray(picture / np.maximum(around, 0.02)[..., None], dtype=np.float32)


def _repetition(correlation: Autocorrelation) -> tuple[Floats | None, float]:
    """The basis, if there is one, and how alike the picture is at the lattice's points."""
    peaks = _peaks(correlation)
    coarse, fine = (ndimage.maximum_filter(correlation.values, size, mode="constant", cval=-1.0) for size in (5, 3))
    found: list[tuple[float, float, Floats]] = []
    for first, second in combinations(peaks[:CANDIDATES], 2):
        basis = np.stack([first, second], axis=1)
        area = abs(float(np.linalg.det(basis)))
        if area < 0.25 * float(np.linalg.norm(first) * np.linalg.norm(second)):
            continue
        basis = basis @ np.array(reduced_basis(basis.T @ basis))
        shortest = float(np.linalg.norm(basis[:, 0]))
        if shortest >= SHORTEST_PERIOD:
            found.append((_likeness(fine if shortest < FINE else coarse, correlation, basis), area, basis))
    most = max((score for score, _, _ in found), default=-1.0)
    if most < LEAST_CORRELATION:
        return None, most
    alike = sorted((each for each in found if each[0] >= AS_ALIKE * most), key=lambda each: each[1])
    basis = alike[0][2]
    points = _measured(correlation, basis)
    for _, _, coarser in alike[1:]:
        if _tells_apart(points, basis, coarser):
            basis, points = coarser, _measured(correlation, coarser)
    basis = _refined(correlation, _refined(correlation, basis, FARTHEST // 2), 64)
    if np.linalg.norm(basis, axis=0).min() < SHORTEST_PERIOD - 1 or _has_ridge(correlation, basis):
        return None, -1.0
    return (basis if np.linalg.det(basis) < 0 else basis * np.array([1.0, -1.0])), most


def _peaks(correlation: Autocorrelation) -> list[Floats]:
    """Lags (x, y) of the peaks that may be periods, shortest first."""
    values = correlation.values
    high = values >= ndimage.maximum_filter(values, 5, mode="constant", cval=-1.0)
    y, x = np.nonzero(high & (values > 0))
    lags = np.stack([x - correlation.reach[0], y], axis=1).astype(np.float64)
    lengths = np.hypot(lags[:, 0], lags[:, 1])
    heights = values[y, x]
    usable = (lengths >= SHORTEST_PERIOD - 1) & ((lags[:, 1] > 0) | (lags[:, 0] > 0))
    if not usable.any():
        return []
    usable &= heights >= 0.75 * heights[usable].max()
    order = np.argsort(lengths[usable], kind="stable")
    return list(lags[usable][order])


def _points(correlation: Autocorrelation, basis: Floats, most: int) -> tuple[Floats, Floats]:
    """Multiples (m, 2) of the basis and their lags (m, 2), for every lattice point but 0 in the map."""
    steps = np.arange(-most, most + 1)
    multiples = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float64)
    lags = multiples @ basis.T
    lx, ly = correlation.reach
    inside = (lags[:, 1] >= -0.5) & (lags[:, 1] <= ly - 1) & (np.abs(lags[:, 0]) <= lx - 1)
    inside &= (np.abs(multiples).sum(axis=1) > 0) & ((lags[:, 1] > 0.5) | (lags[:, 0] > 0))
    multiples, lags = multiples[inside], lags[inside]
    places = np.rint(lags).astype(np.int64)
    seen = correlation.values[np.maximum(places[:, 1], 0), places[:, 0] + lx] > -1
    return multiples[seen], lags[seen]


def _likeness(summits: Planes, correlation: Autocorrelation, basis: Floats) -> float:
    """Lower quartile of the correlation at the lattice's points."""
    _, lags = _points(correlation, basis, FARTHEST)
    if len(lags) < 2:
        return -1.0
    places = np.rint(lags).astype(np.int64)
    return float(np.quantile(summits[np.maximum(places[:, 1], 0), places[:, 0] + correlation.reach[0]], 0.25))


def _measured(correlation: Autocorrelation, basis: Floats) -> tuple[Floats, Floats]:
    """Multiples (m, 2) of a basis that have a peak, and the peaks' heights (m,)."""
    multiples, lags = _points(correlation, basis, FARTHEST)
    _, weights, heights = _summits(correlation, lags)
    return multiples[weights > 0], heights[weights > 0]


def _tells_apart(points: tuple[Floats, Floats], finer: Floats, coarser: Floats) -> bool:
    """Whether only the coarser lattice's points are periods: the finer one's others are lower throughout."""
    steps = np.linalg.solve(finer, coarser)
    index = round(abs(float(np.linalg.det(steps))))
    if not 2 <= index <= 4 or np.abs(steps - np.rint(steps)).max() > 0.1:
        return False
    multiples, heights = points
    parts = np.linalg.solve(np.rint(steps), multiples.T)
    inside = np.abs(parts - np.rint(parts)).max(axis=0) < 1e-6
    both = [heights[inside == kind] for kind in (True, False)]
    if min(len(each) for each in both) < 2:
        return False
    error = np.sqrt(sum(float(each.var()) / len(each) for each in both))
    return float(both[0].mean() - both[1].mean()) > max(LEAST_DIFFERENCE, 4 * float(error))


def _has_ridge(correlation: Autocorrelation, basis: Floats) -> bool:
    """Whether the correlation stays high all the way along a basis vector: the pattern slides along itself."""
    lx, _ = correlation.reach
    for vector in basis.T:
        lag = vector if vector[1] >= 0 else -vector
        path = np.linspace(0, 1, 33)[:, None] * lag
        heights = ndimage.map_coordinates(correlation.values, [path[:, 1], path[:, 0] + lx], order=1, mode="nearest")
        if heights.min() > heights[-1] - LEAST_DIP:
            return True
    return False


def _refined(correlation: Autocorrelation, basis: Floats, most: int) -> Floats:
    """Least squares of the basis to the peaks' places, each to sub-pixels and weighted by its overlap."""
    multiples, lags = _points(correlation, basis, most)
    places, weights, _ = _summits(correlation, lags)
    weight = np.sqrt(weights)[:, None]
    if np.count_nonzero(weight) < 2:
        return basis
    solution, _, rank, _ = np.linalg.lstsq(multiples * weight, places * weight, rcond=None)
    return basis if rank < 2 else np.asarray(solution.T, dtype=np.float64)


def _summits(correlation: Autocorrelation, lags: Floats) -> tuple[Floats, Floats, Floats]:
    """The peaks near lags (m, 2), each by a paraboloid: places (m, 2), weights (m,) and heights (m,).

    The weight is the overlap times the height, and 0 at the map's border, where there is no peak to be had.
    """
    lx, ly = correlation.reach
    x, y = np.rint(lags[:, 0]).astype(np.int64) + lx, np.rint(lags[:, 1]).astype(np.int64)
    known = (x > NEAR) & (x < 2 * lx - NEAR) & (y > NEAR) & (y < ly - NEAR)
    x, y = np.where(known, x, NEAR + 1), np.where(known, y, NEAR + 1)
    steps = np.arange(-NEAR, NEAR + 1)
    windows = correlation.values[y[:, None, None] + steps[:, None], x[:, None, None] + steps]
    best = windows.reshape(len(lags), -1).argmax(axis=1)
    y, x = y + best // len(steps) - NEAR, x + best % len(steps) - NEAR
    patches = correlation.values[y[:, None, None] + steps[1:-1, None], x[:, None, None] + steps[1:-1]].astype(
        np.float64
    )
    known &= patches.min(axis=(1, 2)) > -1
    tops = _parabola(patches)
    middle = patches[:, 1, 1]
    slopes = np.stack([patches[:, 1, 2] - patches[:, 1, 0], patches[:, 2, 1] - patches[:, 0, 1]], axis=1) / 2
    weights = np.where(known, correlation.overlap[y, x] * np.maximum(middle, 0.0), 0.0)
    return np.stack([x - lx, y], axis=1) + tops, weights, middle + np.einsum("mi,mi->m", slopes, tops) / 2


def _parabola(patches: Floats) -> Floats:
    """(m, 2) x and y of the top of the quadratic through 3 x 3 values (m, 3, 3), by least squares; within a pixel."""
    gx, gy = ((patches[:, :, 2] - patches[:, :, 0]).mean(1) / 2, (patches[:, 2] - patches[:, 0]).mean(1) / 2)
    xx = (patches[:, :, 2] + patches[:, :, 0] - 2 * patches[:, :, 1]).mean(1)
    yy = (patches[:, 2] + patches[:, 0] - 2 * patches[:, 1]).mean(1)
    xy = (patches[:, 2, 2] + patches[:, 0, 0] - patches[:, 2, 0] - patches[:, 0, 2]) / 4
    determinant = xx * yy - xy * xy
    curved = (xx < 0) & (determinant > 1e-12)
    tops = np.stack([xy * gy - yy * gx, xy * gx - xx * gy], axis=1) / np.where(curved, determinant, 1.0)[:, None]
    return np.where(curved[:, None], np.clip(tops, -1, 1), 0.0)
