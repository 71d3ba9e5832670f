"""The state of a VAE training: what a checkpoint holds, how it is begun, saved and resumed.

One generator on the CPU draws order, augmentation and noise; its state, the epoch's order and place in
it, and the sums behind the epoch's means are all saved, so that a resumed run goes on to the same
numbers. The loop itself is in `vae_loop`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import (
    BEST,
    LAST,
    CheckpointError,
    check_same_run,
    checkpoint_path,
    load_checkpoint,
    load_optimiser,
    load_weights,
    optimiser_tensors,
    save_checkpoint,
)
from wallpaper.training.config import CONFIG, save_config, to_mapping
from wallpaper.training.pattern_source import Indices, PatternSource
from wallpaper.training.report import HISTORY, Row, write_history
from wallpaper.training.vae_config import VaeConfig

MAY_CHANGE = ("epochs", "validate_every", "log_every")
"""Settings that a resumed run may have anew; a schedule follows the new number of epochs."""

_COUNTERS = ("epoch", "position", "elapsed", "best_loss", "best_epoch", "history")


@dataclass
class Means:
    """Means over images of named terms, not all of which come in every batch. Plain data."""

    sums: dict[str, float] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)

    def add(self, terms: Mapping[str, Tensor], weight: int) -> None:
        """Count each term, the mean over `weight` images."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach()) * weight
            self.weights[name] = self.weights.get(name, 0.0) + weight

    def values(self) -> dict[str, float]:
        """The mean of each term."""
        return {name: total / self.weights[name] for name, total in self.sums.items()}


@dataclass
class VaeRun:
    """A training in progress."""

    config: VaeConfig
    folder: Path
    data: str
    """Digest of the dataset."""
    images: int
    """Patterns in the train split."""
    vae: SymmetryVAE
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    order: Tensor
    """This epoch's order of the train split."""
    epoch: int = 1
    """The epoch in progress, or the next one."""
    position: int = 0
    """Batches of this epoch that are done."""
    elapsed: float = 0.0
    """Seconds spent on this epoch."""
    means: Means = field(default_factory=Means)
    best_loss: float | None = None
    best_epoch: int = 0
    history: list[Row] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.vae.parameters()).device

    @property
    def batches_per_epoch(self) -> int:
        """Batches in one pass over the train split, the last of which may be small."""
        return math.ceil(self.images / self.config.batch_size)

    @property
    def step(self) -> int:
        """Optimiser steps done since the run began."""
        return (self.epoch - 1) * self.batches_per_epoch + self.position

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.config.epochs * self.batches_per_epoch

    def begin_epoch(self) -> None:
        """Draw the epoch's order, unless the run resumes in the middle of one."""
        self.vae.train()
        if self.position == 0:
            self.order = torch.randperm(self.images, generator=self.generator)
            self.means, self.elapsed = Means(), 0.0

    def batches_left(self) -> Iterator[Indices]:
        """Places in the train split of each batch that is still to do; each step counts `position` up."""
        size = self.config.batch_size
        while self.position < self.batches_per_epoch:
            yield self.order[self.position * size : (self.position + 1) * size].numpy()

    def end_epoch(self, row: Row) -> None:
        """Move on to the next epoch, and write checkpoints and history."""
        self.history.append(row)
        loss = row.get("val/loss")
        if loss is not None and (self.best_loss is None or loss < self.best_loss):
            self.best_loss, self.best_epoch = loss, self.epoch
            meta = self._identity() | {"row": row}
            save_checkpoint(self.folder, BEST, weights=self.vae.state_dict(), state={}, meta=meta)
        self.epoch, self.position = self.epoch + 1, 0
        self.save()
        write_history(self.folder, self.history)

    def save(self) -> None:
        """Write the checkpoint `last`: all that a resume needs."""
        state = optimiser_tensors(self.optimiser) | {"generator": self.generator.get_state(), "order": self.order}
        loop = {name: getattr(self, name) for name in _COUNTERS} | {"means": asdict(self.means)}
        meta = self._identity() | {"loop": loop}
        save_checkpoint(self.folder, LAST, weights=self.vae.state_dict(), state=state, meta=meta)

    def _identity(self) -> dict[str, Any]:
        return {"vae": dict(self.vae.settings), "config": to_mapping(self.config), "data": self.data}


def begin(config: VaeConfig, store: PatternSource, folder: Path, device: str | torch.device) -> VaeRun:
    """A run before its first batch, in a folder from which an older run is removed."""
    for path in (checkpoint_path(folder, BEST), checkpoint_path(folder, LAST), folder / HISTORY):
        path.unlink(missing_ok=True)
    return _untrained(config, store, folder, device)


def resume_last(config: VaeConfig, store: PatternSource, folder: Path, device: str | torch.device) -> VaeRun:
    """A run where its checkpoint `last` left it. Raises: CheckpointError: none, or of other settings or data."""
    path, checkpoint = checkpoint_path(folder, LAST), load_checkpoint(folder, LAST)
    saved = {**checkpoint.meta.get("config", {}), "data": checkpoint.meta.get("data")}
    check_same_run(path, saved, {**to_mapping(config), "data": store.digest}, MAY_CHANGE)
    run = _untrained(config, store, folder, device)
    load_weights(run.vae, checkpoint.weights, path)
    load_optimiser(run.optimiser, checkpoint.state)
    run.generator.set_state(checkpoint.state["generator"])
    run.order = checkpoint.state["order"]
    for name in _COUNTERS:
        setattr(run, name, checkpoint.meta["loop"][name])
    run.means = Means(**checkpoint.meta["loop"]["means"])
    return run


def build_vae(config: VaeConfig) -> SymmetryVAE:
    """The untrained model of a config; its weights depend on `config.seed` alone."""
    with torch.random.fork_rng(devices=()):  # torch's layers draw their weights from its global generator only
        torch.manual_seed(config.seed)
        return SymmetryVAE(
            resolution=config.resolution,
            latent_dim=config.latent_dim,
            hidden_dims=config.hidden_dims,
            backbone=config.backbone,
            patch=config.patch,
            pool=config.pool,
            head=config.head,
            symmetry_pooling=config.symmetry_pooling,
        )


def load_vae(folder: Path, name: str = BEST) -> SymmetryVAE:
    """The model of a run's checkpoint, on the CPU, in evaluation mode. Raises: CheckpointError: no VAE there."""
    path, checkpoint = checkpoint_path(folder, name), load_checkpoint(folder, name)
    if "vae" not in checkpoint.meta:
        raise CheckpointError(f"{path} must hold a VAE, but holds {sorted(checkpoint.meta)}")
    with torch.random.fork_rng(devices=()):  # the caller's random numbers are not ours to use up
        vae = SymmetryVAE(**checkpoint.meta["vae"])
    load_weights(vae, checkpoint.weights, path)
    return vae.eval()


def _untrained(config: VaeConfig, store: PatternSource, folder: Path, device: str | torch.device) -> VaeRun:
    save_config(folder / CONFIG, config)
    vae = build_vae(config).to(device)
    return VaeRun(
        config=config,
        folder=folder,
        data=store.digest,
        images=len(store.splits["train"]),
        vae=vae,
        optimiser=torch.optim.AdamW(vae.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay),
        generator=torch.Generator().manual_seed(config.seed),
        order=torch.empty(0, dtype=torch.int64),
    )
