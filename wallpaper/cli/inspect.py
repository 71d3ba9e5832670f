"""`wallpaper inspect`: what is in a pattern file, and whether the judge agrees with its labels.

Options and tables around `wallpaper.data.inspection`; it changes no file. `contact_sheet` draws.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wallpaper.cli.output import Output
from wallpaper.cli.progress import bar

if TYPE_CHECKING:
    from wallpaper.data.inspection import Inspection

SHOWN = 20
"""Differing patterns and alike pairs that are listed before the rest is only counted."""


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--certify",
    type=click.IntRange(min=-1),
    is_flag=False,
    flag_value=-1,
    default=0,
    metavar="[N]",
    help="Judge N patterns again (all without N); exit code 1 if one differs from its label.",
)
@click.option(
    "--sheet",
    type=Output(),
    default=None,
    help="Also write a contact sheet of all groups, true angles: a PNG.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def inspect(file: Path, certify: int, sheet: Path | None, as_json: bool) -> None:
    """Say what is in a file of patterns: schema, counts, statistics, certificates.

    Takes files of other tools too, cells or plain square pictures; the labels of pictures are judged from the pictures
    alone. Colour statistics and look-alikes come from 1020 patterns at most.

    \b
    Examples:
      wallpaper inspect data/patterns.h5 --sheet sheet.png
      wallpaper inspect crystallographic_patterns_colored.h5 --certify 100
    """
    from wallpaper.data.inspection import inspect_file  # noqa: PLC0415 - takes seconds: no help or mistake waits for it

    with bar("judging", "patterns") as move:
        found, store = inspect_file(file, certify=certify, progress=move)
    click.echo(json.dumps(found.to_dict(), indent=1) if as_json else report(found))
    if sheet is not None:
        from wallpaper.cli import contact_sheet  # noqa: PLC0415 - loads matplotlib, which takes seconds

        contact_sheet.draw(store, sheet)
        click.echo(f"Contact sheet: {sheet}", err=True)
    if found.differing:
        sys.exit(1)


def report(found: Inspection) -> str:
    """The inspection as text."""
    lines = [
        f"{found.path}: {found.patterns} {'pictures' if found.pictures else 'cells'} of {found.side} x {found.side}, "
        f"{found.found}, {found.bytes / 1e6:.1f} MB, digest {found.digest}",
        *(["", f"Splits: {found.splits_problem}"] if found.splits_problem else []),
        "",
        *_table(found),
        "",
        *(f"{name:<12} {_pairs(values)}" for name, values in found.columns.items()),
        *([f"{'redraws':<12} {_pairs(found.redraws)}"] if found.redraws else []),
        *([f"{'settings':<12} {_pairs(found.settings)}"] if found.settings else []),
        f"{'contrast':<12} {_pairs({name: f'{value:.3f}' for name, value in found.contrast.items()})}",
        *_colours(found),
        f"{'alike':<12} {len(found.alike)} pairs among {found.sampled} patterns"
        + "".join(f"; {i} and {j} ({distance:.2f})" for i, j, distance in found.alike[:SHOWN]),
        "",
        *(f"{name:<26} {kind}" for name, kind in found.schema.items()),
        *_verdicts(found),
    ]
    return "\n".join(lines)


def _table(found: Inspection) -> list[str]:
    """Counts by group and split, and the recorded certificates' extremes."""
    splits = list(found.groups[0].splits)
    recorded = any(row.weakest_true is not None for row in found.groups)
    names = ["group", "count", *splits, *(["weakest true", "strongest false"] if recorded else [])]
    rows = [names]
    for row in found.groups:
        extremes = [_figure(row.weakest_true), _figure(row.strongest_false)] if recorded else []
        rows.append([row.group, str(row.count), *(str(row.splits[name]) for name in splits), *extremes])
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    return ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows]


def _colours(found: Inspection) -> list[str]:
    if not found.colour_accuracy:
        return []
    chance = 1 / len(found.groups)
    guesses = ", ".join(f"{name} {share:.1%}" for name, share in found.colour_accuracy.items())
    return [f"{'colours':<12} group guessed from colours alone: {guesses}; chance {chance:.1%}"]


def _verdicts(found: Inspection) -> list[str]:
    if not found.judged:
        return []
    agree = found.judged - len(found.differing)
    lines = ["", f"Judged again: {agree} of {found.judged} have the group of their label"]
    for verdict in found.differing[:SHOWN]:
        figures = f"weakest true {_figure(verdict.weakest_true)}, strongest false {_figure(verdict.strongest_false)}"
        shown = figures if verdict.weakest_true is not None else "no certificate"
        lines.append(f"  pattern {verdict.index}: {verdict.claimed} is {verdict.found} ({shown})")
    if len(found.differing) > SHOWN:
        lines.append(f"  and {len(found.differing) - SHOWN} more; --json lists all")
    return lines


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _pairs(values: dict[str, int] | dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
