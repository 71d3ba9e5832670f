"""The tabs Transitions and Groups in a simulated browser, with a model too small to know anything."""

from __future__ import annotations

import gc
import io
from typing import Any

import numpy as np
import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import User
from PIL import Image

from dashboard.making import models
from dashboard.making import transitions as making
from dashboard.making.uploads import MOST_BYTES
from dashboard.pages.context import Context
from dashboard.pages.transition_picture import StartPicture
from dashboard.store import Store, VersionRecord
from tests.dashboard.conftest import eventually, look, visit
from tests.tiny import SIDE, tiny_model
from wallpaper import tracking
from wallpaper.data.samples import Samples
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import render
from wallpaper.plane import plane_group

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
    await eventually(lambda: source_of(user) != before)
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


def test_a_pair_of_the_matrix_is_made_and_nonsense_is_not(small: Store) -> None:
    async def act(user: User) -> None:
        first = await waited(user, "player")
        await user.should_see(marker="matrix", retries=TRIES)
        for nonsense in (["p4", "p4"], ["p5", "p4"], "p4", [1, 2], None):
            user.find(marker="matrix").trigger("click", nonsense)
        user.find(marker="matrix").trigger("click", ["cmm", "p4m"])
        second = await waited(user, "player", first)
        about = (await user.http_client.get(f"/{second}")).json()
        assert (about["source"], about["target"]) == ("cmm", "p4m")
        assert 'aria-pressed="true" data-source="cmm" data-target="p4m"' in element(user, "matrix").content

    visit(small, act, path="/?tab=transitions")


def test_the_same_group_twice_is_said_and_not_made(small: Store) -> None:
    async def act(user: User) -> None:
        first = await waited(user, "player")
        element(user, "target").set_value("p1")
        user.find(marker="generate").click()
        await user.should_see("Choose two different groups.", retries=TRIES)
        assert source_of(user) == first

    visit(small, act, path="/?tab=transitions")


def test_swapping_and_another_seed_make_another_transition(small: Store) -> None:
    async def act(user: User) -> None:
        first = await waited(user, "player")
        user.find(marker="swap").click()
        user.find(marker="next-seed").click()
        assert (element(user, "source").value, element(user, "seed").value) == ("p6m", 24)
        user.find(marker="generate").click()
        second = await waited(user, "player", first)
        assert (await user.http_client.get(f"/{second}")).json()["source"] == "p6m"

    visit(small, act, path="/?tab=transitions")


def test_a_film_that_is_not_of_the_settings_says_so(small: Store) -> None:
    async def act(user: User) -> None:
        def dimmed() -> bool:
            return "wp-stale" in element(user, "film").classes

        note = "These settings are not drawn yet: press Generate."
        first = await waited(user, "player")
        await user.should_not_see(note)
        for marker, other in (("route", "widest"), ("target", "p4"), ("seed", 5), ("start", "sample")):
            field = element(user, marker)
            drawn = field.value
            field.set_value(other)
            await user.should_see(note)
            assert dimmed(), marker
            field.set_value(drawn)
            await user.should_not_see(note)
            assert not dimmed(), marker
        element(user, "target").set_value("p4")
        user.find(marker="generate").click()
        await waited(user, "player", first)
        await user.should_not_see(note)
        assert not dimmed()

    visit(small, act, path="/?tab=transitions")


def test_the_matrix_can_be_coloured_by_the_models_paths(small: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see(marker="matrix", retries=TRIES)
        element(user, "colour").set_value("length")
        await user.should_see("length of the latent path", retries=3 * TRIES)
        assert "p1 to p2: path length" in element(user, "matrix").content
        element(user, "colour").set_value("error")
        await user.should_see("0 arrives, 1 is as far away", retries=3 * TRIES)
        assert "p1 to p2: endpoint error" in element(user, "matrix").content
        element(user, "colour").set_value("nfe")
        await user.should_see("dopri5 needs for this path alone", retries=3 * TRIES)
        assert "p1 to p2: evaluations" in element(user, "matrix").content

    visit(small, act, path="/?tab=transitions")


def test_nothing_of_a_closed_page_is_kept(small: Store) -> None:
    async def act(user: User) -> None:
        await waited(user, "player")
        assert parts(), "of the page that is open"
        assert user.client is not None
        user.client.delete()

    def parts() -> list[object]:
        return [found for found in gc.get_objects() if isinstance(found, (Context, StartPicture, ui.upload))]

    visit(small, act, path="/?tab=transitions")
    gc.collect()
    assert parts() == []


def test_a_picture_of_ones_own_starts_a_transition(small: Store) -> None:
    pattern = generate_pattern("p4g", 3, 96)
    stream = io.BytesIO()
    Image.fromarray(render(pattern.pixels, pattern.lattice, size=260, cells=3.0)).save(stream, "PNG")

    async def act(user: User) -> None:
        first = await waited(user, "player")
        element(user, "start").set_value("picture")
        user.find(marker="generate").click()
        await user.should_see("Choose a picture of your own, or start at a seed.", retries=TRIES)
        upload = element(user, "upload")
        await upload.handle_uploads([SmallFileUpload("x.png", "image/png", b"no picture")])
        await user.should_see("This is not a whole PNG", retries=TRIES)
        await upload.handle_uploads([SmallFileUpload("x.png", "image/png", bytes(MOST_BYTES + 1))])
        await user.should_see("at most 16 MB and 50 megapixels", retries=TRIES)
        assert source_of(user) == first
        await upload.handle_uploads([SmallFileUpload("x.png", "image/png", stream.getvalue())])
        await user.should_see("This is p4g (p4gm, orbifold 4*2)", retries=TRIES)
        second = await waited(user, "player", first)
        about = (await user.http_client.get(f"/{second}")).json()
        assert (about["source"], about["groups"][0]) == ("p4g", "p4g")
        element(user, "source").set_value("p2")  # the picture is none of p2
        await user.should_not_see("This is p4g", retries=TRIES)
        assert element(user, "start").value == "seed"

    visit(small, act, path="/?tab=transitions")


def test_a_transition_starts_at_a_sample_of_the_model(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Samples.generated(SIDE, 2)
    monkeypatch.setattr(models.Models, "samples", lambda _, key: packed if key == "named/1" else None)
    small.versions = (VersionRecord("named", 1, ("champion",), "r", 0.0, "", {}),)

    async def act(user: User) -> None:
        first = await waited(user, "player")
        element(user, "start").set_value("sample")
        await user.should_see("No patterns are packed with this model", retries=TRIES)
        user.find(marker="generate").click()
        await user.should_see("no sample p1-0 is packed with this model", retries=TRIES)
        element(user, "model").set_value("named/1")
        await user.should_see(marker="sample-p1-1", retries=TRIES)
        user.find(marker="sample-p1-1").click()
        second = await waited(user, "player", first)
        assert element(user, "sample-p1-1").props["aria-pressed"] == "true"
        element(user, "source").set_value("pmg")
        await user.should_see(marker="sample-pmg-1", retries=TRIES)
        await user.should_not_see(marker="sample-p1-1")
        user.find(marker="generate").click()
        third = await waited(user, "player", second)
        about = (await user.http_client.get(f"/{third}")).json()
        assert about["groups"][0] == "pmg"
        lattice = packed.by_id["pmg-1"].lattice
        a, b, gamma = about["lattices"][0]
        assert (b / a, gamma) == pytest.approx((lattice.b / lattice.a, lattice.gamma), abs=5e-3)

    visit(small, act, path="/?tab=transitions")


def test_a_run_without_a_model_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "FRAMES", FRAMES)
    monkeypatch.setattr(models.TransitionModel, "load", lambda _: tiny_model())
    with tracking.start("no model", phase="train_ode", config={"epochs": 1}) as run:
        run.log({"train/loss": 1.0}, 1)
    look(store)

    async def act(user: User) -> None:
        first = await waited(user, "player")
        assert element(user, "model").options[run.run_id] == "run no model"
        element(user, "model").set_value(run.run_id)
        user.find(marker="generate").click()
        await user.should_see("must keep a transition model", retries=TRIES)
        assert source_of(user) == first

    visit(store, act, path="/?tab=transitions")


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
        labels = [each.text for each in element(user, "apply--y,x-y").default_slot.children]
        number = [op.xyz for op in plane_group("p3m1").operations].index("-y,x-y") + 1
        assert labels == [str(number), "-y,x-y"]  # as the products number it
        answer = await user.http_client.get("/" + picture.props["src"])
        with Image.open(io.BytesIO(answer.content)) as opened:
            assert np.asarray(opened).std() > 10
        assert (await user.http_client.get("/atlas/p5/pattern.png")).status_code == 404

    visit(small, act, path="/?tab=groups")


def test_only_who_knows_the_password_sees_frames(small: Store) -> None:
    async def act(user: User) -> None:
        for path in ("/made/00/0.jpg", "/atlas/p4/pattern.png"):
            answer = await user.http_client.get(path)
            assert answer.status_code in (307, 401)

    visit(small, act, path="/login", password="of this test")
