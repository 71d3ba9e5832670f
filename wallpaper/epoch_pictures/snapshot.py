"""The model as an epoch left it, although the training goes on: a checkpoint, kept under another name.

A checkpoint is never changed in place, only replaced, so a hard link to it costs nothing and stays as it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from wallpaper.epoch_pictures.places import SNAPSHOT
from wallpaper.models.ode import TransitionODE
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.averaging import PREFIX
from wallpaper.training.checkpoint import LAST, Checkpoint, checkpoint_path, load_checkpoint, load_weights
from wallpaper.training.ode_run import model_of


def link(source: Path, place: Path) -> None:
    """Put the file at `place` too, replacing what is there; a copy where the file system has no hard links.

    Raises: OSError: neither can be done.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    try:
        os.link(source, place)
    except OSError:
        shutil.copyfile(source, place)


def take_snapshot(folder: Path, target: Path, name: str = LAST) -> None:
    """Keep the run's checkpoint `name` in `target` until `drop_snapshot`. Raises: OSError: it is not there."""
    link(checkpoint_path(folder, name), checkpoint_path(target, SNAPSHOT))


def drop_snapshot(target: Path) -> None:
    """Remove it, if it is there."""
    checkpoint_path(target, SNAPSHOT).unlink(missing_ok=True)


def snapshot_vae(target: Path) -> SymmetryVAE:
    """The VAE of a snapshot, in evaluation mode; the average of its weights if the run keeps one.

    Raises: CheckpointError: no VAE there.
    """
    checkpoint = load_checkpoint(target, SNAPSHOT)
    with torch.random.fork_rng(devices=()):
        vae = SymmetryVAE(**checkpoint.meta["vae"])
    load_weights(vae, validated(checkpoint), target)
    return vae.eval()


def snapshot_ode(target: Path) -> TransitionODE:
    """The transition field of a snapshot, likewise."""
    checkpoint = load_checkpoint(target, SNAPSHOT)
    ode = model_of(checkpoint, target)
    load_weights(ode, validated(checkpoint), target)
    return ode.eval()


def validated(checkpoint: Checkpoint) -> Mapping[str, Tensor]:
    """The weights that the epoch was validated with: the average, if there is one."""
    average = {name.removeprefix(PREFIX): value for name, value in checkpoint.state.items() if name.startswith(PREFIX)}
    return average or checkpoint.weights
