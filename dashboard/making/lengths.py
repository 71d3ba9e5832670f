"""How far every pair of groups is apart for a model: lengths of all latent paths, where they end, and what they cost.

Of the latents of typical patterns. Knows no page.
"""

from __future__ import annotations

from collections.abc import Callable
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


N = len(GROUP_NAMES)

PAIRS = tuple((source, target) for source in range(N) for target in range(N) if source != target)


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


@torch.no_grad()
def measure(model: TransitionModel, seed: int) -> Lengths:
    """Solve all 272 direct paths; no frame of them is decoded. Blocks for seconds."""
    starts = _starts(model, seed)
    length, bend, error = np.zeros((N, N)), np.ones((N, N)), np.zeros((N, N))
    moments = torch.linspace(0, 1, TIMES)
    for first in range(0, len(PAIRS), TOGETHER):
        some = PAIRS[first : first + TOGETHER]
        sources, targets = (torch.tensor(column) for column in zip(*some, strict=True))
        path = model.ode.solve(starts[sources], sources, targets, moments, solver=LATENT_SOLVER, steps=LATENT_STEPS)
        long = torch.linalg.vector_norm(path.latents.diff(dim=0), dim=-1).sum(dim=0)
        straight = torch.linalg.vector_norm(path.latents[-1] - path.latents[0], dim=-1)
        wanted = projected(model.vae, starts[sources], targets)
        missed = torch.linalg.vector_norm(path.latents[-1] - wanted, dim=-1)
        asked = torch.linalg.vector_norm(wanted - starts[sources], dim=-1)
        length[sources, targets] = long
        bend[sources, targets] = long / straight.clamp(min=1e-12)
        error[sources, targets] = missed / asked.clamp(min=1e-12)
    return Lengths(length, bend, error)


@torch.no_grad()
def count_evaluations(model: TransitionModel, seed: int, tick: Callable[[int], None]) -> NDArray[np.int64]:
    """(17, 17) evaluations of the field that dopri5 needs for each path alone, at the model's tolerances; 0 on the
    diagonal. Fixed steps need the same for all, so only steps that adapt tell which paths are hard to follow.

    Args: tick: called with the number of paths that are solved.
    Raises: SolveError: a path that cannot be solved.
    """
    starts, found = _starts(model, seed), np.zeros((N, N), dtype=np.int64)
    for done, (source, target) in enumerate(PAIRS):
        tick(done)
        groups = torch.tensor([source]), torch.tensor([target])
        found[source, target] = model.ode.solve(starts[source : source + 1], *groups, solver="dopri5").nfe
    return found


def _starts(model: TransitionModel, seed: int) -> torch.Tensor:
    """(17, d) latents of typical patterns, one a group."""
    return torch.stack([_start(model, name, seed) for name in GROUP_NAMES])


def _start(model: TransitionModel, group: str, seed: int) -> torch.Tensor:
    pattern = generate_pattern(group, seed, model.resolution)
    return encode(model, torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255, group)
