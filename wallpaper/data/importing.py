"""Pictures from outside as a pattern file: found, analysed, put into the lattice frame, made exact, labelled, reported.

Cells wait in an unnamed file until all pictures are judged, so memory does not grow with them; the pattern file
appears when it is whole, and an interrupted import leaves nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wallpaper.data.framing import NEUTRAL, FramedCell, frame_picture
from wallpaper.data.import_report import Entry, ImportReport
from wallpaper.data.layout import partial_path, store_error
from wallpaper.data.sources import Item, find_pictures, read_items
from wallpaper.data.writer import PatternWriter
from wallpaper.pattern_files import ON_MISMATCH, OnMismatch
from wallpaper.patterns import Pattern
from wallpaper.workers import ordered

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the pictures done and all of them; may raise to stop."""


class ImportRefusedError(ValueError):
    """Nothing was written but the report, which says why for each picture."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a worker made of a picture."""

    item: Item
    cell: FramedCell | None
    problem: str | None = None
    unreadable: bool = False


def import_pictures(
    inputs: Sequence[Path | str],
    output: Path | str,
    *,
    on_mismatch: OnMismatch = "drop",
    side: int = 256,
    workers: int = 1,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> ImportReport:
    """Write a pattern file, its splits and a report of every picture.

    Args:
        inputs: folders (claims are the names of groups), picture files (no claims), HDF5 files (claims are labels).
        output: the pattern file; the report is named like it, with the suffix .report.json.
        on_mismatch: a picture whose group is not the claimed one is left out ("drop"), stored under what was found
            ("relabel"), stored as claimed with the symmetry that was found ("keep"), or reason to write nothing.
        side: samples along each side of a cell, a multiple of 4.
        workers: processes; the result is the same for any number.
        overwrite: replace a pattern file, and the splits beside it.
    Raises:
        ImportRefusedError: a mismatch for "error", or no picture that can be stored; the report is written.
        StoreError: the output is taken, or a file that cannot be used. FileNotFoundError. ValueError: an argument.
    """
    path = Path(output)
    if on_mismatch not in ON_MISMATCH or workers < 1:
        raise ValueError(
            f"`on_mismatch in {ON_MISMATCH}` and `workers >= 1` must hold, but got {on_mismatch!r} and {workers}"
        )
    sources = find_pictures(inputs)
    settings = {"importer": "pictures", "inputs": [str(each) for each in inputs], "on_mismatch": on_mismatch}
    writer = partial(PatternWriter, path, side=side, settings=settings, resume=False, overwrite=overwrite)
    writer(count=sources.count).close()  # what stands in its way is said now, not after hours
    report = ImportReport.of(sources, path, on_mismatch)
    with tempfile.TemporaryFile(dir=path.parent) as waiting:
        rows = []
        for done, finding in enumerate(_findings(path, sources.batches, side, workers), 1):
            entry = _judge(finding, on_mismatch)
            report.entries.append(entry)
            if finding.cell is not None and entry.label is not None:
                rows.append(_row(entry.label, finding.cell))
                waiting.write(finding.cell.pixels.tobytes())
            progress(done, sources.count)
        _refuse(report)
        _write(partial(writer, count=len(rows)), rows, waiting, side)
    _save(report)
    return report


def _findings(path: Path, batches: list[list[Item]], side: int, workers: int) -> Iterator[_Finding]:
    """In the order of the items. Raises: StoreError: a worker died."""
    try:
        yield from chain.from_iterable(ordered(partial(_frame_all, side=side), batches, workers, preload=__name__))
    except BrokenProcessPool as error:
        raise store_error(path, None, "a worker process died", "run again with fewer workers") from error


def _frame_all(batch: list[Item], side: int) -> list[_Finding]:
    return [_frame(item, picture, side) for item, picture in read_items(batch)]


def _frame(item: Item, picture: NDArray[np.generic] | ValueError, side: int) -> _Finding:
    if isinstance(picture, ValueError):
        return _Finding(item, None, str(picture), unreadable=True)
    try:
        framed = frame_picture(picture, side)
    except ValueError as error:
        return _Finding(item, None, f"{item.name}: {error}", unreadable=True)
    return _Finding(item, None, framed) if isinstance(framed, str) else _Finding(item, framed)


def _judge(finding: _Finding, on_mismatch: OnMismatch) -> Entry:
    """What is to become of a picture."""
    item, cell = finding.item, finding.cell
    if cell is None:
        outcome: Literal["unreadable", "no group"] = "unreadable" if finding.unreadable else "no group"
        return Entry(item.name, item.claim, None, outcome, reason=finding.problem)
    entry = partial(Entry, item.name, item.claim, cell.group, figures=cell.figures)
    if item.claim in (None, cell.group):
        return entry("stored", cell.group)
    reason = f"claims {item.claim}, but has {cell.group}"
    if on_mismatch == "relabel":
        return entry("relabelled", cell.group, reason)
    if on_mismatch == "keep":
        return entry("kept", item.claim, reason)
    return entry("dropped", None, reason)


def _row(label: str, cell: FramedCell) -> Pattern:
    """A pattern without its pixels, which wait elsewhere."""
    return Pattern(
        pixels=np.empty((0, 0, 3), np.uint8),
        group=label,
        lattice=cell.lattice,
        motif_type=NEUTRAL,
        complexity=0,
        motif_size=0,
        palette=NEUTRAL,
        seed=0,
        redraws=0,
        weakest_true=cell.weakest_true,
        strongest_false=cell.strongest_false,
    )


def _refuse(report: ImportReport) -> None:
    """Raises: ImportRefusedError: after the report is saved, if nothing is to be stored or a mismatch is an error."""
    wrong = report.mismatches
    if report.on_mismatch == "error" and wrong:
        _save(report)
        raise ImportRefusedError(
            f"{len(wrong)} of {len(report.entries)} pictures have another group than they claim, first "
            f"{wrong[0].source}, which {wrong[0].reason}; see {report.path}, or choose drop, relabel or keep"
        )
    if not report.stored:
        _save(report)
        first = report.missing[0]
        raise ImportRefusedError(
            f"none of {len(report.entries)} pictures can be stored, first {first.source}: {first.reason}; "
            f"see {report.path}"
        )


def _write(open_writer: Callable[[], PatternWriter], rows: list[Pattern], waiting: IO[bytes], side: int) -> None:
    """Move the waiting cells into the pattern file; a failure or interruption removes what is half done."""
    waiting.seek(0)
    writer = open_writer()
    try:
        with writer:
            for row in rows:
                pixels = np.frombuffer(waiting.read(side * side * 3), np.uint8).reshape(side, side, 3)
                writer.append(replace(row, pixels=pixels))
    except BaseException:
        partial_path(writer.path).unlink(missing_ok=True)
        raise


def _save(report: ImportReport) -> None:
    report.path.write_text(report.to_json(), encoding="utf-8")
