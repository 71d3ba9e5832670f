from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.conftest import ALL_GROUPS
from wallpaper.plane import PlaneGroup, plane_group
from wallpaper.symmetry import permutation, project
from wallpaper.training.augment import (
    axis_changes,
    move,
    origin_shifts,
    random_moves,
    random_orders,
    random_symmetry,
    reordered,
)

SIDE = 12


def patterns(group: PlaneGroup, count: int = 30) -> torch.Tensor:
    """(count, 3, n, n) copies of one pattern of the group, integers, so that equality needs no tolerance."""
    image = torch.randint(256, (3, SIDE, SIDE), generator=torch.Generator().manual_seed(group.index)).double()
    return project(image * 24 * 12, group.index).expand(count, 3, SIDE, SIDE)


def moved(image: torch.Tensor, group: torch.Tensor, seed: int) -> torch.Tensor:
    """Origin and axes drawn anew, as a training does."""
    return move(image, random_moves(group, SIDE, torch.Generator().manual_seed(seed)))


def test_a_move_is_the_permutation_of_its_operation() -> None:
    image = torch.rand(1, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    for op in plane_group("p4g").operations:
        row = [*op.rot[0], *op.rot[1], *(s * SIDE // 12 for s in op.shift)]
        expected = image.flatten(2)[..., torch.from_numpy(permutation(op, SIDE))].view_as(image)
        assert torch.equal(move(image, torch.tensor([row])), expected)


@ALL_GROUPS
def test_a_symmetry_of_the_group_leaves_its_patterns_alone(group: PlaneGroup) -> None:
    image = patterns(group)
    moves = random_symmetry(torch.full((len(image),), group.index), SIDE, torch.Generator().manual_seed(0))
    assert torch.equal(move(image, moves), image)
    assert len(torch.unique(moves, dim=0)) > len(group.operations) / 2


@ALL_GROUPS
def test_augmented_patterns_are_others_of_the_same_group(group: PlaneGroup) -> None:
    image = patterns(group)
    other = moved(image, torch.full((len(image),), group.index), 0)
    torch.testing.assert_close(project(other, group.index), other, rtol=0, atol=1e-9)
    assert torch.equal(other.flatten(1).sort()[0], image.flatten(1).sort()[0])
    others = 1 if group.name == "p6m" else 2  # p6m is its own normaliser (International Tables A, 3.5.2.1)
    assert len(torch.unique(other.flatten(1), dim=0)) >= others


def test_each_sample_of_a_mixed_batch_stays_in_its_own_group() -> None:
    group = torch.arange(17).repeat(5)
    image = torch.cat([patterns(plane_group(int(index)), 1) for index in group])
    other = moved(image, group, 0)
    torch.testing.assert_close(project(other, group), other, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("group", "count"),
    # Translations of the Euclidean normalisers, International Tables A (2016), table 3.5.2.1, on a 12 x 12 grid:
    # any; 1/2,0 and 0,1/2; any y with 1/2,0; 1/2,1/2; thirds for p3 and p3m1 (not p31m), only the origin for p6.
    [
        ("p1", 144),
        ("p2", 4),
        ("pm", 24),
        ("pg", 24),
        ("cm", 24),
        ("pmm", 4),
        ("pgg", 4),
        ("cmm", 4),
        ("p4", 2),
        ("p4m", 2),
        ("p4g", 2),
        ("p3", 3),
        ("p3m1", 3),
        ("p31m", 1),
        ("p6", 1),
        ("p6m", 1),
    ],
)
def test_origin_shifts_are_those_of_international_tables(group: str, count: int) -> None:
    assert len(origin_shifts(group, SIDE)) == count


def test_thirds_that_miss_the_grid_are_left_out() -> None:
    assert origin_shifts("p3", 16).tolist() == [[0, 0]]
    assert {tuple(row) for row in origin_shifts("pm", 8)} == {(x, y) for x in (0, 4) for y in range(8)}


@ALL_GROUPS
def test_axis_changes_form_a_group_that_holds_the_point_operations_about_the_origin(group: PlaneGroup) -> None:
    turns = axis_changes(group.name)
    assert {a @ b for a in turns for b in turns} == set(turns)
    assert {op for op in group.operations if op.shift == (0, 0)} <= set(turns)
    for turn in turns:
        moved = tuple(turn @ op @ turn.inverse() for op in group.operations)
        assert set(moved) == set(group.operations)
    assert len(turns) % len({op.rot for op in group.operations if op.shift == (0, 0)}) == 0


def test_generator_decides() -> None:
    group = torch.arange(17)
    image = torch.rand(17, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    first, again, other = (moved(image, group, s) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert np.array_equal(np.sort(first[0].numpy().ravel()), np.sort(image[0].numpy().ravel()))


def test_colours_change_places_only() -> None:
    image = torch.rand(40, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    other = reordered(image, random_orders(*image.shape[:2], torch.Generator().manual_seed(0)))
    assert torch.equal(other.sort(dim=1)[0], image.sort(dim=1)[0])
    assert len(torch.unique((other[:, :, None] == image[:, None]).flatten(1), dim=0)) == 6
