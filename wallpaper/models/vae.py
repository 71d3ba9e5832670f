r"""A variational autoencoder of patterns whose symmetry is exact, with a different group per sample.

Images are one cell of a torus, so every convolution wraps around. The encoder pools over the group at
its first layer, and a convolution is linear: :math:`\operatorname{mean}_g w * g x = w * P x`, so one
projection replaces |G| convolutions. The decoder projects the fields that it paints with, and paints point
by point, which keeps their symmetry. Neither sees the group otherwise.
VAE: Kingma and Welling, *Auto-Encoding Variational Bayes* (2014), section 3 and appendix B.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import torch
from torch import Tensor, nn

from wallpaper.models.backbones import (
    SLOPE,
    Backbone,
    circular_conv,
    last_grid,
    residual_decoder,
    residual_encoder,
    strided_decoder,
    strided_encoder,
)
from wallpaper.symmetry import project

Pool = Literal["average", "flatten", "grid"]
Head = Literal["rgb", "palette"]

PALETTE_SIZE = 5
"""Colours of a decoded image with head "palette": designs have three to five."""

SHARPNESS = 4.0
"""Factor on the palette head's fields: the larger, the narrower the edges between two colours."""


class VaeSettings(TypedDict):
    """Arguments that build a `SymmetryVAE` again."""

    resolution: int
    latent_dim: int
    hidden_dims: tuple[int, ...]
    backbone: Backbone
    patch: int
    in_channels: int
    head_dim: int
    pool: Pool
    head: Head
    symmetry_pooling: bool


class SymmetryVAE(nn.Module):
    """Encoder to a Gaussian in latent space, decoder to an image with exactly the group asked for.

    Args:
        resolution: samples along each side of a cell, n; a multiple of 2 ** len(hidden_dims) or of patch.
        latent_dim: d.
        hidden_dims: backbone "strided": channels after each stage, each of which halves the image; "residual": the
            width of each block, all alike.
        backbone: see `backbones`; "residual" needs pool "grid".
        patch: side, in samples, of the patches that "residual" folds into channels.
        in_channels: colours, C.
        head_dim: width of the two heads' hidden layer.
        pool: what follows the last stage. "average" keeps one number per channel and so loses where things
            are. "flatten" gives all of the last grid to the heads. "grid" gives each of its places latents of
            its own, latent_dim / grid^2 of them: fewer weights, and by far the best reconstruction.
        head: how fields become colours, point by point. "rgb": a field for each colour channel, which is
            the image. "palette": a field for each of `PALETTE_SIZE` colours that the latent chooses; where
            a field is largest its colour shows, so that edges stay sharp and colours pure.
        symmetry_pooling: project the encoder's input onto its group. Without it the encoder is as
            invariant as its images are symmetric.
    Raises: ValueError: sizes that do not fit together.
    """

    def __init__(
        self,
        *,
        resolution: int,
        latent_dim: int,
        hidden_dims: Sequence[int] = (64, 128, 256, 512, 512),
        backbone: Backbone = "strided",
        patch: int = 4,
        in_channels: int = 3,
        head_dim: int = 128,
        pool: Pool = "average",
        head: Head = "rgb",
        symmetry_pooling: bool = True,
    ) -> None:
        super().__init__()
        grid = last_grid(resolution, backbone, hidden_dims, patch)
        if backbone == "residual" and pool != "grid":
            raise ValueError(f"the backbone 'residual' needs the pool 'grid', but got {pool!r}")
        self.settings = VaeSettings(
            resolution=resolution,
            latent_dim=latent_dim,
            hidden_dims=tuple(hidden_dims),
            backbone=backbone,
            patch=patch,
            in_channels=in_channels,
            head_dim=head_dim,
            pool=pool,
            head=head,
            symmetry_pooling=symmetry_pooling,
        )
        fields = in_channels if head == "rgb" else PALETTE_SIZE
        self.pooling: nn.Module = nn.Identity()
        if backbone == "residual":
            self.encoder = residual_encoder(in_channels, hidden_dims, patch)
            self.decoder = residual_decoder(hidden_dims, fields, patch)
            self._place_residual_heads(grid)
        else:
            self.encoder, self.decoder = strided_encoder(in_channels, hidden_dims), strided_decoder(hidden_dims, fields)
            self._place_strided_heads(grid)
        self.palette = _palette_head(latent_dim, head_dim, in_channels) if head == "palette" else None

    def _place_residual_heads(self, grid: int) -> None:
        """What leads from the last features to the latents and back: every place for itself."""
        top, depth = self.settings["hidden_dims"][-1], _latents_per_place(self.latent_dim, grid)
        self.mean_head, self.logvar_head = (nn.Sequential(nn.Conv2d(top, depth, 1), nn.Flatten()) for _ in range(2))
        self.expand = nn.Sequential(nn.Unflatten(1, (depth, grid, grid)), circular_conv(depth, top))

    def _place_strided_heads(self, grid: int) -> None:
        """The same by `pool`."""
        top, hidden, pool = self.settings["hidden_dims"][-1], self.settings["head_dim"], self.settings["pool"]
        if pool == "grid":
            depth = _latents_per_place(self.latent_dim, grid)
            self.mean_head, self.logvar_head = (_grid_head(top, hidden, depth) for _ in range(2))
            self.expand = _expand_grid(depth, top, grid)
        else:
            self.pooling = nn.Sequential(*([nn.AdaptiveAvgPool2d(1)] if pool == "average" else []), nn.Flatten())
            features = top if pool == "average" else top * grid * grid
            self.mean_head, self.logvar_head = (_head(features, hidden, self.latent_dim) for _ in range(2))
            self.expand = _expand(self.latent_dim, top, grid)

    @property
    def latent_dim(self) -> int:
        """Dimension d of the latent space."""
        return self.settings["latent_dim"]

    @property
    def places(self) -> int:
        """Side of the grid of places that the latents lie on, channel after channel; 0 where they lie on none."""
        own = self.settings
        on_grid = own["pool"] == "grid"
        return last_grid(self.resolution, own["backbone"], own["hidden_dims"], own["patch"]) if on_grid else 0

    @property
    def resolution(self) -> int:
        """Samples n along each side of a cell."""
        return self.settings["resolution"]

    def encode(self, image: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, each (B, d), of q(z | image).

        Args:
            image: (B, C, n, n) in [0, 1].
            group: (B,) int64, index 0-16 per sample.
        Raises: ValueError: another shape.
        """
        expected = (self.settings["in_channels"], self.resolution, self.resolution)
        if image.ndim != 4 or image.shape[1:] != expected:
            raise ValueError(f"`image` must be (B, {', '.join(map(str, expected))}), but got {tuple(image.shape)}")
        pooled = project(image, group) if self.settings["symmetry_pooling"] else image
        features = self.pooling(self.encoder(pooled))
        return self.mean_head(features), self.logvar_head(features)

    def fields(self, latent: Tensor) -> Tensor:
        """Fields (B, F, n, n) of latents (B, d), before any projection; F colours, or `PALETTE_SIZE`."""
        if latent.ndim != 2 or latent.shape[1] != self.latent_dim:
            raise ValueError(f"`latent` must be (B, {self.latent_dim}), but got {tuple(latent.shape)}")
        decoded: Tensor = self.decoder(self.expand(latent))
        return decoded if self.palette is not None else decoded.sigmoid()

    def colour(self, fields: Tensor, latent: Tensor) -> Tensor:
        """Image (B, C, n, n) in [0, 1] of fields (B, F, n, n), point by point: it has every symmetry they have."""
        if self.palette is None:
            return fields.clamp(0, 1)
        colours = self.palette(latent)
        # Sums of products in a fixed order: a matrix product may round differently from sample to sample.
        shares = (SHARPNESS * fields).softmax(dim=1)
        image: Tensor = sum(shares[:, k, None] * colours[:, k, :, None, None] for k in range(PALETTE_SIZE))
        return image.clamp(0, 1)

    def decode_plain(self, latent: Tensor) -> Tensor:
        """Image (B, C, n, n) in [0, 1] of latents (B, d), without projection."""
        return self.colour(self.fields(latent), latent)

    def decode(self, latent: Tensor, group: Tensor) -> Tensor:
        """Image (B, C, n, n) in [0, 1] of latents (B, d), with exactly the symmetry of group (B,)."""
        return self.colour(project(self.fields(latent), group), latent)

    def forward(
        self, image: Tensor, group: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction (B, C, n, n), mean (B, d) and log variance (B, d).

        Args:
            image, group: see `encode`.
            generator: noise of the sample z = mean + std * noise, on the CPU so that every device draws
                the same; None decodes the mean.
        """
        mean, logvar = self.encode(image, group)
        latent = mean if generator is None else reparameterise(mean, logvar, generator)
        return self.decode(latent, group), mean, logvar


def reparameterise(mean: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """A sample (B, d) of N(mean, exp(logvar)), differentiable in both; `generator` is on the CPU."""
    noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype).to(mean.device)
    return mean + (0.5 * logvar).exp() * noise


def _grid_head(features: int, hidden: int, depth: int) -> nn.Sequential:
    """(B, features, g, g) to (B, depth g^2): the same small network at every place."""
    return nn.Sequential(nn.Conv2d(features, hidden, 1), nn.LeakyReLU(SLOPE), nn.Conv2d(hidden, depth, 1), nn.Flatten())


def _expand(latent_dim: int, top: int, grid: int) -> nn.Sequential:
    """(B, d) to (B, top, g, g)."""
    return nn.Sequential(
        nn.Linear(latent_dim, top),
        nn.LeakyReLU(SLOPE),
        nn.Linear(top, top * grid * grid),
        nn.LeakyReLU(SLOPE),
        nn.Unflatten(1, (top, grid, grid)),
    )


def _expand_grid(depth: int, top: int, grid: int) -> nn.Sequential:
    """(B, depth g^2) to (B, top, g, g): each place sees its neighbours, twice."""
    return nn.Sequential(
        nn.Unflatten(1, (depth, grid, grid)),
        circular_conv(depth, top),
        nn.LeakyReLU(SLOPE),
        circular_conv(top, top),
        nn.LeakyReLU(SLOPE),
    )


def _latents_per_place(latent_dim: int, grid: int) -> int:
    if latent_dim % grid**2:
        raise ValueError(
            f"`latent_dim % {grid**2} == 0` must hold for pool 'grid' with a last grid of {grid} x {grid}, "
            f"but got {latent_dim}; use {grid**2 * max(1, round(latent_dim / grid**2))}"
        )
    return latent_dim // grid**2


def _palette_head(latent_dim: int, hidden: int, channels: int) -> nn.Sequential:
    last = nn.Linear(hidden, PALETTE_SIZE * channels)
    nn.init.normal_(last.bias, std=1.5)  # colours that differ from the start, else no field has anything to say
    return nn.Sequential(
        nn.Linear(latent_dim, hidden),
        nn.LeakyReLU(SLOPE),
        last,
        nn.Sigmoid(),
        nn.Unflatten(1, (PALETTE_SIZE, channels)),
    )


def _head(features: int, hidden: int, latent_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, latent_dim))
