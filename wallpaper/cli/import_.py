"""`wallpaper import`: pictures from outside as a dataset of exact patterns.

Options, a progress bar and a summary around `wallpaper.data.importing`; the whole report is a JSON file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wallpaper.cli.output import Output
from wallpaper.cli.progress import bar
from wallpaper.pattern_files import ON_MISMATCH, OnMismatch

if TYPE_CHECKING:
    from wallpaper.data.import_report import Entry, ImportReport

MOST_LISTED = 20
"""Pictures that are listed on the terminal; the report has all."""


@click.command("import")
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=Output(),
    required=True,
    help="HDF5 file to write; splits.npz and a report, NAME.report.json, lie beside it.",
)
@click.option(
    "--on-mismatch",
    type=click.Choice(ON_MISMATCH),
    default="drop",
    show_default=True,
    help="A picture that has another group than it claims: drop it, relabel it with what was found, keep the claim "
    "(the pixels keep the symmetry that was found), or write nothing (error).",
)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    default=256,
    show_default=True,
    help="Samples along each side of a cell; a multiple of 4.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one per processor",
    help="Processes; the result is the same for any number.",
)
@click.option("--overwrite", is_flag=True, help="Replace a dataset that is there.")
def import_(
    inputs: tuple[Path, ...], output: Path, on_mismatch: OnMismatch, size: int, workers: int, overwrite: bool
) -> None:
    """Analyse pictures that show a pattern and store each one's cell, with its symmetry made exact.

    INPUTS are folders (a folder named p4m claims p4m for its pictures), picture files (no claim), or HDF5 files with
    the datasets patterns (N, H, W, 3), labels and group_names. A picture must show at least two periods each way.
    Equal patterns give equal cells, however they are turned, moved or scaled.

    \b
    Examples:
      wallpaper import photographs -o data/photographs/patterns.h5
      wallpaper import crystallographic_patterns_colored.h5 -o data/checked/patterns.h5 --on-mismatch relabel
      wallpaper import tiles.jpg cloth.png -o data/two/patterns.h5 --size 128
    """
    from wallpaper.data.importing import import_pictures  # noqa: PLC0415 - takes seconds: help does not wait for it

    with bar("analysing", "pictures") as move:
        report = import_pictures(
            inputs, output, on_mismatch=on_mismatch, side=size, workers=workers, overwrite=overwrite, progress=move
        )
    for line in report.lines():
        click.echo(line)
    _list("not stored", report.missing)
    _list("other than claimed, but stored", [entry for entry in report.mismatches if entry.label])
    _warn(report)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    click.echo(f"{report.stored} of {len(report.entries)} pictures in {output} ({counts})")
    click.echo(f"Report: {report.path}. Next: wallpaper train-vae --data {output}")


def _list(title: str, entries: Iterable[Entry]) -> None:
    listed = list(entries)
    if listed:
        click.echo(f"{len(listed)} {title}:")
        for entry in listed[:MOST_LISTED]:
            reason = entry.reason or ""
            named = reason.startswith(entry.source.partition("[")[0])
            click.echo(f"  {reason if named else f'{entry.source}: {reason}'}")
        if len(listed) > MOST_LISTED:
            click.echo(f"  and {len(listed) - MOST_LISTED} more: see the report")


def _warn(report: ImportReport) -> None:
    """What was given but is no picture, or makes no claim though it might have meant to."""
    for folder, count in report.unknown_folders.items():
        click.echo(f"{folder}: no group has this name, so its pictures ({count}) claim none", err=True)
    if report.passed_over:
        named = ", ".join(report.passed_over[:5]) + (" ..." if len(report.passed_over) > 5 else "")
        click.echo(f"passed over, no pictures by their names ({len(report.passed_over)}): {named}", err=True)
