from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallpaper.data import StoreError, load_splits, save_splits, stratified_split

SPLITS = {"train": np.array([0, 1, 4]), "val": np.array([2]), "test": np.array([3])}


def test_the_sizes_are_the_plans_for_500_patterns_of_each_group() -> None:
    labels = np.arange(8500) % 17
    splits = stratified_split(labels)
    assert {name: len(indices) for name, indices in splits.items()} == {"train": 5950, "val": 1275, "test": 1275}
    for name, count in (("train", 350), ("val", 75), ("test", 75)):
        assert np.bincount(labels[splits[name]]).tolist() == [count] * 17


@given(counts=st.lists(st.integers(0, 30), min_size=1, max_size=17), seed=st.integers(0, 2**40))
def test_every_group_is_divided_alike_and_every_pattern_is_in_one_split(counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    splits = stratified_split(labels, seed)
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(labels)))
    for group, count in enumerate(counts):
        sizes = [int((labels[splits[name]] == group).sum()) for name in ("train", "val", "test")]
        if count >= 3:
            assert min(sizes) >= 1
        assert abs(sizes[1] - 0.15 * count) <= 1
        assert abs(sizes[2] - 0.15 * count) <= 1


def test_the_seed_decides_the_split() -> None:
    labels = np.arange(340) % 17
    first, again, other = (stratified_split(labels, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["val"], other["val"])


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.2), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1)])
def test_fractions_that_are_none_are_refused(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"`fractions` must be positive and add up to 1, but got \("):
        stratified_split(np.zeros(10, int), fractions=fractions)


def test_saved_splits_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "splits.npz"
    save_splits(path, SPLITS, digest="abc")
    loaded = load_splits(path, 5, digest="abc")
    assert {name: indices.tolist() for name, indices in loaded.items()} == {"train": [0, 1, 4], "val": [2], "test": [3]}
    assert [file.name for file in tmp_path.iterdir()] == ["splits.npz"]


def test_splits_of_another_dataset_are_refused(tmp_path: Path) -> None:
    save_splits(tmp_path / "splits.npz", SPLITS, digest="abc")
    with pytest.raises(StoreError, match=r"splits\.npz: these splits belong to dataset abc, not to def; write them"):
        load_splits(tmp_path / "splits.npz", 5, digest="def")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val": np.array([7])}, "dataset `val`: `0 <= index < 5` must hold, but got 7"),
        ({"val": np.array([-1])}, "dataset `val`: `0 <= index < 5` must hold, but got -1"),
        ({"val": np.array([2, 3])}, "pattern 3 is in more than one place"),
        ({"val": np.empty(0, int)}, "pattern 2 is in no split"),
        ({"val": np.array([2.0])}, "dataset `val`: must be a list of whole numbers, but got float64"),
        ({"val": None}, "dataset `val`: missing; there are"),
    ],
)
def test_a_file_that_divides_nothing_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    content = {name: value for name, value in (SPLITS | change).items() if value is not None}
    np.savez(tmp_path / "splits.npz", **content)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=message):
        load_splits(tmp_path / "splits.npz", 5)


def test_splits_that_overlap_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="pattern 0 is in more than one place"):
        save_splits(tmp_path / "splits.npz", SPLITS | {"val": np.array([0, 2])})
    assert not (tmp_path / "splits.npz").exists()


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "splits.npz"
    with pytest.raises(StoreError, match=r"splits\.npz: the splits are missing; write them with `save_splits"):
        load_splits(path, 5)
    save_splits(path, SPLITS)
    whole = path.read_bytes()
    for damaged in (b"", b"hello", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"splits\.npz: not a readable \.npz file"):
            load_splits(path, 5)
