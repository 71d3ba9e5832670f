"""Tiles without a seam: rectangles of every lattice, square pixels, edges that continue each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ALL_GROUPS
from wallpaper.pictures.seamless import MOST_SHEAR, rectangle, seamless_tile
from wallpaper.plane import Lattice, PlaneGroup

NOISE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def smooth(side: int = 48) -> np.ndarray:
    """A pattern without symmetry, soft enough that a step at an edge would stand out."""
    x, y = np.meshgrid(np.arange(side) / side, np.arange(side) / side, indexing="ij")
    waves = [np.sin(2 * np.pi * (x + 0.1)), np.sin(2 * np.pi * (y + x + 0.3)), np.cos(2 * np.pi * (y - 2 * x))]
    return 0.5 + 0.4 * np.stack(waves, axis=-1)


def test_rectangles_of_the_lattices_that_have_one_are_exact() -> None:
    square, wide = rectangle(Lattice(2, 2, 90)), rectangle(Lattice(2, 3, 90))
    assert (square.cells, square.width, square.height, square.shear) == (1, 2, pytest.approx(2), 0)
    assert (wide.cells, wide.width, wide.height, wide.shear) == (1, 2, pytest.approx(3), 0)
    hexagonal = rectangle(Lattice.standard("hexagonal"))
    assert hexagonal.vectors == ((1, 1), (0, 2))  # a, and a + 2b across it
    assert hexagonal.height / hexagonal.width == pytest.approx(math.sqrt(3), rel=1e-12)
    assert hexagonal.shear == 0


def test_a_rhombic_lattice_has_the_centred_rectangle() -> None:
    shape = rectangle(Lattice(1, 1, 75))
    assert (shape.cells, shape.shear) == (2, 0)
    half = math.radians(37.5)
    assert sorted([shape.width, shape.height]) == pytest.approx([2 * math.sin(half), 2 * math.cos(half)])  # diagonals


@given(seed=st.integers(0, 10_000))
def test_every_oblique_lattice_has_a_nearly_rectangular_period(seed: int) -> None:
    lattice = Lattice.random("oblique", np.random.default_rng(seed))
    shape = rectangle(lattice)
    u, v = (lattice.basis @ np.array(column) for column in np.array(shape.vectors).T)
    angle = math.degrees(math.acos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
    assert abs(angle - 90) == pytest.approx(shape.shear, abs=2e-4)
    assert shape.shear <= MOST_SHEAR
    assert shape.width * shape.height == pytest.approx(shape.cells * lattice.area)
    assert u[0] * v[1] - u[1] * v[0] == pytest.approx(shape.cells * lattice.area)  # right-handed: no mirror image


def test_a_lattice_that_no_rectangle_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallpaper.pictures.seamless.MOST_CELLS", 1)
    with pytest.raises(ValueError, match=r"a rectangle of 1 cells must fit within 0.5 degrees.*use an SVG"):
        rectangle(Lattice(1, 1.2, 75))


@ALL_GROUPS
def test_the_tile_s_edges_continue_each_other(group: PlaneGroup) -> None:
    lattice = Lattice.random(group.system, np.random.default_rng(group.index))
    picture = seamless_tile(smooth(), lattice, width=96).picture.astype(int)
    for axis in (0, 1):
        steps = np.abs(np.diff(np.concatenate([picture, picture.take([0], axis)], axis), axis=axis))
        seam, inside = steps.take(-1, axis), steps.take(range(steps.shape[axis] - 1), axis)
        assert seam.max() <= inside.max()
        assert seam.mean() <= 2 * inside.mean()


@ALL_GROUPS
def test_a_tile_shows_the_same_plane_wherever_it_is_cut(group: PlaneGroup) -> None:
    """The pattern moved by a lattice fraction that whole pixels meet gives the tile rolled: bit for bit."""
    lattice = Lattice.random(group.system, np.random.default_rng(group.index))
    shape = rectangle(lattice)
    moved = np.roll(NOISE, (-12 * shape.vectors[0][0] % 24, -12 * shape.vectors[1][0] % 24), (0, 1))  # half of u
    assert np.array_equal(
        seamless_tile(moved, lattice, width=64).picture,
        np.roll(seamless_tile(NOISE, lattice, width=64).picture, -32, 1),
    )


def test_a_pixel_shows_the_plane_where_it_stands() -> None:
    """Against the closed form of one wave, along both sides of the a x sqrt(3) a rectangle."""
    x, y = np.meshgrid(np.arange(64) / 64, np.arange(64) / 64, indexing="ij")
    wave = 0.5 + 0.4 * np.cos(2 * np.pi * (x + 2 * y) + 1)
    tile = seamless_tile(np.stack([wave] * 3, axis=-1), Lattice.standard("hexagonal"), width=90)
    height, width = tile.picture.shape[:2]
    assert (width, height) == (90, 156)
    assert tile.aspect_error == pytest.approx(156 / 90 / math.sqrt(3) - 1)
    rows, columns = np.meshgrid(np.arange(height) / height, np.arange(width) / width, indexing="ij")
    expected = 0.5 + 0.4 * np.cos(2 * np.pi * ((columns - rows) + 2 * (-2 * rows)) + 1)  # rows run down: -v
    np.testing.assert_allclose(tile.picture[..., 0] / 255, expected, atol=0.01)


@pytest.mark.parametrize("width", [1, 7, 300])
def test_any_width_can_be_asked_for(width: int) -> None:
    assert seamless_tile(NOISE, Lattice(1, 1.5, 90), width=width).picture.shape[1] == width


def test_the_usual_width_makes_pixels_square_to_a_ten_thousandth() -> None:
    for lattice in (Lattice.standard("hexagonal"), Lattice.standard("square"), Lattice.standard("rectangular")):
        tile = seamless_tile(NOISE, lattice)
        assert abs(tile.aspect_error) < 1e-4
        assert 450 <= tile.picture.shape[1] <= 620


def test_a_tile_drawn_in_bands_is_the_tile_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = seamless_tile(NOISE, Lattice.standard("hexagonal"), width=50).picture
    monkeypatch.setattr("wallpaper.pictures.seamless.BAND", 130)
    assert np.array_equal(seamless_tile(NOISE, Lattice.standard("hexagonal"), width=50).picture, whole)


def test_errors_say_what_must_hold() -> None:
    with pytest.raises(ValueError, match=r"`width >= 1` must hold, but got 0"):
        seamless_tile(NOISE, Lattice(1, 1, 90), width=0)
