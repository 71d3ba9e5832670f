"""The only module that asks MLflow: converts its entities to records, and knows what it keeps private.

Every call blocks. Two things are private in MLflow 3.17, and have a slower public way beside them: the step and
time of a run's latest metrics, and a history page by page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.store.records import File, Latest, RunRecord, VersionRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = 1000
"""Points of a history asked for at once."""

PACKED = "artifacts"
"""Where a Python model of MLflow keeps the files that are packed with it."""

PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""By default a call to a dead server blocks for minutes; the store asks again by itself."""

Point = tuple[int, float, float]
"""Step, value, seconds since 1970."""


class Source:
    """An MLflow tracking store at an address."""

    def __init__(self, uri: str) -> None:
        """Nothing is asked yet; MLflow is imported with the first call, which takes seconds."""
        self.uri = uri
        self._opened: MlflowClient | None = None

    def runs(self, limit: int) -> list[RunRecord]:
        """The newest runs of all active experiments, newest first."""
        found: list[RunRecord] = []
        token = None
        while len(found) < limit:
            some = self._client.search_runs(
                self._experiments(),
                max_results=min(1000, limit - len(found)),
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            found += [_run(run) for run in some]
            token = some.token
            if not token:
                break
        return found

    def points(self, run_id: str, key: str, token: str | None) -> Iterator[tuple[list[Point], str | None]]:
        """A metric's history from a page on: each page with the token of the next, None after the last."""
        tracking = getattr(getattr(self._client, "_tracking_client", None), "store", None)
        if tracking is None:
            yield [_point(metric) for metric in self._client.get_metric_history(run_id, key)], None
            return
        while True:
            page = tracking.get_metric_history(run_id, key, max_results=PAGE, page_token=token)
            yield [_point(metric) for metric in page], page.token
            if not page.token:
                return
            token = page.token

    def versions(self) -> list[VersionRecord]:
        """All versions of all registered models; by name, the newest version first."""
        found: list[VersionRecord] = []
        for model in self._client.search_registered_models():
            # A search for versions leaves their aliases out; the model itself knows them.
            whole = self._client.get_registered_model(model.name)
            for version in self._client.search_model_versions(f"name = '{model.name}'"):
                own = tuple(
                    sorted(name for name, number in whole.aliases.items() if str(number) == str(version.version))
                )
                found.append(_version(version, own, dict(whole.tags)))
        return sorted(found, key=lambda each: (each.name, -each.version))

    def files(self, run_id: str, folder: str) -> list[File]:
        """What a run keeps directly below a folder; "" is the uppermost."""
        found = self._client.list_artifacts(run_id, folder or None)
        return [File(each.path, bool(each.is_dir), int(each.file_size or 0)) for each in found]

    def fetch(self, run_id: str, path: str, folder: Path) -> Path:
        """Copy a file of a run into a local folder. The caller has made sure that `path` stays below the run's."""
        return Path(self._client.download_artifacts(run_id, path, str(folder)))

    def fetch_packed(self, name: str, version: int, folder: Path) -> Path:
        """Copy what is packed with a registered version, weights and samples, into a local folder."""
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415 - see `_client`

        whole = self._client.get_model_version_download_uri(name, str(version))
        return Path(download_artifacts(f"{whole}/{PACKED}", dst_path=str(folder), tracking_uri=self.uri))

    @property
    def _client(self) -> MlflowClient:
        if self._opened is None:
            for name, value in PATIENCE.items():
                os.environ.setdefault(name, value)
            from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds, and the page is shown before

            self._opened = MlflowClient(self.uri)
        return self._opened

    def _experiments(self) -> list[str]:
        return [each.experiment_id for each in self._client.search_experiments()]


def _run(run: Any) -> RunRecord:
    info, data = run.info, run.data
    metrics = getattr(data, "_metric_objs", None)
    if metrics is None:
        latest = {key: Latest(value, 0, 0.0) for key, value in data.metrics.items()}
    else:
        latest = {each.key: Latest(each.value, each.step, each.timestamp / 1000) for each in metrics}
    ended = None if not info.end_time else info.end_time / 1000
    return RunRecord(
        info.run_id, info.run_name or info.run_id[:8], info.experiment_id, info.status, (info.start_time or 0) / 1000,
        ended, dict(data.tags), dict(data.params), latest,
    )  # fmt: skip


def _point(metric: Any) -> Point:
    return int(metric.step), float(metric.value), metric.timestamp / 1000


def _version(version: Any, aliases: tuple[str, ...], model_tags: dict[str, str]) -> VersionRecord:
    return VersionRecord(
        version.name, int(version.version), aliases, version.run_id or "", version.creation_timestamp / 1000,
        version.description or "", dict(version.tags), model_tags,
    )  # fmt: skip
