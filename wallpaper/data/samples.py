"""The small dataset packed with a registered model: a few cells of each group, by name, as one safetensors file.

Patterns of a pattern file's test part, or else of the generator; always exact cells at the model's resolution.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from wallpaper.data.store import PatternStore
from wallpaper.patterns import generate_pattern
from wallpaper.plane import GROUP_NAMES, Lattice

PER_GROUP = 3
FIRST_SEED = 10**6
"""Seed of the first generated sample; datasets count their own from a hash of theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One conventional cell of a pattern."""

    group: str
    pixels: NDArray[np.uint8]
    """(n, n, 3)."""
    lattice: Lattice


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples by id, `p4m-0` and so on, in the groups' order."""

    by_id: dict[str, Sample]

    @property
    def groups(self) -> dict[str, str]:
        """Group of each sample, by id."""
        return {name: sample.group for name, sample in self.by_id.items()}

    @property
    def digest(self) -> str:
        """SHA-256 of all ids and pixels, in short."""
        total = hashlib.sha256()
        for name, sample in self.by_id.items():
            total.update(name.encode() + sample.pixels.tobytes())
        return total.hexdigest()[:16]

    def save(self, path: Path) -> Path:
        """Write `path`, which is returned."""
        samples = list(self.by_id.values())
        cells = [(each.lattice.a, each.lattice.b, each.lattice.gamma) for each in samples]
        arrays: dict[str, NDArray[Any]] = {
            "pixels": np.stack([each.pixels for each in samples]),
            "groups": np.array([GROUP_NAMES.index(each.group) for each in samples], dtype=np.int64),
            "lattices": np.array(cells, dtype=np.float64),
        }
        path.write_bytes(save(arrays))
        return path

    @classmethod
    def load(cls, path: Path) -> Samples:
        """Read what `save` wrote. Raises: FileNotFoundError; ValueError: it is not that, or damaged."""
        try:
            arrays = load_file(path)
            groups, pixels, lattices = (arrays[name] for name in ("groups", "pixels", "lattices"))
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"{path} must hold packed samples, but does not: {error}; pack them again") from error
        whole = pixels.ndim == 4 and pixels.shape[1] == pixels.shape[2] and pixels.shape[3] == 3
        fitting = groups.shape == pixels.shape[:1] and lattices.shape == (*pixels.shape[:1], 3)
        if not (whole and fitting and pixels.dtype == np.uint8 and groups.dtype.kind in "iu"):
            raise ValueError(f"{path} must hold uint8 cells with a group and a lattice each; pack them again")
        if ((groups < 0) | (groups >= len(GROUP_NAMES))).any():
            raise ValueError(f"{path} must hold groups from 0 to {len(GROUP_NAMES) - 1}; pack them again")
        rows = zip(groups.tolist(), pixels, lattices.tolist(), strict=True)
        return cls.of(Sample(GROUP_NAMES[group], cell, Lattice(*lattice)) for group, cell, lattice in rows)

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Samples:
        """Named in their order, each group counting from 0."""
        counts = dict.fromkeys(GROUP_NAMES, 0)
        named = {}
        for sample in samples:
            named[f"{sample.group}-{counts[sample.group]}"] = sample
            counts[sample.group] += 1
        return cls(named)

    @classmethod
    def generated(cls, side: int, per_group: int = PER_GROUP) -> Samples:
        """Patterns of the generator that no dataset is likely to hold."""
        patterns = (generate_pattern(name, FIRST_SEED + k, side) for name in GROUP_NAMES for k in range(per_group))
        return cls.of(Sample(each.group, each.pixels, each.lattice) for each in patterns)

    @classmethod
    def held_out(cls, store: PatternStore, side: int, per_group: int = PER_GROUP) -> Samples:
        """The first patterns of each group in the store's test part.

        Args: side: a divisor of the store's; every k-th sample is taken.
        Raises: wallpaper.data.StoreError: see `PatternStore`. ValueError: `side`.
        """
        test = store.splits["test"]
        chosen = [int(i) for label in range(len(GROUP_NAMES)) for i in test[store.labels[test] == label][:per_group]]
        images = (store.batch(chosen, side=side).permute(0, 2, 3, 1) * 255).round().byte().numpy()
        rows = zip(chosen, images, strict=True)
        return cls.of(Sample(GROUP_NAMES[store.labels[i]], pixels, store.lattice(i)) for i, pixels in rows)
