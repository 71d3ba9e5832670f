"""A dataset held in a GPU's memory, so that no step waits for a disk or for the way to the device.

It gives the same numbers as the file, bit for bit. Knows no file format.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from wallpaper.training.pattern_source import Indices, PatternSource, images

SHARE_OF_MEMORY = 0.4
"""Of the device's free memory that a dataset may take; the rest is for the model and its steps."""

_READ_AT_ONCE = 256


class ResidentSource:
    """Patterns of another source, sampled at `side` and kept on a device: a byte a value where that is exact."""

    def __init__(self, source: PatternSource, side: int, device: torch.device | str) -> None:
        self.side, self.labels, self.digest = side, source.labels, source.digest
        self.splits: Mapping[str, Indices] = source.splits
        parts = np.array_split(np.arange(len(self.labels)), -(-len(self.labels) // _READ_AT_ONCE))
        self._images = torch.cat([_packed(images(source, part, side)).to(device) for part in parts])

    def batch(self, indices: Indices) -> Tensor:
        """(B, 3, side, side) float32 in [0, 1], on the device."""
        chosen = self._images[torch.from_numpy(indices).to(self._images.device)]
        return chosen.to(torch.float32).div_(255) if chosen.dtype == torch.uint8 else chosen


def resident(source: PatternSource, side: int, device: torch.device) -> PatternSource:
    """`source` held on the device if that is a GPU with room for it; otherwise `source` itself."""
    if device.type != "cuda":
        return source
    free, _ = torch.cuda.mem_get_info(device)
    most = 4 * len(source.labels) * 3 * side**2
    return ResidentSource(source, side, device) if most < SHARE_OF_MEMORY * free else source


def _packed(image: Tensor) -> Tensor:
    """As bytes, if those give back the same numbers."""
    bytes_ = (image * 255).round().to(torch.uint8)
    return bytes_ if torch.equal(bytes_.to(torch.float32).div_(255), image) else image
