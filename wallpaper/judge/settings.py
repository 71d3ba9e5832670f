"""The plane groups that a lattice allows: isometries of a metric, and every setting of every group on them.

Exact but for one tolerance on the metric; no pattern is known here. Everything is found from the groups' operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TypeAlias

import numpy as np

from wallpaper.plane import DEN, GROUP_NAMES, LatticeSystem, Op, primitive_operations
from wallpaper.plane.lattice import Metric
from wallpaper.plane.operation import Matrix, Shift, determinant, multiply, small_unimodular, transform

METRIC_TOLERANCE = 0.03
"""Relative change of scalar products up to which a matrix counts as an isometry: 1.5 % of a length, 1 degree."""

Key: TypeAlias = frozenset[tuple[Matrix, Shift]]


@dataclass(frozen=True, slots=True)
class Setting:
    """One plane group laid on a primitive cell, its origin still free."""

    group: str
    variants: tuple[tuple[Matrix, tuple[Op, ...]], ...]
    """Every right-handed change A to the group's standard primitive axes, x_standard = A x, with the operations that
    it gives on the cell's own axes about an origin at 0, identity first. Variants differ by the origin alone."""

    @property
    def matrices(self) -> frozenset[Matrix]:
        """The point group on the cell's own axes."""
        return frozenset(op.rot for op in self.variants[0][1])


def reduced_basis(metric: Metric) -> Matrix:
    """Integer matrix R, determinant 1: the columns of B R are the lattice's shortest vectors, at 60 to 120 degrees.

    Lagrange's reduction (Conway & Sloane, *Sphere Packings*, chapter 15, 3).
    """
    a, b = np.array([1, 0]), np.array([0, 1])
    while True:
        if b @ metric @ b < (a @ metric @ a) * (1 - 1e-9):
            a, b = b, -a
        steps = round(float(a @ metric @ b) / float(a @ metric @ a))
        if not steps:
            return ((int(a[0]), int(b[0])), (int(a[1]), int(b[1])))
        b = b - steps * a


def isometries(metric: Metric, tolerance: float = METRIC_TOLERANCE) -> tuple[Matrix, ...]:
    """Every integer matrix that keeps a reduced metric within `tolerance`, a group, sorted.

    Where the tolerance admits matrices that do not close, the worst is left out until they do.
    """
    scale = float(np.sqrt(metric[0, 0] * metric[1, 1]))
    strains = {}
    for matrix in small_unimodular():
        w = np.array(matrix)
        strain = float(np.abs(w.T @ metric @ w - metric).max()) / scale
        if strain <= tolerance:
            strains[matrix] = strain
    kept = sorted(strains, key=lambda matrix: (strains[matrix], matrix))
    while any(multiply(p, q) not in set(kept) for p in kept for q in kept):
        kept.pop()
    return tuple(sorted(kept))


def metric_system(matrices: Iterable[Matrix]) -> LatticeSystem:
    """The lattice system with these isometries."""
    systems: dict[int, LatticeSystem] = {2: "oblique", 4: "rectangular", 8: "square", 12: "hexagonal"}
    return systems[len(tuple(matrices))]


@lru_cache(maxsize=64)
def settings(matrices: tuple[Matrix, ...]) -> tuple[Setting, ...]:
    """Every plane group in every setting whose operations are among these isometries, p1 first.

    Two settings are one if they differ by an origin only: they have the same matrices with the same glide parts.
    """
    allowed = set(matrices)
    found: dict[tuple[str, Key], list[tuple[Matrix, tuple[Op, ...]]]] = {}
    for name in GROUP_NAMES:
        for axes in small_unimodular():
            if determinant(axes) != 1:
                continue
            operations = _on_axes(primitive_operations(name), axes)
            if all(op.rot in allowed for op in operations):
                found.setdefault((name, _key(operations)), []).append((axes, operations))
    return tuple(Setting(name, tuple(variants)) for (name, _), variants in found.items())


def _on_axes(operations: tuple[Op, ...], axes: Matrix) -> tuple[Op, ...]:
    """A^-1 g A for every operation, identity first."""
    frame = Op(axes)
    back = frame.inverse()
    return tuple(back @ op @ frame for op in operations)


def _key(operations: tuple[Op, ...]) -> Key:
    """Matrices with what of their shifts no change of origin alters."""
    return frozenset((op.rot, _glide_part(op)) for op in operations)


def _glide_part(op: Op) -> Shift:
    """Representative of w + W w modulo (I + W) Z^2 for reflections and glides; nothing is left for rotations."""
    if op.det == 1:
        return (0, 0)
    moved = transform(op.rot, op.shift)
    doubled = (op.shift[0] + moved[0], op.shift[1] + moved[1])
    steps = [transform(op.rot, cell) for cell in _CELLS]
    steps = [(DEN * (c[0] + s[0]), DEN * (c[1] + s[1])) for c, s in zip(_CELLS, steps, strict=True)]
    return min(
        ((doubled[0] + p, doubled[1] + q) for p, q in steps), key=lambda value: (abs(value[0]) + abs(value[1]), value)
    )


_CELLS: tuple[Shift, ...] = tuple((p, q) for p, q in product((-2, -1, 0, 1, 2), repeat=2))
