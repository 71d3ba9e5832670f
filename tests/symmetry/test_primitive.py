"""Centred images on their primitive cell: samples kept, waves in closed form, projection without a seam."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.conftest import ALL_GROUPS
from wallpaper.plane import DEN, PLANE_GROUPS, Op, PlaneGroup, plane_group, primitive_operations
from wallpaper.symmetry import project, project_onto, project_primitive, pull_back, residuals, to_primitive

SIDE = 24
CENTRED = ("cm", "cmm")
CENTRED_GROUPS = pytest.mark.parametrize("name", CENTRED)
PRIMITIVE_GROUPS = pytest.mark.parametrize("name", [name for name in PLANE_GROUPS if name not in CENTRED])

EXACT = 1e-12
"""A few float64 sums and products of numbers near 1."""

frames = st.builds(
    Op,
    st.sampled_from((((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 1), (0, 1)), ((0, -1), (1, -1)), ((-1, 0), (1, 1)))),
    st.tuples(st.integers(0, DEN - 1), st.integers(0, DEN - 1)),
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wave(h: int, k: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A wave of the conventional cell; it has the centring if h + k is even."""
    values: np.ndarray = np.cos(2 * np.pi * (h * x + k * y) + 0.7)
    return values


def conventional(side: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = np.indices((side, side)) / side
    return i, j


def primitive(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Conventional coordinates of the primitive cell's samples; its vectors are (a + b)/2 and (b - a)/2."""
    i, j = np.indices((side, side)) / side
    return (i - j) / 2, (i + j) / 2


@PRIMITIVE_GROUPS
def test_the_cell_of_a_primitive_group_stays(name: str) -> None:
    image = noise(3, SIDE, SIDE)
    assert torch.equal(to_primitive(image, name), image)


@CENTRED_GROUPS
def test_samples_that_fall_on_old_ones_are_kept(name: str) -> None:
    image = project(noise(2, 3, SIDE, SIDE), plane_group(name).index)
    moved = to_primitive(image, name)
    x, y = primitive(SIDE)
    i, j = np.indices((SIDE, SIDE))
    whole = (i + j) % 2 == 0
    assert whole.sum() == SIDE * SIDE / 2
    rows, columns = (np.rint(value * SIDE).astype(int) % SIDE for value in (x[whole], y[whole]))
    assert torch.equal(moved[..., i[whole], j[whole]], image[..., rows, columns])


@CENTRED_GROUPS
@pytest.mark.parametrize(("h", "k"), [(1, 1), (2, 0), (0, 2), (3, -1)])
def test_a_wave_keeps_its_closed_form(name: str, h: int, k: int) -> None:
    errors = []
    for side in (32, 64):
        moved = to_primitive(torch.from_numpy(wave(h, k, *conventional(side))), name).numpy()
        errors.append(np.abs(moved - wave(h, k, *primitive(side))).max())
    # Half-way the kernel errs by (3/128) s^4 of the 4th difference s = 2 pi h / n, in each direction.
    bound = sum((3 / 128) * (2 * np.pi * frequency / 64) ** 4 for frequency in (h, k))
    assert errors[1] <= 1.1 * bound
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.15)  # fourth order


@ALL_GROUPS
def test_the_projection_is_invariant_bit_for_bit(group: PlaneGroup) -> None:
    image = noise(2, 3, SIDE, SIDE).float()
    projected = project_primitive(image, group.name)
    operations = primitive_operations(group.name)
    assert residuals(projected.numpy(), operations).tolist() == [0.0] * group.order
    assert torch.equal(project_onto(projected, operations), projected)
    assert torch.equal(projected, image) == (group.name == "p1")


@ALL_GROUPS
def test_the_projection_is_the_conventional_cell_s(group: PlaneGroup) -> None:
    """An image without the centring is projected onto it first: the two cells show the same plane."""
    image = noise(SIDE, SIDE)
    expected = to_primitive(project(image, group.index), group.name)
    torch.testing.assert_close(project_primitive(image, group.name), expected, rtol=0, atol=EXACT)


@CENTRED_GROUPS
def test_an_image_without_the_centring_leaves_no_seam(name: str) -> None:
    """A wave of odd h + k has no centred part: its projection is flat, where cutting it out would leave a step."""
    image = torch.from_numpy(wave(1, 0, *conventional(64)))
    assert float(project_primitive(image, name).abs().max()) < EXACT


@given(frames, st.integers(0, 2**32 - 1))
def test_pulling_back_reads_the_image_at_the_frame_s_points(frame: Op, seed: int) -> None:
    image = noise(2, SIDE, SIDE, seed=seed)
    (a, b), (c, d) = frame.rot
    i, j = np.indices((SIDE, SIDE))
    u = a * i + b * j + frame.shift[0] * SIDE // DEN
    v = c * i + d * j + frame.shift[1] * SIDE // DEN
    assert torch.equal(pull_back(image, frame), image[..., u % SIDE, v % SIDE])


@given(frames, frames)
def test_pulling_back_twice_is_pulling_back_by_the_product(first: Op, second: Op) -> None:
    image = noise(SIDE, SIDE)
    assert torch.equal(pull_back(pull_back(image, first), second), pull_back(image, first @ second))
    assert torch.equal(pull_back(pull_back(image, first), first.inverse()), image)


def test_a_frame_off_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"translation of 'x\+1/12,y' land on the grid, but got side=16"):
        pull_back(noise(16, 16), Op(((1, 0), (0, 1)), (1, 0)))
