"""Arrays that all trials of a search read from the same pages of memory: .npy files, mapped and never copied.

Written once by whoever starts the trials, whole or not at all. Knows latents, and no trial.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from wallpaper.data import Latents
from wallpaper.training.files import read_json, write_bytes, write_json

SPLITS, PLACES = ("train", "held_out"), "places.json"


def save_latents(folder: Path, train: Latents, held_out: Latents) -> None:
    """Put both splits where every trial finds them."""
    for name, part in zip(SPLITS, (train, held_out), strict=True):
        for what, array in (("mean", part.mean.numpy()), ("labels", part.labels.numpy())):
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            write_bytes(folder / f"{name}-{what}.npy", content.getvalue())
    write_json(folder / PLACES, train.places)


def load_latents(folder: Path) -> tuple[Latents, Latents]:
    """Training and held-out latents, on pages that all processes share until one writes to them.

    Raises: FileNotFoundError; ValueError: damaged.
    """
    places = int(str(read_json(folder / PLACES)))
    train, held_out = (_part(folder, name, places) for name in SPLITS)
    return train, held_out


def _part(folder: Path, name: str, places: int) -> Latents:
    mean, labels = (_mapped(folder / f"{name}-{what}.npy") for what in ("mean", "labels"))
    return Latents(mean, labels, places=places)


def _mapped(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.load(path, mmap_mode="c", allow_pickle=False))
