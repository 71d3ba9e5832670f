"""Everything that the pages read: one thread asks MLflow, and all pages look at what it has found.

What a page reads is never waited for, except files. `version` tells that something has changed. While the store does
not answer, what was last known stays, and `connection` says since when and why.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from dashboard.store.artifacts import Artifacts
from dashboard.store.records import Connection, Curve, File, RunRecord, VersionRecord
from dashboard.store.series import Series
from dashboard.store.source import Source
from wallpaper.store_address import reason_of

BUSY_SECONDS, CALM_SECONDS, IDLE_SECONDS = 1.0, 3.0, 15.0
"""Between two questions: while a run is live, while somebody looks, while nobody does."""

FULL_SECONDS = 60.0
"""Between two times that all runs are read, and not only the newest."""

NEWEST, MOST = 100, 5000
"""Runs that are read each time, and at most."""

MODEL_SECONDS = 10.0
"""Between two looks at the registry, which changes seldom."""

LOOKED_AT_SECONDS = 20.0
"""A run's histories are kept up to date so long after a page last read them."""

MOST_UNSEEN = 10
"""Runs that nobody looks at any more whose histories are kept; those of others are read again when they are wanted."""

LISTED_SECONDS = 5.0
"""The files of a run that goes on are listed again after so long."""

LONGEST_PAUSE = 30.0
"""Between two attempts while the store does not answer."""

_log = logging.getLogger(__name__)


class Store:
    """The runs and models of a tracking store. `start` it before, and `stop` it after use."""

    def __init__(self, source: Source) -> None:
        self.uri = source.uri
        self.version = 0
        """Grows whenever something has changed."""
        self.connection = Connection()
        self.versions: tuple[VersionRecord, ...] = ()
        self._source, self._artifacts = source, Artifacts(source)
        self._runs: dict[str, RunRecord] = {}
        self._series: dict[str, dict[str, Series]] = {}
        self._curves: dict[str, Mapping[str, Curve]] = {}
        self._listed: dict[tuple[str, str], tuple[str, list[File]]] = {}
        self._looked_at: dict[str, float] = {}
        self._touched = time.monotonic()
        self._full_at, self._models_at = 0.0, 0.0
        self._wake, self._ended = threading.Event(), threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and remove the copies of files."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._artifacts.close()

    def touch(self) -> None:
        """Somebody looks at a page."""
        idle = time.monotonic() - self._touched > LOOKED_AT_SECONDS
        self._touched = time.monotonic()
        if idle:
            self._wake.set()

    def retry(self) -> None:
        """Ask now."""
        self._wake.set()

    def look_at_models(self) -> None:
        """The registry was changed from here: read it now."""
        self._models_at = 0.0
        self._wake.set()

    @property
    def runs(self) -> Sequence[RunRecord]:
        """All runs, the newest first."""
        return sorted(self._runs.values(), key=lambda run: -run.started)

    def run(self, run_id: str) -> RunRecord | None:
        """A run, None if it is not known (yet)."""
        return self._runs.get(run_id)

    def children(self, run_id: str) -> list[RunRecord]:
        """The runs that are a part of another, the oldest first."""
        return sorted((run for run in self._runs.values() if run.parent == run_id), key=lambda run: run.started)

    def curves(self, run_id: str) -> Mapping[str, Curve] | None:
        """The histories of a run's metrics, None until they have been read; from now on they are kept up to date."""
        if run_id not in self._looked_at:
            self._wake.set()
        self._looked_at[run_id] = time.monotonic()
        return self._curves.get(run_id)

    def files(self, run_id: str, folder: str = "") -> list[File]:
        """What a run keeps below a folder. Blocks. Raises: whatever the store raises."""
        run = self._runs.get(run_id)
        known = self._listed.get((run_id, folder))
        state = f"{time.monotonic() // LISTED_SECONDS}"
        if run is not None and not run.is_running:
            state = f"{run.status} {run.ended}"
        if known is None or known[0] != state:
            known = self._listed[(run_id, folder)] = (state, self._source.files(run_id, folder))
        return known[1]

    def file(self, run_id: str, path: str) -> Path:
        """A local copy of a file that a run keeps. Blocks.

        Raises: UnsafePathError; FileNotFoundError: there is none, or the store does not answer.
        """
        return self._artifacts.file(run_id, path)

    def packed(self, name: str, version: int) -> Path:
        """A local copy of the folder that is packed with a registered version. Blocks.

        Raises: FileNotFoundError: nothing is packed with it, or the store does not answer.
        """
        return self._artifacts.packed(name, version)

    def poll(self) -> None:
        """Ask once. Whatever goes wrong is told by `connection`."""
        try:
            changed = self._read_runs() | self._read_models() | self._read_curves()
        except Exception as error:  # whatever MLflow, its database or the network raise
            self._failures += 1
            pause = min(LONGEST_PAUSE, 2.0**self._failures)
            reason = reason_of(error)
            _log.info("the store does not answer: %s", reason)
            self.connection = Connection(self.connection.answered, reason, time.time() + pause)
            self.version += 1
            return
        changed |= not self.connection.is_up
        self._failures = 0
        self.connection = Connection(time.time())
        self.version += changed

    def _work(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            self.poll()
            self._wake.wait(self._pause())

    def _pause(self) -> float:
        if self.connection.error:
            return max(0.1, self.connection.retry_at - time.time())
        if time.monotonic() - self._touched > LOOKED_AT_SECONDS:
            return IDLE_SECONDS
        return BUSY_SECONDS if any(run.is_running for run in self._runs.values()) else CALM_SECONDS

    def _read_runs(self) -> bool:
        now = time.monotonic()
        full = not self._runs or now - self._full_at > FULL_SECONDS
        found = {run.run_id: run for run in self._source.runs(MOST if full else NEWEST)}
        if full:  # runs that were deleted are gone from it
            self._full_at = now
        else:
            found = self._runs | found
        changed = found != self._runs
        self._runs = found
        return changed

    def _read_models(self) -> bool:
        now = time.monotonic()
        if self._models_at and now - self._models_at < MODEL_SECONDS:
            return False
        found = tuple(self._source.versions())
        self._models_at, changed = now, found != self.versions
        self.versions = found
        return changed

    def _read_curves(self) -> bool:
        now = time.monotonic()
        changed = False
        for run_id, looked_at in list(self._looked_at.items()):
            run = self._runs.get(run_id)
            if run is None or now - looked_at > LOOKED_AT_SECONDS:
                self._looked_at.pop(run_id, None)
                continue
            changed |= self._read_run(run, now)
        self._forget()
        return changed

    def _read_run(self, run: RunRecord, now: float) -> bool:
        series = self._series[run.run_id] = self._series.pop(run.run_id, {})  # the last one, by when it was looked at
        changed = run.run_id not in self._curves
        for key, latest in run.latest.items():
            one = series.setdefault(key, Series())
            if latest.step == 0:  # the highest step: there is no other point to ask for
                changed |= one.take(latest)
            else:
                changed |= one.read(partial(self._source.points, run.run_id, key), latest, run.status, now)
        if changed:
            self._curves[run.run_id] = {key: one.curve for key, one in series.items()}
        return changed

    def _forget(self) -> None:
        unseen = [run_id for run_id in self._series if run_id not in self._looked_at]
        for run_id in unseen[:-MOST_UNSEEN]:
            del self._series[run_id]
            self._curves.pop(run_id, None)
