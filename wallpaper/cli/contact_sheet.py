"""The contact sheet of `wallpaper inspect`: the first patterns of every group in a file, a row each.

Cells are drawn with their true angles, square pictures as they are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from wallpaper.data import PatternStore
from wallpaper.pictures.animation import write_png
from wallpaper.pictures.figures import contact_sheet, save_figure
from wallpaper.pictures.strip import tile
from wallpaper.plane import GROUP_NAMES

ROW, CELL = 8, 144
"""Pictures in a row, and their pixels a side."""


def draw(store: PatternStore, path: Path) -> None:
    """Write the sheet of a store as a PNG."""
    rows = {
        GROUP_NAMES[label]: np.flatnonzero(store.labels == label)[:ROW].tolist() for label in np.unique(store.labels)
    }
    if not store.holds_pictures:
        cells = {name: [(store.pixels(i), store.lattice(i)) for i in row] for name, row in rows.items()}
        save_figure(path, contact_sheet(cells, title=path.stem, cells=2.5, size=CELL))
        return
    places: list[np.ndarray | None] = []
    for row in rows.values():
        shown = [np.asarray(Image.fromarray(store.pixels(i)).resize((CELL, CELL), Image.Resampling.BOX)) for i in row]
        places += [*shown, *[None] * (ROW - len(shown))]
    write_png(path, tile(places, ROW))
