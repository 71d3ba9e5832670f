from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.data.fake import SIDE, dataset, foreign
from wallpaper.data import PatternStore, StoreError, partial_path, save_splits, stratified_split
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group

PIXELS: NDArray[np.uint8] = np.random.default_rng(1).integers(0, 256, (34, SIDE, SIDE, 3), dtype=np.uint8)


def test_the_memory_map_equals_what_h5py_reads(tmp_path: Path) -> None:
    store = dataset(tmp_path, per_group=3)
    assert store._map is not None
    with h5py.File(store.path) as file:
        everything = file["patterns"][:]
    assert np.array_equal(store._map, everything)
    assert np.array_equal(np.stack([store.pixels(index) for index in range(len(store))]), everything)


def test_the_memory_map_allows_for_a_block_in_front_of_the_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        for name, value in {"patterns": PIXELS, "labels": np.arange(34) % 17, "group_names": GROUP_NAMES}.items():
            file[name] = value
    store = PatternStore(tmp_path / "a.h5")
    assert store._map is not None
    assert np.array_equal(store.pixels(20), PIXELS[20])


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_batch_is_the_pixels_over_255_in_the_order_asked(tmp_path: Path, dtype: str) -> None:
    store = dataset(tmp_path, dtype=dtype)
    indices = [5, 0, 33, 5]
    batch = store.batch(torch.tensor(indices))
    assert (batch.shape, batch.dtype) == ((4, 3, SIDE, SIDE), torch.float32)
    assert batch.is_contiguous()
    expected = np.stack([store.pixels(index) for index in indices]).astype(np.float32) / np.float32(255)
    assert np.array_equal(batch.numpy(), expected.transpose(0, 3, 1, 2))
    assert torch.equal(store.batch(np.array(indices)), batch)


def test_all_256_values_are_the_same_from_every_type(tmp_path: Path) -> None:
    values = np.resize(np.arange(256, dtype=np.uint8), PIXELS.shape)
    batches = []
    for name, patterns in {"u": values, "d": values / 255, "f": np.float32(values / 255), "w": values * 1.0}.items():
        store = PatternStore(foreign(tmp_path / f"{name}.h5", patterns=patterns))
        assert np.array_equal(store.pixels(1), values[1])
        batches.append(store.batch(range(34)))
    assert all(torch.equal(batch, batches[0]) for batch in batches)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (PIXELS, "uint8 0-255"),
        (PIXELS / 255, "float 0-1"),
        ((PIXELS / 255).astype(">f8"), "float 0-1"),
        (PIXELS / np.float32(255), "float 0-1"),
        (PIXELS.astype(np.float64), "float 0-255"),
        (PIXELS.astype(np.float16), "float 0-255"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.dtype),
)
@pytest.mark.parametrize("compressed", [False, True])
def test_three_ranges_are_read_and_named(
    tmp_path: Path, patterns: NDArray[np.generic], found: str, compressed: bool
) -> None:
    path = foreign(tmp_path / "a.h5", patterns=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("patterns", data=patterns, compression="gzip" if compressed else None)
    store = PatternStore(path)
    assert store.found == found
    assert (store._map is None) == compressed
    assert np.array_equal(store.pixels(7), PIXELS[7])
    assert torch.equal(store.batch([7])[0].mul(255).round(), torch.from_numpy(PIXELS[7]).permute(2, 0, 1).float())


def test_a_file_of_another_tool_has_what_it_has(tmp_path: Path) -> None:
    store = PatternStore(foreign(tmp_path / "a.h5"))
    assert (len(store), store.side, store.settings) == (34, SIDE, {})
    for index, name in enumerate(GROUP_NAMES):
        assert store.lattice(index) == Lattice.standard(plane_group(name).system)
        lattice = store.lattice(index)
        expected = {"group": name, "complexity": index, "lattice": (lattice.a, lattice.b, lattice.gamma)}
        assert store.metadata(index) == expected
    with pytest.raises(StoreError, match=r"splits\.npz: the splits are missing; write them with"):
        _ = store.splits
    save_splits(tmp_path / "splits.npz", stratified_split(store.labels))
    assert len(PatternStore(store.path).splits["train"]) == 17


def test_labels_follow_the_names_of_the_file(tmp_path: Path) -> None:
    order = [*GROUP_NAMES[:4], "pmm", "pmg", "pgg", "cm", *GROUP_NAMES[8:]]
    store = PatternStore(foreign(tmp_path / "a.h5", group_names=np.array(order, dtype="S4")))
    assert [store.group_names[label] for label in store.labels[:17]] == order
    full = [plane_group(name).full_symbol for name in order]
    store = PatternStore(foreign(tmp_path / "b.h5", group_names=full))
    assert [store.group_names[label] for label in store.labels[:17]] == order


def test_the_digest_of_a_foreign_file_is_stable_and_sees_changes(tmp_path: Path) -> None:
    changed = PIXELS.copy()
    changed[30, 0, 0, 0] ^= 1
    changes: list[dict[str, object]] = [
        {},
        {},
        {"patterns": changed},
        {"labels": np.zeros(34, int)},
        {"metadata/seed": np.arange(34)},
    ]
    digests = [PatternStore(foreign(tmp_path / f"{i}.h5", **change)).digest for i, change in enumerate(changes)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4
    assert len(digests[0]) == 16


def test_a_store_crosses_processes(tmp_path: Path) -> None:
    store = dataset(tmp_path)
    data = pickle.dumps(store)
    assert len(data) < 1000
    assert torch.equal(pickle.loads(data).batch([3]), store.batch([3]))


@pytest.mark.parametrize("indices", [[34], [-1], [0, 99]])
def test_indices_outside_are_refused(tmp_path: Path, indices: list[int]) -> None:
    store = PatternStore(foreign(tmp_path / "a.h5"))
    for read in (lambda: store.batch(indices), lambda: store.pixels(indices[-1]), lambda: store.lattice(indices[-1])):
        with pytest.raises(IndexError, match=rf"`0 <= index < 34` must hold, but got {indices[-1]}"):
            read()


def test_indices_that_are_none_are_refused(tmp_path: Path) -> None:
    store = PatternStore(foreign(tmp_path / "a.h5"))
    with pytest.raises(IndexError, match=r"at least one index must be given"):
        store.batch([])
    with pytest.raises(IndexError, match=r"must be whole numbers \(B,\), but got bool \(34,\)"):
        store.batch(np.ones(34, bool))


def test_a_missing_an_unfinished_and_a_foreign_kind_of_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(StoreError, match=r"a\.h5: no such file; check the path, or generate a dataset"):
        PatternStore(path)
    partial_path(path).write_bytes(b"")
    with pytest.raises(StoreError, match=r"a\.h5: unfinished: only a\.h5\.partial exists; generate again"):
        PatternStore(path)
    for content in (b"", b"hello", b"\x89PNG" * 1000):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"a\.h5: not an HDF5 file; check the path"):
            PatternStore(path)


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    store = dataset(tmp_path)
    content = store.path.read_bytes()
    store.path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(StoreError, match=r"patterns\.h5: truncated \(.*; copy or generate it again"):
        PatternStore(store.path)


def test_an_unfinished_file_is_refused_under_any_name(tmp_path: Path) -> None:
    store = dataset(tmp_path)
    with h5py.File(store.path, "r+") as file:
        file.attrs["complete"] = False
        file.attrs["written"] = 12
    with pytest.raises(StoreError, match=r"unfinished, 12 patterns are written; generate again with the same settings"):
        PatternStore(store.path)
    with h5py.File(store.path, "r+") as file:
        file.attrs["format_version"] = 1
    with pytest.raises(StoreError, match="must hold, but got 1; generate the dataset again, with --overwrite"):
        PatternStore(store.path)
    with h5py.File(store.path, "r+") as file:
        file.attrs["format_version"] = 9
    with pytest.raises(StoreError, match="`format_version == 2` must hold, but got 9; update wallpaper, or"):
        PatternStore(store.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patterns": None}, r"dataset `patterns`: missing; the file holds \['group_names', 'labels', 'metadata'\]"),
        ({"labels": None}, "dataset `labels`: missing"),
        ({"group_names": None}, "dataset `group_names`: missing"),
        ({"patterns": PIXELS[..., :1]}, r"must be \(N, n, n, 3\) .*, but got \(34, 16, 16, 1\); store RGB"),
        ({"patterns": PIXELS[:, :14, :14]}, r"n a multiple of 4, but got \(34, 14, 14, 3\)"),
        ({"patterns": PIXELS[:0]}, r"N > 0 .* but got \(0, 16, 16, 3\)"),
        ({"patterns": PIXELS.astype(int)}, "the type must be uint8 or float, but got int64"),
        ({"labels": np.arange(33) % 17}, r"dataset `labels`: must be integers \(34,\), but got int64 \(33,\)"),
        ({"labels": np.arange(34.0) % 17}, r"must be integers \(34,\), but got float64"),
        ({"labels": np.arange(34)}, "`0 <= label < 17` must hold, but got 17 at index 17"),
        ({"labels": np.arange(34) % 17 - 1}, "`0 <= label < 17` must hold, but got -1 at index 0"),
        ({"group_names": np.array(["p1", "p7"], "S4")}, "dataset `group_names`: unknown wallpaper group 'p7'"),
        ({"group_names": np.array(["p1", "p1"], "S4")}, r"names must differ, but got \['p1', 'p1'\]"),
        ({"metadata/complexity": np.arange(3)}, r"`metadata/complexity`: must have 34 rows, but got the shape \(3,\)"),
        ({"metadata/lattice": np.zeros((34, 3))}, "`metadata/lattice`: rows must be a > 0"),
        ({"metadata/lattice": np.full((34, 3), np.nan)}, "`metadata/lattice`: rows must be a > 0"),
    ],
)
def test_files_outside_the_layout_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = foreign(tmp_path / "a.h5", **changes)
    with pytest.raises(StoreError, match=r"a\.h5: .*" + message):
        PatternStore(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 300.0])
def test_floats_out_of_range_are_found_when_opened_or_read(tmp_path: Path, value: float) -> None:
    patterns = np.repeat(PIXELS / 255, 3, axis=0)
    labels = np.arange(102) % 17
    message = r"a\.h5: dataset `patterns`: `0 <= value <= (1|255)` must hold, but got .* in pattern {}; correct"
    patterns[0, 1, 2, 0] = value
    columns = {"labels": labels, "metadata/complexity": labels}
    with pytest.raises(StoreError, match=message.format(0)):
        PatternStore(foreign(tmp_path / "a.h5", patterns=patterns, **columns))
    patterns[0], patterns[1, 5, 5, 2] = 0, value
    store = PatternStore(foreign(tmp_path / "a.h5", patterns=patterns, **columns))
    assert store.found == "float 0-1"
    for read in (lambda: store.pixels(1), lambda: store.batch([0, 1])):
        with pytest.raises(StoreError, match=message.format(1)):
            read()


def test_compressed_data_that_is_damaged_is_refused_when_read(tmp_path: Path) -> None:
    path = foreign(tmp_path / "a.h5", patterns=None)
    with h5py.File(path, "a") as file:
        patterns = file.create_dataset("patterns", data=PIXELS, compression="gzip", chunks=(1, SIDE, SIDE, 3))
        chunk = patterns.id.get_chunk_info(3)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"pattern \[3\] cannot be read"):
        PatternStore(path).pixels(3)


def test_a_file_that_goes_or_shrinks_while_it_is_in_use_is_named_with_the_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = dataset(tmp_path)
    store.batch([3])
    monkeypatch.chdir("/")  # the path it was opened by need not lead there any more
    store.batch([3])
    content = store.path.read_bytes()
    store.path.write_bytes(content[: len(content) // 2])
    named = r"pattern 3 \(\w+\) cannot be read any more: "
    with pytest.raises(StoreError, match=named + r"truncated to \d+ of \d+ bytes; copy or generate it again"):
        store.batch([3, 1])
    store.path.unlink()
    with pytest.raises(StoreError, match=named + r"the file has gone \(No such file or directory\); put it back"):
        store.batch([3])
    store.path.write_bytes(content)
    store.batch([3])
