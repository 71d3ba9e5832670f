"""Files of runs, copied once and kept: only below a run's own folder, whatever path is asked for.

Knows paths and bytes; what a file means, its reader knows.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from dashboard.store.source import Source

RUN_ID = re.compile(r"[0-9a-f]{32}")


class UnsafePathError(ValueError):
    """A run id or path that could lead out of a run's files."""


class Artifacts:
    """Copies of files that runs keep, in a folder of this process. May be used by several threads."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._folder = Path(tempfile.mkdtemp(prefix="wallpaper-dashboard-"))

    def file(self, run_id: str, path: str) -> Path:
        """The local copy of a file. It is fetched once: the files of a run are not written twice.

        Raises: UnsafePathError; FileNotFoundError: the run keeps no such file, or the store does not answer.
        """
        checked(run_id, path)
        kept = self._folder / run_id / path
        if kept.is_file():
            return kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
            try:
                found = self._source.fetch(run_id, path, Path(temporary))
                if not found.is_file():
                    raise FileNotFoundError(f"`path` must name a file, but {path} of run {run_id} is a folder")
                os.replace(found, kept)
            except FileNotFoundError:
                raise
            except Exception as error:  # MLflow's, or its storage's
                raise FileNotFoundError(
                    f"`path` must name a file of run {run_id}, but {path!r} gives: {error}"
                ) from error
        return kept

    def packed(self, name: str, version: int) -> Path:
        """The local copy of the folder that is packed with a registered version; versions do not change.

        Raises: FileNotFoundError: nothing is packed with it, or the store does not answer.
        """
        kept = self._folder / f"{version}-{quote(name, safe='')}"
        if kept.is_dir():
            return kept
        with tempfile.TemporaryDirectory(dir=self._folder) as temporary:
            try:
                os.replace(self._source.fetch_packed(name, version, Path(temporary)), kept)
            except Exception as error:  # MLflow's, or its storage's
                raise FileNotFoundError(f"version {version} of {name} must have files, but: {error}") from error
        return kept

    def close(self) -> None:
        """Remove the copies."""
        shutil.rmtree(self._folder, ignore_errors=True)


def checked(run_id: str, path: str) -> str:
    """The path, if it stays below the run's files. Raises: UnsafePathError.

    MLflow itself does not check: with a store of files it returns what lies outside.

    >>> checked("0" * 32, "visualizations/epoch_005/latent_space.png")
    'visualizations/epoch_005/latent_space.png'
    >>> checked("0" * 32, "../mlflow.db")
    Traceback (most recent call last):
    dashboard.store.artifacts.UnsafePathError: `path` must stay below the run's files, but got '../mlflow.db'
    """
    if not RUN_ID.fullmatch(run_id):
        raise UnsafePathError(f"`run_id` must be 32 hexadecimal digits, but got {run_id[:80]!r}")
    if (
        not path
        or path.startswith("/")
        or any(sign in path for sign in "\\\0:%?#")
        or posixpath.normpath("/" + path) != "/" + path
    ):
        raise UnsafePathError(f"`path` must stay below the run's files, but got {path[:200]!r}")
    return path


def address(run_id: str, path: str) -> str:
    """Where the page finds a file of a run.

    >>> address("0" * 32, "figures/a b.png")
    '/artifact/00000000000000000000000000000000/figures/a%20b.png'
    """
    return f"/artifact/{run_id}/{quote(checked(run_id, path))}"
