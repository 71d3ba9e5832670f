r"""Small distortions of a picture (a camera held at an angle, curved paper) found from its own repetition.

The displacement d(q) = L q + (quadratic terms) that brings each pixel's place q to where the mean cell expects it, by
least squares on I(q) + grad I(q) d(q) = mean (Lucas & Kanade, *IJCAI* 1981, for all cells at once). Knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from wallpaper.judge.reading import contrasts

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
    clearest = int(np.argmax(contrasts(picture)))
    slopes = _slopes(picture[..., clearest], places)
    rows = np.concatenate([slopes[:, axis, None] * monomials for axis in (0, 1)], axis=1)
    weighted = rows * weights[:, None]
    normal, right = rows.T @ weighted, -weighted.T @ differences[:, clearest]
    terms = np.linalg.solve(normal + 1e-6 * np.trace(normal) / 12 * np.eye(12), right).reshape(2, 6)
    bend = Bend(terms, middle, scale)
    return replace(bend, terms=terms * min(1.0, 2 * LONGEST_STEP * scale / max(bend.largest, 1e-9)))


def _monomials(points: Floats) -> Floats:
    x, y = points.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _slopes(plane: Planes, places: Floats) -> Floats:
    """(P, 2) gradient (along x, along y) of one softened channel (H, W) at the places."""
    at = places[:, ::-1].T
    fields = [ndimage.gaussian_filter(plane, SOFTENING, order=order) for order in ((0, 1), (1, 0))]
    slopes = [ndimage.map_coordinates(each, at, order=1, mode="nearest", output=np.float64) for each in fields]
    return np.stack(slopes, axis=1)
