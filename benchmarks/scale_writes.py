"""How many epochs a second an MLflow server records: clients that write one epoch's numbers after the other.

A client is a process: `python -m benchmarks.scale_writes URL SECONDS` says "ready", waits for a line, writes for so
long and prints how many requests were answered. Each writes to a run of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import Metric

from benchmarks.scale_servers import mlflow_server, postgres

NUMBERS = 20
"""Of an epoch: about what a VAE's training reports."""

CLIENTS = (1, 4)
ROOT = Path(__file__).resolve().parents[1]


def epochs_a_second(server: str, clients: int, seconds: float) -> float:
    """Requests of one epoch's numbers that are answered in a second, of all clients together."""
    command = [sys.executable, "-m", "benchmarks.scale_writes", server, str(seconds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(clients)]  # type: ignore[call-overload]
    try:
        for process in processes:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"a client of {server} must begin, but it ended")
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return sum(int(process.communicate()[0]) for process in processes) / seconds
    finally:
        for process in processes:
            process.kill()
            process.wait()


def by_database(seconds: float) -> dict[str, dict[int, float]]:
    """Epochs a second by number of clients, with SQLite and with PostgreSQL behind the server."""
    with TemporaryDirectory() as name:
        figures = {"SQLite": _by_clients(f"sqlite:///{name}/mlflow.db", Path(name), seconds)}
        with postgres() as database:
            figures["PostgreSQL"] = _by_clients(database, Path(name), seconds)
    return figures


def _by_clients(database: str, folder: Path, seconds: float) -> dict[int, float]:
    with mlflow_server(database, folder) as server:
        return {clients: epochs_a_second(server, clients, seconds) for clients in CLIENTS}


def write(server: str, seconds: float) -> None:
    """One client."""
    client = MlflowClient(server)
    run = client.create_run("0").info.run_id
    print("ready", flush=True)
    sys.stdin.readline()
    done, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        now = int(time.time() * 1000)
        client.log_batch(run, metrics=[Metric(f"train/number_{k}", float(k), now, done) for k in range(NUMBERS)])
        done += 1
    print(done)


if __name__ == "__main__":
    write(sys.argv[1], float(sys.argv[2]))
