"""How much a latent mean moves when its pattern is moved: by the group's own operations, and by others.

The group's operations must not move it. Moves of the group's normaliser that are no operations make another pattern
of the same group out of a pattern: how far they carry the latent is reported, not judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wallpaper.data import PatternStore
from wallpaper.evaluation.codes import Codes
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import DEN, GROUP_NAMES, Op, plane_group
from wallpaper.training.augment import axis_changes, move, origin_shifts

MOVED = 4
"""Patterns of each group that are moved."""

NOISE = 0.1
"""Standard deviation of what is added to a pattern so that its group's operations change it."""


@dataclass(frozen=True, slots=True)
class Invariance:
    """Changes of the latent mean mu."""

    operations: float
    """Largest change of a coordinate under any operation of the pattern's group."""
    operations_of_noise: float
    """The same for patterns with noise, which the operations do change: a property of the encoder alone."""
    origin_shifts: float
    """Root mean square change under shifts of the origin that keep the group and are no operations, over the distance
    of two patterns of a group: 0 for none, 1 for as far as another pattern."""
    axis_changes: float
    """The same for changes of axes."""


@torch.no_grad()
def measure_invariance(
    vae: SymmetryVAE, store: PatternStore, codes: Codes, *, generator: torch.Generator, tick: Callable[[], None]
) -> Invariance:
    """Move the first `MOVED` patterns of each group; `tick` is called after each group."""
    exact, noisy = 0.0, 0.0
    shifts, turns, spread = ([torch.zeros(0)] for _ in range(3))
    for group in codes.labels.unique().tolist():
        some = codes.take((codes.labels == group).nonzero()[:MOVED, 0])
        image = store.batch(some.index, side=vae.resolution)
        noise = NOISE * torch.randn(image.shape, generator=generator)
        moves = operation_rows(plane_group(group).operations, vae.resolution)
        exact = max(exact, _largest_change(vae, image, group, moves))
        noisy = max(noisy, _largest_change(vae, (image + noise).clamp(0, 1), group, moves))
        for found, rows in zip((shifts, turns), normaliser_rows(GROUP_NAMES[group], vae.resolution), strict=True):
            if len(rows):
                drawn = rows[torch.randint(len(rows), (len(image),), generator=generator)]
                found.append(_change(vae, image, group, drawn).square().sum(1))
        everyone = codes.mean[codes.labels == group]
        spread.append(2 * everyone.var(0).sum()[None])  # mean square distance of two
        tick()
    apart = float(torch.cat(spread).mean().sqrt()) or 1.0
    return Invariance(exact, noisy, *(_root_mean(torch.cat(found)) / apart for found in (shifts, turns)))


def operation_rows(operations: tuple[Op, ...], side: int) -> Tensor:
    """(K, 6) rows of `augment.move` for operations whose translations are whole samples."""
    rows = [[*op.rot[0], *op.rot[1], *(part * side // DEN for part in op.shift)] for op in operations]
    return torch.tensor(rows)


def normaliser_rows(group: str, side: int) -> tuple[Tensor, Tensor]:
    """Rows (K, 6) of `augment.move` that keep the group and are no operations: origin shifts, axis changes."""
    row = plane_group(group)
    own = {tuple(part * side // DEN for part in op.shift) for op in row.operations if op.rot == ((1, 0), (0, 1))}
    shifts = [[1, 0, 0, 1, *shift] for shift in origin_shifts(group, side).tolist() if tuple(shift) not in own]
    turns = [op for op in axis_changes(group) if op.rot not in row.point_group]
    return torch.tensor(shifts).view(-1, 6).long(), operation_rows(tuple(turns), side).view(-1, 6).long()


def _root_mean(squares: Tensor) -> float:
    """0 where there is nothing: p6m has no moves but its own."""
    return float(squares.mean().sqrt()) if len(squares) else 0.0


def _largest_change(vae: SymmetryVAE, image: Tensor, group: int, moves: Tensor) -> float:
    """Over all images (B, C, n, n) and moves (K, 6)."""
    repeated = image.repeat_interleave(len(moves), dim=0)
    return float(_change(vae, repeated, group, moves.repeat(len(image), 1)).abs().max())


def _change(vae: SymmetryVAE, image: Tensor, group: int, moves: Tensor) -> Tensor:
    """(B, d) mu of the moved image less mu of the image."""
    labels = torch.full((len(image),), group)
    return vae.encode(move(image, moves), labels)[0] - vae.encode(image, labels)[0]
