"""A tiny model, the same registered, and the same served by the README's command: made once for the folder's tests."""

from __future__ import annotations

import base64
import http.client
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.servers import free_port

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

from serving import promotion
from serving.service import Service
from serving.versions import Registry
from tests.serving.test_gates import GOOD, SOUND
from tests.tiny import SIDE, tiny_model
from wallpaper import tracking
from wallpaper.data.samples import Samples

ROOT = Path(__file__).resolve().parents[2]
NAMES = itertools.count()
Add = Callable[..., str]
"""The fixture `add`."""


class Store(NamedTuple):
    """A tracking store with the tiny model registered in it."""

    environment: dict[str, str]
    """For processes that use the store."""
    printed: str
    """What the registration said."""


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("palette").save(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def samples() -> Samples:
    return Samples.generated(SIDE)


@pytest.fixture(scope="session")
def service(samples: Samples) -> Service:
    about = dict.fromkeys(("name", "run_id", "digest", "data_digest", "samples_digest", "wallpaper"), "x")
    return Service(tiny_model("palette"), samples, {**about, "version": "7"})


@pytest.fixture(scope="session")
def store(model_folder: Path, tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The model registered by the command line, in a process of its own as users do it."""
    folder = tmp_path_factory.mktemp("registry")
    shutil.copy(tables, folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    environment = {
        **kept,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "OMP_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "serving.register", str(model_folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return Store(environment, done.stdout)


class Server(NamedTuple):
    """A server on this machine."""

    port: int
    log: Path

    def connection(self) -> http.client.HTTPConnection:
        """One for a request."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def call(
        self, method: str, path: str, body: bytes = b"", content_type: str | None = "application/json"
    ) -> tuple[int, str]:
        """Status and text of the answer."""
        connection = self.connection()
        try:
            connection.request(method, path, body, {"Content-Type": content_type} if content_type else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def post(self, *rows: dict[str, Any], **params: Any) -> tuple[int, Any]:
        """Status and what the JSON says."""
        body = json.dumps({"dataframe_records": list(rows), "params": params}).encode()
        status, text = self.call("POST", "/invocations", body)
        return status, json.loads(text)


@pytest.fixture(scope="session")
def server(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The README's command, in another folder, until it answers."""
    command = ["mlflow", "models", "serve", "-m", "models:/wallpaper-transition@champion", "--env-manager", "local"]
    with running([sys.executable, "-m", *command, "-p"], tmp_path_factory.mktemp("server"), store.environment) as found:
        yield found


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str], *, alive: str = "/ping") -> Iterator[Server]:
    """A server whose port ends its command, from when `alive` answers; stopped with all that it started."""
    found = Server(free_port(), folder / "log")
    with found.log.open("w") as log:
        process = subprocess.Popen(
            [*command, str(found.port)], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for(found, process, alive)
        yield found
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the group that was started here: mlflow and its uvicorn
        process.wait(30)


def _wait_for(server: Server, process: subprocess.Popen[bytes], alive: str) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.call("GET", alive)[0] == 200:
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"the server did not start:\n{server.log.read_text()}")


def picture_text(pixels: NDArray[np.generic], form: str = "PNG", **options: Any) -> str:
    """A picture's file as base64."""
    with io.BytesIO() as stream:
        Image.fromarray(pixels).save(stream, format=form, **options)
        return base64.b64encode(stream.getvalue()).decode()


@pytest.fixture
def registry(store: Store, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registered model of the test's own, without versions."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.environment["MLFLOW_TRACKING_URI"])
    made = Registry(tracking.initialise(), f"model{next(NAMES)}")
    made.store.client.create_registered_model(made.name)
    return made


@pytest.fixture
def add(registry: Registry) -> Add:
    """Adds a version of the tiny model with these figures, GOOD ones by default; returns its number."""
    client = registry.store.client
    packed = client.get_model_version("wallpaper-transition", "1")

    def added(source: str = packed.source, data: str = "d", **figures: float) -> str:
        tags = {f"eval.{name}": repr(value) for name, value in {**GOOD, **figures}.items()}
        version = client.create_model_version(registry.name, source, packed.run_id, tags={**tags, "eval.data": data})
        return str(version.version)

    return added


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials that need no time."""
    monkeypatch.setattr(promotion, "try_version", lambda uri: SOUND)


def aliases(registry: Registry) -> dict[str, str]:
    return {alias: each.number for each in registry.versions() for alias in each.aliases}
