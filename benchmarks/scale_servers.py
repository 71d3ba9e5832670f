"""A team's servers, on this machine and while a block lasts: PostgreSQL, and MLflow in front of a database.

PostgreSQL is Debian's, in a folder and on a port of its own, on the loopback alone and without passwords. It refuses
to run as root, so root starts it as the user `nobody`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ports import free_port

PATIENCE = 120.0
"""Seconds that a server may take to begin or to end."""

_VERSIONS = Path("/usr/lib/postgresql")
_NOBODY = "nobody"


def postgres_programs() -> Path | None:
    """Folder of the newest PostgreSQL's programs that Debian has installed, if there is one."""
    found = sorted(_VERSIONS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def postgres() -> Iterator[str]:
    """A new database while the block lasts; gives its address for SQLAlchemy.

    Raises: RuntimeError: PostgreSQL is not installed, or does not begin.
    """
    programs = postgres_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL's server must be installed, but there is none; apt-get install postgresql")
    port, place = free_port(), Path(tempfile.mkdtemp(prefix="postgres-"))
    as_nobody = ["runuser", "-u", _NOBODY, "--"] if os.geteuid() == 0 else []
    if as_nobody:
        shutil.chown(place, _NOBODY)

    def done(*words: str) -> None:
        told = subprocess.run([*as_nobody, str(programs / words[0]), *words[1:]], cwd=place, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)  # fmt: skip
        if told.returncode:
            raise RuntimeError(f"`{words[0]}` must end well, but: {told.stdout[-1000:]}")

    data, log = str(place / "data"), str(place / "log")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place}"
    try:
        done("initdb", "-D", data, "-U", "mlflow", "-A", "trust", "-E", "UTF8", "--no-sync")
        done("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            done("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow")
            yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/mlflow"
        finally:
            done("pg_ctl", "-D", data, "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def mlflow_server(database: str, folder: Path, *, workers: int = 2) -> Iterator[str]:
    """MLflow's server in front of `database` while the block lasts, with artifacts through it; gives its address.

    Args:
        folder: where it keeps artifacts, and what it says, in the file `server.log`.
    Raises: RuntimeError: it ends, or does not answer in time.
    """
    port = free_port()
    address, said = f"http://127.0.0.1:{port}", folder / "server.log"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--backend-store-uri", database]
    command += ["--serve-artifacts", "--artifacts-destination", (folder / "artifacts").absolute().as_uri()]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with said.open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env={**inherited, **quiet}, stdout=log, stderr=log)
        try:
            _wait_for(f"{address}/health", process, said)
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait_for(address: str, process: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"MLflow's server must answer, but: {said.read_text()[-1000:]}") from error
        time.sleep(0.2)
