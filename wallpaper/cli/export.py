"""`wallpaper export`: patterns for other programs: HDF5 files, seamless tiles, SVG drawings, folders of pictures.

Options, and whether they go together; patterns come from a file, or from the generator by group and seed. The files
are written by `export_files`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wallpaper.cli.output import Output
from wallpaper.pattern_files import FRAMES, PIXEL_TYPES, Frame, PixelType
from wallpaper.plane import plane_group

SVG_SIZE = 768
PICTURE_SIZE = 256
SVG_CELLS, PICTURE_CELLS = 4.0, 3.0

_FILE = Output()


class _Seeded(click.ParamType[tuple[str, int]]):
    """GROUP:SEED, such as p6m:7."""

    name = "GROUP:SEED"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        group, _, seed = str(value).partition(":")
        try:
            name = plane_group(group).name
        except ValueError as error:
            self.fail(f"{error}", param, ctx)
        if not (seed or "0").isdecimal():
            self.fail(f"must be a group and a seed such as p6m:7, but got {value!r}", param, ctx)
        return name, int(seed or 0)


@click.command("export")
@click.argument("data", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--pattern", type=_Seeded(), default=None, help="Instead of a file: the generator's pattern of a seed.")
@click.option("--index", type=click.IntRange(min=0), default=0, show_default=True, help="Which pattern of the file.")
@click.option("--tile", type=_FILE, default=None, help="PNG to write: a rectangle that repeats without a seam.")
@click.option("--svg", type=_FILE, default=None, help="SVG to write: the cell as a fill pattern, any lattice.")
@click.option("-o", "--output", type=_FILE, default=None, help="HDF5 file to write: all patterns, splits.npz beside.")
@click.option(
    "--images",
    type=Output(folder=True),
    default=None,
    help="Folder to write: DIR/{group}/*.png, pictures of all patterns.",
)
@click.option(
    "--frame",
    type=click.Choice(FRAMES),
    default="cartesian",
    show_default=True,
    help="With -o: pictures of the plane with several cells, or the cells in lattice coordinates.",
)
@click.option(
    "--dtype",
    type=click.Choice(PIXEL_TYPES),
    default="float64",
    show_default=True,
    help="With -o: float64 holds 0-1, uint8 holds 0-255.",
)
@click.option(
    "--size",
    type=click.IntRange(8, 16384),
    default=None,
    help="Pixels: a tile's width, else a picture's side. "
    f"[default: tile about 512 a cell, SVG {SVG_SIZE}, pictures {PICTURE_SIZE}]",
)
@click.option(
    "--cells",
    type=click.FloatRange(1, 50),
    default=None,
    help=f"Cells across a picture, about. [default: SVG {SVG_CELLS:g}, pictures {PICTURE_CELLS:g}]",
)
@click.option("--overwrite", is_flag=True, help="With -o: replace a file that is there.")
def export(
    data: Path | None,
    pattern: tuple[str, int] | None,
    index: int,
    tile: Path | None,
    svg: Path | None,
    output: Path | None,
    images: Path | None,
    frame: Frame,
    dtype: PixelType,
    size: int | None,
    cells: float | None,
    overwrite: bool,
) -> None:
    """Write patterns of the file DATA, or of a seed, in forms that other programs read.

    A tile has square pixels; its sides are lattice vectors: the cell, on a hexagonal lattice a by sqrt(3) a, on an
    oblique one several cells, sheared by less than half a degree.

    \b
    Examples:
      wallpaper export --pattern p6m:7 --tile p6m.png --svg p6m.svg
      wallpaper export data/patterns.h5 --index 12 --tile tile.png --size 2048
      wallpaper export data/patterns.h5 --frame cartesian --dtype float64 -o plain/patterns.h5
      wallpaper export data/patterns.h5 --images pictures
    """
    _check_request(data, pattern, tile or svg, output or images)
    _check_suffixes({"--tile": (tile, ".png"), "--svg": (svg, ".svg"), "--output": (output, ".h5")})
    from wallpaper.cli import export_files as made  # noqa: PLC0415 - takes seconds: no help or mistake waits for it
    from wallpaper.data import PatternStore  # noqa: PLC0415 - as above

    store = None if data is None else PatternStore(data)
    if tile or svg:
        chosen = made.choose(store, pattern, index)
        if tile:
            made.write_tile(tile, chosen, size)
        if svg:
            made.write_drawing(svg, chosen, size=size or SVG_SIZE, cells=cells or SVG_CELLS)
    size, cells = size or PICTURE_SIZE, cells or PICTURE_CELLS
    if store is not None and output:
        made.write_file(store, output, frame=frame, dtype=dtype, size=size, cells=cells, overwrite=overwrite)
    if store is not None and images:
        made.write_images(store, images, size=size, cells=cells)


def _check_request(data: Path | None, pattern: tuple[str, int] | None, one: Path | None, whole: Path | None) -> None:
    """Raises: click.UsageError: nothing to read, nothing to write, or a file's output of a single pattern."""
    if (data is None) == (pattern is None):
        given = "both" if data else "neither"
        raise click.UsageError(f"give either a file of patterns or --pattern GROUP:SEED, but got {given}")
    if not (one or whole):
        raise click.UsageError("say what to write: --tile, --svg, -o or --images")
    if whole and data is None:
        raise click.UsageError("-o and --images write a file's patterns: give that file, or use --tile or --svg")


def _check_suffixes(outputs: dict[str, tuple[Path | None, str]]) -> None:
    """Raises: click.BadParameter: a name that would say another format."""
    for option, (path, suffix) in outputs.items():
        if path is not None and path.suffix.lower() != suffix:
            raise click.BadParameter(f"must end in {suffix}, but got {str(path)!r}", param_hint=f"'{option}'")
