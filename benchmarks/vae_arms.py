"""One training step of the VAE as the loop makes it, on images in memory, in the ways that the benchmark compares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.symmetrising import by_interpolation, by_loop
from wallpaper.models import vae as vae_module
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_losses import kl_term, reconstruction_term
from wallpaper.training.vae_run import build_vae

WAYS = ("as it is", "channels_last", "bf16 autocast", "projection by a loop", "projection by grid_sample")
SMALL_BATCH, LARGE_SIDE = 4, 128


@dataclass
class VaeStep:
    """A model, its optimiser and one batch. Call it for a step."""

    config: VaeConfig
    device: str = "cpu"
    batch: int = 0
    """0 takes the preset's, or `SMALL_BATCH` of images of `LARGE_SIDE` samples and more on a CPU."""
    way: str = "as it is"

    def __post_init__(self) -> None:
        large = self.device == "cpu" and self.config.resolution >= LARGE_SIDE
        self.batch = self.batch or (min(self.config.batch_size, SMALL_BATCH) if large else self.config.batch_size)
        self._format = torch.channels_last if self.way == "channels_last" else torch.contiguous_format
        side = self.config.resolution
        self.generator = torch.Generator().manual_seed(0)
        image = torch.rand(self.batch, 3, side, side, generator=self.generator)
        self.image = image.to(self.device, memory_format=self._format)
        self.group = torch.arange(self.batch) % 17
        self.vae = build_vae(self.config).to(self.device, memory_format=self._format)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(self.vae.parameters(), lr=1e-6)

    def loss(self) -> Tensor:
        """Forward."""
        autocast: Any = nullcontext()
        if self.way == "bf16 autocast":
            autocast = torch.autocast(self.device, torch.bfloat16)
        with autocast:
            reconstruction, mean, logvar = self.vae(self.image, self.group, self.generator)
        reconstructed = reconstruction_term(reconstruction.float(), self.image)
        return reconstructed + self.config.beta * kl_term(mean.float(), logvar.float())

    def __call__(self) -> float:
        """Forward, backward, clipping, optimiser; returns the loss."""
        other: Callable[[Tensor, Tensor], Tensor] | None = {
            "projection by a loop": by_loop,
            "projection by grid_sample": by_interpolation,
        }.get(self.way)
        with patch.object(vae_module, "project", other) if other else nullcontext():
            value = self.loss()
            self.optimiser.zero_grad()
            value.backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), self.config.gradient_clip)
        self.optimiser.step()
        return float(value.detach())

    def operations(self) -> float:
        """Floating-point operations of an image in a step, forward and backward, as torch counts them."""
        with FlopCounterMode(display=False) as counted:
            self()
        return float(counted.get_total_flops()) / self.batch


def memory_job(config: VaeConfig, device: str, way: str, batch: int = 0) -> VaeStep:
    """The step, built anew: for a process of its own."""
    return VaeStep(config, device, batch, way)
