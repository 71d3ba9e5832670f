"""Pattern files to read and train on: noise with each group's exact symmetry, quick to make and of any size.

What it looks like does not matter for time and memory. Files are as any tool writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import torch

from wallpaper.data import PatternStore
from wallpaper.data.splits import SPLITS_FILE, save_splits
from wallpaper.plane import GROUP_NAMES
from wallpaper.symmetry import project

FRACTIONS = {"train": 0.8, "val": 0.1, "test": 0.1}


def write_patterns(path: Path, count: int, side: int, dtype: Literal["uint8", "float32"] = "uint8") -> Path:
    """A file of `count` patterns, and its splits beside it; float32 is in [0, 1], compressed by nothing."""
    labels = np.arange(count) % len(GROUP_NAMES)
    generator = torch.Generator().manual_seed(0)
    with h5py.File(path, "w") as file:
        patterns = file.create_dataset("patterns", (count, side, side, 3), dtype)
        file["labels"], file["group_names"] = labels, np.array(GROUP_NAMES, dtype="S4")
        for index, label in enumerate(labels.tolist()):
            image = project(torch.rand(3, side, side, generator=generator), label).permute(1, 2, 0).numpy()
            patterns[index] = np.rint(255 * image) if dtype == "uint8" else image
    order = np.random.default_rng(0).permutation(count).astype(np.int64)
    ends = np.cumsum([int(share * count) for share in FRACTIONS.values()][:-1])
    parts = dict(zip(FRACTIONS, map(np.sort, np.split(order, ends)), strict=True))
    save_splits(path.parent / SPLITS_FILE, parts, digest=PatternStore(path).digest)
    return path
