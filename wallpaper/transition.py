"""The whole way from a source pattern to the frames of a transition, along the legs of a route.

On a leg, each frame blends two projections of the latent's fields d(t), restores their contrast and colours the
blend: frame(t) = colour(r((1 - s(t)) P_S d(t) + s(t) P_T d(t))), s(t) = 3 t^2 - 2 t^3; see `frames`. Both terms keep
the common subgroup H of S and the aligned T, so every frame keeps H exactly, the first is exactly S and the last
exactly T; the lattice's metric moves with s on a geodesic of isometries of H. Each leg begins with the very frame that
the one before ends with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from itertools import pairwise
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from wallpaper.frames import colour_frames, decode_fields
from wallpaper.judge import Certificate
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import Picture, render_many
from wallpaper.plane import Alignment, Lattice, Op, plane_group
from wallpaper.plane.lattice import Metric, geodesic, invariant_metric, stretched
from wallpaper.plane.relations import primitive_vectors
from wallpaper.plane.routes import Route, leg_ends, plan_route
from wallpaper.plane.subgroups import contains, subgroup_chain
from wallpaper.symmetry import Spectrum, symmetry_spectrum

LATENT_SOLVER, LATENT_STEPS = "midpoint", 4
"""Fixed steps: a sample's path does not depend on what else is in the batch, as an adaptive step size would."""

AREA_TOLERANCE = 0.01
"""A primitive cell smaller by less than this share is the same cell, measured."""

Verdict: TypeAlias = Literal["exact", "higher", "other"]

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
class LatentPath:
    """The latent path of a transition and the lattices along it, before anything is decoded."""

    source: str
    target: str
    route: Route
    """The legs, one for a direct transition; each says how its two groups lie on the cell."""
    times: Tensor
    """(T,) from 0 to 1."""
    latents: Tensor
    """(T, d) latent path."""
    lattices: tuple[Lattice, ...]
    """T primitive lattices."""
    rotations: tuple[float, ...]
    """T directions of the lattices' first vectors, in degrees from x: the lattice is stretched, never turned."""
    legs: tuple[int, ...]
    """T indices of the legs that the frames belong to."""
    weights: tuple[float, ...]
    """T values of s on the frame's leg: 0 for exactly its source, 1 for exactly its target."""
    nfe: int
    """Evaluations of the velocity field."""
    path_length: float
    """Length of the latent path, as the sum of its chords."""

    @property
    def alignment(self) -> Alignment:
        """How the target group lies over the source group, with the subgroup that both have there."""
        return self.route.ends

    def planned(self, index: int) -> tuple[str, tuple[Op, ...]]:
        """The group that frame `index` has by construction, and its operations on the cell: every frame may have more.

        A group of the route where a leg begins or ends, else the common subgroup of the leg.
        """
        leg, weight = self.route.legs[self.legs[index]], self.weights[index]
        if weight == 0:
            return leg.source, leg.source_operations
        return (leg.target, leg.target_operations) if weight == 1 else (leg.common_group, leg.common)


@dataclass(frozen=True, slots=True, eq=False)
class Transition(LatentPath):
    """One transition, frame by frame, on the primitive cell that all groups on the way share."""

    frames: Tensor
    """(T, 3, n, n) float32 in [0, 1]; frame k is one primitive cell of `lattices[k]`."""

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
            legs=tuple(self.legs[index] for index in rows),
            weights=tuple(self.weights[index] for index in rows),
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
    route: str = "direct",
) -> Transition:
    """The transition of one pattern from its group to another.

    Args:
        image: (3, n, n) float32 in [0, 1], one conventional cell of group `source`, n the VAE's resolution.
        lattice: the pattern's conventional lattice; the typical one of the source's system if None.
        n_frames: T >= 2, both ends included; every waypoint of a route is a frame of its own.
        route: "direct", or "widest" to go through groups that keep a larger common subgroup on the way.
    Returns: frames whose first is the VAE's reconstruction of the pattern, exactly of group `source`,
        and whose last is exactly of group `target`.
    Raises: ValueError: unknown group or route, wrong image shape, fewer frames than the route has groups, or a
        lattice that does not meet the source's system.
    """
    if image.shape != (3, model.resolution, model.resolution):
        side = model.resolution
        raise ValueError(f"`image` must be (3, {side}, {side}), but got {tuple(image.shape)}")
    start = encode(model, image, source)
    path = latent_path(model, start, source, target, lattice=lattice, n_frames=n_frames, route=route)
    return show(model, [path])[0]


@torch.no_grad()
def encode(model: TransitionModel, image: Tensor, group: str) -> Tensor:
    """Latent (d,) of one conventional cell (3, n, n) of a group: where its path begins."""
    index = torch.tensor([plane_group(group).index], device=image.device)
    return model.vae.encode(image[None], index)[0][0]


@torch.no_grad()
def latent_path(
    model: TransitionModel,
    start: Tensor,
    source: str,
    target: str,
    *,
    lattice: Lattice | None = None,
    n_frames: int = 50,
    route: str = "direct",
) -> LatentPath:
    """The path of a latent `start` (d,) of group `source`; the rest as for `transition`, errors too."""
    first = plane_group(source)
    way = plan_route(source, target, route)
    lattice = lattice or Lattice.standard(first.system)
    if not lattice.meets(first.system):
        raise ValueError(f"`lattice` must be {first.system} for {source}, but got {lattice}")
    ends = leg_ends(len(way.legs), n_frames)
    times = torch.linspace(0, 1, n_frames, device=start.device)
    basis, begin = lattice.basis @ primitive_vectors(first), start[None]
    legs: list[_Leg] = []
    for leg, (first_frame, last_frame) in zip(way.legs, pairwise(ends), strict=True):
        legs.append(_follow(model, leg, begin, basis, last_frame - first_frame + 1))
        begin, basis = legs[-1].latents[-1:], legs[-1].bases[-1]
    return _joined(way, times, legs)


@torch.no_grad()
def show(model: TransitionModel, paths: Sequence[LatentPath]) -> list[Transition]:
    """The transitions of several paths, decoded together; each has the bits that it has alone."""
    fields = decode_fields(model.vae, torch.cat([path.latents for path in paths]))
    decoded = fields.split([len(path.latents) for path in paths])
    return [_shown(model, path, each) for path, each in zip(paths, decoded, strict=True)]


def _shown(model: TransitionModel, path: LatentPath, decoded: Tensor) -> Transition:
    frames, ends = [], leg_ends(len(path.route.legs), len(path.times))
    for number, (leg, (first, last)) in enumerate(zip(path.route.legs, pairwise(ends), strict=True)):
        skip = min(number, 1)  # the frame at which two legs meet is the first one's
        rows = slice(first + skip, last + 1)
        weights = torch.tensor(path.weights[rows], device=decoded.device)
        frames.append(colour_frames(model.vae, decoded[rows], path.latents[rows], leg, weights, begins=not number))
    about = {each.name: getattr(path, each.name) for each in dataclass_fields(LatentPath)}
    return Transition(**about, frames=torch.cat(frames))


@dataclass(frozen=True, slots=True, eq=False)
class _Leg:
    """The latents and lattices of one leg, both ends included."""

    latents: Tensor
    bases: tuple[Metric, ...]
    weights: tuple[float, ...]
    nfe: int


def _follow(model: TransitionModel, leg: Alignment, start: Tensor, basis: Metric, count: int) -> _Leg:
    """One leg from the latent `start` (1, d) and the primitive basis (2, 2) that the leg before ended with."""
    source, target = (torch.tensor([plane_group(name).index], device=start.device) for name in (leg.source, leg.target))
    moments = torch.linspace(0, 1, count, device=start.device)
    path = model.ode.solve(start, source, target, moments, solver=LATENT_SOLVER, steps=LATENT_STEPS)
    weights = tuple(smooth_step(moments).tolist())
    return _Leg(path.latents[:, 0], basis_path(basis, leg, list(weights)), weights, path.nfe)


def _joined(route: Route, times: Tensor, legs: Sequence[_Leg]) -> LatentPath:
    """All legs one after the other; where two meet, the first leg's last frame is the second one's first."""
    skip = [0] + [1] * (len(legs) - 1)
    parts = list(zip(legs, skip, strict=True))
    bases = [basis for leg, begin in parts for basis in leg.bases[begin:]]
    latents = torch.cat([leg.latents[begin:] for leg, begin in parts])
    return LatentPath(
        route.groups[0],
        route.groups[-1],
        route,
        times,
        latents,
        lattices=tuple(Lattice.from_metric(basis.T @ basis) for basis in bases),
        rotations=tuple(math.degrees(math.atan2(basis[1, 0], basis[0, 0])) for basis in bases),
        legs=tuple(number for number, (leg, begin) in enumerate(parts) for _ in leg.weights[begin:]),
        weights=tuple(weight for leg, begin in parts for weight in leg.weights[begin:]),
        nfe=sum(leg.nfe for leg in legs),
        path_length=float(torch.linalg.vector_norm(latents.diff(dim=0), dim=-1).sum()),
    )


def pictures(result: Transition, *, size: int = 256, cells: float = 3.0) -> list[Picture]:
    """The frames as people look at them: uint8 (size, size, 3) each, with true angles, at one scale.

    Args:
        size: pixels along each side. cells: how many primitive cells fit across, about.
    """
    frames = result.frames.cpu().numpy()
    return render_many(frames, result.lattices, size=size, cells=cells, rotation=result.rotations)


def spectrum(result: Transition) -> Spectrum:
    """How well every operation of the groups on the way, and of the lattices that they have, holds in every frame."""
    reached = [result.lattices[index] for index, weight in enumerate(result.weights) if weight in (0, 1)]
    return symmetry_spectrum(result.frames.cpu().numpy(), result.times.tolist(), result.route.legs, reached)


def verdict(found: Certificate, planned: str, lattice: Lattice) -> Verdict:
    """Whether a frame on the primitive cell `lattice` was found to have the planned group: that, or one that holds it.

    On the frame's own cell only t-supergroups hold it; where a shorter period was found, k-supergroups do too.
    """
    if found.group == planned:
        return "exact"
    cell = found.lattice.area / len(found.plane_group.centring)
    shorter = cell < (1 - AREA_TOLERANCE) * lattice.area
    held = contains(found.group, planned) if shorter else subgroup_chain(found.group, planned) is not None
    return "higher" if held else "other"


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
    model: TransitionModel, source: str, target: str, *, seed: int = 0, n_frames: int = 50, route: str = "direct"
) -> Transition:
    """The transition of `generate_pattern(source, seed)`, with its own lattice.

    Raises: ValueError: see `transition`.
    """
    pattern = generate_pattern(source, seed, model.resolution)
    image = torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255
    return transition(model, image, source, target, lattice=pattern.lattice, n_frames=n_frames, route=route)
