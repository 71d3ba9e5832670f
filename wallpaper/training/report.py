"""What a training loop tells its caller: one row per finished epoch, one tick per batch.

Rows hold host numbers only, so a test can append them to a list, a command line can draw them and a
tracker can log them. Nothing here knows who listens. A report may raise to end the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from wallpaper.training.files import read_json, write_json

Row: TypeAlias = dict[str, float | int]
"""One epoch: "epoch" (from 1), "epochs", "train/<name>", "val/<name>", "learning_rate", "seconds"."""

Report: TypeAlias = Callable[[Mapping[str, float | int]], object]
"""Called once after each epoch, when its checkpoints are already on disk."""

Progress: TypeAlias = Callable[[int, int], object]
"""Called after each batch with (batches done, batches in the whole run), counted over all epochs."""

HISTORY = "history.json"


def silent(*_: object) -> None:
    """The report and the progress of a caller who does not listen."""


def to_all(*reports: Report) -> Report:
    """One report that hands each row to several, in order."""

    def report(row: Mapping[str, float | int]) -> None:
        for each in reports:
            each(row)

    return report


def write_history(folder: Path, rows: list[Row]) -> None:
    """Write all rows so far to `<folder>/history.json`, replacing it in one step."""
    write_json(folder / HISTORY, rows)


def read_history(folder: Path) -> list[Row]:
    """Rows of a run, oldest first. Raises: FileNotFoundError; ValueError: not a list of rows."""
    rows = read_json(folder / HISTORY)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{folder / HISTORY} must hold a list of rows, but holds a {type(rows).__name__}")
    return rows
