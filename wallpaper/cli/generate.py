"""`wallpaper generate`: a dataset of exact patterns.

Options and a progress bar around `wallpaper.data.generate_dataset`; it knows no model.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wallpaper.cli.output import Output
from wallpaper.cli.places import DATA, PER_GROUP
from wallpaper.cli.progress import bar
from wallpaper.pattern_files import PIXEL_TYPES, PixelType

if TYPE_CHECKING:
    from wallpaper.data import PatternStore


@click.command("generate")
@click.option(
    "-o",
    "--output",
    type=Output(),
    default=DATA,
    show_default=True,
    help="HDF5 file to write.",
)
@click.option(
    "--per-group",
    type=click.IntRange(min=1),
    default=PER_GROUP,
    show_default=True,
    help="Patterns of each of the 17 groups.",
)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    default=64,
    show_default=True,
    help="Samples along each side of a cell; a multiple of 4.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Same seed, same bytes, for any number of workers.",
)
@click.option(
    "--dtype",
    type=click.Choice(PIXEL_TYPES),
    default="uint8",
    show_default=True,
    help="uint8 holds 0-255; float64 holds 0-1, eight times as large.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one per processor",
    help="Processes that generate.",
)
@click.option(
    "--images",
    type=Output(folder=True),
    default=None,
    help="Also write DIR/{group}/*.png: pictures with true angles and several cells.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file made with other settings.")
def generate(
    output: Path,
    per_group: int,
    size: int,
    seed: int,
    dtype: PixelType,
    workers: int,
    images: Path | None,
    overwrite: bool,
) -> None:
    """Make a dataset of patterns whose symmetry is exact, in the lattice frame, each certified to have its group alone.

    What the judge finds to be another group, or nearly one, is drawn again; so is what looks like an earlier pattern.

    The file has the layout patterns, labels, group_names, metadata; splits.npz beside it holds train, val and
    test in 70/15/15 of each group. An interrupted file is continued by the same command.

    \b
    Examples:
      wallpaper generate                                        5100 patterns of 64 px, a minute or two
      wallpaper generate --per-group 500 --size 256 -o data/full/patterns.h5 --images data/full/images
    """
    from wallpaper.data import generate_dataset  # noqa: PLC0415 - loads torch, which takes seconds: help does not wait
    from wallpaper.pictures.export import export_images  # noqa: PLC0415 - as above

    try:
        with bar("generating", "patterns") as move:
            store = generate_dataset(
                output,
                per_group,
                side=size,
                seed=seed,
                dtype=dtype,
                workers=workers,
                progress=move,
                overwrite=overwrite,
            )
    except KeyboardInterrupt:
        click.echo("What is done is kept; the same command goes on.", err=True)
        raise
    _say(store)
    if images is not None:
        with bar("drawing pictures", "pictures") as move:
            export_images(store, images, progress=move)
        click.echo(f"Pictures: {images}/<group>/*.png")


def _say(store: PatternStore) -> None:
    sizes = ", ".join(f"{name} {len(indices)}" for name, indices in store.splits.items())
    click.echo(f"{len(store)} patterns of {store.side} x {store.side} in {store.path} ({store.found}; {sizes})")
    click.echo(f"Digest {store.digest}. Next: wallpaper train-vae --data {store.path}")
