"""One training step of the VAE as the loop makes it, on images in memory, in the ways that the benchmark compares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.symmetrising import by_interpolation, by_loop
from wallpaper.models import vae as vae_module
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_losses import VaeObjective
from wallpaper.training.vae_run import build_vae

SETTINGS: dict[str, dict[str, Any]] = {"channels_last": {"channels_last": True}, "bf16": {"precision": "bf16"}}
"""Ways that are settings of the training."""
PROJECTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "projection by a loop": by_loop,
    "projection by grid_sample": by_interpolation,
}
AS_IT_IS = "as it is"
WAYS = (AS_IT_IS, *SETTINGS, *PROJECTIONS)
SMALL_BATCH, LARGE_SIDE = 4, 128


@dataclass
class VaeStep:
    """A model, its optimiser and one batch. Call it for a step."""

    config: VaeConfig
    device: str = "cpu"
    way: str = AS_IT_IS

    def __post_init__(self) -> None:
        self.config = config = replace(self.config, **SETTINGS.get(self.way, {}))
        large = self.device == "cpu" and config.resolution >= LARGE_SIDE
        self.batch = min(config.batch_size, SMALL_BATCH) if large else config.batch_size
        generator, side = torch.Generator().manual_seed(0), config.resolution
        self.image = torch.rand(self.batch, 3, side, side, generator=generator).to(self.device)
        self.group = torch.arange(self.batch) % 17
        self.noise = torch.randn(self.batch, config.latent_dim, generator=generator).to(self.device)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.vae = build_vae(config).to(self.device).to(memory_format=layout)  # type: ignore[call-overload]
        self.objective = VaeObjective(self.vae, config.precision)
        if config.compile:
            self.objective.compile()
        self.optimiser = torch.optim.AdamW(self.vae.parameters(), lr=1e-6, fused=self.device == "cuda")

    def __call__(self) -> float:
        """Forward, backward, clipping, optimiser; returns the loss."""
        other = PROJECTIONS.get(self.way)
        with patch.object(vae_module, "project", other) if other else nullcontext():
            terms, _ = self.objective(self.image, self.group, self.noise)
            loss = terms["reconstruction"] + self.config.beta * terms["kl"]
            self.optimiser.zero_grad()
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), self.config.gradient_clip)
        self.optimiser.step()
        return float(loss.detach())

    def operations(self) -> float:
        """Floating-point operations of an image in a step, forward and backward, as torch counts them."""
        step = VaeStep(replace(self.config, compile=False), self.device)
        with FlopCounterMode(display=False) as counted:
            step()
        return float(counted.get_total_flops()) / self.batch
