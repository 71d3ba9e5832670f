"""Normalisers against International Tables, and that they are what they say."""

from __future__ import annotations

import math

import pytest

from tests.conftest import ALL_GROUPS
from wallpaper.plane import Op, PlaneGroup
from wallpaper.plane.normaliser import free_directions, normaliser

# International Tables A (2016), table 3.5.2.2: normalisers of the plane groups with a finite index; translations times
# the changes of axes, those that only a richer metric allows included (pmm, pgg, cmm: a and b exchanged).
INDEX = {
    "pmm": 4 * 2, "pmg": 4, "pgg": 4 * 2, "cmm": 2 * 2, "p4": 2 * 2, "p4m": 2, "p4g": 2,
    "p3": 3 * 2 * 2, "p3m1": 3 * 2, "p31m": 2, "p6": 2, "p6m": 1,
}  # fmt: skip
FREE = {"p1": (0, 1), "pm": (1,), "pg": (1,), "cm": (1,)}
SHIFTS = {"p2": 4, "pm": 2, "pg": 2, "cm": 1, "p3": 3, "p3m1": 3, "p31m": 1, "p4": 2, "p6": 1}


@ALL_GROUPS
def test_every_frame_turns_the_group_into_itself(group: PlaneGroup) -> None:
    for frame in normaliser(group.name):
        assert {frame @ op @ frame.inverse() for op in group.operations} == set(group.operations)


@ALL_GROUPS
def test_no_two_frames_differ_by_an_operation(group: PlaneGroup) -> None:
    frames = normaliser(group.name)
    assert frames[0] == Op.parse("x,y")
    differences = {g @ h.inverse() for g in frames for h in frames if g != h}
    free = free_directions(group.name)
    for op in differences & {op for op in group.operations if not free}:
        pytest.fail(f"{op} is in {group}")


@pytest.mark.parametrize("name", INDEX)
def test_there_are_as_many_cosets_as_the_tables_say(name: str) -> None:
    assert len(normaliser(name)) == INDEX[name]


@ALL_GROUPS
def test_the_origin_is_free_along_mirrors_without_a_second_direction_only(group: PlaneGroup) -> None:
    assert free_directions(group.name) == FREE.get(group.name, ())


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts_that_turn_nothing(name: str) -> None:
    pure = [frame for frame in normaliser(name) if frame.rot == ((1, 0), (0, 1))]
    assert len(pure) == SHIFTS[name]


def test_axes_of_an_oblique_cell_can_be_any() -> None:
    axes = {frame.rot for frame in normaliser("p1")}
    assert {((1, 1), (0, 1)), ((0, 1), (-1, 0)), ((1, 0), (2, 1)), ((-1, 0), (0, 1))} <= axes
    assert all(abs(a * d - b * c) == 1 for (a, b), (c, d) in axes)
    assert len({frame.rot for frame in normaliser("p2")}) == math.ceil(len(axes) / 2)  # p2 has -1 itself
