"""What `wallpaper identify` does to each file, in this process or in several: judge it, and draw its elements.

A file that cannot be read is an answer too, so that the others go on. Knows neither click nor how answers are shown.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wallpaper.judge import Analysis, Certificate, analyse, identify, read_picture
from wallpaper.judge.settings import METRIC_TOLERANCE
from wallpaper.pictures.animation import write_png
from wallpaper.pictures.legend import legible, with_legend
from wallpaper.pictures.overlay import overlay
from wallpaper.pictures.placement import Placement, place
from wallpaper.pictures.render import Picture, picture_scale, render
from wallpaper.plane import Lattice
from wallpaper.workers import apart, ordered

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".ppm", ".pgm")
"""Files of a folder that are taken for pictures; any file that is named is tried."""

DRAWN_SIZE, DRAWN_CELLS = 640, 2.5
"""The picture on which the elements of a single cell are drawn."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to judge."""

    file: Path
    cell: Lattice | None = None
    """The lattice, if the file is one cell in the lattice frame and no picture of the plane."""
    drawing: Path | None = None
    """Where to draw its symmetry elements."""
    tolerance: float = METRIC_TOLERANCE
    """How far a lattice may be from a richer system."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came out: a certificate, or else a problem (the picture's) or an error (the file's)."""

    file: Path
    certificate: Certificate | None = None
    problem: str | None = None
    error: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """Everything the judge said, in types that JSON knows."""

    def to_dict(self) -> dict[str, Any]:
        """One JSON object; `group` and `error` are always there, null where there is none."""
        group = None if self.certificate is None else self.certificate.group
        return {"file": str(self.file), "group": group, "error": self.error, **self.details}


def collect(names: Iterable[str], leave_out: Path | None = None) -> list[Path]:
    """The files that are meant, each once: files as they are, pictures below folders, what a glob matches.

    What does not exist stays in the list. Hidden files and those in a subfolder `leave_out` are not taken.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        matches = sorted(map(Path, glob.glob(name, recursive=True))) if _is_glob(name) and not path.exists() else []
        for match in matches or [path]:
            below = sorted(_pictures(match, leave_out)) if match.is_dir() else [match]
            found |= dict.fromkeys(below)
    return list(found)


def _is_glob(name: str) -> bool:
    return any(character in name for character in "*?[")


def _pictures(folder: Path, leave_out: Path | None) -> Iterator[Path]:
    root, out = folder.resolve(), None if leave_out is None else leave_out.resolve()
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        left_out = out is not None and root in out.parents and out in path.resolve().parents
        if path.suffix.lower() in SUFFIXES and not hidden and not left_out and path.is_file():
            yield path


def judge(job: Job) -> Finding:
    """The answer for one file, its drawing written."""
    try:
        picture = read_picture(job.file)
        return _judge_picture(job, picture) if job.cell is None else _judge_cell(job, picture, job.cell)
    except (ValueError, OSError, MemoryError) as error:
        text = (os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)) or "too large"
        return Finding(job.file, error=text.removeprefix(f"{job.file}: "))


def judge_all(jobs: Sequence[Job], workers: int) -> Iterator[Finding]:
    """The answers in order; few files are not worth starting processes for.

    When a worker dies, the files that were under way are judged one by one, until the cause is found.
    """
    workers, done = max(1, min(workers, len(jobs) // 2)), 0
    while done < len(jobs):
        try:
            for finding in ordered(judge, jobs[done:], workers, preload=__name__):
                yield finding
                done += 1
        except BrokenProcessPool:
            yield _judge_apart(jobs[done])
            done += 1


def _judge_apart(job: Job) -> Finding:
    try:
        return apart(judge, job, preload=__name__)
    except BrokenProcessPool:
        return Finding(job.file, error="a worker process died; try again with --workers 1")


def _judge_picture(job: Job, picture: NDArray[np.generic]) -> Finding:
    found = analyse(picture, tolerance=job.tolerance)
    if found.certificate is None:
        return Finding(job.file, problem=f"{found.problem}. {found.advice}", details=found.to_dict())
    if job.drawing is not None:
        _draw(job.drawing, *legible(_rgb(picture), _placement(found)), found.certificate)
    return Finding(job.file, found.certificate, details=found.to_dict())


def _judge_cell(job: Job, samples: NDArray[np.generic], lattice: Lattice) -> Finding:
    certificate = identify(samples, lattice, tolerance=job.tolerance)
    if job.drawing is not None:
        picture = render(_rgb(samples), lattice, size=DRAWN_SIZE, cells=DRAWN_CELLS)
        placed = place(lattice, DRAWN_SIZE, picture_scale([lattice], DRAWN_SIZE, DRAWN_CELLS))
        # x_standard = M x + s, so x = M^-1 x_standard - M^-1 s
        back = np.linalg.inv(np.array(certificate.frame.matrix))
        standard = Placement(placed.basis @ back, placed.pixels(-back @ np.array(certificate.frame.shift)))
        _draw(job.drawing, *legible(picture, standard), certificate)
    return Finding(job.file, certificate, details={"certificate": certificate.to_dict()})


def _placement(found: Analysis) -> Placement:
    assert found.basis is not None
    assert found.origin is not None
    return Placement(found.basis, found.origin)


def _draw(path: Path, picture: Picture, placement: Placement, certificate: Certificate) -> None:
    group, lattice = certificate.plane_group, certificate.lattice
    measures = f"a {lattice.a:.4g}  b {lattice.b:.4g}  angle {lattice.gamma:.4g}°"
    text = f"{group.name}   {certificate.probability:.1%}   {measures}"
    drawn = with_legend(overlay(picture, placement, group.operations), group.operations, text)
    try:
        write_png(path, drawn)
    except OSError as error:
        raise ValueError(f"the drawing {path} cannot be written: {error.strerror or error}") from error


def _rgb(picture: NDArray[np.generic]) -> Picture:
    """(h, w, 3) uint8 from what `read_picture` gives."""
    narrow = picture if picture.dtype == np.uint8 else (picture.astype(np.float32) / 257).round().astype(np.uint8)
    grey = narrow if narrow.ndim == 3 else narrow[..., None]
    return np.ascontiguousarray(np.broadcast_to(grey[..., :3], (*grey.shape[:2], 3)), dtype=np.uint8)
