"""Ways to give a batch of images the symmetry of their groups: ours, a loop over operations, and interpolation.

`by_interpolation` is what is done with square pictures elsewhere: `affine_grid` and `grid_sample` for each rotation and
reflection of the point group about the picture's middle, and the mean of them all.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from wallpaper.plane import GROUP_NAMES, plane_group
from wallpaper.symmetry import permutations

Turn = tuple[tuple[float, float], tuple[float, float]]


@cache
def _maps(group: int, side: int, device: str) -> Tensor:
    return torch.from_numpy(permutations(plane_group(GROUP_NAMES[group]).operations, side)).to(device)


def by_loop(image: Tensor, group: Tensor) -> Tensor:
    """(B, C, n, n) the mean over operations, gathered one at a time, image by image: exact, and slow."""
    flat, results = image.flatten(2), []
    for one, label in zip(flat, group.tolist(), strict=True):
        maps = _maps(label, image.shape[-1], str(image.device))
        total = torch.zeros_like(one)
        for index in maps:
            total = total + one[:, index]
        results.append(total / len(maps))
    return torch.stack(results).view_as(image)


def turns(group: str) -> list[Turn]:
    """Orthogonal matrices of the point group, as the plane has them: 60 degrees are 60 degrees."""
    own = plane_group(group)
    cosine = -0.5 if own.system == "hexagonal" else 0.0  # of the standard lattice's angle
    basis = torch.tensor([[1.0, cosine], [0.0, math.sqrt(1 - cosine**2)]], dtype=torch.float64)
    found = [basis @ torch.tensor(op.rot, dtype=torch.float64) @ basis.inverse() for op in own.operations]
    unique = {tuple(tuple(round(float(x), 12) for x in row) for row in matrix) for matrix in found}
    return sorted(((m[0][0], m[0][1]), (m[1][0], m[1][1])) for m in unique)


def turned(image: Tensor, turn: Turn) -> Tensor:
    """(B, C, n, n) square pictures turned about their middle, bilinearly."""
    matrix = image.new_tensor([[*row, 0.0] for row in turn]).expand(len(image), -1, -1)
    grid = functional.affine_grid(matrix, list(image.shape), align_corners=False)
    return functional.grid_sample(image, grid, padding_mode="reflection", align_corners=False)


def by_interpolation(image: Tensor, group: Tensor) -> Tensor:
    """(B, C, n, n) the mean over the turns of each picture's point group; glides and the lattice are out of reach."""
    results = []
    for one, label in zip(image, group.tolist(), strict=True):
        ways = turns_of(label)
        results.append(torch.cat([turned(one[None], turn) for turn in ways]).mean(dim=0))
    return torch.stack(results)


@cache
def turns_of(group: int) -> list[Turn]:
    """`turns` by index."""
    return turns(GROUP_NAMES[group])


def interpolation_residual(image: Tensor, group: int) -> float:
    """Largest change of pictures under one turn more of their own, inside the circle that no border reaches."""
    middle = torch.linspace(-1, 1, image.shape[-1], device=image.device)
    inside = middle[:, None] ** 2 + middle[None] ** 2 < 0.9
    return max(float((turned(image, turn) - image).abs()[..., inside].max()) for turn in turns_of(group))


def exact_residual(image: Tensor, group: int) -> float:
    """Largest change of cells (B, C, n, n) under the group's operations on the grid's samples."""
    flat = image.flatten(2)
    maps = _maps(group, image.shape[-1], str(image.device))
    return max(float((flat[..., index] - flat).abs().max()) for index in maps)
