"""Reconstruction against the number of latents, and against the architecture that the presets had before.

`python -m benchmarks.latent_size --data data/champion/patterns.h5`. Every VAE gets the same number of optimiser steps
on the same patterns; the best linear code of as many numbers (PCA of the train split) stands beside it.

Predictions, written before the first run: more latents are always better; with equal latents the residual backbone
beats the strided one by 1 dB; 3 dB over the linear code from 64 latents on, 2 dB with 2 latents. Exits 1 if one fails.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from tqdm import tqdm

from benchmarks.measuring import begin
from wallpaper.data import PatternStore
from wallpaper.evaluation.autoencoder import Quality, measure_quality, train_blocks
from wallpaper.evaluation.codes import encode, first_of_each
from wallpaper.evaluation.linear_code import LinearCode, fit_linear_code
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.vae_config import VaeConfig
from wallpaper.training.vae_loop import fit_vae

STRIDED: dict[str, Any] = {
    "backbone": "strided",
    "hidden_dims": (32, 64, 128),
    "learning_rate": 2e-3,
    "gradient_clip": 10000.0,
}
ARMS: dict[str, dict[str, Any]] = {
    "2, strided, flatten": STRIDED | {"latent_dim": 2, "pool": "flatten"},
    "16, residual, patch 16": {"latent_dim": 16, "patch": 16},
    "64, strided, flatten": STRIDED | {"latent_dim": 64, "pool": "flatten"},
    "64, residual, patch 8": {"latent_dim": 64, "patch": 8},
    "256, residual, patch 8": {"latent_dim": 256, "patch": 8},
    "256, strided, grid": STRIDED | {"latent_dim": 256},
    "1024, residual, patch 4": {"latent_dim": 1024, "patch": 4},
    "2048, residual, patch 4": {"latent_dim": 2048, "patch": 4},
}


@dataclass(frozen=True)
class Arm:
    """What one VAE reached."""

    name: str
    latents: int
    test: float
    train: float
    ssim: float
    linear: float
    active: int
    seconds: float


COMPARED = 40
"""Patterns of each group and split that are reconstructed."""


def measure(name: str, store: PatternStore, linear: LinearCode, steps: int, seed: int) -> Arm:
    """Train one arm and compare it with `linear` of as many numbers on the test split."""
    base = VaeConfig.preset("laptop", **ARMS[name], seed=seed)
    epochs = max(1, round(steps / math.ceil(len(store.splits["train"]) / base.batch_size)))
    config = VaeConfig.preset("laptop", **ARMS[name], seed=seed, epochs=epochs, validate_every=epochs)
    started = time.process_time()
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=0, desc=name, disable=not sys.stderr.isatty()) as shown,
    ):

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        vae = fit_vae(config, store, Path(folder), progress=progress).vae
    seconds = time.process_time() - started
    test, train = (quality(vae, store, linear.first(config.latent_dim), split) for split in ("test", "train"))
    return Arm(
        name, config.latent_dim, test.psnr, train.psnr, test.ssim, test.linear_psnr, test.active_dimensions, seconds
    )


def quality(vae: SymmetryVAE, store: PatternStore, linear: LinearCode, split: str) -> Quality:
    """How well patterns of one split come back."""
    codes = encode(vae, store, first_of_each(store, split, COMPARED), lambda: None)
    return measure_quality(vae, store, codes, split, linear, lambda: None).overall


@click.command(context_settings={"show_default": True})
@click.option("--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), default="data/patterns.h5")
@click.option("--steps", type=click.IntRange(1), default=1500, help="Optimiser steps of each arm, to whole epochs.")
@click.option("--arm", "arms", type=click.Choice(list(ARMS)), multiple=True, default=list(ARMS), help="Some arms only.")
@click.option("--seed", type=click.IntRange(0), default=0)
@click.option("--threads", type=click.IntRange(1), default=2)
@click.option("--json", "path", type=click.Path(path_type=Path), default=None, help="Also write the figures there.")
def main(data: Path, steps: int, arms: tuple[str, ...], seed: int, threads: int, path: Path | None) -> None:
    """PSNR against the number of latents, the best linear code beside it."""
    findings = begin("latent_size", "cpu", threads)
    store = PatternStore(data)
    sizes = [ARMS[name]["latent_dim"] for name in arms]
    linear = fit_linear_code(
        train_blocks(store, VaeConfig.preset("laptop").resolution),
        max(sizes),
        generator=torch.Generator().manual_seed(0),
    )
    done = {}
    for name in arms:
        done[name] = arm = measure(name, store, linear, steps, seed)
        click.echo(f"{name}: {arm.test:.2f} dB, PCA {arm.linear:.2f} dB, {arm.seconds:.0f} CPU s", err=True)
    columns = ("test dB", "train dB", "SSIM", "PCA dB", "over PCA", "active", "CPU s")
    findings.table(
        f"Reconstruction after {steps} steps, test split of {data}",
        [
            {"latents": name}
            | dict(
                zip(columns, (a.test, a.train, a.ssim, a.linear, a.test - a.linear, a.active, a.seconds), strict=True)
            )
            for name, a in done.items()
        ],
    )
    for name, arm in done.items():
        least = 2.0 if arm.latents == 2 else 3.0
        if arm.latents == 2 or (arm.latents >= 64 and "residual" in name):
            gain = arm.test - arm.linear
            findings.predict(f"{name}: {least:g} dB over the linear code", gain >= least, f"{gain:.2f} dB")
    ours, before = done.get("256, residual, patch 8"), done.get("256, strided, grid")
    if ours and before:
        gain = ours.test - before.test
        findings.predict("256 latents: residual 1 dB over strided", gain >= 1, f"{gain:.2f} dB")
    residual = [arm.test for name, arm in done.items() if "residual" in name]
    findings.predict("more latents are better", residual == sorted(residual), ", ".join(f"{v:.1f}" for v in residual))
    sys.exit(findings.close(path))


if __name__ == "__main__":
    main()
