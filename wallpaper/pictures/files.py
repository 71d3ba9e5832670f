"""Picture files that are whole or absent: written under another name, then moved into place.

Video encoders want a path, not a stream, so the seam is a path. Knows nothing about formats.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path`, same suffix, to write to; moved over `path` on success, removed on any error.

    The folder is made if missing. A reader never sees half a file (rename(2) is atomic in a file system).
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{final.stem}.{uuid4().hex}{final.suffix}")
    try:
        yield temporary
        os.replace(temporary, final)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(final)  # the other name is nobody's matter
        raise
    finally:
        temporary.unlink(missing_ok=True)
