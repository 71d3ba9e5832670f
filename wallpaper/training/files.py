"""Files that are whole or absent: written beside their place, flushed, then moved into it.

A reader never sees half a file, and a crash leaves the previous one intact (POSIX rename(2) is
atomic within a file system). Knows nothing about what the files hold.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

_LEFT_OVER = ".tmp"


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step; its folder is made if missing.

    Raises: OSError: it cannot be, for example because the disk is full; names `path`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_LEFT_OVER}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:  # writing to an open file names none
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what writers that were killed left in a folder that nobody writes to now."""
    for path in folder.glob(f".*{_LEFT_OVER}"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON. Raises: ValueError: a NaN or infinity; TypeError: not plain data."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> object:
    """Read plain data. Raises: FileNotFoundError; ValueError: not JSON, with the file's name."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold JSON, but does not: {error}") from error
