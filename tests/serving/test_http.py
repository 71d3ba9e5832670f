"""The registered model as a client sees it: `mlflow models serve` started as the README says, and asked over HTTP."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from PIL import Image

from benchmarks.fuzz_serving import bodies, check, content_types
from serving import register as registration
from serving.body import MOST_BODY_BYTES
from serving.service import Service
from tests.serving.conftest import ROOT, Server, Store, picture_text, running
from tests.serving.test_images import noise, png_header
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports

ROW = {"source_group": "p1", "target_group": "p6m", "seed": 3}
SMALL = {"n_frames": 3, "size": 64}
RECORDS = b'{"dataframe_records": ['
P4 = generate_pattern("p4", 5, 64)
PICTURE = picture_text(render(P4.pixels, P4.lattice, size=320, cells=3))


def test_a_client_gets_what_the_library_answers(server: Server, service: Service, model_folder: Path) -> None:
    rows = [
        ROW,
        {"source_group": "auto", "target_group": "p4m", "image": PICTURE},
        {"source_group": "cm", "target_group": "p3", "sample_id": "cm-0"},
        {"source_group": "p2", "target_group": "p6", "latent": [0.5, -1.0, 2.0, 0.25]},
    ]
    options = {**SMALL, "cells": 3, "route": "widest", "certify": True}
    status, found = server.post(*rows, **options)
    assert status == 200, found
    check(status, json.dumps(found))
    expected = json.loads(json.dumps(service.answer(rows, options)))
    pairs = zip(found["predictions"], expected, strict=True)
    assert [name for a, b in pairs for name in a if name != "model" and a[name] != b[name]] == []
    model = found["predictions"][0]["model"]
    assert (model["name"], model["version"]) == ("wallpaper-transition", "1")
    assert model["digest"] == registration.digest(model_folder)
    picture = Image.open(io.BytesIO(base64.b64decode(found["predictions"][1]["frames"][0])))
    assert picture.size == (64, 64)


@pytest.mark.parametrize("kind", ["png", "gif", "mp4", "strip", "latent"])
def test_the_same_request_gives_the_same_bytes_alone_and_among_others(server: Server, kind: str) -> None:
    row, others = ROW, [{"source_group": "p2", "target_group": "p4", "seed": seed} for seed in range(4)]
    (alone,) = server.post(row, format=kind, **SMALL)[1]["predictions"]
    assert server.post(*others, row, format=kind, **SMALL)[1]["predictions"][4] == alone
    with ThreadPoolExecutor(5) as pool:
        together = pool.map(lambda each: server.post(each, format=kind, **SMALL), [row, *others, row])
        answers = [found["predictions"][0] for _, found in together]
    assert answers[0] == answers[-1] == alone
    assert answers[1] != answers[2]


CASES: list[tuple[str, int, bytes | dict[str, Any], str]] = [
    ("unknown group", 400, {"source_group": "p5"}, "source_group: must be one of p1, p2"),
    ("group missing", 400, {"source_group": None}, "source_group: must be given"),
    ("the same group", 400, {"target_group": "p1"}, "target_group: must differ from source_group"),
    ("no base64", 400, {"image": "?" * 10**6}, "image: must be the base64 text of a PNG or JPEG"),
    ("no picture", 400, {"image": base64.b64encode(b"no picture").decode()}, "image: must be a whole PNG or JPEG file"),
    ("bomb", 413, {"image": png_header(30_000, 30_000)}, "image: a picture must have at most 4194304 pixels"),
    ("large image", 413, {"image": "A" * 6 * 10**6}, "image: must be at most 4194304 bytes"),
    ("noise", 422, {"image": picture_text(noise(64))}, "image: must show a pattern that repeats"),
    ("another group", 422, {"image": PICTURE}, "source_group: must be the image's group p4"),
    ("no such sample", 404, {"sample_id": "p1-99"}, "sample_id: no sample is 'p1-99'"),
    ("two starts", 400, {"seed": 1, "sample_id": "p1-0"}, "seed: must be left out when there is sample_id"),
    ("seed", 400, {"seed": -1}, "seed: must be an integer from 0 to 4294967295, but got -1"),
    ("latent", 400, {"latent": [1, 2]}, "latent: must be 4 numbers"),
    ("unknown field", 400, {"colour": "red"}, "'colour': no field of a row has this name"),
    ("n_frames", 400, {"params": {"n_frames": 1000}}, "n_frames: must be an integer from 2 to 240, but got 1000"),
    ("wrong type", 400, {"params": {"n_frames": "many"}}, "n_frames: must be an integer from 2 to 240, but got 'many'"),
    ("format", 400, {"params": {"format": "bmp"}}, "format: must be one of png"),
    ("unknown parameter", 400, {"params": {"frames": 3}}, "'frames': no parameter has this name"),
    ("many pixels", 413, {"params": {"n_frames": 240, "size": 1024}}, "rows * n_frames * size^2: must be at most"),
    ("no rows", 400, RECORDS + b"]}", "rows: must be between 1 and 64, but got 0"),
    ("10 000 rows", 413, RECORDS + b",".join([json.dumps(ROW).encode()] * 10_000) + b"]}", "rows: must be between"),
    ("NaN", 400, RECORDS + b'{"seed": NaN}]}', "body: must be JSON, which has no NaN"),
    ("deep", 400, RECORDS + b"[" * 200_000 + b"]" * 200_000 + b"]}", "body: must be JSON nested as a table is"),
    ("broken", 400, RECORDS, "body: must be JSON, but is none from line 1, column 24 on"),
    ("no UTF-8", 400, b'{"secret": "\xff"}', "body: must be UTF-8, but byte 12 is not"),
    ("list", 400, b"[]", "body: must be a JSON object"),
    ("empty", 400, b"", "body: must be JSON"),
    ("30 MB", 413, RECORDS + b'{"image": "' + b"A" * 30_000_000 + b'"}]}', "body: must be at most 16777216 bytes"),
]


@pytest.mark.parametrize(("status", "sent", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_gets_its_status_and_one_sentence(
    server: Server, status: int, sent: bytes | dict[str, Any], message: str
) -> None:
    if isinstance(sent, dict):
        row = {"source_group": "p1", "target_group": "p6m", **sent}
        params = row.pop("params", {})
        sent = json.dumps({"dataframe_records": [row], "params": params}).encode()
    found, text = server.call("POST", "/invocations", sent)
    assert found == status, text[:300]
    check(found, text)
    assert json.loads(text)["message"].startswith(message)
    assert str(ROOT) not in text


@pytest.mark.parametrize("content_type", [None, "text/csv", "application/vnd.apache.parquet", "text/plain"])
def test_what_is_no_json_is_a_415(server: Server, content_type: str | None) -> None:
    status, text = server.call("POST", "/invocations", b"source_group,target_group\np1,p4", content_type)
    assert status == 415
    check(status, text)


@settings(max_examples=40)
@given(content=bodies, content_type=content_types)
def test_no_body_is_answered_wrongly(server: Server, content: bytes, content_type: str) -> None:
    check(*server.call("POST", "/invocations", content, content_type))


def test_the_server_goes_on_and_its_log_has_no_stack_trace(server: Server) -> None:
    for case in CASES[:3]:
        server.call("POST", "/invocations", json.dumps({"dataframe_records": [case[2]]}).encode())
    assert server.call("GET", "/ping")[0] == 200
    assert "Traceback" not in server.log.read_text()


# ---- the same behind the limit on bodies


@pytest.fixture(scope="module")
def limited(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        **store.environment,
        "__pyfunc_model_path__": "models:/wallpaper-transition@champion",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "uvicorn", "serving.app:app", "--host", "127.0.0.1", "--port"]
    with running(command, tmp_path_factory.mktemp("limited"), environment) as found:
        yield found


def test_a_long_body_is_refused_before_it_has_come_in(limited: Server, server: Server) -> None:
    assert limited.post(ROW, **SMALL) == server.post(ROW, **SMALL)
    connection = limited.connection()
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse()  # although not one byte of the body was sent
    text = answer.read().decode()
    connection.close()
    assert answer.status == 413
    assert json.loads(text)["message"] == f"body: must be at most {MOST_BODY_BYTES} bytes, but got {10**12}"
    assert limited.post(ROW, **SMALL)[0] == 200
