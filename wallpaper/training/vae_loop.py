"""Training of the VAE: AdamW with a schedule, clipping, validation and checkpoints.

The loop computes and reports; pictures, trackers and searches are its caller's. Read `fit_vae` first.
An interrupted and resumed run ends with the same numbers as an uninterrupted one, bitwise on one CPU
thread (several threads sum in a varying order).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.augment import augmented, recoloured
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.pattern_source import Indices, PatternSource, check_source, images
from wallpaper.training.report import Progress, Report, Row, silent
from wallpaper.training.schedule import learning_rate
from wallpaper.training.stopping import Interrupted, Stop, TrainingError, never
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_losses import invariance_term, kl_term, psnr, reconstruction_term
from wallpaper.training.vae_run import Means, VaeRun, begin, load_vae, resume_last

__all__ = ["VaeResult", "fit_vae", "load_vae", "validate"]

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
        TrainingError: the loss is not finite; saved checkpoints stay. Interrupted: see `stop`.
    """
    check_source(store, config.resolution)
    run = (resume_last if resume else begin)(config, store, folder, device)
    train, val = store.splits["train"], store.splits["val"]
    while run.epoch <= config.epochs:
        run.begin_epoch()
        started = time.monotonic() - run.elapsed
        for places in run.batches_left():
            _step(run, store, train[places])
            run.elapsed = time.monotonic() - started
            progress(run.step, run.steps)
            if stop():
                run.save()
                raise Interrupted(folder, run.epoch)
        row: Row = {"epoch": run.epoch, "epochs": config.epochs, **_row("train", run.means, config)}
        if run.epoch % config.validate_every == 0 or run.epoch == config.epochs:
            row |= validate(run.vae, config, store, val)
            _check_finite(row["val/loss"], f"the validation of epoch {run.epoch}", run)
        row["learning_rate"] = _rate(run, run.step - 1)
        row["seconds"] = time.monotonic() - started
        run.end_epoch(row)
        report(row)
    vae = load_vae(folder)
    return VaeResult(folder, run.best_epoch, run.history, vae, weights_digest(vae.state_dict()))


def _step(run: VaeRun, store: PatternSource, chosen: Indices) -> None:
    """One optimiser step on the patterns `chosen`. Raises: TrainingError: the loss is not finite."""
    config = run.config
    group = torch.from_numpy(store.labels[chosen])
    image = images(store, chosen, config.resolution).to(run.device)
    if config.augment:
        image = augmented(image, group, run.generator)
    if config.recolour:
        image = recoloured(image, run.generator)
    reconstruction, mean, logvar = run.vae(image, group, run.generator)
    terms = _terms(image, reconstruction, mean, logvar)
    loss = terms["reconstruction"] + config.beta * terms["kl"]
    if run.position % config.invariance_every == 0 or not config.symmetry_pooling:
        terms["invariance"] = invariance_term(run.vae, image, mean, group, run.generator)
        loss = loss + config.lambda_inv * terms["invariance"]
    _check_finite(float(loss.detach()), f"epoch {run.epoch}, batch {run.position + 1}", run)
    run.optimiser.zero_grad()
    loss.backward()
    terms["gradient_norm"] = torch.nn.utils.clip_grad_norm_(run.vae.parameters(), config.gradient_clip)
    for parameters in run.optimiser.param_groups:
        parameters["lr"] = _rate(run, run.step)
    run.optimiser.step()
    run.means.add(terms, len(chosen))
    run.position += 1


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
        terms = _terms(image, reconstruction, mean, logvar)
        if start == 0:
            terms["invariance"] = invariance_term(vae, image, mean, group, generator)
        means.add(terms, len(chosen))
        latents.append(mean.cpu())
    row = _row("val", means, config)
    row["val/active_dimensions"] = int((torch.cat(latents).var(0, correction=0) > ACTIVE_VARIANCE).sum())
    return row


def _rate(run: VaeRun, step: int) -> float:
    config = run.config
    return learning_rate(config.learning_rate, step, run.steps, config.scheduler, config.warmup)


def _terms(image: Tensor, reconstruction: Tensor, mean: Tensor, logvar: Tensor) -> dict[str, Tensor]:
    summed = reconstruction_term(reconstruction, image)
    return {"reconstruction": summed, "mse": summed / image[0].numel(), "kl": kl_term(mean, logvar)}


def _row(split: str, means: Means, config: VaeConfig) -> Row:
    mean = means.values()
    mean["loss"] = mean["reconstruction"] + config.beta * mean["kl"] + config.lambda_inv * mean["invariance"]
    mean["psnr"] = psnr(mean["mse"])
    return {f"{split}/{name}": value for name, value in sorted(mean.items())}


def _check_finite(loss: float, where: str, run: VaeRun) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss must be finite, but is {loss} in {where}; train again with a lower `learning_rate` "
            f"than {run.config.learning_rate:g}. Checkpoints saved in {run.folder} are intact"
        )
