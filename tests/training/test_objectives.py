from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from wallpaper.models.ode import TransitionODE, uniform_times
from wallpaper.training.couplings import PairBatch
from wallpaper.training.objectives import flow_loss, trajectory_terms


def constant_field(velocity: list[float], **options: object) -> TransitionODE:
    """A field that has this velocity, in unit scale, everywhere and at all times."""
    ode = TransitionODE(latent_dim=len(velocity), hidden_dim=16, **options)  # type: ignore[arg-type]
    nn.init.zeros_(ode.function.out.weight)
    with torch.no_grad():
        ode.function.out.bias.copy_(torch.tensor(velocity))
    return ode


def pairs(shift: list[float], rows: int = 6) -> PairBatch:
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(rows, len(shift), generator=generator)
    source = torch.arange(rows) % 17
    return PairBatch(start, start + torch.tensor(shift), source, (source + 1) % 17)


@pytest.mark.parametrize("solver", ["dopri5", "rk4", "midpoint", "euler"])
@pytest.mark.parametrize("points", [2, 5, 50])
def test_terms_of_a_straight_path_are_the_closed_forms(solver: str, points: int) -> None:
    """z(t) = z0 + v t: the squared steps sum to |v|^2 / (T - 1), the speed is |v|, the end is off by v - shift."""
    ode = constant_field([3.0, -4.0, 0.0], solver=solver)
    terms = trajectory_terms(ode, pairs([3.0, -4.0, 1.5]), uniform_times(points))
    assert float(terms.endpoint.detach()) == pytest.approx(1.5**2 / 3, rel=1e-4)
    assert float(terms.smoothness.detach()) == pytest.approx(25 / (points - 1), rel=1e-4)
    assert float(terms.velocity.detach()) == pytest.approx(25, rel=1e-4)
    assert float(terms.length) == pytest.approx(5, rel=1e-4)
    assert terms.nfe > 0


def test_the_total_is_the_plans_weighted_sum() -> None:
    terms = trajectory_terms(constant_field([3.0, -4.0]), pairs([3.0, -3.0]), uniform_times(11))
    assert float(terms.total(0.1, 0.01).detach()) == pytest.approx(0.5 + 0.1 * 2.5 + 0.01 * 25, rel=1e-4)
    assert float(terms.total(0.0, 0.0).detach()) == pytest.approx(0.5, rel=1e-4)


def test_terms_are_in_unit_scale_and_the_length_is_in_the_latents() -> None:
    ode = constant_field([3.0, -4.0])
    ode.latent_std.fill_(10.0)
    ode.latent_mean.fill_(7.0)
    terms = trajectory_terms(ode, pairs([30.0, -40.0]), uniform_times(11))
    assert float(terms.endpoint.detach()) == pytest.approx(0.0, abs=1e-8)
    assert float(terms.velocity.detach()) == pytest.approx(25, rel=1e-4)
    assert float(terms.length) == pytest.approx(50, rel=1e-4)


def test_flow_loss_is_zero_for_the_right_velocity_and_the_error_otherwise() -> None:
    time = torch.linspace(0, 1, 6)
    assert float(flow_loss(constant_field([1.0, 2.0]), pairs([1.0, 2.0]), time).detach()) == pytest.approx(0, abs=1e-10)
    assert float(flow_loss(constant_field([0.0, 2.0]), pairs([1.0, 2.0]), time).detach()) == pytest.approx(
        0.5, rel=1e-5
    )


def test_flow_loss_asks_on_the_line_at_the_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ode, batch, time = constant_field([0.0, 0.0]), pairs([2.0, 0.0]), torch.tensor([0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
    asked: list[tuple[Tensor, Tensor]] = []

    def field(source: Tensor, target: Tensor) -> object:
        assert torch.equal(source, batch.source)
        assert torch.equal(target, batch.target)

        def rest(moment: Tensor, state: Tensor) -> Tensor:
            asked.append((moment, state))
            return torch.zeros_like(state)

        return rest

    monkeypatch.setattr(ode, "field", field)
    flow_loss(ode, batch, time)
    assert torch.equal(asked[0][0], time)
    torch.testing.assert_close(asked[0][1], batch.z_source + time[:, None] * torch.tensor([2.0, 0.0]))


@pytest.mark.parametrize("adjoint", [False, True])
def test_every_parameter_learns_from_both_objectives(adjoint: bool) -> None:
    for objective in ("flow", "endpoint"):
        ode = TransitionODE(latent_dim=2, hidden_dim=16, adjoint=adjoint, generator=torch.Generator().manual_seed(0))
        batch = pairs([1.0, 2.0])
        if objective == "flow":
            loss = flow_loss(ode, batch, torch.linspace(0, 1, 6))
        else:
            loss = trajectory_terms(ode, batch, uniform_times(3)).total(0.1, 0.01)
        loss.backward()
        for name, parameter in ode.named_parameters():
            assert parameter.grad is not None, (objective, name)
            assert float(parameter.grad.abs().max()) > 0, (objective, name)
