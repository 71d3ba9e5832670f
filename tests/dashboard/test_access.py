"""Who gets what: only files of runs, and with a password only those who know it."""

from __future__ import annotations

import pytest
from nicegui.testing import User

from dashboard import access
from dashboard.store import Store
from tests.dashboard.conftest import TRIES, visit

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_files_are_shown_and_nothing_else(drawn: Store) -> None:
    run_id = drawn.runs[0].run_id

    async def act(user: User) -> None:
        async def status(path: str) -> int:
            return (await user.http_client.get(path)).status_code

        good = "visualizations/epoch_005/reconstructions.json"
        assert await status(f"/artifact/{run_id}/{good}") == 200
        bad = (
            "..%2f..%2fmlflow.db",
            "%2e%2e/mlflow.db",
            "..%5cx.png",
            "/etc/x.png",
            "a%00.png",
            "no.png",
        )
        for path in (*bad, "config.html", "visualizations"):
            assert (await status(f"/artifact/{run_id}/{path}"), path) == (404, path)
        assert await status(f"/artifact/not-a-run/{good}") == 404

    visit(drawn, act)


def test_a_password_keeps_everybody_out_until_it_is_given(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PAUSE_SECONDS", 0.0)

    async def act(user: User) -> None:
        assert (await user.http_client.get(f"/artifact/{'0' * 32}/a.png")).status_code == 401
        assert (await user.http_client.get("/", follow_redirects=False)).headers["location"] == "/login"
        await user.open("/login")
        user.find("Password").type("wrong")
        user.find("Enter").click()
        await user.should_see("Wrong password", retries=TRIES)
        user.find("Password").clear()
        user.find("Password").type("right")
        user.find("Enter").click()
        await user.should_see(marker="picker", retries=TRIES)

    visit(trained, act, path="/login", password="right")
