"""A training looked at before it is done: a few steps for real, or one batch learned by heart.

Nothing is written. Knows no command and no tracker.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from wallpaper.data.latents import Latents
from wallpaper.data.pairs import RealTransitionDataset
from wallpaper.training.by_heart import STEPS_BY_HEART
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_loop import one_cpu_thread
from wallpaper.training.ode_pairs import coupling_of, epoch_pairs
from wallpaper.training.ode_run import untrained as untrained_ode
from wallpaper.training.ode_step import take_step as take_ode_step
from wallpaper.training.pattern_source import PatternSource, check_source
from wallpaper.training.projected import Painter
from wallpaper.training.report import Progress, silent
from wallpaper.training.vae_batches import VaeBatch, prepare
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_run import VaeRun, untrained
from wallpaper.training.vae_step import take_step
from wallpaper.training.world import ALONE

TIMED_STEPS = 3
"""Steps that are timed, after one that warms up."""

_NOWHERE = Path("no folder")
"""Runs that save nothing need none."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a training would be."""

    parameters: int
    steps_per_epoch: int
    epochs: int
    loss: float
    """Of the first step."""
    step_seconds: float
    """Of one step, batch and all."""
    seconds: float
    """Of the whole training without validations."""
    memory: int
    """Bytes in use at most: on the GPU, or of this process."""


def rehearse_vae(config: VaeConfig, store: PatternSource, device: str | torch.device) -> Rehearsal:
    """Take a few steps of a training, forth and back, and say what all of it would need.

    Raises: ValueError: data and settings do not fit. TrainingError: a step cannot be taken.
    """
    check_source(store, config.resolution)
    run = untrained(config, store, _NOWHERE, device)
    run.begin_epoch()
    loss, seconds = _timed(lambda: take_step(run, _first_batch(run, store)))
    return _rehearsal(run.vae, run.batches_per_epoch, config.epochs, loss, seconds, run.device)


def overfit_vae(
    config: VaeConfig, store: PatternSource, device: str | torch.device, progress: Progress = silent
) -> tuple[float, float]:
    """Learn one batch by heart; the loss before the first step and after `STEPS_BY_HEART`.

    Batch, noise and learning rate stay the same, so that a model that can learn at all does.
    """
    check_source(store, config.resolution)
    fixed = replace(config, augment=False, recolour=False, scheduler="constant", warmup=0, ema_decay=0.0)
    run = untrained(fixed, store, _NOWHERE, device)
    run.begin_epoch()
    batch = _first_batch(run, store)
    return _by_heart(lambda: take_step(run, batch), progress)


def rehearse_ode(
    config: OdeConfig,
    latents: Latents,
    device: str | torch.device,
    *,
    same_pairs: RealTransitionDataset | None = None,
    painter: Painter | None = None,
) -> Rehearsal:
    """`rehearse_vae` for the transition field; some latents of each group are enough."""
    step = _OdeStep(config, latents, device, same_pairs, painter)
    with one_cpu_thread():
        loss, seconds = _timed(step.take)
    run = step.run
    return _rehearsal(run.ode, run.batches_per_epoch, config.epochs, loss, seconds, torch.device(device))


def overfit_ode(
    config: OdeConfig,
    latents: Latents,
    device: str | torch.device,
    progress: Progress = silent,
    *,
    same_pairs: RealTransitionDataset | None = None,
    painter: Painter | None = None,
) -> tuple[float, float]:
    """`overfit_vae` for the transition field: one batch of pairs at times that stay the same."""
    fixed = replace(config, scheduler="constant", warmup=0, ema_decay=0.0)
    with one_cpu_thread():
        return _by_heart(_OdeStep(fixed, latents, device, same_pairs, painter).take, progress)


class _OdeStep:
    """A step on the first batch of a training, to be taken again and again."""

    def __init__(
        self,
        config: OdeConfig,
        latents: Latents,
        device: str | torch.device,
        same_pairs: RealTransitionDataset | None,
        painter: Painter | None,
    ) -> None:
        self.run, self._latents = untrained_ode(config, latents, _NOWHERE, "", {}, device), latents
        few = replace(config, projected_pairs=min(config.projected_pairs, config.batch_size))
        coupling = coupling_of(few, latents, painter=painter)
        pairs, times = epoch_pairs(config, coupling, same_pairs, 1)
        rows = slice(config.batch_size)
        self._pairs, self._times = pairs[rows].to(device), times[rows].to(device)

    def take(self) -> float:
        """The loss of one more step."""
        return take_ode_step(self.run, self._pairs, self._times, self._latents)


def _first_batch(run: VaeRun, store: PatternSource) -> VaeBatch:
    patterns = store.splits["train"]
    places = run.order[: run.config.batch_size].numpy()
    return prepare(run.config, store, patterns[places], run.generator, run.device, invariance=True, world=ALONE)


def _timed(step: Callable[[], float]) -> tuple[float, float]:
    """Loss of the first step, and median seconds of some more."""
    loss, seconds = step(), []
    for _ in range(TIMED_STEPS):
        started = time.perf_counter()
        step()  # which waits for the device, to give a number
        seconds.append(time.perf_counter() - started)
    return loss, statistics.median(seconds)


def _by_heart(step: Callable[[], float], progress: Progress) -> tuple[float, float]:
    losses = []
    for done in range(1, STEPS_BY_HEART + 1):
        losses.append(step())
        progress(done, STEPS_BY_HEART)
    return losses[0], losses[-1]


def _rehearsal(
    model: torch.nn.Module, steps_per_epoch: int, epochs: int, loss: float, seconds: float, device: torch.device
) -> Rehearsal:
    return Rehearsal(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        loss=loss,
        step_seconds=seconds,
        seconds=seconds * steps_per_epoch * epochs,
        memory=_peak_memory(device),
    )


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
