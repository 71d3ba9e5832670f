"""The state of a transition field's training: what a checkpoint holds, how it is begun, saved and resumed.

No random state is kept: an epoch's draws follow from (seed, epoch). The loop itself is in `ode_loop`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from wallpaper.data.latents import Latents
from wallpaper.models.at_most import SENSELESS, AtMostWeights, count_of
from wallpaper.models.ode import TransitionODE
from wallpaper.training.averaging import WeightAverage
from wallpaper.training.checkpoint import (
    BEST,
    LAST,
    Checkpoint,
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
from wallpaper.training.ode_config import OdeConfig, criterion
from wallpaper.training.report import HISTORY, Row, write_history
from wallpaper.training.stopping import out_of_patience

MAY_CHANGE = ("epochs", "validate_every", "log_every", "patience")
"""Settings that a resumed run may have anew; a schedule follows the new number of epochs."""

_COUNTERS = ("epoch", "position", "elapsed", "counted", "sums", "best_value", "best_epoch", "history")


@dataclass
class OdeRun:
    """A training in progress."""

    config: OdeConfig
    folder: Path
    data: str
    """Digest of the latents."""
    vae: dict[str, Any]
    """About the latents' VAE, for the checkpoints."""
    ode: TransitionODE
    optimiser: torch.optim.Optimizer
    average: WeightAverage | None = None
    """What is validated and kept as best, if the settings ask for an average."""
    epoch: int = 1
    """The epoch in progress, or the next one."""
    position: int = 0
    """Batches of this epoch that are done."""
    elapsed: float = 0.0
    """Seconds spent in this epoch."""
    counted: int = 0
    """Pairs behind `sums`."""
    sums: dict[str, float] = field(default_factory=dict)
    """Of each term over this epoch's pairs."""
    best_value: float | None = None
    best_epoch: int = 0
    history: list[Row] = field(default_factory=list)

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps in an epoch; the last batch may be smaller."""
        return math.ceil(self.config.pairs_per_epoch / self.config.batch_size)

    @property
    def step(self) -> int:
        """Optimiser steps done in all."""
        return (self.epoch - 1) * self.batches_per_epoch + self.position

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or too many since the best one."""
        config = self.config
        return self.epoch > config.epochs or out_of_patience(self.history, criterion(config), config.patience)

    def count(self, terms: Mapping[str, float], pairs: int) -> None:
        """A batch is done; each term is a mean over its pairs."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * pairs
        self.counted += pairs
        self.position += 1
        if self.average is not None:
            self.average.update(self.step)

    def validated_weights(self) -> AbstractContextManager[None]:
        """The model has the weights that are validated and kept inside the block."""
        return self.average.in_place() if self.average is not None else nullcontext()

    def means(self) -> dict[str, float]:
        """Mean of each term over the epoch so far."""
        return {name: total / self.counted for name, total in self.sums.items()}

    def end_epoch(self, row: Row) -> None:
        """Write history and checkpoints, and move on. Raises: TrainingError: they cannot be written."""
        self.history.append(row)
        value = row.get(criterion(self.config))
        with disk_errors(self.folder):
            if value is not None and (self.best_value is None or value < self.best_value):
                self.best_value, self.best_epoch = value, self.epoch
                with self.validated_weights():
                    meta = self._identity() | row
                    save_checkpoint(self.folder, BEST, weights=self.ode.state_dict(), state={}, meta=meta)
            self.epoch, self.position, self.elapsed, self.counted, self.sums = self.epoch + 1, 0, 0.0, 0, {}
            self.save()
            write_history(self.folder, self.history)

    def save(self) -> None:
        """Write the checkpoint `last`: all that a resume needs. Raises: TrainingError: it cannot be written."""
        meta = self._identity() | {"loop": {name: getattr(self, name) for name in _COUNTERS}}
        state = optimiser_tensors(self.optimiser)
        state |= self.average.tensors() if self.average is not None else {}
        with disk_errors(self.folder):
            save_checkpoint(self.folder, LAST, weights=self.ode.state_dict(), state=state, meta=meta)

    def _identity(self) -> dict[str, Any]:
        """What every checkpoint says of its model, settings and data."""
        return {"ode": self.ode.options(), "config": to_mapping(self.config), "data": self.data, "vae": self.vae}


def begin_run(
    config: OdeConfig, latents: Latents, folder: Path, data: str, vae: dict[str, Any], device: str | torch.device
) -> OdeRun:
    """A run at its first batch, in a folder without an older run.

    Args:
        latents: those to train on; they set the model's size and scale, and whether its network can be a grid.
        data: digest of all latents.
        vae: plain data to keep.
    """
    run = untrained(config, latents, folder, data, vae, device)
    with disk_errors(folder):
        for path in (checkpoint_path(folder, BEST), checkpoint_path(folder, LAST), folder / HISTORY):
            path.unlink(missing_ok=True)
        remove_leftovers(folder)
        save_config(folder / CONFIG, config)
    return run


def resume_run(
    config: OdeConfig, latents: Latents, folder: Path, data: str, vae: dict[str, Any], device: str | torch.device
) -> OdeRun:
    """A run where its checkpoint `last` left it. Raises: CheckpointError: none, or of other settings or latents."""
    path, checkpoint = checkpoint_path(folder, LAST), load_checkpoint(folder, LAST)
    model_of(checkpoint, path)
    saved = {**saved_settings(OdeConfig, checkpoint, path), "data": checkpoint.meta["data"]}
    check_same_run(path, saved, {**to_mapping(config), "data": data}, MAY_CHANGE)
    run = untrained(config, latents, folder, data, vae, device)
    load_weights(run.ode, checkpoint.weights, path)
    try:
        load_optimiser(run.optimiser, checkpoint.state)
        if run.average is not None:
            run.average.load(checkpoint.state)
        for name in _COUNTERS:
            setattr(run, name, checkpoint.meta["loop"][name])
    except (KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} must hold all of a training's state, but does not: {error!r}") from error
    with disk_errors(folder):
        remove_leftovers(folder)
        save_config(folder / CONFIG, config)
        write_history(folder, run.history)  # the run may have been killed between a checkpoint and its history
    return run


def model_of(checkpoint: Checkpoint, source: Path) -> TransitionODE:
    """The checkpoint's model before its weights are loaded. Raises: CheckpointError: it holds another kind."""
    if "ode" not in checkpoint.meta:
        raise CheckpointError(f"{source} must hold a transition field, but holds {sorted(checkpoint.meta)}")
    try:
        with AtMostWeights(count_of(checkpoint.weights)):
            return TransitionODE(**checkpoint.meta["ode"])
    except SENSELESS as error:
        raise CheckpointError(f"{source} must describe a transition field of this version, but {error}") from error


def untrained(
    config: OdeConfig, latents: Latents, folder: Path, data: str, vae: dict[str, Any], device: str | torch.device
) -> OdeRun:
    """A run at its first batch; nothing is written. Raises: ValueError: a grid network for latents on no grid."""
    if config.network == "grid" and not latents.places:
        raise ValueError(
            "`network` grid needs latents that lie on a grid of places, but these lie on none; use a VAE with pool "
            "grid, or auto"
        )
    places = 0 if config.network == "dense" else latents.places
    ode = TransitionODE(
        latent_dim=latents.dimension,
        hidden_dim=config.place_channels if places else config.hidden_dim,
        embedding_dim=config.embedding_dim,
        places=places,
        solver=config.solver,
        steps=config.solver_steps,
        rtol=config.rtol,
        atol=config.atol,
        max_evaluations=config.max_evaluations,
        adjoint=config.adjoint,
        generator=torch.Generator().manual_seed(config.seed),
    )
    ode.fit_scale(latents.mean)
    ode.to(device)
    optimiser = torch.optim.AdamW(
        ode.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    average = WeightAverage(ode, config.ema_decay) if config.ema_decay else None
    return OdeRun(config, folder, data, vae, ode, optimiser, average)
