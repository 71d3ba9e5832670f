"""Symmetry elements against the printed ones, against plain geometry, and in other settings."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ALL_GROUPS
from tests.plane.printed_elements import CENTRES, LINES, MIRRORS_THROUGH
from wallpaper.plane import Lattice, Op, PlaneGroup, align, plane_group, primitive_operations
from wallpaper.plane.elements import Line, symmetry_elements

ATOL = 1e-12  # products of a few numbers of order 1 in float64

EQUATIONS = {(1, 0): "x", (0, 1): "y", (1, -1): "x-y", (1, 1): "x+y", (2, -1): "2x-y", (1, -2): "x-2y"}

FRAMES = st.tuples(
    st.sampled_from([((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 1), (0, 1)), ((2, 1), (1, 1)), ((0, -1), (1, 1))]),
    st.tuples(st.integers(0, 11), st.integers(0, 11)),
)


def equation(line: Line) -> str:
    return f"{line.kind[0]} {EQUATIONS[line.normal]}={line.offset}"


@ALL_GROUPS
def test_centres_are_the_printed_ones(group: PlaneGroup) -> None:
    printed = {
        (tuple(Fraction(value) for value in point.split(",")), int(site[0]), MIRRORS_THROUGH[site])
        for site, points in CENTRES[group.name].items()
        for point in points.split()
    }
    found = symmetry_elements(group.operations).centres
    assert len(found) == len(printed)
    assert {(c.point, c.order, c.mirrors) for c in found} == printed


@ALL_GROUPS
def test_lines_are_the_printed_ones(group: PlaneGroup) -> None:
    found = symmetry_elements(group.operations)
    assert sorted(map(equation, found.lines)) == sorted(filter(None, LINES[group.name].split("  ")))
    assert set(found.lines) == set(found.mirrors) | set(found.glides)
    assert {line.glide for line in found.glides} <= {Fraction(1, 2)}


@ALL_GROUPS
def test_every_element_is_what_it_says_in_the_plane(group: PlaneGroup) -> None:
    """Turned and reflected by Cartesian matrices, a point lands where an operation and a translation put it."""
    basis, point = Lattice.standard(group.system).basis, np.array([0.2371, 0.1113])
    images = np.array([np.array(op.rot) @ point + np.array(op.shift) / 12 for op in group.operations])

    def is_image(cartesian: np.ndarray) -> bool:
        offsets = np.linalg.inv(basis) @ cartesian - images
        return bool((np.abs(offsets - np.rint(offsets)).max(axis=1) < ATOL).any())

    x = basis @ point
    found = symmetry_elements(group.operations)
    for centre in found.centres:
        turn, c = 2 * np.pi / centre.order, basis @ np.array(centre.point, float)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        assert is_image(c + rotation @ (x - c)), centre
    for line in found.lines:
        along, normal = basis @ line.direction, np.linalg.inv(basis).T @ line.normal
        foot = normal * float(line.offset) / (normal @ normal)
        reflected = x - 2 * normal * ((x - foot) @ normal) / (normal @ normal)
        assert is_image(reflected + float(line.glide) * along), line
        assert line.kind == "mirror" or not is_image(reflected), line


@ALL_GROUPS
@given(frame=FRAMES)
def test_elements_move_along_with_a_change_of_axes_and_origin(
    group: PlaneGroup, frame: tuple[tuple[tuple[int, int], tuple[int, int]], tuple[int, int]]
) -> None:
    change = Op(*frame)
    before = symmetry_elements(group.operations)
    after = symmetry_elements(change @ op @ change.inverse() for op in group.operations)
    (a, b), (c, d) = change.rot
    moved = {
        ((a * x + b * y + Fraction(change.shift[0], 12)) % 1, (c * x + d * y + Fraction(change.shift[1], 12)) % 1)
        for x, y in (centre.point for centre in before.centres)
    }
    assert {centre.point for centre in after.centres} == moved
    kinds = [sorted((c.order, c.mirrors) for c in found.centres) for found in (before, after)]
    assert kinds[0] == kinds[1]
    assert [len(before.mirrors), len(before.glides)] == [len(after.mirrors), len(after.glides)]


@ALL_GROUPS
def test_kinds_of_lines_agree_with_the_group_s_own_count(group: PlaneGroup) -> None:
    found = symmetry_elements(group.operations)
    assert len({line.direction for line in found.mirrors}) == group.reflections
    assert len({line.direction for line in found.glides}) == group.glides


@pytest.mark.parametrize(("name", "centres", "lines"), [("cm", 0, 2), ("cmm", 4, 4)])
def test_a_primitive_cell_has_half_the_area_and_so_half_the_elements(name: str, centres: int, lines: int) -> None:
    """Of cmm's centres two 2mm and two 2 are left; its lines run along the diagonals of the primitive cell."""
    found = symmetry_elements(primitive_operations(name))
    conventional = symmetry_elements(plane_group(name).operations)
    assert (len(found.centres), len(found.lines)) == (centres, lines)
    assert (len(conventional.centres), len(conventional.lines)) == (2 * centres, 2 * lines)
    assert {line.glide for line in found.lines} == {Fraction(0), Fraction(1, 2)}


@pytest.mark.parametrize("pair", [("p4m", "p6m"), ("cmm", "p4m"), ("p31m", "cmm")], ids=str)
def test_common_subgroups_of_a_transition_have_elements(pair: tuple[str, str]) -> None:
    found = align(*pair)
    both = symmetry_elements(found.common)
    for name in (primitive_operations(found.source), found.target_operations):
        whole = symmetry_elements(name)
        assert {c.point for c in both.centres} <= {c.point for c in whole.centres}
        assert {(m.normal, m.offset) for m in both.mirrors} <= {(m.normal, m.offset) for m in whole.mirrors}


def test_operations_that_form_no_group_are_refused() -> None:
    with pytest.raises(ValueError, match=r"close\(operations\) == operations.*'-x,y\+1/2'.*pass them through"):
        symmetry_elements([Op.parse("x,y"), Op.parse("-x,y+1/2"), Op.parse("x,-y")])


def test_the_elements_are_sorted_and_do_not_depend_on_the_order_of_operations() -> None:
    operations = plane_group("pmg").operations
    assert len({symmetry_elements(order) for order in itertools.permutations(operations)}) == 1
