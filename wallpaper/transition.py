"""The whole way from a source pattern to the frames of a transition.

A latent path is decoded to fields d(t), unprojected; each frame blends their projections and colours the blend:

    frame(t) = colour((1 - s(t)) P_S d(t) + s(t) P_T d(t)),    s(t) = 3 t^2 - 2 t^3.

Both terms keep the common subgroup H of S and the aligned T, so every frame keeps H exactly, the first
is exactly S and the last exactly T; the lattice's metric moves with s on a geodesic of isometries of H.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import Picture, render_many
from wallpaper.plane import Alignment, Lattice, Op, align, plane_group
from wallpaper.plane.lattice import Metric, geodesic, invariant_metric, stretched
from wallpaper.plane.relations import primitive_vectors
from wallpaper.symmetry import project_primitive, pull_back

LATENT_SOLVER, LATENT_STEPS = "rk4", 8
"""Fixed steps: a sample's path does not depend on what else is in the batch, as an adaptive step size would."""


CANONICAL: tuple[tuple[str, str], ...] = (
    ("p1", "p6m"),
    ("p1", "p4m"),
    ("p2", "p4"),
    ("p3", "p6"),
    ("pm", "pmm"),
    ("p4", "p4m"),
    ("p3", "p3m1"),
    ("cmm", "p4m"),
)
"""The eight transitions that every training is shown by."""


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """One transition, frame by frame, on the primitive cell that both groups share."""

    source: str
    target: str
    alignment: Alignment
    """How the target group is laid over the source group, with their common subgroup."""
    times: Tensor
    """(T,) from 0 to 1."""
    latents: Tensor
    """(T, d) latent path."""
    frames: Tensor
    """(T, 3, n, n) float32 in [0, 1]; frame k is one primitive cell of `lattices[k]`."""
    lattices: tuple[Lattice, ...]
    """T primitive lattices."""
    rotations: tuple[float, ...]
    """T directions of the lattices' first vectors, in degrees from x: the lattice is stretched, never turned."""
    nfe: int
    """Evaluations of the velocity field."""
    path_length: float
    """Length of the latent path, as the sum of its chords."""

    def at(self, indices: Sequence[int]) -> Transition:
        """The same transition with only these frames."""
        rows = list(indices)
        return replace(
            self,
            times=self.times[rows],
            latents=self.latents[rows],
            frames=self.frames[rows],
            lattices=tuple(self.lattices[index] for index in rows),
            rotations=tuple(self.rotations[index] for index in rows),
        )


def smooth_step(t: Tensor) -> Tensor:
    """3 t^2 - 2 t^3: from 0 to 1 with no velocity at either end."""
    return t * t * (3 - 2 * t)


@torch.no_grad()
def transition(
    model: TransitionModel,
    image: Tensor,
    source: str,
    target: str,
    *,
    lattice: Lattice | None = None,
    n_frames: int = 50,
) -> Transition:
    """The transition of one pattern from its group to another.

    Args:
        image: (3, n, n) float32 in [0, 1], one conventional cell of group `source`, n the VAE's resolution.
        lattice: the pattern's conventional lattice; the typical one of the source's system if None.
        n_frames: T >= 2, both ends included.
    Returns: frames whose first is the VAE's reconstruction of the pattern, exactly of group `source`,
        and whose last is exactly of group `target`.
    Raises: ValueError: unknown group, wrong image shape, fewer than two frames, or a lattice that does
        not meet the source's system.
    """
    first, last = plane_group(source), plane_group(target)
    lattice = lattice or Lattice.standard(first.system)
    if not lattice.meets(first.system):
        raise ValueError(f"`lattice` must be {first.system} for {source}, but got {lattice}")
    if first == last:
        raise ValueError(f"`source != target` must hold, but both are {first}; the field joins different groups only")
    if n_frames < 2:
        raise ValueError(f"`n_frames >= 2` must hold to show both ends, but got {n_frames}")
    side = model.resolution
    if image.shape != (3, side, side):
        raise ValueError(f"`image` must be (3, {side}, {side}), but got {tuple(image.shape)}")
    source_label, target_label = (torch.tensor([group.index], device=image.device) for group in (first, last))
    start, _ = model.vae.encode(image[None], source_label)
    times = torch.linspace(0, 1, n_frames, device=image.device)
    path = model.ode.solve(start, source_label, target_label, times, solver=LATENT_SOLVER, steps=LATENT_STEPS)
    latents = path.latents[:, 0]
    alignment, weights = align(source, target), smooth_step(times)
    frames = decode_frames(model.vae, latents, alignment, weights)
    bases = basis_path(lattice.basis @ primitive_vectors(first), alignment, weights.tolist())
    return Transition(
        source,
        target,
        alignment,
        times,
        latents,
        frames,
        lattices=tuple(Lattice.from_metric(basis.T @ basis) for basis in bases),
        rotations=tuple(math.degrees(math.atan2(basis[1, 0], basis[0, 0])) for basis in bases),
        nfe=path.nfe,
        path_length=float(path.length),
    )


def pictures(result: Transition, *, size: int = 256, cells: float = 3.0) -> list[Picture]:
    """The frames as people look at them: uint8 (size, size, 3) each, with true angles, at one scale.

    Args:
        size: pixels along each side. cells: how many primitive cells fit across, about.
    """
    frames = result.frames.cpu().numpy()
    return render_many(frames, result.lattices, size=size, cells=cells, rotation=result.rotations)


def decode_frames(vae: SymmetryVAE, latents: Tensor, alignment: Alignment, weights: Tensor) -> Tensor:
    """Frames (T, 3, n, n) in [0, 1] of a latent path (T, d), on the common primitive cell; see `blend`."""
    return vae.colour(blend(vae.fields(latents), alignment, weights), latents)


def blend(decoded: Tensor, alignment: Alignment, weights: Tensor) -> Tensor:
    """(1 - s) P_S d + s P_T d on the common primitive cell.

    Args:
        decoded: (T, F, n, n) fields before projection, on the groups' conventional cells; n a multiple of 4.
        weights: (T,) the values of s, 0 for exactly the source and 1 for exactly the target.
    Returns: (T, F, n, n).
    """
    source = project_primitive(decoded, alignment.source)
    target = pull_back(project_primitive(decoded, alignment.target), Op(alignment.axes, alignment.shift))
    s = weights.view(-1, 1, 1, 1)
    return (1 - s) * source + s * target


def basis_path(basis: Metric, alignment: Alignment, weights: list[float]) -> tuple[Metric, ...]:
    """Primitive bases whose metrics lie on the geodesic from the source's to the nearest one that the target allows.

    Args:
        basis: (2, 2) Cartesian basis of the source's primitive cell, one vector a column.
        weights: positions on the path, 0 the source and 1 the target.
    Returns: (2, 2) bases, pure stretches of `basis`.
    """
    start = basis.T @ basis
    end = invariant_metric(start, {op.rot for op in alignment.target_operations})
    return tuple(stretched(basis, geodesic(start, end, s)) for s in weights)


def transition_from_seed(
    model: TransitionModel, source: str, target: str, *, seed: int = 0, n_frames: int = 50
) -> Transition:
    """The transition of `generate_pattern(source, seed)`, with its own lattice.

    Raises: ValueError: see `transition`.
    """
    pattern = generate_pattern(source, seed, model.resolution)
    image = torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255
    return transition(model, image, source, target, lattice=pattern.lattice, n_frames=n_frames)
