from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from wallpaper.models.ode import ODEFunction, TransitionODE, uniform_times
from wallpaper.models.solvers import SOLVERS, TABLEAUS, SolveError
from wallpaper.plane import GROUP_NAMES

FIXED = pytest.mark.parametrize("solver", list(TABLEAUS))


def build(latent_dim: int = 3, seed: int = 0, **options: Any) -> TransitionODE:
    generator = torch.Generator().manual_seed(seed)
    ode = TransitionODE(latent_dim=latent_dim, hidden_dim=32, generator=generator, **options)
    with torch.no_grad():  # a field worth solving: fresh weights give one that hardly moves
        ode.function.out.weight.mul_(10)
    return ode


def batch(rows: int = 20, latent_dim: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    source = torch.randint(17, (rows,), generator=generator)
    step = torch.randint(1, 17, (rows,), generator=generator)
    return torch.randn(rows, latent_dim, generator=generator), source, (source + step) % 17


def test_the_dense_network_has_these_layers() -> None:
    """As first designed: 67 inputs, 256 wide, 2 out."""
    parameters = {name: tuple(value.shape) for name, value in ODEFunction(2).named_parameters() if "weight" in name}
    assert parameters == {
        "time.0.weight": (32, 1),
        "time.2.weight": (1, 32),
        "first.weight": (256, 67),
        "residual.0.weight": (256, 256),
        "residual.1.weight": (256, 256),
        "last.weight": (256, 256),
        "out.weight": (2, 256),
    }


@pytest.mark.parametrize("shape", [(), (20,)])
def test_the_split_first_layer_equals_the_concatenation(shape: tuple[int, ...]) -> None:
    ode = build()
    f, (z, source, target) = ode.function, batch()
    time = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    clock = f.time(time.reshape(-1, 1)).expand(20, 1)
    h = functional.silu(f.first(torch.cat([z, clock, ode.embedding(source), ode.embedding(target)], dim=1)))
    for layer in f.residual:
        h = functional.silu(layer(h)) + h
    expected = f.out(functional.silu(f.last(h)))
    torch.testing.assert_close(f(time, z, ode.embedding(source), ode.embedding(target)), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ode.velocity(time, z, source, target), expected, rtol=1e-4, atol=1e-5)


def test_the_velocity_depends_on_both_groups_their_order_and_time() -> None:
    ode, z = build(), torch.zeros(1, 3)
    pairs = [(s, t) for s in range(17) for t in range(17)]
    source, target = torch.tensor(pairs).T
    velocity = ode.velocity(0.3, z.expand(len(pairs), 3), source, target)
    assert torch.pdist(velocity).min() > 1e-5
    assert not torch.allclose(velocity, ode.velocity(0.9, z.expand(len(pairs), 3), source, target))


def test_the_generator_decides_the_weights() -> None:
    first, again, other = build(), build(), build(seed=1)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        assert name.startswith("latent_") or not torch.equal(value, other.state_dict()[name])


def test_options_rebuild_the_model() -> None:
    ode = build(solver="rk4", steps=5, rtol=1e-3)
    twin = TransitionODE(**ode.options())  # type: ignore[arg-type]
    twin.load_state_dict(ode.state_dict())
    assert torch.equal(twin.solve(*batch()).latents, ode.solve(*batch()).latents)
    assert twin.options() == ode.options()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_trajectory_begins_at_the_latents_and_follows_the_velocity(solver: str) -> None:
    ode, (z, source, target) = build(), batch()
    path = ode.solve(z, source, target, [0.0, 1e-3, 1.0], solver=solver, steps=16)
    assert path.latents.shape == (3, 20, 3)
    assert torch.equal(path.latents[0], z)
    slope = (path.latents[1] - path.latents[0]) / 1e-3
    torch.testing.assert_close(slope, ode.velocity(0.0, z, source, target), rtol=0.02, atol=0.02)
    assert path.nfe > 0
    assert bool((path.length >= (path.latents[-1] - z).norm(dim=1) - 1e-5).all())


def test_scale_and_offset_of_the_latents_do_not_change_the_path_in_unit_scale() -> None:
    z, source, target = batch()
    plain, moved = build(), build()
    plain.fit_scale(z)
    moved.fit_scale(7 * z - 100)
    expected = 7 * plain.solve(z, source, target, uniform_times(5)).latents - 100
    torch.testing.assert_close(
        moved.solve(7 * z - 100, source, target, uniform_times(5)).latents, expected, rtol=0, atol=1e-3
    )
    velocity = 7 * plain.velocity(0.5, z, source, target)
    torch.testing.assert_close(moved.velocity(0.5, 7 * z - 100, source, target), velocity, rtol=1e-3, atol=1e-3)


def test_standardised_latents_have_unit_scale_and_restore_inverts() -> None:
    ode, latents = build(), 5 + 3 * batch(500)[0]
    ode.fit_scale(latents)
    unit = ode.standardise(latents)
    torch.testing.assert_close(unit.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-5)
    assert float(unit.square().mean()) == pytest.approx(1.0, abs=1e-5)
    torch.testing.assert_close(ode.restore(unit), latents)
    ode.fit_scale(torch.ones(4, 3))
    assert bool(ode.standardise(torch.ones(4, 3)).isfinite().all())


def test_adjoint_and_backpropagation_agree_on_every_gradient_embeddings_included() -> None:
    z, source, target = batch()
    gradients = []
    for adjoint in (False, True):
        ode = build(rtol=1e-6, atol=1e-7, adjoint=adjoint)
        ode.solve(z, source, target, uniform_times(4)).latents.square().mean().backward()
        gradients.append({name: parameter.grad for name, parameter in ode.named_parameters()})
    plain, adjoint_ones = gradients
    assert plain["embedding.weight"] is not None
    for name, expected in plain.items():
        assert expected is not None
        assert adjoint_ones[name] is not None, f"{name} gets no gradient"
        scale = float(expected.abs().max())
        assert scale > 0
        torch.testing.assert_close(adjoint_ones[name], expected, rtol=0, atol=5e-3 * scale, msg=name)


@FIXED
def test_a_fixed_step_path_does_not_depend_on_its_batch(solver: str) -> None:
    ode, (z, source, target) = build(), batch()
    times = uniform_times(7)
    with torch.no_grad():
        whole = ode.solve(z, source, target, times, solver=solver)
        for row in (0, 9, 19):
            only = slice(row, row + 1)
            alone, again = (ode.solve(z[only], source[only], target[only], times, solver=solver) for _ in range(2))
            torch.testing.assert_close(alone.latents[:, 0], whole.latents[:, row], rtol=0, atol=1e-5)
            assert torch.equal(alone.latents, again.latents)
            assert alone.nfe == whole.nfe


def test_walking_back_in_time_returns() -> None:
    ode, (z, source, target) = build(), batch()
    end = ode.solve(z, source, target, [0.0, 1.0]).latents[-1]
    back = ode.solve(end, source, target, [1.0, 0.0]).latents[-1]
    torch.testing.assert_close(back, z, rtol=0, atol=1e-2)
    assert not torch.allclose(end, z, atol=0.1)


@pytest.mark.parametrize("solver", SOLVERS)
def test_nan_weights_are_a_solve_error_that_names_the_sample_and_its_groups(solver: str) -> None:
    ode, (z, source, target) = build(solver=solver), batch()
    with torch.no_grad():
        ode.embedding.weight[16] = torch.nan
    target = torch.where(target == 16, (source + 1) % 16, target)
    source = torch.where(source == 16, (target + 1) % 16, source)
    ode.solve(z, source, target)
    source[13], target[13] = 2, 16
    with pytest.raises(SolveError, match=r"sample 13 of the batch: \(pm to p6m\)") as caught:
        ode.solve(z, source, target)
    assert caught.value.sample == 13
    assert GROUP_NAMES[16] == "p6m"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjoint": True, "solver": "rk4"}, "`adjoint` needs `solver` 'dopri5', but got 'rk4'"),
        ({"latent_dim": 0}, "every size must be at least 1"),
        ({"steps": 0}, "`steps >= 1` must hold, but got 0"),
    ],
)
def test_refuses_options_that_make_no_model(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TransitionODE(**options)


def test_refuses_shapes_that_do_not_fit() -> None:
    ode, (z, source, target) = build(), batch()
    with pytest.raises(ValueError, match=r"`latents` must be \(20, 3\), but got \(20, 2\)"):
        ode.solve(z[:, :2], source, target)
    with pytest.raises(ValueError, match=r"`source` must be \(20,\), but got \(1,\)"):
        ode.solve(z, source[:1], target)
    with pytest.raises(ValueError, match="at least one row"):
        ode.solve(z[:0], source[:0], target[:0])
    with pytest.raises(ValueError, match=r"`latents` must be \(5, 3\), but got \(5, 4\)"):
        ode.fit_scale(torch.zeros(5, 4))
    with pytest.raises(ValueError, match="`steps >= 1`"):
        ode.solve(z, source, target, steps=0)
    with pytest.raises(ValueError, match="`count >= 2` must hold"):
        uniform_times(1)
