"""A registered model's weights, fetched from MLflow for one command.

Apart from its users: loading MLflow takes a second, which no folder waits for.
"""

from __future__ import annotations

import os
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from wallpaper import tracking
from wallpaper.cli.places import REGISTERED
from wallpaper.model_files import DESCRIPTION


def fetch(address: str, folder: Path) -> Path:
    """The transition model at `models:/NAME@ALIAS` or `models:/NAME/VERSION`, copied into `folder`.

    Raises: TrackingError: the store does not answer, or has no transition model there.
    """
    store = tracking.initialise()
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        found = Path(download_artifacts(artifact_uri=address, dst_path=str(folder), tracking_uri=store.uri))
    except (MlflowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise tracking.TrackingError(
            f"`--model {address}` must be {REGISTERED} in {store.shown}, but: {reason}; `wallpaper models` lists them"
        ) from error
    whole = next(found.rglob(DESCRIPTION), None)
    if whole is None:
        raise tracking.TrackingError(
            f"`--model {address}` must be a transition model, but there is no {DESCRIPTION} in it; "
            "`wallpaper models` lists what is registered"
        )
    return whole.parent
