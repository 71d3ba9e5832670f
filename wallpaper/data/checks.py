"""What a pattern file must satisfy before it is read; every failure names the file, the dataset and the remedy.

Covers files of this library and of other tools, which have `patterns`, `labels`, `group_names` and perhaps no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from wallpaper.data.layout import FORMAT_VERSION, StoreError, partial_path, store_error
from wallpaper.data.splits import Indices
from wallpaper.plane import plane_group

MOST_PATTERNS = 10**8
MOST_SAMPLES = 2**26
"""Of one image, all channels: a cell of 4096 samples a side, or a picture of as many. A compressed file of a few
kilobytes can claim any size, so sizes are bounded before anything is read."""

MOST_NAMES = 1000

MOST_IN_ROW = 2**16
"""Bytes of one row of a metadata column."""


@contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """Open for reading in a `with` statement; what is found damaged in it is a StoreError too.

    Raises: StoreError: missing, unfinished, truncated, damaged or not HDF5.
    """
    with _opened(path) as file:
        try:
            yield file
        except StoreError:
            raise
        except _DAMAGE as error:
            problem = f"damaged ({type(error).__name__}: {error})"
            raise store_error(path, None, problem, "copy or generate it again") from error


_DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError)
"""What h5py raises where a file contradicts itself: `python -m benchmarks.fuzz_readers` finds them."""


def _opened(path: Path) -> h5py.File:
    if not path.is_file():
        if partial_path(path).is_file():
            remedy = "generate again with the same settings to resume it"
            raise store_error(path, None, f"unfinished: only {partial_path(path).name} exists", remedy)
        raise store_error(path, None, "no such file", "check the path, or generate a dataset")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if "truncated" in str(error):
            raise store_error(path, None, f"truncated ({error})", "copy or generate it again") from error
        if not h5py.is_hdf5(path):
            raise store_error(path, None, "not an HDF5 file", "check the path") from error
        raise store_error(path, None, f"cannot be opened ({error})", "copy or generate it again") from error


def dataset(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """The dataset of this name, whose content lies in the file itself.

    Raises: StoreError: there is none, or its content is to be taken from other files: a file from somewhere must not
        decide which files of this machine are read.
    """
    item = None if _leads_away(file, name) else file.get(name)
    if not isinstance(item, h5py.Dataset):
        problem = f"missing; the file holds {sorted(file)[:20]}"
        raise store_error(path, name, problem, "add it, or check that this is a file of patterns")
    if item.external or item.is_virtual:
        raise store_error(path, name, "its content lies in other files", "copy the content into this file")
    return item


def _leads_away(file: h5py.File, name: str) -> bool:
    """Whether a link on the way to `name` goes to another file."""
    parts = name.split("/")
    ways = ("/".join(parts[: k + 1]) for k in range(len(parts)))
    return any(isinstance(file.get(way, getlink=True), h5py.ExternalLink) for way in ways)


def check_complete(path: Path, attributes: dict[str, Any]) -> None:
    """For a file of this library. Raises: StoreError: another version, or unfinished."""
    version = attributes.get("format_version")
    if version != FORMAT_VERSION:
        problem = f"`format_version == {FORMAT_VERSION}` must hold, but got {version}"
        older = isinstance(version, int) and version < FORMAT_VERSION
        remedy = "generate the dataset again, with --overwrite" if older else "update wallpaper, or generate it again"
        raise store_error(path, None, problem, remedy)
    if not attributes.get("complete"):
        problem = f"unfinished, {attributes.get('written')} patterns are written"
        raise store_error(path, None, problem, "generate again with the same settings to resume it")


def check_frame(path: Path, attributes: dict[str, Any]) -> None:
    """Cells are wanted, not views of the plane. Raises: StoreError: the file says that it holds pictures."""
    if attributes.get("frame") == "cartesian":
        problem = "it holds pictures of the plane, not cells in lattice coordinates"
        raise store_error(path, "patterns", problem, "bring them into the lattice frame with `wallpaper import`")


def checked_patterns(path: Path, file: h5py.File) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape (N, n, n, 3) and type of the images. Raises: StoreError: they are no RGB cells."""
    patterns = dataset(path, file, "patterns")
    shape, dtype = tuple(int(size) for size in patterns.shape), patterns.dtype
    remedy = "store RGB cells of a multiple of 4 pixels a side"
    if len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2] or shape[1] % 4 or min(shape) == 0:
        problem = f"the shape must be (N, n, n, 3) with N > 0 and n a multiple of 4, but got {shape}"
        raise store_error(path, "patterns", problem, remedy)
    if dtype != np.uint8 and dtype.kind != "f":
        problem = f"the type must be uint8 or float, but got {dtype}"
        raise store_error(path, "patterns", problem, "store uint8 0-255, or float 0-1 or 0-255")
    check_size(path, shape)
    return shape, dtype


def check_size(path: Path, shape: tuple[int, ...]) -> None:
    """Of `patterns`. Raises: StoreError: more images, or larger ones, than anybody has."""
    if shape[0] > MOST_PATTERNS or math.prod(shape[1:]) > MOST_SAMPLES:
        problem = f"must be at most {MOST_PATTERNS} images of {MOST_SAMPLES} samples, but got {shape}"
        raise store_error(path, "patterns", problem, "divide the file, or shrink its images")


def checked_labels(path: Path, file: h5py.File, count: int) -> Indices:
    """(N,) labels in this library's order of groups, translated by the file's own `group_names`.

    Raises: StoreError: no labels, or a name or an index that means no group.
    """
    stored, named = (dataset(path, file, name) for name in ("labels", "group_names"))
    if stored.shape != (count,) or stored.dtype.kind not in "iu":
        problem = f"must be integers ({count},), but got {stored.dtype} {stored.shape}"
        raise store_error(path, "labels", problem, "store one group index per pattern")
    if named.size is None or named.size > MOST_NAMES:
        raise store_error(path, "group_names", f"must be a list of names, but got {named.shape}", "store 17 symbols")
    labels, names = stored[()], np.asarray(named[()])
    texts = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names.ravel()]
    try:
        order = np.array([plane_group(text).index for text in texts], dtype=np.int64)
    except ValueError as error:
        raise store_error(path, "group_names", str(error), "store the groups' short symbols") from error
    if len(set(order.tolist())) < len(order):
        raise store_error(path, "group_names", f"names must differ, but got {texts}", "store each group once")
    outside = np.flatnonzero((labels < 0) | (labels >= len(order)))
    if len(outside):
        problem = f"`0 <= label < {len(order)}` must hold, but got {labels[outside[0]]} at index {outside[0]}"
        raise store_error(path, "labels", problem, "store indices into `group_names`")
    return np.asarray(order[labels])


def checked_metadata(path: Path, file: h5py.File, count: int) -> dict[str, NDArray[Any]]:
    """Every column under `metadata`, by name. Raises: StoreError: not a row per pattern, or an impossible lattice."""
    if _leads_away(file, "metadata") or not isinstance(file.get("metadata"), h5py.Group):
        return {}
    columns = {name: _column(path, file, name, count) for name in file["metadata"] if not _is_group(file, name)}
    lattice = columns.get("lattice")
    if lattice is not None:
        sound = lattice.ndim == 2 and lattice.shape[1] == 3 and np.isfinite(lattice).all()
        if not (sound and (lattice > 0).all() and (lattice[:, 2] < 180).all()):
            problem = "rows must be a > 0, b > 0 and 0 < gamma < 180 degrees"
            raise store_error(path, "metadata/lattice", problem, "correct it, or leave it out")
    return columns


def _is_group(file: h5py.File, name: str) -> bool:
    """Groups below `metadata` are another tool's matter."""
    return not _leads_away(file, f"metadata/{name}") and isinstance(file["metadata"].get(name), h5py.Group)


def _column(path: Path, file: h5py.File, name: str, count: int) -> NDArray[Any]:
    """One column, checked before it is read. Raises: StoreError: see `checked_metadata`."""
    full = f"metadata/{name}"
    stored = dataset(path, file, full)
    if stored.shape is None or stored.shape[:1] != (count,):
        problem = f"must have {count} rows, but got the shape {stored.shape}"
        raise store_error(path, full, problem, "store one row per pattern")
    if math.prod(stored.shape[1:]) * stored.dtype.itemsize > MOST_IN_ROW:
        problem = f"a row must have at most {MOST_IN_ROW} bytes, but got {stored.dtype} {stored.shape[1:]}"
        raise store_error(path, full, problem, "leave it out")
    return np.asarray(stored[()])
