"""What a training needs of a dataset, and how its patterns become a model's input.

A protocol and conversions only; it knows no file format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Indices = NDArray[np.int64]


class PatternSource(Protocol):
    """A labelled, split set of patterns; `wallpaper.data.PatternStore` is one."""

    @property
    def side(self) -> int:
        """Samples along each side of a cell."""

    @property
    def labels(self) -> Indices:
        """(N,) index of each pattern's group, 0-16."""

    @property
    def splits(self) -> Mapping[str, Indices]:
        """Indices of the patterns in "train", "val" and "test"."""

    @property
    def digest(self) -> str:
        """Identity of the data."""

    def batch(self, indices: Indices) -> Tensor:
        """(B, 3, side, side) float32 in [0, 1]."""


def check_source(source: PatternSource, resolution: int) -> None:
    """Raises: ValueError: patterns cannot become `resolution` samples a side, or a split is empty."""
    if source.side % resolution:
        raise ValueError(
            f"`side % resolution == 0` must hold, but the patterns have {source.side} samples a side and the model "
            f"{resolution}; generate patterns of {resolution} or a multiple of it, or change `resolution`"
        )
    for name in ("train", "val"):
        if not len(source.splits.get(name, ())):
            raise ValueError(
                f"the split {name!r} must hold at least one pattern, but is empty; generate more per group"
            )


def images(source: PatternSource, indices: Indices, resolution: int) -> Tensor:
    """(B, 3, resolution, resolution) float32 in [0, 1].

    Larger patterns are sampled at every k-th sample: unlike a smoothing filter, that leaves every
    operation of every group exact.
    """
    stride = source.side // resolution
    return source.batch(indices)[..., ::stride, ::stride].contiguous()
