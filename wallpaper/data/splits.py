"""Train, validation and test indices: drawn so that every group is divided alike, saved and checked.

The file is `splits.npz` beside the pattern file, with one int64 array of indices per split. Knows
nothing about images.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wallpaper.data.archive import read_npz, write_npz
from wallpaper.data.layout import store_error

Indices: TypeAlias = NDArray[np.int64]

SPLIT_NAMES = ("train", "val", "test")
SPLITS_FILE = "splits.npz"


def stratified_split(
    labels: NDArray[np.integer], seed: int = 0, fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
) -> dict[str, Indices]:
    """Divide each group by the same fractions; with three patterns or more a group is in every split.

    Args:
        labels: (N,) group index of each pattern.
        seed: draws which pattern goes where.
        fractions: shares of train, val and test.
    Returns: sorted indices under "train", "val" and "test"; together they are 0..N-1.
    Raises: ValueError: the fractions are not positive or do not add up to 1.
    """
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"`fractions` must be positive and add up to 1, but got {fractions}")
    generator = np.random.default_rng(np.random.SeedSequence([seed]))
    parts: list[list[Indices]] = [[], [], []]
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label)).astype(np.int64)
        train, val, _ = _sizes(len(members), fractions)
        for part, indices in zip(parts, np.split(members, [train, train + val]), strict=True):
            part.append(indices)
    empty = [np.empty(0, np.int64)]
    return {name: np.sort(np.concatenate(part or empty)) for name, part in zip(SPLIT_NAMES, parts, strict=True)}


def _sizes(count: int, fractions: tuple[float, float, float]) -> tuple[int, int, int]:
    """Whole numbers for one group; train is never empty, val comes before test."""
    val = max(round(fractions[1] * count), int(count >= 2))
    test = max(round(fractions[2] * count), int(count >= 3))
    return count - val - test, val, test


def save_splits(path: Path, splits: Mapping[str, Indices], *, digest: str = "") -> None:
    """Write the splits in one step; `digest` ties them to a pattern file, so that no other takes them."""
    count = sum(len(indices) for indices in splits.values())
    _check(path, splits, count)
    write_npz(path, {"dataset": np.array(digest), **{name: splits[name] for name in SPLIT_NAMES}})


def load_splits(path: Path, count: int, *, digest: str = "") -> dict[str, Indices]:
    """Read the splits of a file with `count` patterns.

    Raises: StoreError: missing, unreadable, of another dataset, or not a division of 0..count-1.
    """
    remedy = "write them with `save_splits(path, stratified_split(store.labels))`"
    if not path.is_file():
        raise store_error(path, None, "the splits are missing", remedy)
    try:
        found = read_npz(path)
    except ValueError as error:
        raise store_error(path, None, f"not a readable .npz file ({error})", remedy) from error
    owner = str(found.pop("dataset", ""))
    if owner and digest and owner != digest:
        raise store_error(path, None, f"these splits belong to dataset {owner}, not to {digest}", remedy)
    _check(path, found, count)
    return {name: found[name].astype(np.int64) for name in SPLIT_NAMES}


def _check(path: Path, splits: Mapping[str, Indices], count: int) -> None:
    remedy = "make them with `stratified_split`"
    for name in SPLIT_NAMES:
        if name not in splits:
            raise store_error(path, name, f"missing; there are {sorted(splits)}", remedy)
        indices = splits[name]
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            problem = f"must be a list of whole numbers, but got {indices.dtype} {indices.shape}"
            raise store_error(path, name, problem, remedy)
        outside = indices[(indices < 0) | (indices >= count)]
        if len(outside):
            raise store_error(path, name, f"`0 <= index < {count}` must hold, but got {outside[0]}", remedy)
    together = np.concatenate([splits[name] for name in SPLIT_NAMES]).astype(np.int64)
    times = np.bincount(together, minlength=count)
    if (times > 1).any():
        raise store_error(path, None, f"pattern {int(np.argmax(times > 1))} is in more than one place", remedy)
    if (times == 0).any():
        raise store_error(path, None, f"pattern {int(np.argmax(times == 0))} is in no split", remedy)
