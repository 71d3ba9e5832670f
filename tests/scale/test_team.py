"""A team's set-up: two programs record at once through one MLflow server with PostgreSQL behind it.

`pytest -m slow tests/scale`. PostgreSQL is Debian's; without it, or without its driver, this is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from benchmarks.scale_servers import mlflow_server, postgres, postgres_programs

pytest.importorskip("psycopg2", reason="PostgreSQL's driver is not installed: pip install psycopg2-binary")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postgres_programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.timeout(900),
]

PROGRAMS, EPOCHS, NUMBERS, PATIENCE = 2, 60, 20, 300

RECORDS = """
import sys
from pathlib import Path
from wallpaper import tracking
name, folder, epochs, numbers = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
picture = folder / "picture.bin"
picture.write_bytes(name.encode() * 100_000)
print("ready", flush=True)
sys.stdin.readline()
with tracking.start(name, phase="train_vae", config={"seed": 1}, folder=folder) as run:
    for epoch in range(1, epochs + 1):
        run.log({f"number_{k}": epoch + k / 100 for k in range(numbers)}, epoch)
    run.artifact(picture, "pictures")
"""


@pytest.fixture
def database() -> Iterator[str]:
    with postgres() as address:
        yield address


def environment(server: str) -> dict[str, str]:
    return {**os.environ, "MLFLOW_TRACKING_URI": server}


def test_two_programs_record_at_once_and_nothing_is_lost_or_twice(database: str, tmp_path: Path) -> None:
    with mlflow_server(database, tmp_path) as server:
        programs = []
        for name in map(str, range(PROGRAMS)):
            (tmp_path / name).mkdir()
            command = [sys.executable, "-c", RECORDS, name, str(tmp_path / name), str(EPOCHS), str(NUMBERS)]
            program = subprocess.Popen(command, env=environment(server), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            programs.append(program)
        for program in programs:
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
        for program in programs:  # both begin with an empty store: two make the experiment at once
            program.communicate(b"\n", timeout=PATIENCE)
        assert [program.returncode for program in programs] == [0] * PROGRAMS
        client = MlflowClient(server)
        experiments = [each for each in client.search_experiments() if each.name == "wallpaper"]
        assert len(experiments) == 1
        assert experiments[0].artifact_location.startswith("mlflow-artifacts:")
        runs = {run.info.run_name: run for run in client.search_runs([experiments[0].experiment_id])}
        assert {name: run.info.status for name, run in runs.items()} == {"0": "FINISHED", "1": "FINISHED"}
        for name, run in runs.items():
            assert run.data.params["cfg.seed"] == "1"
            for k in range(NUMBERS):
                points = client.get_metric_history(run.info.run_id, f"number_{k}")
                assert [(each.step, each.value) for each in points] == [(n, n + k / 100) for n in range(1, EPOCHS + 1)]
            kept = download_artifacts(run_id=run.info.run_id, artifact_path="pictures/picture.bin",
                                      dst_path=str(tmp_path / "back" / name), tracking_uri=server)  # fmt: skip
            assert Path(kept).read_bytes() == name.encode() * 100_000
            assert not list((tmp_path / name).glob("unsent-*")), "something was not sent"
        assert list((tmp_path / "artifacts").rglob("picture.bin")), "artifacts go through the server"


def test_a_training_of_the_command_line_is_recorded_with_its_files(database: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wallpaper", "train-vae", "--preset", "smoke", "--epochs", "2", "--no-pictures"]
    made = [sys.executable, "-m", "wallpaper", "generate", "--per-group", "14", "--size", "32", "-o", "patterns.h5"]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE)
    with mlflow_server(database, tmp_path) as server:
        done = subprocess.run([*command, "--data", "patterns.h5"], cwd=tmp_path, env=environment(server),
                              capture_output=True, text=True, timeout=PATIENCE)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        client = MlflowClient(server)
        everywhere = [each.experiment_id for each in client.search_experiments()]
        (run,) = client.search_runs(everywhere, "tags.phase = 'train_vae'")
        assert run.info.status == "FINISHED"
        assert [each.step for each in client.get_metric_history(run.info.run_id, "train/loss")] == [1, 2]
        kept = download_artifacts(run_id=run.info.run_id, artifact_path="config.json", tracking_uri=server)
        assert Path(kept).stat().st_size > 0
