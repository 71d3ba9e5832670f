"""How two plane groups lie in one plane: primitive settings, alignment, and the common subgroup.

Two groups of one transition act on one torus, a cell that is primitive for both. The second may be
turned (a unimodular change of axes) and moved (an origin shift) first; the alignment chosen keeps
the largest common subgroup. Computed from the operations, never listed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from wallpaper.plane.groups import PlaneGroup, line_kinds, plane_group
from wallpaper.plane.lattice import Lattice, Metric, change_basis, distance, invariant_metric
from wallpaper.plane.operation import (
    DEN,
    IDENTITY,
    IDENTITY_MATRIX,
    Matrix,
    Op,
    Shift,
    multiply,
    small_unimodular,
    unimodular_inverse,
)

CENTRED_TO_PRIMITIVE: Matrix = ((1, 1), (-1, 1))
"""Q in x_primitive = Q x_centred; the primitive basis is (a + b)/2, (b - a)/2."""

SHIFT_STEP = DEN // 4
"""Origin shifts are searched in quarters: finer ones never enlarge a common subgroup (tested against thirds)."""


_SHIFTS: tuple[Shift, ...] = tuple((u, v) for u in range(0, DEN, SHIFT_STEP) for v in range(0, DEN, SHIFT_STEP))


@dataclass(frozen=True)
class Alignment:
    """How a target group is laid over a source group.

    A point x of the common cell has source coordinates `source_frame` x and target coordinates
    `axes` x + `shift`, both in the groups' primitive settings.
    """

    source: str
    target: str
    axes: Matrix
    shift: Shift
    """Origin shift in twelfths."""
    common: tuple[Op, ...]
    """The common subgroup's operations on the common cell, identity first."""
    source_frame: Op = IDENTITY
    """The identity, but for a later leg of a route: its cell is that of the route's first group."""

    @property
    def order(self) -> int:
        """Order of the common subgroup modulo translations."""
        return len(self.common)

    @property
    def common_group(self) -> str:
        """Name of the common subgroup's type."""
        return classify(self.common)

    @property
    def target_frame(self) -> Op:
        """Coordinates of the target from those of the common cell: (`axes` | `shift`)."""
        return Op(self.axes, self.shift)

    @property
    def source_operations(self) -> tuple[Op, ...]:
        """The source's operations in coordinates of the common cell."""
        return tuple(sorted(conjugate(op, self.source_frame) for op in primitive_operations(self.source)))

    @property
    def target_operations(self) -> tuple[Op, ...]:
        """The target's operations in coordinates of the common cell."""
        return tuple(sorted(conjugate(op, self.target_frame) for op in primitive_operations(self.target)))

    def seen_from(self, frame: Op) -> Alignment:
        """The same alignment on a cell whose points x have the coordinates `frame` x on this one."""
        source, target = self.source_frame @ frame, self.target_frame @ frame
        common = tuple(conjugate(op, frame) for op in self.common)
        return Alignment(self.source, self.target, target.rot, target.shift, common, source)


@cache
def primitive_operations(name: str) -> tuple[Op, ...]:
    """A group's operations in coordinates of a primitive cell, identity first; |point group| of them.

    For a centred group W' = Q W Q^-1 and w' = Q w, with Q = `CENTRED_TO_PRIMITIVE`.
    """
    group = plane_group(name)
    if len(group.centring) == 1:
        return group.operations
    primitive = {_to_primitive(op) for op in group.operations}
    identity = Op(IDENTITY_MATRIX)
    return (identity, *sorted(primitive - {identity}))


def primitive_metric(group: PlaneGroup, metric: Metric) -> Metric:
    """Metric of the primitive cell that `primitive_operations` refers to, from the conventional cell's."""
    return change_basis(metric, primitive_vectors(group))


def primitive_vectors(group: PlaneGroup) -> Metric:
    """(2, 2) basis of that primitive cell in coordinates of the conventional one, one vector a column."""
    return np.eye(2) if len(group.centring) == 1 else np.linalg.inv(np.array(CENTRED_TO_PRIMITIVE, dtype=np.float64))


def common_operations(source: str, target: str, axes: Matrix, shift: Shift) -> tuple[Op, ...]:
    """Operations that both groups have when `target` lies as an `Alignment` says, identity first."""
    moved = {conjugate(op, Op(axes, shift)) for op in primitive_operations(target)}
    return tuple(op for op in primitive_operations(source) if op in moved)


@cache
def align(source: str, target: str) -> Alignment:
    """The alignment of `target` to `source` with the largest common subgroup.

    Among equals, the one that distorts the typical source lattice least, then the plainest axes and shift.
    """
    _, best = _largest_common(source, target)
    strains = {axes: _strain(source, _point_group(target, axes)) for axes in dict.fromkeys(axes for axes, _ in best)}
    axes, shift = min(best, key=lambda found: (strains[found[0]], _plainness(found[0]), sum(found[1])))
    return Alignment(source, target, axes, shift, common_operations(source, target, axes, shift))


def common_order(source: str, target: str) -> int:
    """Order of the largest common subgroup; the same for (target, source)."""
    first, second = sorted((source, target), key=lambda name: plane_group(name).index)
    return _largest_common(first, second)[0]


@cache
def _largest_common(source: str, target: str) -> tuple[int, tuple[tuple[Matrix, Shift], ...]]:
    """The largest order of a common subgroup, and all axes and shifts that reach it."""
    orders = {(axes, shift): order for axes, shift, order in _common_orders(source, target)}
    largest = max(orders.values())
    return largest, tuple(candidate for candidate, order in orders.items() if order == largest)


def _common_orders(source: str, target: str) -> Iterator[tuple[Matrix, Shift, int]]:
    """The order of the common subgroup for all axes A and shifts w that are tried.

    S and (A|w)^-1 T (A|w) have as many operations in common as A S A^-1 and (1|w)^-1 T (1|w), where A and w
    stand apart: far fewer products.
    """
    for axes, turned in _turned(source).items():
        for shift, operations in _moved(target).items():
            yield axes, shift, len(turned & operations)


@cache
def _turned(name: str) -> dict[Matrix, frozenset[Op]]:
    """A S A^-1, the group S on other axes, for all axes A that are tried."""
    every = {axes: Op(unimodular_inverse(axes)) for axes in small_unimodular()}
    return {axes: frozenset(conjugate(op, back) for op in primitive_operations(name)) for axes, back in every.items()}


@cache
def _moved(name: str) -> dict[Shift, frozenset[Op]]:
    """(1|w)^-1 T (1|w), the group T about another origin, for all shifts w that are tried."""
    every = {shift: Op(IDENTITY_MATRIX, shift) for shift in _SHIFTS}
    return {shift: frozenset(conjugate(op, to) for op in primitive_operations(name)) for shift, to in every.items()}


@cache
def _point_group(name: str, axes: Matrix) -> frozenset[Matrix]:
    """A^-1 P A, the matrices P of the group on other axes."""
    return frozenset(conjugate(op, Op(axes)).rot for op in primitive_operations(name))


@cache
def _strain(source: str, point_group: frozenset[Matrix]) -> float:
    """How far the source's typical lattice is from one that all matrices leave alone; rounded, so that equals tie."""
    group = plane_group(source)
    metric = primitive_metric(group, Lattice.standard(group.system).metric)
    return round(distance(metric, invariant_metric(metric, point_group)), 9)


def classify(operations: tuple[Op, ...]) -> str:
    """Name of the plane group formed by these operations on a primitive cell.

    The rotation order and the kinds of line in each reversing direction (International Tables A,
    2.1.3) tell all 17 apart, but for p3m1 and p31m: see `_all_threefold_centres_on_mirrors`.
    Raises: ValueError: no plane group has these features, so the operations do not form a group.
    """
    rotation = max(op.order for op in operations if op.det == 1)
    reversing = {op.rot for op in operations if op.det == -1}
    kinds = sorted(tuple(sorted(line_kinds(operations, matrix))) for matrix in reversing)
    name = _BY_FEATURES.get((rotation, tuple(kinds)))
    if name == "p3m1" and not _all_threefold_centres_on_mirrors(operations):
        return "p31m"
    if name is None:
        raise ValueError(f"these operations form no plane group: {[op.xyz for op in operations]}")
    return name


def _to_primitive(op: Op) -> Op:
    (a, b), (c, d) = multiply(multiply(CENTRED_TO_PRIMITIVE, op.rot), ((1, -1), (1, 1)))  # 2 Q^-1
    x, y = op.shift
    return Op(((a // 2, b // 2), (c // 2, d // 2)), (x + y, y - x))


def conjugate(op: Op, frame: Op) -> Op:
    """F^-1 op F: the operation in coordinates x, where `op` acts on the coordinates F x."""
    return frame.inverse() @ op @ frame


def _plainness(axes: Matrix) -> int:
    """0 for the identity, larger for axes further from it."""
    return sum(abs(axes[i][j] - IDENTITY_MATRIX[i][j]) for i in range(2) for j in range(2))


def _all_threefold_centres_on_mirrors(operations: tuple[Op, ...]) -> bool:
    """Whether the mirrors of a 3m group pass through all its 3-fold centres: true for p3m1, false for p31m.

    With R the 3-fold matrix, the centres' classes are Z^2 / (R - I) Z^2, three of them. A mirror M either
    fixes each class (p3m1) or swaps two: it fixes them if (R - I)^-1 (M + I) is an integer matrix.
    """
    third = next(op.rot for op in operations if op.det == 1 and op.order == 3)
    mirror = next(op.rot for op in operations if op.det == -1)
    (a, b), (c, d) = third
    adjugate: Matrix = ((d - 1, -b), (-c, a - 1))  # of R - I, whose determinant is 3
    (p, q), (r, s) = mirror
    quotient = multiply(adjugate, ((p + 1, q), (r, s + 1)))
    return all(value % 3 == 0 for row in quotient for value in row)


_M, _G, _MG = ("mirror",), ("glide",), ("glide", "mirror")

_BY_FEATURES: dict[tuple[int, tuple[tuple[str, ...], ...]], str] = {
    (1, ()): "p1",
    (2, ()): "p2",
    (1, (_M,)): "pm",
    (1, (_G,)): "pg",
    (1, (_MG,)): "cm",
    (2, (_M, _M)): "pmm",
    (2, (_G, _M)): "pmg",
    (2, (_G, _G)): "pgg",
    (2, (_MG, _MG)): "cmm",
    (4, ()): "p4",
    (4, (_MG, _MG, _M, _M)): "p4m",
    (4, (_G, _G, _MG, _MG)): "p4g",
    (3, ()): "p3",
    (3, (_MG,) * 3): "p3m1",
    (6, ()): "p6",
    (6, (_MG,) * 6): "p6m",
}
