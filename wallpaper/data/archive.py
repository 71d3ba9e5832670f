"""Small .npz archives that are either whole or not there.

Written beside the final name and renamed, read completely and without pickle.
"""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DAMAGE = (
    *(OSError, EOFError, KeyError, TypeError, MemoryError, RecursionError, OverflowError, NotImplementedError),
    *(SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What zipfile and NumPy raise where an archive contradicts itself. A ValueError has its words already."""


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the arrays, replacing the file in one step; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    content: dict[str, Any] = dict(arrays)
    with temporary.open("wb") as stream:
        np.savez(stream, **content)
    os.replace(temporary, path)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of the archive.

    Raises: FileNotFoundError. ValueError: not an archive, damaged, or with Python objects in it.
    """
    with path.open("rb") as stream:
        try:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("a single array, not an archive")
            return {name: file[name] for name in file.files}
        except _DAMAGE as error:
            raise ValueError(str(error) or f"damaged ({type(error).__name__})") from error
