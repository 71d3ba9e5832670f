"""What MLflow loads: `predict` of rows as a table, and errors with their status and their words."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from serving.model import TransitionService
from wallpaper.data.samples import Samples

ROW = {"source_group": "p1", "target_group": "p6m", "seed": "3"}
SMALL = {"n_frames": 3, "size": 64}


@pytest.fixture(scope="module")
def model(model_folder: Path, samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> TransitionService:
    packed = samples.save(tmp_path_factory.mktemp("samples") / "samples.safetensors")
    served = TransitionService()
    artifacts = {"model": str(model_folder), "samples": str(packed)}
    served.load_context(SimpleNamespace(artifacts=artifacts, model_config={"digest": "abc"}))
    return served


def ask(model: TransitionService, *rows: dict[str, Any], **params: Any) -> list[Any]:
    return model.predict(None, pd.DataFrame(list(rows)), params or None)


def test_rows_are_answered_in_order(model: TransitionService) -> None:
    rows = [{"source_group": "p2", "target_group": target} for target in ("p4", "p6", "pmm")]
    answers = ask(model, *rows, {**ROW, "seed": 5}, format="latent")  # the first three have a gap for the seed
    assert [answer["target_group"] for answer in answers] == ["p4", "p6", "pmm", "p6m"]
    assert [answer["start"]["seed"] for answer in answers] == [0, 0, 0, 5]


def test_an_answer_names_the_model_whose_version_is_unknown_here(model: TransitionService) -> None:
    assert ask(model, ROW, format="latent")[0]["model"] == {"digest": "abc", "version": None}


@pytest.mark.parametrize(
    ("row", "status", "code", "message"),
    [
        ({"target_group": "p7"}, 400, "INVALID_PARAMETER_VALUE", "target_group: must be one of p1"),
        ({"seed": None, "sample_id": "p1-77"}, 404, "RESOURCE_DOES_NOT_EXIST", "sample_id: no sample is 'p1-77'"),
    ],
)
def test_a_refusal_keeps_its_status_and_its_words(
    model: TransitionService, row: dict[str, Any], status: int, code: str, message: str
) -> None:
    with pytest.raises(MlflowException) as caught:
        ask(model, {**ROW, **row})
    assert caught.value.get_http_status_code() == status
    caught.value.message = f"Failed to predict data '{'x' * 1000}'"  # as the scoring server does
    body = json.loads(caught.value.serialize_as_json())
    assert body.keys() == {"error_code", "message"}
    assert body["error_code"] == caught.value.error_code == code
    assert body["message"].startswith(message)


def test_a_defect_of_ours_is_logged_and_not_shown(
    model: TransitionService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret path /srv/model")

    monkeypatch.setattr(model.service, "_start", broken)
    with (
        pytest.raises(MlflowException, match="could not be answered; reference") as caught,
        caplog.at_level(logging.ERROR),
    ):
        ask(model, ROW)
    body = caught.value.serialize_as_json()
    reference = json.loads(body)["message"].split("reference ")[1].split()[0]
    assert caught.value.get_http_status_code() == 500
    assert "secret" not in body
    assert f"reference {reference}" in caplog.text
    assert "secret path" in caplog.text
