"""What a pair of the matrix shows when it is pointed at: a small film strip, made when it is asked for."""

from __future__ import annotations

import io
from typing import Any

import pytest
from nicegui.testing import User
from PIL import Image

from dashboard.making import Maker, models
from dashboard.making.previews import CELL, PICTURES, Film
from dashboard.store import Store, VersionRecord
from tests.dashboard.conftest import TRIES, eventually, visit
from tests.tiny import tiny_model

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_preview_is_a_strip_that_is_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get(_: models.Models, key: str) -> Any:
        asked.append(key)
        return tiny_model()

    monkeypatch.setattr(models.Models, "get", get)
    maker = Maker(store)
    token = maker.offer(Film("named/1", 3, "direct"))
    assert token == maker.offer(Film("named/1", 3, "direct"))
    assert token != maker.offer(Film("named/1", 4, "direct"))
    strip = maker.preview(token, "p2", "p4")
    assert strip == maker.preview(token, "p2", "p4")
    assert asked == ["named/1"]
    assert maker.preview("00", "p2", "p4") is None
    with Image.open(io.BytesIO(strip or b"")) as opened:
        assert (opened.format, opened.size) == ("JPEG", (PICTURES * CELL, CELL))


def test_every_model_that_can_be_generated_with_has_previews(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.Models, "get", lambda *_: tiny_model())
    store.poll()
    store.versions = (VersionRecord("named", 1, ("champion",), "r", 0.0, "", {}),)

    async def act(user: User) -> None:
        def told() -> str:
            (picture,) = user.find(marker="preview").elements
            return str(picture.props["data-made"])

        def choose(marker: str, value: object) -> None:
            (field,) = user.find(marker=marker).elements
            field.set_value(value)  # type: ignore[attr-defined]

        await user.should_see(marker="matrix", retries=TRIES)
        shipped = told()
        for marker, value in (("model", "named/1"), ("seed", 5), ("route", "widest")):
            before = told()
            choose(marker, value)
            await eventually(lambda before=before: told() not in ("", before))  # type: ignore[misc]
        found = await user.http_client.get(f"/{told()}/p2/p4.jpg")
        assert (found.status_code, found.headers["content-type"]) == (200, "image/jpeg")
        assert "immutable" in found.headers["cache-control"]
        assert (await user.http_client.get(f"/{shipped}/p4/p2.jpg")).status_code == 200
        for odd in ("p4/p4", "p5/p4"):
            assert (await user.http_client.get(f"/{told()}/{odd}.jpg")).status_code == 404
        assert (await user.http_client.get("/preview/00/p2/p4.jpg")).status_code == 204

    visit(store, act, path="/?tab=transitions")


def test_a_model_that_cannot_be_loaded_has_none_and_is_no_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*_: object) -> Any:
        raise ValueError("it keeps no model")

    monkeypatch.setattr(models.Models, "get", get)
    store.poll()

    async def act(user: User) -> None:
        await user.should_see(marker="matrix", retries=TRIES)
        (picture,) = user.find(marker="preview").elements
        answer = await user.http_client.get(f"/{picture.props['data-made']}/p2/p4.jpg")
        assert (answer.status_code, answer.content) == (204, b"")

    visit(store, act, path="/?tab=transitions")
