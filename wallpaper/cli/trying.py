"""What `--dry-run` and `--overfit-one-batch` do: a training tried without doing it.

Nothing is written or recorded. What is tried is in `wallpaper.training.rehearsal`.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

from wallpaper.cli.options import DRY_RUN
from wallpaper.cli.progress import bar
from wallpaper.data import Latents, PatternStore, RealTransitionDataset
from wallpaper.data.latents import evaluating
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.by_heart import CLEARLY_LOWER, STEPS_BY_HEART
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.rehearsal import (
    Rehearsal,
    overfit_ode,
    overfit_vae,
    rehearse_ode,
    rehearse_vae,
)
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import load_vae

LATENTS_PER_GROUP = 16
"""Latents of each group that a try of the ODE is made with."""

BASES = 8
"""Latents from which a try of same pairs is made."""

_AT_ONCE = 64


def try_vae(attempt: str, config: VaeConfig, store: PatternStore, device: str) -> None:
    """Try a VAE's training. Raises: TrainingError: a step cannot be taken, or one batch is not learned."""
    if attempt == DRY_RUN:
        _say(rehearse_vae(config, store, device), _about(store), "patterns", config.batch_size)
        return
    with bar("one batch", "steps") as move:
        first, last = overfit_vae(config, store, device, move)
    _judge(first, last)


def try_ode(attempt: str, config: OdeConfig, vae_folder: Path, store: PatternStore, device: str) -> None:
    """Try a transition field's training on some latents of each group. Raises: TrainingError: see `try_vae`."""
    vae = load_vae(vae_folder)
    latents, same = some_latents(vae, store), None
    if config.transition_mode != "cross":
        same = RealTransitionDataset(
            latents, mode="same", codec=vae, seed=config.seed, pairs_per_epoch=config.pairs_per_epoch, bases=BASES
        )
    if attempt == DRY_RUN:
        about = f"{_about(store)}, {latents.dimension} latents each"
        _say(rehearse_ode(config, latents, device, same_pairs=same, painter=vae), about, "pairs", config.batch_size)
        return
    with bar("one batch", "steps") as move:
        first, last = overfit_ode(config, latents, device, move, same_pairs=same, painter=vae)
    _judge(first, last)


def some_latents(vae: SymmetryVAE, store: PatternStore) -> Latents:
    """The first `LATENTS_PER_GROUP` of each group in the train split."""
    train = store.splits["train"]
    labels = store.labels[train]
    chosen = np.concatenate([train[labels == group][:LATENTS_PER_GROUP] for group in np.unique(labels)])
    means = []
    with evaluating(vae), torch.no_grad():
        for part in np.array_split(chosen, -(-len(chosen) // _AT_ONCE)):
            image = store.batch(part, side=vae.resolution)
            means.append(vae.encode(image, torch.from_numpy(store.labels[part]))[0])
    return Latents(torch.cat(means), torch.from_numpy(store.labels[chosen]), torch.from_numpy(chosen), vae.places)


def _about(store: PatternStore) -> str:
    sizes = ", ".join(f"{len(rows)} {name}" for name, rows in store.splits.items())
    return f"{store.path}: {len(store)} patterns of {store.side} x {store.side} ({sizes})"


def _say(found: Rehearsal, data: str, units: str, batch_size: int) -> None:
    steps = found.epochs * found.steps_per_epoch
    minutes, hours = found.seconds / 60, found.seconds / 3600
    time = f"{hours:.1f} h" if hours >= 2 else f"{minutes:.0f} min" if minutes >= 2 else f"{found.seconds:.0f} s"
    rows = [
        ("data", data),
        ("model", f"{found.parameters:,} parameters"),
        (
            "training",
            f"{found.epochs} epochs of {found.steps_per_epoch} steps of {batch_size} {units}: {steps:,} steps",
        ),
        ("a step", f"{found.step_seconds:.3g} s forth and back; the first loss is {found.loss:.4g}"),
        ("in all", f"about {time} and validations; {found.memory / 1e9:.1f} GB of memory at most so far"),
    ]
    for name, value in rows:
        click.echo(f"  {name:<8}  {value}")
    click.echo("All checks passed; nothing was written.")


def _judge(first: float, last: float) -> None:
    if not last < CLEARLY_LOWER * first:
        raise TrainingError(
            f"the loss of one batch must fall below {CLEARLY_LOWER:g} of its first value, but went from {first:.4g} to "
            f"{last:.4g} in {STEPS_BY_HEART} steps; try another `learning_rate`"
        )
    click.echo(
        f"One batch in {STEPS_BY_HEART} steps: loss {first:.4g} -> {last:.4g}. The model learns; nothing was written."
    )
