"""The servers of the project: MLflow's in front of its database, and `Served`, any that answers until it is killed.

Each is a session of processes, so that kill -9 can take it whole. Knows no command that records and no moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ports import free_port

PATIENCE = 180.0
"""Seconds that a server may take to answer on a busy machine."""

_POLL = 0.1


@dataclass
class Served:
    """A server on the loopback, at one port however often it is started; what it says is in `said`."""

    words: Sequence[str]
    """After `python`; the port is behind them."""
    folder: Path
    environment: Mapping[str, str]
    said: Path
    health: str = "/health"
    """What answers as soon as it serves."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Of its root."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin; it need not answer yet."""
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, *self.words, "--port", str(self.port)],
                cwd=self.folder, env=dict(self.environment), stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """End all its processes at once, if it runs."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def wait(self) -> None:
        """Until it answers. Raises: RuntimeError: it has ended, or does not answer in time."""
        until = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError):
                self.get(self.health)
                return
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                said = self.said.read_text(encoding="utf-8", errors="replace")[-1000:]
                raise RuntimeError(f"`{' '.join(self.words[1:3])}` must answer, but: {said}")
            time.sleep(_POLL)

    def get(self, path: str) -> str:
        """A page. Raises: OSError: no answer."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
            return str(answer.read().decode())


def tracking_server(folder: Path) -> Served:
    """`mlflow server` over `mlflow.db` in the folder, with artifacts through it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1", "--serve-artifacts"]
    words += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    words += ["--artifacts-destination", artifacts(folder).as_uri()]
    return Served(words, folder, {**kept, **quiet}, folder / "server.log")


def artifacts(folder: Path) -> Path:
    """Where the server of a project keeps the files of runs."""
    return folder / "artifacts"
