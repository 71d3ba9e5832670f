r"""How well a field carries one group's latents onto another's: distances between sets of points, and paths.

Distances are between distributions, because an endpoint error on random pairs is least for a field that
collapses onto the mean. A figure means little without its floor, the same distance between two samples of
the target group itself. Energy distance: Szekely and Rizzo, *Energy statistics*, 2013, equation 2.5 (with
a V-statistic); W2: Peyre and Cuturi, *Computational Optimal Transport*, 2019, equation 2.19. Plain float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import permutations
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from wallpaper.data.latents import Latents
from wallpaper.models.ode import Trajectory, TransitionODE, uniform_times
from wallpaper.training.couplings import optimal_assignment

Points: TypeAlias = NDArray[np.floating]
"""(N, d)."""

ROWS = 512
"""Paths solved at once."""


@dataclass(frozen=True, slots=True)
class PairMetrics:
    """A field on one ordered pair of groups, in the scale of the latents."""

    source: int
    target: int
    energy_distance: float
    """Between end points and held-out latents of the target."""
    energy_floor: float
    """The same between reference latents of the target, equally many, and the held-out ones."""
    wasserstein2: float
    """2-Wasserstein distance between the same."""
    wasserstein2_floor: float
    """As `energy_floor`."""
    variance_ratio: float
    """Total variance of the end points over that of the held-out latents of the target; 0 is a collapse, 1 right."""
    endpoint_error: float
    """Mean squared error per coordinate to the optimally coupled held-out latent, in unit scale."""
    path_length: float
    """Mean length of a path."""
    curvature: float
    """Mean of `path_curvature`."""
    cycle_error: float
    """`cycle_error` of going there and, with the groups swapped, back."""
    nfe: float
    """Evaluations of the field that the solver needed."""


def energy_distance(x: Points, y: Points) -> float:
    """2 E|X-Y| - E|X-X'| - E|Y-Y'|, at least 0; the square of scipy.stats.energy_distance in one dimension."""
    within = cdist(x, x).mean() + cdist(y, y).mean()
    return float(max(2 * cdist(x, y).mean() - within, 0.0))


def wasserstein2(x: Points, y: Points) -> float:
    """2-Wasserstein distance of two equally large sets, by exact assignment. Raises: ValueError: sizes differ."""
    chosen = optimal_assignment(x, y)
    return float(np.sqrt(np.square(np.asarray(x, float) - np.asarray(y, float)[chosen]).sum(axis=1).mean()))


def variance_ratio(x: Points, y: Points) -> float:
    """Trace of the covariance of x over that of y; huge, but finite, where y has none."""
    return float(x.var(axis=0, dtype=float).sum() / _spread(y))


def path_curvature(path: Trajectory) -> Tensor:
    """(B,) 1 - chord / length of each path: 0 for a straight line, 1 for a closed loop or a path at rest."""
    chord: Tensor = torch.linalg.vector_norm(path.latents[-1] - path.latents[0], dim=-1)
    return 1 - chord / path.length.clamp(min=torch.finfo(chord.dtype).tiny)


def cycle_error(start: Points, back: Points) -> float:
    """Root mean square distance between points and where they came back to, over the points' own spread."""
    return float(np.sqrt(np.square(np.asarray(back, float) - start).sum(axis=1).mean() / _spread(start)))


def all_pairs(labels: Iterable[int]) -> list[tuple[int, int]]:
    """Every ordered pair of different groups: 272 of 17."""
    return list(permutations(sorted(set(labels)), 2))


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """Held-out latents of the source groups, carried over to the target groups."""

    pairs: tuple[tuple[int, int], ...]
    """Ordered pairs of groups."""
    sizes: tuple[int, ...]
    """Paths of each pair."""
    path: Trajectory
    """All paths, pair after pair."""

    def paths(self) -> list[Tensor]:
        """(T, N, d) of each pair."""
        return list(self.path.latents.split(list(self.sizes), dim=1))

    def groups(self, end: int) -> Tensor:
        """(B,) index of each path's source (`end` 0) or target (1)."""
        return torch.tensor([pair[end] for pair in self.pairs]).repeat_interleave(torch.tensor(self.sizes))


@dataclass(frozen=True, slots=True)
class Floor:
    """What two samples of one group, equally large and with nothing in common, give: no field can be asked for more."""

    energy_distance: float
    wasserstein2: float
    variance_ratio: float


def carry(
    ode: TransitionODE,
    held_out: Latents,
    *,
    pairs: Sequence[tuple[int, int]] | None = None,
    points: int = 200,
    times: int = 11,
    solver: str | None = None,
    steps: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Carried:
    """Solve the paths of all pairs together; arguments as in `pair_table`, `tick` is called now and then."""
    chosen = all_pairs(held_out.labels.tolist()) if pairs is None else list(pairs)
    members = {source: _members(held_out, source, points) for source, _ in chosen}
    start = torch.cat([members[source] for source, _ in chosen])
    unsolved = Carried(
        tuple(chosen),
        tuple(len(members[source]) for source, _ in chosen),
        Trajectory(torch.zeros(1), start[None], 0),
    )
    path = _solve_all(ode, start, unsolved.groups(0), unsolved.groups(1), times, solver, steps, tick)
    return Carried(unsolved.pairs, unsolved.sizes, path)


def floors(held_out: Latents, reference: Latents, groups: Iterable[int], *, points: int = 200) -> dict[int, Floor]:
    """The floor of each group: reference latents taken for end points. Raises: ValueError: see `pair_table`."""
    found = {}
    for group in groups:
        x, y = _equally_many(_members(reference, group, points), _members(held_out, group, points))
        found[group] = Floor(energy_distance(x, y), wasserstein2(x, y), variance_ratio(x, y))
    return found


def pair_table(
    ode: TransitionODE,
    held_out: Latents,
    reference: Latents,
    *,
    pairs: Sequence[tuple[int, int]] | None = None,
    points: int = 200,
    times: int = 11,
    solver: str | None = None,
    steps: int | None = None,
) -> list[PairMetrics]:
    """Measure a field on held-out latents, pair by pair; the solves of all pairs run together.

    Args:
        held_out: starting points, and what the end points are compared with.
        reference: other latents of the same groups, only for the floors; those of another split that no training
            saw give the fairest.
        pairs: ordered pairs of groups; None means all among `held_out`.
        points: at most this many of each group are used, the first ones.
        times: points on each path for its length and curvature.
        solver, steps: other than the model's own.
    Raises: ValueError: a group with fewer than two held-out or reference latents. SolveError: see `solve`.
    """
    carried = carry(ode, held_out, pairs=pairs, points=points, times=times, solver=solver, steps=steps)
    return measure(ode, carried, held_out, reference, points=points, solver=solver, steps=steps)


def measure(
    ode: TransitionODE,
    carried: Carried,
    held_out: Latents,
    reference: Latents,
    *,
    points: int = 200,
    solver: str | None = None,
    steps: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> list[PairMetrics]:
    """`pair_table` of paths that `carry` has solved with the same arguments."""
    there, (source, target) = carried.path, (carried.groups(end) for end in (0, 1))
    back = _solve_all(ode, there.latents[-1], target, source, 2, solver, steps, tick).latents[-1]
    targets = sorted({target for _, target in carried.pairs})
    members = {group: _members(held_out, group, points) for group in targets}
    least = floors(held_out, reference, targets, points=points)
    scale = float(ode.latent_std.mean())
    parts = zip(carried.pairs, carried.paths(), back.split(list(carried.sizes)), strict=True)
    return [
        _measure(pair, Trajectory(there.times, paths, there.nfe), members[pair[1]], ends, least[pair[1]], scale)
        for pair, paths, ends in parts
    ]


def endpoint_errors(
    ode: TransitionODE, held_out: Latents, *, pairs: Sequence[tuple[int, int]], points: int = 200
) -> list[float]:
    """The `endpoint_error` of `pair_table` alone, pair by pair: half of the work, since nothing is carried back.

    Raises: ValueError: a group with fewer than two held-out latents. SolveError: see `solve`.
    """
    carried = carry(ode, held_out, pairs=pairs, points=points, times=2)
    scale = float(ode.latent_std.mean())
    return [
        _endpoint_error(path[0], path[-1], _members(held_out, target, points), scale)
        for (_, target), path in zip(carried.pairs, carried.paths(), strict=True)
    ]


def summary(table: Sequence[PairMetrics]) -> dict[str, float]:
    """Means of every figure over the pairs."""
    names = [field.name for field in fields(PairMetrics) if field.name not in ("source", "target")]
    return {name: float(np.mean([getattr(row, name) for row in table])) for name in names}


def _spread(points: Points) -> float:
    """Total variance, at least the least positive number whose inverse is finite."""
    return max(float(points.var(axis=0, dtype=float).sum()), float(np.finfo(float).tiny))


def _members(latents: Latents, group: int, points: int) -> Tensor:
    found = latents.mean[latents.labels == group][:points]
    if len(found) < 2:
        raise ValueError(
            f"at least two latents of group {group} must be given, but got {len(found)}; use a larger split"
        )
    return found


@torch.no_grad()
def _solve_all(
    ode: TransitionODE,
    start: Tensor,
    source: Tensor,
    target: Tensor,
    times: int,
    solver: str | None,
    steps: int | None,
    tick: Callable[[], None],
) -> Trajectory:
    device, moments = ode.latent_mean.device, uniform_times(times)
    parts = []
    for rows in torch.arange(len(start)).split(ROWS):
        z, s, t = (each[rows].to(device) for each in (start, source, target))
        parts.append(ode.solve(z, s, t, moments, solver=solver, steps=steps))
        tick()
    latents = torch.cat([part.latents for part in parts], dim=1).cpu()
    return Trajectory(parts[0].times.cpu(), latents, max(part.nfe for part in parts))


def _equally_many(x: Tensor, y: Tensor) -> tuple[Points, Points]:
    size = min(len(x), len(y))
    return x[:size].double().numpy(), y[:size].double().numpy()


def _endpoint_error(start: Tensor, end: Tensor, target: Tensor, scale: float) -> float:
    """How far the ends are from the targets that an optimal coupling gives their starts."""
    x, y = _equally_many(end, target)
    coupled = y[optimal_assignment(_equally_many(start, target)[0], y)]
    return float(np.square((x - coupled) / scale).mean())


def _measure(
    pair: tuple[int, int], path: Trajectory, target: Tensor, back: Tensor, floor: Floor, scale: float
) -> PairMetrics:
    start, end = path.latents[0], path.latents[-1]
    x, y = _equally_many(end, target)
    return PairMetrics(
        *pair,
        energy_distance=energy_distance(x, y),
        energy_floor=floor.energy_distance,
        wasserstein2=wasserstein2(x, y),
        wasserstein2_floor=floor.wasserstein2,
        variance_ratio=variance_ratio(x, y),
        endpoint_error=_endpoint_error(start, end, target, scale),
        path_length=float(path.length.mean()),
        curvature=float(path_curvature(path).mean()),
        cycle_error=cycle_error(start.double().numpy(), back.double().numpy()),
        nfe=path.nfe,
    )
