"""Layers of a design: each turns its few numbers into symmetric fields at any resolution.

A layer's fields come one value an orbit, so whatever is computed from them pointwise has the symmetry exactly. Layers
know a frame (lattice, group, side) only when they are drawn; colours come later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from wallpaper.patterns.frame import Frame
from wallpaper.patterns.motifs import Field, Motif

FAR = 0.22
"""Distance beyond which a motif's field is not drawn, in units of sqrt(cell area): more than levels ever reach."""

REACH = 1.9
"""Distance within which Voronoi points are looked for, in mean spacings: further ones are never second nearest."""


class Layer(Protocol):
    """A part of a design that can be drawn on any frame of its group and lattice."""

    def fields(self, frame: Frame) -> Field:
        """(c, M) symmetric fields, one value an orbit of the frame."""
        ...


@dataclass(frozen=True, slots=True)
class MotifLayer:
    """Motifs joined by the highest value: fields are body and detail, about signed distances."""

    motifs: tuple[Motif, ...]

    def fields(self, frame: Frame) -> Field:
        """(2, M) body and detail."""
        canvas = np.full((2, frame.side, frame.side), -FAR, dtype=np.float32)
        for motif in self.motifs:
            for (rows, columns), values in frame.blocks(motif.centre, motif.reach() + FAR, motif.evaluate):
                part = canvas[:, rows, columns]
                np.maximum(part, values, out=part)
        return frame.combine(canvas, "max")


@dataclass(frozen=True, slots=True)
class BlobLayer:
    """Gaussian bumps added up: fields are the sum of bodies and the sum of details."""

    motifs: tuple[Motif, ...]

    def fields(self, frame: Frame) -> Field:
        """(2, M) sums."""
        canvas = np.zeros((2, frame.side, frame.side), dtype=np.float32)
        for motif in self.motifs:
            for (rows, columns), values in frame.blocks(motif.centre, motif.reach(), motif.evaluate):
                canvas[:, rows, columns] += values
        return frame.combine(canvas, "sum")


@dataclass(frozen=True, slots=True)
class WaveLayer:
    """Lattice waves whose phase other waves bend: fields are their sum and its opposite.

    f(x) = sum_m c_m cos(2 pi (k_m x + p_m) + b_m sin(2 pi (l_m x + q_m))); sums of lattice waves over a group's orbit
    are how Farris makes wallpaper (*Creating Symmetry*, 2015, chapter 10), the bend is ours.
    """

    waves: tuple[tuple[int, int, float, float], ...]
    """(k1, k2, phase p in turns, amplitude c)."""
    bends: tuple[tuple[int, int, float, float], ...]
    """(l1, l2, phase q in turns, strength b in radians), one for each wave."""

    def fields(self, frame: Frame) -> Field:
        """(2, M) the sum and its negative."""
        x, y = frame.fractions()
        canvas = np.zeros((frame.side, frame.side), dtype=np.float32)
        turn = np.float32(2 * math.pi)
        for (k1, k2, p, c), (l1, l2, q, b) in zip(self.waves, self.bends, strict=True):
            bend = np.float32(b) * np.sin(turn * (l1 * x + l2 * y + np.float32(q)))
            canvas += np.float32(c) * np.cos(turn * (k1 * x + k2 * y + np.float32(p)) + bend)
        total = frame.combine(canvas, "sum")
        return np.stack([total, -total])


@dataclass(frozen=True, slots=True)
class VoronoiLayer:
    """Cells around two families of points, each family already whole orbits: fields are seams, family and depth.

    The second family's distances are lessened by `head_start` (an Apollonius diagram), so that the two can share the
    area in any proportion.
    """

    first: tuple[tuple[float, float], ...]
    second: tuple[tuple[float, float], ...]
    head_start: float = 0.0

    def fields(self, frame: Frame) -> Field:
        """(3, M): minus the distance to the nearest seam; how much nearer the second family is; nearness to a point."""
        first, second = self.nearest_two(frame, self.first), self.nearest_two(frame, self.second)
        second = second - np.float32(self.head_start)
        nearest, runner_up = np.minimum(first[0], second[0]), np.maximum(first[0], second[0])
        runner_up = np.minimum(runner_up, np.minimum(first[1], second[1]))
        return np.stack([(nearest - runner_up) / 2, first[0] - second[0], -nearest])

    def nearest_two(self, frame: Frame, points: tuple[tuple[float, float], ...]) -> Field:
        """(2, M) distances to the nearest and second nearest of some points, images included."""
        reach = REACH / math.sqrt(len(points))
        found = np.full((2, frame.side, frame.side), reach, dtype=np.float32)
        for point in points:
            for (rows, columns), values in frame.blocks(point, reach, _distance):
                part = found[:, rows, columns]
                part[1] = np.minimum(part[1], np.maximum(part[0], values[0]))
                part[0] = np.minimum(part[0], values[0])
        return found.reshape(2, -1)[:, frame.table.first]


def _distance(x: Field, y: Field) -> Field:
    return np.sqrt(x * x + y * y)[None]
