"""One sheet of all plane groups: a pattern of each with its cell and symmetry elements.

Draws what it is given; makes no patterns and reads no files.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from wallpaper.pictures.overlay import render_with_elements
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import strip
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group


def element_sheet(
    samples: Mapping[str, tuple[NDArray[np.generic], Lattice]], *, size: int = 320, cells: float = 2.0, columns: int = 6
) -> Picture:
    """(h, w, 3) uint8 a tile for each group, in International Tables' order, its number and symbols below.

    Args:
        samples: by group, a pattern as `render` takes it, in the standard setting, and its lattice.
        size: pixels along each side of a tile. cells: cells across a tile, about.
    Raises: ValueError: no sample, or an unknown group.
    """
    groups = sorted((plane_group(name) for name in samples), key=lambda group: GROUP_NAMES.index(group.name))
    tiles = [
        render_with_elements(*samples[group.name], group.operations, size=size, cells=cells, centre=(0.5, 0.5))
        for group in groups
    ]
    captions = [f"{group.number}  {group.name}  {group.orbifold}" for group in groups]
    return strip(tiles, columns, captions=captions)
