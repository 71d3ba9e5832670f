"""Records runs in MLflow: settings, metrics of each epoch, data sets, files, and how it ended.

An explicit client and run id, no global run. A store that fails never ends a training: what could
not be recorded is kept on disk and tried again (`delivery`). Knows nothing about models or loops; it
hands them a report to call.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException

from wallpaper import provenance, run_log
from wallpaper.checkout import project_root
from wallpaper.delivery import PARAMS_PER_REQUEST, PER_REQUEST, WITHOUT_A_WORD, Delivery
from wallpaper.journal import Head, Journal
from wallpaper.mlflow_plugin import Store, TrackingError, open_store
from wallpaper.store_address import reason_of, tracking_uri, without_passwords
from wallpaper.training.report import Report
from wallpaper.training.stopping import Interrupted

__all__ = ["Run", "Store", "TrackingError", "initialise", "patiently", "start"]

CONFIG_PREFIX = "cfg."
"""Before each setting's name: `mlflow run` records the parameters as typed, and a parameter cannot change."""

EVERY_ROW = "seconds"
"""A number that every epoch of every training has."""

_PARAM_LENGTH = 6000
_DIGEST_LENGTH = 36

_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""MLflow's own values make one call to a dead server last four minutes."""
_log = logging.getLogger(__name__)

ASKED_AGAIN_SECONDS = 2.0
PATIENCE = 600.0
"""How often, and for how long, `patiently` asks a store that does not answer."""

T = TypeVar("T")


def initialise() -> Store:
    """Open the store, made ready if new, and fix its address for this process and those it starts.

    The store is MLFLOW_TRACKING_URI, else `mlflow.db` in the project's folder. Call it before starting
    processes that record: several at once must not make the tables.
    Raises: TrackingError: the store does not answer, or the experiment is deleted.
    """
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    uri = tracking_uri()
    os.environ["MLFLOW_TRACKING_URI"] = uri
    return open_store(uri)


def start(
    name: str,
    *,
    phase: str,
    config: Any = None,
    folder: Path | None = None,
    parent: str | None = None,
    tags: Mapping[str, str] | None = None,
    resume: bool = False,
) -> Run:
    """Begin a run, to be used in a `with` statement.

    The first run of a process started by `mlflow run` is the one that `mlflow run` made.

    Args:
        phase: what kind of run, for example "train_vae".
        config: a dataclass or mapping of settings, recorded as parameters `cfg.<name>` and as config.json.
        folder: where the run keeps its files locally.
        parent: id of the run that this one is a part of.
        resume: go on with the newest run of this phase and folder, if the store has one.
    Raises: TrackingError: the store does not answer, or does not know the run it shall continue.
    """
    store = initialise()
    close_stale_runs(store)
    place = {"folder": str(folder.absolute())} if folder else {}
    about = {"phase": phase, "mlflow.runName": name, **provenance.tags(), **place, **(tags or {})}
    adopted = None if parent else os.environ.pop("MLFLOW_RUN_ID", None)
    try:
        earlier = _of_folder(store, phase, place["folder"], parent) if resume and place and not adopted else None
        run_id = adopted or (earlier.info.run_id if earlier else _create(store, name, parent, about))
        store.client.update_run(run_id, status="RUNNING")
        store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in about.items()])
        if earlier and "error" in earlier.data.tags:  # why it ended before
            store.client.delete_tag(run_id, "error")
    except MlflowException as error:
        raise TrackingError(
            f"run {adopted or name!r} must be in {store.shown}, but it cannot be: {without_passwords(str(error))}"
        ) from error
    run = Run(store, run_id, folder)
    run.take_up()
    if config is not None and not (earlier and earlier.data.params):  # parameters cannot change
        run.settings(config)
    return run


def patiently(ask: Callable[[], T], *, stop: Callable[[], bool] = lambda: False) -> T:
    """What `ask` gives, asked again while the store does not answer: what is asked for cannot be sent later.

    For work of hours that meets a server which is started anew; where nothing has begun yet, a sentence is better.
    Args: ask: may be called after it has done its work, where only the answer was lost.
        stop: ends the waiting.
    Raises: TrackingError: the store did not answer for `PATIENCE` seconds, or until `stop`. What `ask` raises where
        asking again is of no use.
    """
    until, is_said = time.monotonic() + PATIENCE, False
    while True:
        try:
            return ask()
        except (MlflowException, TrackingError) as error:
            if not _may_pass(error):
                raise
            if time.monotonic() > until or stop():
                raise TrackingError(f"the store must answer, but: {without_passwords(reason_of(error))}") from error
            if not is_said:
                _log.warning("waiting for the store: %s", without_passwords(reason_of(error)))
            is_said = True
        time.sleep(ASKED_AGAIN_SECONDS)


class Run:
    """A run being recorded. Leaving its `with` block ends it as FINISHED, FAILED or KILLED."""

    def __init__(self, store: Store, run_id: str, folder: Path | None = None) -> None:
        """Args: folder: where what is unsent is kept; by default below the project's output."""
        self.store, self.run_id = store, run_id
        head = Head(run_id, store.shown, provenance.host(), provenance.process())
        self._delivery = Delivery(store, run_id, Journal(folder or project_root() / "output", head))
        self._said = run_log.RunLog()

    def __enter__(self) -> Run:
        self._said.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = _status(error)
        with closing(self._said):
            self.end(status, "" if status == "FINISHED" else f"{type(error).__name__}: {error}")

    def take_up(self) -> None:
        """Send what an earlier process of this run has left unsent, but for its end: the run goes on."""
        entries = [entry for entry in self._delivery.journal.entries() if "end" not in entry]
        if entries:
            self._delivery.journal.take_over(entries)
        self._delivery.take_up(entries)
        self._delivery.send()

    def settings(self, config: Any) -> None:
        """Record a dataclass or mapping as parameters `cfg.<name>` and as the file config.json."""
        values = dataclasses.asdict(config) if dataclasses.is_dataclass(config) else dict(config)  # type: ignore[arg-type]
        params = [(CONFIG_PREFIX + name, str(value)[:_PARAM_LENGTH]) for name, value in values.items()]
        for some in _batches(params, PARAMS_PER_REQUEST):
            self._delivery.put({"params": dict(some)})
        self._delivery.put({"json": [json.loads(json.dumps(values, default=str)), "config.json"]})

    def reporter(self) -> Report:
        """A report for a training loop: one request with all numbers of the epoch, at step `epoch`."""

        def report(row: Mapping[str, float | int]) -> None:
            self.log({name: value for name, value in row.items() if name not in ("epoch", "epochs")}, int(row["epoch"]))

        return report

    def recorded(self, name: str) -> set[int]:
        """Steps at which a metric is recorded, or waits to be. Raises: MlflowException: the store does not answer."""
        waiting = [point for entry in self._delivery.waiting for point in entry.get("metrics", ())]
        found = self.store.client.get_metric_history(self.run_id, name)
        return {point.step for point in found} | {step for known, _, _, step in waiting if known == name}

    def catch_up(self, rows: Iterable[Mapping[str, float | int]]) -> None:
        """Record the rows of a resumed training that are missing: its process may have been killed right before."""
        try:
            known = self.recorded(EVERY_ROW)
        except Exception as error:  # as in the delivery: a store that fails ends no training
            _log.warning("run %s: earlier epochs were not looked for: %s", self.run_id, without_passwords(str(error)))
            return
        report = self.reporter()
        for row in rows:
            if row["epoch"] not in known:
                report(row)

    def log(self, values: Mapping[str, float | int], step: int = 0) -> None:
        """Record numbers, all in one request; what is no number is left out."""
        now = int(time.time() * 1000)
        numbers = [(name, value) for name, value in values.items() if isinstance(value, (int, float))]
        for some in _batches(numbers, PER_REQUEST):
            self._delivery.put({"metrics": [[name, float(value), now, step] for name, value in some]})
        self._tell()

    def tag(self, name: str, value: str) -> None:
        """Set a tag of the run."""
        self._delivery.put({"tag": [name, value]})

    def dataset(self, path: Path, *, digest: str, context: str = "training") -> None:
        """Record which file the run learns from. Nothing is read; the whole digest is in the tag `dataset.digest`."""
        self._delivery.put({"dataset": [path.stem, digest[:_DIGEST_LENGTH], path.absolute().as_uri(), context]})
        self.tag("dataset.digest", digest)

    def artifact(self, path: Path, folder: str = "") -> None:
        """Keep a file, or all that a folder holds, under `folder` of the run's files.

        Raises: FileNotFoundError: there is no such file; a store that fails raises nothing.
        """
        if not path.exists():
            raise FileNotFoundError(f"`path` must exist to be kept with the run, but got {path}")
        self._delivery.put({"file": [str(path.absolute()), folder]})

    def figure(self, figure: Any, file: str) -> None:
        """Keep a matplotlib or plotly figure as `file`, for example "figures/latent.png", if the store answers."""
        self._delivery.attempt(file, partial(self.store.client.log_figure, self.run_id, figure, file))

    def end(self, status: str, reason: str = "") -> None:
        """Record what is still waiting, then the end. `status` is FINISHED, FAILED or KILLED."""
        self._tell()
        if reason:
            self.tag("error", without_passwords(reason)[:5000])
        self._delivery.put({"end": [status, int(time.time() * 1000)]})
        if not self._delivery.send(at_once=True):
            points = sum(len(entry.get("metrics", ())) for entry in self._delivery.waiting)
            _log.error(
                "%d points of run %s were not recorded in %s; they are kept in %s: send them with `wallpaper sync`",
                points, self.run_id, self.store.shown, self._delivery.journal.path,
            )  # fmt: skip

    def _tell(self) -> None:
        """Record what this process has said since it was last recorded."""
        if news := self._said.news():
            self.tag(run_log.TAG, without_passwords(news))


def close_stale_runs(store: Store) -> None:
    """Mark as KILLED the runs of this machine that say RUNNING although their process has gone."""
    mine = f"attributes.status = 'RUNNING' and tags.`wallpaper.host` = '{provenance.host()}'"
    for run in store.client.search_runs([store.experiment_id], mine, max_results=100):
        if not provenance.is_alive(run.data.tags.get("wallpaper.process", "")):
            store.client.set_tag(run.info.run_id, "error", WITHOUT_A_WORD)
            store.client.set_terminated(run.info.run_id, "KILLED")


def _create(store: Store, name: str, parent: str | None, about: Mapping[str, str]) -> str:
    """A new run, in its parent's experiment if it has one, with all its tags at once: none is without its process."""
    command = without_passwords(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))[:500]
    origin = {"mlflow.source.name": command, "mlflow.source.type": "LOCAL", "mlflow.user": provenance.user()}
    tags = {**origin, **about, **({"mlflow.parentRunId": parent} if parent else {})}
    return str(store.client.create_run(_experiment(store, parent), run_name=name, tags=tags).info.run_id)


def _experiment(store: Store, parent: str | None) -> str:
    return store.experiment_id if parent is None else str(store.client.get_run(parent).info.experiment_id)


def _of_folder(store: Store, phase: str, folder: str, parent: str | None) -> Any:
    """MLflow's newest run of a phase that kept its files in `folder`, or None."""
    query = f"tags.phase = '{phase}' and tags.folder = \"{folder}\""
    where, newest = [_experiment(store, parent)], ["attributes.start_time DESC"]
    return next(iter(store.client.search_runs(where, query, order_by=newest, max_results=1)), None)


def _may_pass(error: Exception) -> bool:
    """Whether a store that gives this error may answer later: what it refuses it will refuse again."""
    cause = error.__cause__ if isinstance(error, TrackingError) else error
    passing = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE")
    return isinstance(cause, OSError) or (isinstance(cause, MlflowException) and cause.error_code in passing)


def _status(error: BaseException | None) -> str:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "FINISHED"
    by_signal = isinstance(error, SystemExit) and isinstance(error.code, int) and error.code >= 128
    return "KILLED" if by_signal or isinstance(error, (KeyboardInterrupt, Interrupted)) else "FAILED"


def _batches(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[first : first + size] for first in range(0, len(items), size))
