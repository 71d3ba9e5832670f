"""Coupling of a latent with the latent of its own pattern, made to have the target group: see `projected`.

Pairs are decoded and encoded once, before the first epoch, and kept in a file; epochs draw from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wallpaper.data.archive import read_npz, write_npz
from wallpaper.data.latents import Latents, evaluating
from wallpaper.training.couplings import GroupPair, PairBatch
from wallpaper.training.projected import HARMONICS, MODULATION, Painter, projected
from wallpaper.training.report import Progress, silent

BATCH = 64
"""Pairs coded at once."""


class ProjectionCoupling:
    """`count` pairs, each ordered pair of groups as often as any other to within one; see `Coupling`.

    Args:
        latents: the sources; their groups are the targets too.
        painter: what made them, where they are; only needed where `cache` does not hold the pairs.
        without: ordered pairs of groups that are never drawn.
        cache: file that keeps the pairs; one that is damaged or of other latents is computed anew.
        progress: gets (pairs coded, pairs in all).
    Raises: ValueError: fewer than two groups, no pair left, or no painter where one is needed.
    """

    def __init__(
        self,
        latents: Latents,
        count: int,
        *,
        painter: Painter | None = None,
        without: Collection[GroupPair] = (),
        cache: Path | None = None,
        progress: Progress = silent,
    ) -> None:
        self._latents = latents
        self._row, self._target = _draw(latents, count, without)
        digest = _digest(latents, self._row, self._target)
        found = _read(cache, digest, (count, latents.dimension))
        if found is None:
            if painter is None:
                raise ValueError("coupling 'projection' decodes and encodes, but got no VAE and no file of its pairs")
            found = _code(painter, latents, self._row, self._target, progress)
            if cache is not None:
                write_npz(cache, {"digest": np.array(digest), "ends": found.numpy()})
        self._ends = found

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """See `Coupling`."""
        chosen = torch.randint(len(self._row), (count,), generator=generator)
        row, labels = self._row[chosen], self._latents.labels
        return PairBatch(self._latents.mean[row], self._ends[chosen].float(), labels[row], self._target[chosen])


def _draw(latents: Latents, count: int, without: Collection[GroupPair]) -> tuple[Tensor, Tensor]:
    """Row of each pair's source, and its target group; the same latents give the same pairs."""
    groups = sorted(set(latents.labels.tolist()))
    pairs = [pair for pair in permutations(groups, 2) if pair not in without]
    if not pairs:
        raise ValueError(f"a coupling needs an ordered pair of groups to train, but got groups {groups}")
    generator = np.random.default_rng(0)
    members = {group: generator.permutation((latents.labels == group).nonzero()[:, 0].numpy()) for group in groups}
    drawn = np.array([pairs[number % len(pairs)] for number in generator.permutation(count)])
    turn = {group: np.cumsum(drawn[:, 0] == group) - 1 for group in groups}
    rows = [members[source][turn[source][number] % len(members[source])] for number, source in enumerate(drawn[:, 0])]
    return torch.tensor(np.array(rows)), torch.from_numpy(drawn[:, 1].astype(np.int64))


def _digest(latents: Latents, row: Tensor, target: Tensor) -> str:
    parts = (latents.mean, latents.labels, row, target)
    made = hashlib.sha256(f"{MODULATION} {HARMONICS}".encode())
    for part in parts:
        made.update(part.numpy().tobytes())
    return made.hexdigest()


def _read(cache: Path | None, digest: str, shape: tuple[int, int]) -> Tensor | None:
    if cache is None:
        return None
    try:
        found = read_npz(cache)
        if str(found["digest"]) == digest and found["ends"].shape == shape:
            return torch.from_numpy(found["ends"])
    except (OSError, ValueError, KeyError):
        pass  # no cache yet, or none that can be used
    return None


def _code(painter: Painter, latents: Latents, row: Tensor, target: Tensor, progress: Progress) -> Tensor:
    """(P, d) float16: half the memory, and a thousandth of a latent's spread is nothing to learn."""
    ends = torch.empty(len(row), latents.dimension, dtype=torch.float16)
    with evaluating(painter):
        for part in torch.arange(len(row)).split(BATCH):
            ends[part] = projected(painter, latents.mean[row[part]], target[part]).half().cpu()
            progress(int(part[-1]) + 1, len(row))
    if not ends.isfinite().all():
        raise ValueError("the VAE's latents must be finite, but got NaN or infinity; train it again")
    return ends
