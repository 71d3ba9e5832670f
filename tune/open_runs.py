"""Runs of a search's trials that MLflow shows as running: found, and ended for those who could not.

A worker ends its trial's run itself where it can. Knows no Ray and no Optuna.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from tune.trial import Job
from wallpaper import tracking
from wallpaper.store_address import reason_of, without_passwords

_log = logging.getLogger(__name__)


def running(parent: tracking.Run, name: str | None = None) -> list[tracking.Run]:
    """The runs of a search's trials, or of one of them, that nobody records any more, with all that they have left.

    Raises: MlflowException: the store does not answer.
    """
    store = parent.store
    wanted = f"attributes.status = 'RUNNING' and tags.`mlflow.parentRunId` = '{parent.run_id}'"
    wanted += f" and tags.`search.trial` = '{name}'" if name else ""
    experiment = store.client.get_run(parent.run_id).info.experiment_id
    return [_taken_up(store, run) for run in store.client.search_runs([experiment], wanted)]


def of_trial(parent: tracking.Run, job: Job, name: str) -> list[tracking.Run]:
    """As `running` of a trial that has ended, once the store answers; none if the search is stopped before.

    Raises: TrackingError: it does not answer for long.
    """
    try:
        return tracking.patiently(partial(running, parent, name), stop=job.stop_file.exists)
    except tracking.TrackingError:
        if job.stop_file.exists():
            return []
        raise


def end_left(parent: tracking.Run) -> None:
    """End the runs of trials that nobody works at any more; where the store is away, the next command does it."""
    try:
        for left in running(parent):
            left.end("KILLED", "the search was stopped")
    except MlflowException as error:
        _log.warning("runs of trials are not ended yet: %s", without_passwords(reason_of(error)))


def _taken_up(store: tracking.Store, run: Run) -> tracking.Run:
    """A run, and the journal in its folder: its worker could not send that if the store was away at its end."""
    folder = run.data.tags.get("folder")
    taken = tracking.Run(store, run.info.run_id, Path(folder) if folder else None)
    taken.take_up()
    return taken
