"""Stores as plain HDF5 files: agreed names and types, pictures or cells, splits, nothing half."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from wallpaper.data import PatternStore, StoreError, load_splits, save_splits, stratified_split
from wallpaper.pictures import render
from wallpaper.pictures.plain_file import export_file
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group

PIXELS = np.random.default_rng(3).integers(0, 256, (34, 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> PatternStore:
    path = tmp_path / "source" / "patterns.h5"
    path.parent.mkdir()
    lattices = [Lattice.random(plane_group(k % 17).system, np.random.default_rng(k)) for k in range(34)]
    with h5py.File(path, "w") as file:
        file["patterns"], file["labels"] = PIXELS, np.arange(34) % 17
        file["group_names"] = np.array(GROUP_NAMES, dtype="S4")
        file["metadata/complexity"], file["metadata/motif_type"] = np.arange(34), np.array([b"petal"] * 34)
        file["metadata/lattice"] = np.array([(each.a, each.b, each.gamma) for each in lattices])
    opened = PatternStore(path)
    save_splits(path.parent / "splits.npz", stratified_split(opened.labels, seed=5))
    return opened


def test_the_file_has_the_plan_s_datasets(store: PatternStore, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    export_file(store, tmp_path / "out" / "plain.h5", size=24, progress=lambda *done: seen.append(done), workers=2)
    assert seen == [(k, 34) for k in range(1, 35)]
    with h5py.File(tmp_path / "out" / "plain.h5") as file:
        images = file["patterns"]
        assert (images.shape, images.dtype, images.compression) == ((34, 24, 24, 3), np.float64, "gzip")
        assert (file["labels"].dtype, file["labels"][:].tolist()) == (np.int64, store.labels.tolist())
        assert file["group_names"][:].tolist() == [name.encode() for name in GROUP_NAMES]
        for name, kind in {"complexity": "int64", "motif_size": "int64", "motif_type": "S32"}.items():
            assert file[f"metadata/{name}"].dtype == kind
        assert file["metadata/complexity"][:].tolist() == list(range(34))
        assert file["metadata/motif_size"][:].tolist() == [0] * 34
        assert set(file["metadata/motif_type"][:]) == {b"petal"}
        drawn = render(store.pixels(20), store.lattice(20), size=24, cells=3.0)
        assert np.array_equal(images[20], drawn / 255.0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["plain.h5", "splits.npz"]
    splits = load_splits(tmp_path / "out" / "splits.npz", 34)
    assert all(np.array_equal(splits[name], store.splits[name]) for name in splits)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_in_the_lattice_frame_the_cells_come_back_bit_for_bit(store: PatternStore, tmp_path: Path, dtype: str) -> None:
    export_file(store, tmp_path / "out" / "plain.h5", frame="lattice", dtype=dtype)  # type: ignore[arg-type]
    again = PatternStore(tmp_path / "out" / "plain.h5")
    assert np.array_equal(np.stack([again.pixels(k) for k in range(34)]), PIXELS)
    assert [again.lattice(k) for k in range(34)] == [store.lattice(k) for k in range(34)]


def test_pictures_are_not_taken_for_cells(store: PatternStore, tmp_path: Path) -> None:
    export_file(store, tmp_path / "out" / "plain.h5", size=24)
    with pytest.raises(StoreError, match=r"plain.h5: dataset `patterns`: it holds pictures.*`wallpaper import`"):
        PatternStore(tmp_path / "out" / "plain.h5")


def test_splits_are_drawn_for_a_store_that_came_without(store: PatternStore, tmp_path: Path) -> None:
    (store.path.parent / "splits.npz").unlink()
    export_file(store, tmp_path / "out" / "plain.h5", size=24)
    assert len(load_splits(tmp_path / "out" / "splits.npz", 34)["train"]) == 17  # checked to divide all 34


def test_what_is_there_stays_unless_it_may_be_replaced(store: PatternStore, tmp_path: Path) -> None:
    target = tmp_path / "out" / "plain.h5"
    export_file(store, target, size=24)
    before = target.read_bytes()
    with pytest.raises(StoreError, match=r"plain.h5: exists already; choose another folder or overwrite it"):
        export_file(store, target, size=32)
    with pytest.raises(StoreError, match=r"splits.npz: exists already"):
        export_file(store, tmp_path / "out" / "other.h5", size=32)
    with pytest.raises(StoreError, match=r"whose splits.npz it has; give the exported file a folder of its own"):
        export_file(store, store.path.parent / "other.h5", size=32)
    assert target.read_bytes() == before
    export_file(store, target, size=32, overwrite=True)
    with h5py.File(target) as file:
        assert file["patterns"].shape[1] == 32


def test_an_interrupted_export_leaves_nothing(store: PatternStore, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_file(store, tmp_path / "out" / "plain.h5", size=24, progress=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_errors_say_what_must_hold(store: PatternStore, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`frame in .* must hold, but got 'polar'"):
        export_file(store, tmp_path / "out" / "x.h5", frame="polar")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`cells >= 3.0` must hold.*got 1"):
        export_file(store, tmp_path / "out" / "x.h5", cells=1)
