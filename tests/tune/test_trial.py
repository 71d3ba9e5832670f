"""One trial without Ray: what it tells, and what its run in MLflow holds and how it ends."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow.entities import Run

from tune.trial import OBJECTIVE, WORST, Job, load_latents, run_trial, save_latents
from wallpaper import tracking
from wallpaper.data import Latents
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.stopping import Interrupted

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

TINY = OdeConfig(
    epochs=3, pairs_per_epoch=64, batch_size=32, hidden_dim=16, time_points=4, solver="midpoint", solver_steps=2,
    validation_pairs=4, validation_points=8, coupling="random",
)  # fmt: skip


def latents(seed: int) -> Latents:
    labels = torch.arange(3).repeat_interleave(6)
    return Latents(torch.randn(18, 2, generator=torch.Generator().manual_seed(seed)) + labels[:, None], labels)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: making its tables takes seconds."""
    return tmp_path_factory.mktemp("store") / "mlflow.db"


@pytest.fixture
def job(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    with tracking.start("search", phase="search") as parent:
        made = Job(TINY, tmp_path, "search", parent.run_id, {"wallpaper.process": "owner"}, "v", tmp_path, "d")
    save_latents(made.latents, latents(1), latents(2))
    return made


def recorded(told: list[dict[str, Any]]) -> Run:
    return tracking.initialise().client.get_run(told[-1]["mlflow_run"])


def test_latents_come_back_as_they_were(tmp_path: Path) -> None:
    save_latents(tmp_path / "latents.npz", latents(1), latents(2))
    for found, kept in zip(load_latents(tmp_path / "latents.npz"), (latents(1), latents(2)), strict=True):
        assert torch.equal(found.mean, kept.mean)
        assert torch.equal(found.labels, kept.labels)


def test_a_trial_tells_the_lowest_value_so_far_and_records_itself(job: Job) -> None:
    told: list[dict[str, Any]] = []
    run_trial(job, {"learning_rate": 0.5}, "t1", told.append)
    run, client = recorded(told), tracking.initialise().client
    assert (run.info.status, run.data.tags["phase"]) == ("FINISHED", "train_ode")
    assert run.data.tags["mlflow.parentRunId"] == job.parent
    assert run.data.tags["wallpaper.process"] == "owner"
    assert (run.data.params["cfg.learning_rate"], run.data.params["cfg.epochs"]) == ("0.5", "3")
    values = [point.value for point in client.get_metric_history(run.info.run_id, "val/wasserstein2")]
    assert [row[OBJECTIVE] for row in told] == pytest.approx([min(values[: n + 1]) for n in range(3)])
    assert [point.step for point in client.get_metric_history(run.info.run_id, OBJECTIVE)] == [1, 2, 3]
    assert {file.path for file in client.list_artifacts(run.info.run_id, "training")} >= {"training/best.safetensors"}


def test_a_training_that_diverges_is_a_bad_value_and_failed_with_its_reason(job: Job) -> None:
    told: list[dict[str, Any]] = []
    run_trial(job, {"learning_rate": 1e30}, "t2", told.append)
    assert (told[-1][OBJECTIVE], told[-1]["diverged"]) == (WORST, 1)
    assert math.isfinite(WORST)
    run = recorded(told)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith("TrainingError: ")


def test_a_trial_that_is_stopped_is_killed(job: Job) -> None:
    told: list[dict[str, Any]] = []

    def tell(row: dict[str, Any]) -> None:
        told.append(row)
        job.stop_file.touch()

    with pytest.raises(Interrupted):
        run_trial(job, {}, "t3", tell)
    assert len(told) == 1
    assert recorded(told).info.status == "KILLED"


def test_any_other_error_is_recorded_and_raised(job: Job) -> None:
    def tell(row: dict[str, Any]) -> None:
        told.append(row)
        raise RuntimeError("the cable is out")

    told: list[dict[str, Any]] = []
    with pytest.raises(RuntimeError, match="cable"):
        run_trial(replace(job), {}, "t4", tell)
    assert recorded(told).info.status == "FAILED"
    assert recorded(told).data.tags["error"] == "RuntimeError: the cable is out"
