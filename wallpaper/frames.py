"""Frames of a latent path on the cell that two groups share: fields projected, blended, restored and coloured.

frame = colour(r((1 - s) P_S d + s P_T d)), d being the decoder's fields. Every step after the projections works alike
on all samples of a frame, so what symmetry the two projections share, the frame has.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import Alignment, Op
from wallpaper.plane.operation import IDENTITY
from wallpaper.symmetry import project_primitive, pull_back, restored

DECODED_TOGETHER = 4
"""Latents that the decoder gets at a time, always: its rounding depends on how many they are, and on nothing else."""


def decode_frames(
    vae: SymmetryVAE, latents: Tensor, alignment: Alignment, weights: Tensor, *, begins: bool = True
) -> Tensor:
    """Frames (T, 3, n, n) in [0, 1] of a latent path (T, d), on the common primitive cell; see `blend`.

    Args:
        begins: the path begins with a reconstruction, which is shown as it is; a later leg of a route begins with
            the restored frame that the leg before ends with.
    """
    return colour_frames(vae, decode_fields(vae, latents), latents, alignment, weights, begins=begins)


def decode_fields(vae: SymmetryVAE, latents: Tensor) -> Tensor:
    """Fields (T, F, n, n) of latents (T, d); those of a latent have the same bits whatever else is decoded."""
    missing = -len(latents) % DECODED_TOGETHER
    filled = torch.cat([latents, latents[-1:].expand(missing, -1)])
    return torch.cat([vae.fields(some) for some in filled.split(DECODED_TOGETHER)])[: len(latents)]


def colour_frames(
    vae: SymmetryVAE, decoded: Tensor, latents: Tensor, alignment: Alignment, weights: Tensor, *, begins: bool = True
) -> Tensor:
    """`decode_frames` of fields (T, F, n, n) that are decoded already."""
    share = 1 - (1 - weights) ** 3 if begins else torch.ones_like(weights)  # soon: half-way a blend is flattest
    return vae.colour(restored(blend(decoded, alignment, weights), decoded, share), latents)


def blend(decoded: Tensor, alignment: Alignment, weights: Tensor) -> Tensor:
    """(1 - s) P_S d + s P_T d on the common primitive cell.

    Args:
        decoded: (T, F, n, n) fields before projection, on the groups' conventional cells; n a multiple of 4.
        weights: (T,) the values of s, 0 for exactly the source and 1 for exactly the target.
    Returns: (T, F, n, n).
    """
    source = on_common_cell(decoded, alignment.source, alignment.source_frame)
    target = on_common_cell(decoded, alignment.target, alignment.target_frame)
    s = weights.view(-1, 1, 1, 1)
    return (1 - s) * source + s * target


def on_common_cell(decoded: Tensor, group: str, frame: Op) -> Tensor:
    """The projection of fields (..., F, n, n) onto `group`, seen from the cell whose points x it has at `frame` x."""
    projected = project_primitive(decoded, group)
    return projected if frame == IDENTITY else pull_back(projected, frame)
