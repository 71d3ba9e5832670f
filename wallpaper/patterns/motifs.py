"""Shapes of single motifs: each a field over a motif's own coordinates, positive inside, about a distance.

A shape function takes u, v (any equal shapes; the motif's half-length is 1, its axis lies along u) and the motif's
numbers, and returns two fields stacked first: the body, and a detail inside it. Shapes know neither lattice nor group.
Distance formulas follow Quilez, *2D distance functions*; petals and scrolls are approximations with slope about 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Shape = Callable[[Field, Field, tuple[float, ...]], Field]


@dataclass(frozen=True, slots=True)
class Motif:
    """One motif on the torus: where, how turned, how large, and the numbers of its shape."""

    shape: str
    centre: tuple[float, float]
    """Fractional coordinates."""
    angle: float
    """Direction of the axis, radians from a, in the plane with true angles."""
    size: float
    """Half-length, in units of the square root of the cell's area."""
    numbers: tuple[float, ...]

    def reach(self) -> float:
        """Radius beyond which the body is negative (for "gaussian": negligible), same unit as `size`."""
        return self.size * _REACH[self.shape]

    def evaluate(self, x: Field, y: Field) -> Field:
        """(2, ...) body and detail at Cartesian displacements x, y from the centre, in the unit of `size`."""
        cosine, sine = math.cos(self.angle) / self.size, math.sin(self.angle) / self.size
        fields = SHAPES[self.shape](x * cosine + y * sine, y * cosine - x * sine, self.numbers)
        return fields if self.shape == "gaussian" else fields * np.float32(self.size)


def gaussian(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A round or oval bump of height 1; the detail is a smaller one beside its middle. numbers: width, side."""
    width, side = numbers
    body = np.exp(-4.5 * (u * u + (v / width) ** 2))
    detail = np.exp(-16.0 * ((u - side) ** 2 + (v / width - 0.5 * side) ** 2))
    return np.stack([body, detail])


def polygon(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A star or convex polygon, stretched and sheared. numbers: points, notch radius, width, shear, detail 0-2."""
    points, notch, width, shear, kind = numbers
    v = v / width - shear * u
    half = math.pi / points
    angle = np.abs(np.mod(np.arctan2(v, u) + half, 2 * half) - half)
    radius = np.hypot(u, v)
    edge_u, edge_v = notch * math.cos(half) - 1.0, notch * math.sin(half)
    length = math.hypot(edge_u, edge_v)
    body = ((1.0 - radius * np.cos(angle)) * edge_v + radius * np.sin(angle) * edge_u) / length
    body = body * (0.5 + 0.5 * width)
    if kind < 1:
        return np.stack([body, np.minimum(body - 0.08, v)])
    if kind < 2:
        return np.stack([body, np.minimum(body - 0.05, np.sin(angle - 0.4 * half) * radius)])
    return np.stack([body, 0.4 - np.hypot(u - 0.1, v)])


def petal(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A leaf or comma from base (u = -1) to tip (u = 1). numbers: width, bend, fullness of base, of tip, detail 0-2."""
    width, bend, base, tip, kind = numbers
    t = np.clip((u + 1) / 2, 0.0, 1.0)
    peak = base / (base + tip)
    half_width = t**base * (1 - t) ** tip * (width / (peak**base * (1 - peak) ** tip))
    side = v - bend * (u * u - 0.4)
    inside = half_width - np.abs(side)
    beyond = np.maximum(np.abs(u) - 1, 0)
    body = np.where(beyond > 0, -np.hypot(beyond, side), inside)
    if kind < 1:
        return np.stack([body, np.minimum(body - 0.04, side)])
    if kind < 2:
        return np.stack([body, np.minimum(0.12 - np.abs(side), 0.62 - np.abs(u + 0.05))])
    centre = 2 * peak - 1
    eye = np.hypot(u - centre, v - bend * (centre * centre - 0.4))
    return np.stack([body, 0.55 * width - eye])


def stroke(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A brush stroke along a spiral arc, with round ends. numbers: span, growth, thickness, taper, detail 0-1.

    The arc runs from angle -span to span at radius r(phi) = 0.55 exp(growth phi); every turn is tried.
    """
    span, growth, thickness, taper, kind = numbers
    angle = np.arctan2(v, u)
    bodies, details = [], []
    for turn in (0.0,) if span <= math.pi else (-2 * math.pi, 0.0, 2 * math.pi):
        along = np.clip(angle + turn, -span, span)
        radius = 0.55 * np.exp(growth * along)
        gap = np.hypot(u - radius * np.cos(along), v - radius * np.sin(along))
        bodies.append(thickness * (1 + taper * along / span) - gap)
        details.append(0.3 * thickness - gap)
    body = np.maximum.reduce(bodies)
    if kind < 1:
        return np.stack([body, np.maximum.reduce(details)])
    end = 0.55 * math.exp(growth * span)
    return np.stack([body, 0.75 * thickness - np.hypot(u - end * math.cos(span), v - end * math.sin(span))])


def blossom(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A flower whose petals swirl and differ. numbers: petals, depth, swirl, lopsidedness, detail 0-1."""
    petals, depth, swirl, lean, kind = numbers
    u = u - lean
    radius = np.hypot(u, v)
    angle = np.arctan2(v, u) + swirl * radius
    rim = 1 - depth + depth * np.cos(petals * angle) + 0.7 * lean * np.cos(angle)
    body = (rim / (1 + abs(lean)) - radius) / math.hypot(1, 0.5 * petals * depth)
    if kind < 1:
        return np.stack([body, 0.34 - radius])
    return np.stack([body, np.minimum(body - 0.06, 0.35 * np.sin(petals * angle) * np.minimum(radius, 0.5))])


def leaf(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A leaf with veins. numbers: width, bend, pairs of veins, slant of the veins."""
    width, bend, veins, slant = numbers
    spine = v - bend * (u * u - 0.4)
    t = np.clip((u + 1) / 2, 0.0, 1.0)
    half_width = width * 1.75 * np.sqrt(t) * (1 - t)
    beyond = np.maximum(np.abs(u) - 1, 0)
    body = np.where(beyond > 0, -np.hypot(beyond, spine), half_width - np.abs(spine))
    rib = np.abs((veins * (u - slant * np.abs(spine)) + 0.5) % 1.0 - 0.5) / veins
    vein = np.maximum(0.055 - np.abs(spine), np.where(np.abs(spine) < 0.8 * half_width, 0.05 - rib, -1.0))
    return np.stack([body, np.minimum(vein, body - 0.03)])


def dot(u: Field, v: Field, numbers: tuple[float, ...]) -> Field:
    """A disc; the detail is its middle. numbers: none."""
    body = 1 - np.hypot(u, v)
    return np.stack([body, body - 0.5])


SHAPES: dict[str, Shape] = {"gaussian": gaussian, "polygon": polygon, "petal": petal, "stroke": stroke, "dot": dot} | {
    "blossom": blossom,
    "leaf": leaf,
}

_REACH = {"gaussian": 1.6, "polygon": 1.2, "petal": 1.25, "stroke": 1.6, "dot": 1.0, "blossom": 1.3, "leaf": 1.25}


def draw_numbers(shape: str, generator: np.random.Generator) -> tuple[float, ...]:
    """Numbers of one motif of a shape: bold, and lopsided enough to have no symmetry of its own.

    Raises: ValueError: no such shape.
    """
    draw = generator.uniform
    sign = 1.0 if draw() < 0.5 else -1.0
    if shape == "gaussian":
        return (draw(0.45, 0.8), draw(0.25, 0.45))
    if shape == "polygon":
        points = int(generator.choice((3, 3, 4, 4, 5, 6)))
        convex = math.cos(math.pi / points)
        notch = convex if draw() < 0.5 else convex * draw(0.5, 0.75)
        return (points, notch, draw(0.55, 0.95), draw(0.15, 0.5) * sign, float(generator.integers(3)))
    if shape == "petal":
        bend = draw(0.12, 0.42) * sign
        return (draw(0.3, 0.5), bend, draw(0.45, 1.0), draw(0.6, 1.25), float(generator.integers(3)))
    if shape == "stroke":
        scroll = draw() < 0.22
        span, growth = (draw(3.6, 5.2), draw(0.11, 0.16)) if scroll else (draw(0.9, 2.3), draw(0.05, 0.25))
        thickness = draw(0.15, 0.19) if scroll else draw(0.22, 0.34)
        return (span, growth, thickness, draw(-0.55, 0.55), float(generator.integers(2)))
    if shape == "blossom":
        petals = int(generator.choice((3, 4, 5, 5, 6, 7)))
        return (petals, draw(0.12, 0.3), draw(0.3, 0.9) * sign, draw(0.08, 0.2), float(generator.integers(2)))
    if shape == "leaf":
        return (draw(0.34, 0.5), draw(0.1, 0.35) * sign, draw(1.6, 2.6), draw(0.5, 0.9))
    if shape == "dot":
        return ()
    raise ValueError(f"unknown shape {shape!r}; one of {', '.join(SHAPES)}")
