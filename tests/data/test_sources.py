"""Pictures found in folders and files: claims, order, and files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.data.fake import foreign
from wallpaper.data import StoreError
from wallpaper.data.sources import Item, find_pictures, read_items

GREY = np.tile(np.arange(20, dtype=np.uint8) * 12, (20, 1))


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(GREY).save(path)
    return path


def claims(folder: Path) -> dict[str, str | None]:
    return {
        str(item.path.relative_to(folder)): item.claim for batch in find_pictures([folder]).batches for item in batch
    }


def test_the_nearest_folder_named_after_a_group_makes_the_claim(tmp_path: Path) -> None:
    for name in ("b.png", "a.PNG", "p4m/x.jpg", "p4m/more/y.tif", "P6MM/z.bmp", "p3/p3m1/w.webp", "other/v.png"):
        picture(tmp_path / "root" / name)
    assert claims(tmp_path / "root") == {
        "a.PNG": None, "b.png": None, "p4m/x.jpg": "p4m", "p4m/more/y.tif": "p4m", "P6MM/z.bmp": "p6m",
        "p3/p3m1/w.webp": "p3m1", "other/v.png": None,
    }  # fmt: skip
    assert claims(tmp_path / "root" / "p4m") == {"x.jpg": "p4m", "more/y.tif": "p4m"}


def test_what_is_no_picture_is_listed(tmp_path: Path) -> None:
    picture(tmp_path / "p9" / "x.png")
    (tmp_path / "p9" / "notes.txt").write_text("")
    found = find_pictures([tmp_path])
    assert found.passed_over == [str(tmp_path / "p9" / "notes.txt")]
    assert found.unknown_folders == {str(tmp_path / "p9"): 1}


def test_a_named_file_has_no_claim_and_any_suffix(tmp_path: Path) -> None:
    path = picture(tmp_path / "p4m" / "x.png").rename(tmp_path / "p4m" / "x.dat")
    found = find_pictures([path, path])
    assert found.batches == [[Item(path)], [Item(path)]]
    ((_, image),) = read_items(found.batches[0])
    assert np.array_equal(np.asarray(image), GREY)


def test_rows_of_a_file_claim_their_labels_in_blocks_of_its_storage(tmp_path: Path) -> None:
    path = foreign(tmp_path / "a.h5", **{"metadata/complexity": None})
    found = find_pictures([path])
    assert [len(batch) for batch in found.batches] == [8, 8, 8, 8, 2]
    assert found.batches[2][1] == Item(path, 17, "p1")
    with h5py.File(path, "r+") as file:
        pixels = file["patterns"][:]
        del file["patterns"]
        file.create_dataset("patterns", data=pixels, chunks=(20, 16, 16, 3), compression="gzip")
    assert [len(batch) for batch in find_pictures([path]).batches] == [20, 14]
    (first, *_, last) = read_items(find_pictures([path]).batches[1])
    assert (first[0].index, last[0].index) == (20, 33)
    assert np.array_equal(np.asarray(first[1]), pixels[20])


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_floats_are_brought_to_0_1(tmp_path: Path, scale: float) -> None:
    values = np.random.default_rng(0).uniform(size=(34, 16, 16, 3))
    found = find_pictures([foreign(tmp_path / "a.h5", patterns=values * scale)])
    images = [image for batch in found.batches for _, image in read_items(batch)]
    np.testing.assert_allclose(np.stack([np.asarray(image) for image in images]), values, atol=1e-6)


def test_a_wrong_value_spoils_its_own_picture_only(tmp_path: Path) -> None:
    values = np.full((34, 16, 16, 3), 0.5)
    values[3, 0, 0, 0], values[4, 1, 1, 1] = np.nan, 7
    path = foreign(tmp_path / "a.h5", patterns=values)
    found = find_pictures([path])
    results = [image for batch in found.batches for _, image in read_items(batch)]
    wrong = {index: str(image) for index, image in enumerate(results) if isinstance(image, ValueError)}
    assert set(wrong) == {3, 4}
    assert "but got 7.0 in picture 4; correct the values" in wrong[4]
    assert wrong[3].startswith(f"{path}: dataset `patterns`: `0 <= value <= 1` must hold, but got nan in picture 3; ")


def test_a_damaged_block_spoils_its_own_picture_only(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    foreign(path)
    with h5py.File(path, "r+") as file:
        pixels = file["patterns"][:]
        del file["patterns"]
        file.create_dataset("patterns", data=pixels, chunks=(1, 16, 16, 3), compression="gzip")
        place = file["patterns"].id.get_chunk_info(5).byte_offset
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(bytes(200))
    results = [image for batch in find_pictures([path]).batches for _, image in read_items(batch)]
    assert [index for index, image in enumerate(results) if isinstance(image, ValueError)] == [5]
    assert "dataset `patterns`: picture 5 cannot be read" in str(results[5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, r"dataset `labels`: missing; the file holds .*; add it"),
        ({"patterns": None}, r"dataset `patterns`: missing"),
        (
            {"patterns": np.zeros((34, 3, 8, 8))},
            r"`patterns`: the shape must be .* got \(34, 3, 8, 8\); store one pict",
        ),
        ({"patterns": np.zeros((34, 8, 8, 3), np.int32)}, r"`patterns`: the type must be uint8, .* but got int32"),
        ({"patterns": np.full((34, 8, 8, 3), -1.0)}, r"`patterns`: values must be in 0-1 or 0-255, but got -1 to 0"),
        ({"patterns": np.full((34, 8, 8, 3), 999.0)}, r"`patterns`: values must be .* got 0 to 999; scale them to 0-1"),
        ({"labels": np.full(34, 17)}, r"dataset `labels`: `0 <= label < 17` must hold, but got 17"),
        ({"group_names": np.array([b"p9"] * 17)}, r"dataset `group_names`: unknown wallpaper group 'p9'"),
    ],
)
def test_files_out_of_the_layout_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        find_pictures([foreign(tmp_path / "a.h5", **changes)])


def test_cells_in_lattice_coordinates_are_no_pictures(tmp_path: Path) -> None:
    path = foreign(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["frame"] = "lattice"
    with pytest.raises(StoreError, match=r"it holds cells in lattice coordinates already, not pictures; use the file"):
        find_pictures([path])


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = foreign(tmp_path / "a.h5")
    (tmp_path / "cut.h5").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / "junk.h5").write_text("junk")
    with pytest.raises(StoreError, match=r"cut.h5: truncated"):
        find_pictures([tmp_path / "cut.h5"])
    with pytest.raises(StoreError, match=r"junk.h5: not an HDF5 file"):
        find_pictures([tmp_path / "junk.h5"])


def test_nothing_to_import_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"no pictures found; give .png, .* passed over: .*notes.txt"):
        find_pictures([tmp_path])
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such file or folder; check the path"):
        find_pictures([tmp_path / "nowhere"])
