"""How well the VAE gives patterns back, on one split: beside it the best linear code of the same size.

Figures are of decoded latent means, without noise, per pattern; they know nothing of transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from wallpaper.data import PatternStore
from wallpaper.evaluation.codes import BATCH, Codes
from wallpaper.evaluation.linear_code import LinearCode
from wallpaper.evaluation.quality import spectrum_distance, ssim
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES
from wallpaper.symmetry import project
from wallpaper.training.vae_loop import ACTIVE_VARIANCE
from wallpaper.training.vae_losses import psnr


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of some patterns of one split."""

    psnr: float
    """dB, of the mean squared error over all samples and colours."""
    psnr_mean: float
    """dB, mean of the patterns' own."""
    ssim: float
    """Structural similarity, 1 at best."""
    kl: float
    """Nats from the code of a pattern to the standard normal distribution, mean."""
    active_dimensions: int
    """Latent coordinates whose mean varies by more than `ACTIVE_VARIANCE`."""
    spectrum_distance: float
    """`quality.spectrum_distance` to the original, mean; 0 at best."""
    linear_psnr: float
    """dB, as `psnr`, of the best linear code with as many numbers, found on the train split."""
    linear_projected_psnr: float
    """dB, the same after projection on the pattern's group and clipping, which the VAE's images have had."""

    @property
    def over_linear(self) -> float:
        """dB by which the VAE is better than the linear code."""
        return self.psnr - self.linear_psnr

    def figures(self) -> dict[str, float]:
        """All by name."""
        return {**asdict(self), "over_linear": self.over_linear}


@dataclass(frozen=True, slots=True)
class SplitQuality:
    """Figures of one split."""

    split: str
    patterns: int
    """That the figures are means over."""
    overall: Quality
    by_group: dict[str, Quality]


@torch.no_grad()
def measure_quality(
    vae: SymmetryVAE, store: PatternStore, codes: Codes, split: str, linear: LinearCode, tick: Callable[[], None]
) -> SplitQuality:
    """Decode all of `codes` and compare; `tick` is called after each batch of `BATCH`."""
    parts = []
    for rows in torch.arange(len(codes.index)).split(BATCH):
        parts.append(_errors(vae, store, codes.take(rows), linear))
        tick()
    errors = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    everything = torch.ones(len(codes.labels), dtype=torch.bool)
    by_group = {
        name: _quality(errors, codes, codes.labels == group)
        for group, name in enumerate(GROUP_NAMES)
        if bool((codes.labels == group).any())
    }
    return SplitQuality(split, len(codes.labels), _quality(errors, codes, everything), by_group)


def train_blocks(store: PatternStore, side: int, split: str = "train") -> Callable[[], Iterator[Tensor]]:
    """The patterns of a split as blocks (B, 3 side side), for `fit_linear_code`."""
    rows = torch.as_tensor(store.splits[split])
    return lambda: (store.batch(some, side=side).flatten(1) for some in rows.split(BATCH))


def _errors(vae: SymmetryVAE, store: PatternStore, codes: Codes, linear: LinearCode) -> dict[str, Tensor]:
    """What is known of each pattern of a batch, (B,) each."""
    image = store.batch(codes.index, side=vae.resolution)
    decoded = vae.decode(codes.mean, codes.labels)
    coded = linear.reconstruct(image.flatten(1)).view_as(image)
    metric = torch.stack([torch.from_numpy(store.lattice(int(index)).metric) for index in codes.index])
    divergence = 0.5 * (codes.mean.square() + codes.logvar.exp() - 1 - codes.logvar).sum(1)
    return {
        "mse": _mse(decoded, image),
        "ssim": ssim(decoded, image),
        "spectrum": spectrum_distance(decoded, image, metric),
        "kl": divergence.double(),
        "linear": _mse(coded, image),
        "linear_projected": _mse(project(coded, codes.labels).clamp(0, 1), image),
    }


def _mse(image: Tensor, truth: Tensor) -> Tensor:
    return (image - truth).square().flatten(1).mean(1).double()


def _quality(errors: dict[str, Tensor], codes: Codes, chosen: Tensor) -> Quality:
    mean = {name: float(values[chosen].mean()) for name, values in errors.items()}
    variance = codes.mean[chosen].var(0, correction=0)
    return Quality(
        psnr=psnr(mean["mse"]),
        psnr_mean=sum(psnr(each) for each in errors["mse"][chosen].tolist()) / int(chosen.sum()),
        ssim=mean["ssim"],
        kl=mean["kl"],
        active_dimensions=int((variance > ACTIVE_VARIANCE).sum()),
        spectrum_distance=mean["spectrum"],
        linear_psnr=psnr(mean["linear"]),
        linear_projected_psnr=psnr(mean["linear_projected"]),
    )
