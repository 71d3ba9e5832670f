r"""What a VAE is built of between images, latents and fields: two backbones on the torus.

"strided" is the usual one: convolutions of stride 2, batch normalisation, the mirror image of it as decoder.
"residual" folds patches into channels (PixelUnshuffle), refines them by residual blocks at that one resolution and
unfolds them again: more is computed for each byte moved, and every place keeps latents of its own. All convolutions
wrap around. Residual blocks: He et al., *Identity Mappings in Deep Residual Networks* (2016); unfolding: Shi et al.,
*Real-Time Single Image and Video Super-Resolution Using ... Sub-Pixel Convolution* (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from wallpaper.models.torus import TorusConv2d, wrap

Backbone = Literal["strided", "residual"]

SLOPE = 0.2
"""Of the LeakyReLU for negative inputs."""

NORM_GROUPS = 8
"""Groups of channels that are normalised together in a residual block, sample by sample."""

FINE_WIDTH = 16
"""Channels at full resolution from which a residual decoder makes its fields."""


class TorusConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution, kernel 4 and stride 2, of a periodic image: (B, C, n, n) to (B, K, 2n, 2n).

    The transpose of Conv2d(k=4, s=2, p=1, padding_mode="circular"). A shift of the input by one
    sample shifts the output by two. torch's own layer pads with zeros only, so one sample is wrapped
    around each edge, and the rim that comes of it is cut off.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=4, stride=2, padding=1 + 2)

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:
        """See the class; `output_size` is fixed by the input and ignored."""
        return super().forward(wrap(image, 1))


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(norm(x))))) of (B, width, g, g); the identity before training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(NORM_GROUPS, width)
        self.first, self.second = circular_conv(width, width), circular_conv(width, width)
        nn.init.zeros_(self.second.weight)
        if self.second.bias is not None:
            nn.init.zeros_(self.second.bias)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        change = self.first(functional.silu(self.norm(features)))
        result: Tensor = features + self.second(functional.silu(change))
        return result


class Centred(nn.Module):
    """[0, 1] to [-1/2, 1/2]."""

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return image - 0.5


def circular_conv(before: int, after: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution of a periodic image that keeps its size; odd kernel."""
    return TorusConv2d(before, after, kernel, padding=kernel // 2)


def last_grid(resolution: int, backbone: Backbone, hidden_dims: Sequence[int], patch: int) -> int:
    """Side of the smallest feature map. Raises: ValueError: sizes that do not fit the backbone."""
    if backbone == "residual":
        if patch < 1 or resolution < patch or resolution % patch:
            raise ValueError(f"`resolution % patch == 0` must hold, but got {resolution} and patch {patch}")
        if not hidden_dims or len(set(hidden_dims)) > 1 or hidden_dims[0] % NORM_GROUPS or hidden_dims[0] < 1:
            raise ValueError(
                "`hidden_dims` of the backbone 'residual' must be one width, a multiple of "
                f"{NORM_GROUPS}, once for each block, but got {tuple(hidden_dims)}; for instance 64,64"
            )
        return resolution // patch
    factor = 2 ** len(hidden_dims)
    if not hidden_dims or resolution < factor or resolution % factor:
        raise ValueError(
            f"`resolution % 2 ** len(hidden_dims) == 0` must hold, but got {resolution} and {len(hidden_dims)} stages; "
            f"use a multiple of {factor}"
        )
    return resolution // int(factor)


def strided_encoder(channels: int, hidden_dims: Sequence[int]) -> nn.Sequential:
    """(B, channels, n, n) to (B, hidden_dims[-1], g, g), halving at each stage."""
    return nn.Sequential(*(_down(before, after) for before, after in pairwise((channels, *hidden_dims))))


def strided_decoder(hidden_dims: Sequence[int], fields: int) -> nn.Sequential:
    """(B, hidden_dims[-1], g, g) to (B, fields, n, n), doubling at each stage."""
    upward = tuple(reversed(hidden_dims))
    return nn.Sequential(
        *(_up(before, after) for before, after in pairwise(upward)), TorusConvTranspose2d(upward[-1], fields)
    )


def residual_encoder(channels: int, hidden_dims: Sequence[int], patch: int) -> nn.Sequential:
    """(B, channels, n, n) to (B, width, n / patch, n / patch), a block for each entry of `hidden_dims`."""
    width = hidden_dims[0]
    return nn.Sequential(
        Centred(),
        nn.PixelUnshuffle(patch),
        circular_conv(channels * patch**2, width),
        *(ResidualBlock(width) for width in hidden_dims),
        nn.GroupNorm(NORM_GROUPS, width),
        nn.SiLU(),
    )


def residual_decoder(hidden_dims: Sequence[int], fields: int, patch: int) -> nn.Sequential:
    """(B, width, g, g) to (B, fields, g patch, g patch)."""
    width = hidden_dims[0]
    return nn.Sequential(
        *(ResidualBlock(width) for width in hidden_dims),
        nn.GroupNorm(NORM_GROUPS, width),
        nn.SiLU(),
        circular_conv(width, FINE_WIDTH * patch**2),
        nn.PixelShuffle(patch),
        nn.SiLU(),
        circular_conv(FINE_WIDTH, fields),
    )


def _down(before: int, after: int) -> nn.Sequential:
    conv = TorusConv2d(before, after, 4, stride=2, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE))


def _up(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(TorusConvTranspose2d(before, after), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE))
