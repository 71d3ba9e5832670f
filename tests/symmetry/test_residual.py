"""Residuals: exactly zero on a symmetric image, the right number on others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.conftest import ALL_GROUPS
from wallpaper.plane import Op, PlaneGroup
from wallpaper.symmetry import project, residuals


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64], ids=str)
@ALL_GROUPS
def test_a_projected_image_has_none(group: PlaneGroup, dtype: torch.dtype) -> None:
    image = (255 * torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0))).to(dtype)
    found = residuals(project(image, group.index).numpy(), group.operations)
    assert found.shape == (len(group.operations),)
    assert not found.any()


@ALL_GROUPS
def test_noise_has_one_for_every_operation_but_the_identity(group: PlaneGroup) -> None:
    image = np.random.default_rng(0).random((3, 12, 12))
    found = residuals(image, group.operations)
    assert found[0] == 0
    assert (found[1:] > 0.5).all()


def test_residual_is_the_largest_difference_in_the_images_units() -> None:
    image = np.zeros((2, 4, 4), dtype=np.uint8)
    image[1, 1, 0] = 200
    image[1, 3, 0] = 50  # the mirror image of [1, 0] under -x,y
    operations = tuple(Op.parse(text) for text in ("x,y", "-x,y", "x,-y", "x+1/2,y", "x,y+1/2"))
    assert residuals(image, operations).tolist() == [0, 150, 0, 150, 200]


@pytest.mark.parametrize("shape", [(8,), (3, 8, 6)])
def test_images_must_be_square(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"an image must be \(\.\.\., n, n\), but got \("):
        residuals(np.zeros(shape), (Op.parse("x,y"),))
