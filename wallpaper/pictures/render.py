"""Pictures of the plane: true angles, several cells, any size, from a pattern and its lattice.

x runs right and y up, a lies along x and the cell's origin is the centre of the picture, so a p4 pattern
gives an array equal to its own quarter turn. Each step (blur, refine, sample) keeps the lattice's symmetry.
Knows nothing about groups, files or models.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wallpaper.pictures.kernel import Floats, blur, checked_side, interpolator, refine, sample_axes
from wallpaper.pictures.placement import Placement, place
from wallpaper.plane import Lattice

Picture: TypeAlias = NDArray[np.uint8]
Kernel: TypeAlias = Literal["cubic", "linear"]

VALUE_TOLERANCE = 1e-3
"""How far a float pattern may leave [0, 1] by rounding before it is taken for one in other units."""

BAND = 1 << 16
"""Pixels drawn at a time: their coordinates and samples stay in the processor's cache."""

MOST_REFINEMENT = 8
"""Finer grids than this change no pixel visibly and cost memory."""


def render(
    pattern: NDArray[np.generic],
    lattice: Lattice,
    *,
    size: int = 256,
    cells: float = 3.0,
    scale: float | None = None,
    rotation: float = 0.0,
    centre: tuple[float, float] = (0.0, 0.0),
    kernel: Kernel = "cubic",
) -> Picture:
    """(size, size, 3) uint8 picture of the plane that the pattern tiles.

    Args:
        pattern: (n, n, 3) uint8, or float in [0, 1]; or (3, n, n) float in [0, 1]. One cell in the lattice frame.
        cells: about how many cells fit across: sqrt(cell area) * cells is the picture's width.
        scale: pixels per unit of the lattice's lengths, instead of `cells`; keep it while a lattice moves.
        rotation: degrees by which the pattern turns counter-clockwise.
        centre: fractional coordinates of the picture's centre.
        kernel: how an enlarged pattern is drawn between its samples; "linear" is quicker and softer.
    Raises: ValueError: a shape, dtype or range other than these, or size, cells or scale not positive.
    """
    pixels = unit_pixels(pattern)
    if scale is None:
        scale = picture_scale([lattice], size, cells)
    if size < 1 or not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"`size >= 1` and a finite `scale > 0` must hold, but got {size=}, {scale=}")
    pixels = _fit_resolution(pixels, lattice, scale, kernel)
    return _paint(pixels, lattice, place(lattice, size, scale, rotation, centre), size)


def render_many(
    patterns: Sequence[NDArray[np.generic]] | NDArray[np.generic],
    lattices: Lattice | Sequence[Lattice],
    *,
    size: int = 256,
    cells: float = 3.0,
    rotation: float | Sequence[float] = 0.0,
    centre: tuple[float, float] = (0.0, 0.0),
    kernel: Kernel = "cubic",
    workers: int | None = None,
) -> list[Picture]:
    """The frames of an animation, all at one scale, in `workers` threads (default: one per processor, at most 8).

    Args:
        patterns: each as `render` takes it. lattices, rotation: one for all, or one each.
    Raises: ValueError: not as many lattices or rotations as patterns; and see `render`.
    """
    each = [lattices] * len(patterns) if isinstance(lattices, Lattice) else list(lattices)
    if len(each) != len(patterns):
        raise ValueError(f"`len(lattices) == len(patterns)` must hold, but got {len(each)} and {len(patterns)}")
    turns = [rotation] * len(each) if isinstance(rotation, (int, float)) else list(rotation)
    if len(turns) != len(patterns):
        raise ValueError(f"`len(rotation) == len(patterns)` must hold, but got {len(turns)} and {len(patterns)}")
    if not each:
        return []
    scale = picture_scale(each, size, cells)

    def draw(index: int) -> Picture:
        return render(
            patterns[index], each[index], size=size, scale=scale, rotation=turns[index], centre=centre, kernel=kernel
        )

    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(draw, range(len(each))))


def picture_scale(lattices: Sequence[Lattice], size: int, cells: float) -> float:
    """Pixels per unit length with about `cells` cells across, for the lattices' mean (geometric) cell.

    Raises: ValueError: cells not positive.
    """
    if not cells > 0:
        raise ValueError(f"`cells > 0` must hold, but got {cells}")
    mean_log_area = sum(math.log(lattice.area) for lattice in lattices) / len(lattices)
    return size / (cells * math.exp(mean_log_area / 2))


def unit_pixels(pattern: NDArray[np.generic]) -> Floats:
    """(n, n, 3) float in [0, 1] from any of the forms that `render` takes; float32 unless given as float64.

    Raises: ValueError: a shape, dtype or range other than these.
    """
    array = np.asarray(pattern)
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        array = np.moveaxis(array, 0, -1)
    if checked_side(array) and array.shape[2] != 3:
        raise ValueError(f"a pattern must be (n, n, 3) or (3, n, n), but got {np.shape(pattern)}")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"a pattern must be uint8 or float, but got {array.dtype}; convert it")
    low, high = float(array.min()), float(array.max())
    if not (low >= -VALUE_TOLERANCE and high <= 1 + VALUE_TOLERANCE):
        raise ValueError(f"a float pattern must be in [0, 1], but got {low:.4g}..{high:.4g}; divide 0-255 by 255")
    return np.ascontiguousarray(array, dtype=np.float64 if array.dtype == np.float64 else np.float32)


def _fit_resolution(pixels: Floats, lattice: Lattice, scale: float, kernel: Kernel) -> Floats:
    """Blur where the picture shrinks the samples, refine where it enlarges them.

    A linear kernel of pitch p has variance p^2 / 6. A Gaussian adds what is missing to 1/6 of a square
    pixel, so shrinking by any factor, 1 included, ends at the same softness.
    """
    pitch = sample_axes(lattice).pitch / pixels.shape[0] * scale
    if pitch < 1:
        return blur(pixels, lattice, math.sqrt((1 - pitch**2) / 6) / scale)
    if kernel == "linear":
        return pixels
    if kernel == "cubic":
        return refine(pixels, lattice, min(MOST_REFINEMENT, math.ceil(pitch)))
    raise ValueError(f"`kernel` must be 'cubic' or 'linear', but got {kernel!r}")


def _paint(pixels: Floats, lattice: Lattice, placement: Placement, size: int) -> Picture:
    """(size, size, 3) the samples (n, n, 3) in [0, 1] seen at the pixels' centres, a band of rows at a time.

    Grid coordinates are the sum of a row's and a column's share; both are taken modulo the period first, so the sum
    needs at most one period less.
    """
    ready = interpolator(np.clip(pixels, 0, 1) * pixels.dtype.type(255), lattice)
    to_grid = ready.to_grid @ np.linalg.inv(placement.basis)
    start = -to_grid @ placement.origin
    steps = np.multiply.outer(to_grid, np.arange(size))
    columns = np.mod(steps[:, 0], ready.side)
    rows = np.mod(steps[:, 1] + start[:, None], ready.side)
    picture = np.empty((size, size, 3), np.uint8)
    band = max(1, BAND // size)
    for top in range(0, size, band):
        u, v = rows[:, top : top + band, None] + columns[:, None]
        u -= ready.side * (u >= ready.side)
        v -= ready.side * (v >= ready.side)
        for channel, values in enumerate(ready.at(u, v)):
            picture[top : top + band, :, channel] = np.rint(values, out=values)
    return picture
