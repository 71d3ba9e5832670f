"""The transition field: a neural ODE that carries latents of one group to another.

dz/dt = f(z, t, e_source, e_target), t from 0 (source) to 1 (target), after Chen et al., *Neural Ordinary
Differential Equations*, 2018. Works in unit scale inside, in the scale of its latents outside. Knows no
images and no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from wallpaper.models.embedding import GroupEmbedding
from wallpaper.models.grid_field import BoundGridField, GridField
from wallpaper.models.initial_weights import initialise
from wallpaper.models.solvers import Solution, SolveError, SolverSettings, integrate
from wallpaper.plane import GROUP_NAMES

_TIME_WIDTH = 32
_MIN_SCALE = 1e-6  # latents that are all alike have no scale of their own


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Latent paths of a batch."""

    times: Tensor
    """(T,)."""
    latents: Tensor
    """(T, B, d)."""
    nfe: int
    """Evaluations of the field that the solver needed, each for the whole batch."""

    @property
    def length(self) -> Tensor:
        """(B,) length of each path, as the polygon through its points."""
        steps: Tensor = torch.linalg.vector_norm(self.latents.diff(dim=0), dim=-1)
        return steps.sum(dim=0)


class ODEFunction(nn.Module):
    """The network f: time MLP 1→32→1; z, t, e_S, e_T concatenated → hidden; two residual layers; one plain; out.

    Args:
        generator: source of the initial weights (PyTorch's default distribution); None takes torch's global one.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden_dim: int = 256,
        embedding_dim: int = 32,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(1, _TIME_WIDTH), nn.SiLU(), nn.Linear(_TIME_WIDTH, 1))
        self.first = nn.Linear(latent_dim + 1 + 2 * embedding_dim, hidden_dim)
        self.residual = nn.ModuleList(nn.Linear(hidden_dim, hidden_dim) for _ in range(2))
        self.last = nn.Linear(hidden_dim, hidden_dim)
        self.out = nn.Linear(hidden_dim, latent_dim)
        initialise(self, generator)

    def forward(self, time: Tensor, state: Tensor, e_source: Tensor, e_target: Tensor) -> Tensor:
        """Velocities (B, d) at time () or (B,), states (B, d), embeddings (B, e)."""
        return self.bind(e_source, e_target)(time, state)

    def bind(self, e_source: Tensor, e_target: Tensor) -> BoundField:
        """The field of fixed groups: what they contribute to the first layer is computed here, once."""
        return BoundField(self, torch.cat([e_source, e_target], dim=-1))


class BoundField:
    """f(t, z) of an `ODEFunction` for given embeddings (B, 2 e)."""

    def __init__(self, function: ODEFunction, embeddings: Tensor) -> None:
        weight, latent_dim = function.first.weight, function.out.out_features
        self._function = function
        self._state_weight = weight[:, :latent_dim]
        self._time_weight = weight[:, latent_dim]
        self._constant = functional.linear(embeddings, weight[:, latent_dim + 1 :], function.first.bias)

    def __call__(self, time: Tensor, state: Tensor) -> Tensor:
        """Velocities (B, d) at time () or (B,) and states (B, d)."""
        f = self._function
        clock = f.time(time.reshape(-1, 1)) * self._time_weight
        hidden = functional.silu(functional.linear(state, self._state_weight) + clock + self._constant)
        for layer in f.residual:
            hidden = hidden + functional.silu(layer(hidden))
        velocity: Tensor = f.out(functional.silu(f.last(hidden)))
        return velocity

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """All that the field depends on, none through another: what an adjoint must be told.

        The constant stands for the embeddings and for its part of the first layer, whose gradients follow from
        its own; naming those leaves as well would count them twice, naming neither would lose them.
        """
        f = self._function
        inner = [parameter for module in (f.time, f.residual, f.last, f.out) for parameter in module.parameters()]
        return (self._state_weight, self._time_weight, self._constant, *inner)


class TransitionODE(nn.Module):
    """Group embeddings, the field between them, and its solver.

    Latents are standardised inside: u = (z - latent_mean) / latent_std (`fit_scale`), and tolerances hold for u.

    Args:
        latent_dim, hidden_dim, embedding_dim: sizes; the preset plan has 2, 256, 32.
        places: side of the grid of places that the latents lie on, channel after channel: the network is then a
            `GridField`, with `hidden_dim` channels a place. 0: the dense network.
        solver, steps, rtol, atol, max_evaluations: see `SolverSettings`.
        adjoint: gradients by the adjoint equation instead of backpropagation; only dopri5.
        generator: source of the initial weights; None takes torch's global one.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(
        self,
        *,
        latent_dim: int = 2,
        hidden_dim: int = 256,
        embedding_dim: int = 32,
        places: int = 0,
        solver: str = "dopri5",
        steps: int = 8,
        rtol: float = 1e-4,
        atol: float = 1e-5,
        max_evaluations: int = 10_000,
        adjoint: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.settings = SolverSettings(
            solver=solver, steps=steps, rtol=rtol, atol=atol, max_evaluations=max_evaluations
        )
        if adjoint and solver != "dopri5":
            raise ValueError(f"`adjoint` needs `solver` 'dopri5', but got {solver!r}")
        self.sizes = {"latent_dim": latent_dim, "hidden_dim": hidden_dim, "embedding_dim": embedding_dim}
        if min(self.sizes.values()) < 1 or places < 0:
            raise ValueError(f"every size must be at least 1, but got {self.sizes | {'places': places}}")
        self.places = places
        self.adjoint = adjoint
        self.embedding = GroupEmbedding(embedding_dim, generator=generator)
        self.function: ODEFunction | GridField = (
            GridField(latent_dim, hidden_dim, embedding_dim, places=places, generator=generator)
            if places
            else ODEFunction(latent_dim, hidden_dim, embedding_dim, generator=generator)
        )
        self.register_buffer("latent_mean", torch.zeros(latent_dim))
        self.register_buffer("latent_std", torch.ones(latent_dim))

    @property
    def latent_dim(self) -> int:
        """d."""
        return self.sizes["latent_dim"]

    def options(self) -> dict[str, int | float | str | bool]:
        """Plain data from which `TransitionODE(**options)` builds the same model before its weights are loaded."""
        return {**self.sizes, "places": self.places, **asdict(self.settings), "adjoint": self.adjoint}

    def fit_scale(self, latents: Tensor) -> None:
        """Centre on `latents` (N, d) and scale by their root mean square deviation over all coordinates.

        One scale for all coordinates keeps angles and the order of distances, so that optimal transport means the
        same inside and outside, and coordinates that carry nothing are not blown up.
        """
        _check_shape("latents", latents, (len(latents), self.latent_dim))
        self.latent_mean.copy_(latents.mean(dim=0))
        scale = (latents - latents.mean(dim=0)).square().mean().sqrt()
        self.latent_std.fill_(max(float(scale), _MIN_SCALE))

    def standardise(self, latents: Tensor) -> Tensor:
        """z (..., d) to unit scale."""
        return (latents - self.latent_mean) / self.latent_std

    def restore(self, states: Tensor) -> Tensor:
        """Unit scale (..., d) to z."""
        return states * self.latent_std + self.latent_mean

    def field(self, source: Tensor, target: Tensor) -> BoundField | BoundGridField:
        """The field in unit scale from groups `source` to `target`, index tensors (B,)."""
        embeddings = self.embedding(source), self.embedding(target)
        function = self.function
        return function.bind(*embeddings, target) if isinstance(function, GridField) else function.bind(*embeddings)

    def velocity(self, time: Tensor | float, latents: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """dz/dt (B, d) at time () or (B,), latents (B, d), group indices (B,)."""
        moment = torch.as_tensor(time, dtype=latents.dtype, device=latents.device)
        return self.field(source, target)(moment, self.standardise(latents)) * self.latent_std

    def solve(
        self,
        latents: Tensor,
        source: Tensor,
        target: Tensor,
        times: Tensor | Sequence[float] = (0.0, 1.0),
        *,
        solver: str | None = None,
        steps: int | None = None,
    ) -> Trajectory:
        """Carry latents along the field; differentiable, by the adjoint if the model says so.

        Args:
            latents: (B, d) at times[0]. source, target: (B,) group indices.
            times: (T,), T >= 2, strictly monotone; (1, ..., 0) walks a path back.
            solver, steps: other than the model's own.
                Fixed-step paths agree to rounding whatever else is in the batch; a row alone has the same bits again.
        Raises: ValueError: shapes or times. SolveError: names the sample and its groups.
        """
        _check_shape("latents", latents, (len(latents), self.latent_dim))
        _check_shape("source", source, (len(latents),))
        _check_shape("target", target, (len(latents),))
        if not len(latents):
            raise ValueError("`latents` must have at least one row, but got none")
        own = self.settings
        settings = replace(own, solver=solver or own.solver, steps=own.steps if steps is None else steps)
        moments = torch.as_tensor(times, dtype=latents.dtype, device=latents.device)
        solution = self._integrate(latents, source, target, moments, settings)
        return Trajectory(moments, self.restore(solution.states), solution.nfe)

    def _integrate(
        self, latents: Tensor, source: Tensor, target: Tensor, times: Tensor, settings: SolverSettings
    ) -> Solution:
        field = self.field(source, target)
        adjoint = self.adjoint and settings.solver == "dopri5" and torch.is_grad_enabled()
        try:
            return integrate(
                field,
                self.standardise(latents),
                times,
                settings,
                adjoint_parameters=field.parameters if adjoint else None,
            )
        except SolveError as error:
            if error.sample is None:
                raise
            names = f"{GROUP_NAMES[int(source[error.sample])]} to {GROUP_NAMES[int(target[error.sample])]}"
            raise SolveError(f"({names}) {error.reason}", error.sample) from error


def uniform_times(count: int) -> Tensor:
    """(count,) equally spaced times from 0 to 1. Raises: ValueError: fewer than two."""
    if count < 2:
        raise ValueError(f"`count >= 2` must hold, for a beginning and an end, but got {count}")
    return torch.linspace(0.0, 1.0, count)


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != shape:
        raise ValueError(f"`{name}` must be {shape}, but got {tuple(tensor.shape)}")
