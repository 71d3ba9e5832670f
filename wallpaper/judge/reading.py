"""Pictures from files: any format that Pillow reads, in any mode, with limits that a hostile file cannot pass.

Knows nothing of symmetry.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def read_picture(path: str | Path) -> NDArray[np.generic]:
    """(H, W) or (H, W, 3), uint8 or uint16 of full range; transparency is laid over white, EXIF's orientation applied.

    Raises: ValueError: no picture, damaged, or more than `MOST_PIXELS`. FileNotFoundError.
    """
    raise NotImplementedError
