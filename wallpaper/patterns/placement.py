"""Where motifs go: well spread points, special positions and rosettes, all in the lattice's metric.

Density counts whole orbits, so a cell holds about as many motifs for p1 as for p6m. Special positions are found from
the operations (stabilisers), not from a list. Knows nothing of shapes or colours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from wallpaper.patterns.frame import Frame
from wallpaper.plane import DEN, Op, plane_group
from wallpaper.plane.operation import transform

Points = NDArray[np.float64]
Site: TypeAlias = tuple[int, int]

_IMAGES = np.array(list(product((-1.0, 0.0, 1.0), repeat=2)))


@dataclass(frozen=True, slots=True)
class Spot:
    """A place for one motif: fractional centre, direction of its axis (radians), scale relative to the others."""

    centre: tuple[float, float]
    angle: float
    scale: float


@cache
def special_sites(name: str) -> tuple[tuple[Site, int], ...]:
    """Points (in twelfths) that more operations than the identity fix, one an orbit, with the number that do."""
    operations = plane_group(name).operations
    seen: set[Site] = set()
    sites = []
    for point in ((x, y) for x in range(DEN) for y in range(DEN)):
        if point in seen:
            continue
        images = [_moved(op, point) for op in operations]
        seen.update(images)
        if images.count(point) > 1:
            sites.append((point, images.count(point)))
    return tuple(sites)


def orbit_points(frame: Frame, point: tuple[float, float]) -> Points:
    """(m, 2) the distinct points of a point's orbit, in [0, 1); m is |G| in general position."""
    images = _images_of(frame, np.array(point))
    distinct = [0]
    for index in range(1, len(images)):
        if _separations(frame, images[index], images[distinct]).min() > 1e-6:
            distinct.append(index)
    return images[distinct]


def spread_points(
    frame: Frame, count: int, generator: np.random.Generator, taken: Points | None = None, tries: int = 8
) -> tuple[list[tuple[float, float]], Points]:
    """Points whose orbits keep away from each other, from themselves and from `taken`.

    Mitchell's best candidate (*Spectrally optimal sampling*, 1991) on the torus. The first of a design has few
    candidates, so that its place varies.
    Returns: one point for each of `count` orbits, and all points (taken ones first) in the cell.
    """
    occupied = np.zeros((0, 2)) if taken is None else taken
    chosen = []
    for index in range(count):
        candidates = generator.random((tries if index or len(occupied) else 3, 2))
        best = candidates[int(np.argmax(_clearances(frame, candidates, occupied)))]
        chosen.append((float(best[0]), float(best[1])))
        occupied = np.concatenate([occupied, _images_of(frame, best)])
    return chosen, occupied


def settle(frame: Frame, point: tuple[float, float], least: float) -> tuple[float, float]:
    """Move a point whose images come closer than `least` to their middle, which the same operations fix.

    What stands there is one with its images, instead of a clump of them.
    """
    start = np.array(point)
    steps = (_images_of(frame, start) - start + 0.5) % 1.0 - 0.5
    vectors = (steps[:, None, :] + _IMAGES).reshape(-1, 2)
    near = np.sqrt(((vectors @ frame.basis.T) ** 2).sum(-1)) < least
    middle = np.round(start + vectors[near].mean(axis=0), 12) % 1.0
    return (float(middle[0]), float(middle[1]))


def scatter(frame: Frame, target: float, generator: np.random.Generator) -> list[Spot]:
    """About `target` motifs in the cell, spread, each turned freely or all roughly one way."""
    count = max(1, round(target / len(frame.group.operations)))
    points, _ = spread_points(frame, count, generator)
    main, freedom = generator.uniform(0, 2 * math.pi), float(generator.choice((0.35, math.pi)))
    crowding = (target / (count * len(frame.group.operations))) ** 0.25
    return [
        Spot(p, main + generator.uniform(-freedom, freedom), crowding * generator.uniform(0.85, 1.15)) for p in points
    ]


def rosettes(frame: Frame, target: float, generator: np.random.Generator) -> list[Spot]:
    """About `target` motifs in the cell, gathered around centres: special positions where the group has them.

    A site that s operations fix needs only one s-th of its petals; the operations make the others.
    """
    order = len(frame.group.operations)
    sites = special_sites(frame.group.name)
    spots: list[Spot] = []
    centres = np.zeros((0, 2))
    while len(spots) * order < 0.75 * target or not spots:
        point, fixed = _pick_centre(frame, sites, generator, centres)
        sites = tuple(site for site in sites if site[0] != (round(point[0] * DEN), round(point[1] * DEN)))
        centres = np.concatenate([centres, orbit_points(frame, point)])
        most = max(1, round(target / order) - len(spots))
        petals = min(most, max(1, round(float(generator.integers(5, 8)) / fixed)))
        lean, start = generator.uniform(-0.5, 0.5), generator.uniform(0, 2 * math.pi)
        room = math.sqrt(petals * fixed) / 3.2
        for petal in range(petals):
            direction = start + (petal + generator.uniform(-0.18, 0.18)) * 2 * math.pi / (petals * fixed)
            scale = generator.uniform(0.8, 1.2)
            spots.append(_petal_spot(frame, point, direction, lean, scale, room, target))
    return spots


def motif_pitch(target: float) -> float:
    """Distance between neighbours when `target` motifs fill a cell evenly, in units of sqrt(cell area)."""
    return 1 / math.sqrt(target)


def _petal_spot(
    frame: Frame, point: tuple[float, float], direction: float, lean: float, scale: float, room: float, target: float
) -> Spot:
    offset = motif_pitch(target) * scale * room
    step = np.linalg.solve(frame.basis, [offset * math.cos(direction), offset * math.sin(direction)])
    return Spot((point[0] + float(step[0]), point[1] + float(step[1])), direction + lean, scale)


def _pick_centre(
    frame: Frame, sites: tuple[tuple[Site, int], ...], generator: np.random.Generator, taken: Points
) -> tuple[tuple[float, float], int]:
    """A special position, the richer the likelier, or a free one where there is none (left)."""
    most = max((fixed for _, fixed in special_sites(frame.group.name)), default=1)
    rich = [site for site in sites if site[1] > 2 or most == 2]
    if not rich or (len(taken) and generator.random() < 0.3):
        points, _ = spread_points(frame, 1, generator, taken)
        return points[0], 1
    weights = np.array([fixed**1.5 for _, fixed in rich])
    (x, y), fixed = rich[int(generator.choice(len(rich), p=weights / weights.sum()))]
    return (x / DEN, y / DEN), fixed


def distances_to(frame: Frame, places: Points, others: Points) -> NDArray[np.float64]:
    """(m,) true distances from each of m places (fractional, in [0, 1)) to the nearest of some points or its images."""
    images = (others[:, None] % 1.0 + _IMAGES).reshape(-1, 2) @ frame.basis.T
    return np.asarray(KDTree(images).query(places @ frame.basis.T)[0])


def _images_of(frame: Frame, point: Points) -> Points:
    """(..., |G|, 2) images of points (..., 2) under every operation, modulo the lattice."""
    turns, shifts = _operations(frame.group.name)
    return np.asarray((np.einsum("gij,...j->...gi", turns, point) + shifts) % 1.0)


@cache
def _operations(name: str) -> tuple[NDArray[np.float64], Points]:
    """(|G|, 2, 2) matrices and (|G|, 2) translations of a group."""
    operations = plane_group(name).operations
    turns = np.array([op.rot for op in operations], dtype=np.float64)
    return turns, np.array([op.shift for op in operations], dtype=np.float64) / DEN


def _clearances(frame: Frame, candidates: Points, occupied: Points) -> NDArray[np.float64]:
    """(k,) distance from each candidate (k, 2) to the nearest of its own images and of the occupied points (m, 2)."""
    own = _images_of(frame, candidates)[:, 1:]
    others = np.concatenate([own, np.broadcast_to(occupied, (len(candidates), *occupied.shape))], axis=1)
    if not others.shape[1]:
        return np.ones(len(candidates))
    steps = (others - candidates[:, None] + 0.5) % 1.0 - 0.5
    vectors = (steps[:, :, None, :] + _IMAGES) @ frame.basis.T
    return np.asarray(np.sqrt((vectors**2).sum(-1).min(axis=(1, 2))))


def _separations(frame: Frame, point: Points, others: Points) -> NDArray[np.float64]:
    """(m,) true distances from a point to the nearest image of each of m others."""
    steps = (others - point + 0.5) % 1.0 - 0.5
    vectors = (steps[:, None, :] + _IMAGES) @ frame.basis.T
    return np.asarray(np.sqrt((vectors**2).sum(-1).min(1)))


def _moved(op: Op, point: Site) -> Site:
    """Image of a point in twelfths."""
    x, y = transform(op.rot, point)
    return ((x + op.shift[0]) % DEN, (y + op.shift[1]) % DEN)
