"""A tiny model, and the same registered: made once for the folder's tests."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

from wallpaper.models.ode import TransitionODE
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE

ROOT = Path(__file__).resolve().parents[2]


class Store(NamedTuple):
    """A tracking store with the tiny model registered in it."""

    environment: dict[str, str]
    """For processes that use the store."""
    printed: str
    """What the registration said."""


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vae = SymmetryVAE(resolution=32, latent_dim=4, hidden_dims=(8, 16, 16))
        ode = TransitionODE(latent_dim=4, hidden_dim=16)
    return TransitionModel(vae, ode, {"note": "untrained"}).save(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def store(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The model registered by the command line, in a process of its own as users do it."""
    folder = tmp_path_factory.mktemp("registry")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    environment = {
        **kept,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "serving.register", str(model_folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return Store(environment, done.stdout)
