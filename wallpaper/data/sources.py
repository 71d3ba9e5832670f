"""Where pictures to import come from: folders sorted by group, single files, HDF5 files of square images.

A picture's claim is the group that its folder or label says it has. Everything found is either an item or listed as
passed over. Knows nothing about what is done with the pictures.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from wallpaper.data.checks import check_size, checked_labels, dataset, open_file
from wallpaper.data.layout import attributes_of, store_error
from wallpaper.data.store import PROBES, RANGE_TOLERANCE
from wallpaper.judge import read_picture
from wallpaper.plane import GROUP_NAMES, plane_group

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".ppm", ".pgm")
"""Files of a folder that are taken for pictures; a file that is named itself may have any suffix."""

HDF5_SUFFIXES = (".h5", ".hdf5")

AT_ONCE = 8
"""Pictures that one task of a worker reads, unless the file stores more of them as one block."""

MOST_BYTES = 2 * 10**8
"""Of pictures read at once."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture to import."""

    path: Path
    index: int | None = None
    """Row of an HDF5 file's `patterns`; None for a picture file."""
    claim: str | None = None
    """Short symbol of the group that its folder or label says."""
    top: float = 1.0
    """What full intensity is, for floats."""

    @property
    def name(self) -> str:
        """The picture as messages name it."""
        return str(self.path) if self.index is None else f"{self.path}[{self.index}]"


@dataclass(slots=True)
class Sources:
    """What was found."""

    batches: list[list[Item]] = field(default_factory=list)
    """Items in order; a batch is read at once."""
    passed_over: list[str] = field(default_factory=list)
    """Files of the folders that are no pictures by their names."""
    unknown_folders: dict[str, int] = field(default_factory=dict)
    """Folders whose names are no groups, and how many pictures therefore have no claim."""

    @property
    def count(self) -> int:
        """Pictures in all."""
        return sum(len(batch) for batch in self.batches)


def find_pictures(inputs: Sequence[Path | str]) -> Sources:
    """All pictures of the given folders and files, in an order that depends on nothing but their names.

    Raises: StoreError: an HDF5 file that is not whole or not in the layout. FileNotFoundError. ValueError: no pictures.
    """
    found = Sources()
    for path in map(Path, inputs):
        if path.is_dir():
            found.batches += _split(_folder_items(path, found))
        elif not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder; check the path")
        elif path.suffix.lower() in HDF5_SUFFIXES or h5py.is_hdf5(path):
            found.batches += _file_batches(path)
        else:
            found.batches.append([Item(path)])
    if not found.count:
        named = ", ".join(map(str, inputs)) or "nothing"
        other = f"; passed over: {', '.join(found.passed_over[:5])}" if found.passed_over else ""
        raise ValueError(f"{named}: no pictures found; give {', '.join(PICTURE_SUFFIXES[:5])} or .h5 files{other}")
    return found


def read_items(batch: Sequence[Item]) -> Iterator[tuple[Item, NDArray[np.generic] | ValueError]]:
    """Each picture, uint8, uint16 or float32 in [0, 1], or the error that says what is wrong with it."""
    if batch[0].index is None:
        for item in batch:
            try:
                yield item, read_picture(item.path)
            except (ValueError, OSError) as error:
                yield item, error if isinstance(error, ValueError) else ValueError(f"{item.path}: {error}")
        return
    for item, image in zip(batch, _rows(batch), strict=True):
        try:
            yield item, _unit(item, image)
        except ValueError as error:
            yield item, error


def _folder_items(root: Path, found: Sources) -> list[Item]:
    """The pictures below a folder; the nearest folder that is named after a group makes the claim."""
    items = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        place = Path(folder)
        claim = _claim(root, place)
        pictures = [name for name in sorted(files) if name.lower().endswith(PICTURE_SUFFIXES)]
        found.passed_over += [str(place / name) for name in sorted(files) if name not in pictures]
        items += [Item(place / name, claim=claim) for name in pictures]
        if pictures and claim is None and place != root:
            found.unknown_folders[str(place)] = len(pictures)
    return items


def _claim(root: Path, folder: Path) -> str | None:
    names = [root.resolve().name, *folder.relative_to(root).parts]
    return next((group for group in map(_group, reversed(names)) if group), None)


def _group(name: str) -> str | None:
    try:
        return plane_group(name.lower()).name
    except ValueError:
        return None


def _split(items: list[Item]) -> list[list[Item]]:
    return [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]


def _file_batches(path: Path) -> list[list[Item]]:
    """The pictures of an HDF5 file, in blocks that its storage favours."""
    with open_file(path) as file:
        if attributes_of(file).get("frame") == "lattice":
            problem = "it holds cells in lattice coordinates already, not pictures"
            raise store_error(path, "patterns", problem, "use the file as it is")
        images = _checked_images(path, file)
        count = int(images.shape[0])
        labels = checked_labels(path, file, count)
        top = _top(path, images)
        block = _block(images)
    items = [Item(path, index, GROUP_NAMES[label], top) for index, label in enumerate(labels.tolist())]
    return [items[start : start + block] for start in range(0, count, block)]


def _block(images: h5py.Dataset) -> int:
    """Pictures read at once: those that the file stores together, as long as they fit into memory easily."""
    together = AT_ONCE if images.chunks is None else max(AT_ONCE, int(images.chunks[0]))
    fit = MOST_BYTES // (math.prod(images.shape[1:]) * int(images.dtype.itemsize))
    return int(max(1, min(together, fit)))


def _checked_images(path: Path, file: h5py.File) -> h5py.Dataset:
    """Raises: StoreError: `patterns` is missing, or does not hold pictures."""
    images = dataset(path, file, "patterns")
    shape = tuple(int(size) for size in images.shape)
    if len(shape) not in (3, 4) or min(shape) == 0 or (len(shape) == 4 and shape[3] not in (1, 3)):
        problem = f"the shape must be (N, H, W, 3), (N, H, W, 1) or (N, H, W), but got {shape}"
        raise store_error(path, "patterns", problem, "store one picture a row, channels last")
    if images.dtype not in (np.uint8, np.uint16) and images.dtype.kind != "f":
        problem = f"the type must be uint8, uint16 or float, but got {images.dtype}"
        raise store_error(path, "patterns", problem, "store uint8 0-255, or float 0-1 or 0-255")
    check_size(path, shape)
    return images


def _top(path: Path, images: h5py.Dataset) -> float:
    """Full intensity of floats, 1 or 255: what most of some pictures over the file say, so that one cannot mislead.

    Raises: StoreError: neither fits.
    """
    if images.dtype.kind != "f":
        return 1.0
    lows, highs = [], []
    for place in np.unique(np.linspace(0, images.shape[0] - 1, min(images.shape[0], PROBES)).round().astype(int)):
        with suppress(OSError):  # a damaged block is a matter of its own pictures
            probe = images[int(place)]
            finite = probe[np.isfinite(probe)]
            lows.append(float(finite.min(initial=0)))
            highs.append(float(finite.max(initial=0)))
    low, high = (statistics.median_low(ends or [0.0]) for ends in (lows, highs))
    if low < -RANGE_TOLERANCE * 255 or high > 255 * (1 + RANGE_TOLERANCE):
        problem = f"values must be in 0-1 or 0-255, but got {low:.4g} to {high:.4g}"
        raise store_error(path, "patterns", problem, "scale them to 0-1")
    return 1.0 if high <= 1 + RANGE_TOLERANCE else 255.0


def _rows(batch: Sequence[Item]) -> Iterator[NDArray[np.generic] | OSError]:
    """The rows of one HDF5 file: all at once, or one by one if that fails, so that one bad block spoils no other."""
    first, last = batch[0].index or 0, batch[-1].index or 0
    with open_file(batch[0].path) as file:
        images = file["patterns"]
        try:
            yield from images[first : last + 1]
            return
        except OSError:
            pass
        for index in range(first, last + 1):
            try:
                row: NDArray[np.generic] | OSError = images[index]
            except OSError as error:
                row = error
            yield row


def _unit(item: Item, image: NDArray[np.generic] | OSError) -> NDArray[np.generic]:
    """The picture in a form that the judge takes. Raises: StoreError: unreadable, NaN or out of range."""
    if isinstance(image, OSError):
        raise store_error(item.path, "patterns", f"picture {item.index} cannot be read ({image})", "copy it again")
    if image.dtype.kind != "f":
        return image
    values = image.astype(np.float64)
    margin = RANGE_TOLERANCE * item.top
    wrong = ~((values >= -margin) & (values <= item.top + margin))  # NaN compares false
    if wrong.any():
        value = values[wrong].flat[0]
        problem = f"`0 <= value <= {item.top:g}` must hold, but got {value} in picture {item.index}"
        raise store_error(item.path, "patterns", problem, "correct the values")
    return np.asarray(np.clip(values / item.top, 0, 1), dtype=np.float32)
