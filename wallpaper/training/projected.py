r"""Latents of patterns that were made to have another group: where coupling "projection" sends each source latent.

Of all patterns with the target's symmetry, the projection P_T x is the nearest to a pattern x: in the limit of many
samples, optimal transport between groups can do no better. Two things are missing in it. An average is flatter than
what is averaged: contrast is restored. And a projection takes no symmetry away, so where the source has all that the
target has and more, nothing would change: as in crystals, the symmetry is lowered by an order parameter, here a wave
of few harmonics with exactly the target's symmetry by which the pattern's contrast varies over the cell.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from wallpaper.plane import GROUP_NAMES
from wallpaper.symmetry import project, restored

MODULATION = 0.6
"""Standard deviation of the relative contrast over the cell."""

HARMONICS = 3
"""Largest index of a wave along an axis."""


class Painter(Protocol):
    """A decoder that paints with fields, and its encoder."""

    def fields(self, latent: Tensor) -> Tensor:
        """Fields (B, F, n, n) of latents (B, d)."""
        ...

    def colour(self, fields: Tensor, latent: Tensor) -> Tensor:
        """Images (B, 3, n, n) of fields."""
        ...

    def encode(self, image: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each (B, d), of images of groups (B,)."""
        ...


@torch.no_grad()
def projected(painter: Painter, latents: Tensor, target: Tensor) -> Tensor:
    """Latents (B, d) of what `latents` (B, d) show, projected onto groups `target` (B,) with its contrast kept."""
    fields = painter.fields(latents)
    mean = fields.mean(dim=(2, 3), keepdim=True)
    wave = order_parameters(fields.shape[1], fields.shape[-1]).to(fields)[target]
    averaged = project(mean + (fields - mean) * (1 + MODULATION * wave), target)
    image = painter.colour(restored(averaged, fields, fields.new_ones(len(fields))), latents)
    return painter.encode(image, target)[0]


@cache
def order_parameters(fields: int, side: int) -> Tensor:
    """(17, fields, side, side) a wave for each group and field: mean 0, variance 1, the symmetry of the group."""
    generator = np.random.default_rng(0)
    x = np.arange(side) / side
    waves = np.zeros((len(GROUP_NAMES), fields, side, side))
    for h, k in product(range(-HARMONICS, HARMONICS + 1), range(HARMONICS + 1)):
        if (h, k) != (0, 0):
            size, phase = generator.standard_normal((2, *waves.shape[:2], 1, 1))
            waves += size * np.cos(2 * np.pi * (h * x[:, None] + k * x + phase)) / np.hypot(h, k)
    found = project(torch.from_numpy(waves), torch.arange(len(GROUP_NAMES)))
    return (found / found.std(dim=(2, 3), correction=0, keepdim=True)).float()
