"""Serves a registered model: fetched once, answered by worker processes that are warm before the port opens.

    python -m serving.serve --model models:/wallpaper-transition@champion --port 5001

MLflow's own app behind a limit on bodies; see serving/app.py. SIGTERM and Ctrl-C let requests under way end.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
from pathlib import Path

import mlflow.artifacts
from mlflow.exceptions import MlflowException

from serving.warm import THREADS, cores
from serving.workers import StartError, Workers
from wallpaper import tracking

EXAMPLE = '{"dataframe_records": [{"source_group": "p1", "target_group": "p6m"}], "params": {"n_frames": 8}}'


class ServeError(Exception):
    """There is no server, for a reason that the caller can mend."""


def serve(model: str, *, host: str, port: int, workers: int, threads: int | None, timeout: int, grace: int) -> int:
    """Serve until SIGTERM (exit code 0) or Ctrl-C (130), which is returned.

    Args:
        model: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, another address that MLflow knows, or a folder.
        threads: requests that each worker computes at once; they share its part of the cores. None for one a core.
        timeout: seconds until a request gets a 504. grace: seconds that requests under way have when it stops.
    Raises: ServeError: the port is taken, there is no such model, or it does not load or answer its example.
    """
    with tempfile.TemporaryDirectory(prefix="wallpaper-serve-") as folder, _bound(host, port) as listener:
        path = fetch(model, Path(folder))
        threads = threads or max(2, cores() // workers)
        environment = {
            "OMP_NUM_THREADS": str(max(1, cores() // (workers * threads))),
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait for each other leave the cores to other requests
            **os.environ,
            "__pyfunc_model_path__": str(path),
            "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(timeout),
            THREADS: str(threads),
        }

        def say_ready() -> None:
            address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            form = "-H 'Content-Type: application/json'"
            _say(f"{model} answers on {address}; try: curl -s {address}/invocations {form} -d '{EXAMPLE}'")

        try:
            return Workers(listener, workers, environment, grace).serve(say_ready, _say)
        except StartError as error:
            raise ServeError(f"`--model {model}` must load and answer its own example, but: {error}") from error


def _bound(host: str, port: int) -> socket.socket:
    """A socket that does not listen yet."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of a server that has just ended
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServeError(
            f"`--host {host} --port {port}` must be an address of this machine and a free port, "
            f"but: {error.strerror}; choose another with --port"
        ) from error
    return listener


def fetch(model: str, folder: Path) -> Path:
    """A copy of the model's files in `folder`: one for all workers, and the same until they end.

    Raises: ServeError: there is no such model.
    """
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        found = Path(mlflow.artifacts.download_artifacts(artifact_uri=model, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise ServeError(
            f"`--model {model}` must be a model in {tracking.initialise().shown}, or a folder that MLflow has kept, "
            f"but: {said}; `wallpaper models` lists what is registered"
        ) from error
    if not (found / "MLmodel").is_file():
        raise ServeError(f"`--model {model}` must be a model that MLflow has kept, but there is no MLmodel in it")
    return found


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Serve from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.serve", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="models:/wallpaper-transition@champion", help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=5001, help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=None, help="requests at once in each (default: one a core)")
    parser.add_argument("--timeout", type=int, default=60, help="seconds until a request gets a 504 (%(default)s)")
    parser.add_argument("--grace", type=int, default=30, help="seconds to end what is running (default: %(default)s)")
    given = parser.parse_args(arguments)
    try:
        tracking.initialise()
        return serve(**vars(given))
    except (ServeError, tracking.TrackingError) as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 2


if __name__ == "__main__":
    sys.exit(main())
