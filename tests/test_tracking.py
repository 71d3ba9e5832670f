"""Runs recorded over a real SQLite store, read back through MLflow's own client."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment, Metric
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from wallpaper import delivery, provenance, recorded, tracking
from wallpaper.training.stopping import Interrupted

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@dataclass(frozen=True)
class Settings:
    learning_rate: float = 1e-3
    widths: tuple[int, ...] = (8, 16)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: making its tables takes seconds."""
    return tmp_path_factory.mktemp("store") / "mlflow.db"


@pytest.fixture
def client(database: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    for name, value in {"MAX_RETRIES": "0", "BACKOFF_FACTOR": "0", "TIMEOUT": "2"}.items():
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    return tracking.initialise().client


def own_experiment(client: MlflowClient) -> Experiment:
    found = client.get_experiment_by_name("wallpaper")
    assert found is not None
    return found


def ended(client: MlflowClient, run: tracking.Run) -> MlflowRun:
    return client.get_run(run.run_id)


def test_a_run_holds_its_settings_origin_data_and_files(client: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"w")
    with tracking.start("vae", phase="train_vae", config=Settings(), folder=tmp_path) as run:
        run.dataset(tmp_path / "patterns.h5", digest="d" * 64)
        run.artifact(tmp_path / "weights.bin", "model")
        run.artifact(tmp_path, "all")
    found = ended(client, run)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "vae"
    assert found.data.params == {"cfg.learning_rate": "0.001", "cfg.widths": "(8, 16)"}
    tags = found.data.tags
    assert (tags["phase"], tags["folder"], tags["wallpaper.host"]) == ("train_vae", str(tmp_path), provenance.host())
    assert tags.get("mlflow.source.git.commit", "") == provenance.commit()[0]
    assert found.inputs is not None
    (used,) = found.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest, tags["dataset.digest"]) == ("patterns", "d" * 36, "d" * 64)
    assert json.loads(recorded.download(run.run_id, "config.json").read_text())["widths"] == [8, 16]
    assert recorded.download(run.run_id, "model/weights.bin").read_bytes() == b"w"
    assert recorded.download(run.run_id, "all", tmp_path / "to").joinpath("weights.bin").read_bytes() == b"w"


def test_artifacts_lie_beside_the_database(client: MlflowClient, database: Path) -> None:
    experiment = own_experiment(client)
    assert experiment.artifact_location == (database.parent / "mlartifacts").as_uri()


def test_an_epoch_is_one_request_at_its_step(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    with tracking.start("ode", phase="train_ode") as run:
        real = run.store.client.log_batch

        def counted(run_id: str, metrics: list[Metric]) -> None:
            sizes.append(len(metrics))
            real(run_id, metrics=metrics)

        monkeypatch.setattr(run.store.client, "log_batch", counted)
        report = run.reporter()
        for epoch in (1, 2):
            report({"epoch": epoch, "epochs": 2, "train/loss": 1 / epoch, "nfe": 26 + epoch, "learning_rate": 1e-3})
    assert sizes == [3, 3]
    assert [(p.step, p.value) for p in client.get_metric_history(run.run_id, "train/loss")] == [(1, 1.0), (2, 0.5)]
    assert ended(client, run).data.metrics["nfe"] == 28
    assert "epoch" not in ended(client, run).data.metrics


def test_more_points_than_one_request_takes_are_all_recorded(client: MlflowClient) -> None:
    with tracking.start("many", phase="test") as run:
        run.log({f"pair/{number}": number for number in range(1234)})
    assert len(ended(client, run).data.metrics) == 1234


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "FINISHED"),
        (SystemExit(0), "FINISHED"),
        (ValueError("loss is nan"), "FAILED"),
        (SystemExit(1), "FAILED"),
        (SystemExit(143), "KILLED"),
        (KeyboardInterrupt(), "KILLED"),
        (Interrupted(Path("run"), 3), "KILLED"),
    ],
    ids=repr,
)
def test_the_end_is_recorded(client: MlflowClient, error: BaseException | None, status: str) -> None:
    run = tracking.start("end", phase="test")
    if error is None:
        with run:
            pass
    else:
        with pytest.raises(type(error)), run:
            raise error
    found = ended(client, run)
    assert found.info.status == status
    assert found.info.end_time is not None
    reason = found.data.tags.get("error")
    assert reason is None if status == "FINISHED" else reason == f"{type(error).__name__}: {error}"


def test_the_run_of_mlflow_run_is_continued_once(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made = client.create_run(own_experiment(client).experiment_id)
    client.log_param(made.info.run_id, "learning_rate", "1e-3")
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    with tracking.start("outer", phase="demo", config=Settings()) as outer:
        assert "MLFLOW_RUN_ID" not in os.environ, "a child process would end the run"
        with tracking.start("inner", phase="train_vae", parent=outer.run_id) as inner:
            pass
    assert outer.run_id == made.info.run_id != inner.run_id
    assert ended(client, outer).data.params["cfg.learning_rate"] == "0.001"
    assert ended(client, inner).data.tags["mlflow.parentRunId"] == outer.run_id


def test_a_part_of_a_run_does_not_continue_the_run_of_mlflow_run(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.start("outer", phase="test") as outer:
        monkeypatch.setenv("MLFLOW_RUN_ID", "somebody else's")
        with tracking.start("inner", phase="test", parent=outer.run_id) as inner:
            assert inner.run_id != "somebody else's"


def test_an_unknown_run_to_continue_is_refused(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with pytest.raises(tracking.TrackingError, match=f"run '{'0' * 32}' must be in sqlite"):
        tracking.start("lost", phase="test")


def test_what_a_failing_store_missed_is_recorded_later(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", 1000.0)
    (tmp_path / "best.bin").write_bytes(b"b")
    calls = []

    def down(*_: object, **__: object) -> None:
        calls.append(1)
        raise MlflowException("connection refused")

    with tracking.start("server dies", phase="test") as run, caplog.at_level(logging.WARNING):
        with monkeypatch.context() as outage:
            for name in ("log_batch", "log_artifact"):
                outage.setattr(run.store.client, name, down)
            for epoch in range(1, 6):
                run.reporter()({"epoch": epoch, "epochs": 5, "loss": float(epoch)})
            run.artifact(tmp_path / "best.bin")
    assert len(calls) == 1, "a dead server must not slow each epoch"
    assert [record.message for record in caplog.records] == [
        f"run {run.run_id}: metrics not recorded: connection refused"
    ]
    assert [p.step for p in client.get_metric_history(run.run_id, "loss")] == [1, 2, 3, 4, 5]
    assert recorded.download(run.run_id, "best.bin").read_bytes() == b"b"
    assert ended(client, run).info.status == "FINISHED"


def test_a_store_that_stays_down_does_not_hide_the_result(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(*_: object, **__: object) -> None:
        raise ConnectionError("gone")

    with tracking.start("never back", phase="test", folder=tmp_path) as run, caplog.at_level(logging.ERROR):
        for name in ("log_batch", "set_tag", "set_terminated", "log_figure", "log_inputs"):
            monkeypatch.setattr(run.store.client, name, down)
        run.log({"loss": 1.0})
        run.figure(object(), "figure.png")
        run.dataset(Path("data.h5"), digest="d")
    assert f"1 points of run {run.run_id} were not recorded" in caplog.text


def test_what_the_store_refuses_for_good_does_not_block_the_rest(client: MlflowClient) -> None:
    with tracking.start("refused", phase="test") as run:
        run.log({"no such name!": 1.0}, step=1)
        run.log({"loss": 2.0}, step=2)
    assert ended(client, run).data.metrics == {"loss": 2.0}


def test_a_missing_file_is_an_error_at_once(client: MlflowClient, tmp_path: Path) -> None:
    run = tracking.start("missing", phase="test")
    with pytest.raises(FileNotFoundError, match=r"must exist to be kept with the run, but got .*nothing\.bin"), run:
        run.artifact(tmp_path / "nothing.bin")


def test_runs_of_dead_processes_are_closed_and_of_living_ones_left(client: MlflowClient) -> None:
    experiment = own_experiment(client).experiment_id
    here = {"wallpaper.host": provenance.host()}
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = client.create_run(experiment, tags={**here, "wallpaper.process": provenance.process(gone.pid)})
    gone.communicate(b"\n")
    reused = client.create_run(experiment, tags={**here, "wallpaper.process": f"{os.getpid()} 12345"})
    alive = client.create_run(experiment, tags={**here, "wallpaper.process": provenance.process()})
    elsewhere = client.create_run(experiment, tags={"wallpaper.host": "another", "wallpaper.process": "1 1"})
    with tracking.start("cleaner", phase="test"):
        pass
    found = [client.get_run(run.info.run_id).info.status for run in (dead, reused, alive, elsewhere)]
    assert found == ["KILLED", "KILLED", "RUNNING", "RUNNING"]


def test_a_resumed_run_goes_on_in_its_own_record(client: MlflowClient, tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        tracking.start("first", phase="test", config={"a": 1}, folder=tmp_path) as run,
    ):
        run.log({"val/loss": 0.5}, step=1)
        raise KeyboardInterrupt
    tracking.start("other", phase="test", folder=tmp_path / "other").end("FINISHED")
    with tracking.start("first", phase="test", config={"a": 2}, folder=tmp_path, resume=True) as again:
        again.log({"val/loss": 0.25}, step=2)
    assert again.run_id == run.run_id
    assert "error" not in ended(client, run).data.tags  # why it had ended before
    assert [point.step for point in client.get_metric_history(run.run_id, "val/loss")] == [1, 2]
    found = recorded.find_run(run.run_id)
    assert (found.name, found.folder, found.metrics) == ("first", tmp_path, {"val/loss": 0.25})
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert tracking.start("first", phase="test", folder=tmp_path).run_id != run.run_id


def test_unknown_runs_and_files_are_named(client: MlflowClient) -> None:
    with pytest.raises(tracking.TrackingError, match=r"`run_id` must name a run in sqlite:.*, but got 'nope'"):
        recorded.find_run("nope")
    with tracking.start("empty", phase="test") as run:
        pass
    with pytest.raises(tracking.TrackingError, match=f"`path` must name a file of run {run.run_id}, but 'model/x'"):
        recorded.download(run.run_id, "model/x")


def test_a_server_that_does_not_answer_is_named_at_the_start(
    client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(tracking.TrackingError, match=r"http://127.0.0.1:9 gives: .*; start its server, or unset"):
        tracking.start("nobody there", phase="test")


def test_a_deleted_experiment_is_named(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "deleted one")
    client.delete_experiment(tracking.initialise().experiment_id)
    with pytest.raises(tracking.TrackingError, match="'deleted one' must be active, but it is deleted; restore it"):
        tracking.initialise()


RECORD = """
from wallpaper import tracking
with tracking.start("process", phase="parallel") as run:
    for epoch in range(1, 6):
        run.reporter()({"epoch": epoch, "epochs": 5, "loss": 1 / epoch})
print(run.run_id)
"""


def test_two_processes_share_a_fresh_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    environment |= {"MLFLOW_TRACKING_URI": address, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", RECORD]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ids = [process.communicate(timeout=200)[0].strip() for process in both]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    reader = tracking.initialise().client
    assert [process.returncode for process in both] == [0, 0]
    assert [len(reader.get_metric_history(run_id, "loss")) for run_id in ids] == [5, 5]
    assert [reader.get_run(run_id).info.status for run_id in ids] == ["FINISHED", "FINISHED"]
