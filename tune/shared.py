"""Arrays that all trials of a search read from the same pages of memory: .npy files, mapped and never copied.

Written once by whoever starts the trials, whole or not at all. Knows latents, and no trial.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from wallpaper.data import Latents
from wallpaper.training.files import write_bytes

SPLITS = ("train", "held_out")


def save_latents(folder: Path, train: Latents, held_out: Latents) -> None:
    """Put both splits where every trial finds them."""
    for name, part in zip(SPLITS, (train, held_out), strict=True):
        for what, array in (("mean", part.mean.numpy()), ("labels", part.labels.numpy())):
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            write_bytes(folder / f"{name}-{what}.npy", content.getvalue())


def load_latents(folder: Path) -> tuple[Latents, Latents]:
    """Training and held-out latents, on pages that all processes share until one writes to them.

    Raises: FileNotFoundError; ValueError: damaged.
    """
    train, held_out = (Latents(_mapped(folder / f"{name}-mean.npy"), _mapped(folder / f"{name}-labels.npy"))
                       for name in SPLITS)  # fmt: skip
    return train, held_out


def _mapped(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.load(path, mmap_mode="c", allow_pickle=False))
