"""Subgroups of the plane groups, computed from their operations: translationengleiche and klassengleiche ones.

A t-subgroup keeps all translations and loses point operations, a k-subgroup keeps the point group and loses
translations; every maximal subgroup is one of the two (Hermann's theorem: International Tables for
Crystallography A1 (2011), 1.2.7). Operations stand on primitive cells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import Literal, TypeAlias

import numpy as np

from wallpaper.plane.groups import GROUP_NAMES, PLANE_GROUPS, plane_group
from wallpaper.plane.lattice import Lattice, change_basis
from wallpaper.plane.operation import (
    DEN,
    IDENTITY_MATRIX,
    Matrix,
    Op,
    Shift,
    close,
    determinant,
    multiply,
    transform,
)
from wallpaper.plane.relations import classify, primitive_metric, primitive_operations

Kind: TypeAlias = Literal["t", "k"]

K_INDICES = (2, 3)
"""Indices at which k-subgroups are searched: those of another type occur at no other index (IT A1, 2.2)."""


@dataclass(frozen=True)
class Subgroup:
    """A maximal subgroup, up to its place among others of the same type on the same cell."""

    parent: str
    group: str
    kind: Kind
    index: int
    """Order of the parent over that of the subgroup, or volume of its cell over the parent's."""
    cell: Matrix
    """Its primitive basis in coordinates of the parent's, one vector a column: the identity for a t-subgroup."""
    operations: tuple[Op, ...]
    """On that cell, identity first; those of one subgroup where there are several."""
    count: int
    """How many subgroups of this type there are on this cell, conjugate ones counted; origins are not."""

    @property
    def label(self) -> str:
        """``t2`` or ``k3``: the kind with the index, as Bärnighausen trees print it."""
        return f"{self.kind}{self.index}"


@cache
def t_subgroups(name: str) -> tuple[tuple[Op, ...], ...]:
    """All translationengleiche subgroups but the group itself: operations on its primitive cell, largest first.

    Point groups of the plane are cyclic or dihedral, so two operations generate any subgroup.
    """
    operations = primitive_operations(name)
    pairs = [(), *((op,) for op in operations), *combinations(operations, 2)]
    found = {close(generators) for generators in pairs} - {close(operations)}
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


@cache
def maximal_t_subgroups(name: str) -> tuple[Subgroup, ...]:
    """The maximal translationengleiche subgroups, one `Subgroup` a type, largest first."""
    order, sets = len(primitive_operations(name)), [set(each) for each in t_subgroups(name)]
    maximal = [
        found for found, own in zip(t_subgroups(name), sets, strict=True) if not any(own < other for other in sets)
    ]
    by_type: dict[str, list[tuple[Op, ...]]] = {}
    for found in maximal:
        by_type.setdefault(classify(found), []).append(found)
    return tuple(
        Subgroup(name, group, "t", order // len(those[0]), IDENTITY_MATRIX, those[0], len(those))
        for group, those in sorted(by_type.items(), key=lambda item: (-len(item[1][0]), plane_group(item[0]).index))
    )


@cache
def k_subgroups(name: str) -> tuple[Subgroup, ...]:
    """The klassengleiche subgroups of the indices `K_INDICES`, all of them maximal; one a type and cell.

    Those of the group's own type are among them.
    """
    found = []
    for index in K_INDICES:
        for cell in _invariant_cells(name, index):
            by_type: dict[str, list[tuple[Op, ...]]] = {}
            for operations in sorted(_lifts(name, cell)):
                by_type.setdefault(classify(operations), []).append(operations)
            found += [Subgroup(name, group, "k", index, cell, those[0], len(those)) for group, those in by_type.items()]
    return tuple(sorted(found, key=lambda each: (each.index, plane_group(each.group).index, each.cell)))


@cache
def klassengleiche(parent: str, group: str) -> Subgroup | None:
    """The k-subgroup of least index by which `group` lies in `parent`, on the plainest cell; None if none is."""
    fitting = [each for each in k_subgroups(parent) if each.group == group]
    return min(fitting, key=lambda each: (each.index, _bends(each.cell)), default=None)


def edges(*, kind: Kind | None = None) -> tuple[Subgroup, ...]:
    """The maximal subgroups of another type for all 17 groups, one for each pair of types and kind."""
    t_edges = [each for name in GROUP_NAMES for each in maximal_t_subgroups(name)]
    pairs = [(parent, group) for parent, group in product(GROUP_NAMES, repeat=2) if parent != group]
    k_edges = [found for pair in pairs if (found := klassengleiche(*pair)) is not None]
    return tuple(each for each in (*t_edges, *k_edges) if kind in (None, each.kind))


@cache
def subgroup_chain(group: str, subgroup: str) -> tuple[Subgroup, ...] | None:
    """The fewest maximal t-steps from `group` down to `subgroup`; () for itself, None if it is no t-subgroup."""
    chains: deque[tuple[str, tuple[Subgroup, ...]]] = deque([(plane_group(group).name, ())])
    while chains:
        reached, chain = chains.popleft()
        if reached == plane_group(subgroup).name:
            return chain
        chains.extend((step.group, (*chain, step)) for step in maximal_t_subgroups(reached))
    return None


@cache
def contains(group: str, subgroup: str) -> bool:
    """Whether `group` has subgroups of the type `subgroup`, by t- and k-steps of any number."""
    frontier, seen = [group], {group}
    while frontier:
        below = {step.group for step in edges() if step.parent in frontier} - seen
        seen |= below
        frontier = list(below)
    return subgroup in seen


def supergroups(name: str) -> tuple[str, ...]:
    """Types that have `name` as a t-subgroup of any index, itself not among them, in the order of their numbers."""
    return tuple(each for each in PLANE_GROUPS if each != name and subgroup_chain(each, name) is not None)


def _invariant_cells(name: str, index: int) -> Iterator[Matrix]:
    """Bases, reduced, of the sublattices of this index that the group's matrices map onto themselves."""
    matrices = {op.rot for op in primitive_operations(name)}
    for first in (each for each in range(1, index + 1) if index % each == 0):
        for off in range(index // first):
            cell: Matrix = ((first, 0), (off, index // first))  # all sublattices: Hermite normal forms
            if all(_within(cell, multiply(matrix, cell)) for matrix in matrices):
                yield _reduced(name, cell)


def _within(cell: Matrix, vectors: Matrix) -> bool:
    """Whether the columns of `vectors` are integer combinations of those of `cell`."""
    return all(value % determinant(cell) == 0 for row in multiply(_adjugate(cell), vectors) for value in row)


def _lifts(name: str, cell: Matrix) -> set[tuple[Op, ...]]:
    """The subgroups with the full point group and the translations of `cell` alone, in its coordinates."""
    operations = primitive_operations(name)
    generators = _generators(operations)
    choices = [[_on_cell(op, cell, translation) for translation in _cosets(cell)] for op in generators]
    found = {close(chosen) for chosen in product(*choices)}
    return {each for each in found if len(each) == len(operations)}


def _generators(operations: tuple[Op, ...]) -> tuple[Op, ...]:
    """As few of the operations as generate all of them."""
    sets = (chosen for count in range(3) for chosen in combinations(operations, count))
    return next(chosen for chosen in sets if len(close(chosen)) == len(operations))


def _cosets(cell: Matrix) -> tuple[Shift, ...]:
    """A translation for each class of the parent's lattice modulo the cell's."""
    index, by_class = determinant(cell), {}
    for u, v in product(range(index), repeat=2):
        x, y = transform(_adjugate(cell), (u, v))
        by_class[x % index, y % index] = (u, v)
    return tuple(by_class.values())


def _on_cell(op: Op, cell: Matrix, translation: Shift) -> Op:
    """The operation (W | w + t) in coordinates of the cell B: (B^-1 W B | B^-1 (w + t))."""
    det, adjugate = determinant(cell), _adjugate(cell)
    (a, b), (c, d) = multiply(multiply(adjugate, op.rot), cell)
    u, v = transform(adjugate, (op.shift[0] + translation[0] * DEN, op.shift[1] + translation[1] * DEN))
    assert u % det == v % det == 0, f"a shift of {op.xyz} on {cell} must be whole twelfths"
    return Op(((a // det, b // det), (c // det, d // det)), (u // det, v // det))


def _adjugate(matrix: Matrix) -> Matrix:
    (a, b), (c, d) = matrix
    return ((d, -b), (-c, a))


def _reduced(name: str, cell: Matrix) -> Matrix:
    """The plainest basis of the sublattice: short vectors at a wide angle on the group's typical lattice."""
    group = plane_group(name)
    metric = primitive_metric(group, Lattice.standard(group.system).metric)
    size = determinant(cell)

    def badness(basis: Matrix) -> tuple[float, int]:
        new = change_basis(metric, basis)
        return round(float(np.trace(new)) + (1e-3 if new[0, 1] > 1e-9 else 0.0), 6), _bends(basis)

    numbers = range(-size, size + 1)
    bases = (((a, b), (c, d)) for a, b, c, d in product(numbers, repeat=4) if a * d - b * c == size)
    return min((basis for basis in bases if _within(cell, basis)), key=badness)


def _bends(cell: Matrix) -> int:
    """Small for a basis along the parent's vectors."""
    (a, b), (c, d) = cell
    return abs(a) + 2 * abs(b) + 2 * abs(c) + abs(d) + sum(value < 0 for value in (a, b, c, d))
