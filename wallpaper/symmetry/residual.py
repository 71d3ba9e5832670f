"""How far an image is from having the symmetry of given operations.

One number an operation, in the image's own units; what counts as symmetric is the caller's to say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wallpaper.plane import Op
from wallpaper.symmetry.index_maps import permutations


def residuals(image: NDArray[np.generic], operations: tuple[Op, ...]) -> NDArray[np.float64]:
    """(number of operations,) largest |f(g x) - f(x)| over samples and channels, in the image's units.

    Args:
        image: (..., n, n) one cell; any real dtype.
    Raises: ValueError: not square, or a translation misses the grid.
    """
    side = image.shape[-1]
    if image.ndim < 2 or image.shape[-2] != side:
        raise ValueError(f"an image must be (..., n, n), but got {image.shape}")
    flat = np.asarray(image, dtype=np.float64).reshape(-1, side * side)
    return np.array([np.abs(flat[:, index] - flat).max() for index in permutations(operations, side)])
