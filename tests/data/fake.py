"""A generator and an autoencoder for tests: fast, deterministic, and wrong in no interesting way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from wallpaper.data import PatternStore, generate_dataset, sample_seed
from wallpaper.patterns import Pattern
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group

SIDE = 16


def noise(group: str, seed: int, side: int) -> Pattern:
    """Random pixels; every field follows from the arguments, so nothing can be stored in the wrong row."""
    generator = np.random.default_rng(seed)
    return Pattern(
        pixels=generator.integers(0, 256, (side, side, 3), dtype=np.uint8),
        group=group,
        lattice=Lattice.random(plane_group(group).system, generator),
        motif_type=("wave", "petal")[seed % 2],
        complexity=seed % 7,
        motif_size=seed % 11,
        palette=f"palette-{seed % 5} \u00e9",
        seed=seed,
        redraws=seed % 3,
        refused=(seed % 3, 0, 0, 0, 0),
        weakest_true=1.0 - (seed % 13) * 1e-5,
        strongest_false=(seed % 17) / 20,
    )


def fatal(group: str, seed: int, side: int) -> Pattern:
    """Ends the process that makes pattern 56, as the kernel does when memory runs out."""
    if seed == sample_seed(0, 56):
        os._exit(1)
    return noise(group, seed, side)


def dataset(folder: Path, per_group: int = 2, **options: object) -> PatternStore:
    """A small finished dataset of noise."""
    return generate_dataset(folder / "patterns.h5", per_group, side=SIDE, generate=noise, **options)  # type: ignore[arg-type]


def foreign(path: Path, **changes: object) -> Path:
    """A file of another tool: what any tool would write and nothing else; a change of None leaves a dataset out."""
    generator = np.random.default_rng(1)
    content = {
        "patterns": generator.integers(0, 256, (34, SIDE, SIDE, 3), dtype=np.uint8),
        "labels": np.arange(34) % 17,
        "group_names": np.array(GROUP_NAMES, dtype="S4"),
        "metadata/complexity": np.arange(34),
    } | changes
    with h5py.File(path, "w") as file:
        for name, value in content.items():
            if value is not None:
                file[name] = value
    return path


class LinearCodec(torch.nn.Module):
    """`decode` writes z and the group into constant pixels; `encode` reads them: mean = z + group / 100.

    The group is added by the encoder and the decoder each, so 2 * group / 100 says that both were told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.modes: list[bool] = []

    def encode(self, image: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 2) mean of the first two channels."""
        self.calls += 1
        self.modes.append(self.training)
        mean = image[:, :2].mean((2, 3)) + group[:, None] / 100
        return mean, torch.zeros_like(mean)

    def decode(self, z: Tensor, group: Tensor) -> Tensor:
        """Constant images."""
        self.modes.append(self.training)
        value = torch.cat([z, z[:, :1]], 1) + group[:, None] / 100
        return value[:, :, None, None].expand(-1, 3, SIDE, SIDE)


def telling(group: str, seed: int, side: int) -> Pattern:
    """Noise, slowly; leaves a file named after its process in the folder that the environment names."""
    Path(os.environ["WALLPAPER_TEST_FOLDER"], str(os.getpid())).touch()
    time.sleep(0.02)
    return noise(group, seed, side)
