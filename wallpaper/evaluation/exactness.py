"""Symmetry of decoded images and of the frames of transitions: counted sample by sample, and judged.

Counting permutes samples and compares; the judge knows the lattice alone. Exact symmetry does not settle the
judge's answer: a dull image can have more symmetry than it should.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wallpaper.data import Latents
from wallpaper.frames import decode_frames
from wallpaper.judge import identify
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES, Lattice, align, plane_group, primitive_operations
from wallpaper.plane.lattice import Metric
from wallpaper.plane.relations import primitive_vectors
from wallpaper.symmetry import residuals
from wallpaper.training.transport_metrics import all_pairs
from wallpaper.transition import LATENT_SOLVER, LATENT_STEPS, basis_path, smooth_step

DECODED = 8
"""Decoded images of each group whose symmetry is looked at."""


@dataclass(frozen=True, slots=True)
class DecodedSymmetry:
    """Of decoded images, at most `DECODED` of each group. Residuals are 0 where symmetry is exact."""

    residual: float
    """Largest difference between samples that an operation maps to each other, over all operations of all groups."""
    residual_uint8: float
    """The same of their 8-bit versions, in grey levels."""
    judged: float
    """Share that is judged to have exactly the group meant, in 8 bits."""


@dataclass(frozen=True, slots=True)
class FrameSymmetry:
    """Of one transition for each ordered pair of groups."""

    residual_first: float
    """Largest residual of the first frames, under the source group."""
    residual_last: float
    """Of the last frames, under the target group."""
    residual_inner: float
    """Of the frames half-way, under the common subgroup."""
    judged_first: float
    """Share of first frames, one for each source group, that is judged to have exactly the group meant."""
    judged_last: float
    """The same of the last frames of all pairs."""
    pairs: int
    """Transitions looked at."""


@torch.no_grad()
def measure_decoded(vae: SymmetryVAE, latents: Latents, tick: Callable[[], None]) -> DecodedSymmetry:
    """`tick` is called after each group."""
    largest, largest_uint8, right = 0.0, 0.0, []
    for index in sorted(set(latents.labels.tolist())):
        mean = latents.mean[latents.labels == index][:DECODED]
        image: Tensor = vae.decode(mean, torch.full((len(mean),), index))
        group = plane_group(index)
        narrow = (image * 255).round().byte().numpy()
        largest = max(largest, _largest(image.numpy(), group.operations))
        largest_uint8 = max(largest_uint8, _largest(narrow, group.operations))
        right += [_is(group.name, each, Lattice.standard(group.system).basis) for each in narrow]
        tick()
    return DecodedSymmetry(largest, largest_uint8, sum(right) / len(right))


@torch.no_grad()
def measure_frames(model: TransitionModel, held_out: Latents, tick: Callable[[], None]) -> FrameSymmetry:
    """First frame, a frame in the middle and last frame of each pair, from the source's first held-out latent.

    The paths of all pairs are solved together; the frames are those of `transition`. `tick` is called after each pair.
    """
    pairs = all_pairs(held_out.labels.tolist())
    labels = torch.tensor(pairs)
    start = torch.stack([held_out.mean[held_out.labels == source][0] for source, _ in pairs])
    path = model.ode.solve(start, labels[:, 0], labels[:, 1], (0.0, 0.5, 1.0), solver=LATENT_SOLVER, steps=LATENT_STEPS)
    largest = {"first": 0.0, "last": 0.0, "inner": 0.0}
    first_right: dict[str, bool] = {}
    last_right = 0
    for number, (source, target) in enumerate(pairs):
        alignment = align(GROUP_NAMES[source], GROUP_NAMES[target])
        frames = decode_frames(model.vae, path.latents[:, number], alignment, smooth_step(path.times)).numpy()
        found = {
            "first": _largest(frames[0], primitive_operations(alignment.source)),
            "inner": _largest(frames[1], alignment.common),
            "last": _largest(frames[2], alignment.target_operations),
        }
        largest = {name: max(value, found[name]) for name, value in largest.items()}
        group = plane_group(GROUP_NAMES[source])
        first, last = basis_path(Lattice.standard(group.system).basis @ primitive_vectors(group), alignment, [0.0, 1.0])
        if alignment.source not in first_right:
            first_right[alignment.source] = _is(alignment.source, frames[0], first)
        last_right += _is(alignment.target, frames[2], last)
        tick()
    shares = sum(first_right.values()) / len(first_right), last_right / len(pairs)
    return FrameSymmetry(largest["first"], largest["last"], largest["inner"], *shares, len(pairs))


def _is(group: str, image: np.ndarray[Any, Any], basis: Metric) -> bool:
    """Whether the judge finds exactly this group in (3, n, n) samples of one cell; never in a flat image."""
    try:
        return identify(np.moveaxis(image, 0, -1), Lattice.from_metric(basis.T @ basis)).group == group
    except ValueError:
        return False


def _largest(image: np.ndarray[Any, Any], operations: tuple[Any, ...]) -> float:
    return float(residuals(image, operations).max())
