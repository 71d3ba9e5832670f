"""The sheet of all groups: one tile each, in order, with the elements drawn."""

from __future__ import annotations

import numpy as np
import pytest

from wallpaper.pictures.element_sheet import element_sheet
from wallpaper.pictures.overlay import render_with_elements
from wallpaper.plane import PLANE_GROUPS, Lattice


def test_every_group_has_its_tile_in_order() -> None:
    samples = {
        name: (np.full((8, 8, 3), 10 * group.number, np.uint8), Lattice.standard(group.system))
        for name, group in reversed(PLANE_GROUPS.items())
    }
    sheet = element_sheet(samples, size=80, columns=6)
    found = 0
    for name, group in PLANE_GROUPS.items():
        tile = render_with_elements(*samples[name], group.operations, size=80, cells=2.0, centre=(0.5, 0.5))
        rows, columns = np.nonzero((sheet[: 1 - 80, : 1 - 80] == tile[0, 0]).all(axis=-1))
        places = [
            (row, column)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if np.array_equal(sheet[row : row + 80, column : column + 80], tile)
        ]
        assert len(places) == 1, name
        place = places[0][0] * sheet.shape[1] + places[0][1]
        assert place > found
        found = place


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown wallpaper group 'p5'"):
        element_sheet({"p5": (np.zeros((8, 8, 3)), Lattice.standard("square"))})
