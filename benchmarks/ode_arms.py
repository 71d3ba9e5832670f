"""One training step of the transition field, in every way that the benchmark compares.

`Arm`s share the field's weights, the pairs and the loss (but flow matching, which has its own); torch's arms share
the optimiser too. `PlainField` is the dense network written plainly: everything concatenated, embeddings looked up
inside, solved by torchdiffeq's adjoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchdiffeq import odeint, odeint_adjoint

from wallpaper.data.latents import Latents
from wallpaper.models.ode import ODEFunction, TransitionODE, uniform_times
from wallpaper.training.couplings import PairBatch, build_coupling
from wallpaper.training.objectives import flow_loss, trajectory_terms

BATCH, TIME_POINTS, RTOL, ATOL = 64, 50, 1e-4, 1e-5
LAMBDA_SMOOTH, LAMBDA_VELOCITY = 0.1, 0.01
FIXED_STEPS = 8
POINTS = 60
"""Synthetic latents a group."""
WARM_STEPS = 400
"""Steps of flow matching that give the field something to do before it is measured."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One way to make a step."""

    step: Callable[[], float]
    """Forward, backward, optimiser; returns the loss."""
    counted: nn.Module | None
    """Called once for each evaluation of the field."""


class PlainField(nn.Module):
    """f(t, z) for fixed pairs of groups, written as its formula says it."""

    def __init__(self, ode: TransitionODE, pairs: PairBatch) -> None:
        super().__init__()
        own = dense(ode)
        width, dim = own.first.weight.shape[0], own.out.out_features
        self.embedding = nn.Embedding.from_pretrained(ode.embedding.weight.detach().clone(), freeze=False)
        self.time = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 1))
        self.first = nn.Linear(own.first.weight.shape[1], width)
        self.residual = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.last = nn.Linear(width, width)
        self.out = nn.Linear(width, dim)
        self.load_state_dict(own.state_dict() | {"embedding.weight": ode.embedding.weight})
        self.source, self.target = pairs.source, pairs.target

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """Velocities (..., B, d) at times () or (..., B), states (..., B, d)."""
        shape = state.shape[:-1]
        moment = self.time(time.expand(shape)[..., None])
        ends = [self.embedding(group).expand(*shape, -1) for group in (self.source, self.target)]
        hidden = functional.silu(self.first(torch.cat([state, moment, *ends], dim=-1)))
        for layer in self.residual:
            hidden = hidden + functional.silu(layer(hidden))
        velocity: Tensor = self.out(functional.silu(self.last(hidden)))
        return velocity


def synthetic_latents(dimension: int, *, points: int = POINTS, seed: int = 0) -> Latents:
    """Seventeen clouds, each of another place and shape."""
    generator = torch.Generator().manual_seed(seed)
    centre = 2 * torch.randn(17, 1, dimension, generator=generator)
    shape = torch.eye(dimension) + 0.5 * torch.randn(17, dimension, dimension, generator=generator)
    cloud = centre + 0.5 * torch.randn(17, points, dimension, generator=generator) @ shape
    return Latents(cloud.flatten(0, 1), torch.arange(17).repeat_interleave(points))


def warm_field(latents: Latents, *, steps: int = WARM_STEPS) -> tuple[TransitionODE, PairBatch]:
    """A field trained for a moment by flow matching, and a batch of pairs; both always the same."""
    generator = torch.Generator().manual_seed(0)
    ode = TransitionODE(latent_dim=latents.dimension, rtol=RTOL, atol=ATOL, generator=generator)
    ode.fit_scale(latents.mean)
    coupling = build_coupling("ot", latents)
    optimiser = torch.optim.AdamW(ode.parameters(), lr=2e-3)
    for _ in range(steps):
        pairs, times = coupling.draw(BATCH, generator), torch.rand(BATCH, generator=generator)
        optimiser.zero_grad()
        flow_loss(ode, pairs, times).backward()
        optimiser.step()
    return ode, coupling.draw(BATCH, generator)


def dense(ode: TransitionODE) -> ODEFunction:
    """The dense network, which all arms have."""
    assert isinstance(ode.function, ODEFunction)
    return ode.function


def copied(ode: TransitionODE, device: str, **options: object) -> TransitionODE:
    """The same weights, solved in another way."""
    other = TransitionODE(**ode.options() | options).to(device, ode.latent_mean.dtype)  # type: ignore[arg-type]
    other.load_state_dict(ode.state_dict())
    return other


def step_of(model: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], float]:
    """Forward, backward and optimiser; the step is too small to change what is measured."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-7, fused=True)

    def step() -> float:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        optimiser.step()
        return float(value.detach())

    return step


def baseline_loss(field: PlainField, start: Tensor, end: Tensor, solve: Callable[[Tensor], Tensor]) -> Tensor:
    """Endpoint + smoothness + velocity of a solved path (T, B, d), as `TrajectoryTerms.total` adds them."""
    times = uniform_times(TIME_POINTS).to(start.device)
    path = solve(times)
    velocity = field(times[:, None], path)
    smoothness = path.diff(dim=0).square().sum(dim=(0, 2)).mean()
    speed = velocity.square().sum(dim=-1).mean()
    total: Tensor = functional.mse_loss(path[-1], end) + LAMBDA_SMOOTH * smoothness + LAMBDA_VELOCITY * speed
    return total


def torch_arms(ode: TransitionODE, pairs: PairBatch, device: str) -> dict[str, Arm]:
    """Every arm that needs nothing but torch and torchdiffeq, the preset baseline's first."""
    pairs = pairs.to(device)
    ode = ode.to(device)
    start, end = ode.standardise(pairs.z_source), ode.standardise(pairs.z_target)
    arms = {}
    for name, solver in (("odeint_adjoint (baseline)", odeint_adjoint), ("odeint", odeint)):
        field = PlainField(ode, pairs).to(device)
        solve = partial(solver, field, start, rtol=RTOL, atol=ATOL, method="dopri5")
        arms[f"torchdiffeq {name}"] = Arm(step_of(field, partial(baseline_loss, field, start, end, solve)), field.last)
    ways: dict[str, dict[str, object]] = {
        "ours, dopri5 adjoint": {"adjoint": True},
        "ours, dopri5": {},
        f"ours, rk4, {FIXED_STEPS} steps": {"solver": "rk4", "steps": FIXED_STEPS},
        f"ours, midpoint, {FIXED_STEPS} steps": {"solver": "midpoint", "steps": FIXED_STEPS},
    }
    for name, options in ways.items():
        own = copied(ode, device, **options)
        arms[name] = Arm(step_of(own, partial(_endpoint_loss, own, pairs)), dense(own).last)
    own, times = copied(ode, device), torch.linspace(0, 1, len(pairs), device=device)
    arms["ours, flow matching"] = Arm(step_of(own, partial(flow_loss, own, pairs, times)), dense(own).last)
    return arms


def _endpoint_loss(ode: TransitionODE, pairs: PairBatch) -> Tensor:
    terms = trajectory_terms(ode, pairs, uniform_times(TIME_POINTS).to(pairs.z_source.device))
    return terms.total(LAMBDA_SMOOTH, LAMBDA_VELOCITY)


@contextmanager
def counting(module: nn.Module | None) -> Iterator[list[None]]:
    """A list that grows by one for each call of `module` inside the block."""
    calls: list[None] = []
    if module is None:
        yield calls
        return
    handle = module.register_forward_hook(lambda *_: calls.append(None))
    try:
        yield calls
    finally:
        handle.remove()


def memory_job(latents: Latents, name: str, device: str) -> Callable[[], float]:
    """The step of one of `torch_arms`, built anew: for a process of its own."""
    ode, pairs = warm_field(latents, steps=20)
    return torch_arms(ode, pairs, device)[name].step
