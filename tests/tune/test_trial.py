"""One trial without Ray: what it tells, and what its run in MLflow holds and how it ends, at once or after a death."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from tests.tune.conftest import Ground
from tune.phases import ODE, VAE
from tune.shared import load_latents, save_latents
from tune.trial import OBJECTIVE, RANK, WORKER, WORST, Job, best_values, run_trial
from wallpaper import provenance, tracking
from wallpaper.data import Latents
from wallpaper.training.files import read_json
from wallpaper.training.ode_config import CRITERION, OdeConfig
from wallpaper.training.vae_config import VaeConfig

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

TINY = OdeConfig(
    epochs=3, pairs_per_epoch=64, batch_size=32, hidden_dim=16, time_points=4, solver="midpoint", solver_steps=2,
    validation_pairs=4, validation_points=8, coupling="random",
)  # fmt: skip
TINY_VAE = VaeConfig(
    resolution=16, latent_dim=4, hidden_dims=(8, 16), pool="flatten", epochs=3, batch_size=64, learning_rate=1e-3
)


def latents(seed: int) -> Latents:
    labels = torch.arange(3).repeat_interleave(6)
    return Latents(torch.randn(18, 2, generator=torch.Generator().manual_seed(seed)) + labels[:, None], labels)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: making its tables takes seconds."""
    return tmp_path_factory.mktemp("store") / "mlflow.db"


@pytest.fixture
def job(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ground: Ground) -> Job:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    with tracking.start("search", phase="search") as parent:
        made = Job(
            "ode", TINY, ODE.objectives[:1], tmp_path, "found", parent.run_id, {"who": "owner"}, ground.data, "d",
            vae_folder="frozen", vae_digest="v",
        )  # fmt: skip
    save_latents(made.shared, latents(1), latents(2))
    return made


@pytest.fixture
def vae_job(job: Job) -> Job:
    wanted = tuple(each for each in VAE.objectives if each.name in ("psnr", "size"))
    return replace(job, phase_name="vae", base=TINY_VAE, objectives=wanted)


def recorded(told: list[dict[str, Any]]) -> Run:
    return tracking.initialise().client.get_run(told[-1]["mlflow_run"])


def steps(told: list[dict[str, Any]], name: str) -> list[int]:
    return [each.step for each in tracking.initialise().client.get_metric_history(told[-1]["mlflow_run"], name)]


def test_latents_come_back_as_they_were_and_stay_in_their_file(tmp_path: Path) -> None:
    save_latents(tmp_path, replace(latents(1), places=1), latents(2))
    for found, kept in zip(load_latents(tmp_path), (latents(1), latents(2)), strict=True):
        assert torch.equal(found.mean, kept.mean)
        assert torch.equal(found.labels, kept.labels)
        assert found.places == 1
    mapped = load_latents(tmp_path)[0].mean
    mapped[0] = 7.0  # copied when written to: another's page stays
    assert not torch.equal(load_latents(tmp_path)[0].mean, mapped)
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(tmp_path / "train-mean.npy") in maps.read_text()


def test_a_trial_tells_the_best_so_far_and_records_itself(job: Job) -> None:
    told: list[dict[str, Any]] = []
    run_trial(job, {"learning_rate": 0.5}, "001", told.append)
    run, client = recorded(told), tracking.initialise().client
    assert (run.info.status, run.info.run_name, run.data.tags["phase"]) == ("FINISHED", "found-ode-001", "train_ode")
    assert run.data.tags["mlflow.parentRunId"] == job.parent
    assert {name: run.data.tags[name] for name in ("who", "search", "search.trial", "vae.digest")} == {
        "who": "owner", "search": "found", "search.trial": "001", "vae.digest": "v",
    }  # fmt: skip
    assert (run.data.params["cfg.learning_rate"], run.data.params["cfg.epochs"]) == ("0.5", "3")
    values = [point.value for point in client.get_metric_history(run.info.run_id, "val/wasserstein2")]
    best = [min(values[: n + 1]) for n in range(3)]
    assert [row[RANK] for row in told] == pytest.approx([*best, best[-1]])
    assert [row["values"] for row in told] == [[row[RANK]] for row in told]
    assert [(row["epoch"], row["outcome"]) for row in told] == [(1, ""), (2, ""), (3, ""), (3, "finished")]
    assert steps(told, OBJECTIVE) == [1, 2, 3]
    assert {file.path for file in client.list_artifacts(run.info.run_id, "training")} >= {"training/best.safetensors"}
    assert not (job.trial_folder("001") / WORKER).exists()


def test_a_vae_s_trial_tells_figures_of_the_epoch_that_it_keeps(vae_job: Job) -> None:
    told: list[dict[str, Any]] = []
    run_trial(vae_job, {"latent_dim": 8}, "001", told.append)
    rows = read_json(vae_job.trial_folder("001") / "history.json")
    assert isinstance(rows, list)
    kept = min(rows, key=lambda row: row["val/loss"])
    psnr, size = told[-1]["values"]
    assert psnr == kept["val/psnr"] == -told[-1][RANK]
    assert size > 1000
    assert (recorded(told).info.status, recorded(told).data.tags["phase"]) == ("FINISHED", "train_vae")


def test_the_best_epoch_is_the_training_s_own() -> None:
    rows: list[Any] = [
        {"epoch": 1, "val/wasserstein2": 3.0, "val/nfe": 9},
        {"epoch": 2, "val/wasserstein2": 1.0, "val/nfe": 20},
        {"epoch": 3, "val/wasserstein2": math.nan, "val/nfe": 1},
        {"epoch": 4},
    ]
    assert best_values(rows, CRITERION, (ODE.objectives[2], ODE.objectives[0])) == (20.0, 1.0)
    assert best_values(rows[3:], CRITERION, ODE.objectives[:1]) == ()


def test_a_training_that_diverges_is_a_bad_value_and_failed_with_its_reason(job: Job) -> None:
    told: list[dict[str, Any]] = []
    run_trial(job, {"learning_rate": 1e30}, "002", told.append)
    assert (told[-1][RANK], told[-1]["values"], told[-1]["outcome"]) == (WORST, [], "diverged")
    run = recorded(told)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith("TrainingError: ")
    assert told[-1]["reason"].startswith("TrainingError: ")


def stopped_after_one_epoch(job: Job, name: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []

    def tell(row: dict[str, Any]) -> None:
        told.append(row)
        job.stop_file.touch()

    run_trial(job, {}, name, tell)
    job.stop_file.unlink()
    return told


@pytest.mark.parametrize("phase", ["ode", "vae"])
def test_a_trial_that_is_stopped_goes_on_in_its_own_run(phase: str, job: Job, vae_job: Job) -> None:
    job = vae_job if phase == "vae" else job
    through: list[dict[str, Any]] = []
    run_trial(job, {}, "003", through.append)
    told = stopped_after_one_epoch(job, "004")
    assert [row["outcome"] for row in told] == ["", "killed"]
    assert recorded(told).info.status == "KILLED"
    assert recorded(told).data.tags["error"].startswith("Interrupted")
    again: list[dict[str, Any]] = []
    run_trial(job, {}, "004", again.append)
    assert [row["epoch"] for row in again] == [1, 2, 3, 3]  # what it had told is told again
    if phase == "ode":  # computes on one thread: to the last bit
        assert [row["values"] for row in again] == [row["values"] for row in through]
    assert again[-1]["mlflow_run"] == told[-1]["mlflow_run"]
    assert steps(again, OBJECTIVE) == steps(again, "learning_rate") == [1, 2, 3]
    run = recorded(again)
    assert (run.info.status, "error" in run.data.tags) == ("FINISHED", False)


def test_what_a_dead_worker_had_not_recorded_is_recorded(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as silent:
        silent.setattr(tracking.Run, "log", lambda *_: None)
        told = stopped_after_one_epoch(job, "005")
    assert steps(told, OBJECTIVE) == []
    run_trial(job, {}, "005", told.append)
    assert steps(told, OBJECTIVE) == [1, 2, 3]


def away_at_first(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
    """The store answers when this is called for the second time."""
    answer, calls = getattr(place, name), list[int]()

    def ask(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise MlflowException("connection refused")
        return answer(*given, **named)

    monkeypatch.setattr(place, name, ask)


def test_a_trial_waits_for_a_store_that_is_away(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it begins, and when it goes on: its run, and what that has recorded, cannot be asked for later."""
    monkeypatch.setattr(tracking, "ASKED_AGAIN_SECONDS", 0.0)
    away_at_first(monkeypatch, tracking, "start")
    told = stopped_after_one_epoch(job, "008")
    away_at_first(monkeypatch, tracking.Run, "recorded")
    run_trial(job, {}, "008", told.append)
    assert (told[-1]["outcome"], steps(told, OBJECTIVE)) == ("finished", [1, 2, 3])


def test_any_other_error_is_a_failed_trial(job: Job) -> None:
    told: list[dict[str, Any]] = []
    (job.shared / "train-mean.npy").unlink()
    run_trial(job, {}, "006", told.append)
    assert (told[-1]["outcome"], told[-1]["values"]) == ("failed", [])
    assert told[-1]["reason"].startswith("FileNotFoundError")
    assert recorded(told).info.status == "FAILED"


def test_a_worker_that_a_dead_search_has_left_is_ended_first(job: Job) -> None:
    folder = job.trial_folder("007")
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as left:
        (folder / WORKER).write_text(f"{provenance.host()}\n{provenance.process(left.pid)}")
        told: list[dict[str, Any]] = []
        run_trial(job, {}, "007", told.append)
        assert left.wait(20) != 0
    assert told[-1]["outcome"] == "finished"
