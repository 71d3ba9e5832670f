"""What takes the place of MLflow's own handling of a body, asked directly, and where it does so."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from mlflow.pyfunc import scoring_server

from benchmarks.fuzz_serving import bodies, check, content_types
from serving import front_door
from serving.front_door import open_front_door, reply
from serving.service import Service

ROW = {"source_group": "p1", "target_group": "p4", "seed": 3}
JSON = "application/json"


def body(*rows: dict[str, Any], **params: Any) -> bytes:
    return json.dumps({"dataframe_records": rows, "params": params}).encode()


def test_answers_are_the_service_s(service: Service) -> None:
    text, status = reply(service.answer, body(ROW, n_frames=3, size=64), JSON)
    assert status == 200
    assert json.loads(text) == {"predictions": service.answer([ROW], {"n_frames": 3, "size": 64})}
    check(status, text)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (body(ROW, ROW, frames=3), 400),
        (body({**ROW, "colour": "red"}), 400),
        (body({"source_group": "p1", "target_group": "p4", "sample_id": "p1-77"}), 404),
        (body(*[ROW] * 10_000), 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_has_its_status(service: Service, content: bytes, status: int) -> None:
    text, found = reply(service.answer, content, JSON)
    assert found == status
    check(found, text)


@pytest.mark.parametrize("defect", [RuntimeError("secret /srv"), ValueError("secret"), RecursionError("secret")])
def test_a_defect_of_ours_is_a_500_whose_reference_the_log_explains(
    defect: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> list[dict[str, Any]]:
        raise defect

    with caplog.at_level(logging.ERROR):
        text, status = reply(broken, body(ROW), JSON)
    assert status == 500
    assert "secret" not in text
    found = json.loads(text)
    assert found["error_code"] == "INTERNAL_ERROR"
    assert found["message"].split("reference ")[1].split()[0] in caplog.text
    assert "secret" in caplog.text


def test_an_answer_that_is_no_json_is_a_defect_too() -> None:
    text, status = reply(lambda *_: [{"path_length": float("nan")}], body(ROW), JSON)
    assert (status, "NaN" in text) == (500, False)


@given(content=bodies, content_type=content_types)
def test_no_body_is_answered_wrongly(service: Service, content: bytes, content_type: str) -> None:
    text, status = reply(service.answer, content, content_type)
    check(status, text)


def test_the_door_opens_in_the_scoring_server_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = scoring_server.invocations
    monkeypatch.setattr(scoring_server, "invocations", before)  # put back after the test
    monkeypatch.delenv(front_door.SERVER, raising=False)
    assert not open_front_door(lambda rows, params: [])
    assert scoring_server.invocations is before
    monkeypatch.setenv(front_door.SERVER, "models:/x/1")
    assert open_front_door(lambda rows, params: [{"rows": len(rows)}])
    answer = scoring_server.invocations(body(ROW), JSON, None, None)
    assert (answer.response, answer.status, answer.mimetype) == ('{"predictions": [{"rows": 1}]}', 200, JSON)


def test_another_server_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def other(data: bytes, model: Any) -> None: ...

    monkeypatch.setattr(scoring_server, "invocations", other)
    monkeypatch.setenv(front_door.SERVER, "models:/x/1")
    assert not open_front_door(lambda rows, params: [])
    assert scoring_server.invocations is other
    assert "answered as MLflow does" in caplog.text


def test_the_variable_is_the_one_that_mlflow_sets() -> None:
    assert scoring_server._SERVER_MODEL_PATH == front_door.SERVER
