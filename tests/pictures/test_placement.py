"""Where a lattice lies in a picture, against what `render` draws."""

from __future__ import annotations

import numpy as np
import pytest

from wallpaper.pictures.placement import Placement, place
from wallpaper.pictures.render import render
from wallpaper.plane import Lattice

LATTICES = [Lattice(1.0, 1.3, 90.0), Lattice(0.9, 1.2, 77.0), Lattice(1.0, 1.0, 120.0)]


@pytest.mark.parametrize("lattice", LATTICES, ids=str)
@pytest.mark.parametrize(("rotation", "centre"), [(0.0, (0.0, 0.0)), (33.0, (0.2, -0.7))])
def test_a_dot_of_the_pattern_is_drawn_where_the_placement_says(
    lattice: Lattice, rotation: float, centre: tuple[float, float]
) -> None:
    i, j = np.indices((64, 64)) / 64
    near = [np.minimum(abs(x - at), 1 - abs(x - at)) for x, at in ((i, 0.25), (j, 0.5))]
    dot = np.exp(-(near[0] ** 2 + near[1] ** 2) / 0.001)
    picture = render(np.stack([dot] * 3, axis=-1), lattice, size=201, scale=80.0, rotation=rotation, centre=centre)
    placement = place(lattice, 201, 80.0, rotation, centre)
    for cell in ([0, 0], [-1, 0], [0, -1]):
        x, y = placement.pixels(np.array([0.25, 0.5]) + cell)
        if 8 <= x <= 192 and 8 <= y <= 192:
            column, row = round(float(x)), round(float(y))
            part = picture[row - 8 : row + 9, column - 8 : column + 9, 0].astype(float)
            rows, columns = np.indices(part.shape) - 8
            found = np.array([(part * columns).sum(), (part * rows).sum()]) / part.sum()
            np.testing.assert_allclose(found, [x - column, y - row], atol=0.12)  # pixels: the window cuts the dot


def test_fractional_undoes_pixels() -> None:
    placement = place(LATTICES[1], 100, 30.0, 12.0, (0.3, 0.4))
    points = np.random.default_rng(0).uniform(-2, 2, (20, 2))
    np.testing.assert_allclose(placement.fractional(placement.pixels(points)), points, atol=1e-12)
    np.testing.assert_allclose(placement.pixels(np.array([0.3, 0.4])), [49.5, 49.5])


def test_a_lies_along_x_and_b_above_it() -> None:
    placement = place(Lattice(1.0, 1.0, 60.0), 100, 10.0)
    np.testing.assert_allclose(placement.basis, [[10.0, 5.0], [0.0, -5 * 3**0.5]], atol=1e-12)


@pytest.mark.parametrize(
    "arrays",
    [(np.eye(3), np.zeros(2)), (np.eye(2), np.zeros(3)), (np.zeros((2, 2)), np.zeros(2)), (np.eye(2) * np.nan, [0, 0])],
)
def test_what_places_no_cell_is_refused(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"`basis` \(2, 2\) and `origin` \(2,\) must be finite and span a cell"):
        Placement(*arrays)
