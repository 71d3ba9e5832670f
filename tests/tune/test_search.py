"""The command as typed: a small search of both phases end to end, gone on with, and what it refuses."""

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
from mlflow.entities import Run

from tests.tune.conftest import ROOT, Ground
from tune import outcome, search
from tune.options import SEARCH
from tune.study import load_database
from wallpaper.cli import main
from wallpaper.cli.train import train_ode
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.vae_run import load_vae

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def called(ground: Ground, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as users run it; Ray ends with it."""
    command = [sys.executable, str(ROOT / "tune" / "search.py"), "--storage-path", "searches", *options]
    done = subprocess.run(command, cwd=folder, env=ground.environment, capture_output=True, text=True, timeout=600)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.timeout(1250)
def test_a_search_of_both_phases_and_then_of_one_trial_more(ground: Ground, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("vae: {learning_rate: {low: 1e-4, high: 1e-2, log: true}}\node: {hidden_dim: [64, 16, 256]}\n")
    options = ["--data", str(ground.data), "--preset", "smoke", "--trials", "1", "--space", str(space), "--epochs", "1"]
    options += ["--concurrent", "1", "--name", "small", "--no-register", "--no-pictures"]
    done = called(ground, tmp_path, *options)
    assert done.returncode == 0, done.stderr + done.stdout
    client = MlflowClient(f"sqlite:///{ground.database}")
    assert len(runs(client)) == 2 + 2
    assert not [*tmp_path.rglob("visualizations")]
    again = called(ground, tmp_path, "--resume", "last", "--trials", "2", "--pictures")
    assert again.returncode == 0, again.stderr + again.stdout
    assert "1 of 2 trials to go" in again.stdout
    vaes = tmp_path / "searches" / "small" / "vae" / "trials"
    better = load_database(vaes.parent / "study.db").best_trial.user_attrs["name"]
    assert better == "001", "the trial that came later must be the better VAE here"
    assert "ODE: on the VAE of trial 000, as before; trial 001 is better now" in again.stdout

    parents = {run.data.tags["search.phase"]: run for run in runs(client) if run.data.tags["phase"] == "search"}
    assert set(parents) == {"vae", "ode"}
    for phase in ("vae", "ode"):
        parent = parents[phase]
        children = [run for run in runs(client) if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        assert [run.info.status for run in (parent, *children)] == ["FINISHED"] * 3
        assert {run.data.tags["phase"] for run in children} == {f"train_{phase}"}
        study = load_database(tmp_path / "searches" / "small" / phase / "study.db")
        told = {trial.user_attrs["run_id"]: trial.value for trial in study.trials}
        assert told == {run.info.run_id: pytest.approx(run.data.metrics["objective"]) for run in children}
        best = json.loads((tmp_path / "searches" / "small" / phase / outcome.BEST).read_text())
        assert best["run_id"] == parent.data.tags["best.run_id"] == study.best_trial.user_attrs["run_id"]
        files = {file.path for file in client.list_artifacts(parent.info.run_id, "search")}
        assert files >= {"search/study.db", "search/best.json", "search/figures"}
        (epoch,) = {file.path for file in client.list_artifacts(best["run_id"], "visualizations") if file.is_dir}
        drawn = {Path(file.path).name for file in client.list_artifacts(best["run_id"], epoch)}
        assert drawn >= {"metrics.json", {"vae": "reconstructions.png", "ode": "transition_matrix.png"}[phase]}
    digests = {run.data.tags["vae.digest"] for run in runs(client) if "vae.digest" in run.data.tags}
    assert digests == {weights_digest(load_vae(vaes / "000").state_dict())}, "all fields are of one latent space"
    words = shlex.split(best["command"])
    parent = click.Context(main, **main.context_settings)  # a command remembers the help options of its first context
    typed = train_ode.make_context("train-ode", words[2:], parent=parent)
    assert words[:2] == ["wallpaper", "train-ode"]
    assert Path(str(typed.params["vae"])) == vaes / "000"
    assert typed.params["hidden_dim"] == str(best["settings"]["hidden_dim"])
    model = Path(best["folder"]) / "model"
    assert f"model            {model}" in again.stdout
    info = json.loads((model / "model.json").read_text())["info"]
    assert info["run_id"] == best["run_id"]
    assert {info["vae_digest"]} == digests


def runs(client: MlflowClient) -> list[Run]:
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(search.search, arguments)
    assert done.exit_code == 2, done.output
    return done.output.strip()


def test_gpus_that_are_not_there_are_refused_in_a_sentence() -> None:
    found = torch.cuda.device_count()
    message = refused("--gpus", str(found + 1))
    assert message.startswith(
        f"Error: --gpus {found + 1}, but this machine has {found} CUDA device(s); --gpus 0 trains"
    )
    assert "\n" not in message


def test_what_cannot_be_started_is_refused_at_once(ground: Ground, tmp_path: Path) -> None:
    given = ["--data", str(ground.data), "--vae", str(ground.vae), "--phase", "ode", "--storage-path", str(tmp_path)]
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / SEARCH).write_text("{}")
    (tmp_path / "space.yaml").write_text("hiden_dim: [1, 2]")
    (tmp_path / "points.yaml").write_text("[{hidden_dim: 3}]")
    for extra, message in [
        (["--cpus-per-trial", "100000"], "this machine has"),
        (["--name", "taken"], "choose another --name"),
        (["--name", "../taken"], "a folder's name without a path"),
        (["--name", "../taken", "--dry-run"], "a folder's name without a path"),
        (["--space", str(tmp_path / "space.yaml")], "no 'hiden_dim'; did you mean 'hidden_dim'?"),
        (["--points", str(tmp_path / "points.yaml")], "a point's `hidden_dim` must be 64 | 128 | 256 | 512, but got 3"),
        (["--objectives", "psnr"], "unknown objective 'psnr'; one of w2,"),
        (["--resume", "none"], "'none' must be a search in"),
        (["--warm-start", "none"], "'none' must be a search in"),
        (["--time-budget", "soon"], "must be a time above 0"),
        (["--sampler", "cma"], "'cma' is not one of"),
    ]:
        assert message in refused(*given, *extra)
    assert f"`--data {tmp_path}/none` is no file" in refused("--data", f"{tmp_path}/none")
    assert "holds no trained VAE" in refused("--data", str(ground.data), "--vae", str(tmp_path), "--phase", "ode")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["points.yaml", "space.yaml", "taken"]


def test_a_store_that_does_not_answer_leaves_no_search_behind(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "foo://bar")
    done = CliRunner().invoke(search.search, ["--data", str(ground.data), "--storage-path", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.startswith("Error: `MLFLOW_TRACKING_URI` must name a store, but of foo://bar")
    assert "--resume" not in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_shows_everything_and_writes_nothing(ground: Ground, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        search.search, ["--data", str(ground.data), "--preset", "smoke", "--storage-path", str(tmp_path), "--dry-run"]
    )
    assert done.exit_code == 0, done.output
    for shown in ("VAE: 8 trials of 2 epochs", "ODE: 8 trials", "when solver is dopri5", "first tried", "time ", "CPU"):
        assert shown in done.output
    assert list(tmp_path.iterdir()) == []


def test_registration_is_once_and_says_why_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"code": 1, "out": "", "err": "Error: first\nError: no model there"}

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[1:] == ["-m", "wallpaper", "register", "--model", str(tmp_path), "--data", "patterns.h5"]
        return subprocess.CompletedProcess(command, int(str(said["code"])), str(said["out"]), str(said["err"]))

    with outcome.tracking.start("search", phase="search") as parent:
        monkeypatch.setattr(outcome.subprocess, "run", run)
        with pytest.raises(
            RuntimeError, match="must be registered, but: Error: no model there; try `wallpaper register"
        ):
            outcome.register(tmp_path, Path("patterns.h5"), parent)
        said |= {"code": 0, "out": "wallpaper-transition version 7: models:/wallpaper-transition@champion"}
        assert outcome.register(tmp_path, Path("patterns.h5"), parent) == said["out"]
        said["code"] = 1
        assert outcome.register(tmp_path, Path("patterns.h5"), parent) == said["out"]
        tags = parent.store.client.get_run(parent.run_id).data.tags
    assert tags["registered.number"] == "7"
