"""A real tracking server that is killed in the middle of a run, and started again: `pytest -m slow`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from wallpaper.journal import find

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

RECORDING = """
import sys, time
from pathlib import Path
from wallpaper import delivery, tracking
delivery.RETRY_SECONDS = 2.0
with tracking.start("run", phase="test", folder=Path(sys.argv[1])) as run:
    print(run.run_id, flush=True)
    for epoch in range(1, int(sys.argv[2]) + 1):
        run.log({"loss": 1 / epoch, "seconds": time.time()}, epoch)
        time.sleep(0.1)
"""


@contextmanager
def server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`mlflow server` over a database in the folder; it answers."""
    program = [str(Path(sys.executable).with_name("mlflow")), "server", "--workers", "1", "--port", str(port)]
    store = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", str(folder / "art")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with subprocess.Popen(
        [*program, *store],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            until = time.monotonic() + 120
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.2)
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_tracking_server_killed_and_started_again_gets_every_point_once(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    uri, count = f"http://127.0.0.1:{port}", 600
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    with server(tmp_path, port):
        run = subprocess.Popen(
            [sys.executable, "-c", RECORDING, str(tmp_path / "run"), str(count)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert run.stdout is not None
        run_id = run.stdout.readline().strip()
        time.sleep(5)
    time.sleep(6)
    assert run.poll() is None, "the run was over before the server had gone"
    (journal,) = find([tmp_path / "run"])
    assert len(journal.read_bytes().splitlines()) > 20
    with server(tmp_path, port):
        assert run.wait(300) == 0
        client = MlflowClient(uri)
        for name in ("loss", "seconds"):
            found = {point.step: point.value for point in _all_points(tmp_path, run_id, name)}
            assert sorted(found) == list(range(1, count + 1))
        assert client.get_run(run_id).info.status == "FINISHED"
    assert find([tmp_path / "run"]) == []


def _all_points(folder: Path, run_id: str, name: str) -> list[Metric]:
    """As the database has them, so that a doubled point would be seen."""
    points = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").get_metric_history(run_id, name)
    assert len(points) == len({point.step for point in points}), [point.step for point in points]
    return list(points)
