"""A real tracking server that is killed in the middle of a run, and started again: `pytest -m slow`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.servers import answers, free_port, mlflow_server
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
        time.sleep(float(sys.argv[3]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("away", "count", "every"), [(6, 600, 0.1), (600, 1400, 0.5)])
def test_a_tracking_server_killed_and_started_again_gets_every_point_once(
    tmp_path: Path, away: float, count: int, every: float
) -> None:
    """Args: away: seconds without a server. every: seconds between two of `count` epochs."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    with mlflow_server(tmp_path, port):
        wait_for(port)
        run = subprocess.Popen(
            [sys.executable, "-c", RECORDING, str(tmp_path / "run"), str(count), str(every)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert run.stdout is not None
        run_id = run.stdout.readline().strip()
        time.sleep(5)
    time.sleep(away)
    assert run.poll() is None, "the run was over before the server came back"
    (journal,) = find([tmp_path / "run"])
    assert len(journal.read_bytes().splitlines()) > 0.5 * away / every
    with mlflow_server(tmp_path, port):
        wait_for(port)
        assert run.wait(600) == 0
        assert MlflowClient(uri).get_run(run_id).info.status == "FINISHED"
    assert find([tmp_path / "run"]) == []
    stored = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    for name in ("loss", "seconds"):
        steps = [point.step for point in stored.get_metric_history(run_id, name)]
        assert sorted(steps) == list(range(1, count + 1))


def wait_for(port: int) -> None:
    """Until the server listens."""
    until = time.monotonic() + 120
    while not answers(port):
        assert time.monotonic() < until, "the server does not answer"
        time.sleep(0.2)
