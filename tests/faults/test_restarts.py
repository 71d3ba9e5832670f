"""What keeps nothing of its own shows the same after it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.servers import free_port
from wallpaper import tracking

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_a_dashboard_that_is_killed_shows_the_same_again(tmp_path: Path) -> None:
    with tracking.start("a training", phase="train_vae", folder=tmp_path) as run:
        run.log({"train/loss": 1.0}, 1)
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTEST_CURRENT_TEST", None)  # NiceGUI would take the process for a test
    command = [sys.executable, "-m", "dashboard", "--port", str(port)]
    for _ in range(2):
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_until_shown(port, "a training")
            finally:
                process.send_signal(signal.SIGKILL)


def wait_until_shown(port: int, run: str) -> None:
    """Until the page names the run."""
    until = time.monotonic() + 100
    while True:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            if run in answer.read().decode():
                return
        assert time.monotonic() < until, "the dashboard does not show it"
        time.sleep(0.3)
