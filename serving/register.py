"""Keeps a trained model in MLflow's registry and moves an alias to it.

    python -m serving.register output/demo/model --name wallpaper-transition --alias champion

The model is code plus weights, never a pickle. It must load with pickles forbidden and answer its own
example before the alias moves, so what serves the alias never gets a model that cannot answer.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model

import wallpaper
from serving import schema
from wallpaper import provenance, tracking
from wallpaper.tracking import Store

NAME = "wallpaper-transition"
ALIAS = "champion"
FILES = ("model.json", "vae.safetensors", "ode.safetensors")

REQUIREMENTS = (
    "mlflow",
    "pandas",
    "torch",
    "torchdiffeq",
    "numpy",
    "scipy",
    "h5py",
    "imageio",
    "imageio-ffmpeg",
    "pillow",
    "matplotlib",
    "safetensors",
)
"""What the served code imports; recorded with the versions installed here."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry."""

    name: str
    version: str
    alias: str
    run_id: str

    @property
    def uri(self) -> str:
        """What `mlflow models serve -m` takes."""
        return f"models:/{self.name}@{self.alias}" if self.alias else f"models:/{self.name}/{self.version}"


def register(
    model_folder: Path,
    *,
    tracking_uri: str | None = None,
    name: str = NAME,
    alias: str = ALIAS,
    run_id: str | None = None,
    metrics: Mapping[str, float] | None = None,
) -> Registered:
    """Register a model's folder as the next version of `name` and point `alias` at it; an empty alias stays put.

    Args:
        model_folder: what `TransitionModel.save` wrote.
        run_id: the run that the model comes from; a new run of phase "register" if None.
        metrics: figures recorded with the model, such as those of its evaluation.
    Raises:
        FileNotFoundError: no model there. wallpaper.tracking.TrackingError: no store, or no such run.
        RuntimeError: the registered model does not answer; the alias has not moved.
    """
    missing = [file for file in FILES if not (model_folder / file).is_file()]
    if missing:
        raise FileNotFoundError(f"a model's folder holds {', '.join(FILES)}, but {model_folder} has no {missing[0]}")
    if tracking_uri:
        os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    about = {"model": str(model_folder), "name": name, "alias": alias, "run": run_id or ""}
    with contextlib.ExitStack() as stack:
        if run_id is None or "MLFLOW_RUN_ID" in os.environ:  # `mlflow run -e register` has made a run for this
            run = stack.enter_context(tracking.start("register", phase="register", config=about, folder=model_folder))
        store = tracking.initialise()
        origin = run.run_id if run_id is None else tracking.find_run(run_id, store).run_id
        return _register(store, model_folder, name, alias, origin, metrics or {})


def _register(
    store: Store, folder: Path, name: str, alias: str, run_id: str, metrics: Mapping[str, float]
) -> Registered:
    client, path = store.client, list(sys.path)
    try:
        with _environment(MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false"):
            info = _log(store, folder, name, run_id)
            _check_answer(info.model_uri)
    finally:
        sys.path[:] = path  # loading a model puts its own code first
    now = int(time.time() * 1000)
    figures = [Metric(key, value, now, 0, model_id=info.model_id, run_id=run_id) for key, value in metrics.items()]
    client.log_batch(run_id, metrics=figures)
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name, description="Transitions between the 17 wallpaper groups.")
    version = client.create_model_version(name, info.model_uri, run_id, model_id=info.model_id)
    if alias:
        client.set_registered_model_alias(name, alias, version.version)
    return Registered(name, str(version.version), alias, run_id)


def _log(store: Store, folder: Path, name: str, run_id: str) -> Any:
    """Keep the model with the run, whose experiment it joins; MLflow's shorter ways open and end the run again."""
    origin = {"name": name, "run_id": run_id, "digest": digest(folder), "wallpaper": provenance.version()}
    run = store.client.get_run(run_id)
    logged = store.client.create_logged_model(
        run.info.experiment_id, "transition", run_id, tags=origin, params=run.data.params, model_type="transition"
    )
    with tempfile.TemporaryDirectory() as copies:
        return Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            model_id=logged.model_id,
            run_id=run_id,
            python_model=str(Path(__file__).with_name("model.py")),
            artifacts={"model": str(folder.absolute())},
            code_paths=_code(Path(copies)),
            pip_requirements=requirements(),
            signature=schema.signature(),
            input_example=(pd.DataFrame([schema.EXAMPLE_ROW]), schema.EXAMPLE_PARAMS),
            model_config=origin,
        )


def _code(copies: Path) -> list[str]:
    """The packages that the served model imports, copied without the weights that one of them ships."""
    packages = (Path(wallpaper.__file__).parent, Path(__file__).parent)
    ignored = shutil.ignore_patterns("shipped", "__pycache__")
    return [str(shutil.copytree(package, copies / package.name, ignore=ignored)) for package in packages]


def _check_answer(model_uri: str) -> None:
    """Raises: RuntimeError: the model, as it was kept, does not load or answer."""
    try:
        model = mlflow.pyfunc.load_model(model_uri)
        (answer,) = model.predict(pd.DataFrame([schema.EXAMPLE_ROW]), params=schema.EXAMPLE_PARAMS)
        if len(answer["frames"]) != schema.EXAMPLE_PARAMS["n_frames"]:
            raise ValueError(f"{len(answer['frames'])} frames instead of {schema.EXAMPLE_PARAMS['n_frames']}")
    except Exception as error:
        raise RuntimeError(f"{model_uri} must answer its example before it is registered, but: {error}") from error


def digest(folder: Path) -> str:
    """SHA-256 of the model's files, in short."""
    sums = "".join(hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES)
    return hashlib.sha256(sums.encode()).hexdigest()[:16]


def requirements() -> list[str]:
    """`REQUIREMENTS` with the versions installed here; "+cpu" and the like are left to the installing machine."""
    return [f"{name}=={metadata.version(name).split('+')[0]}" for name in REQUIREMENTS]


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.register", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model_folder", type=Path, help="folder with " + ", ".join(FILES))
    parser.add_argument("--name", default=NAME, help="registered model (default: %(default)s)")
    parser.add_argument("--alias", default=ALIAS, help="alias to move; empty for none (default: %(default)s)")
    parser.add_argument("--run", default=None, metavar="RUN_ID", help="run that the model comes from")
    parser.add_argument("--metrics", type=Path, default=None, help="JSON file of figures to record with the model")
    given = parser.parse_args(arguments)
    try:
        metrics = json.loads(given.metrics.read_text(encoding="utf-8")) if given.metrics else None
        done = register(given.model_folder, name=given.name, alias=given.alias, run_id=given.run, metrics=metrics)
    except (OSError, RuntimeError, ValueError, MlflowException) as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{done.name} version {done.version}: {done.uri}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
