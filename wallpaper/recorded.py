"""What the tracking store has kept: runs by their ids, their files, and registered models.

The other half of `tracking`, which records. Changes nothing in the store.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from wallpaper.mlflow_plugin import Store, TrackingError
from wallpaper.tracking import initialise

__all__ = ["RecordedRun", "TrackingError", "download", "download_registered", "find_run", "known_run"]

NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How MLflow says that it has no such run, or that this is no id."""

PROGRESS = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
"""MLflow draws bars of its own, also of what takes no time."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run found in the store."""

    run_id: str
    name: str
    phase: str
    folder: Path | None
    """The local folder it was trained in, which may have gone."""
    metrics: Mapping[str, float]
    """Last value of each metric."""


def find_run(run_id: str, store: Store | None = None) -> RecordedRun:
    """The run with this id. Raises: TrackingError: the store has none."""
    store = store or initialise()
    try:
        return _recorded(store.client.get_run(run_id))
    except MlflowException as error:
        raise TrackingError(f"`run_id` must name a run in {store.shown}, but got {run_id!r}: {error}") from error


def known_run(run_id: str) -> str:
    """The id of a run if the store has it, else "". Raises: TrackingError: the store does not answer."""
    try:
        return find_run(run_id).run_id
    except TrackingError as error:
        if isinstance(error.__cause__, MlflowException) and error.__cause__.error_code in NOT_THERE:
            return ""
        raise


def download(run_id: str, path: str = "", destination: Path | None = None) -> Path:
    """Fetch a file or folder that a run kept; without `destination` a local store's own copy is returned.

    Raises: TrackingError: the run kept no such thing, or there is no such run.
    """
    store = initialise()
    to = None if destination is None else str(destination)
    try:
        found = download_artifacts(run_id=run_id, artifact_path=path, dst_path=to, tracking_uri=store.uri)
    except (MlflowException, OSError) as error:
        raise TrackingError(f"`path` must name a file of run {run_id}, but {path!r} gives: {error}") from error
    return Path(found)


def download_registered(address: str, destination: Path) -> Path:
    """Fetch all files of a registered version into a folder.

    Args: address: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
    Raises: TrackingError: the store does not answer, or has no such version.
    """
    store = initialise()
    os.environ.setdefault(PROGRESS, "false")
    try:
        found = download_artifacts(artifact_uri=address, dst_path=str(destination), tracking_uri=store.uri)
    except (MlflowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrackingError(
            f"`models:/NAME@ALIAS` or `models:/NAME/VERSION` must name a version in {store.shown}, "
            f"but {address} gives: {reason}; `wallpaper models` lists them"
        ) from error
    return Path(found)


def _recorded(run: Any) -> RecordedRun:
    tags, info = run.data.tags, run.info
    folder = Path(tags["folder"]) if "folder" in tags else None
    return RecordedRun(info.run_id, info.run_name, tags.get("phase", ""), folder, dict(run.data.metrics))
