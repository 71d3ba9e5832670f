"""`wallpaper identify`: which plane group pictures have, with their lattice, and their symmetry elements drawn.

Options, a table or JSON, and an exit code around `wallpaper.cli.judging`; it loads no model.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from wallpaper.cli.judging import SUFFIXES, Finding, Job, collect, judge_all
from wallpaper.cli.output import Output
from wallpaper.cli.progress import bar
from wallpaper.judge.settings import METRIC_TOLERANCE
from wallpaper.plane import Lattice, plane_group

ALL_IDENTIFIED, NO_ANSWER, UNREADABLE = 0, 1, 2
"""Exit codes; the largest that applies."""

FOLDER = "folder"
"""Value of --expect: the name of the folder that a file is in."""

HEADING = ("file", "group", "certainty", "a", "b", "gamma", "residual", "margin")


def _parse_cell(_context: click.Context, _option: click.Parameter, value: str | None) -> Lattice | None:
    if value is None:
        return None
    try:
        a, b, gamma = (float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"must be three numbers such as 1,1,120, but got {value!r}") from error
    try:
        return Lattice(a, b, gamma)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _parse_group(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None or value == FOLDER:
        return value
    try:
        return plane_group(value).name
    except ValueError as error:
        raise click.BadParameter(f"{error}; or {FOLDER!r}") from error


@click.command("identify")
@click.argument("files", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table: one object a line for each file.")
@click.option(
    "-o",
    "--output",
    type=Output(folder=None),
    default=None,
    help="Draw cell, centres, mirrors and glides on the picture: a .png file for one FILE, a folder for several.",
)
@click.option(
    "--expect",
    metavar="GROUP|folder",
    callback=_parse_group,
    default=None,
    help="The group that every file must have, or 'folder': each has the group that its folder is named after.",
)
@click.option(
    "--cell",
    metavar="A,B,GAMMA",
    callback=_parse_cell,
    default=None,
    help="FILE is not a picture of the plane but one cell in the lattice frame (row along a, column along b).",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0.001, 0.3),
    default=METRIC_TOLERANCE,
    show_default=True,
    help="How far a lattice may be from square, hexagonal or rectangular and count as such: relative change of scalar "
    "products. The default forgives 1.5 % of a length or 1 degree; 0.1 forgives a camera held at an angle.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one per processor",
    help="Processes that share many files.",
)
@click.pass_context
def identify(
    context: click.Context,
    files: tuple[str, ...],
    as_json: bool,
    output: Path | None,
    expect: str | None,
    cell: Lattice | None,
    tolerance: float,
    workers: int,
) -> None:
    """Identify the plane group of pictures, from the pictures alone.

    FILES are pictures (PNG, JPEG, TIFF and others), folders, which are searched for pictures, or quoted globs. Any
    rotation, origin and scale will do, colour or grey, with two periods or more in view each way.

    \b
    The table says, for each file:
      group      one of the 17 plane groups, by its short symbol
      certainty  Akaike weight of the group among all 17: how far the data prefer it
      a b gamma  the conventional cell in pixels and degrees
      residual   largest root-mean-square error of the group's operations, as a share of full range
      margin     correlation of the weakest true operation minus that of the strongest false one

    \b
    Examples:
      wallpaper identify tiles.jpg                       the table
      wallpaper identify tiles.jpg -o overlay.png        and the symmetry elements, drawn on the picture
      wallpaper identify photos "scans/*.tif" -o drawn   many at once; drawings go to the folder drawn
      wallpaper identify photos --json > found.jsonl     certificates: every operation with its residual
      wallpaper identify images --expect folder          check a dataset sorted into images/<group>/
      wallpaper identify cell.png --cell 1,1,120         one cell in the lattice frame, hexagonal

    Exit code: 0 all identified (and as expected), 1 some had no answer or another group, 2 some could not be read.
    """
    to_file = output is not None and output.suffix.lower() in SUFFIXES and not output.is_dir()
    chosen = collect(files, leave_out=None if to_file else output)
    if not chosen:
        raise click.BadParameter(f"no pictures in {', '.join(files)}; they must end in {', '.join(SUFFIXES)}")
    drawings = _drawings(chosen, output, to_file)
    findings, several = [], len(chosen) > 1
    jobs = [Job(file, cell, drawing, tolerance) for file, drawing in zip(chosen, drawings, strict=True)]
    with bar("identifying", "pictures") if several else nullcontext(lambda done, total: None) as move:
        for finding in judge_all(jobs, workers):
            findings.append(finding)
            move(len(findings), len(jobs))
    if as_json:
        for finding in findings:
            click.echo(json.dumps(finding.to_dict()))
    else:
        _print_table(findings, expect)
    if several:
        _summarise(findings, expect)
    context.exit(_exit_code(findings, expect))


def _drawings(files: Sequence[Path], output: Path | None, to_file: bool) -> list[Path | None]:
    """Where each file's drawing goes; files of one name get their folder's, then their suffix, in front or behind.

    Raises: click.BadParameter: one file for several pictures, not a PNG, or a drawing would replace a picture.
    """
    if output is None:
        return [None] * len(files)
    if to_file and (len(files) > 1 or output.suffix.lower() != ".png"):
        wanted = "be a folder for several pictures" if len(files) > 1 else "end in .png"
        raise click.BadParameter(f"must {wanted}, but got {str(output)!r}", param_hint="'-o' / '--output'")
    if not to_file and output.is_file():
        raise click.BadParameter(f"must end in .png, but got {str(output)!r}", param_hint="'-o' / '--output'")
    root = Path(os.path.commonpath([file.resolve().parent for file in files]))
    stems = [file.resolve().relative_to(root).with_suffix("") for file in files]
    names = [
        stem.with_name(f"{stem.name}.png" if stems.count(stem) == 1 else f"{file.name}.png")
        for file, stem in zip(files, stems, strict=True)
    ]
    drawings = [output if to_file else output / name for name in names]
    replaced = {file.resolve() for file in files} & {drawing.resolve() for drawing in drawings}
    if replaced:
        raise click.BadParameter(f"must not replace the picture {min(replaced)}", param_hint="'-o' / '--output'")
    return list(drawings)


def _wanted(file: Path, expect: str | None) -> str | None:
    """The group that this file must have, None if any will do."""
    return file.resolve().parent.name if expect == FOLDER else expect


def _differs(finding: Finding, expect: str | None) -> bool:
    wanted = _wanted(finding.file, expect)
    return finding.certificate is not None and wanted not in (None, finding.certificate.group)


def _exit_code(findings: Sequence[Finding], expect: str | None) -> int:
    if any(finding.error for finding in findings):
        return UNREADABLE
    answered = all(finding.certificate is not None and not _differs(finding, expect) for finding in findings)
    return ALL_IDENTIFIED if answered else NO_ANSWER


def _print_table(findings: Sequence[Finding], expect: str | None) -> None:
    rows = [_row(finding) for finding in findings]
    full = [HEADING, *(row for row in rows if len(row) == len(HEADING))]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    widths[0] = max(map(len, (HEADING[0], *(row[0] for row in rows))))
    if len(full) > 1:
        click.echo(_line(HEADING, widths))
    for row, finding in zip(rows, findings, strict=True):
        remark = f"  expected {_wanted(finding.file, expect)}" if _differs(finding, expect) else ""
        click.echo(_line(row, widths) + remark)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right; a sentence in place of the numbers as it is."""
    left = [f"{text:<{width}}" for text, width in zip(row[:2], widths, strict=False)]
    right = [f"{text:>{width}}" for text, width in zip(row[2:], widths[2:], strict=False)]
    return "  ".join([*left, *(right if len(row) == len(widths) else row[2:])])


def _row(finding: Finding) -> tuple[str, ...]:
    found = finding.certificate
    if found is None:
        return str(finding.file), "-", finding.problem or f"error: {finding.error}"
    return (
        str(finding.file),
        found.group,
        f"{found.probability:.1%}",
        f"{found.lattice.a:.2f}",
        f"{found.lattice.b:.2f}",
        f"{found.lattice.gamma:.2f}",
        f"{found.residual:.4f}",
        f"{found.margin:.3f}",
    )


def _summarise(findings: Sequence[Finding], expect: str | None) -> None:
    """One line on standard error: how many of each kind."""
    groups = Counter(finding.certificate.group for finding in findings if finding.certificate is not None)
    parts = [f"{sum(groups.values())} of {len(findings)} identified"]
    parts += [", ".join(f"{name} {count}" for name, count in groups.most_common())] if groups else []
    for count, words in (
        (sum(_differs(finding, expect) for finding in findings), "not as expected"),
        (sum(finding.problem is not None for finding in findings), "without an answer"),
        (sum(finding.error is not None for finding in findings), "not readable"),
    ):
        parts += [f"{count} {words}"] if count else []
    click.echo("; ".join(parts), err=True)
