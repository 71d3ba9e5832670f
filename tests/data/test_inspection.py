from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data.fake import SIDE, dataset, foreign
from wallpaper.data import PatternStore, StoreError, generate_dataset, save_splits, stratified_split
from wallpaper.data.inspection import inspect_file
from wallpaper.patterns import FAULTS, generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """34 certified patterns."""
    return generate_dataset(tmp_path_factory.mktemp("made") / "a.h5", 2, side=32, seed=3).path


def test_counts_certificates_and_statistics_are_those_of_the_file(made: Path) -> None:
    found, store = inspect_file(made)
    assert (found.patterns, found.side, found.found, found.pictures) == (34, 32, "uint8 0-255", False)
    assert (found.digest, found.settings, found.bytes) == (store.digest, store.settings, made.stat().st_size)
    assert [row.group for row in found.groups] == list(GROUP_NAMES)
    for row in found.groups:
        indices = [index for index in range(34) if store.metadata(index)["group"] == row.group]
        rows = [store.metadata(index) for index in indices]
        assert row.count == 2
        assert row.splits == {name: sum(i in part for i in indices) for name, part in store.splits.items()}
        assert row.weakest_true == min(each["weakest_true"] for each in rows) >= 0.999
        assert row.strongest_false == max(each["strongest_false"] for each in rows) <= 0.9
    types = [store.metadata(index)["motif_type"] for index in range(34)]
    assert found.columns["motif_type"] == {name: types.count(name) for name in sorted(set(types))}
    total = np.sum([store.metadata(index)["refused"] for index in range(34)], axis=0)
    assert found.redraws == dict(zip(FAULTS, total.tolist(), strict=True))
    deviations = [(store.pixels(i) @ [0.2126, 0.7152, 0.0722]).std() / 255 for i in range(34)]
    assert found.contrast["least"] == pytest.approx(min(deviations))
    assert found.contrast["largest"] == pytest.approx(max(deviations))
    assert found.schema["patterns"] == "uint8 (34, 32, 32, 3), contiguous"
    assert found.alike == ()
    json.dumps(found.to_dict())


def test_judging_again_agrees_and_finds_a_wrong_label(made: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    found, _ = inspect_file(made, certify=-1, progress=lambda done, total: calls.append((done, total)))
    assert (found.judged, found.differing) == (34, ())
    assert calls[-1] == (34, 34)
    assert inspect_file(made, certify=5)[0].judged == 5
    wrong = tmp_path / "wrong.h5"
    wrong.write_bytes(made.read_bytes())
    with h5py.File(wrong, "r+") as file:
        file["labels"][GROUP_NAMES.index("p4m")] = GROUP_NAMES.index("p4")
        file["patterns"][GROUP_NAMES.index("p6")] = 77
    found, _ = inspect_file(wrong, certify=-1)
    assert {(each.index, each.claimed, each.found) for each in found.differing} == {
        (GROUP_NAMES.index("p4m"), "p4", "p4m"),
        (GROUP_NAMES.index("p6"), "p6", "no contrast"),
    }


def test_pictures_of_other_tools_are_judged_from_the_pictures(tmp_path: Path) -> None:
    """Float64 views of the plane in a file without metadata; one in each three has a wrong label."""
    names = ("p4", "pgg", "p31m")
    drawn = [generate_pattern(name, 6, 64) for name in names]
    views = np.stack([render(each.pixels, each.lattice, size=128, cells=3, rotation=20) for each in drawn]) / 255
    path = foreign(
        tmp_path / "a.h5",
        patterns=views,
        labels=np.array([GROUP_NAMES.index(name) for name in ("p4", "pgg", "p3m1")]),
        **{"metadata/complexity": np.arange(3)},
    )
    found, _ = inspect_file(path, certify=-1)
    assert (found.pictures, found.found, found.format_version, found.settings) == (True, "float 0-1", None, {})
    assert [(each.index, each.claimed, each.found) for each in found.differing] == [(2, "p3m1", "p31m")]
    assert found.groups[0].weakest_true is None
    assert "the splits are missing" in str(found.splits_problem)
    assert found.redraws == found.colour_accuracy == {}


def test_look_alikes_are_listed(tmp_path: Path) -> None:
    store = dataset(tmp_path)
    with h5py.File(store.path, "r+") as file:
        file["patterns"][20] = np.roll(file["patterns"][3], 2, axis=0)
    found, _ = inspect_file(store.path)
    assert [pair[:2] for pair in found.alike] == [(3, 20)]


def test_files_that_say_cartesian_are_opened_as_pictures_only(tmp_path: Path) -> None:
    path = foreign(tmp_path / "a.h5")
    save_splits(tmp_path / "splits.npz", stratified_split(np.arange(34) % 17))
    with h5py.File(path, "r+") as file:
        file.attrs["frame"] = "cartesian"
    with pytest.raises(StoreError, match="it holds pictures of the plane, not cells"):
        PatternStore(path)
    found, store = inspect_file(path)
    assert found.pictures
    assert store.holds_pictures
    assert found.groups[0].splits == {"train": 1, "val": 1, "test": 0}
    assert store.side == SIDE


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(StoreError, match=r"a\.h5: no such file; check the path"):
        inspect_file(path)
    path.write_text("no")
    with pytest.raises(StoreError, match=r"a\.h5: not an HDF5 file"):
        inspect_file(path)
    values = np.random.default_rng(0).random((34, SIDE, SIDE, 3))
    values[4, 0, 0, 0] = np.nan
    with pytest.raises(StoreError, match="must hold, but got nan in pattern 4"):
        inspect_file(foreign(path, patterns=values))
