"""The plane group of a pattern whose lattice is known: every isometry tried with its best translation.

Work in progress.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge.certificate import Certificate
from wallpaper.plane import Lattice


def identify(pattern: NDArray[np.generic], lattice: Lattice, *, noise: float | None = None) -> Certificate:
    """Which plane group the pattern has.

    Args:
        pattern: (n, n, C) or (n, n); uint8 or uint16 of full range, or float in [0, 1]. Entry [i, j] is the sample at
            i/n along a, j/n along b. Any whole number of periods, any origin and setting.
        lattice: the cell that the samples fill.
        noise: standard deviation of the noise a sample, as a share of full range; estimated if None.
    Raises: ValueError: another shape or range, NaN, or no contrast.
    """
    raise NotImplementedError
