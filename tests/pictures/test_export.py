"""A store as a folder of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from wallpaper.pictures import export_images, render
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group


class Store:
    """Two samples of each of three groups."""

    labels = np.array([0, 16, 9, 9, 16, 0])
    group_names = GROUP_NAMES

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)

    def lattice(self, index: int) -> Lattice:
        return Lattice.standard(plane_group(int(self.labels[index])).system)


def test_every_pattern_becomes_a_picture_in_its_groups_folder(tmp_path):
    seen = []
    store = Store()
    assert export_images(store, tmp_path, size=60, progress=lambda *done: seen.append(done), workers=2) == 6
    assert seen == [(k, 6) for k in range(1, 7)]
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    expected = ["p1/00000.png", "p1/00005.png", "p4/00002.png", "p4/00003.png", "p6m/00001.png", "p6m/00004.png"]
    assert names == expected
    with Image.open(tmp_path / "p6m" / "00004.png") as image:
        np.testing.assert_array_equal(np.asarray(image), render(store.pixels(4), store.lattice(4), size=60, cells=3.0))


def test_a_selection_can_be_exported(tmp_path):
    assert export_images(Store(), tmp_path, size=8, indices=[3]) == 1
    assert [path.name for path in tmp_path.rglob("*.png")] == ["00003.png"]


def test_errors_say_what_must_hold(tmp_path):
    with pytest.raises(ValueError, match=r"cells >= 3.0.*got 2"):
        export_images(Store(), tmp_path, cells=2)
    with pytest.raises(ValueError, match=r"in 0..5, but got \[6\]"):
        export_images(Store(), tmp_path, indices=[0, 6])
    assert not list(tmp_path.iterdir())
