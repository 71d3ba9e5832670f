r"""Exact augmentation: moves that turn a pattern of a group into another pattern of the same group.

A move m = (W | t) gives f(m x). It keeps the group G when m is in G's affine normaliser, and the image
itself when m is in G (International Tables A (2016), chapter 3.5). Which moves these are is computed
from the operations. On the grid of samples a move is a permutation, so nothing is interpolated.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wallpaper.plane import DEN, GROUP_NAMES, Op, plane_group

Rows = NDArray[np.int64]


def move(image: Tensor, moves: Tensor) -> Tensor:
    """Images (B, C, n, n) f(m x), one move a sample.

    Args:
        image: (B, C, n, n).
        moves: (B, 6) int64 rows (W11, W12, W21, W22, t1, t2), t in samples.
    """
    side = image.shape[-1]
    i, j = torch.meshgrid(*[torch.arange(side, device=image.device)] * 2, indexing="ij")
    a, b, c, d, s, t = moves.to(image.device)[:, :, None, None].unbind(1)
    index = (a * i + b * j + s) % side * side + (c * i + d * j + t) % side
    return image.flatten(2).gather(2, index.flatten(1)[:, None].expand(-1, image.shape[1], -1)).view_as(image)


def random_symmetry(group: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """(B, 6) one random operation of each sample's own group: moves that change nothing in a pattern of it."""
    return _draw(_symmetries(side), group, generator)


def random_moves(group: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """(B, 6) moves that keep each sample's group, origin and axes drawn anew; all on the CPU."""
    turned = _draw(_axes(), group, generator)
    return torch.cat([turned, _draw(_origins(side), group, generator)], dim=1)


def random_orders(count: int, channels: int, generator: torch.Generator) -> Tensor:
    """(count, channels) an order of the colour channels for each sample; `generator` is on the CPU."""
    return torch.rand(count, channels, generator=generator).argsort(dim=1)


def reordered(image: Tensor, orders: Tensor) -> Tensor:
    """Images (B, C, n, n) with their channels in the `orders` (B, C)."""
    return image.gather(1, orders.to(image.device)[:, :, None, None].expand_as(image))


def origin_shifts(group: str, side: int) -> Rows:
    """(K, 2) translations, in samples, that carry the group's operations into themselves.

    Moving the origin by t turns (W | w) into (W | w + (W - I) t).
    """
    operations = plane_group(group).operations
    grid = np.stack(np.divmod(np.arange(side * side), side), axis=1)
    allowed = np.ones(len(grid), dtype=bool)
    for op in operations:
        moved = (np.array(op.shift) * side // DEN + grid @ (np.array(op.rot) - np.eye(2, dtype=int)).T) % side
        alike = [np.array(other.shift) * side // DEN % side for other in operations if other.rot == op.rot]
        allowed &= np.any([(moved == shift).all(axis=1) for shift in alike], axis=0)
    return grid[allowed]


def axis_changes(group: str) -> tuple[Op, ...]:
    """Matrices of the full point group of the lattice (taken as square if not hexagonal) that keep the group."""
    own = plane_group(group)
    operations = set(own.operations)
    holohedry = plane_group("p6m" if own.system == "hexagonal" else "p4m").operations
    return tuple(turn for turn in holohedry if {turn @ op @ turn.inverse() for op in operations} == operations)


class _Table:
    """Rows of all groups one after another, with each group's place."""

    def __init__(self, rows: list[Rows]) -> None:
        self.rows = torch.from_numpy(np.concatenate(rows).astype(np.int64))
        self.size = torch.tensor([len(each) for each in rows])
        self.start = self.size.cumsum(0) - self.size


def _draw(table: _Table, group: Tensor, generator: torch.Generator) -> Tensor:
    group = group.cpu()
    chosen = torch.rand(group.shape, generator=generator, dtype=torch.float64) * table.size[group]
    return table.rows[table.start[group] + chosen.long()]


@cache
def _symmetries(side: int) -> _Table:
    def rows(op: Op) -> list[int]:
        return [*op.rot[0], *op.rot[1], *(shift * side // DEN for shift in op.shift)]

    return _Table([np.array([rows(op) for op in plane_group(name).operations]) for name in GROUP_NAMES])


@cache
def _axes() -> _Table:
    return _Table([np.array([[*op.rot[0], *op.rot[1]] for op in axis_changes(name)]) for name in GROUP_NAMES])


@cache
def _origins(side: int) -> _Table:
    return _Table([origin_shifts(name, side) for name in GROUP_NAMES])
