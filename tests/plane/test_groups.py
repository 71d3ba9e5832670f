"""The 17 rows against the printed page: operations, properties, names; and the group axioms."""

from __future__ import annotations

import pytest

from tests.conftest import ALL_GROUPS
from tests.plane.printed import CENTRED, GENERAL_POSITIONS, PROPERTIES
from wallpaper.plane import GROUP_NAMES, PLANE_GROUPS, Op, PlaneGroup, plane_group
from wallpaper.plane.operation import IDENTITY


def test_there_are_seventeen_in_the_books_order() -> None:
    assert tuple(PROPERTIES) == GROUP_NAMES == tuple(PLANE_GROUPS)
    assert [group.index for group in PLANE_GROUPS.values()] == list(range(17))


@ALL_GROUPS
def test_operations_are_the_printed_general_position(group: PlaneGroup) -> None:
    printed = GENERAL_POSITIONS[group.name].split()
    if group.name in CENTRED:
        printed += [text.replace(",", "+1/2,") + "+1/2" for text in printed]
    assert {op.xyz for op in group.operations} == set(printed)
    assert len(group.operations) == len(printed)


@ALL_GROUPS
def test_operations_form_a_group(group: PlaneGroup) -> None:
    operations = set(group.operations)
    assert group.operations[0] == IDENTITY
    assert {g @ h for g in operations for h in operations} == operations
    assert {g.inverse() for g in operations} == operations


@ALL_GROUPS
def test_properties_are_the_printed_ones(group: PlaneGroup) -> None:
    lines = (group.reflections, group.glides)
    ours = (group.number, group.full_symbol, group.system, group.order, group.rotation_order, *lines, group.orbifold)
    assert ours == PROPERTIES[group.name]


@ALL_GROUPS
def test_orbifold_costs_two(group: PlaneGroup) -> None:
    """Conway's magic theorem: a plane group's symbols cost exactly 2, so the orbifold is Euclidean."""
    before, _, after = group.orbifold.partition("*")
    crosses = group.orbifold.count("x")
    cost = 2.0 * group.orbifold.count("o") + crosses + group.orbifold.count("*")
    cost += sum((int(d) - 1) / int(d) for d in before if d.isdigit())
    cost += sum((int(d) - 1) / (2 * int(d)) for d in after if d.isdigit())
    assert cost == pytest.approx(2)


@ALL_GROUPS
def test_centring(group: PlaneGroup) -> None:
    assert group.centring == (((0, 0), (6, 6)) if group.name in CENTRED else ((0, 0),))
    assert len(group.operations) == group.order * len(group.centring)


@ALL_GROUPS
def test_lookup_by_every_name(group: PlaneGroup) -> None:
    assert plane_group(group.name) is plane_group(group.full_symbol) is plane_group(group.index) is group
    assert str(group) == group.name


@pytest.mark.parametrize("name", ["p5", "", "P4M", "p4mmm"])
def test_unknown_names_are_refused_with_the_list(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown wallpaper group '{name}'; one of p1, p2, pm, .*, p6m"):
        plane_group(name)


@pytest.mark.parametrize("index", [-1, 17])
def test_unknown_indices_are_refused(index: int) -> None:
    with pytest.raises(ValueError, match=rf"a group index must be in 0\.\.16, but got {index}"):
        plane_group(index)


def test_the_printed_page_tells_a_group_in_another_setting() -> None:
    """pmg with its axes exchanged is a group of the same order and properties; only the page tells."""
    exchanged = {Op.parse("y,x") @ op @ Op.parse("y,x") for op in PLANE_GROUPS["pmg"].operations}
    assert {g @ h for g in exchanged for h in exchanged} == exchanged
    assert {op.xyz for op in exchanged} != set(GENERAL_POSITIONS["pmg"].split())
