"""The type of options that name a file or folder to write: a place that takes none is a mistake told before the work.

Creates nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class Output(click.Path):
    """As `click.Path`, for what will be written; folders on the way need not be there yet."""

    def __init__(self, *, folder: bool | None = False) -> None:
        """Args: folder: whether it is one; None if it may be either."""
        super().__init__(path_type=Path, dir_okay=folder is not False, file_okay=folder is not True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Raises: click.BadParameter: it cannot be made there."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if reason := unwritable(path):
            self.fail(f"{path} cannot be written: {reason}; choose another place", param, ctx)
        return path


def unwritable(path: Path) -> str:
    """Why nothing can be made at `path`, by the folder on its way that is there; empty if it can."""
    place = path if path.is_dir() else next(each for each in path.absolute().parents if each.exists())
    if not place.is_dir():
        return f"{place} is no folder"
    return "" if os.access(place, os.W_OK | os.X_OK) else f"{place} takes no files"
