"""From a design to pixels: thresholds once, then colours through pointwise functions of symmetric fields.

A pointwise function keeps every symmetry, and the bytes are computed once an orbit and copied: the residual of every
operation is exactly 0. Edges are anti-aliased over about a pixel and a half of true distance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wallpaper.patterns.designs import Design
from wallpaper.patterns.frame import Frame
from wallpaper.patterns.motifs import Field
from wallpaper.patterns.palettes import Palette

EDGE = 1.5
"""Width of an anti-aliased edge in samples."""

_LEAST_SLOPE = 0.25
"""Slopes count as at least this part of the field's mean slope, so that flat tops do not blur."""

Threshold = tuple[float, float]


def find_thresholds(design: Design, fields: Sequence[Field], frame: Frame) -> tuple[Threshold, ...]:
    """For each level the values of its field between which the colour fades in (equal for a crisp edge)."""
    found = []
    for level in design.levels:
        values = fields[level.layer][level.field][frame.table.orbit]
        shares = np.clip([1 - level.share - level.blend / 2, 1 - level.share + level.blend / 2], 0.005, 0.995)
        low, high = np.quantile(values, shares)
        found.append((float(low), float(high)))
    return tuple(found)


def paint(
    design: Design, fields: Sequence[Field], thresholds: Sequence[Threshold], palette: Palette, frame: Frame
) -> NDArray[np.uint8]:
    """(side, side, 3) the design in a palette's colours.

    Args:
        fields: for each layer its (c, M) fields on `frame`.
        thresholds: from `find_thresholds`, on a frame of any side.
    """
    colours = np.empty((3, len(frame.table.first)), dtype=np.float32)
    colours[:] = palette.role(design.base)[:, None]
    slopes: dict[tuple[int, int], Field] = {}
    for level, threshold in zip(design.levels, thresholds, strict=True):
        values = fields[level.layer][level.field]
        key = (level.layer, level.field)
        if threshold[0] >= threshold[1] and key not in slopes:
            slopes[key] = _edge_width(values, frame)
        cover = _cover(values, threshold, slopes.get(key))
        colours += cover * (palette.role(level.role)[:, None] - colours)
    pixels = np.clip(colours * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(frame.spread(np.ascontiguousarray(pixels.T)), dtype=np.uint8)


def _edge_width(values: Field, frame: Frame) -> Field:
    """(M,) how much the field changes over an edge's width."""
    slope = frame.slope(values)
    least = _LEAST_SLOPE * float(slope.mean()) + 1e-6
    return np.asarray(np.maximum(slope, least) * (EDGE / frame.side), dtype=np.float32)


def _cover(values: Field, threshold: Threshold, width: Field | None) -> Field:
    """(M,) opacity in [0, 1]: a smooth step up where the field passes the threshold."""
    low, high = threshold
    if width is None or high > low:
        t = (values - np.float32(low)) / np.float32(max(high - low, 1e-6))
    else:
        t = (values - np.float32(low)) / width + np.float32(0.5)
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
