"""The state of a VAE training: what a checkpoint holds, how it is begun, saved and resumed.

One generator on the CPU draws order, augmentation and noise; its state, the epoch's order and place in
it, and the sums behind the epoch's means are all saved, so that a resumed run goes on to the same
numbers. The loop itself is in `vae_loop`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from wallpaper.models.at_most import SENSELESS, AtMostWeights, count_of
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.averaging import WeightAverage
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
    saved_settings,
)
from wallpaper.training.config import CONFIG, save_config, to_mapping
from wallpaper.training.failures import disk_errors
from wallpaper.training.files import remove_leftovers
from wallpaper.training.pattern_source import Indices, PatternSource
from wallpaper.training.report import HISTORY, Row, write_history
from wallpaper.training.stopping import out_of_patience
from wallpaper.training.vae_batches import VaeBatch
from wallpaper.training.vae_config import CRITERION, VaeConfig
from wallpaper.training.vae_losses import VaeObjective
from wallpaper.training.world import ALONE, World

Device: TypeAlias = str | torch.device

MAY_CHANGE = ("epochs", "validate_every", "log_every", "patience", "prefetch")
"""Settings that a resumed run may have anew; a schedule follows the new number of epochs."""

_COUNTERS = ("epoch", "position", "elapsed", "best_loss", "best_epoch", "history")


@dataclass
class Means:
    """Means over images of named terms, not all of which come in every batch. Plain data."""

    sums: dict[str, float] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)

    def add(self, terms: Mapping[str, float], weight: int) -> None:
        """Count each term, the mean over `weight` images."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * weight
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
    objective: nn.Module
    """A `VaeObjective` of it, as the steps call it: shared among processes, compiled, or neither."""
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    order: Tensor
    """This epoch's order of the train split."""
    world: World = ALONE
    average: WeightAverage | None = None
    """What is validated and kept as best, if the settings ask for an average."""
    random_state: Tensor = field(init=False)
    """Of the generator, after the draws of the last step; batches to come may have been drawn already."""
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

    def __post_init__(self) -> None:
        self.random_state = self.generator.get_state()

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

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or too many since the best one."""
        config = self.config
        return self.epoch > config.epochs or out_of_patience(self.history, CRITERION, config.patience)

    def begin_epoch(self) -> None:
        """Draw the epoch's order, unless the run resumes in the middle of one."""
        self.vae.train()
        if self.position == 0:
            self.order = torch.randperm(self.images, generator=self.generator)
            self.random_state = self.generator.get_state()
            self.means, self.elapsed = Means(), 0.0

    def places_left(self) -> list[Indices]:
        """Places in the train split of each batch of this epoch that is still to do."""
        return [part.numpy() for part in self.order.split(self.config.batch_size)[self.position :]]

    def looks_at_invariance(self, position: int) -> bool:
        """Whether the batch at this place of an epoch has the invariance term in its loss."""
        return position % self.config.invariance_every == 0 or not self.config.symmetry_pooling

    def count(self, terms: Mapping[str, float], batch: VaeBatch) -> None:
        """A batch is done; each term is the mean over all of it."""
        self.means.add(terms, batch.count)
        self.position += 1
        self.random_state = batch.after
        if self.average is not None:
            self.average.update(self.step)

    def validated_weights(self) -> AbstractContextManager[None]:
        """The model has the weights that are validated and kept inside the block."""
        return self.average.in_place() if self.average is not None else nullcontext()

    def end_epoch(self, row: Row) -> None:
        """Move on to the next epoch, and write checkpoints and history. Raises: TrainingError: they cannot be."""
        self.history.append(row)
        loss = row.get(CRITERION)
        better = loss is not None and (self.best_loss is None or loss < self.best_loss)
        if better:
            self.best_loss, self.best_epoch = loss, self.epoch
        self.epoch, self.position = self.epoch + 1, 0
        with disk_errors(self.folder):
            if better and self.world.is_first:
                with self.validated_weights():
                    meta = self._identity() | {"row": row}
                    save_checkpoint(self.folder, BEST, weights=self.vae.state_dict(), state={}, meta=meta)
            self.save()
            if self.world.is_first:
                write_history(self.folder, self.history)

    def save(self) -> None:
        """Write the checkpoint `last`: all that a resume needs. Raises: TrainingError: it cannot be written."""
        if not self.world.is_first:
            return
        state = optimiser_tensors(self.optimiser) | {"generator": self.random_state, "order": self.order}
        state |= self.average.tensors() if self.average is not None else {}
        loop = {name: getattr(self, name) for name in _COUNTERS} | {"means": asdict(self.means)}
        meta = self._identity() | {"loop": loop}
        with disk_errors(self.folder):
            save_checkpoint(self.folder, LAST, weights=self.vae.state_dict(), state=state, meta=meta)

    def _identity(self) -> dict[str, Any]:
        return {"vae": dict(self.vae.settings), "config": to_mapping(self.config), "data": self.data}


def begin(config: VaeConfig, store: PatternSource, folder: Path, device: Device, world: World = ALONE) -> VaeRun:
    """A run before its first batch, in a folder from which an older run is removed."""
    if world.is_first:
        with disk_errors(folder):
            for path in (checkpoint_path(folder, BEST), checkpoint_path(folder, LAST), folder / HISTORY):
                path.unlink(missing_ok=True)
            remove_leftovers(folder)
            save_config(folder / CONFIG, config)
    return untrained(config, store, folder, device, world)


def resume_last(config: VaeConfig, store: PatternSource, folder: Path, device: Device, world: World = ALONE) -> VaeRun:
    """A run where its checkpoint `last` left it. Raises: CheckpointError: none, or of other settings or data."""
    path, checkpoint = checkpoint_path(folder, LAST), load_checkpoint(folder, LAST)
    saved = {**saved_settings(VaeConfig, checkpoint, path), "data": checkpoint.meta["data"]}
    check_same_run(path, saved, {**to_mapping(config), "data": store.digest}, MAY_CHANGE)
    run = untrained(config, store, folder, device, world)
    load_weights(run.vae, checkpoint.weights, path)
    try:
        load_optimiser(run.optimiser, checkpoint.state)
        run.generator.set_state(checkpoint.state["generator"])
        run.random_state, run.order = checkpoint.state["generator"], checkpoint.state["order"]
        if run.average is not None:
            run.average.load(checkpoint.state)
        for name in _COUNTERS:
            setattr(run, name, checkpoint.meta["loop"][name])
        run.means = Means(**checkpoint.meta["loop"]["means"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} must hold all of a training's state, but does not: {error!r}") from error
    if world.is_first:
        with disk_errors(folder):
            remove_leftovers(folder)
            save_config(folder / CONFIG, config)
            write_history(folder, run.history)  # the run may have been killed between a checkpoint and its history
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
    try:
        # The caller's random numbers are not ours to use up.
        with torch.random.fork_rng(devices=()), AtMostWeights(count_of(checkpoint.weights)):
            vae = SymmetryVAE(**checkpoint.meta["vae"])
    except SENSELESS as error:
        raise CheckpointError(f"{path} must describe a VAE of this version, but {error}") from error
    load_weights(vae, checkpoint.weights, path)
    return vae.eval()


def untrained(config: VaeConfig, store: PatternSource, folder: Path, device: Device, world: World = ALONE) -> VaeRun:
    """A run before its first batch; nothing is written."""
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    vae = build_vae(config).to(device).to(memory_format=layout)  # type: ignore[call-overload]
    objective = world.wrapped(VaeObjective(vae, config.precision))
    if config.compile:
        objective.compile()
    return VaeRun(
        config=config,
        folder=folder,
        data=store.digest,
        images=len(store.splits["train"]),
        vae=vae,
        objective=objective,
        optimiser=torch.optim.AdamW(
            vae.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=torch.device(device).type == "cuda",
        ),
        generator=torch.Generator().manual_seed(config.seed),
        order=torch.empty(0, dtype=torch.int64),
        world=world,
        average=WeightAverage(vae, config.ema_decay) if config.ema_decay else None,
    )
