"""A store of patterns as an HDF5 file that any tool reads: square images, labels, names of groups, metadata.

The frame "cartesian" holds pictures of the plane with true angles and several cells, "lattice" the cells as they are.
`splits.npz` lies beside it. The file is written under another name and appears only when it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from wallpaper.data.archive import write_npz
from wallpaper.data.layout import store_error
from wallpaper.data.splits import SPLIT_NAMES, SPLITS_FILE, stratified_split
from wallpaper.data.store import PatternStore
from wallpaper.pattern_files import FRAMES, PIXEL_TYPES, Frame, PixelType
from wallpaper.pictures.export import FEWEST_CELLS, Progress
from wallpaper.pictures.files import replacing
from wallpaper.pictures.render import render
from wallpaper.plane import GROUP_NAMES

COMPRESSION = 4
"""gzip level: higher ones take several times as long for a few per cent."""

NUMBERS = ("complexity", "motif_size")


def export_file(
    store: PatternStore,
    path: str | os.PathLike[str],
    *,
    frame: Frame = "cartesian",
    dtype: PixelType = "float64",
    size: int = 256,
    cells: float = FEWEST_CELLS,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
    workers: int | None = None,
) -> None:
    """Write every pattern of the store, in its order, with the store's splits (or new ones if it has none).

    `patterns` (N, size, size, 3) in [0, 1] (uint8: 0-255), `labels` int64, `group_names` bytes in the order of
    `GROUP_NAMES`, `metadata/{complexity, motif_size, motif_type, lattice}`.

    Args:
        size: pixels of a side; in the lattice frame the store's own samples are written.
        cells: cells across a picture.
        overwrite: replace the file and the splits beside it.
        workers: threads that draw (default: one per processor, at most 8).
    Raises: StoreError: the path or its folder's splits are taken. ValueError: another frame or type, or cells < 3.
    """
    target = Path(path)
    if frame not in FRAMES or dtype not in PIXEL_TYPES:
        raise ValueError(f"`frame in {FRAMES}` and `dtype in {PIXEL_TYPES}` must hold, but got {frame!r} and {dtype!r}")
    if not cells >= FEWEST_CELLS:
        raise ValueError(f"`cells >= {FEWEST_CELLS}` must hold for the lattice to be found, but got {cells}")
    _refuse_existing(store, target, overwrite)
    splits = _splits(store)
    with replacing(target) as temporary:
        with h5py.File(temporary, "w") as file:
            side = size if frame == "cartesian" else store.side
            file.attrs.update({"frame": frame} | ({"cells": cells} if frame == "cartesian" else {}))
            _write_columns(file, store)
            images = file.create_dataset(
                "patterns",
                (len(store), side, side, 3),
                dtype,
                chunks=(1, side, side, 3),
                compression="gzip",
                compression_opts=COMPRESSION,
            )
            drawn = (
                _drawn(store, size, cells, workers) if frame == "cartesian" else map(store.pixels, range(len(store)))
            )
            for index, image in enumerate(drawn):
                images[index] = image if dtype == "uint8" else image / 255.0
                progress(index + 1, len(store))
        write_npz(target.parent / SPLITS_FILE, {name: splits[name] for name in SPLIT_NAMES})


def _refuse_existing(store: PatternStore, target: Path, overwrite: bool) -> None:
    if target.resolve().parent == store.path.resolve().parent:
        problem = f"the folder is that of {store.path.name}, whose {SPLITS_FILE} it has"
        raise store_error(target, None, problem, "give the exported file a folder of its own")
    for taken in (target, target.parent / SPLITS_FILE):
        if taken.exists() and not overwrite:
            raise store_error(taken, None, "exists already", "choose another folder or overwrite it")


def _splits(store: PatternStore) -> dict[str, NDArray[np.int64]]:
    """The store's own; new ones for a file that came without."""
    if (store.path.parent / SPLITS_FILE).exists():
        return store.splits
    return stratified_split(store.labels)


def _write_columns(file: h5py.File, store: PatternStore) -> None:
    rows = [store.metadata(index) for index in range(len(store))]
    columns: dict[str, NDArray[Any]] = {
        "labels": store.labels.astype(np.int64),
        "group_names": np.array(GROUP_NAMES, dtype=f"S{max(map(len, GROUP_NAMES))}"),
        "metadata/motif_type": np.array([str(row.get("motif_type", "")).encode() for row in rows], dtype="S32"),
        "metadata/lattice": np.array([row["lattice"] for row in rows], dtype=np.float64),
    }
    for name in NUMBERS:
        columns[f"metadata/{name}"] = np.array([row.get(name, 0) for row in rows], dtype=np.int64)
    for name, values in columns.items():
        file.create_dataset(name, data=values)


def _drawn(store: PatternStore, size: int, cells: float, workers: int | None) -> Iterator[NDArray[np.uint8]]:
    """(size, size, 3) pictures in the store's order, drawn by threads, a few ahead of the writer."""
    threads = workers or min(8, os.cpu_count() or 1)

    def task(index: int) -> Callable[[], NDArray[np.uint8]]:
        pixels, lattice = store.pixels(index), store.lattice(index)  # read by this thread alone
        return lambda: render(pixels, lattice, size=size, cells=cells)

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(store), 4 * threads):
            tasks = [task(index) for index in range(start, min(start + 4 * threads, len(store)))]
            yield from pool.map(lambda draw: draw(), tasks)
