from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.conftest import ALL_GROUPS
from wallpaper.models.backbones import TorusConvTranspose2d
from wallpaper.models.vae import PALETTE_SIZE, SymmetryVAE, reparameterise
from wallpaper.plane import GROUP_NAMES, PlaneGroup
from wallpaper.symmetry import permutations, project

SIDE = 16
ATOL = 1e-5  # float32 sums of a few hundred products of numbers near 1


RESIDUAL: dict[str, object] = {
    "backbone": "residual",
    "patch": 4,
    "hidden_dims": (8, 8),
    "pool": "grid",
    "latent_dim": 32,
    "head": "palette",
}
"""A residual VAE with two latents at each of 4 x 4 places."""


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def small(seed: int = 0, **settings: object) -> SymmetryVAE:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        options = {"resolution": SIDE, "latent_dim": 5, "hidden_dims": (6, 8), "pool": "flatten"} | settings
        return SymmetryVAE(**options).eval()  # type: ignore[arg-type]


def moved(image: Tensor, group: PlaneGroup) -> Tensor:
    """(number of operations, C, n, n) the image (C, n, n) moved by each operation of the group."""
    index = torch.from_numpy(permutations(group.operations, image.shape[-1]))
    return image.flatten(1)[:, index].transpose(0, 1).reshape(len(index), *image.shape)


def test_the_strided_backbones_layers_and_size() -> None:
    """Of the preset plan, counted by hand: weights and biases of each layer, BatchNorm's two per channel."""
    vae = SymmetryVAE(resolution=256, latent_dim=2)
    channels = (3, 64, 128, 256, 512, 512)
    stages = sum(16 * a * b + b + 2 * b for a, b in pairwise(channels))
    heads = 2 * (512 * 128 + 128 + 128 * 2 + 2)
    expand = 2 * 512 + 512 + 512 * 512 * 64 + 512 * 64
    up = (512, 512, 256, 128, 64)
    decoder = sum(16 * a * b + b + 2 * b for a, b in pairwise(up)) + 16 * 64 * 3 + 3
    assert sum(p.numel() for p in vae.parameters()) == stages + heads + expand + decoder
    shapes = [tuple(m.weight.shape) for m in vae.decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert shapes == [(512, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]


def test_a_transposed_convolution_is_the_adjoint_of_the_circular_convolution() -> None:
    """<conv(x), y> = <x, transposed(y)> for the same weight: an oracle in torch's own circular Conv2d."""
    up = TorusConvTranspose2d(4, 3).double()
    down = nn.Conv2d(3, 4, 4, stride=2, padding=1, padding_mode="circular", bias=False).double()
    with torch.no_grad():
        down.weight.copy_(up.weight)
        up.bias.zero_()  # type: ignore[union-attr]
        x, y = noise(1, 3, 12, 12).double(), noise(1, 4, 6, 6, seed=1).double()
        torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())


def test_away_from_the_edges_it_is_torchs_own_layer() -> None:
    up, plain = TorusConvTranspose2d(2, 3), nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1)
    plain.load_state_dict(up.state_dict())
    image = noise(1, 2, 6, 6)
    torch.testing.assert_close(up(image)[..., 1:-1, 1:-1], plain(image)[..., 1:-1, 1:-1])
    assert not torch.allclose(up(image), plain(image), atol=ATOL)


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (3, 5)])
def test_the_decoder_layer_commutes_with_cyclic_shifts(shift: tuple[int, int]) -> None:
    up, image = TorusConvTranspose2d(2, 3), noise(2, 2, 8, 8)
    doubled = (2 * shift[0], 2 * shift[1])
    torch.testing.assert_close(up(image.roll(shift, (2, 3))), up(image).roll(doubled, (2, 3)), atol=ATOL, rtol=0)


def test_the_encoder_stage_commutes_with_cyclic_shifts() -> None:
    vae, image = small(), noise(1, 3, SIDE, SIDE)
    rolled = vae.encoder(image.roll((4, 8), (2, 3)))
    torch.testing.assert_close(rolled, vae.encoder(image).roll((1, 2), (2, 3)), atol=ATOL, rtol=0)


@ALL_GROUPS
def test_pooling_equals_the_mean_over_the_first_layers_features(group: PlaneGroup) -> None:
    """mean_g conv(g x) = conv(mean_g g x), with the left side computed as it is written."""
    conv = small().encoder[0][0]  # type: ignore[index]
    image = noise(3, SIDE, SIDE)
    features = conv(moved(image, group)).mean(0)
    pooled = conv(project(image, group.index)[None])[0]
    torch.testing.assert_close(pooled, features, atol=ATOL, rtol=0)


@ALL_GROUPS
def test_the_latent_is_invariant_under_every_operation_of_its_group(group: PlaneGroup) -> None:
    vae, orbit = small(), moved(noise(3, SIDE, SIDE), group)
    mean, logvar = vae.encode(orbit, torch.full((len(orbit),), group.index))
    torch.testing.assert_close(mean, mean[:1].expand_as(mean), atol=ATOL, rtol=0)
    torch.testing.assert_close(logvar, logvar[:1].expand_as(logvar), atol=ATOL, rtol=0)
    unpooled = small(symmetry_pooling=False).encode(orbit, torch.full((len(orbit),), group.index))[0]
    assert torch.allclose(unpooled, unpooled[:1], atol=ATOL) == (group.name == "p1")


@pytest.mark.parametrize("head", ["rgb", "palette"])
@ALL_GROUPS
def test_decoded_images_have_exactly_their_group_and_not_more(group: PlaneGroup, head: str) -> None:
    vae, latent = small(head=head), noise(2, 5, seed=3)
    decoded = vae.decode(latent, torch.full((2,), group.index))
    plain = vae.decode_plain(latent)
    orbit = moved(decoded[0], group)
    assert torch.equal(orbit, decoded[:1].expand_as(orbit))
    assert torch.equal(decoded, plain) == (group.name == "p1")
    assert decoded.min() >= 0
    assert decoded.max() <= 1


@pytest.mark.parametrize("head", ["rgb", "palette"])
@pytest.mark.parametrize("pool", ["average", "flatten", "grid"])
def test_each_sample_of_a_mixed_batch_gets_its_own_group(pool: str, head: str) -> None:
    vae, image = small(pool=pool, head=head, latent_dim=32), noise(len(GROUP_NAMES), 3, SIDE, SIDE)
    group = torch.arange(len(GROUP_NAMES))
    reconstruction, mean, logvar = vae(image, group)
    for k in range(len(GROUP_NAMES)):
        alone = vae(image[k : k + 1], group[k : k + 1])
        for whole, one in zip((reconstruction, mean, logvar), alone, strict=True):
            torch.testing.assert_close(whole[k : k + 1], one, atol=ATOL, rtol=0)


def test_average_pooling_forgets_the_place_and_flatten_keeps_it() -> None:
    image, p1 = noise(1, 3, SIDE, SIDE), torch.tensor([0])
    shifted = image.roll(4, 2)  # by one sample of the last grid
    for pool, forgets in (("average", True), ("flatten", False)):
        vae = small(pool=pool)
        assert torch.allclose(vae.encode(image, p1)[0], vae.encode(shifted, p1)[0], atol=ATOL) == forgets


def test_a_grid_latent_is_a_picture_that_moves_with_the_pattern() -> None:
    vae, image, p1 = small(pool="grid", latent_dim=32), noise(1, 3, SIDE, SIDE), torch.tensor([0])
    mean, shifted = (vae.encode(x, p1)[0] for x in (image, image.roll((4, 8), (2, 3))))
    torch.testing.assert_close(shifted.view(2, 4, 4), mean.view(2, 4, 4).roll((1, 2), (1, 2)), atol=ATOL, rtol=0)
    torch.testing.assert_close(vae.decode(shifted, p1), vae.decode(mean, p1).roll((4, 8), (2, 3)), atol=ATOL, rtol=0)


def test_a_palette_paints_each_place_with_the_colour_of_its_largest_field() -> None:
    vae, latent = small(head="palette"), noise(2, 5, seed=3)
    assert vae.palette is not None
    colours = vae.palette(latent)
    assert colours.shape == (2, PALETTE_SIZE, 3)
    fields = vae.fields(latent)
    pure = vae.colour(fields * 1e6, latent)
    expected = torch.stack([colours[b, fields[b].argmax(0)].movedim(-1, 0) for b in range(2)])
    torch.testing.assert_close(pure, expected, atol=ATOL, rtol=0)
    mixed = vae.colour(torch.zeros_like(fields), latent)
    torch.testing.assert_close(mixed, colours.mean(1)[..., None, None].expand_as(mixed), atol=ATOL, rtol=0)


@pytest.mark.parametrize("head", ["rgb", "palette"])
@pytest.mark.parametrize("pool", ["average", "flatten", "grid"])
def test_gradients_reach_every_parameter(pool: str, head: str) -> None:
    vae = small(pool=pool, head=head, latent_dim=32).train()
    group = torch.arange(4)
    reconstruction, mean, logvar = vae(noise(4, 3, SIDE, SIDE), group, torch.Generator().manual_seed(0))
    (reconstruction.square().sum() + mean.square().sum() + logvar.square().sum()).backward()
    assert [name for name, p in vae.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    assert all(p.grad.abs().sum() > 0 for n, p in vae.named_parameters() if p.grad is not None and "weight" in n)


def test_samples_have_the_mean_and_variance_asked_for_and_follow_the_generator() -> None:
    mean = torch.tensor([1.0, -2.0]).expand(200_000, 2)
    logvar = torch.tensor([0.0, 1.0]).expand(200_000, 2)
    sample = reparameterise(mean, logvar, torch.Generator().manual_seed(0))
    torch.testing.assert_close(sample.mean(0), mean[0], atol=0.02, rtol=0)  # 5 standard errors of a mean of 2e5
    torch.testing.assert_close(sample.var(0), logvar[0].exp(), atol=0.05, rtol=0)
    again = reparameterise(mean, logvar, torch.Generator().manual_seed(0))
    assert torch.equal(sample, again)
    assert not torch.equal(sample, reparameterise(mean, logvar, torch.Generator().manual_seed(1)))


def test_settings_build_the_same_model_again() -> None:
    vae = small(in_channels=1, head_dim=7, head="palette", symmetry_pooling=False)
    copy = SymmetryVAE(**vae.settings).eval()
    copy.load_state_dict(vae.state_dict())
    image, group = noise(2, 1, SIDE, SIDE), torch.tensor([3, 16])
    assert torch.equal(copy(image, group)[0], vae(image, group)[0])


def test_forward_without_a_generator_decodes_the_mean() -> None:
    vae, image, group = small(), noise(2, 3, SIDE, SIDE), torch.tensor([1, 2])
    reconstruction, mean, _ = vae(image, group)
    assert torch.equal(reconstruction, vae.decode(mean, group))
    noisy = vae(image, group, torch.Generator().manual_seed(0))[0]
    assert functional.mse_loss(noisy, reconstruction) > 0


@pytest.mark.parametrize(("resolution", "stages"), [(20, 3), (4, 3), (16, 0)])
def test_sizes_that_do_not_fit_are_refused(resolution: int, stages: int) -> None:
    with pytest.raises(
        ValueError, match=rf"resolution % 2 \*\* len\(hidden_dims\) == 0.*got {resolution} and {stages}"
    ):
        SymmetryVAE(resolution=resolution, latent_dim=2, hidden_dims=(4,) * stages)


def test_a_grid_latent_must_fill_its_places() -> None:
    with pytest.raises(
        ValueError, match=r"`latent_dim % 16 == 0` must hold for pool 'grid' .* 4 x 4, but got 5; use 16"
    ):
        small(pool="grid")


def test_images_and_latents_of_another_shape_are_refused() -> None:
    vae, group = small(), torch.tensor([0])
    with pytest.raises(ValueError, match=r"`image` must be \(B, 3, 16, 16\), but got \(1, 3, 8, 8\)"):
        vae.encode(noise(1, 3, 8, 8), group)
    with pytest.raises(ValueError, match=r"`latent` must be \(B, 5\), but got \(1, 4\)"):
        vae.decode(noise(1, 4), group)
    with pytest.raises(ValueError, match=r"`group` must be \(B,\)"):
        vae.decode(noise(2, 5), torch.tensor([0, 1, 2]))


def test_residual_blocks_start_as_the_identity() -> None:
    """Of the whole decoder only its last layers speak before training: with blocks or without, the same fields."""
    vae, latent = small(**RESIDUAL), noise(3, 32)
    features = vae.expand(latent)
    torch.testing.assert_close(vae.decoder[:2](features), features, rtol=0, atol=0)  # type: ignore[index]


@ALL_GROUPS
def test_the_residual_backbone_is_as_exact(group: PlaneGroup) -> None:
    vae, orbit = small(**RESIDUAL), moved(noise(3, SIDE, SIDE), group)
    mean, _ = vae.encode(orbit, torch.full((len(orbit),), group.index))
    torch.testing.assert_close(mean, mean[:1].expand_as(mean), atol=ATOL, rtol=0)
    decoded = vae.decode(mean[:1], torch.tensor([group.index]))
    images = moved(decoded[0], group)
    assert torch.equal(images, decoded.expand_as(images))


@pytest.mark.parametrize("shift", [(4, 8), (0, 4)])
def test_the_residual_backbone_commutes_with_shifts_by_whole_patches(shift: tuple[int, int]) -> None:
    vae, image = small(**RESIDUAL, symmetry_pooling=False), noise(2, 3, SIDE, SIDE)
    group, places = torch.zeros(2, dtype=torch.int64), (shift[0] // 4, shift[1] // 4)
    mean, rolled = (vae.encode(each, group)[0] for each in (image, image.roll(shift, (2, 3))))
    expected = mean.view(2, 2, 4, 4).roll(places, (2, 3)).flatten(1)
    torch.testing.assert_close(rolled, expected, atol=ATOL, rtol=0)
    torch.testing.assert_close(vae.fields(rolled), vae.fields(mean).roll(shift, (2, 3)), atol=ATOL, rtol=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_dims": (8, 16)}, "one width, a multiple of 8"),
        ({"hidden_dims": (12,)}, "one width, a multiple of 8"),
        ({"patch": 5}, "`resolution % patch == 0` must hold, but got 16 and patch 5"),
        ({"pool": "flatten"}, "the backbone 'residual' needs the pool 'grid', but got 'flatten'"),
        ({"latent_dim": 33}, "`latent_dim % 16 == 0`"),
    ],
)
def test_a_residual_vae_that_does_not_fit_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**(RESIDUAL | changes))
