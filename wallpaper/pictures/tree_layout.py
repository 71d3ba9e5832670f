"""Where the groups of a subgroup tree stand: one level for each order, few crossings, no line through a group.

A local search over places on a grid, from several seeded starts; the same groups always land in the same places.
Knows nothing of drawing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

SPACING = 2
"""Least distance of two groups on one level, in columns: a group is less than two columns wide."""

_CROSSING, _HIT, _LENGTH, _ASIDE = 4.0, 30.0, 0.25, 4.0
"""Costs of a crossing, of a line through a group, of a line's lean squared, and of a column between two on a level."""

_CLEAR, _STEEP = 1.0, 0.25
"""Columns that a line keeps from a node's middle, and how much more for each column a level that it leans."""

_SEED, _STARTS = 9, 3
"""Of the random starts; of the first forty seeds this one settles best for all 17 groups."""

Places = NDArray[np.float64]


@dataclass(frozen=True)
class Graph:
    """Nodes on levels, with lines between levels and beside each other."""

    levels: tuple[int, ...]
    """Level of each node, 0 the uppermost."""
    down: tuple[tuple[int, int], ...]
    """Lines from a node to one on a lower level."""
    aside: tuple[tuple[int, int], ...]
    """Lines between nodes of one level."""

    @property
    def columns(self) -> int:
        """Columns of the grid: some more than the fullest level needs."""
        return int(np.bincount(self.levels).max()) * SPACING + 4


def place(graph: Graph) -> Places:
    """(nodes,) columns, not necessarily whole, the leftmost 0; nodes of a level at least `SPACING` apart."""
    generator = np.random.default_rng(_SEED)
    found = [_settled(graph, _start(graph, generator)) for _ in range(_STARTS)]
    best = min(found, key=lambda places: cost(graph, places))
    left: Places = best - best.min()
    return left


def cost(graph: Graph, places: Places) -> float:
    """What is ugly about these places."""
    levels = np.asarray(graph.levels, float)
    total = 0.0
    if graph.down:
        upper, lower = np.array(graph.down).T
        ends = np.stack([places[upper], levels[upper], places[lower], levels[lower]], axis=1)
        total += _CROSSING * crossings(ends)
        total += _HIT * _hits(ends, places, levels)
        total += _LENGTH * float(((ends[:, 0] - ends[:, 2]) ** 2 / (ends[:, 3] - ends[:, 1])).sum())
    if graph.aside:
        first, second = np.array(graph.aside).T
        total += _ASIDE * float(np.abs(places[first] - places[second]).sum())
    return total + 0.02 * float(np.abs(places - places.mean()).sum())


def crossings(ends: Places) -> int:
    """How many pairs of the segments (E, 4), each x, y of both ends, cross inside; common ends do not count."""
    p, q = ends[:, None, :2], ends[:, None, 2:]
    r, s = ends[None, :, :2], ends[None, :, 2:]
    apart = (_side(p, q, r) * _side(p, q, s) < 0) & (_side(r, s, p) * _side(r, s, q) < 0)
    return int(np.triu(apart, 1).sum())


def _side(origin: Places, end: Places, point: Places) -> Places:
    """On which side of a line a point lies: the sign of the cross product, 0 on it."""
    along, to = end - origin, point - origin
    cross: Places = np.round(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0], 9)
    return cross


def _hits(ends: Places, places: Places, levels: Places) -> float:
    """How far lines run into nodes on levels that they pass."""
    x0, y0, x1, y1 = (column[:, None] for column in ends.T)
    passes = (levels > y0) & (levels < y1)
    crossing = x0 + (x1 - x0) * (levels - y0) / (y1 - y0)
    slope = np.abs(x1 - x0) / (y1 - y0)
    return float((np.clip(_CLEAR + _STEEP * slope - np.abs(crossing - places), 0, None) * passes).sum())


def _start(graph: Graph, generator: np.random.Generator) -> Places:
    """Each level's nodes in a random order, their gaps drawn at random too."""
    places = np.zeros(len(graph.levels))
    for level in set(graph.levels):
        nodes = [node for node, own in enumerate(graph.levels) if own == level]
        slack = graph.columns - (len(nodes) - 1) * SPACING - 1
        moved = np.sort(generator.integers(0, slack, size=len(nodes), endpoint=True))
        places[generator.permutation(nodes)] = moved + SPACING * np.arange(len(nodes))
    return places


def _settled(graph: Graph, places: Places) -> Places:
    """Single moves and swaps until none helps."""
    best, moved = cost(graph, places), True
    while moved:
        moved = False
        for changes in list(_moves(graph, places)):
            candidate = _with(places, changes)
            value = cost(graph, candidate) if _apart(graph, candidate) else np.inf
            if value < best - 1e-9:
                places, best, moved = candidate, value, True
    return places


def _moves(graph: Graph, places: Places) -> Iterator[dict[int, float]]:
    """One node in another column, or two nodes of a level swapped."""
    for node in range(len(places)):
        yield from ({node: float(column)} for column in range(graph.columns) if column != places[node])
    for first, second in combinations(range(len(places)), 2):
        if graph.levels[first] == graph.levels[second]:
            yield {first: places[second], second: places[first]}


def _apart(graph: Graph, places: Places) -> bool:
    """Whether the nodes of each level keep their distance."""
    ordered = sorted(zip(graph.levels, places.tolist(), strict=True))
    return all(b - a >= SPACING for (level, a), (other, b) in pairwise(ordered) if level == other)


def _with(places: Places, changes: dict[int, float]) -> Places:
    new = places.copy()
    for node, column in changes.items():
        new[node] = column
    return new
