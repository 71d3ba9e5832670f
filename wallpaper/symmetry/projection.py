r"""Exact projection of images onto the symmetry of a plane group, a different group per sample.

The Reynolds operator :math:`(P f)(x) = \frac{1}{|G|} \sum_{g \in G} f(g\,x)` (Serre, *Linear
Representations of Finite Groups*, 2.6, theorem 8): linear, idempotent, self-adjoint. In the lattice
frame it averages each orbit of samples once and copies the mean back, so the result is invariant bit
for bit, and its cost does not grow with the group.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from wallpaper.plane import Op
from wallpaper.symmetry.index_maps import group_orbits, orbits_of


def project(image: Tensor, group: Tensor | int) -> Tensor:
    """Nearest image, in L2, with the symmetry of `group`.

    Args:
        image: (..., C, n, n) one conventional cell; entry [i, j] is the sample at i/n along a, j/n along b.
            Any real dtype; integers are averaged in float64 and rounded. Differentiable for floats.
        group: index 0-16 of one group for all, or an integer tensor (B,) for an image (B, C, n, n).
    Returns: same shape, dtype and device as `image`.
    Raises: ValueError: not square, n odd, an index outside 0-16, or B does not match.
    """
    side = _side(image)
    first, size = _orbit_tables(side, image.device)
    index = torch.as_tensor(group)  # checked where it is: labels on the CPU need not wait for the device
    if index.numel() and not (0 <= int(index.min()) and int(index.max()) < len(first)):
        raise ValueError(f"a group index must be in 0..{len(first) - 1}, but got {index.tolist()}")
    index = index.to(image.device, non_blocking=True)
    if index.ndim == 0:
        return _average(image, first[index], size[index])
    if image.ndim != 4 or index.shape != image.shape[:1]:
        raise ValueError(
            f"`group` must be (B,) for an image (B, C, n, n), but got {tuple(index.shape)} for {tuple(image.shape)}"
        )
    return _average(image, *(table.index_select(0, index)[:, None, :] for table in (first, size)))


def project_onto(image: Tensor, operations: tuple[Op, ...]) -> Tensor:
    """`project` for any closed set of operations on the image's cell, such as a common subgroup."""
    first, size = _operation_tables(operations, _side(image), image.device)
    return _average(image, first, size)


def _average(image: Tensor, first: Tensor, size: Tensor) -> Tensor:
    """Mean over orbits named by `first` (broadcasts to image.flatten(-2)), copied to their members."""
    if not image.is_floating_point():
        return _average(image.double(), first, size).round().to(image.dtype)
    flat = image.flatten(-2)
    return _orbit_mean(flat, first.expand(flat.shape), size.to(flat.dtype)).view_as(image)


class _OrbitMean(torch.autograd.Function):
    """(..., S) values, names and sizes of orbits to each sample's mean over its orbit.

    Deviations from the orbit's first sample are averaged, not values: on an image that already has
    the symmetry they are exactly zero, which makes the projection idempotent bit for bit. It is
    self-adjoint, so a gradient goes back as its own mean over orbits, and no intermediate is kept for it.
    """

    @staticmethod
    def forward(context: Any, values: Tensor, first: Tensor, size: Tensor) -> Tensor:
        context.save_for_backward(first, size)
        base = values.gather(-1, first)
        total = torch.zeros_like(values).scatter_add_(-1, first, values - base)
        return base.add_(total.div_(size).gather(-1, first))

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        first, size = context.saved_tensors
        total = torch.zeros_like(gradient).scatter_add(-1, first, gradient)
        return (total / size).gather(-1, first), None, None


_orbit_mean: Callable[..., Tensor] = _OrbitMean.apply


def _side(image: Tensor) -> int:
    if image.ndim < 2 or image.shape[-1] != image.shape[-2]:
        raise ValueError(f"an image must be (..., n, n), but got {tuple(image.shape)}")
    return image.shape[-1]


@lru_cache(maxsize=16)
def _orbit_tables(side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    orbits = group_orbits(side)
    return torch.from_numpy(orbits.first).to(device), torch.from_numpy(orbits.size).to(device)


@lru_cache(maxsize=256)
def _operation_tables(operations: tuple[Op, ...], side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    orbits = orbits_of(operations, side)
    return torch.from_numpy(orbits.first).to(device), torch.from_numpy(orbits.size).to(device)
