"""Settings of one VAE training; the defaults are what the project was first designed with, the preset plan.

Knows no torch, path or tracker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from wallpaper.training.config import check_at_least, check_below_one, check_choices, check_positive, choose

CRITERION = "val/loss"
"""Of a row: the epoch where it is lowest is kept as best."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VaeConfig:
    """One VAE training, whole. Raises: ValueError: a value outside its range."""

    resolution: int = 256
    """Samples along each side of a cell; a multiple of 4 and of 2 ** (number of hidden_dims), or of patch."""

    latent_dim: int = 2
    """Dimension of the latent space; 2 can be drawn as it is, larger ones by their principal axes."""

    hidden_dims: tuple[int, ...] = (64, 128, 256, 512, 512)
    """Channels after each stage of the encoder, each of which halves the image; the decoder mirrors them. Backbone
    residual: the width of each block, all alike, as 64,64."""

    backbone: Literal["strided", "residual"] = "strided"
    """strided halves the image stage by stage; residual folds patches into channels and refines
    them by residual blocks: much better at the same cost; needs pool grid."""

    patch: int = 4
    """Side, in samples, of the patches that the backbone residual folds; its latents stand on a grid of that pitch."""

    pool: Literal["average", "flatten", "grid"] = "average"
    """After the last stage: average keeps one number per channel, flatten all of the last grid, and grid gives each
    of its places latents of its own: latent_dim is then a multiple of the number of places."""

    head: Literal["rgb", "palette"] = "rgb"
    """rgb decodes each colour channel; palette divides the cell among five colours, with sharp edges."""

    symmetry_pooling: bool = True
    """Average the encoder's first layer over the group's operations."""

    epochs: int = 200
    """Passes over the training split."""

    batch_size: int = 32
    """Patterns in one step."""

    learning_rate: float = 1e-4
    """Largest step size of AdamW."""

    weight_decay: float = 1e-5
    """Decoupled weight decay of AdamW."""

    scheduler: Literal["cosine", "constant"] = "cosine"
    """Learning rate after the warm-up: half a cosine down to 0, or constant."""

    warmup: int = 0
    """Steps over which the learning rate rises from 0."""

    gradient_clip: float = 10000.0
    """Largest norm of a step's gradient; of the loss summed over pixels, so thousands are usual."""

    beta: float = 1.0
    """Weight of the KL term; larger keeps the latent space more regular, smaller reconstructs better."""

    lambda_inv: float = 10.0
    """Weight of the invariance term."""

    invariance_every: int = 20
    """Steps between two evaluations of the invariance term; with symmetry pooling it is zero to rounding."""

    augment: bool = False
    """Draw each pattern's origin and axes anew in every epoch, without leaving its group: exact, nothing resampled."""

    recolour: bool = False
    """Draw the order of each pattern's colour channels anew in every epoch."""

    ema_decay: float = 0.0
    """Share of the old that each step leaves in a moving average of the weights, which is then what is validated and
    kept as best; 0.999 for instance. 0: the weights themselves."""

    patience: int = 0
    """End the training after so many epochs without a better validation. 0: never."""

    precision: Literal["float32", "bf16"] = "float32"
    """bf16 computes convolutions and products in bfloat16: less memory, much faster on recent GPUs."""

    compile: bool = False
    """Let torch.compile translate the model: a minute or more at the start, faster steps on a GPU."""

    channels_last: bool = False
    """Keep colours and channels innermost in memory, which GPUs' convolutions in bf16 like better."""

    prefetch: bool = False
    """A thread of its own reads and draws the next batches; the numbers stay the same. For GPUs: on a CPU's few cores
    it only takes time from the steps."""

    validate_every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    log_every: int = 5
    """Epochs between two sets of pictures, for callers that draw them."""

    seed: int = 0
    """Seed of the weights, the data's order, the augmentation and the latent noise."""

    def __post_init__(self) -> None:
        check_choices(self)
        check_at_least(
            self, 1, "latent_dim", "patch", "epochs", "batch_size", "invariance_every", "validate_every", "log_every"
        )
        check_at_least(self, 0, "weight_decay", "warmup", "beta", "lambda_inv", "seed", "ema_decay", "patience")
        check_below_one(self, "ema_decay")
        check_positive(self, "learning_rate", "gradient_clip")
        if not self.hidden_dims or min(self.hidden_dims) < 1:
            raise ValueError(f"`hidden_dims` must hold channels >= 1, but got {self.hidden_dims}")
        if self.backbone == "residual" and (len(set(self.hidden_dims)) > 1 or self.hidden_dims[0] % 8):
            raise ValueError(
                "`hidden_dims` of the backbone residual must be one multiple of 8, once for each block, but got "
                f"{self.hidden_dims}; for instance 64,64"
            )
        if self.backbone == "residual" and self.pool != "grid":
            raise ValueError(f"`pool` must be grid for the backbone residual, but got {self.pool!r}")
        reduction, what = self._reduction()
        factor = math.lcm(4, reduction)
        if self.resolution < factor or self.resolution % factor:
            raise ValueError(f"`resolution % {factor} == 0` must hold for {what}, but got {self.resolution}")
        places = (self.resolution // reduction) ** 2
        if self.pool == "grid" and self.latent_dim % places:
            raise ValueError(f"`latent_dim % {places} == 0` must hold for the pool 'grid', but got {self.latent_dim}")

    def _reduction(self) -> tuple[int, str]:
        """By how much the smallest grid is smaller than the image, and why."""
        if self.backbone == "residual":
            return self.patch, f"patch {self.patch}"
        return 2 ** len(self.hidden_dims), f"{len(self.hidden_dims)} stages"

    @classmethod
    def preset(cls, name: str, **changes: Any) -> VaeConfig:
        """One of `PRESETS`, with some settings changed. Raises: ValueError: unknown preset."""
        return replace(choose("preset", name, PRESETS), **changes)


_RESIDUAL_64 = VaeConfig(
    resolution=64,
    latent_dim=2048,
    hidden_dims=(32, 32),
    backbone="residual",
    pool="grid",
    head="palette",
    batch_size=16,
    gradient_clip=1000.0,
    augment=True,
)

PRESETS: dict[str, VaeConfig] = {
    "smoke": VaeConfig(
        resolution=32,
        latent_dim=8,
        hidden_dims=(8, 16, 16),
        pool="flatten",
        epochs=2,
        batch_size=16,
        learning_rate=2e-3,
    ),
    "laptop": replace(  # what the search in docs/search.md found, at the width it had before
        _RESIDUAL_64, epochs=16, learning_rate=1.3e-3, warmup=500, weight_decay=5e-4, beta=1.7e-3, ema_decay=0.99
    ),
    "champion": replace(  # as the model that comes with the package was trained
        _RESIDUAL_64, hidden_dims=(48, 48), epochs=28, learning_rate=4e-3, warmup=100, beta=0.005
    ),
    "quality": VaeConfig(
        latent_dim=8192,
        hidden_dims=(128, 128, 128, 128),
        backbone="residual",
        patch=8,
        pool="grid",
        head="palette",
        epochs=60,
        learning_rate=2e-3,
        warmup=500,
        gradient_clip=1000.0,
        beta=0.01,
        augment=True,
    ),
    "plan": VaeConfig(),
}
"""Smoke runs in seconds, laptop in minutes on two cores, champion (the model that comes with the package) in less than
an hour on two cores; quality and plan, at 256 samples a side, need a GPU."""
