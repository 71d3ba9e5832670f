"""Every tab and state, in a simulated browser over a store that the tracking code has made."""

from __future__ import annotations

import asyncio
import gc
from threading import Event

import pytest
from nicegui import ui
from nicegui.testing import User

from dashboard.pages import page
from dashboard.pages.tabs import TABS
from dashboard.store import Connection, File, Store
from dashboard.views import loss as loss_views
from tests.dashboard.conftest import TRIES, figures, look, text_of, train, visit
from wallpaper import tracking

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_status_says_where_a_training_stands(trained: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see("first", retries=TRIES)
        assert text_of(user, "status-epoch") == "6 / 6"
        assert text_of(user, "status-best") == "1.667"
        assert text_of(user, "status-best-about") == "epoch 6"
        assert text_of(user, "state-text") == "Finished"
        await user.should_see(ui.plotly, retries=TRIES)

    visit(trained, act, path="/?tab=loss")


def test_an_empty_store_says_what_to_type_in_every_tab(store: Store) -> None:
    store.poll()
    said = {
        "overview": "wallpaper demo",
        "loss": "wallpaper train-vae --preset laptop",
        "latent": "wallpaper train-ode",
        "reconstructions": "wallpaper train-ode",
        "search": "wallpaper search --trials 8",
        "models": "wallpaper register",
        "logs": "Nothing recorded yet",
    }

    async def act(user: User) -> None:
        for name, words in said.items():
            user.find(marker=f"tab-{name}").click()
            await user.should_see(words, retries=TRIES)

    visit(store, act)


def test_every_tab_can_be_shown_and_linked_to(trained: Store) -> None:
    async def act(user: User) -> None:
        for tab in TABS:
            await user.open(f"/?tab={tab.name}")
            (bar,) = user.find(ui.tabs).elements
            assert isinstance(bar, ui.tabs)
            assert bar.value == tab.name
            await user.should_not_see("cannot be shown", retries=3)

    visit(trained, act)


def test_an_error_in_a_tab_is_said_there_and_the_others_go_on(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("of this test")

    monkeypatch.setattr(loss_views, "total", fail)

    async def act(user: User) -> None:
        await user.should_see("RuntimeError: of this test", retries=TRIES)
        user.find(marker="tab-logs").click()
        await user.should_see("best so far", retries=TRIES)

    visit(trained, act, path="/?tab=loss")


def test_a_page_that_is_closed_while_its_tab_waits_leaves_no_error(
    drawn: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked, answer, listed = Event(), Event(), drawn.files

    def wait(run_id: str, folder: str) -> list[File]:
        asked.set()
        assert answer.wait(30)
        return listed(run_id, folder)

    monkeypatch.setattr(drawn, "files", wait)

    async def act(user: User) -> None:
        assert await asyncio.to_thread(asked.wait, 30)
        assert user.client is not None
        user.client.delete()
        user.client = None
        gc.collect()  # the elements of a page end with it
        answer.set()
        await asyncio.sleep(0.3)

    visit(drawn, act, path="/?tab=reconstructions")
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_another_run_is_chosen_from_what_was_typed(store: Store) -> None:
    for name, epochs in (("alpha", 2), ("beta", 3)):
        with tracking.start(name, phase="train_vae", config={"epochs": epochs}) as run:
            train(run, epochs)
    look(store)
    alpha = next(run for run in store.runs if run.name == "alpha")

    async def act(user: User) -> None:
        await user.should_see("3 / 3", retries=TRIES)
        user.find(marker="search-runs").type("alph")
        await user.should_see(marker=f"run-{alpha.run_id}", retries=TRIES)
        user.find(marker=f"run-{alpha.run_id}").click()
        await user.should_see("2 / 2", retries=TRIES)

    visit(store, act, path="/?tab=loss")


def test_a_run_that_has_just_begun_is_waited_for(trained: Store) -> None:
    with tracking.start("newest", phase="train_vae", config={"epochs": 9}) as run:
        train(run, 3)

    async def act(user: User) -> None:
        look(trained)
        await user.should_see("3 / 9", retries=TRIES)

    visit(trained, act, path=f"/?tab=loss&run={run.run_id}")


@pytest.mark.parametrize("named", ["0" * 32, "../x"])
def test_a_run_that_is_not_there_gives_way_to_another(
    trained: Store, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "KNOWN_SECONDS", 0.5)

    async def act(user: User) -> None:
        await user.should_see("6 / 6", retries=TRIES)

    visit(trained, act, path=f"/?tab=loss&run={named}")


def test_names_from_the_store_are_text(store: Store) -> None:
    with tracking.start(HOSTILE, phase="train_vae", config={"epochs": 2}, tags={"error": HOSTILE}) as run:
        train(run, 2)
    look(store)

    async def act(user: User) -> None:
        for tab in TABS:
            user.find(marker=f"tab-{tab.name}").click()
            await user.should_see(HOSTILE, retries=TRIES)  # in the picker, as it was typed
        assert user.client is not None
        for element in user.client.elements.values():
            if "innerHTML" in element.props:
                assert "onerror" not in str(element.props["innerHTML"])

    visit(store, act)


def test_the_banner_says_why_and_keeps_what_was_known(trained: Store) -> None:
    trained.connection = Connection(1.0, "connection refused", 2.0)

    async def act(user: User) -> None:
        await user.should_see("does not answer", retries=TRIES)
        await user.should_see("connection refused", retries=TRIES)
        assert text_of(user, "status-epoch") == "6 / 6"
        assert text_of(user, "state-text") == "Offline"

    visit(trained, act, path="/?tab=loss")


def test_dark_and_light_are_kept_and_redraw_the_figures(trained: Store) -> None:
    async def act(user: User) -> None:
        await user.should_see(ui.plotly, retries=TRIES)
        before = figures(user)[0].figure["layout"]["font"]["color"]
        user.find(marker="theme").click()
        await user.should_see(ui.plotly, retries=TRIES)
        await user.open("/?tab=loss")
        await user.should_see(ui.plotly, retries=TRIES)
        assert figures(user)[0].figure["layout"]["font"]["color"] != before

    visit(trained, act, path="/?tab=loss")
