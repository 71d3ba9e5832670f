"""A dataset in memory with what a training needs of one: few smooth patterns of mixed groups."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from wallpaper.symmetry import project


class FakeStore:
    def __init__(self, count: int = 34, side: int = 16, digest: str = "fake", seed: int = 0) -> None:
        self.side, self.digest = side, digest
        self.labels: NDArray[np.int64] = np.arange(count) % 17
        generator = torch.Generator().manual_seed(seed)
        colour = torch.rand(count, 3, 1, 1, generator=generator)
        coarse = torch.rand(count, 3, 4, 4, generator=generator)
        smooth = torch.nn.functional.interpolate((coarse + 3 * colour) / 4, (side, side), mode="bilinear")
        self.images = project(smooth, torch.from_numpy(self.labels))
        cut = count * 3 // 4
        self.splits = {"train": np.arange(cut), "val": np.arange(cut, count), "test": np.arange(0)}

    def batch(self, indices: ArrayLike) -> Tensor:
        return self.images[torch.as_tensor(np.asarray(indices))]
