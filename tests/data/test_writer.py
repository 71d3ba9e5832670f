from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data.fake import SIDE, dataset, noise
from wallpaper.data import PatternStore, PatternWriter, StoreError, partial_path
from wallpaper.patterns import FAULTS
from wallpaper.plane import GROUP_NAMES

SETTINGS = {"seed": 0, "palette": "any"}


def write(path: Path, count: int, stop: int | None = None, **options: object) -> None:
    """Append patterns until `stop`, from wherever the file is."""
    with PatternWriter(path, count, SIDE, settings=SETTINGS, **options) as writer:  # type: ignore[arg-type]
        for index in range(writer.written, count if stop is None else stop):
            writer.append(noise(GROUP_NAMES[index % 17], index, SIDE))


def test_the_schema_is_the_plans_and_the_additions_stand_beside_it(tmp_path: Path) -> None:
    path = dataset(tmp_path, per_group=2).path
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item}))
        types = {name: (item.shape, item.dtype) for name, item in found.items() if isinstance(item, h5py.Dataset)}
        assert types.pop("patterns") == ((34, SIDE, SIDE, 3), np.uint8)
        assert types.pop("labels") == ((34,), np.int64)
        assert types.pop("metadata/complexity") == ((34,), np.int64)
        assert types.pop("metadata/motif_size") == ((34,), np.int64)
        assert types.pop("metadata/lattice") == ((34, 3), np.float64)
        assert types.pop("metadata/seed") == ((34,), np.int64)
        assert types.pop("metadata/redraws") == ((34,), np.int64)
        assert types.pop("metadata/refused") == ((34, len(FAULTS)), np.int64)
        assert types.pop("metadata/weakest_true") == ((34,), np.float64)
        assert types.pop("metadata/strongest_false") == ((34,), np.float64)
        for name, count in (("group_names", 17), ("metadata/motif_type", 34), ("metadata/palette", 34)):
            shape, kind = types.pop(name)
            assert (shape, kind.kind) == ((count,), "S")
        assert types == {}
        assert [name.decode() for name in file["group_names"]] == list(GROUP_NAMES)
        assert file["metadata/motif_type"][0] in (b"wave", b"petal")
        assert {key: file.attrs[key] for key in ("format", "format_version", "frame", "written")} == {
            "format": "wallpaper-patterns",
            "format_version": 2,
            "frame": "lattice",
            "written": 34,
        }
        assert file.attrs["complete"]
        assert json.loads(file.attrs["generator"])["per_group"] == 2
        assert json.loads(file.attrs["faults"]) == list(FAULTS)
        assert len(file.attrs["digest"]) == 16
    with np.load(tmp_path / "splits.npz") as splits:
        assert all(splits[name].dtype == np.int64 for name in ("train", "val", "test"))


def test_uint8_is_contiguous_and_float64_has_a_chunk_for_each_image(tmp_path: Path) -> None:
    for dtype, chunks in (("uint8", None), ("float64", (1, SIDE, SIDE, 3))):
        with h5py.File(dataset(tmp_path / dtype, dtype=dtype).path) as file:
            assert (file["patterns"].dtype, file["patterns"].chunks) == (np.dtype(dtype), chunks)
            assert file["patterns"].compression is None


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_the_file_has_its_place_on_disk_from_the_start(tmp_path: Path, dtype: str) -> None:
    """Nothing moves afterwards, so a killed writer cannot leave half of a move behind."""
    with PatternWriter(tmp_path / "a.h5", 50, SIDE, settings=SETTINGS, dtype=dtype):  # type: ignore[arg-type]
        reserved = partial_path(tmp_path / "a.h5").stat().st_size
        assert reserved >= 50 * SIDE * SIDE * 3 * np.dtype(dtype).itemsize
    write(tmp_path / "a.h5", 50, dtype=dtype)
    assert (tmp_path / "a.h5").stat().st_size == reserved


def test_every_field_is_stored_in_its_row(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", 40)
    store = PatternStore(tmp_path / "a.h5")
    for index in range(40):
        pattern = noise(GROUP_NAMES[index % 17], index, SIDE)
        assert np.array_equal(store.pixels(index), pattern.pixels)
        assert store.lattice(index) == pattern.lattice
        assert store.metadata(index) == {
            "group": pattern.group,
            "complexity": pattern.complexity,
            "motif_size": pattern.motif_size,
            "motif_type": pattern.motif_type,
            "palette": pattern.palette,
            "seed": index,
            "redraws": pattern.redraws,
            "refused": list(pattern.refused),
            "weakest_true": pattern.weakest_true,
            "strongest_false": pattern.strongest_false,
            "lattice": (pattern.lattice.a, pattern.lattice.b, pattern.lattice.gamma),
        }


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("stops", [[1, 70], [64], [99]])
def test_an_interrupted_file_is_resumed_to_the_same_bytes(tmp_path: Path, dtype: str, stops: list[int]) -> None:
    whole, pieces = tmp_path / "whole" / "a.h5", tmp_path / "pieces" / "a.h5"
    write(whole, 100, dtype=dtype)
    for stop in stops:
        write(pieces, 100, stop, dtype=dtype)
        assert not pieces.exists()
        assert partial_path(pieces).exists()
    write(pieces, 100, dtype=dtype)
    assert pieces.read_bytes() == whole.read_bytes()
    assert PatternStore(pieces).digest == PatternStore(whole).digest
    assert not partial_path(pieces).exists()


def test_an_exception_keeps_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with (
        pytest.raises(KeyboardInterrupt),
        PatternWriter(path, 20, SIDE, settings=SETTINGS) as writer,
    ):
        writer.append(noise("p1", 0, SIDE))
        raise KeyboardInterrupt
    with PatternWriter(path, 20, SIDE, settings=SETTINGS) as writer:
        assert writer.written == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.data.fake import noise
from wallpaper.data import PatternWriter
from wallpaper.plane import GROUP_NAMES
writer = PatternWriter(Path(sys.argv[1]), 200, 16, settings={"seed": 0, "palette": "any"}, dtype=sys.argv[2])
for index in range(150):
    writer.append(noise(GROUP_NAMES[index % 17], index, 16))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_killed_writer_loses_what_was_not_flushed_and_no_more(tmp_path: Path, dtype: str) -> None:
    root = Path(__file__).parents[2]
    killed, whole = tmp_path / "killed" / "a.h5", tmp_path / "whole" / "a.h5"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run([sys.executable, "-c", KILLED, killed, dtype], cwd=root, env=environment, check=False)
    assert result.returncode == -signal.SIGKILL
    with h5py.File(partial_path(killed)) as file:
        assert file.attrs["written"] == 128
    write(killed, 200, dtype=dtype)
    write(whole, 200, dtype=dtype)
    assert killed.read_bytes() == whole.read_bytes()


def test_an_unfinished_file_is_not_resumed_with_other_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path, 20, 5)
    with pytest.raises(StoreError, match=r"a\.h5\.partial: cannot be resumed: `seed` is 0 there, but 1 was asked; run"):
        PatternWriter(path, 20, SIDE, settings=SETTINGS | {"seed": 1})
    with pytest.raises(StoreError, match=r"`shape` is \[20, 16, 16, 3\] there, but \[21, 16, 16, 3\] was asked"):
        PatternWriter(path, 21, SIDE, settings=SETTINGS)
    with pytest.raises(StoreError, match="`dtype` is 'uint8' there, but 'float64' was asked"):
        PatternWriter(path, 20, SIDE, settings=SETTINGS, dtype="float64")
    with pytest.raises(StoreError, match="an unfinished file is in the way; resume it"):
        PatternWriter(path, 20, SIDE, settings=SETTINGS, resume=False)
    write(path, 21, overwrite=True)
    assert len(PatternStore(path)) == 21


def test_an_empty_unfinished_file_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path, 20, 0)
    assert list(tmp_path.iterdir()) == []
    write(path, 20, 5)
    with h5py.File(partial_path(path), "r+") as file:
        file.attrs["written"] = 0  # as a writer leaves it that is killed before its first flush
    write(path, 30)
    assert len(PatternStore(path)) == 30


def test_two_writers_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with PatternWriter(path, 20, SIDE, settings=SETTINGS):
        code = "import sys; from wallpaper.data import PatternWriter; from tests.data.test_writer import SETTINGS;"
        code += "PatternWriter(sys.argv[1], 20, 16, settings=SETTINGS)"
        root = Path(__file__).parents[2]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-c", code, str(path)]
        result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert "another process is writing it; wait for it" in result.stderr


def test_a_damaged_unfinished_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path, 20, 5)
    content = partial_path(path).read_bytes()
    partial_path(path).write_bytes(content[:1000])
    with pytest.raises(StoreError, match=r"a\.h5\.partial: the unfinished file is damaged .*; overwrite it"):
        write(path, 20)
    with h5py.File(partial_path(path), "w") as file:
        file["patterns"] = 1
    with pytest.raises(StoreError, match="cannot be resumed: it is not a wallpaper-patterns file of version 2"):
        write(path, 20)


def test_a_finished_file_is_kept_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path, 20)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"a\.h5: exists already; choose another path or overwrite it"):
        write(path, 20)
    write(path, 30, 10, overwrite=True)
    assert path.read_bytes() == before
    write(path, 30, overwrite=True)
    assert len(PatternStore(path)) == 30
    assert len(PatternStore(path).splits["train"]) + len(PatternStore(path).splits["val"]) <= 30


def test_splits_know_their_dataset(tmp_path: Path) -> None:
    write(tmp_path / "a" / "a.h5", 20)
    with PatternWriter(tmp_path / "b" / "a.h5", 20, SIDE, settings={}) as writer:
        for index in range(20):
            writer.append(noise("p1", index, SIDE))
    os.replace(tmp_path / "a" / "splits.npz", tmp_path / "b" / "splits.npz")
    with pytest.raises(StoreError, match="these splits belong to dataset"):
        _ = PatternStore(tmp_path / "b" / "a.h5").splits


def test_one_folder_holds_one_dataset(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", 20)
    with pytest.raises(StoreError, match=r"b\.h5: splits\.npz of another dataset is in the same folder; give each"):
        write(tmp_path / "b.h5", 20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((20, 18), r"`side % 4 == 0` must hold, but got 18"),
        ((20, 0), r"`side % 4 == 0` must hold, but got 0"),
        ((0, 16), r"`count >= 1` must hold, but got 0"),
    ],
)
def test_impossible_sizes_are_refused(tmp_path: Path, arguments: tuple[int, int], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        PatternWriter(tmp_path / "a.h5", *arguments, settings={})
    with pytest.raises(StoreError, match="unknown `dtype` 'int8'; one of uint8, float64"):
        PatternWriter(tmp_path / "a.h5", 20, 16, settings={}, dtype="int8")  # type: ignore[arg-type]


def test_a_full_disk_is_seen_before_the_first_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 10, 1000))
    with pytest.raises(StoreError, match=r"8500 patterns need 1\.7 GB, but 0\.0 GB are free; free some space"):
        PatternWriter(tmp_path / "a.h5", 8500, 256, settings={})
    assert list(tmp_path.iterdir()) == []


def test_patterns_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    good = noise("p4", 1, SIDE)
    with PatternWriter(tmp_path / "a.h5", 1, SIDE, settings=SETTINGS) as writer:
        with pytest.raises(StoreError, match=r"must be uint8 \(16, 16, 3\), but got uint8 \(8, 8, 3\)"):
            writer.append(noise("p4", 1, 8))
        with pytest.raises(StoreError, match=r"must be uint8 \(16, 16, 3\), but got float64 \(16, 16, 3\)"):
            writer.append(replace(good, pixels=good.pixels / 255))  # type: ignore[arg-type]
        with pytest.raises(StoreError, match=r"`metadata/palette`: longer than 128 bytes: 'xxx"):
            writer.append(replace(good, palette="x" * 129))
        with pytest.raises(ValueError, match="unknown wallpaper group 'p5'"):
            writer.append(replace(good, group="p5"))
        writer.append(good)
        with pytest.raises(StoreError, match="all 1 patterns are there already"):
            writer.append(good)


def test_the_digest_depends_on_every_part(tmp_path: Path) -> None:
    base = noise("p4", 1, SIDE)
    pixels = base.pixels.copy()
    pixels[3, 4, 1] ^= 1
    changed = [
        base,
        replace(base, pixels=pixels),
        replace(base, seed=2),
        replace(base, group="p1"),
        replace(base, palette="z"),
    ]
    digests = []
    for number, pattern in enumerate(changed):
        path = tmp_path / str(number) / "a.h5"
        with PatternWriter(path, 1, SIDE, settings=SETTINGS) as writer:
            writer.append(pattern)
        digests.append(PatternStore(path).digest)
    with PatternWriter(tmp_path / "settings" / "a.h5", 1, SIDE, settings={}) as writer:
        writer.append(base)
    digests.append(PatternStore(tmp_path / "settings" / "a.h5").digest)
    assert len(set(digests)) == len(digests)
