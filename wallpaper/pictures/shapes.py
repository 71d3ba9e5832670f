"""Filled polygons laid over a picture with smooth edges, a tile at a time so that no size of picture needs much memory.

Knows nothing of lattices; lines are polygons too, so every edge may lie between pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from wallpaper.pictures.render import Picture

Corners = NDArray[np.float64]

SAMPLES = 4
"""Sub-pixels along each side of a pixel: 17 shades of an edge."""

TILE = 512
"""Pixels along each side of a tile."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A filled polygon."""

    corners: Corners
    """(k, 2) pixels (x, y), pixel centres at whole numbers."""
    colour: tuple[int, int, int, int]
    """Red, green, blue and opacity, 0-255."""


def segment(start: Corners, end: Corners, width: float, colour: tuple[int, int, int, int]) -> Polygon:
    """A straight stroke from `start` to `end`, (2,) each, `width` pixels wide with flat ends.

    Sub-pixels on a polygon's border belong to it, half of one too many on each side; the stroke is so much thinner.
    """
    along = end - start
    length = float(np.hypot(*along)) or 1.0
    side = np.array([-along[1], along[0]]) / length * (width - 1 / SAMPLES) / 2
    return Polygon(np.stack([start + side, end + side, end - side, start - side]), colour)


def lay_over(picture: Picture, polygons: Sequence[Polygon]) -> Picture:
    """The picture with the polygons on it, the first lowest; opacity counts once where polygons overlap.

    Args: picture: (h, w, 3) uint8.
    Returns: a new (h, w, 3) uint8.
    """
    result = picture.copy()
    if not polygons:
        return result
    lows = np.array([polygon.corners.min(axis=0) for polygon in polygons])
    highs = np.array([polygon.corners.max(axis=0) for polygon in polygons])
    height, width = picture.shape[:2]
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            window = result[top : top + TILE, left : left + TILE]
            first, last = np.array([left, top]) - 1, np.array([left + TILE, top + TILE])
            near = np.flatnonzero(((highs >= first) & (lows <= last)).all(axis=1)).tolist()
            if near:
                window[:] = _blended(window, [polygons[index] for index in near], np.array([left, top]))
    return result


def _blended(window: Picture, polygons: Sequence[Polygon], corner: NDArray[np.int64]) -> Picture:
    height, width = window.shape[:2]
    layer = Image.new("RGBA", (width * SAMPLES, height * SAMPLES))
    draw = ImageDraw.Draw(layer)
    for polygon in polygons:
        # sub-pixel k of pixel p is centred at p + (k + 1/2) / SAMPLES - 1/2; Pillow would cut fractions off
        corners = np.floor((polygon.corners - corner + 0.5) * SAMPLES).astype(int)
        draw.polygon([(x, y) for x, y in corners.tolist()], fill=polygon.colour)
    base = Image.fromarray(window).convert("RGBA")
    base.alpha_composite(layer.reduce(SAMPLES))
    return np.asarray(base.convert("RGB"))
