"""Subgroups: against the printed tables, and against a search through every subset of the operations."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.conftest import ALL_GROUPS
from tests.plane.printed import MAXIMAL_SUBGROUPS
from wallpaper.plane import DEN, GROUP_NAMES, Lattice, Op, PlaneGroup, classify, plane_group, primitive_operations
from wallpaper.plane.lattice import change_basis
from wallpaper.plane.operation import IDENTITY, IDENTITY_MATRIX, determinant
from wallpaper.plane.relations import primitive_metric
from wallpaper.plane.subgroups import (
    contains,
    edges,
    k_subgroups,
    klassengleiche,
    maximal_t_subgroups,
    subgroup_chain,
    supergroups,
    t_subgroups,
)

KLASSENGLEICHE = {
    "pm": {"pg": 2, "cm": 2},
    "cm": {"pm": 2, "pg": 2},
    "pmm": {"pmg": 2, "cmm": 2},
    "pmg": {"pgg": 2},
    "cmm": {"pmm": 2, "pmg": 2, "pgg": 2},
    "p4m": {"p4g": 2},
    "p3m1": {"p31m": 3},
    "p31m": {"p3m1": 3},
}
"""Maximal klassengleiche subgroups of another type and their indices, as International Tables A (2002), chapter 6,
prints them under IIa and IIb; the other nine groups have none."""

CONJUGATES = {
    ("pmm", "pm"): 2,
    ("pgg", "pg"): 2,
    ("cmm", "cm"): 2,
    ("p3m1", "cm"): 3,
    ("p31m", "cm"): 3,
    ("p6m", "cmm"): 3,
}
"""Numbers of maximal t-subgroups of one type, where there are several: one for each direction of lines."""


def composed(first: Op, second: Op) -> Op:
    """The product by matrices of twelfths, sharing nothing with `Op.__matmul__`."""
    g, h = (np.array([[*op.rot[0], op.shift[0]], [*op.rot[1], op.shift[1]], [0, 0, 1]]) for op in (first, second))
    (a, b, u), (c, d, v), _ = (g @ h).tolist()
    return Op(((a, b), (c, d)), (u, v))


@ALL_GROUPS
def test_t_subgroups_are_all_closed_subsets(group: PlaneGroup) -> None:
    operations = primitive_operations(group.name)
    others = [op for op in operations if op != IDENTITY]
    closed = set()
    for count in range(len(others)):
        if len(operations) % (count + 1):
            continue  # Lagrange
        for chosen in combinations(others, count):
            subset = {IDENTITY, *chosen}
            if all(composed(g, h) in subset for g in subset for h in subset):
                closed.add(frozenset(subset))
    assert {frozenset(each) for each in t_subgroups(group.name)} == closed


@ALL_GROUPS
def test_maximal_t_subgroups_are_the_printed_ones(group: PlaneGroup) -> None:
    found = maximal_t_subgroups(group.name)
    assert {each.group for each in found} == set(MAXIMAL_SUBGROUPS.get(group.name, ()))
    for each in found:
        assert each.index == group.order // plane_group(each.group).order
        assert each.count == CONJUGATES.get((group.name, each.group), 1)
        assert each.cell == IDENTITY_MATRIX
        assert set(each.operations) < set(primitive_operations(group.name))
        assert each.label == f"t{each.index}"


@ALL_GROUPS
def test_klassengleiche_subgroups_of_another_type_are_the_printed_ones(group: PlaneGroup) -> None:
    found = {each.group: each.index for each in k_subgroups(group.name) if each.group != group.name}
    assert found == KLASSENGLEICHE.get(group.name, {})
    assert {name for name in GROUP_NAMES if name != group.name and klassengleiche(group.name, name)} == set(found)


@ALL_GROUPS
def test_k_subgroups_keep_the_point_group_and_act_as_the_parent_does(group: PlaneGroup) -> None:
    """Back in the parent's coordinates, x = B x', each operation is one of the parent's up to a translation."""
    parent = set(primitive_operations(group.name))
    metric = primitive_metric(group, Lattice.standard(group.system).metric)
    for each in k_subgroups(group.name):
        assert determinant(each.cell) == each.index
        assert len(each.operations) == group.order
        assert classify(each.operations) == each.group
        basis = np.array(each.cell)
        inverse = np.linalg.inv(basis)
        for op in each.operations:
            rot = np.rint(basis @ np.array(op.rot) @ inverse).astype(int)
            shift = np.rint(basis @ np.array(op.shift)).astype(int)
            (a, b), (c, d) = rot.tolist()
            assert Op(((a, b), (c, d)), (int(shift[0]), int(shift[1]))) in parent
            own = change_basis(metric, each.cell)
            np.testing.assert_allclose(change_basis(own, op.rot), own, rtol=0, atol=1e-9)


def test_the_tree_has_31_t_edges_and_13_k_edges() -> None:
    """40 maximal t-subgroups, conjugates counted, are of 31 pairs of types."""
    assert len(edges(kind="t")) == 31
    assert sum(each.count for each in edges(kind="t")) == 40
    assert len(edges(kind="k")) == 13
    assert {each.kind for each in edges()} == {"t", "k"}


def test_the_root_three_cell_turns_p3m1_into_p31m() -> None:
    found = klassengleiche("p3m1", "p31m")
    assert found is not None
    assert (found.index, found.label) == (3, "k3")
    metric = change_basis(Lattice.standard("hexagonal").metric, found.cell)
    cell = Lattice.from_metric(metric)
    assert cell.a == pytest.approx(np.sqrt(3) * Lattice.standard("hexagonal").a)
    assert cell.meets("hexagonal")


@ALL_GROUPS
def test_chains_go_down_by_maximal_steps(group: PlaneGroup) -> None:
    for name in GROUP_NAMES:
        chain = subgroup_chain(group.name, name)
        types = {classify(each) for each in t_subgroups(group.name)} | {group.name}
        assert (chain is not None) == (name in types)
        if chain:
            assert (chain[0].parent, chain[-1].group) == (group.name, name)
            assert np.prod([step.index for step in chain]) == group.order // plane_group(name).order
            assert group.name in supergroups(name)


def test_what_contains_what() -> None:
    assert contains("p6m", "p2")
    assert contains("pm", "cm")
    assert contains("cm", "pm")
    assert contains("p4m", "pmg")  # by pmm, on a doubled cell
    assert not contains("p4g", "p4m")
    assert not contains("p3", "p2")
    assert contains("pg", "pg")


def test_shifts_of_all_subgroups_are_whole_twelfths() -> None:
    assert all(0 <= part < DEN for each in edges() for op in each.operations for part in op.shift)
