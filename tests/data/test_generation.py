from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data.fake import SIDE, dataset, fatal, noise, telling
from wallpaper.data import PatternStore, StoreError, generate_dataset, partial_path, sample_seed
from wallpaper.patterns import Pattern
from wallpaper.plane import GROUP_NAMES

ROOT = Path(__file__).parents[2]


class Stopped(Exception):
    """Raised by a test's progress function."""


def stop_at(last: int) -> object:
    def progress(done: int, total: int) -> None:
        if done == last:
            raise Stopped

    return progress


def test_groups_take_turns_and_splits_are_stratified(tmp_path: Path) -> None:
    store = dataset(tmp_path, per_group=20)
    assert np.array_equal(store.labels, np.arange(340) % 17)
    assert {name: np.bincount(store.labels[rows]).tolist() for name, rows in store.splits.items()} == {
        "train": [14] * 17,
        "val": [3] * 17,
        "test": [3] * 17,
    }


def test_the_generator_gets_group_seed_and_side(tmp_path: Path) -> None:
    store = dataset(tmp_path, seed=5)
    for index in (0, 16, 17, 33):
        pattern = noise(GROUP_NAMES[index % 17], sample_seed(5, index), SIDE)
        assert np.array_equal(store.pixels(index), pattern.pixels)
        assert store.metadata(index)["seed"] == pattern.seed


def test_seeds_differ_and_stay_exact_in_a_double() -> None:
    seeds = [sample_seed(seed, index) for seed in range(20) for index in range(500)]
    assert len(set(seeds)) == len(seeds)
    assert max(seeds) < 2**53
    assert max(seeds) > 2**52


def test_a_longer_dataset_begins_with_the_shorter_one(tmp_path: Path) -> None:
    short, long = dataset(tmp_path / "short", per_group=1), dataset(tmp_path / "long", per_group=2)
    assert np.array_equal(short.batch(range(17)), long.batch(range(17)))


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    first, again, other = (dataset(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert first.path.read_bytes() == again.path.read_bytes()
    assert first.digest == again.digest != other.digest
    assert (tmp_path / "a" / "splits.npz").read_bytes() != (tmp_path / "c" / "splits.npz").read_bytes()


def test_any_number_of_workers_writes_the_same_bytes(tmp_path: Path) -> None:
    alone, three = dataset(tmp_path / "1", per_group=4), dataset(tmp_path / "3", per_group=4, workers=3)
    assert alone.path.read_bytes() == three.path.read_bytes()
    with pytest.raises(Stopped):
        dataset(tmp_path / "2", per_group=4, workers=2, progress=stop_at(30))
    assert dataset(tmp_path / "2", per_group=4, workers=2).path.read_bytes() == alone.path.read_bytes()


def test_a_worker_that_dies_leaves_a_file_to_resume(tmp_path: Path) -> None:
    path = tmp_path / "patterns.h5"
    with pytest.raises(
        StoreError, match=r"a worker process died; run again to resume patterns\.h5\.partial, with fewer"
    ):
        generate_dataset(path, 4, side=SIDE, workers=2, generate=fatal)
    with h5py.File(partial_path(path)) as file:
        assert 32 <= file.attrs["written"] <= 56  # the four tasks before those under way, at least


def test_a_killed_run_leaves_no_workers_behind_and_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys; from tests.data.fake import *\nif __name__ == '__main__':\n"
    script += "    generate_dataset(sys.argv[1], 12, side=16, workers=2, generate=telling)\n"
    (tmp_path / "run.py").write_text(script)
    environment = os.environ | {"WALLPAPER_TEST_FOLDER": str(tmp_path / "pids"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "pids").mkdir()
    path = tmp_path / "made" / "a.h5"
    run = subprocess.Popen([sys.executable, tmp_path / "run.py", path], env=environment, cwd=ROOT)
    assert until(lambda: len(os.listdir(tmp_path / "pids")) == 2 and written(path) >= 64)
    run.kill()
    run.wait()
    workers = [int(name) for name in os.listdir(tmp_path / "pids")]
    assert until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))
    monkeypatch.setenv("WALLPAPER_TEST_FOLDER", str(tmp_path / "pids"))
    resumed = generate_dataset(path, 12, side=16, generate=telling)
    whole = generate_dataset(tmp_path / "whole" / "a.h5", 12, side=16, generate=telling)
    assert resumed.path.read_bytes() == whole.path.read_bytes()


def written(path: Path) -> int:
    """Patterns on disk so far."""
    if not partial_path(path).is_file():
        return 0
    try:
        with h5py.File(partial_path(path), locking=False) as file:
            return int(file.attrs["written"])
    except (OSError, KeyError):  # while it is being written
        return 0


def until(happens: Callable[[], bool], seconds: float = 90.0) -> bool:
    """Wait; whether it happened in time."""
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_an_interrupted_run_is_continued(tmp_path: Path) -> None:
    whole, calls = dataset(tmp_path / "whole"), []
    with pytest.raises(Stopped):
        dataset(tmp_path / "cut", progress=stop_at(20))
    resumed = dataset(tmp_path / "cut", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 34) for done in range(21, 35)]
    assert resumed.path.read_bytes() == whole.path.read_bytes()
    assert (tmp_path / "cut" / "splits.npz").read_bytes() == (tmp_path / "whole" / "splits.npz").read_bytes()


def test_other_settings_do_not_continue_it(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        dataset(tmp_path, progress=stop_at(20))
    with pytest.raises(StoreError, match="cannot be resumed: `seed` is 0 there, but 1 was asked"):
        dataset(tmp_path, seed=1)
    with pytest.raises(StoreError, match="an unfinished file is in the way"):
        dataset(tmp_path, resume=False)
    assert dataset(tmp_path, seed=1, overwrite=True).settings["seed"] == 1


def test_a_finished_dataset_is_taken_as_it_is(tmp_path: Path) -> None:
    store, calls = dataset(tmp_path), []
    modified = store.path.stat().st_mtime_ns
    again = dataset(tmp_path, progress=lambda done, total: calls.append(done))
    assert (calls, again.path.stat().st_mtime_ns) == ([], modified)
    with pytest.raises(StoreError, match="exists with other settings: `per_group` is 2 there, but 3 was asked; choose"):
        dataset(tmp_path, per_group=3)
    assert len(dataset(tmp_path, per_group=3, overwrite=True)) == 51


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_an_error_of_the_generator_comes_out_and_the_rest_is_kept(tmp_path: Path, error: type[Exception]) -> None:
    def failing(group: str, seed: int, side: int) -> Pattern:
        if group == "pgg":
            raise error("no pattern")
        return noise(group, seed, side)

    with pytest.raises(error, match="no pattern"):
        generate_dataset(tmp_path / "a.h5", 1, side=SIDE, generate=failing)
    assert partial_path(tmp_path / "a.h5").exists()
    with pytest.raises(StoreError, match="unfinished"):
        PatternStore(tmp_path / "a.h5")


def test_a_seed_without_a_pattern_is_replaced_by_the_next(tmp_path: Path) -> None:
    unlucky = {sample_seed(0, 3), sample_seed(0, 20), sample_seed(0, 20, 1)}

    def fussy(group: str, seed: int, side: int) -> Pattern:
        if seed in unlucky:
            raise RuntimeError("no acceptable design")
        return noise(group, seed, side)

    store = generate_dataset(tmp_path / "a.h5", 2, side=SIDE, generate=fussy)
    attempts = {3: 1, 20: 2}
    expected = [sample_seed(0, index, attempts.get(index, 0)) for index in range(34)]
    assert [store.metadata(index)["seed"] for index in range(34)] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_group": 0}, "`per_group >= 1` must hold, but got 0"),
        ({"seed": -1}, "`seed >= 0` must hold, but got -1"),
        ({"workers": 0}, "`workers >= 1` must hold, but got 0"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        dataset(tmp_path, **options)
