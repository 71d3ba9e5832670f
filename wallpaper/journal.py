"""What a run records, written to disk before it is sent: a line of JSON for each part, in a file of the run's own.

The file is there only while something is unsent. Metric points keep their times, so that sending them twice records
them once. Knows no store.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

Entry: TypeAlias = dict[str, Any]
"""One part: its kind and what it holds, see `is_whole`."""

PREFIX, SUFFIX = "unsent-", ".jsonl"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """The first line: whose journal it is."""

    run: str
    uri: str
    """Of the store that it is for, without a password."""
    host: str
    process: str
    """As `provenance.process`."""


class Journal:
    """The unsent parts of one run. Opened anew for each write, so that no handle crosses a fork."""

    def __init__(self, folder: Path, head: Head) -> None:
        self.path = folder / f"{PREFIX}{head.run}{SUFFIX}"
        self._head = head
        self._is_sound = True

    def append(self, entry: Entry) -> None:
        """Keep a part. A disk that takes none is said once: a training does not end for its records."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as stream:
                if stream.tell() == 0:
                    stream.write(_line(asdict(self._head)))
                else:
                    stream.seek(-1, os.SEEK_END)
                    if stream.read(1) != b"\n":  # a line was cut off: its writer was killed, or the disk was full
                        stream.write(b"\n")
                stream.write(_line(entry))
        except OSError as error:
            if self._is_sound:
                _log.warning("run %s: %s cannot be written: %s", self._head.run, self.path, error)
            self._is_sound = False

    def entries(self) -> list[Entry]:
        """All parts, in order; none if there is no file."""
        return read(self.path)[1] if self.path.is_file() else []

    def take_over(self, entries: list[Entry]) -> None:
        """Make these the journal of this process: those of an earlier one, which shall not be taken for its own end."""
        lines = [_line(asdict(self._head)), *map(_line, entries)]
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        try:
            temporary.write_bytes(b"".join(lines))
            os.replace(temporary, self.path)
        except OSError as error:
            _log.warning("run %s: %s cannot be written: %s", self._head.run, self.path, error)

    def clear(self) -> None:
        """Everything is sent."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("run %s: %s cannot be removed: %s", self._head.run, self.path, error)


def read(path: Path) -> tuple[Head, list[Entry]]:
    """A journal's head and its parts; a line that was cut off, or that no run writes, is left out.

    Raises: ValueError: no journal. OSError.
    """
    lines = [_parsed(line) for line in path.read_bytes().splitlines()]
    try:
        head = Head(**{name: str(value) for name, value in (lines[0] or {}).items()})
    except (IndexError, TypeError) as error:
        raise ValueError(f"{path} must begin with the run it belongs to, but does not; remove it") from error
    return head, [entry for entry in lines[1:] if entry and is_whole(entry)]


def find(folders: Iterable[Path]) -> list[Path]:
    """Journals below the folders, in order; a file that is named itself is one."""
    found: set[Path] = set()
    for folder in folders:
        found |= {folder} if folder.is_file() else set(folder.rglob(f"{PREFIX}*{SUFFIX}"))
    return sorted(found)


def is_whole(entry: Entry) -> bool:
    """Whether a part is one of those that runs write: one kind, and what belongs to it."""
    match entry:
        case {"metrics": [*rows]}:
            return len(entry) == 1 and all(_is_point(row) for row in rows)
        case {"tag": [str(), str()]} | {"file": [str(), str()]} | {"json": [_, str()]}:
            return len(entry) == 1
        case {"dataset": [str(), str(), str(), str()]}:
            return len(entry) == 1
        case {"params": {**values}}:
            return len(entry) == 1 and all(isinstance(value, str) for value in values.values())
        case {"end": [str(), int() | None]}:
            return len(entry) == 1
    return False


def _is_point(row: object) -> bool:
    """Name, value, time in milliseconds, step."""
    match row:
        case [str(), int() | float(), int(), int()]:
            return True
    return False


def _line(value: Entry) -> bytes:
    return json.dumps(value).encode() + b"\n"  # NaN and infinity stay what they are, here and when read


def _parsed(line: bytes) -> Entry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
