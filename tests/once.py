"""What takes seconds to make and is only read afterwards: made by one of the test processes for all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Of this run of the tests, the same in all its processes."""
    own = factory.getbasetemp()
    return own.parent if own.name.startswith("popen-") else own  # as pytest-xdist names its workers' folders


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The run's folder `name`: filled by `make` in the process that comes first, while the others wait for it."""
    folder = shared_folder(factory) / name
    done = folder.with_name(f"{name}.done")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
