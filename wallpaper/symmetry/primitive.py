"""Images of a centred cell, sampled again on its primitive cell.

The conventional cells of cm and cmm hold two primitive cells. Transitions happen on a cell that is
primitive for both groups, so their images change cells first. Half of the new samples fall on old
ones; the others fall half-way between, where a cubic kernel (Keys, *IEEE Trans. ASSP* 29 (1981) 1153,
a = -1/2) interpolates.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from wallpaper.plane import Op, plane_group, primitive_operations
from wallpaper.symmetry.index_maps import permutation
from wallpaper.symmetry.projection import project, project_onto


def to_primitive(image: Tensor, group: str) -> Tensor:
    """The image on the primitive cell that `primitive_operations(group)` refers to.

    Args:
        image: (..., n, n) one conventional cell, float; with the group's centring, else the new cell has a seam.
    Returns: same shape: (y1, y2)/n of the new grid is x = ((y1 - y2)/2, (y1 + y2)/2)/n of the old one
        for a centred group; the image itself for any other.
    """
    if len(plane_group(group).centring) == 1:
        return image
    side = image.shape[-1]
    both = torch.stack([image, _half_way(_half_way(image, -1), -2)], dim=-3)
    return both.flatten(-3)[..., _primitive_samples(side, image.device)].view_as(image)


def project_primitive(image: Tensor, group: str) -> Tensor:
    """The image's projection onto `group`, on the group's primitive cell; bit-exactly invariant there.

    Args:
        image: (..., n, n) one conventional cell, float; with or without the group's symmetry.
    Returns: same shape: to rounding `to_primitive` of the projection onto the conventional cell.
    """
    symmetric = project(image, plane_group(group).index)  # the centring too, which `to_primitive` needs
    return project_onto(to_primitive(symmetric, group), primitive_operations(group))


def pull_back(image: Tensor, frame: Op) -> Tensor:
    """The image seen from other axes and another origin: f'(x) = f(A x + w) for the frame (A | w).

    A permutation of samples, since A is unimodular. Raises: ValueError: w misses the grid.
    """
    index = torch.from_numpy(permutation(frame, image.shape[-1])).to(image.device)
    return image.flatten(-2)[..., index].view_as(image)


def _half_way(image: Tensor, axis: int) -> Tensor:
    """Cubic interpolation half a sample further along `axis`, periodic."""
    near = image + image.roll(-1, axis)
    far = image.roll(1, axis) + image.roll(-2, axis)
    return (9 * near - far) / 16


@lru_cache(maxsize=16)
def _primitive_samples(side: int, device: torch.device) -> Tensor:
    """(side * side,) indices into the flattened pair (samples, samples half-way)."""
    i, j = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    half = (i + j) % 2
    u, v = (i - j).div(2, rounding_mode="floor") % side, (i + j).div(2, rounding_mode="floor") % side
    return (half * side * side + u * side + v).flatten().to(device)
