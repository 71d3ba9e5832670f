"""The command as typed: a small search end to end, and what it refuses."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner
from mlflow import MlflowClient

from tests.tune.conftest import ROOT, Ground
from tune import search
from wallpaper.cli.train import train_ode

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_search_of_two_trials(ground: Ground, tmp_path: Path) -> None:
    """In a process of its own, as users run it; Ray ends with it."""
    options = ["--data", str(ground.data), "--vae", str(ground.vae), "--preset", "smoke", "--trials", "2"]
    options += ["--epochs", "2", "--concurrent", "1", "--name", "small", "--storage-path", "searches"]
    command = [sys.executable, str(ROOT / "tune" / "search.py"), *options]
    done = subprocess.run(command, cwd=tmp_path, env=ground.environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Traceback" not in done.stderr

    client = MlflowClient(f"sqlite:///{ground.database}")
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    (parent,) = [run for run in runs if run.data.tags["phase"] == "search"]
    children = [run for run in runs if run.data.tags["phase"] == "train_ode"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert [run.data.tags["mlflow.parentRunId"] for run in children] == [parent.info.run_id] * 2
    for child in children:
        history = client.get_metric_history(child.info.run_id, "val/wasserstein2")
        assert [point.step for point in history] == [1, 2]
    first = min(children, key=lambda run: run.info.start_time)
    assert (first.data.params["cfg.learning_rate"], first.data.params["cfg.hidden_dim"]) == ("0.001", "64")

    best = json.loads((tmp_path / "searches" / "small" / search.BEST).read_text())
    assert best["objective"] == pytest.approx(min(run.data.metrics["objective"] for run in children))
    assert parent.data.tags["best.run_id"] == best["run_id"]
    assert done.stdout.rstrip().endswith(best["command"])
    wallpaper, name, *arguments = shlex.split(best["command"])
    assert (wallpaper, name) == ("wallpaper", "train-ode")
    typed = train_ode.make_context(name, arguments).params
    (winner,) = [run for run in children if run.info.run_id == best["run_id"]]
    assert typed["learning_rate"] == winner.data.params["cfg.learning_rate"]


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(search.search, arguments)
    assert done.exit_code == 2, done.output
    return done.output.strip()


def test_gpus_that_are_not_there_are_refused_in_a_sentence() -> None:
    found = torch.cuda.device_count()
    message = refused("--gpus", str(found + 1))
    assert message == (
        f"Error: --gpus {found + 1}, but this machine has {found} CUDA device(s); --gpus 0 trains on the CPU"
    )


def test_what_cannot_be_started_is_refused_at_once(ground: Ground, tmp_path: Path) -> None:
    given = ["--data", str(ground.data), "--vae", str(ground.vae), "--storage-path", str(tmp_path)]
    (tmp_path / "taken").mkdir()
    assert "this machine has" in refused(*given, "--cpus-per-trial", "100000")
    assert "choose another --name" in refused(*given, "--name", "taken")
    assert "a folder's name without a path" in refused(*given, "--name", "../taken")
    assert f"`--data {tmp_path}/none` is no file" in refused("--data", f"{tmp_path}/none")
    assert "holds no trained VAE" in refused("--data", str(ground.data), "--vae", str(tmp_path))


def test_it_starts_from_the_demonstration_if_there_is_nothing_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="wallpaper generate"):
        search.find_data("")
    with pytest.raises(FileNotFoundError, match="wallpaper train-vae"):
        search.find_vae("")
    files = [search.DEMO_DATA, search.DEMO_VAE / "best.safetensors", search.VAE_RUNS / "1" / "best.safetensors"]
    for file in [*files, search.VAE_RUNS / "2" / "best.safetensors", search.VAE_RUNS / "3" / "config.json"]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        if file == files[1]:
            assert search.find_vae("") == search.DEMO_VAE
    assert search.find_data("") == search.DEMO_DATA
    assert search.find_vae("") == search.VAE_RUNS / "2"
    assert isinstance(search.search, click.Command)
