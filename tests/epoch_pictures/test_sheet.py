"""The sheet of the patterns behind latent points: where each is found, and that it is drawn once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from wallpaper.data import PatternStore, generate_dataset
from wallpaper.epoch_pictures.data import write_latents
from wallpaper.epoch_pictures.samples import spread_patterns
from wallpaper.epoch_pictures.sheet import COLUMNS, SHEET, TILE, draw_sheet
from wallpaper.patterns import Pattern
from wallpaper.plane import Lattice, plane_group


def flat(group: str, seed: int, side: int) -> Pattern:
    """A pattern of one colour, another for each seed."""
    colour = np.random.default_rng(seed).integers(0, 256, 3)
    pixels = np.broadcast_to(colour.astype(np.uint8), (side, side, 3)).copy()
    return Pattern(pixels, group, Lattice.standard(plane_group(group).system), "dots", 1, 1, "dusk", seed, 0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PatternStore:
    return generate_dataset(
        tmp_path_factory.mktemp("flat") / "patterns.h5", per_group=20, side=32, seed=1, generate=flat
    )


def tile_at(sheet: NDArray[np.uint8], place: int, size: int, columns: int) -> NDArray[np.uint8]:
    top, left = place // columns * size, place % columns * size
    return sheet[top : top + size, left : left + size]


def test_every_point_finds_its_pattern(store: PatternStore, tmp_path: Path) -> None:
    indices = spread_patterns(store, 60)
    assert len(indices) > COLUMNS  # so that there are several rows
    draw_sheet(tmp_path, store, indices)
    labels = store.labels[indices]
    write_latents(tmp_path, np.random.default_rng(0).normal(size=(len(indices), 2)), labels, indices, {}, {})
    told = json.loads((tmp_path / "latent_space.json").read_text())
    sheet = np.asarray(Image.open(tmp_path / SHEET))
    order = sorted(index for group in told["groups"].values() for index in group["indices"])
    for place, index in enumerate(order):
        found = tile_at(sheet, place, told["patterns"]["tile"], told["patterns"]["columns"])
        np.testing.assert_allclose(found.mean(axis=(0, 1)), store.pixels(index)[0, 0], atol=6)  # JPEG's error


def test_it_is_drawn_once_and_never_half(store: PatternStore, tmp_path: Path) -> None:
    draw_sheet(tmp_path, store, np.array([3, 4]))
    assert [path.name for path in tmp_path.iterdir()] == [SHEET]
    before = (tmp_path / SHEET).read_bytes()
    draw_sheet(tmp_path, store, np.array([5]))
    assert (tmp_path / SHEET).read_bytes() == before
    with Image.open(tmp_path / SHEET) as drawn:
        assert drawn.size == (COLUMNS * TILE, TILE)
