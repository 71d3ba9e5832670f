"""Writing a pattern file: one pattern after the other, resumable, in memory that does not grow with N.

The file carries the suffix `.partial` until its last pattern is on disk and is then renamed, so a
file with its proper name is always whole. Patterns are flushed before the count of them is, so an
interrupted file holds at least what it says. Knows nothing about where patterns come from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from wallpaper.data.layout import (
    COLUMNS,
    DIGEST_LENGTH,
    FORMAT,
    FORMAT_VERSION,
    attributes_of,
    create,
    partial_path,
    settings_text,
    store_error,
)
from wallpaper.data.splits import SPLITS_FILE, save_splits, stratified_split
from wallpaper.pattern_files import PIXEL_TYPES, PixelType
from wallpaper.patterns import Pattern
from wallpaper.plane import plane_group

BUFFER_BYTES = 2**24
"""Pixels held back before they are flushed; a killed writer loses at most these, or 64 patterns."""


class PatternWriter:
    """Appends patterns to a file of known size; a context manager.

    Leaving the block after the last pattern finishes the file: digest, `splits.npz` beside it, final
    name. Leaving it earlier, by an error or not, keeps what was appended in the `.partial` file, and
    the next writer with the same settings goes on from there: `written` says where.
    """

    def __init__(
        self,
        path: Path | str,
        count: int,
        side: int,
        *,
        settings: Mapping[str, object],
        dtype: PixelType = "uint8",
        split_seed: int = 0,
        resume: bool = True,
        overwrite: bool = False,
    ) -> None:
        """Open or continue the file.

        Args:
            path: the finished file; its folder is made if need be.
            count: number of patterns N.
            side: pixels n along each cell edge, a multiple of 4.
            settings: what made the patterns, JSON-serialisable; an unfinished file must have the same.
            dtype: "uint8" (0-255) or "float64" (0-1).
            split_seed: seed of the stratified splits.
            resume: continue an unfinished file.
            overwrite: drop an unfinished file, and replace a finished one once the new one is whole.
        Raises: StoreError: the file exists, an unfinished one does not match, or the disk is too small.
        """
        self.path, self.count, self.side, self.dtype = Path(path), count, side, dtype
        self._settings, self._split_seed = settings_text(settings), split_seed
        self._check_arguments()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = partial_path(self.path)
        if overwrite:
            self._partial.unlink(missing_ok=True)
        self._refuse_existing(resume, overwrite)
        self._file = self._reopen() if self._partial.exists() else self._create()
        self._flushed = int(self._file.attrs["written"])
        self._rows: list[Pattern] = []
        self._buffer = max(1, min(64, BUFFER_BYTES // self._image_bytes))
        self._hash = self._hash_of_written()

    @property
    def written(self) -> int:
        """Patterns appended so far, those of an earlier writer included; the next one's index."""
        return self._flushed + len(self._rows)

    def stored(self) -> Iterator[NDArray[np.uint8]]:
        """Pixels of the patterns an earlier writer left, in order, as they were appended."""
        for index in range(self._flushed):
            pixels = self._file["patterns"][index]
            yield pixels if self.dtype == "uint8" else np.rint(pixels * 255).astype(np.uint8)

    def append(self, pattern: Pattern) -> None:
        """Add one pattern at index `written`.

        Raises: StoreError: the file is full, or the pattern does not fit the layout. ValueError: unknown group.
        """
        if self.written >= self.count:
            raise store_error(self._partial, None, f"all {self.count} patterns are there already", "ask for more")
        self._check_pattern(pattern)
        self._rows.append(pattern)
        if len(self._rows) >= self._buffer:
            self.flush()

    def flush(self) -> None:
        """Bring everything appended to disk; what was flushed survives a killed process."""
        if not self._rows:
            return
        start, stop = self._flushed, self.written
        for name, values in _columns(self._rows).items():
            self._file[name][start:stop] = values
        pixels = np.stack([pattern.pixels for pattern in self._rows])
        stored = pixels if self.dtype == "uint8" else pixels / 255.0
        self._file["patterns"][start:stop] = stored
        self._hash.update(stored)
        self._file.flush()
        self._file.attrs.modify("written", np.int64(stop))
        self._file.flush()
        self._flushed, self._rows = stop, []

    def close(self) -> None:
        """Flush and close; finish the file if it is whole, and remove it if nothing is in it."""
        if not self._file:
            return
        self.flush()
        if self._flushed < self.count:
            self._file.close()
            if not self._flushed:
                self._partial.unlink()
            return
        digest = self._digest()
        self._file.attrs.modify("digest", np.bytes_(digest.encode()))
        self._file.attrs.modify("complete", True)
        labels = self._file["labels"][:]
        self._file.close()
        _sync(self._partial)
        splits = stratified_split(labels, seed=self._split_seed)
        save_splits(self.path.parent / SPLITS_FILE, splits, digest=digest)
        os.replace(self._partial, self.path)

    def __enter__(self) -> PatternWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _image_bytes(self) -> int:
        return self.side * self.side * 3 * np.dtype(self.dtype).itemsize

    def _check_arguments(self) -> None:
        if self.dtype not in PIXEL_TYPES:
            raise store_error(
                self.path, "patterns", f"unknown `dtype` {self.dtype!r}", f"one of {', '.join(PIXEL_TYPES)}"
            )
        if self.count < 1:
            raise store_error(self.path, None, f"`count >= 1` must hold, but got {self.count}", "ask for more")
        if self.side < 4 or self.side % 4:
            raise store_error(self.path, None, f"`side % 4 == 0` must hold, but got {self.side}", "use a multiple of 4")

    def _check_pattern(self, pattern: Pattern) -> None:
        plane_group(pattern.group)
        shape = (self.side, self.side, 3)
        if pattern.pixels.shape != shape or pattern.pixels.dtype != np.uint8:
            problem = f"a pattern must be uint8 {shape}, but got {pattern.pixels.dtype} {pattern.pixels.shape}"
            raise store_error(self._partial, "patterns", problem, "generate it with this side")
        for column, text in (("motif_type", pattern.motif_type), ("palette", pattern.palette)):
            room = np.dtype(COLUMNS[f"metadata/{column}"][0]).itemsize
            if len(text.encode()) > room:
                problem = f"longer than {room} bytes: {text!r}"
                raise store_error(self._partial, f"metadata/{column}", problem, "shorten it")

    def _refuse_existing(self, resume: bool, overwrite: bool) -> None:
        if self.path.exists() and not overwrite:
            raise store_error(self.path, None, "exists already", "choose another path or overwrite it")
        if self._partial.exists() and not resume:
            raise store_error(
                self._partial, None, "an unfinished file is in the way", "resume it, overwrite it or remove it"
            )
        splits = self.path.parent / SPLITS_FILE
        if splits.exists() and not overwrite and not self._partial.exists():
            problem = f"{SPLITS_FILE} of another dataset is in the same folder"
            raise store_error(self.path, None, problem, "give each dataset a folder of its own")

    def _create(self) -> h5py.File:
        needed, free = self.count * self._image_bytes, shutil.disk_usage(self.path.parent).free
        if needed > free:
            problem = f"{self.count} patterns need {needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free"
            raise store_error(self.path, "patterns", problem, "free some space or ask for fewer or smaller patterns")
        return create(self._partial, self.count, self.side, self.dtype, self._settings)

    def _reopen(self) -> h5py.File:
        """The unfinished file, open for writing, if it is readable, ours and made with the same settings."""
        remedy = "run again with the settings of the unfinished file, or overwrite it"
        try:
            file = h5py.File(self._partial, "r+")
        except BlockingIOError as error:
            raise store_error(self._partial, None, "another process is writing it", "wait for it") from error
        except OSError as error:
            raise store_error(
                self._partial, None, f"the unfinished file is damaged ({error})", "overwrite it"
            ) from error
        problem = self._mismatch(file)
        if problem:
            empty = file.attrs.get("written", -1) == 0
            file.close()
            if empty:
                return self._create()
            raise store_error(self._partial, None, f"cannot be resumed: {problem}", remedy)
        return file

    def _mismatch(self, file: h5py.File) -> str:
        """What differs between the unfinished file and this writer's arguments; empty if nothing does."""
        found = attributes_of(file)
        if (found.get("format"), found.get("format_version")) != (FORMAT, FORMAT_VERSION) or "patterns" not in file:
            return f"it is not a {FORMAT} file of version {FORMAT_VERSION}"
        patterns = file["patterns"]
        before: dict[str, Any] = json.loads(found["generator"])
        now: dict[str, Any] = json.loads(self._settings)
        before |= {"shape": list(patterns.shape), "dtype": str(patterns.dtype)}
        now |= {"shape": [self.count, self.side, self.side, 3], "dtype": self.dtype}
        differing = [key for key in sorted(before | now) if before.get(key) != now.get(key)]
        return ", ".join(f"`{key}` is {before.get(key)!r} there, but {now.get(key)!r} was asked" for key in differing)

    def _hash_of_written(self) -> Any:
        """sha256 over the settings and every stored pattern; an earlier writer's are read back."""
        header = [FORMAT, FORMAT_VERSION, self.count, self.side, self.dtype, self._settings]
        total = hashlib.sha256(json.dumps(header).encode())
        for start in range(0, self._flushed, self._buffer):
            total.update(self._file["patterns"][start : min(start + self._buffer, self._flushed)])
        return total

    def _digest(self) -> str:
        total = self._hash.copy()
        for name in COLUMNS:
            total.update(np.ascontiguousarray(self._file[name][:]).tobytes())
        return str(total.hexdigest()[:DIGEST_LENGTH])


def _columns(rows: list[Pattern]) -> dict[str, NDArray[Any]]:
    """The rows as one array per dataset of `COLUMNS`."""
    values: dict[str, list[Any]] = {
        "labels": [plane_group(row.group).index for row in rows],
        "metadata/complexity": [row.complexity for row in rows],
        "metadata/motif_size": [row.motif_size for row in rows],
        "metadata/motif_type": [row.motif_type.encode() for row in rows],
        "metadata/lattice": [(row.lattice.a, row.lattice.b, row.lattice.gamma) for row in rows],
        "metadata/seed": [row.seed for row in rows],
        "metadata/palette": [row.palette.encode() for row in rows],
        "metadata/redraws": [row.redraws for row in rows],
        "metadata/refused": [row.refused for row in rows],
        "metadata/weakest_true": [row.weakest_true for row in rows],
        "metadata/strongest_false": [row.strongest_false for row in rows],
    }
    return {name: np.array(values[name], dtype=kind) for name, (kind, _) in COLUMNS.items()}


def _sync(path: Path) -> None:
    """Ask the disk for the file before its name says that it is whole."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
