"""Registration, and the registered model as a client over HTTP sees it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from serving import register as registration
from serving.model import TransitionService
from tests.serving.conftest import ROOT, Store
from wallpaper import tracking

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.environment["MLFLOW_TRACKING_URI"])
    return tracking.initialise().client


def artifacts(store: Store) -> Path:
    return Path(store.environment["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///")).parent / "mlartifacts"


def test_the_version_belongs_to_its_run_and_has_the_alias(store: Store, client: MlflowClient) -> None:
    assert store.printed == "wallpaper-transition version 1: models:/wallpaper-transition@champion\n"
    version = client.get_model_version_by_alias("wallpaper-transition", "champion")
    run = client.get_run(str(version.run_id))
    assert (run.info.status, run.data.tags["phase"]) == ("FINISHED", "register")
    assert run.outputs is not None
    (output,) = run.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert version.source == f"models:/{logged.model_id}"
    assert str(logged.status) == "READY"
    assert logged.experiment_id == run.info.experiment_id
    assert logged.artifact_location.startswith(artifacts(store).as_uri())


def test_no_pickle_is_kept_and_the_versions_are_pinned(store: Store) -> None:
    kept = (path for path in artifacts(store).glob("models/*/**/*") if path.is_file())
    files = [path for path in kept if "__pycache__" not in path.parts]  # written by whoever loads it from this store
    assert {path.suffix for path in files} <= {".py", ".txt", ".yaml", ".json", ".safetensors", "", ".typed"}
    assert not [path for path in files if "shipped" in path.parts], "the served code carries no weights of its own"
    assert {path.name for path in files if path.suffix == ".safetensors"} == {"vae.safetensors", "ode.safetensors"}
    pins = next(path.read_text().splitlines() for path in files if path.name == "requirements.txt")
    assert pins == registration.requirements()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+\w*", pin) for pin in pins), "no +cpu"


def test_the_pins_cover_what_the_library_needs() -> None:
    needed = {re.split(r"[^\w-]", text)[0] for text in metadata.requires("wallpaper") or [] if "extra ==" not in text}
    assert needed - {"click", "tqdm"} <= set(registration.REQUIREMENTS)


def test_a_named_run_keeps_its_state_and_gets_the_figures(
    client: MlflowClient, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.start("ode", phase="train_ode") as run:
        pass
    before = client.get_run(run.run_id).info
    command = client.create_run(before.experiment_id).info.run_id  # made by `mlflow run -e register`
    monkeypatch.setenv("MLFLOW_RUN_ID", command)
    done = registration.register(model_folder, alias="challenger", run_id=run.run_id, metrics={"eval/psnr": 21.5})
    assert (done.uri, done.run_id) == ("models:/wallpaper-transition@challenger", run.run_id)
    after = client.get_run(run.run_id)
    assert (after.info.status, after.info.end_time) == (before.status, before.end_time)
    assert after.data.metrics == {"eval/psnr": 21.5}
    assert client.get_run(command).data.params["cfg.run"] == run.run_id
    version = client.get_model_version_by_alias("wallpaper-transition", "challenger")
    metrics = client.get_logged_model(str(version.source).removeprefix("models:/")).metrics or []
    assert [(metric.key, metric.value) for metric in metrics] == [("eval/psnr", 21.5)]
    assert client.get_model_version_by_alias("wallpaper-transition", "champion").version != version.version


def test_a_model_that_cannot_answer_does_not_get_the_alias(
    client: MlflowClient, model_folder: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(model_folder, tmp_path / "broken")
    (broken / "ode.safetensors").write_bytes((broken / "vae.safetensors").read_bytes())
    before = client.get_model_version_by_alias("wallpaper-transition", "champion").version
    with pytest.raises(
        RuntimeError, match=r"must answer its example before it is registered, but: .*this model's weights"
    ):
        registration.register(broken)
    assert client.get_model_version_by_alias("wallpaper-transition", "champion").version == before
    (run,) = client.search_runs(["1"], f"tags.folder = '{broken}'")
    assert run.info.status == "FAILED"


def test_a_folder_without_a_model_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"holds model.json, .*, but .* has no vae\.safetensors"):
        registration.register(tmp_path)
    assert registration.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("Error: a model's folder holds model.json")


def test_an_unknown_run_is_named(client: MlflowClient, model_folder: Path) -> None:
    with pytest.raises(tracking.TrackingError, match=r"`run_id` must name a run in sqlite:.*, but got 'nope'"):
        registration.register(model_folder, run_id="nope")


LOAD = """
import wallpaper.mlflow_plugin  # as MLflow does where the package is installed
import mlflow, sys
mlflow.pyfunc.load_model("models:/wallpaper-transition@champion")
print(*(sys.modules[name].__file__ for name in ("wallpaper", "wallpaper.transition", "serving.requests")), sep="\\n")
"""


def test_the_code_kept_with_the_model_answers_not_the_checkout_s(store: Store, tmp_path: Path) -> None:
    """Else editing the library would change, or break, a model that is already registered."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=tmp_path, env=store.environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    files = done.stdout.split()
    assert len(files) == 3
    assert all("/artifacts/code/" in file for file in files), files


# ---- over HTTP


@pytest.fixture(scope="module")
def port(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The README's command, in another folder, until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/wallpaper-transition@champion"]
    command += ["--env-manager", "local", "-p", str(number)]
    folder = tmp_path_factory.mktemp("server")
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=store.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(number, server, folder / "log")
        yield number
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the group that was started here: mlflow and its uvicorn
        server.wait(30)


def wait_for(number: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if call(number, "GET", "/ping")[0] == 200:
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def call(number: int, method: str, path: str, body: Any = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=120)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def post(number: int, *rows: dict[str, Any], **params: Any) -> tuple[int, Any]:
    status, text = call(number, "POST", "/invocations", {"dataframe_records": list(rows), "params": params})
    return status, json.loads(text)


def test_a_client_gets_over_http_what_the_model_answers(port: int, model_folder: Path) -> None:
    served = TransitionService()
    served.load_context(SimpleNamespace(artifacts={"model": str(model_folder)}, model_config={}))
    row, params = {"source_group": "p1", "target_group": "p6m", "seed": 3}, {"n_frames": 3, "size": 64, "cells": 3}
    status, found = post(port, row, **params)
    assert status == 200, found
    (answer,), (expected,) = found["predictions"], served.predict(None, pd.DataFrame([row]), params)
    assert answer["frames"] == expected["frames"]
    assert answer["latents"] == expected["latents"]
    assert answer["model"]["digest"] == registration.digest(model_folder)


@pytest.mark.parametrize(
    ("row", "params", "message"),
    [
        ({"source_group": "p5"}, {}, "source_group: must be one of p1, p2"),
        ({"source_group": None}, {}, "source_group: must be given"),
        ({"image": "?" * 10**6}, {}, "image: must be the base64 text of a PNG"),
        ({"image": base64.b64encode(b"no picture").decode()}, {}, "image: must be a whole PNG file, but got 10 bytes"),
        ({}, {"n_frames": 1000}, "n_frames: must be an integer from 2 to 240, but got 1000"),
        ({}, {"format": "bmp"}, "format: must be one of png"),
        ({}, {"n_frames": "many"}, ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_mistake_is_a_400_with_one_sentence(
    port: int, row: dict[str, Any], params: dict[str, Any], message: str
) -> None:
    status, body = post(port, {"source_group": "p1", "target_group": "p4", **row}, **params)
    assert status == 400
    assert body["message"].startswith(message)
    assert len(json.dumps(body)) < 1000
    assert "Traceback" not in json.dumps(body)
    assert str(ROOT) not in json.dumps(body)
