"""The patterns that every epoch is shown by: always the same held-out ones, so that epochs can be compared.

Knows models by what they encode and decode, and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wallpaper.data.store import PatternStore
from wallpaper.models.vae import SymmetryVAE
from wallpaper.plane import GROUP_NAMES

BATCH = 64


def shown_patterns(store: PatternStore) -> list[int]:
    """17 indices, one of each group: the first in the validation split, else the first there is.

    Raises: ValueError: the dataset lacks a group.
    """
    held_out = set(store.splits["val"].tolist())
    found = []
    for group, name in enumerate(GROUP_NAMES):
        members = np.flatnonzero(store.labels == group).tolist()
        if not members:
            raise ValueError(
                f"the dataset must have patterns of all 17 groups to be drawn, but {store.path} lacks {name}"
            )
        found.append(next((index for index in members if index in held_out), members[0]))
    return found


def spread_patterns(store: PatternStore, per_group: int) -> NDArray[np.int64]:
    """Indices of up to `per_group` held-out patterns of each group, and of `shown_patterns`, in ascending order."""
    held_out, labels = store.splits["val"], store.labels[store.splits["val"]]
    chosen = [held_out[labels == group][:per_group] for group in range(len(GROUP_NAMES))]
    return np.unique(np.concatenate([*chosen, shown_patterns(store)])).astype(np.int64)


@torch.no_grad()
def encoded(vae: SymmetryVAE, store: PatternStore, indices: NDArray[np.int64]) -> Tensor:
    """(N, d) latent means of these patterns."""
    parts = [indices[first : first + BATCH] for first in range(0, len(indices), BATCH)]
    labels = torch.from_numpy(store.labels)
    return torch.cat([vae.encode(store.batch(part, side=vae.resolution), labels[part])[0] for part in parts])


@torch.no_grad()
def reconstructed(vae: SymmetryVAE, store: PatternStore, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Originals and reconstructions, each (N, 3, n, n) in [0, 1]."""
    originals = store.batch(list(indices), side=vae.resolution)
    group = torch.from_numpy(store.labels[list(indices)])
    return originals, vae(originals, group)[0]
