from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.conftest import ALL_GROUPS
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import PlaneGroup
from wallpaper.symmetry import project
from wallpaper.training.vae_losses import invariance_term, kl_term, psnr, reconstruction_term


def small(*, symmetry_pooling: bool = True) -> SymmetryVAE:
    return SymmetryVAE(
        resolution=8, latent_dim=3, hidden_dims=(4, 4), pool="flatten", symmetry_pooling=symmetry_pooling
    ).eval()


def test_kl_equals_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, logvar = torch.randn(2, 7, 5, generator=generator).double()
    oracle = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(torch.zeros(5).double(), 1.0)).sum(1).mean()
    torch.testing.assert_close(kl_term(mean, logvar), oracle)
    assert kl_term(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_reconstruction_is_the_gaussian_negative_log_likelihood_up_to_a_constant() -> None:
    a, b = torch.rand(2, 4, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    likelihood = Normal(a, 0.5**0.5).log_prob(b).flatten(1).sum(1).mean()
    constant = Normal(b, 0.5**0.5).log_prob(b).flatten(1).sum(1).mean()
    torch.testing.assert_close(reconstruction_term(a, b), constant - likelihood)


def test_psnr() -> None:
    assert psnr(0.01) == pytest.approx(20)
    assert psnr(0.0) == pytest.approx(120)


@ALL_GROUPS
def test_invariance_is_zero_by_pooling_and_measures_its_absence(group: PlaneGroup) -> None:
    image = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    label = torch.full((20,), group.index)
    for pooled in (True, False):
        vae, generator = small(symmetry_pooling=pooled), torch.Generator().manual_seed(1)
        term = invariance_term(vae, image, vae.encode(image, label)[0], label, generator)
        assert (term < 1e-10) == (pooled or group.name == "p1")  # squares of float32 rounding


def test_invariance_is_zero_on_symmetric_images_even_without_pooling() -> None:
    vae, label = small(symmetry_pooling=False), torch.arange(17)
    image = project(torch.rand(17, 3, 8, 8, generator=torch.Generator().manual_seed(0)), label)
    term = invariance_term(vae, image, vae.encode(image, label)[0], label, torch.Generator().manual_seed(1))
    assert term < 1e-10
