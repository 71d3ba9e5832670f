"""Training of the VAE: AdamW with a schedule, clipping, validation and checkpoints.

The loop computes and reports; pictures, trackers and searches are its caller's. Read `fit_vae` first.
An interrupted and resumed run ends with the same numbers as an uninterrupted one, bitwise on one CPU
thread (several threads sum in a varying order).
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch

from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.failures import memory_errors
from wallpaper.training.pattern_source import Indices, PatternSource, check_source, images
from wallpaper.training.report import Progress, Report, Row, silent
from wallpaper.training.resident_source import resident
from wallpaper.training.stopping import Interrupted, Stop, never
from wallpaper.training.vae_batches import VaeBatch, ahead, prepare
from wallpaper.training.vae_config import CRITERION, VaeConfig
from wallpaper.training.vae_losses import invariance_term, likelihood_terms, psnr
from wallpaper.training.vae_run import Means, VaeRun, begin, load_vae, resume_last
from wallpaper.training.vae_step import broken_pattern, not_finite, rate, take_step
from wallpaper.training.world import ALONE, World

__all__ = ["VaeResult", "fit_vae", "load_vae", "train", "validate"]

ACTIVE_VARIANCE = 0.01
"""A latent dimension is active when its mean varies by more (Burda et al., IWAE (2016), section 4.3)."""


@dataclass(frozen=True, slots=True)
class VaeResult:
    """A finished training."""

    folder: Path
    """Holds config.json, history.json, best.safetensors and last.safetensors."""
    best_epoch: int
    """Epoch of the lowest validation loss."""
    history: list[Row]
    """One row per epoch, oldest first."""
    vae: SymmetryVAE
    """The best epoch's model, on the CPU, in evaluation mode."""
    digest: str
    """sha256 of its weights."""


def fit_vae(
    config: VaeConfig,
    store: PatternSource,
    folder: Path,
    *,
    report: Report = silent,
    progress: Progress = silent,
    resume: bool = False,
    stop: Stop = never,
    device: str | torch.device = "cpu",
) -> VaeResult:
    """Train a VAE on the store's train split, and keep the epoch that validates best.

    Args:
        store: patterns of `config.resolution` samples a side, or of a multiple of it.
        folder: takes config.json, history.json, best.safetensors and last.safetensors; an older run in it is replaced.
        report: gets one row per epoch, after its checkpoints are written; may raise to end the run.
        progress: gets (batches done, batches in all) after each batch.
        resume: go on from the folder's last checkpoint, which must be of the same data and settings (but for
            `vae_run.MAY_CHANGE`).
        stop: polled after each batch; when true, `last` is saved and `Interrupted` raised.
    Raises: ValueError: store and config do not fit. CheckpointError: nothing to resume, or another run's.
        TrainingError: the loss is not finite, memory or disk is full; saved checkpoints stay. Interrupted: see `stop`.
    """
    check_source(store, config.resolution)
    run = train(config, store, folder, report=report, progress=progress, resume=resume, stop=stop, device=device)
    vae = load_vae(folder)
    return VaeResult(folder, run.best_epoch, run.history, vae, weights_digest(vae.state_dict()))


def train(
    config: VaeConfig,
    store: PatternSource,
    folder: Path,
    *,
    report: Report = silent,
    progress: Progress = silent,
    resume: bool = False,
    stop: Stop = never,
    device: str | torch.device = "cpu",
    world: World = ALONE,
) -> VaeRun:
    """`fit_vae` as each process of a `world` calls it; only the first one writes files and validates."""
    run = (resume_last if resume else begin)(config, store, folder, device, world)
    source = resident(store, config.resolution, run.device)
    while not run.is_over:
        run.begin_epoch()
        started = time.monotonic() - run.elapsed
        with closing(_batches(run, source)) as batches:
            for batch in batches:
                take_step(run, batch)
                run.elapsed = time.monotonic() - started
                progress(run.step, run.steps)
                if stop():
                    run.save()
                    raise Interrupted(folder, run.epoch)
        row: Row = {"epoch": run.epoch, "epochs": config.epochs, **_row("train", run.means, config)}
        if run.epoch % config.validate_every == 0 or run.epoch == config.epochs:
            row |= run.world.from_first(_validated(run, source) if world.is_first else None)
        row["learning_rate"] = rate(run, run.step - 1)
        row["seconds"] = time.monotonic() - started
        run.end_epoch(row)
        report(row)
    return run


def _batches(run: VaeRun, source: PatternSource) -> Generator[VaeBatch, None, None]:
    """What is left of the epoch's batches, drawn in order whether or not they are prepared ahead."""
    patterns = source.splits["train"]
    made = (
        prepare(
            run.config, source, patterns[places], run.generator, run.device,
            invariance=run.looks_at_invariance(position), world=run.world,
        )
        for position, places in enumerate(run.places_left(), run.position)
    )  # fmt: skip
    yield from ahead(made) if run.config.prefetch else made


def _validated(run: VaeRun, source: PatternSource) -> Row:
    """Metrics of the validation split. Raises: TrainingError: they are not finite, or the memory does not suffice."""
    where = f"the validation of epoch {run.epoch}"
    with memory_errors(lambda: where, run.config.batch_size), run.validated_weights():
        row = validate(run.vae, run.config, source, source.splits["val"])
    if not math.isfinite(row[CRITERION]):
        suspect = broken_pattern(source, source.splits["val"], run.config.resolution)
        raise not_finite(run, "loss", row[CRITERION], where, suspect)
    return row


@torch.no_grad()
def validate(vae: SymmetryVAE, config: VaeConfig, store: PatternSource, indices: Indices) -> Row:
    """Metrics "val/<name>" of the patterns `indices`, decoded from their latent means, without noise.

    Besides the loss and its terms: mse and psnr (dB) per value, and the number of active latent dimensions. Leaves
    the model in evaluation mode.
    """
    vae.eval()
    device, generator = next(vae.parameters()).device, torch.Generator().manual_seed(config.seed)
    means, latents = Means(), []
    for start in range(0, len(indices), config.batch_size):
        chosen = indices[start : start + config.batch_size]
        group = torch.from_numpy(store.labels[chosen])
        image = images(store, chosen, config.resolution).to(device)
        reconstruction, mean, logvar = vae(image, group)
        terms = likelihood_terms(image, reconstruction, mean, logvar)
        if start == 0:
            terms["invariance"] = invariance_term(vae, image, mean, group, generator)
        means.add({name: float(value) for name, value in terms.items()}, len(chosen))
        latents.append(mean.cpu())
    row = _row("val", means, config)
    row["val/active_dimensions"] = int((torch.cat(latents).var(0, correction=0) > ACTIVE_VARIANCE).sum())
    return row


def _row(split: str, means: Means, config: VaeConfig) -> Row:
    mean = means.values()
    mean["loss"] = mean["reconstruction"] + config.beta * mean["kl"] + config.lambda_inv * mean["invariance"]
    mean["psnr"] = psnr(mean["mse"])
    return {f"{split}/{name}": value for name, value in sorted(mean.items())}
