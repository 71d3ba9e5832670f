from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wallpaper.data.latents import Latents
from wallpaper.models.ode import Trajectory, TransitionODE
from wallpaper.models.solvers import SolveError
from wallpaper.training.transport_metrics import (
    all_pairs,
    cycle_error,
    endpoint_errors,
    energy_distance,
    pair_table,
    path_curvature,
    summary,
    variance_ratio,
    wasserstein2,
)

Array = NDArray[np.float64]


def draw(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def resting_field(latent_dim: int = 2) -> TransitionODE:
    ode = TransitionODE(latent_dim=latent_dim, hidden_dim=16)
    nn.init.zeros_(ode.function.out.weight)
    nn.init.zeros_(ode.function.out.bias)
    return ode


def shifted_groups(seed: int, labels: tuple[int, ...] = (0, 3, 8), per_group: int = 60) -> Latents:
    """Group g is a unit Gaussian around (g, 0)."""
    group = torch.tensor(labels).repeat_interleave(per_group)
    mean = torch.randn(len(group), 2, generator=torch.Generator().manual_seed(seed))
    mean[:, 0] += group
    return Latents(mean, group)


@pytest.mark.parametrize("sizes", [(40, 40), (30, 50)])
def test_energy_distance_is_the_square_of_scipys_in_one_dimension(sizes: tuple[int, int]) -> None:
    x, y = draw(0).normal(size=sizes[0]), draw(1).normal(0.5, 2.0, size=sizes[1])
    expected = scipy.stats.energy_distance(x, y) ** 2
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(expected, rel=1e-9)


def test_energy_distance_of_two_points_and_of_a_set_with_itself() -> None:
    x, y = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])
    assert energy_distance(x, y) == 10.0
    cloud = draw(0).normal(size=(30, 3))
    assert energy_distance(cloud, cloud[::-1]) == pytest.approx(0.0, abs=1e-12)


def test_wasserstein_in_one_dimension_is_that_of_the_sorted_samples() -> None:
    x, y = draw(0).normal(size=80), draw(1).gamma(2.0, size=80)
    expected = math.sqrt(np.square(np.sort(x) - np.sort(y)).mean())
    assert wasserstein2(x[:, None], y[:, None]) == pytest.approx(expected, rel=1e-12)


def gaussian_wasserstein2(mean: Array, a: Array, b: Array) -> float:
    """Closed form between N(0, a) and N(mean, b): Peyre and Cuturi, remark 2.31."""
    root = scipy.linalg.sqrtm(a)
    cross = scipy.linalg.sqrtm(root @ b @ root)
    return math.sqrt(float(mean @ mean + np.trace(a + b - 2 * cross)))


def test_wasserstein_of_gaussians_is_the_closed_form() -> None:
    a, b, mean = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[0.5, -0.3], [-0.3, 3.0]]), np.array([2.0, -1.0])
    x = draw(0).multivariate_normal(np.zeros(2), a, size=700)
    y = draw(1).multivariate_normal(mean, b, size=700)
    assert wasserstein2(x, y) == pytest.approx(gaussian_wasserstein2(mean, a, b), rel=0.06)


def test_wasserstein_of_an_affine_optimal_map_is_exact() -> None:
    """The gradient of a convex function is the optimal map (Brenier), on samples as well."""
    x = draw(0).normal(size=(100, 2))
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])  # symmetric, positive definite
    y = x @ matrix + [3.0, 0.0]
    assert wasserstein2(x, draw(2).permutation(y)) == pytest.approx(math.sqrt(np.square(x - y).sum(axis=1).mean()))


def test_wasserstein_needs_equal_sizes() -> None:
    with pytest.raises(ValueError, match="must have the same shape"):
        wasserstein2(np.zeros((3, 2)), np.zeros((4, 2)))


def test_variance_ratio_sees_collapse_and_spread() -> None:
    y = draw(0).normal(size=(50, 4))
    assert variance_ratio(y, y) == pytest.approx(1.0)
    assert variance_ratio(3 * y + 5, y) == pytest.approx(9.0)
    assert variance_ratio(np.ones((50, 4)), y) == 0.0
    assert math.isfinite(variance_ratio(y, np.ones((50, 4))))


def path(points: Tensor) -> Trajectory:
    return Trajectory(torch.linspace(0, 1, len(points)), points[:, None, :], 1)


def test_curvature_of_a_line_a_half_circle_a_loop_and_a_rest() -> None:
    angle = torch.linspace(0, math.pi, 2000, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    assert float(path_curvature(path(torch.outer(angle, torch.tensor([1.0, 2.0]).double())))) == pytest.approx(
        0, abs=1e-9
    )
    assert float(path_curvature(path(circle))) == pytest.approx(1 - 2 / math.pi, abs=1e-6)
    assert float(path_curvature(path(torch.cat([circle, circle.flip(0)])))) == pytest.approx(1.0)
    assert float(path_curvature(path(torch.zeros(5, 2)))) == 1.0


def test_cycle_error_is_in_units_of_the_spread() -> None:
    start = draw(0).normal(size=(4000, 3))
    assert cycle_error(start, start) == 0.0
    assert cycle_error(start, np.broadcast_to(start.mean(axis=0), start.shape)) == pytest.approx(1.0)
    assert cycle_error(10 * start, 10 * start + [5.0, 0.0, 0.0]) == pytest.approx(0.5 / math.sqrt(3), rel=0.03)


def test_all_pairs_of_the_17_groups_are_272() -> None:
    pairs = all_pairs([*range(17), 3, 3])
    assert len(pairs) == len(set(pairs)) == 272
    assert all(source != target for source, target in pairs)


def test_a_field_at_rest_is_measured_as_the_distance_of_the_groups() -> None:
    held_out, reference = shifted_groups(1), shifted_groups(2)
    table = pair_table(resting_field(), held_out, reference)
    assert [(row.source, row.target) for row in table] == all_pairs((0, 3, 8))
    for row in table:
        x, y, other = (
            latents.mean[latents.labels == group].double().numpy()
            for latents, group in ((held_out, row.source), (held_out, row.target), (reference, row.target))
        )
        assert row.wasserstein2 == pytest.approx(wasserstein2(x, y), rel=1e-5)
        assert row.wasserstein2 == pytest.approx(abs(row.source - row.target), abs=0.5)
        assert row.wasserstein2_floor == pytest.approx(wasserstein2(other, y), rel=1e-5)
        assert row.energy_distance == pytest.approx(energy_distance(x, y), rel=1e-4)
        assert row.energy_floor == pytest.approx(energy_distance(other, y), rel=1e-4)
        assert row.variance_ratio == pytest.approx(variance_ratio(x, y), rel=1e-5)
        assert row.endpoint_error == pytest.approx(row.wasserstein2**2 / 2, rel=1e-4)
        assert row.path_length < 1e-5  # standardising and back rounds
        assert row.cycle_error < 1e-5


def test_a_perfect_field_reaches_the_floor() -> None:
    """dz/dt = target - source along the first axis carries each group exactly onto the other's distribution."""
    ode = resting_field()
    ode.embedding.weight.data.zero_()
    ode.embedding.weight.data[:, 0] = torch.arange(17.0)
    ode.function.bind = lambda s, t, *_: lambda time, z: torch.stack([t[:, 0] - s[:, 0], 0 * s[:, 0]], dim=1)  # type: ignore
    table = pair_table(ode, shifted_groups(1, per_group=150), shifted_groups(2, per_group=150))
    means = summary(table)
    assert means["wasserstein2"] == pytest.approx(means["wasserstein2_floor"], rel=0.15)
    assert means["variance_ratio"] == pytest.approx(1.0, abs=0.15)
    assert means["cycle_error"] < 1e-5
    assert means["curvature"] < 1e-5
    for row in table:
        assert row.path_length == pytest.approx(abs(row.source - row.target), rel=1e-4)


def test_chosen_pairs_points_and_solver_are_used_and_chunks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    ode = TransitionODE(latent_dim=2, hidden_dim=16, generator=torch.Generator().manual_seed(0))
    held_out, reference = shifted_groups(1), shifted_groups(2)
    pairs = [(8, 0), (0, 3)]
    whole = pair_table(ode, held_out, reference, pairs=pairs, points=20, solver="rk4", steps=3)
    assert [(row.source, row.target) for row in whole] == pairs
    assert whole[0].nfe == 13  # four evaluations a step and one for the dense output's last slope
    few = held_out.take(torch.cat([(held_out.labels == group).nonzero()[:20, 0] for group in (0, 3, 8)]))
    assert whole == pair_table(ode, few, reference, pairs=pairs, points=20, solver="rk4", steps=3)
    monkeypatch.setattr("wallpaper.training.transport_metrics.ROWS", 7)
    for one, other in zip(
        whole, pair_table(ode, held_out, reference, pairs=pairs, points=20, solver="rk4", steps=3), strict=True
    ):
        assert one.wasserstein2 == pytest.approx(other.wasserstein2, rel=1e-5)
        assert one.cycle_error == pytest.approx(other.cycle_error, rel=1e-4)


def test_endpoint_errors_alone_are_those_of_the_table() -> None:
    ode, held_out, reference = resting_field(), shifted_groups(1), shifted_groups(2)
    pairs = [(8, 0), (0, 3)]
    table = pair_table(ode, held_out, reference, pairs=pairs, points=20, times=2)
    assert endpoint_errors(ode, held_out, pairs=pairs, points=20) == [row.endpoint_error for row in table]


def test_groups_without_enough_latents_are_refused() -> None:
    held_out, reference = shifted_groups(1), shifted_groups(2)
    with pytest.raises(ValueError, match="at least two latents of group 5 must be given, but got 0"):
        pair_table(resting_field(), held_out, reference, pairs=[(0, 5)])
    with pytest.raises(ValueError, match="at least two latents of group 8 must be given, but got 1"):
        pair_table(resting_field(), held_out, reference.take(range(121)), pairs=[(0, 8)])


def test_a_path_that_cannot_be_solved_is_named() -> None:
    ode = resting_field()
    with torch.no_grad():
        ode.embedding.weight[8] = torch.nan
    with pytest.raises(SolveError, match=r"sample 60 of the batch: \(p1 to cmm\)"):
        pair_table(ode, shifted_groups(1), shifted_groups(2), pairs=[(0, 3), (0, 8)])
