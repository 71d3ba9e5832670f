from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from wallpaper.data import Latents
from wallpaper.judge import identify
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group
from wallpaper.symmetry import project, residuals
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_pairs import coupling_of
from wallpaper.training.projected import order_parameters, projected
from wallpaper.training.projection_coupling import ProjectionCoupling

SIDE = 24


class Mirror:
    """A painter whose latents are its fields and its image: what is done to a pattern can be read off."""

    def __init__(self) -> None:
        self.calls = 0

    def fields(self, latent: torch.Tensor) -> torch.Tensor:
        return latent.view(-1, 1, SIDE, SIDE)

    def colour(self, fields: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        return fields

    def encode(self, image: torch.Tensor, group: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls += 1
        return image.flatten(1), torch.zeros(len(image), SIDE * SIDE)


def some_latents(per_group: int = 3) -> Latents:
    labels = torch.arange(17).repeat_interleave(per_group)
    fine = torch.randn(len(labels), 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    smooth = torch.fft.ifft2(torch.fft.fft2(fine) * (_wave_numbers() <= 4)).real
    return Latents(project(smooth, labels).flatten(1), labels)


def _wave_numbers() -> torch.Tensor:
    """(SIDE, SIDE) largest index of each wave."""
    index = (torch.fft.fftfreq(SIDE) * SIDE).abs()
    return torch.maximum(index[:, None], index)


def judged(samples: torch.Tensor, group: str) -> str:
    """The name that the judge finds on the group's own lattice."""
    grey = (samples - samples.min()) / (samples.max() - samples.min())
    image = np.repeat(grey.double().clamp(0, 1).numpy()[..., None], 3, axis=2)
    return identify(image, Lattice.standard(plane_group(group).system)).group


@pytest.mark.parametrize("target", GROUP_NAMES)
def test_the_end_has_exactly_the_target_s_group(target: str) -> None:
    """From p6m and p4m too, which have all that most groups have, and from cm with its centring: none is left over."""
    latents, index = some_latents(), GROUP_NAMES.index(target)
    for source in ("p6m", "p4m", "cm"):
        start = latents.mean[latents.labels == GROUP_NAMES.index(source)][:1]
        end = projected(Mirror(), start, torch.tensor([index])).view(SIDE, SIDE)
        assert residuals(end.numpy()[None], plane_group(index).operations).max() == 0
        assert judged(end, target) == target, source


@pytest.mark.parametrize("target", GROUP_NAMES)
def test_an_order_parameter_has_the_group_and_nothing_else(target: str) -> None:
    wave = order_parameters(1, SIDE)[GROUP_NAMES.index(target), 0]
    assert judged(wave, target) == target
    assert float(wave.mean()) == pytest.approx(0, abs=1e-5)
    assert float(wave.square().mean()) == pytest.approx(1, abs=1e-4)


def test_contrast_is_kept() -> None:
    start = some_latents().mean[:1]  # p1
    end = projected(Mirror(), start, torch.tensor([16]))
    assert float(end.std()) == pytest.approx(float(start.std()), rel=0.25)


def test_every_pair_of_groups_is_drawn_but_those_left_out() -> None:
    latents, without = some_latents(), [(0, 1), (5, 2)]
    coupling = ProjectionCoupling(latents, 540, painter=Mirror(), without=without)
    batch = coupling.draw(20_000, torch.Generator().manual_seed(0))
    drawn = set(zip(batch.source.tolist(), batch.target.tolist(), strict=True))
    assert len(drawn) == 270
    assert not drawn & set(without)
    rows = {tuple(row[:4].tolist()): label for row, label in zip(latents.mean, latents.labels.tolist(), strict=True)}
    assert all(
        rows[tuple(z[:4].tolist())] == source for z, source in zip(batch.z_source, batch.source.tolist(), strict=True)
    )


def test_pairs_are_made_once_and_kept(tmp_path: Path) -> None:
    latents, cache = some_latents(), tmp_path / "pairs.npz"
    painter = Mirror()
    first = ProjectionCoupling(latents, 272, painter=painter, cache=cache)
    made = painter.calls
    again = ProjectionCoupling(latents, 272, cache=cache)
    assert painter.calls == made > 0
    drawn = [each.draw(50, torch.Generator().manual_seed(1)) for each in (first, again)]
    assert torch.equal(drawn[0].z_target, drawn[1].z_target)
    other = Latents(latents.mean + 1, latents.labels)
    ProjectionCoupling(other, 272, painter=painter, cache=cache)
    assert painter.calls > made
    cache.write_bytes(cache.read_bytes()[:100])
    before = painter.calls
    ProjectionCoupling(other, 272, painter=painter, cache=cache)
    assert painter.calls > before


def test_without_a_painter_or_a_file_it_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="no VAE"):
        coupling_of(OdeConfig(coupling="projection", projected_pairs=17), some_latents())


def test_it_works_with_a_vae() -> None:
    vae = SymmetryVAE(resolution=16, latent_dim=8, hidden_dims=(8, 8), pool="flatten", head="palette")
    latents = Latents(torch.randn(34, 8, generator=torch.Generator().manual_seed(0)), torch.arange(17).repeat(2))
    batch = ProjectionCoupling(latents, 40, painter=vae).draw(10, torch.Generator())
    assert batch.z_target.shape == (10, 8)
    assert vae.training  # left as it was
