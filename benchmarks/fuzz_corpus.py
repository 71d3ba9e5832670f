"""Files that are kept because a reader answers each in another way: a folder for every reader.

`python -m benchmarks.fuzz_readers --corpus FOLDER` begins with them and adds what is refused in a new way, the smallest
of equals. A file whose name begins with "read" is sound for its reader, every other one must be refused. Knows no
reader by name.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from pathlib import Path

LARGEST = 20_000
"""Bytes of a file that is kept: a repository should not grow by what damages it."""

WORDS = 48
"""Characters of a refusal that tell it from others: further ones quote the library that found the damage."""

MOST = 6
"""Files that a run adds for one reader."""

READ = "read"


def answer(error: BaseException) -> str:
    """A refusal, the same for all files that are refused in the same place, words and cause, whatever they hold.

    >>> try: int("7f")
    ... except ValueError as error: print(answer(error))
    ValueError of nothing in <module>: invalid literal for int() with base 0: ''
    """
    cause = type(error.__cause__).__name__ if error.__cause__ else "nothing"
    text = re.sub(r"\S*/\S*", "", str(error))
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "''", re.sub(r"0x[0-9a-f]+|\d+", "0", text))
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} of {cause} in {last.name}: {text.strip()[:WORDS]}"


class Corpus:
    """What is in a folder, and what this run adds to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, set[str]] = {}
        self._new: dict[tuple[str, str], tuple[bytes, str]] = {}

    def files(self, reader: str) -> list[Path]:
        """Those of one reader, by name."""
        return sorted(path for path in (self._folder / reader).glob("*") if path.is_file())

    def has(self, reader: str, answered: str) -> None:
        """A file that is there already is answered so."""
        self._known.setdefault(reader, set()).add(answered)

    def found(self, reader: str, answered: str, content: bytes, suffix: str) -> None:
        """A file that is answered so may be worth keeping."""
        kept = self._new.get((reader, answered))
        if answered in self._known.get(reader, ()) or len(content) > LARGEST:
            return
        if kept is None and sum(name == reader for name, _ in self._new) >= MOST:
            return
        if kept is None or len(content) < len(kept[0]):
            self._new[reader, answered] = content, suffix

    def save(self) -> list[Path]:
        """Write what is new; returns where."""
        paths = []
        for (reader, answered), (content, suffix) in self._new.items():
            words = re.sub(r"[^a-z]+", "-", answered.partition(": ")[2].lower()).strip("-")[:40].strip("-")
            mark = hashlib.sha256(answered.encode()).hexdigest()[:4]
            name = READ if answered == READ else f"refused-{words}"
            path = self._folder / reader / f"{name}-{mark}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            paths.append(path)
        self._new.clear()
        return paths
