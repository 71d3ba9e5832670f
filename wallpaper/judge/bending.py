r"""Small distortions of a picture (a camera held at an angle, curved paper) found from its own repetition.

The displacement d(q) = L q + (quadratic terms) that brings each pixel's place q to where the mean cell expects it, by
least squares on I(q) + grad I(q) d(q) = mean (Lucas & Kanade, *IJCAI* 1981, for all cells at once). Knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Planes = NDArray[np.float32]

SOFTENING = 1.5
"""Standard deviation, in pixels, of the blur before gradients: steps as long as this are still found."""

LONGEST_STEP = 0.03
"""Displacement, as a share of the picture's longer side, that one step may reach."""


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """A displacement field, quadratic in the place."""

    terms: Floats
    """(2, 6) coefficients of 1, x, y, x^2, x y, y^2 with x and y from -1 to 1 along the longer side, in pixels."""
    middle: Floats
    """(2,) the picture's centre."""
    scale: float
    """Half the longer side, in pixels."""

    def at(self, places: Floats) -> Floats:
        """(P, 2) displacements in pixels."""
        return _monomials((places - self.middle) / self.scale) @ self.terms.T

    @property
    def linear(self) -> Floats:
        """(2, 2) the part L about the centre."""
        return self.terms[:, 1:3] / self.scale

    @property
    def largest(self) -> float:
        """Largest displacement at the picture's corners and the middles of its sides, in pixels."""
        steps = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)], dtype=np.float64)
        return float(np.abs(_monomials(steps) @ self.terms.T).max())


def find_bend(picture: Planes, places: Floats, differences: Planes, weights: Planes) -> Bend:
    """How the places of samples should move.

    Args:
        picture: (H, W, C). places: (P, 2) pixels (x, y). weights: (P,).
        differences: (P, C) seen minus expected values at the places.
    """
    height, width = picture.shape[:2]
    middle, scale = np.array([width - 1, height - 1]) / 2, max(height, width) / 2
    monomials = _monomials((places - middle) / scale)
    slopes = _slopes(picture, places)
    normal, right = np.zeros((12, 12)), np.zeros(12)
    for channel in range(picture.shape[2]):
        rows = np.concatenate([slopes[:, channel, axis, None] * monomials for axis in (0, 1)], axis=1)
        weighted = rows * weights[:, None]
        normal += rows.T @ weighted
        right -= weighted.T @ differences[:, channel]
    terms = np.linalg.solve(normal + 1e-6 * np.trace(normal) / 12 * np.eye(12), right).reshape(2, 6)
    bend = Bend(terms, middle, scale)
    return replace(bend, terms=terms * min(1.0, 2 * LONGEST_STEP * scale / max(bend.largest, 1e-9)))


def _monomials(points: Floats) -> Floats:
    x, y = points.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _slopes(picture: Planes, places: Floats) -> Planes:
    """(P, C, 2) gradient (along x, along y) of the softened picture at the places."""
    at = places[:, ::-1].T
    slopes = []
    for order in ((0, 1), (1, 0)):
        planes = [ndimage.gaussian_filter(picture[..., k], SOFTENING, order=order) for k in range(picture.shape[2])]
        slopes.append([ndimage.map_coordinates(plane, at, order=1, mode="nearest") for plane in planes])
    return np.asarray(np.moveaxis(np.array(slopes), -1, 0).swapaxes(1, 2), dtype=np.float32)
