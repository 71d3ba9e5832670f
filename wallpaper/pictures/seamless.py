"""A rectangle that repeats without a seam, cut from the pattern of any lattice.

Its sides are lattice vectors, so it is exact on rectangular, square and hexagonal lattices; on an oblique one the
pattern is sheared by a fraction of a degree, which is stated. Pixels stand at exact fractions of the sides, so the
right edge continues at the left one, and the lower at the upper, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.pictures.kernel import Floats, blur, interpolator, refine, sample_axes
from wallpaper.pictures.render import MOST_REFINEMENT, Picture, unit_pixels
from wallpaper.plane import Lattice
from wallpaper.plane.operation import Matrix, Shift

MOST_SHEAR = 0.5
"""Degrees by which an oblique lattice may be sheared to fit a rectangle: too little to be seen."""

MOST_CELLS = 24
"""Cells in a rectangle before the search ends."""

EXACT = 1e-4
"""Degrees of shear that are rounding: lattices may have been stored as float32."""

USUAL_CELL = 512
"""Pixels along a square as large as one cell, about, if no width is asked for."""

ROOM = 0.1
"""How far, relatively, the width may be from the usual one for the sake of a truer aspect."""

TRUE_ENOUGH = 1e-5
"""Aspect errors up to this are as good as none: a tenth of a pixel in 10 000."""

BAND = 2**20
"""Pixels drawn at a time, so that memory does not grow with the tile."""

_DIRECTIONS = tuple((p, q) for p in range(3) for q in range(-2, 3) if math.gcd(p, q) == 1 and (p, q) >= (0, 1))
"""Lattice vectors tried as the lower side, one of each pair of opposites."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangular period of a lattice."""

    vectors: Matrix
    """Columns u and v, integer coordinates in the lattice's basis: u is the lower side, v the left one."""
    width: float
    """Length of u, in the lattice's unit."""
    height: float
    """Area over width: the length of v once the shear is applied."""
    shear: float
    """Degrees by which u and v miss a right angle; 0 unless the lattice is oblique."""

    @property
    def cells(self) -> int:
        """Unit cells in it."""
        (a, b), (c, d) = self.vectors
        return a * d - b * c


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A picture whose opposite edges continue each other, and how true it is."""

    picture: Picture
    """(H, W, 3) uint8; the pattern's origin is the first pixel."""
    rectangle: Rectangle
    aspect_error: float
    """How far square pixels are from the truth: (H / W) / (height / width) - 1, from rounding to whole pixels."""


def rectangle(lattice: Lattice) -> Rectangle:
    """The rectangular period with the fewest cells; along a if there is a choice.

    One cell where gamma is 90 degrees, a by sqrt(3) a on a hexagonal lattice.
    Raises: ValueError: none of up to `MOST_CELLS` cells within `MOST_SHEAR` degrees.
    """
    for cells in range(1, MOST_CELLS + 1):
        found = [shape for shape in _with_cells(lattice, cells) if shape.shear <= MOST_SHEAR]
        if found:
            return min(found, key=lambda shape: (_side(shape) != (1, 0), shape.shear))
    raise ValueError(
        f"a rectangle of {MOST_CELLS} cells must fit within {MOST_SHEAR} degrees, but none does for {lattice}; "
        "use an SVG, which repeats any cell"
    )


def seamless_tile(pattern: NDArray[np.generic], lattice: Lattice, *, width: int | None = None) -> Tile:
    """The pattern's rectangular period as a picture with square pixels.

    Args:
        pattern: one cell, as `render` takes it.
        width: pixels W; H follows from the rectangle. None takes one with a true aspect near `USUAL_CELL` a cell.
    Raises: ValueError: no rectangle, width < 1, or see `unit_pixels`.
    """
    pixels, shape = unit_pixels(pattern), rectangle(lattice)
    if width is not None and width < 1:
        raise ValueError(f"`width >= 1` must hold, but got {width}")
    across = width or _usual_width(shape, lattice)
    down = _rows(shape, across)
    picture = _draw(_fitted(pixels, lattice, across / shape.width), lattice, shape.vectors, across, down)
    return Tile(picture, shape, _aspect_error(shape, across))


def _with_cells(lattice: Lattice, cells: int) -> Iterator[Rectangle]:
    """For each direction of u, the rectangle of so many cells with the least shear.

    All v with det(u, v) = cells are cells * w + k u, where det(u, w) = 1; the best k makes v most upright.
    """
    for u in _DIRECTIONS:
        w = _complement(u)
        along, upright = (lattice.basis @ np.array(vector) for vector in (u, (cells * w[0], cells * w[1])))
        squared = float(along @ along)
        k = -round(float(along @ upright) / squared)
        v = (cells * w[0] + k * u[0], cells * w[1] + k * u[1])
        height = cells * lattice.area / math.sqrt(squared)
        lean = float(along @ (lattice.basis @ np.array(v))) / math.sqrt(squared)
        shear = math.degrees(math.atan2(abs(lean), height))
        yield Rectangle(((u[0], v[0]), (u[1], v[1])), math.sqrt(squared), height, 0.0 if shear < EXACT else shear)


def _complement(u: Shift) -> Shift:
    """A vector w with det(u, w) = u0 w1 - u1 w0 = 1."""
    return next((x, y) for x in range(-2, 3) for y in range(-2, 3) if u[0] * y - u[1] * x == 1)


def _side(shape: Rectangle) -> Shift:
    return (shape.vectors[0][0], shape.vectors[1][0])


def _usual_width(shape: Rectangle, lattice: Lattice) -> int:
    """The truest width within `ROOM` of the usual one; the nearest of those that are true enough."""
    usual = round(USUAL_CELL * shape.width / math.sqrt(lattice.area))
    widths = range(math.ceil(usual * (1 - ROOM)), math.floor(usual * (1 + ROOM)) + 1)
    return min(widths, key=lambda width: (max(abs(_aspect_error(shape, width)), TRUE_ENOUGH), abs(width - usual)))


def _rows(shape: Rectangle, width: int) -> int:
    return max(1, round(width * shape.height / shape.width))


def _aspect_error(shape: Rectangle, width: int) -> float:
    return _rows(shape, width) / (width * shape.height / shape.width) - 1


def _fitted(pixels: Floats, lattice: Lattice, scale: float) -> Floats:
    """Blurred where the picture shrinks the samples, refined where it enlarges them, as `render` does."""
    pitch = sample_axes(lattice).pitch / pixels.shape[0] * scale
    if pitch < 1:
        return blur(pixels, lattice, math.sqrt((1 - pitch**2) / 6) / scale)
    return refine(pixels, lattice, min(MOST_REFINEMENT, math.ceil(pitch)))


def _draw(pixels: Floats, lattice: Lattice, vectors: Matrix, width: int, height: int) -> Picture:
    """(height, width, 3) uint8: row r and column c stand at u c / width - v r / height.

    Places are whole numbers over width * height, taken modulo the period before anything is rounded.
    """
    ready = interpolator(np.clip(pixels, 0, 1) * pixels.dtype.type(255), lattice)
    steps = np.rint(ready.to_grid / ready.side @ np.array(vectors)).astype(np.int64)
    columns = np.arange(width, dtype=np.int64)[None, :] * height
    picture = np.empty((height, width, 3), np.uint8)
    band = max(1, BAND // width)
    for top in range(0, height, band):
        rows = -np.arange(top, min(top + band, height), dtype=np.int64)[:, None] * width
        u, v = (np.mod(p * columns + q * rows, width * height) * (ready.side / (width * height)) for p, q in steps)
        for channel, values in enumerate(ready.at(u, v)):
            picture[top : top + band, :, channel] = np.rint(values)
    return picture
