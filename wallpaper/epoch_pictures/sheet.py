"""The patterns behind the points of a latent space, as one sheet of small tiles, for pages that show what a point is.

All epochs of a run show the same patterns, so the sheet is drawn once a run, with its first epoch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wallpaper.data.store import PatternStore
from wallpaper.pictures.files import replacing
from wallpaper.pictures.render import render
from wallpaper.pictures.strip import tile

SHEET = "latent_patterns.jpg"
"""Beside the epochs' folders."""

TILE, COLUMNS, CELLS = 48, 32, 1.6
"""Pixels along each side of a tile, tiles in a row, and cells across a tile."""

QUALITY = 80


def draw_sheet(folder: Path, store: PatternStore, indices: NDArray[np.integer]) -> None:
    """`SHEET` in `folder`, if it is not there yet: tile k, row by row, is the pattern of the k-th of `indices`."""
    path = folder / SHEET
    if path.is_file():
        return
    tiles = [render(store.pixels(index), store.lattice(index), size=TILE, cells=CELLS) for index in indices.tolist()]
    with replacing(path) as temporary:  # whoever draws may be ended at any time
        Image.fromarray(tile(tiles, COLUMNS, gap=0)).save(temporary, "JPEG", quality=QUALITY)
