"""The freedom that a standard setting leaves: changes of axes and origin after which a group reads the same.

They form the group's affine normaliser (International Tables A, 3.5). Computed from the operations, never listed: the
axes that keep the point group, and with each the origin shifts, in twelfths, that keep every operation. Directions
along which the origin is free altogether, as along the mirrors of pm, are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from wallpaper.plane.groups import PlaneGroup, plane_group
from wallpaper.plane.operation import DEN, Matrix, Op, determinant, multiply, unimodular_inverse

LARGEST_ENTRY = 2
"""Of the matrices tried: enough to go from a nearly reduced cell of p1 or p2 to any other of the same lattice."""


def free_directions(name: str) -> tuple[int, ...]:
    """The axes, 0 for a and 1 for b, along which every operation stays the same wherever the origin lies.

    >>> [free_directions(name) for name in ("p1", "pg", "p2")]
    [(0, 1), (1,), ()]
    """
    unmoved = [all((w[0][k], w[1][k]) == (1 - k, k) for w in plane_group(name).point_group) for k in range(2)]
    return tuple(axis for axis, free in enumerate(unmoved) if free)


@cache
def normaliser(name: str) -> tuple[Op, ...]:
    """Changes of frame x' = A x + w that turn the group into itself, one for each coset of the group, identity first.

    A coset of a group with reflections holds changes of either handedness. Shifts along `free_directions` are left
    out. For p1 and p2 every unimodular A does; those with entries up to
    `LARGEST_ENTRY` are given.
    """
    group = plane_group(name)
    operations = frozenset(group.operations)
    free = free_directions(name)
    found: dict[Op, Op] = {}
    for frame in _candidates(group, free):
        back = frame.inverse()
        if all(frame @ op @ back in operations for op in group.operations):
            coset = min(_without(op @ frame, free) for op in group.operations)
            found.setdefault(coset, frame)
    return tuple(found.values())


def _candidates(group: PlaneGroup, free: tuple[int, ...]) -> Iterator[Op]:
    """Axes that keep the point group, plainest first, with every shift in twelfths across the free directions."""
    entries = sorted(range(-LARGEST_ENTRY, LARGEST_ENTRY + 1), key=lambda value: (abs(value), -value))
    steps = [(0,) if axis in free else range(DEN) for axis in range(2)]
    matrices = [((a, b), (c, d)) for a, b, c, d in product(entries, repeat=4)]
    for axes in sorted((m for m in matrices if determinant(m) in (1, -1)), key=_plainness):
        if _keeps(axes, group):
            yield from (Op(axes, (x, y)) for x, y in product(*steps))


def _keeps(axes: Matrix, group: PlaneGroup) -> bool:
    """Whether A W A^-1 is in the point group for every W of it."""
    back = unimodular_inverse(axes)
    return all(multiply(multiply(axes, matrix), back) in group.point_group for matrix in group.point_group)


def _plainness(axes: Matrix) -> int:
    """0 for the identity, larger for axes further from it."""
    (a, b), (c, d) = axes
    return abs(a - 1) + abs(b) + abs(c) + abs(d - 1)


def _without(frame: Op, free: tuple[int, ...]) -> Op:
    x, y = (0 if axis in free else part for axis, part in enumerate(frame.shift))
    return Op(frame.rot, (x, y))
