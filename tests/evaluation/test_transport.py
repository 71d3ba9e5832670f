from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from wallpaper.data import Latents
from wallpaper.evaluation import transport
from wallpaper.evaluation.transport import (
    COLLAPSED,
    POINTS,
    Transport,
    measure_transport,
    off_one,
    over_floor,
    transport_metrics,
)
from wallpaper.models.ode import TransitionODE
from wallpaper.models.solvers import SolveError
from wallpaper.training.transport_metrics import PairMetrics, wasserstein2


def latents(seed: int, per_group: int = 30) -> Latents:
    """Groups 0, 3 and 8: unit Gaussians around (g, 0)."""
    labels = torch.tensor((0, 3, 8)).repeat_interleave(per_group)
    mean = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(seed))
    mean[:, 0] += labels
    return Latents(mean, labels)


def carrying() -> TransitionODE:
    """dz/dt = target - source along the first axis: each group becomes the other's distribution."""
    ode = TransitionODE(latent_dim=2, hidden_dim=16)
    ode.embedding.weight.data.zero_()
    ode.embedding.weight.data[:, 0] = torch.arange(17.0)
    ode.function.bind = lambda s, t, *_: lambda time, z: torch.stack([t[:, 0] - s[:, 0], 0 * s[:, 0]], dim=1)  # type: ignore
    return ode


def resting() -> TransitionODE:
    ode = TransitionODE(latent_dim=2, hidden_dim=16)
    nn.init.zeros_(ode.function.out.weight)
    nn.init.zeros_(ode.function.out.bias)
    return ode


def test_a_field_that_carries_groups_onto_each_other_meets_the_floor_of_fresh_samples() -> None:
    found, carried = measure_transport(carrying(), latents(0), latents(1))
    figures = transport_metrics(found)
    assert figures["pairs"] == len(carried.pairs) == 6
    assert figures["wasserstein2_over_floor"] == pytest.approx(1, abs=0.3)
    assert figures["fixed_steps_change"] < 1e-5
    assert figures["collapsed_pairs"] == 0
    y, x = (part.mean[part.labels == 3][:POINTS].double().numpy() for part in (latents(0), latents(1)))
    (row,) = [row for row in found.pairs if (row.source, row.target) == (8, 3)]
    assert row.wasserstein2_floor == pytest.approx(wasserstein2(x, y), rel=1e-6)


def test_a_field_at_rest_misses_it() -> None:
    figures = transport_metrics(measure_transport(resting(), latents(0), latents(1))[0])
    assert figures["wasserstein2_over_floor"] > 3
    assert figures["wasserstein2_over_floor_worst"] > figures["wasserstein2_over_floor"]
    assert figures["nfe"] == 9


def test_floor_and_end_points_have_one_size() -> None:
    """All from the smallest group of either: distances of few points are larger."""
    _, carried = measure_transport(resting(), latents(0, 30), latents(1, 12))
    assert set(carried.sizes) == {12}


def test_a_field_that_dopri5_does_not_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    carry = transport.carry

    def stiff(*arguments: object, solver: str, **options: object) -> object:
        if solver == "dopri5":
            raise SolveError("too stiff")
        return carry(*arguments, solver=solver, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transport, "carry", stiff)
    found, _ = measure_transport(resting(), latents(0), latents(1))
    assert found.adaptive_wasserstein2 is None
    assert "fixed_steps_change" not in transport_metrics(found)


ROW = PairMetrics(
    source=0, target=1, energy_distance=0.2, energy_floor=0.1, wasserstein2=3.0, wasserstein2_floor=2.0,
    variance_ratio=1.0, endpoint_error=0.0, path_length=1.0, curvature=0.01, cycle_error=0.1, nfe=33,
)  # fmt: skip


def table(*rows: PairMetrics, never_trained: tuple[tuple[int, int], ...] = ()) -> Transport:
    return Transport(rows, tuple(1.0 for _ in rows), 3.0, 3.0, 26, never_trained)


def test_pairs_that_collapse_or_spread_are_counted() -> None:
    ratios = (0.1, COLLAPSED - 0.01, 0.89, 0.9, 1.0, 1.1, 1.11, 7.0)
    found = table(*(replace(ROW, target=number + 1, variance_ratio=ratio) for number, ratio in enumerate(ratios)))
    figures = transport_metrics(found)
    assert figures["collapsed_pairs"] == 2
    assert figures["variance_outside"] == 5
    assert figures["variance_outside_floor"] == 0
    assert off_one(found.pairs).variance_ratio == 0.1


def test_pairs_never_trained_stand_apart() -> None:
    bad = replace(ROW, target=2, wasserstein2=8.0, variance_ratio=0.2)
    figures = transport_metrics(table(ROW, bad, replace(ROW, target=3), never_trained=((0, 2),)))
    assert figures["never_trained/pairs"] == 1
    assert figures["trained/pairs"] == 2
    assert figures["never_trained/wasserstein2_over_floor"] == 4
    assert figures["trained/wasserstein2_over_floor"] == 1.5
    assert figures["never_trained/variance_ratio"] == pytest.approx(0.2)
    assert figures["never_trained/collapsed_pairs"] == 1
    assert figures["trained/collapsed_pairs"] == 0
    assert not [name for name in transport_metrics(table(ROW)) if "trained" in name]


def test_latents_that_are_all_alike_give_numbers() -> None:
    assert over_floor(replace(ROW, wasserstein2=0.0, wasserstein2_floor=0.0)) == 1
    assert over_floor(replace(ROW, wasserstein2=1e-3, wasserstein2_floor=0.0)) == pytest.approx(1e9)
