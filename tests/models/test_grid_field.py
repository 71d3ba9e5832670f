from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from wallpaper.models.grid_field import place_projections
from wallpaper.models.ode import TransitionODE
from wallpaper.plane import GROUP_NAMES
from wallpaper.symmetry import project

PLACES, DEPTH, ROWS = 4, 2, 5


def build(**options: Any) -> TransitionODE:
    ode = TransitionODE(
        latent_dim=DEPTH * PLACES**2,
        hidden_dim=16,
        places=PLACES,
        generator=torch.Generator().manual_seed(0),
        **options,
    )
    with torch.no_grad():  # fresh weights give no velocity at all
        torch.nn.init.normal_(ode.function.out.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return ode


def batch() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    source = torch.randint(17, (ROWS,), generator=generator)
    return torch.randn(ROWS, DEPTH * PLACES**2, generator=generator), source, (source + 3) % 17


@pytest.mark.parametrize("group", range(17), ids=GROUP_NAMES)
def test_places_are_projected_as_their_samples_are(group: int) -> None:
    """A projected image that is constant on places is one whose places are projected; rows are means."""
    matrix = place_projections(PLACES)[group]
    image = torch.rand(1, 1, PLACES, PLACES, generator=torch.Generator().manual_seed(group))
    samples = project(image.repeat_interleave(4, 2).repeat_interleave(4, 3), torch.tensor([group]))
    seen = samples.view(PLACES, 4, PLACES, 4).mean(dim=(1, 3))
    assert torch.allclose(matrix @ image.flatten(), seen.flatten(), atol=1e-6)
    assert torch.allclose(matrix.sum(dim=1), torch.ones(PLACES**2), atol=1e-6)


def test_fresh_weights_give_no_velocity() -> None:
    ode = TransitionODE(latent_dim=DEPTH * PLACES**2, hidden_dim=16, places=PLACES)
    assert torch.equal(ode.velocity(0.3, *batch()), torch.zeros(ROWS, DEPTH * PLACES**2))


def test_time_and_both_groups_matter() -> None:
    ode, (latents, source, target) = build(), batch()
    velocity = ode.velocity(0.3, latents, source, target)
    for other in (
        ode.velocity(0.4, latents, source, target),
        ode.velocity(0.3, latents, (source + 1) % 17, target),
        ode.velocity(0.3, latents, source, (target + 1) % 17),
    ):
        assert not torch.allclose(velocity, other, atol=1e-5)


def test_places_repeated_by_the_source_can_be_told_apart() -> None:
    """A field that only looked at neighbours would keep a centring for ever, and never reach pm from cm."""
    centred = torch.randn(1, DEPTH, PLACES, PLACES // 2, generator=torch.Generator().manual_seed(3))
    centred = torch.cat([centred, centred.roll(PLACES // 2, dims=2)], dim=3)
    assert torch.equal(centred, centred.roll((PLACES // 2, PLACES // 2), dims=(2, 3)))
    cm, pm = (torch.tensor([GROUP_NAMES.index(name)]) for name in ("cm", "pm"))
    velocity = build().velocity(0.0, centred.flatten(1), cm, pm).view_as(centred)
    assert not torch.allclose(velocity, velocity.roll((PLACES // 2, PLACES // 2), dims=(2, 3)), atol=1e-4)


def test_a_row_does_not_depend_on_the_others() -> None:
    ode, (latents, source, target) = build(solver="midpoint", steps=4), batch()
    together = ode.solve(latents, source, target).latents[-1]
    alone = torch.cat([ode.solve(latents[[k]], source[[k]], target[[k]]).latents[-1] for k in range(ROWS)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)  # rounding may depend on the place in a batch


def test_adjoint_gives_the_gradients_of_backpropagation() -> None:
    latents, source, target = batch()
    found = []
    for adjoint in (False, True):
        ode = build(rtol=1e-6, atol=1e-7, adjoint=adjoint)
        ode.solve(latents, source, target).latents[-1].square().mean().backward()
        found.append({name: p.grad for name, p in ode.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        assert torch.allclose(gradient, found[1][name], rtol=1e-2, atol=1e-5), name


def test_options_build_the_same_network() -> None:
    ode = build()
    twin = TransitionODE(**ode.options())  # type: ignore[arg-type]
    twin.load_state_dict(ode.state_dict())
    assert torch.equal(twin.velocity(0.5, *batch()), ode.velocity(0.5, *batch()))


@pytest.mark.parametrize(("change", "named"), [({"latent_dim": 31}, "latent_dim"), ({"hidden_dim": 20}, "hidden_dim")])
def test_sizes_that_do_not_fit_are_refused(change: dict[str, int], named: str) -> None:
    options = {"latent_dim": DEPTH * PLACES**2, "hidden_dim": 16, "places": PLACES} | change
    with pytest.raises(ValueError, match=named):
        TransitionODE(**options)  # type: ignore[arg-type]
