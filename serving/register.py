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
from serving.card import model_card, with_own_card
from serving.samples import Samples
from wallpaper import provenance, tracking
from wallpaper.data.layout import DIGEST_LENGTH
from wallpaper.data.store import PatternStore
from wallpaper.tracking import Store

NAME = "wallpaper-transition"
ALIAS = "champion"
LONGEST_DESCRIPTION = 5000  # of a version, in MLflow's tables
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
    "PyYAML",
)
"""What the served code imports; recorded with the versions installed here."""

CPU_WHEELS = "--extra-index-url https://download.pytorch.org/whl/cpu"
"""On Linux the plain wheel of torch brings gigabytes of CUDA along, and the service computes on the CPU."""


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
    samples: Samples | None = None,
) -> Registered:
    """Register a model's folder as the next version of `name` and point `alias` at it; an empty alias stays put.

    Args:
        model_folder: what `TransitionModel.save` wrote.
        run_id: the run that the model comes from; a new run of phase "register" if None.
        metrics: figures recorded with the model, such as those of its evaluation.
        samples: patterns packed with the model for `sample_id`; the generator's if None.
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
        packed = samples or Samples.generated(_resolution(model_folder))
        return _register(store, model_folder, name, alias, origin, metrics or {}, packed)


def _register(
    store: Store, folder: Path, name: str, alias: str, run_id: str, metrics: Mapping[str, float], samples: Samples
) -> Registered:
    client, path = store.client, list(sys.path)
    about = _about(folder, name, run_id, samples)
    card = model_card(about, metrics)
    try:
        with _environment(MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false"):
            info = _log(store, folder, about, with_own_card(card, folder), samples)
            _check_answer(info.model_uri)
    finally:
        sys.path[:] = path  # loading a model puts its own code first
    now = int(time.time() * 1000)
    data = {"dataset_name": "patterns", "dataset_digest": about["data_digest"]} if about["data_digest"] else {}
    figures = [
        Metric(key, value, now, 0, model_id=info.model_id, run_id=run_id, **data) for key, value in metrics.items()
    ]
    client.log_batch(run_id, metrics=figures)
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name, description="Transitions between the 17 wallpaper groups.")
    version = client.create_model_version(
        name, info.model_uri, run_id, tags=about, description=card[:LONGEST_DESCRIPTION], model_id=info.model_id
    )
    if alias:
        client.set_registered_model_alias(name, alias, version.version)
    return Registered(name, str(version.version), alias, run_id)


def _about(folder: Path, name: str, run_id: str, samples: Samples) -> dict[str, str]:
    """What every answer, the version's tags and the card say of the model; an unknown digest is empty."""
    info = json.loads((folder / "model.json").read_text(encoding="utf-8")).get("info", {})
    return {
        "name": name,
        "run_id": run_id,
        "digest": digest(folder),
        "data_digest": str(info.get("data_digest", ""))[:DIGEST_LENGTH],
        "samples_digest": samples.digest,
        "wallpaper": provenance.version(),
    }


def _log(store: Store, folder: Path, about: dict[str, str], card: str, samples: Samples) -> Any:
    """Keep the model with the run, whose experiment it joins; MLflow's shorter ways open and end the run again."""
    run_id = about["run_id"]
    run = store.client.get_run(run_id)
    logged = store.client.create_logged_model(
        run.info.experiment_id, "transition", run_id, tags=about, params=run.data.params, model_type="transition"
    )
    with tempfile.TemporaryDirectory() as copies:
        packed, text = samples.save(Path(copies) / "samples.safetensors"), Path(copies) / "card.md"
        text.write_text(card, encoding="utf-8")
        return Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            model_id=logged.model_id,
            run_id=run_id,
            python_model=str(Path(__file__).with_name("model.py")),
            artifacts={"model": str(folder.absolute()), "samples": str(packed), "card": str(text)},
            code_paths=_code(Path(copies)),
            pip_requirements=requirements(),
            signature=schema.signature(),
            input_example=(pd.DataFrame([schema.EXAMPLE_ROW]), schema.EXAMPLE_PARAMS),
            model_config=about,
            metadata=about,
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
    """`REQUIREMENTS` with the versions installed here; torch without CUDA, wherever its wheels come with it."""
    pins = {name: metadata.version(name).split("+")[0] for name in REQUIREMENTS}
    torch = pins.pop("torch")
    builds = [f"torch=={torch}+cpu ; sys_platform == 'linux'", f"torch=={torch} ; sys_platform != 'linux'"]
    return [CPU_WHEELS, *(f"{name}=={pin}" for name, pin in pins.items()), *builds]


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _resolution(folder: Path) -> int:
    """Samples along each side of the model's cells, without loading it."""
    return int(json.loads((folder / "model.json").read_text(encoding="utf-8"))["vae"]["resolution"])


def _held_out(data: Path, folder: Path) -> Samples:
    return Samples.held_out(PatternStore(data), _resolution(folder))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.register", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model_folder", type=Path, help="folder with " + ", ".join(FILES))
    parser.add_argument("--name", default=NAME, help="registered model (default: %(default)s)")
    parser.add_argument("--alias", default=ALIAS, help="alias to move; empty for none (default: %(default)s)")
    parser.add_argument("--run", default=None, metavar="RUN_ID", help="run that the model comes from")
    parser.add_argument("--metrics", type=Path, default=None, help="JSON file of figures to record with the model")
    parser.add_argument(
        "--data", type=Path, default=None, help="pattern file whose test part gives the packed samples (else generated)"
    )
    given = parser.parse_args(arguments)
    try:
        samples = _held_out(given.data, given.model_folder) if given.data else None
        metrics = json.loads(given.metrics.read_text(encoding="utf-8")) if given.metrics else None
        done = register(
            given.model_folder, name=given.name, alias=given.alias, run_id=given.run, metrics=metrics, samples=samples
        )
    except (OSError, RuntimeError, ValueError, MlflowException) as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{done.name} version {done.version}: {done.uri}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
