"""Perceptual fingerprints of patterns, and which patterns of a dataset look alike.

A fingerprint holds the mean colour and the amplitudes of a cell's coarse Fourier coefficients in lightness and two
opponent colours: it hardly depends on resolution, and a change of origin or a half turn of the cell changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray

Fingerprint = NDArray[np.float32]

FINEST = 6
"""Highest wave number kept in each direction: finer detail is seen last."""

COARSE = 24
"""Leading values, mean colour and longest waves, that rule most patterns out before all are compared."""

ALIKE = 0.25
"""Distance up to which two patterns are taken for the same design; unrelated ones stay above."""

_OPPONENTS = np.array([[0.30, 0.59, 0.11], [0.5, -0.5, 0.0], [0.25, 0.25, -0.5]], dtype=np.float32) / 255


def fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """(f,) fingerprint of one cell (n, n, 3): mean colour and amplitudes, the amplitudes of unit length.

    The mean counts as a share of the contrast, as the eye takes it.
    Raises: ValueError: too small for the wave numbers kept.
    """
    side = pixels.shape[0]
    if side < 2 * FINEST:
        raise ValueError(f"a pattern must have at least {2 * FINEST} samples a side, but got {side}")
    step = side // 64 if side % 64 == 0 else 1  # 64 samples are enough for the wave numbers kept
    means = np.zeros((side // step, side // step, 3), dtype=np.float32)
    for i, j in product(range(step), repeat=2):
        means += pixels[i::step, j::step]
    spectrum = np.fft.rfft2(means @ _OPPONENTS.T, axes=(0, 1)) / side**2
    kept = np.abs(np.concatenate([spectrum[: FINEST + 1, : FINEST + 1], spectrum[-FINEST:, : FINEST + 1]]))
    mean = spectrum[0, 0].real
    kept[0, 0] = 0.0
    values = np.concatenate([mean, kept.ravel()])
    return np.asarray(values / max(float(np.linalg.norm(kept)), 1e-6), dtype=np.float32)


class Gallery:
    """Fingerprints seen so far, to tell whether a new pattern resembles one of them."""

    def __init__(self, capacity: int) -> None:
        """Room for so many."""
        size = 3 * (2 * FINEST + 1) * (FINEST + 1) + 3
        self._seen = np.empty((capacity, size), dtype=np.float32)
        self._coarse = np.empty((capacity, COARSE), dtype=np.float32)
        self._count = 0

    def resembles(self, candidate: Fingerprint, most: float = ALIKE) -> bool:
        """Whether one that was added is no further than `most` from this one (f,)."""
        apart = self._coarse[: self._count] - candidate[:COARSE]
        near = np.flatnonzero(np.einsum("nf,nf->n", apart, apart) <= most * most)  # a part's distance is no larger
        return any(np.linalg.norm(self._seen[index] - candidate) <= most for index in near)

    def add(self, fresh: Fingerprint) -> None:
        """Remember one (f,)."""
        self._seen[self._count], self._coarse[self._count] = fresh, fresh[:COARSE]
        self._count += 1


def nearest(fingerprints: Fingerprint) -> tuple[NDArray[np.int64], Fingerprint]:
    """For each of N fingerprints (N, f) the index of the one most like it, and their distance.

    Raises: ValueError: fewer than two.
    """
    if len(fingerprints) < 2:
        raise ValueError(f"`N >= 2` must hold to compare patterns, but got {len(fingerprints)}")
    index = np.empty(len(fingerprints), dtype=np.int64)
    lengths = (fingerprints**2).sum(axis=1)
    for start in range(0, len(fingerprints), 512):
        rows = np.arange(start, min(start + 512, len(fingerprints)))
        squared = lengths[rows, None] + lengths - 2 * (fingerprints[rows] @ fingerprints.T)
        squared[rows - start, rows] = np.inf
        index[rows] = squared.argmin(axis=1)
    # Once more, without the cancellation that the fast formula suffers from where fingerprints are equal.
    return index, np.asarray(np.linalg.norm(fingerprints - fingerprints[index], axis=1), dtype=np.float32)


def alike(fingerprints: Iterable[Fingerprint], most: float = ALIKE) -> list[tuple[int, int, float]]:
    """Pairs (i, j, distance), i < j, most alike first: one is the other's nearest, and no further than `most`."""
    index, distance = nearest(np.stack(list(fingerprints)))
    pairs = {(min(i, j), max(i, j)): float(d) for i, (j, d) in enumerate(zip(index.tolist(), distance, strict=True))}
    return sorted(((i, j, d) for (i, j), d in pairs.items() if d <= most), key=lambda pair: pair[2])
