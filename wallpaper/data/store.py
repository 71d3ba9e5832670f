"""Reading a pattern file: validated when it is opened, one image at a time or in batches.

A contiguous dataset is read through a memory map at its offset in the file, so processes share one
copy in the page cache and nothing is loaded that is not asked for; anything else goes through h5py.
Takes files of other tools as well: uint8 0-255, float 0-1 or float 0-255, any order of groups.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from wallpaper.data.checks import (
    check_complete,
    check_frame,
    checked_labels,
    checked_metadata,
    checked_patterns,
    open_file,
)
from wallpaper.data.layout import DIGEST_LENGTH, FORMAT, attributes_of, store_error
from wallpaper.data.splits import SPLITS_FILE, Indices, load_splits
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group

RANGE_TOLERANCE = 1e-6
"""How far a float may lie outside its range, relative to the range: rounding in float32."""

PROBES = 16
"""Images looked at, evenly over the file, to tell float 0-1 from float 0-255."""

HASHED_IMAGES = 64
"""Images that enter the digest of a file that records none."""


class PatternStore:
    """A pattern file, open for reading. Holds labels and metadata; pixels stay on disk.

    Every read validates floats: finite and within the range that was found.
    """

    def __init__(self, path: Path | str, *, pictures: bool = False) -> None:
        """Open and check the file.

        Args: pictures: also take a file that says it holds pictures of the plane instead of cells.
        Raises: StoreError: missing, unfinished, truncated, not HDF5, or not in the layout; names the dataset.
        """
        self.path, self._pictures = Path(path), pictures
        with open_file(self.path) as file:
            self.attributes: dict[str, Any] = attributes_of(file)
            if not pictures:
                check_frame(self.path, self.attributes)
            if self._is_ours:
                check_complete(self.path, self.attributes)
            self._shape, self._dtype = checked_patterns(self.path, file)
            self.labels: Indices = checked_labels(self.path, file, self._shape[0])
            self._columns = checked_metadata(self.path, file, self._shape[0])
            offset = file["patterns"].id.get_offset()
        self._place = self.path.absolute()
        self._end = (offset or 0) + math.prod(self._shape) * self._dtype.itemsize
        self._map = self._memory_map(offset)
        self.found = self._find_range()

    def __len__(self) -> int:
        return int(self._shape[0])

    def __reduce__(self) -> tuple[partial[PatternStore], tuple[Path]]:
        return partial(PatternStore, pictures=self._pictures), (self.path,)

    @property
    def side(self) -> int:
        """Pixels n along each edge of the cell."""
        return int(self._shape[1])

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names that `labels` index: this library's order, whatever order the file has."""
        return GROUP_NAMES

    @property
    def holds_pictures(self) -> bool:
        """Whether the images are views of the plane: the file says so, or is another tool's and tells no lattices."""
        told = self.attributes.get("frame")
        return told == "cartesian" or (told is None and not self._is_ours and "lattice" not in self._columns)

    def column(self, name: str) -> NDArray[Any] | None:
        """A metadata column, one row a pattern, or None if the file has none of this name."""
        return self._columns.get(name)

    @property
    def settings(self) -> dict[str, Any]:
        """What made the patterns; empty for a file of another tool."""
        return dict(json.loads(self.attributes["generator"])) if self._is_ours else {}

    @cached_property
    def digest(self) -> str:
        """Short hexadecimal sha256 that stands for the whole content.

        Recorded when the file was written; for a file of another tool it covers shape, type, labels,
        every metadata column and up to 64 images spread over the file.
        """
        if self._is_ours:
            return str(self.attributes["digest"])
        total = hashlib.sha256(json.dumps([self._shape, str(self._dtype)]).encode())
        for column in (self.labels, *(self._columns[name] for name in sorted(self._columns))):
            total.update(column.tobytes())
        for index in _spread(len(self), HASHED_IMAGES):
            total.update(np.ascontiguousarray(self._raw(np.array([index]))).tobytes())
        return total.hexdigest()[:DIGEST_LENGTH]

    @cached_property
    def splits(self) -> dict[str, Indices]:
        """Indices of "train", "val" and "test", from `splits.npz` beside the file.

        Raises: StoreError: missing, unreadable, or of another dataset.
        """
        return load_splits(self.path.parent / SPLITS_FILE, len(self), digest=self.digest)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """One pattern, uint8 (n, n, 3), a copy.

        Raises: IndexError: no such pattern. StoreError: NaN or a value out of range.
        """
        indices = self._checked_indices([index])
        raw = self._validated(self._raw(indices), indices)[0]
        if raw.dtype != np.uint8:
            raw = np.rint(np.clip(raw.astype(np.float64) * (255 / self._top), 0, 255))
        return np.asarray(raw, dtype=np.uint8)

    def batch(self, indices: ArrayLike | Tensor, *, side: int | None = None) -> Tensor:
        """Patterns as float32 (B, 3, n, n) in [0, 1], in the order of `indices` (B,).

        Args:
            indices: any order, repeats allowed.
            side: n, a divisor of the store's; every k-th sample is taken, which keeps every operation exact.
        Raises: IndexError: no such pattern. StoreError: NaN or a value out of range. ValueError: `side`.
        """
        stride = self._stride(side)
        checked = self._checked_indices(indices)
        raw = self._validated(self._raw(checked)[:, ::stride, ::stride], checked)
        if raw.dtype == np.uint8:
            image = torch.from_numpy(raw).permute(0, 3, 1, 2)
            return image.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        unit = np.clip(raw.astype(np.float64) / self._top, 0, 1)  # in float64, so that the result is rounded once
        return torch.from_numpy(unit.astype(np.float32)).permute(0, 3, 1, 2).contiguous()

    def lattice(self, index: int) -> Lattice:
        """The pattern's lattice; the standard one of its group's system where the file has none."""
        index = int(self._checked_indices([index])[0])
        if "lattice" in self._columns:
            a, b, gamma = (float(value) for value in self._columns["lattice"][index])
            return Lattice(a, b, gamma)
        return Lattice.standard(plane_group(int(self.labels[index])).system)

    def metadata(self, index: int) -> dict[str, Any]:
        """Everything known about one pattern but its pixels, as plain values; columns the file lacks are left out."""
        index = int(self._checked_indices([index])[0])
        row: dict[str, Any] = {name: column[index].tolist() for name, column in self._columns.items()}
        row = {
            name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in row.items()
        }
        lattice = self.lattice(index)
        return {"group": GROUP_NAMES[self.labels[index]], **row, "lattice": (lattice.a, lattice.b, lattice.gamma)}

    @property
    def _is_ours(self) -> bool:
        return self.attributes.get("format") == FORMAT

    @property
    def _top(self) -> float:
        return 1.0 if self.found == "float 0-1" else 255.0

    def _stride(self, side: int | None) -> int:
        if side is None:
            return 1
        if side < 1 or self.side % side:
            raise ValueError(f"`side` must divide the store's {self.side}, but got {side}")
        return self.side // side

    def _memory_map(self, offset: int | None) -> NDArray[Any] | None:
        if offset is None:
            return None
        try:
            return np.memmap(self.path, dtype=self._dtype, mode="r", offset=offset, shape=self._shape)
        except (OSError, ValueError) as error:
            raise store_error(self.path, "patterns", f"truncated ({error})", "copy or generate it again") from error

    def _find_range(self) -> str:
        """Say what the numbers are: by type for uint8, by the largest of some images for floats."""
        if self._dtype == np.uint8:
            return "uint8 0-255"
        probes = _spread(len(self), PROBES)
        largest = max(float(np.nanmax(self._raw(np.array([index])), initial=0)) for index in probes)
        found = "float 0-1" if largest <= 1 + RANGE_TOLERANCE else "float 0-255"
        for index in probes:
            self._validated(self._raw(np.array([index])), np.array([index]), 1.0 if found == "float 0-1" else 255.0)
        return found

    def _raw(self, indices: Indices) -> NDArray[Any]:
        """(B, n, n, 3) as stored, a copy."""
        if self._map is not None:
            self._check_still_there(indices)
            return np.asarray(self._map[indices])
        with open_file(self.path) as file:  # opened anew: an HDF5 handle must not cross a fork
            try:
                return np.stack([file["patterns"][int(index)] for index in indices])
            except OSError as error:
                problem = f"pattern {indices.tolist()} cannot be read ({error})"
                raise store_error(self.path, "patterns", problem, "copy or generate it again") from error

    def _check_still_there(self, indices: Indices) -> None:
        """Reading a map beyond the end of its file would kill the process without a word."""
        try:
            size = os.stat(self._place).st_size
        except OSError as error:
            problem, remedy = f"the file has gone ({error.strerror})", "put it back and go on"
        else:
            if size >= self._end:
                return
            problem, remedy = f"truncated to {size} of {self._end} bytes", "copy or generate it again"
        first = int(indices[0])
        which = f"pattern {first} ({GROUP_NAMES[self.labels[first]]}) cannot be read any more"
        raise store_error(self.path, "patterns", f"{which}: {problem}", remedy)

    def _validated(self, raw: NDArray[Any], indices: Indices, top: float | None = None) -> NDArray[Any]:
        if raw.dtype == np.uint8:
            return raw
        top = self._top if top is None else top
        margin = top * RANGE_TOLERANCE
        wrong = ~((raw >= -margin) & (raw <= top + margin))  # NaN compares false
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            problem = f"`0 <= value <= {top:g}` must hold, but got {raw[place]} in pattern {indices[place[0]]}"
            raise store_error(self.path, "patterns", problem, "correct the values, or store uint8")
        return raw

    def _checked_indices(self, indices: ArrayLike | Tensor) -> Indices:
        array = np.asarray(indices)
        if array.size == 0:
            raise IndexError("at least one index must be given, but got none")
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise IndexError(f"indices must be whole numbers (B,), but got {array.dtype} {array.shape}")
        if array.min() < 0 or array.max() >= len(self):
            wrong = array[(array < 0) | (array >= len(self))][0]
            raise IndexError(f"`0 <= index < {len(self)}` must hold, but got {wrong}")
        return array.astype(np.int64)


def _spread(count: int, most: int) -> Indices:
    """At most `most` indices, evenly over 0..count-1."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
