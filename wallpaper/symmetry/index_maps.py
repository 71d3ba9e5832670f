"""Plane groups as permutations of the samples of an n x n torus.

Sample [i, j] stands at x = i/n along a and j/n along b, so the origin is a sample and every
operation of every group maps samples to samples. Only numpy: projection (torch) and the generator
(numpy) share these maps; `identify` must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import DEN, GROUP_NAMES, Op, plane_group

Indices = NDArray[np.int64]


def permutation(op: Op, side: int) -> Indices:
    """(side * side,) indices m with (g f)[p] = f[m[p]], where (g f)(x) = f(g x).

    Raises: ValueError: a translation of `op` does not land on the grid.
    """
    if any(shift * side % DEN for shift in op.shift):
        raise ValueError(
            f"`side` must let the translation of {op.xyz!r} land on the grid, but got {side=}; use a multiple of 4"
        )
    i, j = np.indices((side, side))
    (a, b), (c, d) = op.rot
    u = (a * i + b * j + op.shift[0] * side // DEN) % side
    v = (c * i + d * j + op.shift[1] * side // DEN) % side
    return (u * side + v).reshape(-1)


def permutations(operations: Iterable[Op], side: int) -> Indices:
    """(number of operations, side * side) stacked `permutation`s."""
    return np.stack([permutation(op, side) for op in operations])


@dataclass(frozen=True, slots=True)
class Orbits:
    """The orbits of a group on the grid's samples, S = side * side of them in all.

    Each array is (S,) and indexed by sample.
    """

    first: Indices
    """Lowest sample of the same orbit: it names the orbit."""
    size: Indices
    """Number of samples in the orbit."""


def orbits_of(operations: Iterable[Op], side: int) -> Orbits:
    """Orbits of a closed set of operations. Raises: ValueError: see `permutation`."""
    first = permutations(operations, side).min(axis=0)
    return Orbits(first, np.bincount(first, minlength=side * side)[first])


@cache
def group_orbits(side: int) -> Orbits:
    """Orbits of all 17 groups at once, each array (17, S) by the groups' index.

    Raises: ValueError: `side` is odd or not positive.
    """
    if side <= 0 or side % 2:
        raise ValueError(f"`side % 2 == 0 and side > 0` must hold for glides to land on samples, but got {side=}")
    found = [orbits_of(plane_group(name).operations, side) for name in GROUP_NAMES]
    return Orbits(np.stack([o.first for o in found]), np.stack([o.size for o in found]))
