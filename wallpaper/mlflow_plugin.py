"""Where runs are recorded, and the MLflow plug-in that makes MLflow's own commands agree.

MLflow loads `Provider` through the entry point "mlflow.default_experiment_provider" whenever it is
imported. It gives runs in this project's folder their experiment, and lets `mlflow run` work on a
machine without conda. Knows nothing about what a run holds. MLflow is only half imported when this
module is loaded, so its other parts are imported inside functions.
"""

# ruff: noqa: PLC0415
from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

from wallpaper.checkout import is_project, project_root
from wallpaper.store_address import (
    DATABASE,
    DATABASES,
    database_path,
    fault_of,
    reason_of,
    scheme_of,
    without_passwords,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

try:
    import fcntl
except ImportError:  # not a POSIX system: a fresh database must then be made by one process first
    fcntl = None  # type: ignore[assignment]

EXPERIMENT = "wallpaper"
ARTIFACTS = "mlartifacts"
KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Has MLflow's own pages show training runs first, not traces of language models."""

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow reads it at the end of its own import

_log = logging.getLogger(__name__)


class TrackingError(RuntimeError):
    """The tracking store cannot be used; the message says how to get one that can."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open tracking store."""

    uri: str
    client: MlflowClient
    experiment_id: str
    """Where runs go: MLFLOW_EXPERIMENT_ID or MLFLOW_EXPERIMENT_NAME, else the experiment "wallpaper"."""

    @property
    def shown(self) -> str:
        """`uri` for people and files: without a password that stands in it."""
        return without_passwords(self.uri)


def artifact_location(uri: str) -> str | None:
    """Artifacts lie beside an SQLite database. None for any other store: its server decides.

    It must be explicit: MLflow would else choose a place that depends on which of its commands first
    touched the database, and that other commands cannot write to.
    """
    database = database_path(uri)
    return None if database is None else (database.parent / ARTIFACTS).as_uri()


def open_store(uri: str) -> Store:
    """The store at `uri`; its tables and the experiment are made if missing.

    Raises: TrackingError: no store there, a damaged one, or its experiment is deleted.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    fault, remedy = fault_of(uri)
    if fault:
        shown = without_passwords(uri)
        raise TrackingError(f"`MLFLOW_TRACKING_URI` must name a store, but of {shown}: {fault}: {remedy}")
    try:
        with one_process(uri):
            _check_database(uri)
            _make_database(uri)
            client = MlflowClient(uri)
            return Store(uri, client, os.environ.get("MLFLOW_EXPERIMENT_ID") or _experiment_id(client, uri))
    except (MlflowException, OSError) as error:
        found = without_passwords(f"{uri} gives: {reason_of(error)}")
        raise TrackingError(
            f"`MLFLOW_TRACKING_URI` must name a store that answers, but {found}; {_remedy(uri)}"
        ) from error


def _remedy(uri: str) -> str:
    own = project_root() / DATABASE
    if database_path(uri) == own:
        return f"see that {own.parent} can be written to by you, or set the variable to another store"
    return f"start its server, or unset the variable to record in {own}"


def _check_database(uri: str) -> None:
    """MLflow tries a damaged file, or a database that does not answer, for minutes, then shows where that ended.

    Raises: TrackingError: it cannot be read. A file that is locked is left to MLflow, which waits.
    """
    database = database_path(uri)
    if database is None:
        if scheme_of(uri) in DATABASES:
            _check_answer(uri)
    elif database.exists():
        _check_file(database)


def _check_answer(uri: str) -> None:
    from wallpaper.store_database import refusal_of

    reason, remedy = refusal_of(uri)
    if reason:
        raise TrackingError(
            f"`MLFLOW_TRACKING_URI` must name a database that answers, but {without_passwords(uri)} gives: "
            f"{reason}; {remedy}"
        )


def _check_file(database: Path) -> None:
    try:
        # Not read-only: a writer that was killed leaves a journal, by which SQLite puts right what it had half written.
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if "locked" not in str(error):
            raise TrackingError(
                f"{database} must be an SQLite database that can be read, but {error}; "
                "restore a copy, or move it away: a new one is made"
            ) from error


def _make_database(uri: str) -> None:
    """Make a new SQLite file whole: MLflow makes its tables one by one, and one killed among them could never go on.

    Raises: OSError: it cannot be written.
    """
    database = database_path(uri)
    if database is None or database.exists():
        return
    from mlflow.store.db import utils
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    begun = database.with_name(f".{database.name}.new")
    for left in (begun, begun.with_name(f"{begun.name}-journal")):
        left.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{begun}")
    try:
        utils._initialize_tables(engine)  # as its stores do; the public way is a command of its own
    except SQLAlchemyError as error:
        raise OSError(f"{database} cannot be made: {str(error).splitlines()[0]}") from error
    finally:
        engine.dispose()
    try:
        os.link(begun, database)
    except FileExistsError:
        pass  # a server of MLflow, which knows no lock of ours, has made it meanwhile
    except OSError:  # a file system without hard links
        begun.rename(database)
    begun.unlink(missing_ok=True)


def _experiment_id(client: MlflowClient, uri: str) -> str:
    from mlflow.exceptions import MlflowException

    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location(uri), KIND))
        except MlflowException:  # another client of the same server may have been faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"experiment {name!r} must be active, but it is {found.lifecycle_stage}; "
            f"restore it with `mlflow experiments restore --experiment-id {found.experiment_id}`"
        )
    return str(found.experiment_id)


@contextmanager
def one_process(uri: str) -> Iterator[None]:
    """Keeps out the other processes of this machine that call this for the same SQLite file; other stores have no lock.

    While one makes the tables, for example: MLflow's own check lets several begin at once. Not reentrant.
    """
    database = database_path(uri)
    if database is None or fcntl is None:
        yield
        return
    with open(f"{database}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Provider(DefaultExperimentProvider):
    """Gives MLflow's own commands, typed in the project's folder, the project's experiment."""

    def in_context(self) -> bool:
        """Asked by `mlflow run` just before it chooses how to run: the moment to add the fallback."""
        if not is_project(os.getcwd()):
            return False
        if "mlflow.projects" in sys.modules:
            install_fallback()
        return True

    def get_experiment_id(self) -> str:
        """The id of the experiment, which is made if missing."""
        from mlflow import get_tracking_uri

        return open_store(get_tracking_uri()).experiment_id


def conda_available() -> bool:
    """Whether MLflow would find a conda program."""
    from mlflow.utils.conda import get_conda_bin_executable

    return shutil.which(get_conda_bin_executable("conda")) is not None


def install_fallback() -> None:
    """From now on a project of ours runs with the current Python where no conda is found.

    Only if the user chose no environment manager. It replaces MLflow's entry for its local way of
    running, for which MLflow 3.17 has neither a setting nor a plug-in.
    """
    from mlflow.projects.backend import loader
    from mlflow.projects.backend.local import LocalBackend
    from mlflow.projects.utils import PROJECT_ENV_MANAGER

    class Fallback(LocalBackend):
        def run(self, project_uri: str, entry_point: str, params: Any, version: Any, config: Any, *rest: Any) -> Any:
            if config.get(PROJECT_ENV_MANAGER) is None and is_project(project_uri) and not conda_available():
                _log.warning("conda was not found: running with %s, as --env-manager local does", sys.executable)
                config[PROJECT_ENV_MANAGER] = "local"
                os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
            return super().run(project_uri, entry_point, params, version, config, *rest)  # type: ignore[no-untyped-call]

    if loader.MLFLOW_BACKENDS["local"] is LocalBackend:
        loader.MLFLOW_BACKENDS["local"] = Fallback
