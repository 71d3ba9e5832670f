"""From a design to pixels: thresholds once, then colours through pointwise functions of symmetric fields.

A pointwise function keeps every symmetry, and the bytes are computed once an orbit and copied: the residual of every
operation is exactly 0. Edges are anti-aliased over about a pixel and a half of true distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wallpaper.patterns.design import Design
from wallpaper.patterns.frame import Frame
from wallpaper.patterns.motifs import Field
from wallpaper.patterns.palettes import Palette

EDGE = 1.5
"""Width of an anti-aliased edge in samples."""

_LEAST_SLOPE = 0.25
"""Slopes count as at least this part of the field's mean slope, so that flat tops do not blur."""

_PLATEAU = 0.03
"""Part of a field's range above its lowest value within which no edge lies."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a level's colour fades in."""

    low: float
    high: float
    """The field's values between which it does; equal for a crisp edge."""
    slope: float
    """Least slope that an edge counts with, so that flat tops do not blur."""


def find_thresholds(design: Design, fields: Sequence[Field], frame: Frame) -> tuple[Threshold, ...]:
    """For each level the values of its field that give it its share of the cell."""
    ranked: dict[tuple[int, int], tuple[Field, float]] = {}
    found = []
    for level in design.levels:
        key = (level.layer, level.field)
        if key not in ranked:
            values = fields[level.layer][level.field]
            ranked[key] = (
                np.sort(values.take(frame.table.orbit)),
                _LEAST_SLOPE * float(frame.slope(values).mean()) + 1e-6,
            )
        values, slope = ranked[key]
        # A plateau (beyond what a layer draws) is never half covered: the edge stays above it.
        least = float(values[0]) + _PLATEAU * float(values[-1] - values[0])
        shares = (1 - level.share - level.blend / 2, 1 - level.share + level.blend / 2)
        low, high = (values[round(min(max(share, 0.005), 0.995) * (len(values) - 1))] for share in shares)
        found.append(Threshold(max(float(low), least), max(float(high), least), slope))
    return tuple(found)


def depths(design: Design, thresholds: Sequence[Threshold], side: int) -> list[float]:
    """For each layer how far below 0 its fields matter at a side: its lowest threshold and an edge's width."""
    lowest = [0.0] * len(design.layers)
    for level, threshold in zip(design.levels, thresholds, strict=True):
        lowest[level.layer] = min(lowest[level.layer], threshold.low)
    return [2 * EDGE / side - low for low in lowest]


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
        if threshold.low >= threshold.high and key not in slopes:
            slopes[key] = frame.slope(values)
        cover = _cover(values, threshold, slopes.get(key), frame.side)
        colours += cover * (palette.role(level.role)[:, None] - colours)
    pixels = np.clip(colours * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(frame.spread(np.ascontiguousarray(pixels.T)), dtype=np.uint8)


def _cover(values: Field, threshold: Threshold, slope: Field | None, side: int) -> Field:
    """(M,) opacity in [0, 1]: a smooth step up where the field passes the threshold."""
    t = values - np.float32(threshold.low)
    if slope is None or threshold.high > threshold.low:
        t /= np.float32(max(threshold.high - threshold.low, 1e-6))
    else:
        t /= np.maximum(slope, np.float32(threshold.slope)) * np.float32(EDGE / side)
        t += np.float32(0.5)
    np.clip(t, 0, 1, out=t)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
