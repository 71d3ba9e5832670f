"""Where a lattice lies in a picture: its basis and origin in pixels.

Pixels count x to the right and y downwards, pixel centres at whole numbers; what is drawn on a picture needs no more
than this, whether the picture was rendered here or analysed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import Lattice


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """A cell in a picture: fractional coordinates x lie at pixel `basis` x + `origin`."""

    basis: NDArray[np.float64]
    """(2, 2) columns a and b, each (x, y) in pixels."""
    origin: NDArray[np.float64]
    """(2,) pixel (x, y) of the fractional origin."""

    def __post_init__(self) -> None:
        shapes = (np.shape(self.basis), np.shape(self.origin))
        finite = shapes == ((2, 2), (2,)) and np.isfinite(self.basis).all() and np.isfinite(self.origin).all()
        if not finite or abs(np.linalg.det(self.basis)) == 0:
            raise ValueError(
                f"`basis` (2, 2) and `origin` (2,) must be finite and span a cell, but got {self.basis}, {self.origin}"
            )

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) pixel (x, y) of fractional coordinates (..., 2)."""
        placed: NDArray[np.float64] = points @ self.basis.T + self.origin
        return placed

    def fractional(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) fractional coordinates of pixels (x, y) (..., 2), the inverse of `pixels`."""
        points: NDArray[np.float64] = (pixels - self.origin) @ np.linalg.inv(self.basis).T
        return points


def place(
    lattice: Lattice, size: int, scale: float, rotation: float = 0.0, centre: tuple[float, float] = (0.0, 0.0)
) -> Placement:
    """Where `render` puts the lattice in a square picture of `size` pixels.

    Args:
        scale: pixels per unit of the lattice's lengths.
        rotation: degrees counter-clockwise as seen; at 0, a lies along x and b above it.
        centre: fractional coordinates of the picture's centre.
    """
    angle = math.radians(rotation)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [-math.sin(angle), -math.cos(angle)]])  # y downwards
    basis = scale * turn @ lattice.basis
    return Placement(basis, (size - 1) / 2 - basis @ np.array(centre, dtype=np.float64))
