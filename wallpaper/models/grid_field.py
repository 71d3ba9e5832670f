r"""The network f for latents that lie on a grid of places: convolutions on the torus that know the target's operations.

A dense network on thousands of numbers would have to learn from examples which places a group repeats. Here that is
given: what every layer says of a place can be averaged over the places that the target group's operations carry it to,
:math:`M_T = A P_T A^\top` with the exact projection :math:`P_T` of samples and the mean A over the samples of a place.
What a group must change at a place is still learned. Knows no solver and no training.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from wallpaper.models.backbones import NORM_GROUPS, circular_conv
from wallpaper.models.initial_weights import initialise
from wallpaper.plane import GROUP_NAMES
from wallpaper.symmetry import project

_TIME_WIDTH = 32
_MARKS = 8
"""Learned numbers of a place, for each target group: without them what the source repeats could never be told apart."""


class GridField(nn.Module):
    """Residual blocks on a grid, modulated by t, e_S and e_T, each with half of its channels averaged over orbits.

    Args:
        latent_dim: d; a multiple of places^2.
        hidden_dim: channels of a place inside; a multiple of 16.
        embedding_dim: length of a group's vector.
        places: side of the grid of places that the latents lie on, channel after channel.
        blocks: residual blocks.
        generator: source of the initial weights (PyTorch's default distribution); None takes torch's global one.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden_dim: int,
        embedding_dim: int,
        *,
        places: int,
        blocks: int = 2,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if latent_dim % places**2:
            raise ValueError(f"`latent_dim % places**2 == 0` must hold, but got {latent_dim} and {places}")
        if hidden_dim % (2 * NORM_GROUPS):
            raise ValueError(f"`hidden_dim % {2 * NORM_GROUPS} == 0` must hold, but got {hidden_dim}")
        self.places, self.depth, self.blocks = places, latent_dim // places**2, blocks
        self.time = nn.Sequential(nn.Linear(1, _TIME_WIDTH), nn.SiLU(), nn.Linear(_TIME_WIDTH, _TIME_WIDTH))
        self.condition = nn.Linear(_TIME_WIDTH + 2 * embedding_dim, 2 * hidden_dim)
        self.modulation = nn.Linear(2 * hidden_dim, 2 * hidden_dim * blocks)
        self.marks = nn.Parameter(torch.randn(len(GROUP_NAMES), _MARKS, places, places, generator=generator))
        self.first = circular_conv(2 * self.depth + _MARKS, hidden_dim)
        self.inner = nn.ModuleList(circular_conv(hidden_dim, hidden_dim) for _ in range(2 * blocks))
        self.out = circular_conv(hidden_dim, self.depth)
        initialise(self, generator)
        nn.init.zeros_(self.out.weight)  # no velocity at first
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def bind(self, e_source: Tensor, e_target: Tensor, target: Tensor) -> BoundGridField:
        """The field of fixed groups: embeddings (B, e), index of the target group (B,)."""
        return BoundGridField(self, torch.cat([e_source, e_target], dim=-1), target)


class BoundGridField:
    """f(t, z) of a `GridField` for given groups."""

    def __init__(self, field: GridField, embeddings: Tensor, target: Tensor) -> None:
        weight = field.condition.weight
        self._field = field
        self._time_weight = weight[:, :_TIME_WIDTH]
        self._constant = functional.linear(embeddings, weight[:, _TIME_WIDTH:], field.condition.bias)
        self._marks = field.marks[target]
        self._mean = place_projections(field.places).to(embeddings)[target]

    def __call__(self, time: Tensor, state: Tensor) -> Tensor:
        """Velocities (B, d) at time () or (B,) and states (B, d)."""
        f = self._field
        grid = state.view(len(state), f.depth, f.places, f.places)
        clock = functional.linear(f.time(time.reshape(-1, 1)), self._time_weight)
        modulation = f.modulation(functional.silu(clock + self._constant)).chunk(2 * f.blocks, dim=1)
        hidden = f.first(torch.cat([grid, self._over_orbits(grid), self._marks], dim=1))
        for number in range(f.blocks):
            scale, shift = modulation[2 * number], modulation[2 * number + 1]
            change = functional.group_norm(hidden, NORM_GROUPS)
            change = functional.silu(change * (1 + scale[..., None, None]) + shift[..., None, None])
            change = functional.silu(f.inner[2 * number](self._half_over_orbits(change)))
            hidden = hidden + f.inner[2 * number + 1](change)
        velocity: Tensor = f.out(self._half_over_orbits(functional.silu(hidden)))
        return velocity.flatten(1)

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """All that the field depends on, none through another: see `BoundField.parameters`."""
        f = self._field
        modules = (f.time, f.modulation, f.first, f.inner, f.out)
        inner = [parameter for module in modules for parameter in module.parameters()]
        return (self._time_weight, self._constant, self._marks, *inner)

    def _half_over_orbits(self, features: Tensor) -> Tensor:
        """The second half of the channels averaged."""
        own, shared = features.chunk(2, dim=1)
        return torch.cat([own, self._over_orbits(shared)], dim=1)

    def _over_orbits(self, features: Tensor) -> Tensor:
        """(B, C, g, g) averaged over the target group's orbits of places."""
        mixed: Tensor = features.flatten(2) @ self._mean.mT
        return mixed.view_as(features)


@cache
def place_projections(places: int, samples: int = 4) -> Tensor:
    """(17, g^2, g^2) the groups' projections as seen on g^2 places of `samples`^2 samples each; rows sum to 1.

    Operations carry samples to samples, but a place, which is a block of them, only nearly to a place: the share of
    its samples that come from each other place stands in the matrix.
    """
    count, side = places**2, places * samples
    one = torch.eye(count).view(count, 1, places, places)
    spread = functional.interpolate(one, scale_factor=samples, mode="nearest")
    found = []
    for group in range(len(GROUP_NAMES)):
        projected = project(spread.view(count, 1, side, side), torch.full((count,), group))
        found.append(functional.avg_pool2d(projected, samples).view(count, count).T)
    return torch.stack(found)
