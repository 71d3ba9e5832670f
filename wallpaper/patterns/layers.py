"""Layers of a design: each turns its few numbers into symmetric fields at any resolution.

A layer's fields come one value an orbit, so whatever is computed from them pointwise has the symmetry exactly. Layers
know a frame (lattice, group, side) only when they are drawn; colours come later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from wallpaper.patterns.frame import Frame
from wallpaper.patterns.motifs import Field, Motif

FAR = 0.22
"""Distance beyond which a motif's field is not drawn, in units of sqrt(cell area): more than levels ever reach."""

LEAST_SLOPE = 0.4
"""Where a wave is flatter than this part of its mean slope, ribbons along it widen instead of following its rim."""

REACH = 1.9
"""Distance within which Voronoi points are looked for at first, in mean spacings; the second nearest is closer."""


class Layer(Protocol):
    """A part of a design that can be drawn on any frame of its group and lattice."""

    def fields(self, frame: Frame, depth: float = FAR) -> Field:
        """(c, M) symmetric fields, one value an orbit of the frame; below -`depth` any lower value will do."""
        ...


@dataclass(frozen=True, slots=True)
class MotifLayer:
    """Motifs joined by the highest value: fields are body and detail, about signed distances."""

    motifs: tuple[Motif, ...]

    def fields(self, frame: Frame, depth: float = FAR) -> Field:
        """(2, M) body and detail."""
        canvas = np.full((2, frame.side, frame.side), -depth, dtype=np.float32)
        for motif in self.motifs:
            for (rows, columns), values in frame.blocks(motif.centre, motif.reach() + depth, motif.evaluate):
                part = canvas[:, rows, columns]
                np.maximum(part, values, out=part)
        return frame.combine(canvas, "max")


@dataclass(frozen=True, slots=True)
class BlobLayer:
    """Gaussian bumps added up: fields are the sum of bodies and the sum of details."""

    motifs: tuple[Motif, ...]

    def fields(self, frame: Frame, depth: float = FAR) -> Field:
        """(2, M) sums."""
        canvas = np.zeros((2, frame.side, frame.side), dtype=np.float32)
        for motif in self.motifs:
            for (rows, columns), values in frame.blocks(motif.centre, motif.reach(), motif.evaluate):
                canvas[:, rows, columns] += values
        return frame.combine(canvas, "sum")


@dataclass(frozen=True, slots=True)
class WaveLayer:
    """Lattice waves whose phase other waves bend: fields are their sum, its opposite and ribbons along 0.

    f(x) = sum_m c_m cos(2 pi (k_m x + p_m) + b_m sin(2 pi (l_m x + q_m))); sums of lattice waves over a group's orbit
    are how Farris makes wallpaper (*Creating Symmetry*, 2015, chapter 10), the bend is ours.
    """

    waves: tuple[tuple[int, int, float, float], ...]
    """(k1, k2, phase p in turns, amplitude c)."""
    bends: tuple[tuple[int, int, float, float], ...]
    """(l1, l2, phase q in turns, strength b in radians), one for each wave."""

    def fields(self, frame: Frame, depth: float = FAR) -> Field:
        """(3, M) the sum, its negative, and minus the distance to where it is 0, to first order."""
        x, y = frame.fractions()
        canvas = np.zeros((frame.side, frame.side), dtype=np.float32)
        turn = np.float32(2 * math.pi)
        for (k1, k2, p, c), (l1, l2, q, b) in zip(self.waves, self.bends, strict=True):
            bend = np.float32(b) * np.sin(turn * (l1 * x + l2 * y + np.float32(q)))
            canvas += np.float32(c) * np.cos(turn * (k1 * x + k2 * y + np.float32(p)) + bend)
        total = frame.combine(canvas, "sum")
        slope = frame.slope(total)
        distance = np.abs(total) / np.maximum(slope, LEAST_SLOPE * float(slope.mean()))
        return np.stack([total, -total, -distance])


@dataclass(frozen=True, slots=True)
class VoronoiLayer:
    """Cells around two families of points, each family already whole orbits: fields are seams, family and depth.

    The second family's distances are lessened by `head_start` (an Apollonius diagram), so that the two can share the
    area in any proportion.
    """

    first: tuple[tuple[float, float], ...]
    second: tuple[tuple[float, float], ...]
    head_start: float = 0.0
    reach: tuple[float, float] | None = None
    """Distance from each family's points beyond which they need not be looked for; `REACH` spacings if None."""

    def with_reach(self, frame: Frame) -> VoronoiLayer:
        """The same layer, knowing how far its points are seen: found on a coarse frame, it saves time on a fine one."""
        far = [float(self.nearest_two(frame, points, None).max()) for points in (self.first, self.second)]
        slack = 2 / frame.side
        return replace(self, reach=(far[0] + slack, far[1] + slack))

    def fields(self, frame: Frame, depth: float = FAR) -> Field:
        """(3, M): minus the distance to the nearest seam; how much nearer the second family is; nearness to a point."""
        reach = self.reach or (None, None)
        first = self.nearest_two(frame, self.first, reach[0])
        second = self.nearest_two(frame, self.second, reach[1])
        closest = np.minimum(first[0], second[0])  # without head start: dots around points are alike in both families
        second = second - np.float32(self.head_start)
        nearest, runner_up = np.minimum(first[0], second[0]), np.maximum(first[0], second[0])
        runner_up = np.minimum(runner_up, np.minimum(first[1], second[1]))
        return np.stack([(nearest - runner_up) / 2, first[0] - second[0], -closest])

    def nearest_two(self, frame: Frame, points: tuple[tuple[float, float], ...], reach: float | None) -> Field:
        """(2, M) distances to the nearest and second nearest of some points, images included, `reach` at most."""
        reach = REACH / math.sqrt(len(points)) if reach is None else reach
        found = np.full((2, frame.side, frame.side), reach * reach, dtype=np.float32)
        for point in points:
            for (rows, columns), values in frame.blocks(point, reach, _squared_distance):
                nearest, second = found[:, rows, columns]
                np.minimum(second, np.maximum(nearest, values[0]), out=second)
                np.minimum(nearest, values[0], out=nearest)
        return np.sqrt(found.reshape(2, -1).take(frame.table.first, axis=-1))


def _squared_distance(x: Field, y: Field) -> Field:
    return (x * x + y * y)[None]
