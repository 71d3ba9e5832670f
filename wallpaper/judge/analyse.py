"""The plane group of a picture alone: its lattice is found, its cells are averaged, and the mean is identified.

Work in progress.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge.analysis import Analysis


def analyse(picture: NDArray[np.generic] | str | Path, *, side: int | None = None) -> Analysis:
    """Which plane group a picture shows, with its lattice in pixels.

    Args:
        picture: (H, W), (H, W, 3) or (H, W, 4); uint8 or uint16 of full range, or float in [0, 1]; or a file.
        side: samples n along each side of the mean cell that is returned; about the picture's own resolution if None.
    Raises: ValueError: another shape or range, NaN, or a file that is no picture.
    """
    raise NotImplementedError
