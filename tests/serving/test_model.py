"""The served model's answers, called without a server."""

from __future__ import annotations

import base64
import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.exceptions import MlflowException
from PIL import Image, ImageSequence

from serving.model import TransitionService
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.transition import pictures, transition, transition_from_seed

ROW = {"source_group": "p1", "target_group": "p6m", "seed": "3"}
SMALL = {"n_frames": 3, "size": 64}


@pytest.fixture(scope="module")
def service(model_folder: Path) -> TransitionService:
    served = TransitionService()
    served.load_context(SimpleNamespace(artifacts={"model": str(model_folder)}, model_config={"digest": "abc"}))
    return served


def ask(service: TransitionService, *rows: dict[str, Any], **params: Any) -> list[Any]:
    return service.predict(None, pd.DataFrame(list(rows)), params or None)


def decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def test_an_answer_is_what_the_library_gives_for_the_same_seed(service: TransitionService, model_folder: Path) -> None:
    (answer,) = ask(service, ROW, **SMALL)
    expected = transition_from_seed(TransitionModel.load(model_folder), "p1", "p6m", seed=3, n_frames=3)
    frames = [np.asarray(Image.open(io.BytesIO(decode(frame)))) for frame in answer["frames"]]
    np.testing.assert_array_equal(frames, pictures(expected, size=64, cells=2.5))
    assert answer["times"] == [0.0, 0.5, 1.0]
    np.testing.assert_array_equal(np.float32(answer["latents"]), expected.latents.numpy())
    assert (answer["source_group"], answer["target_group"], answer["common_subgroup"]) == ("p1", "p6m", "p1")
    assert (answer["nfe"], answer["path_length"]) == (expected.nfe, expected.path_length)
    last = expected.lattices[2]
    assert answer["lattices"][2] == {"a": last.a, "b": last.b, "gamma": last.gamma}
    assert answer["model"] == {"digest": "abc"}
    json.dumps(answer, allow_nan=False)


def test_a_client_s_own_cell_is_the_source(service: TransitionService, model_folder: Path) -> None:
    cell = generate_pattern("p4", 5, 32).pixels
    with io.BytesIO() as stream:
        Image.fromarray(cell).save(stream, format="PNG")
        image = base64.b64encode(stream.getvalue()).decode()
    (answer,) = ask(service, {"source_group": "p4", "target_group": "p4m", "image": image}, format="latent", **SMALL)
    expected = transition(
        TransitionModel.load(model_folder), torch.from_numpy(cell).permute(2, 0, 1) / 255, "p4", "p4m", n_frames=3
    )
    np.testing.assert_array_equal(np.float32(answer["latents"]), expected.latents.numpy())
    assert answer["media_type"] is None
    assert "frames" not in answer
    assert "file" not in answer


@pytest.mark.parametrize(
    ("kind", "media_type", "magic"),
    [("gif", "image/gif", b"GIF89a"), ("mp4", "video/mp4", b"ftyp"), ("strip", "image/png", b"\x89PNG")],
)
def test_a_file_has_the_format_asked_for(service: TransitionService, kind: str, media_type: str, magic: bytes) -> None:
    (answer,) = ask(service, ROW, format=kind, **SMALL)
    assert magic in decode(answer["file"])[:16]
    assert answer["media_type"] == media_type
    assert "frames" not in answer


def test_the_longest_gif_keeps_all_its_frames(service: TransitionService) -> None:
    (answer,) = ask(service, ROW, format="gif", n_frames=240, size=64)
    with Image.open(io.BytesIO(decode(answer["file"]))) as gif:
        assert len(list(ImageSequence.Iterator(gif))) >= 200  # Pillow joins frames that are equal


def test_rows_are_answered_in_order(service: TransitionService) -> None:
    rows = [{"source_group": "p2", "target_group": target} for target in ("p4", "p6", "pmm")]
    assert [answer["target_group"] for answer in ask(service, *rows, format="latent")] == ["p4", "p6", "pmm"]


def test_concurrent_requests_do_not_disturb_each_other(service: TransitionService) -> None:
    rows = [{"source_group": "p1", "target_group": "p4m", "seed": str(seed)} for seed in range(6)]
    alone = [ask(service, row, format="latent")[0]["latents"] for row in rows]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda row: ask(service, row, format="latent")[0]["latents"], rows))
    assert together == alone
    assert alone[0] != alone[1]


def test_a_bad_request_is_the_client_s_error_and_keeps_its_words(service: TransitionService) -> None:
    with pytest.raises(MlflowException, match=r"^target_group: must be one of p1") as caught:
        ask(service, {"source_group": "p1", "target_group": "p7"})
    assert caught.value.get_http_status_code() == 400
    caught.value.message = f"Failed to predict data '{'x' * 1000}'"  # as the scoring server does
    assert json.loads(caught.value.serialize_as_json())["message"].startswith("target_group: must be")


def test_a_defect_of_ours_is_logged_and_not_shown(
    service: TransitionService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret path /srv/model")

    monkeypatch.setattr(service, "_transition", broken)
    with (
        pytest.raises(MlflowException, match="could not be answered; reference") as caught,
        caplog.at_level(logging.ERROR),
    ):
        ask(service, ROW)
    body = caught.value.serialize_as_json()
    reference = json.loads(body)["message"].split("reference ")[1].split()[0]
    assert caught.value.get_http_status_code() == 500
    assert "secret" not in body
    assert f"reference {reference}" in caplog.text
    assert "secret path" in caplog.text
