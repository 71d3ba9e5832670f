"""Pictures of all 17 groups drawn with a pen: polygons moved by each operation in the plane, with no lattice frame.

An oracle for `analyse`: it shares nothing with generator, index maps or rendering but the groups' generators, typed
here as International Tables print them. Pillow draws with four-fold supersampling.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

OPERATIONS = {
    "p1": "x,y",
    "p2": "x,y -x,-y",
    "pm": "x,y -x,y",
    "pg": "x,y -x,y+.5",
    "cm": "x,y -x,y x+.5,y+.5 -x+.5,y+.5",
    "pmm": "x,y -x,-y -x,y x,-y",
    "pmg": "x,y -x,-y -x+.5,y x+.5,-y",
    "pgg": "x,y -x,-y -x+.5,y+.5 x+.5,-y+.5",
    "cmm": "x,y -x,-y -x,y x,-y x+.5,y+.5 -x+.5,-y+.5 -x+.5,y+.5 x+.5,-y+.5",
    "p4": "x,y -x,-y -y,x y,-x",
    "p4m": "x,y -x,-y -y,x y,-x -x,y x,-y y,x -y,-x",
    "p4g": "x,y -x,-y -y,x y,-x -x+.5,y+.5 x+.5,-y+.5 y+.5,x+.5 -y+.5,-x+.5",
    "p3": "x,y -y,x-y -x+y,-x",
    "p3m1": "x,y -y,x-y -x+y,-x -y,-x -x+y,y x,x-y",
    "p31m": "x,y -y,x-y -x+y,-x y,x x-y,-y -x,-x+y",
    "p6": "x,y -y,x-y -x+y,-x -x,-y y,-x+y x-y,x",
    "p6m": "x,y -y,x-y -x+y,-x -x,-y y,-x+y x-y,x -y,-x -x+y,y x,x-y y,x x-y,-y -x,-x+y",
}
"""General positions, International Tables A (2016), 2.2."""


def cell_of(group: str, generator: np.random.Generator) -> tuple[float, float, float]:
    """(a, b, gamma) of a lattice that the group needs, well away from richer ones."""
    if group in ("p1", "p2"):
        return 1.0, float(generator.uniform(1.15, 1.4)), float(generator.uniform(98, 108))
    if group.startswith(("p4",)):
        return 1.0, 1.0, 90.0
    if group.startswith(("p3", "p6")):
        return 1.0, 1.0, 120.0
    return 1.0, float(generator.choice([generator.uniform(0.65, 0.85), generator.uniform(1.2, 1.5)])), 90.0


def operations_of(group: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Matrix and translation of every printed operation."""
    found = []
    for text in OPERATIONS[group].split():
        rows, shifts = [], []
        for part in text.split(","):
            shifts.append(0.5 if part.endswith("+.5") else 0.0)
            terms = part.removesuffix("+.5").replace("-", "+-").split("+")
            rows.append([terms.count(axis) - terms.count(f"-{axis}") for axis in "xy"])
        found.append((np.array(rows), np.array(shifts)))
    return found


def _motif(generator: np.random.Generator, size: float) -> tuple[np.ndarray, tuple[int, ...]]:
    """Corners (m, 2) of a lopsided polygon somewhere in the cell, in periods, and its colour."""
    corners = int(generator.integers(4, 7))
    angles = np.sort(generator.uniform(0, 2 * math.pi, corners))
    radii = size * generator.uniform(0.35, 1.0, corners)
    centre = generator.uniform(0, 1, 2)
    points = centre + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    return points, tuple(generator.integers(0, 150, 3).tolist())


def draw(
    group: str,
    generator: np.random.Generator,
    *,
    size: int = 256,
    period: float = 70.0,
    lines: bool = False,
) -> tuple[np.ndarray, tuple[float, float, float], float]:
    """A picture (size, size, 3) uint8, turned and moved at random; the cell (a, b, gamma); pixels per unit length."""
    a, b, gamma = cell_of(group, generator)
    scale = period / math.sqrt(a * b * math.sin(math.radians(gamma)))
    basis = np.array([[a, b * math.cos(math.radians(gamma))], [0.0, b * math.sin(math.radians(gamma))]]) * scale
    angle, origin = generator.uniform(0, 2 * math.pi), generator.uniform(0, size, 2)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    basis = np.diag([1.0, -1.0]) @ turn @ basis  # y grows downwards in a picture
    operations = operations_of(group)
    motifs = [_motif(generator, 0.22 if len(operations) > 6 else 0.3) for _ in range(2 if len(operations) > 2 else 3)]
    picture = Image.new("RGB", (4 * size, 4 * size), tuple(generator.integers(170, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    reach = math.ceil(0.75 * size / np.linalg.svd(basis)[1].min()) + 2
    middle = np.rint(np.linalg.solve(basis, np.array([size / 2, size / 2]) - origin))
    for points, colour in motifs:
        local = np.linalg.solve(basis, points.T * period)
        for matrix, shift in operations:
            image = (matrix @ local).T + shift
            for i in range(-reach, reach + 1):
                for j in range(-reach, reach + 1):
                    place = (image + middle + (i, j)) @ basis.T + origin
                    if place.max() < 0 or place.min() > size:
                        continue
                    corners = [tuple(4 * p + 1.5) for p in place]
                    if lines:
                        pen.line([*corners, corners[0]], fill=colour, width=7, joint="curve")
                    else:
                        pen.polygon(corners, fill=colour)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX)), (a, b, gamma), scale
