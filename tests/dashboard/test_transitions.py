"""The tabs Transitions and Groups in a simulated browser, with a model too small to know anything."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from nicegui.testing import User
from PIL import Image

from dashboard.making import models
from dashboard.making import transitions as making
from dashboard.store import Store
from tests.dashboard.conftest import visit
from tests.tiny import tiny_model

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

TRIES = 100
"""Tenths of a second in which the page must have drawn."""

FRAMES = 5


@pytest.fixture
def small(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store without runs; the shipped model is a tiny one."""
    monkeypatch.setattr(models.Models, "get", lambda *_: tiny_model())
    monkeypatch.setattr(making, "FRAMES", FRAMES)
    store.poll()
    return store


def element(user: User, marker: str) -> Any:
    (found,) = user.find(marker=marker).elements
    return found


def source_of(user: User) -> str:
    return str(element(user, "player").props["src"])


async def waited(user: User, marker: str, before: str = "") -> str:
    """The player's address, once it is another than before."""
    await user.should_see(marker=marker, retries=TRIES)
    for _ in range(TRIES):
        if source_of(user) != before:
            break
        await user.should_see(marker=marker)
    assert source_of(user) != before
    return source_of(user)


def test_a_first_visit_shows_a_transition_and_its_frames_can_be_fetched(small: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see(marker="waiting")
        address = await waited(user, "player")
        await user.should_see("p1 (order 1) and p6m (order 12) share order 1.", retries=TRIES)
        told = await user.http_client.get(f"/{address}")
        assert "immutable" in told.headers["cache-control"]
        about = told.json()
        assert (about["source"], about["target"], len(about["times"])) == ("p1", "p6m", FRAMES)
        assert about["stops"][-1] == FRAMES - 1
        assert about["spectrum"].count("<polyline") == 11
        base = address.rsplit("/", 1)[0]
        frame = await user.http_client.get(f"/{base}/{FRAMES - 1}.jpg")
        assert frame.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(frame.content)) as opened:
            assert opened.size == (about["size"], about["size"])
        strip = await user.http_client.get(f"/{base}/keep/strip.png")
        assert strip.headers["content-type"] == "image/png"
        for gone in (f"{base}/{FRAMES}.jpg", f"{base}/keep/model.json", "made/00/about.json", "made/00/0.jpg"):
            assert (await user.http_client.get(f"/{gone}")).status_code == 404

    visit(small, act, path="/?tab=transitions")


def test_an_own_operation_changes_nothing_and_another_groups_does(small: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("largest residual exactly 0", retries=TRIES)
        user.find(marker="apply-x-y,x").click()  # 6-fold, of p6m
        await user.should_see("p4g does not have it.", retries=TRIES)
        assert "of 255" in element(user, "verdict").text
        user.find(marker="apply--y,x").click()
        await user.should_see("-y,x: largest residual exactly 0", retries=TRIES)

    visit(small, act, path="/?tab=groups")


def test_another_group_is_chosen_from_the_atlas(small: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("p4gm", retries=TRIES)
        user.find(marker="atlas-p3m1").click()
        await user.should_see("*333", retries=TRIES)
        picture = element(user, "group-picture")
        assert "atlas/p3m1/elements.png?seed=14" in picture.props["src"]
        assert element(user, "cayley").content.count("<td class=") == 36
        answer = await user.http_client.get("/" + picture.props["src"])
        with Image.open(io.BytesIO(answer.content)) as opened:
            assert np.asarray(opened).std() > 10
        assert (await user.http_client.get("/atlas/p5/pattern.png")).status_code == 404

    visit(small, act, path="/?tab=groups")
