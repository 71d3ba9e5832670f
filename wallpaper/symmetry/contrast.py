"""Contrast that a projection took, given back without touching the symmetry it gave.

Knows no group: it is handed fields before and after.
"""

from __future__ import annotations

from torch import Tensor

MOST_STRETCH, TINY = 6.0, 1e-12
"""Fields are stretched by this factor at most, and variances below the second number are none."""


def restored(averaged: Tensor, before: Tensor, share: Tensor) -> Tensor:
    """Averaged fields (T, F, n, n) stretched about their means towards the contrast that `before` has.

    A mean over the operations of a group that the fields do not have flattens them, and flat fields make grey
    pictures. One factor for all samples of a frame keeps every symmetry.

    Args: share: (T,) 0 leaves a frame as it is, 1 restores its contrast.
    """
    spread, flat = (each.var(dim=(2, 3), correction=0).sum(dim=1) for each in (before, averaged))
    ratio = (spread / flat.clamp(min=TINY)).sqrt().clamp(1, MOST_STRETCH)
    change = (ratio**share - 1).view(-1, 1, 1, 1)
    return averaged + (averaged - averaged.mean(dim=(2, 3), keepdim=True)) * change
