"""How well the field carries groups onto each other: every ordered pair against the floor of two fresh samples.

The floor compares two held-out splits of the target with each other, as many of each as there are end points; no
training saw either. Distances themselves are in `wallpaper.training.transport_metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wallpaper.data import Latents
from wallpaper.models.ode import TransitionODE
from wallpaper.models.solvers import SolveError
from wallpaper.training.transport_metrics import (
    Carried,
    PairMetrics,
    carry,
    floors,
    measure,
    summary,
    wasserstein2,
)
from wallpaper.transition import LATENT_SOLVER, LATENT_STEPS

POINTS = 24
"""Latents of each group that are carried over, at most."""

ADAPTIVE_POINTS = 6
"""Of those, how many are carried over with dopri5 as well, which evaluates the field several times as often."""

COLLAPSED = 0.5
"""Variance of the end points over the target's below which a pair counts as collapsed."""

RIGHT = (0.9, 1.1)
"""Variance ratios that count as right."""

FLAT = 1e-9
"""A floor below this share of a distance is none."""


@dataclass(frozen=True, slots=True)
class Transport:
    """The field on all pairs, with the solver of `transition`."""

    pairs: tuple[PairMetrics, ...]
    """One row for each ordered pair of groups."""
    variance_floor: tuple[float, ...]
    """Variance of one fresh sample over that of another, of each pair's target."""
    fixed_wasserstein2: float
    """Mean distance of the first `ADAPTIVE_POINTS` end points to as many held-out latents."""
    adaptive_wasserstein2: float | None
    """The same with dopri5; None where it finds no solution."""
    adaptive_nfe: int | None
    """Evaluations that dopri5 needed."""
    never_trained: tuple[tuple[int, int], ...]
    """Pairs that the field was not trained on."""

    def rows(self, *, trained: bool | None = None) -> list[PairMetrics]:
        """Of all pairs, or only of those that the field was, or was not, trained on."""
        unseen = set(self.never_trained)
        return [row for row in self.pairs if trained is None or ((row.source, row.target) not in unseen) == trained]


def measure_transport(
    ode: TransitionODE,
    held_out: Latents,
    fresh: Latents,
    *,
    never_trained: Sequence[tuple[int, int]] = (),
    tick: Callable[[], None] = lambda: None,
) -> tuple[Transport, Carried]:
    """The table of all pairs, and the paths behind it.

    Args:
        held_out, fresh: latents of the same groups that no training saw, of different patterns.
        tick: called after each block of paths.
    Raises: ValueError: a group with fewer than two latents. SolveError: the field is not finite.
    """
    # As many of both, so that end points and floor are compared at one size.
    points = min(POINTS, *(int((part.labels == g).sum()) for part in (held_out, fresh) for g in part.labels.unique()))
    carried = carry(ode, held_out, points=points, solver=LATENT_SOLVER, steps=LATENT_STEPS, tick=tick)
    table = measure(ode, carried, held_out, fresh, points=points, solver=LATENT_SOLVER, steps=LATENT_STEPS, tick=tick)
    least = floors(held_out, fresh, sorted({row.target for row in table}), points=points)
    few = min(points, ADAPTIVE_POINTS)
    try:
        adaptive = carry(ode, held_out, points=few, times=2, solver="dopri5", tick=tick)
    except SolveError:
        adaptive = None
    fixed = _mean_distance(carried, held_out, few)
    distance = None if adaptive is None else _mean_distance(adaptive, held_out, few)
    variances = tuple(least[row.target].variance_ratio for row in table)
    nfe = None if adaptive is None else adaptive.path.nfe
    return Transport(tuple(table), variances, fixed, distance, nfe, tuple(never_trained)), carried


def transport_metrics(found: Transport) -> dict[str, float]:
    """Figures over all pairs by name."""
    mean = summary(found.pairs)
    ratios = [row.variance_ratio for row in found.pairs]
    flat = dict(mean) | {
        "energy_distance_over_floor": _over(mean["energy_distance"], mean["energy_floor"]),
        "wasserstein2_over_floor": _over(mean["wasserstein2"], mean["wasserstein2_floor"]),
        "wasserstein2_over_floor_worst": max(map(over_floor, found.pairs)),
        "variance_ratio_floor": float(np.mean(found.variance_floor)),
        "variance_ratio_worst": off_one(found.pairs).variance_ratio,
        "variance_outside": float(_outside(ratios)),
        "variance_outside_floor": float(_outside(found.variance_floor)),
        "collapsed_pairs": float(sum(ratio < COLLAPSED for ratio in ratios)),
        "curvature_worst": max(row.curvature for row in found.pairs),
        "cycle_error_worst": max(row.cycle_error for row in found.pairs),
        "pairs": float(len(found.pairs)),
    }
    if found.adaptive_wasserstein2 is not None and found.adaptive_nfe is not None:
        flat["adaptive_wasserstein2"] = found.adaptive_wasserstein2
        flat["adaptive_nfe"] = float(found.adaptive_nfe)
        flat["fixed_steps_change"] = abs(_over(found.fixed_wasserstein2, found.adaptive_wasserstein2) - 1)
    return flat | (_apart(found) if found.never_trained else {})


def over_floor(row: PairMetrics) -> float:
    """W2 of a pair over its floor."""
    return _over(row.wasserstein2, row.wasserstein2_floor)


def off_one(rows: Sequence[PairMetrics]) -> PairMetrics:
    """The pair whose variance ratio is furthest from 1, as a factor."""
    return max(rows, key=lambda row: abs(np.log(max(row.variance_ratio, 1e-12))))


def _apart(found: Transport) -> dict[str, float]:
    """Means of the pairs never trained, and of the trained ones."""
    flat = {}
    for name, rows in (("never_trained", found.rows(trained=False)), ("trained", found.rows(trained=True))):
        if rows:
            mean = summary(rows)
            flat[f"{name}/pairs"] = float(len(rows))
            flat[f"{name}/wasserstein2_over_floor"] = _over(mean["wasserstein2"], mean["wasserstein2_floor"])
            flat[f"{name}/energy_distance_over_floor"] = _over(mean["energy_distance"], mean["energy_floor"])
            flat[f"{name}/variance_ratio"] = mean["variance_ratio"]
            flat[f"{name}/collapsed_pairs"] = float(sum(row.variance_ratio < COLLAPSED for row in rows))
            flat[f"{name}/curvature"] = mean["curvature"]
    return flat


def _over(value: float, floor: float) -> float:
    """Their ratio, finite also where all latents are alike and so the floor is 0."""
    return value / floor if floor > FLAT * value else (1.0 if value == 0 else 1 / FLAT)


def _outside(ratios: Sequence[float]) -> int:
    return sum(not RIGHT[0] <= ratio <= RIGHT[1] for ratio in ratios)


def _mean_distance(carried: Carried, held_out: Latents, points: int) -> float:
    found = []
    for (_, target), path in zip(carried.pairs, carried.paths(), strict=True):
        there = held_out.mean[held_out.labels == target][:points]
        size = min(len(there), path.shape[1], points)
        found.append(wasserstein2(path[-1, :size].double().numpy(), there[:size].double().numpy()))
    return float(np.mean(found))
