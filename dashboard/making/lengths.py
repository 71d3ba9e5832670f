"""How far every pair of groups is apart for a model: lengths of all latent paths, and where they end.

Of the latents of typical patterns, solved in batches. Knows no page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.projected import projected
from wallpaper.transition import LATENT_SOLVER, LATENT_STEPS, encode

TIMES = 9
"""Points of a path by which its length is measured."""

TOGETHER = 68
"""Paths solved at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """Of all direct paths from the patterns of one seed, by source and target; 0 on the diagonal."""

    length: NDArray[np.float64]
    """(17, 17) sums of chords."""
    bend: NDArray[np.float64]
    """(17, 17) length over the straight way, at least 1."""
    error: NDArray[np.float64]
    """(17, 17) distance of the path's end from the latent of the source's own pattern, made to have the target group,
    over the distance of that from the start: 0 arrives there, 1 is as far away as before."""
    nfe: int
    """Evaluations of the field, the same for all: the steps are fixed."""


@torch.no_grad()
def measure(model: TransitionModel, seed: int) -> Lengths:
    """Solve all 272 direct paths; no frame of them is decoded. Blocks for seconds."""
    starts = torch.stack([_start(model, name, seed) for name in GROUP_NAMES])
    n = len(GROUP_NAMES)
    pairs = [(source, target) for source in range(n) for target in range(n) if source != target]
    length, bend, error, nfe = np.zeros((n, n)), np.ones((n, n)), np.zeros((n, n)), 0
    moments = torch.linspace(0, 1, TIMES)
    for first in range(0, len(pairs), TOGETHER):
        some = pairs[first : first + TOGETHER]
        sources, targets = (torch.tensor(column) for column in zip(*some, strict=True))
        path = model.ode.solve(starts[sources], sources, targets, moments, solver=LATENT_SOLVER, steps=LATENT_STEPS)
        nfe = path.nfe
        long = torch.linalg.vector_norm(path.latents.diff(dim=0), dim=-1).sum(dim=0)
        straight = torch.linalg.vector_norm(path.latents[-1] - path.latents[0], dim=-1)
        wanted = projected(model.vae, starts[sources], targets)
        missed = torch.linalg.vector_norm(path.latents[-1] - wanted, dim=-1)
        asked = torch.linalg.vector_norm(wanted - starts[sources], dim=-1)
        length[sources, targets] = long
        bend[sources, targets] = long / straight.clamp(min=1e-12)
        error[sources, targets] = missed / asked.clamp(min=1e-12)
    return Lengths(length, bend, error, nfe)


def _start(model: TransitionModel, group: str, seed: int) -> torch.Tensor:
    pattern = generate_pattern(group, seed, model.resolution)
    return encode(model, torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255, group)
