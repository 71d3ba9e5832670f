"""A model registered in a store of its own and served on this machine by `mlflow models serve`, for measurements."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ports import free_port

ROOT = Path(__file__).resolve().parents[1]

PATIENCE = 300.0
"""Seconds that a server may take to start."""


def registered(model: Path, folder: Path) -> dict[str, str]:
    """The environment of processes that use the new store in `folder`.

    Raises: RuntimeError: the model cannot be registered.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    environment = {
        **kept,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
    }
    command = [sys.executable, "-m", "serving.register", str(model)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return environment


@contextmanager
def serving(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Port and process of a server that answers; it ends with the block. Raises: RuntimeError: it does not start."""
    port = free_port()
    command = ["-m", "mlflow", "models", "serve", "-m", "models:/wallpaper-transition@champion", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--env-manager", "local"],
            cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(port, process, folder / "log")
        yield port, process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.5)
        finally:
            connection.close()
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
