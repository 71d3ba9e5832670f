"""What `wallpaper export` writes: seamless tiles, SVG drawings, plain HDF5 files, folders of pictures.

Made by `wallpaper.pictures`; here stand the progress bars and what is said of each. Knows no options and no defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from wallpaper.cli.progress import bar
from wallpaper.data import PatternStore
from wallpaper.pattern_files import Frame, PixelType
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.animation import write_png
from wallpaper.pictures.export import export_images
from wallpaper.pictures.plain_file import export_file
from wallpaper.pictures.seamless import Tile, seamless_tile
from wallpaper.pictures.svg import write_svg
from wallpaper.plane import Lattice, plane_group


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The one pattern that a tile or a drawing shows."""

    name: str
    group: str
    pixels: NDArray[np.uint8]
    lattice: Lattice


def choose(store: PatternStore | None, pattern: tuple[str, int] | None, index: int) -> Chosen:
    """A pattern of the store, or without one the generator's. Raises: click.BadParameter: the file has no such one."""
    if store is None:
        assert pattern is not None
        group, seed = pattern
        drawn = generate_pattern(group, seed)
        return Chosen(f"seed {seed}", group, drawn.pixels, drawn.lattice)
    if index >= len(store):
        message = f"must be less than the file's {len(store)} patterns, but got {index}"
        raise click.BadParameter(message, param_hint="'--index'")
    group = plane_group(int(store.labels[index])).name
    return Chosen(f"pattern {index}", group, store.pixels(index), store.lattice(index))


def write_tile(path: Path, chosen: Chosen, size: int | None) -> None:
    """A rectangle that repeats without a seam, as PNG. Args: size: its width in pixels, about 512 a cell if None."""
    drawn = seamless_tile(chosen.pixels, chosen.lattice, width=size)
    write_png(path, drawn.picture)
    click.echo(f"{path}: {chosen.name} ({chosen.group}), {_described(drawn)}")


def write_drawing(path: Path, chosen: Chosen, *, size: int, cells: float) -> None:
    """The cell as a fill pattern, as SVG."""
    title = f"{chosen.group}, {chosen.name}"
    write_svg(path, chosen.pixels, chosen.lattice, size=size, cells=cells, title=title)
    click.echo(f"{path}: {chosen.name} ({chosen.group}), its cell as a fill pattern")


def write_file(
    store: PatternStore, path: Path, *, frame: Frame, dtype: PixelType, size: int, cells: float, overwrite: bool
) -> None:
    """All patterns as a plain HDF5 file, splits beside it."""
    with bar("exporting", "patterns") as move:
        export_file(store, path, frame=frame, dtype=dtype, size=size, cells=cells, overwrite=overwrite, progress=move)
    click.echo(f"{path}: {len(store)} patterns, {frame} frame, {dtype}; splits.npz beside it")


def write_images(store: PatternStore, folder: Path, *, size: int, cells: float) -> None:
    """Pictures of all patterns, a folder for each group."""
    with bar("drawing pictures", "pictures") as move:
        count = export_images(store, folder, size=size, cells=cells, progress=move)
    click.echo(f"{folder}/<group>/*.png: {count} pictures")


def _described(drawn: Tile) -> str:
    height, width = drawn.picture.shape[:2]
    cells = drawn.rectangle.cells
    parts = [f"{width} x {height} pixels", f"{cells} cell{'s' * (cells > 1)}"]
    parts.append(f"aspect off by {100 * abs(drawn.aspect_error):.2g} %" if drawn.aspect_error else "aspect exact")
    if drawn.rectangle.shear:
        parts.append(f"oblique lattice sheared by {drawn.rectangle.shear:.2f} degrees to fit a rectangle")
    return ", ".join(parts)
