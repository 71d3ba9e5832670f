"""The HDF5 layout of a pattern file: names, types and attributes, and the error that names them.

`patterns`, `labels`, `group_names` and `metadata/{complexity, motif_size, motif_type}` are what any
tool of the field reads; `metadata/{lattice, seed, palette, redraws, refused, weakest_true,
strongest_false}` and the root attributes come on top.
Space is allocated when the file is made and metadata never moves afterwards, so a file whose writer
was killed stays readable. Knows nothing about generators or training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from wallpaper.pattern_files import PixelType
from wallpaper.patterns import FAULTS
from wallpaper.plane import GROUP_NAMES

FORMAT = "wallpaper-patterns"
FORMAT_VERSION = 2
"""2 adds what the judge measured and why designs were refused."""

DIGEST_LENGTH = 16

COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "labels": ("int64", ()),
    "metadata/complexity": ("int64", ()),
    "metadata/motif_size": ("int64", ()),
    "metadata/motif_type": ("S32", ()),
    "metadata/lattice": ("float64", (3,)),
    "metadata/seed": ("int64", ()),
    "metadata/palette": ("S128", ()),
    "metadata/redraws": ("int64", ()),
    "metadata/refused": ("int64", (len(FAULTS),)),
    "metadata/weakest_true": ("float64", ()),
    "metadata/strongest_false": ("float64", ()),
}
"""Type and shape of one row, for every dataset that has a row per pattern beside the pattern itself."""


class StoreError(ValueError):
    """A pattern file, its splits or its settings cannot be used; the message says where, why and what to do."""


def store_error(path: Path, dataset: str | None, problem: str, remedy: str) -> StoreError:
    """A `StoreError` in the one form: file, dataset, problem, remedy."""
    where = f"{path}: dataset `{dataset}`" if dataset else str(path)
    return StoreError(f"{where}: {problem}; {remedy}")


def partial_path(path: Path) -> Path:
    """Where the file lies while it is being written."""
    return path.with_name(path.name + ".partial")


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as JSON that is equal for equal settings."""
    return json.dumps(dict(settings), sort_keys=True)


def create(path: Path, count: int, side: int, dtype: PixelType, settings: str) -> h5py.File:
    """Make the file with every dataset at its full size; returns it open for writing."""
    file = h5py.File(path, "w")
    whole = _early_allocation()
    file.create_dataset("group_names", data=np.array(GROUP_NAMES, dtype=f"S{max(map(len, GROUP_NAMES))}"))
    for name, (kind, shape) in COLUMNS.items():
        file.create_dataset(name, (count, *shape), kind, dcpl=whole.copy())
    if dtype != "uint8":
        whole.set_chunk((1, side, side, 3))
    file.create_dataset("patterns", (count, side, side, 3), dtype, dcpl=whole)
    attributes: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "frame": "lattice",
        "generator": settings,
        "faults": json.dumps(FAULTS),
        "complete": False,
        "written": np.int64(0),
        "digest": np.bytes_(b"0" * DIGEST_LENGTH),
    }
    for key, value in attributes.items():
        file.attrs[key] = value
    file.flush()
    return file


def attributes_of(file: h5py.File) -> dict[str, Any]:
    """The root attributes as plain Python values; bytes become text."""
    return {key: _plain(value) for key, value in file.attrs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _early_allocation() -> Any:
    """Creation properties: space reserved at once, and left unwritten (a sparse file) until it is used."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return properties
