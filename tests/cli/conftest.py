"""One small project, made by the commands themselves once for the folder's tests, and a way to call commands in it."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow  # noqa: F401

from tests.once import once
from wallpaper.cli import checks, main, store_check

Command: TypeAlias = Callable[..., Result]
"""Calls `wallpaper` with these words, in this process; output and exit code are in the result."""

SMALL = ("--preset", "smoke", "--epochs", "1", "--device", "cpu")


def call(*words: object) -> Result:
    """The command as a shell would call it; what it raises beyond an exit fails the test."""
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False, prog_name="wallpaper")


def succeed(*words: object) -> Result:
    """`call`, which must end well."""
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a dataset, a VAE, an ODE on it, and an MLflow store of its own; to be copied."""
    return once(tmp_path_factory, "project", _make)


def _make(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patched.chdir(folder)
        patched.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        succeed("generate", "--per-group", 10, "--size", 32, "--workers", 1)
        succeed("train-vae", *SMALL, "--no-pictures")
        succeed("train-ode", *SMALL, "--no-pictures", "--pairs-per-epoch", 64)


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the made project, which is the current folder: what a test does stays in it."""
    folder = tmp_path / "project"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    return folder


@pytest.fixture
def environment(project: Path) -> dict[str, str]:
    """For processes that run in the project."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore"}


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project for `wallpaper doctor`, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    for module in (checks, store_check):
        monkeypatch.setattr(module, "project_root", lambda: tmp_path)
    monkeypatch.setattr(checks, "PORTS", {})  # what runs on this machine is none of the tests' matter
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path
