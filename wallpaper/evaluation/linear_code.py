r"""The best linear code of a given size: principal components, what any autoencoder must beat.

Found by subspace iteration with a Rayleigh-Ritz step (Halko, Martinsson, Tropp, *Finding structure with
randomness*, SIAM Rev. 53 (2011) 217, algorithm 4.4) on blocks that are read anew in each pass, so that a dataset
of any size fits in memory. Knows no images and no models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

Blocks: TypeAlias = Callable[[], Iterator[Tensor]]
"""Gives all data, block by block, each (B, D) float32; the same blocks at every call."""

PASSES = 6
"""Products with the covariance: each brings the subspace nearer to the leading one."""

SPARE = 64
"""Dimensions carried along beside those wanted: the last ones converge slowest. With these numbers the code is within
0.01 dB of the best one on 3570 patterns of 64 x 64 samples and 256 components."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearCode:
    """Principal components of a set of points."""

    mean: Tensor
    """(D,)."""
    basis: Tensor
    """(D, k) with orthonormal columns."""

    @property
    def size(self) -> int:
        """Numbers k that stand for a point."""
        return self.basis.shape[1]

    def first(self, size: int) -> LinearCode:
        """The code of the `size` leading components alone."""
        return LinearCode(self.mean, self.basis[:, :size])

    def reconstruct(self, points: Tensor) -> Tensor:
        """Points (B, D), coded and decoded."""
        return self.mean + (points - self.mean) @ self.basis @ self.basis.T


def fit_linear_code(
    blocks: Blocks, size: int, *, generator: torch.Generator, tick: Callable[[], None] = lambda: None
) -> LinearCode:
    """The code of `size` components, or of as many as N points in D dimensions have: min(N - 1, D), at least one.

    Args:
        generator: draws the subspace to begin with; hardly matters after `PASSES` passes.
        tick: called after each of PASSES + 1 passes.
    Raises: ValueError: no points.
    """
    count, mean = _mean(blocks)
    tick()
    most = max(1, min(count - 1, len(mean)))
    width = min(size + SPARE, most)
    subspace = torch.randn(len(mean), width, generator=generator)
    for _ in range(PASSES):
        subspace = torch.linalg.qr(subspace).Q
        image = _covariance(blocks, mean, subspace)
        ritz = subspace.T @ image
        tick()
        subspace, last = image, subspace
    values, vectors = torch.linalg.eigh((ritz + ritz.T).double() / 2)
    leading = values.argsort(descending=True)[: min(size, most)]
    return LinearCode(mean, last @ vectors[:, leading].float())


def _mean(blocks: Blocks) -> tuple[int, Tensor]:
    count, total = 0, torch.zeros((), dtype=torch.float64)
    for block in blocks():
        count, total = count + len(block), total + block.sum(0, dtype=torch.float64)
    if not count:
        raise ValueError("a linear code needs points, but got none")
    return count, (total / count).float()


def _covariance(blocks: Blocks, mean: Tensor, subspace: Tensor) -> Tensor:
    """(D, k) product of the scatter matrix with `subspace` (D, k)."""
    product = torch.zeros_like(subspace)
    for block in blocks():
        centred = block - mean
        product.addmm_(centred.T, centred @ subspace)
    return product
