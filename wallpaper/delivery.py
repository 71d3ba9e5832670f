"""Sends what a run records to MLflow, in order, and keeps what could not be sent: in memory and in a journal on disk.

A store that fails never ends a training: after a failure it is left alone for a while, then everything is tried again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException

from wallpaper.journal import Entry, Journal
from wallpaper.mlflow_plugin import Store
from wallpaper.store_address import without_passwords

RETRY_SECONDS = 20.0
"""After a failure the store is left alone for so long, so that a dead server does not slow each epoch."""

PER_REQUEST = 1000
"""Metric points, MLflow's limit; parameters have another."""
PARAMS_PER_REQUEST = 100

LATE = {"file": 1, "end": 2}
"""Kinds of parts that wait for all others: a large file must not keep metrics back, and the end is the end."""

WITHOUT_A_WORD = "its process ended without a word"
"""What the tag `error` says of a run whose process was killed."""

_log = logging.getLogger(__name__)


class Delivery:
    """The parts of one run on their way to a store."""

    def __init__(self, store: Store, run_id: str, journal: Journal) -> None:
        self._store, self._run_id, self.journal = store, run_id, journal
        self._waiting: list[Entry] = []
        self._quiet_until = 0.0

    @property
    def waiting(self) -> list[Entry]:
        """Parts that are not sent."""
        return self._waiting

    def take_up(self, entries: list[Entry]) -> None:
        """Send these too: an earlier process of the run has left them."""
        self._waiting += entries

    def put(self, entry: Entry) -> None:
        """Keep a part on disk, then send it, with what has waited."""
        self.journal.append(entry)
        self._waiting.append(entry)
        self.send()

    def send(self, *, at_once: bool = False) -> bool:
        """Send what waits. Returns: whether nothing waits any more.

        Args: at_once: also if the store has just failed.
        """
        self._quiet_until = 0.0 if at_once else self._quiet_until
        if self.is_quiet:
            return False
        sent: set[int] = set()
        for group in _groups(self._waiting):
            if not self._deliver(group):
                break
            sent |= {id(entry) for entry in group}
        self._waiting = [entry for entry in self._waiting if id(entry) not in sent]
        if self._waiting:
            return False
        self.journal.clear()
        return True

    @property
    def is_quiet(self) -> bool:
        """Whether the store is left alone."""
        return time.monotonic() < self._quiet_until

    def attempt(self, what: str, call: Callable[[], object]) -> bool:
        """Whether there is nothing more to try: it worked, or the store refused it for good."""
        try:
            call()
        except Exception as error:  # whatever the store does, the training goes on
            return self._failed(what, error)
        return True

    def _failed(self, what: str, error: Exception) -> bool:
        if _is_final(error) or not self.is_quiet:
            _log.warning("run %s: %s not recorded: %s", self._run_id, what, without_passwords(str(error))[:300])
        if not _is_final(error):
            self._quiet_until = time.monotonic() + RETRY_SECONDS
        return _is_final(error)

    def _deliver(self, group: list[Entry]) -> bool:
        """Whether the parts, all of one kind, need not be sent again."""
        (kind,) = group[0]
        try:
            getattr(self, f"_send_{kind}")([entry[kind] for entry in group])
        except Exception as error:
            if _is_final(error) and len(group) > 1:  # a point that is refused must not take others along
                alone = [self._deliver([entry]) for entry in group]
                return all(alone)
            return self._failed(_name(group[0]), error)
        return True

    # ---- by kind; each gets the contents of one part or, of metrics, of several

    def _send_metrics(self, several: list[list[list[Any]]]) -> None:
        points = [Metric(name, float(value), when, step) for rows in several for name, value, when, step in rows]
        self._store.client.log_batch(self._run_id, metrics=points)

    def _send_tag(self, several: list[tuple[str, str]]) -> None:
        self._store.client.set_tag(self._run_id, *several[0])

    def _send_params(self, several: list[dict[str, str]]) -> None:
        self._store.client.log_batch(self._run_id, params=[Param(*pair) for pair in several[0].items()])

    def _send_json(self, several: list[tuple[Any, str]]) -> None:
        self._store.client.log_dict(self._run_id, *several[0])

    def _send_dataset(self, several: list[tuple[str, str, str, str]]) -> None:
        name, digest, uri, context = several[0]
        entity = Dataset(name, digest, "local", json.dumps({"uri": uri}))
        used = [DatasetInput(entity, [InputTag("mlflow.data.context", context)])]
        self._store.client.log_inputs(self._run_id, datasets=used)

    def _send_file(self, several: list[tuple[str, str]]) -> None:
        path, folder = Path(several[0][0]), several[0][1]
        if not path.exists():
            raise FileNotFoundError(f"{path} is there no longer")
        send = self._store.client.log_artifacts if path.is_dir() else self._store.client.log_artifact
        send(self._run_id, str(path), folder or None)

    def _send_end(self, several: list[tuple[str, int]]) -> None:
        self._store.client.set_terminated(self._run_id, *several[0])


def _groups(waiting: list[Entry]) -> Iterator[list[Entry]]:
    """What is sent together: parts one by one, metrics by the thousand; late kinds behind all others."""
    group: list[Entry] = []
    size = 0
    for entry in sorted(waiting, key=lambda each: LATE.get(next(iter(each)), 0)):
        rows = len(entry.get("metrics", ()))
        if group and (not rows or size + rows > PER_REQUEST):
            yield group
            group, size = [], 0
        if rows:
            group.append(entry)
            size += rows
        else:
            yield [entry]
    if group:
        yield group


def _name(entry: Entry) -> str:
    """A part as messages name it."""
    match entry:
        case {"tag": [name, _]}:
            return f"tag {name}"
        case {"file": [path, _]}:
            return str(path)
        case {"json": [_, name]}:
            return str(name)
    plain = {"params": "settings", "dataset": "the data set", "end": "the end"}
    (kind,) = entry
    return plain.get(kind, kind)


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use."""
    invalid = isinstance(error, MlflowException) and error.error_code == "INVALID_PARAMETER_VALUE"
    return invalid or isinstance(error, FileNotFoundError)
