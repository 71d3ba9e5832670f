"""What the encoder makes of patterns: latent means and variances, with the patterns they come from.

Encodes only what is asked for; knows the VAE and the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wallpaper.data import Latents, PatternStore
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES

BATCH = 64
"""Patterns encoded or decoded at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The encoder's Gaussians of N patterns."""

    mean: Tensor
    """(N, d)."""
    logvar: Tensor
    """(N, d) logarithms of the variances."""
    labels: Tensor
    """(N,) int64 group indices."""
    index: Tensor
    """(N,) int64 positions in the store."""

    def take(self, rows: Tensor) -> Codes:
        """Some of them."""
        return Codes(self.mean[rows], self.logvar[rows], self.labels[rows], self.index[rows])

    def first(self, most: int) -> Codes:
        """The first ones of each group, at most `most`, group after group."""
        groups = self.labels.unique()
        return self.take(torch.cat([(self.labels == group).nonzero()[:most, 0] for group in groups]))

    def latents(self) -> Latents:
        """The means alone."""
        return Latents(self.mean, self.labels, self.index)


@torch.no_grad()
def encode(vae: SymmetryVAE, store: PatternStore, rows: NDArray[np.int64], tick: Callable[[], None]) -> Codes:
    """Codes of the store's patterns `rows`. Raises: ValueError: a side that does not fit, or a mean is not finite."""
    index, labels = torch.from_numpy(rows), torch.from_numpy(store.labels)
    parts = []
    for some in index.split(BATCH):
        parts.append(vae.encode(store.batch(some, side=vae.resolution), labels[some]))
        tick()
    mean, logvar = (torch.cat(each).float() for each in zip(*parts, strict=True))
    wrong = (~mean.isfinite().all(1)).nonzero()
    if len(wrong):
        raise ValueError(f"latent means must be finite, but are not for pattern {int(index[wrong[0]])}; train it again")
    return Codes(mean, logvar, labels[index], index)


def first_of_each(store: PatternStore, split: str, most: int) -> NDArray[np.int64]:
    """Positions of the first patterns of each group in a split, at most `most` of each, group after group.

    Raises: ValueError: a group with fewer than two, without which there is no spread to measure.
    """
    rows = np.asarray(store.splits[split], dtype=np.int64)
    counts = np.bincount(store.labels[rows], minlength=len(GROUP_NAMES))
    few = [name for group, name in enumerate(GROUP_NAMES) if group in store.labels and counts[group] < 2]
    if few:
        raise ValueError(
            f"the {split} split of {store.path} must hold at least two patterns of every group, but holds fewer of "
            f"{', '.join(few)}; use a dataset with more patterns of each group"
        )
    return np.concatenate([rows[store.labels[rows] == group][:most] for group in np.unique(store.labels)])


def batches(count: int) -> int:
    """How many batches `count` patterns make."""
    return -(-count // BATCH)
