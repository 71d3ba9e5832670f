"""Permutations of samples: they move images as the operations say, and compose as they do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.conftest import ALL_GROUPS
from wallpaper.plane import PLANE_GROUPS, Op, PlaneGroup
from wallpaper.symmetry import group_orbits, orbits_of, permutation, permutations
from wallpaper.symmetry.index_maps import Indices

SIDES = pytest.mark.parametrize("side", [12, 16])


def negative(image: np.ndarray, axis: int) -> np.ndarray:
    """f(-x) on a torus whose origin is sample 0: a flip that keeps sample 0."""
    return np.roll(np.flip(image, axis), 1, axis)


def shifted(image: np.ndarray, axis: int) -> np.ndarray:
    """f(x + 1/2)."""
    return np.roll(image, -image.shape[axis] // 2, axis)


BY_HAND: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "x,y": lambda f: f,
    "-x,y": lambda f: negative(f, 0),
    "x,-y": lambda f: negative(f, 1),
    "-x,-y": lambda f: negative(negative(f, 0), 1),
    "y,x": lambda f: f.T,
    "-y,x": lambda f: negative(f, 0).T,
    "y,-x": lambda f: negative(f, 1).T,
    "x+1/2,y": lambda f: shifted(f, 0),
    "x,y+1/2": lambda f: shifted(f, 1),
    "-x,y+1/2": lambda f: shifted(negative(f, 0), 1),
    "-x+1/2,y": lambda f: negative(shifted(f, 0), 0),
}


@SIDES
@pytest.mark.parametrize("text", BY_HAND)
def test_permutation_moves_the_image_as_written(text: str, side: int) -> None:
    image = np.random.default_rng(0).random((side, side))
    moved = image.reshape(-1)[permutation(Op.parse(text), side)].reshape(side, side)
    assert np.array_equal(moved, BY_HAND[text](image))


@SIDES
def test_a_sixfold_rotation_sample_by_sample(side: int) -> None:
    """(g f)(x, y) = f(x - y, x), written as a loop."""
    image = np.random.default_rng(0).random((side, side))
    moved = image.reshape(-1)[permutation(Op.parse("x-y,x"), side)].reshape(side, side)
    assert all(moved[i, j] == image[(i - j) % side, i] for i in range(side) for j in range(side))


@SIDES
@ALL_GROUPS
def test_permutations_compose_as_operations_do(group: PlaneGroup, side: int) -> None:
    """f(g(h x)): the index map of g @ h is that of g, taken at the samples to which h leads."""
    maps = dict(zip(group.operations, permutations(group.operations, side), strict=True))
    for g in group.operations:
        assert np.array_equal(np.sort(maps[g]), np.arange(side * side))
        assert np.array_equal(maps[g][maps[g.inverse()]], np.arange(side * side))
        for h in group.operations:
            assert np.array_equal(maps[g @ h], maps[g][maps[h]])


@SIDES
@ALL_GROUPS
def test_orbits_are_the_samples_that_operations_reach(group: PlaneGroup, side: int) -> None:
    orbits = orbits_of(group.operations, side)
    reached: list[set[int]] = [set(column) for column in permutations(group.operations, side).T.tolist()]
    for sample, orbit in enumerate(reached):
        assert orbits.first[sample] == min(orbit)
        assert orbits.size[sample] == len(orbit)
        assert len(group.operations) % len(orbit) == 0


@SIDES
def test_group_orbits_stack_all_groups(side: int) -> None:
    stacked = group_orbits(side)
    for group in PLANE_GROUPS.values():
        alone = orbits_of(group.operations, side)
        assert np.array_equal(stacked.first[group.index], alone.first)
        assert np.array_equal(stacked.size[group.index], alone.size)


@ALL_GROUPS
def test_burnside_counts_the_orbits(group: PlaneGroup) -> None:
    """The number of orbits is the mean number of samples that an operation leaves in place."""
    maps: Indices = permutations(group.operations, 12)
    fixed = (maps == np.arange(144)).sum(axis=1)
    assert fixed.mean() == len(np.unique(orbits_of(group.operations, 12).first))


@pytest.mark.parametrize("side", [0, -2, 7])
def test_group_orbits_refuse_sides_that_glides_miss(side: int) -> None:
    with pytest.raises(ValueError, match=f"`side % 2 == 0 and side > 0` must hold .*, but got side={side}"):
        group_orbits(side)


def test_translations_between_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"translation of 'x\+1/4,y' land on the grid, but got side=6; use a multiple"):
        permutation(Op.parse("x+1/4,y"), 6)
