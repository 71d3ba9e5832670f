"""Packs a model's folder as an MLflow model: code, weights and samples as files, pinned requirements, no pickle.

What is packed must load with pickles forbidden and answer its own example. Knows runs, but no registry.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import Model

import wallpaper
from serving import schema
from wallpaper.data.samples import Samples
from wallpaper.tracking import Store

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
    "isal",
    "PyYAML",
)
"""What the served code imports; recorded with the versions installed here."""

CPU_WHEELS = "--extra-index-url https://download.pytorch.org/whl/cpu"
"""On Linux the plain wheel of torch brings gigabytes of CUDA along, and the service computes on the CPU."""


def pack(store: Store, folder: Path, about: dict[str, str], card: str, samples: Samples) -> Any:
    """Keep the model with the run that `about` names, and see that it answers; MLflow's account of it.

    Args:
        about: what every answer will say of the model.
        card: the text that goes with it.
    Raises: RuntimeError: it does not load or answer as it was kept.
    """
    path = list(sys.path)
    try:
        with environment(MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false"):
            info = _log(store, folder, about, card, samples)
            _check_answer(info.model_uri)
    finally:
        sys.path[:] = path  # loading a model puts its own code first
    return info


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


def requirements() -> list[str]:
    """`REQUIREMENTS` with the versions installed here; torch without CUDA, wherever its wheels come with it."""
    pins = {name: metadata.version(name).split("+")[0] for name in REQUIREMENTS}
    torch = pins.pop("torch")
    builds = [f"torch=={torch}+cpu ; sys_platform == 'linux'", f"torch=={torch} ; sys_platform != 'linux'"]
    return [CPU_WHEELS, *(f"{name}=={pin}" for name, pin in pins.items()), *builds]


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
