"""Who gets what: only files of runs, with a password only those who know it, and no other site's page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from nicegui.testing import User
from starlette.types import Message, Receive, Scope, Send

from dashboard import access
from dashboard.making.uploads import MOST_BYTES
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


def test_a_body_longer_than_any_picture_is_refused_by_its_length(store: Store) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"

    async def act(user: User) -> None:
        long = {"Content-Length": str(MOST_BYTES + access.FORM_BYTES + 1)}
        answers = [
            await user.http_client.post("/_nicegui/client/x/upload/1", content=endless(), headers=headers)
            for headers in (long, {}, {"Content-Length": "1"})
        ]
        assert [answer.status_code for answer in answers] == [413, 411, 404]

    visit(store, act)


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


# ---- other sites


HOST, EVIL = "127.0.0.1:8080", "http://evil.example.org"


@pytest.mark.parametrize(
    ("headers", "local", "passes"),
    [
        ({"host": HOST}, True, True),
        ({"host": "localhost:8080", "origin": "http://localhost:8080"}, True, True),
        ({"host": "[::1]:8080", "origin": "http://[::1]:8080"}, True, True),
        ({"host": HOST, "origin": EVIL}, True, False),
        ({"host": HOST, "origin": "null"}, True, False),
        ({"host": HOST, "origin": "http://127.0.0.1:3000"}, True, False),
        ({"host": HOST, "origin": "http://127.0.0.1:port"}, True, False),
        ({"host": "evil.example.org:8080", "origin": "http://evil.example.org:8080"}, True, False),
        ({"host": "localhost.evil.example.org"}, True, False),
        ({"host": "[bad"}, True, False),
        ({}, True, False),
        ({"host": "w.example.org", "origin": "https://w.example.org:8443"}, False, True),
        ({"host": "w.example.org:80", "origin": "http://w.example.org"}, False, True),
        ({"host": HOST, "x-forwarded-host": "w.example.org", "origin": "https://w.example.org"}, False, True),
        ({"host": "w.example.org", "origin": EVIL}, False, False),
    ],
)
def test_whose_pages_are_answered(headers: dict[str, str], local: bool, passes: bool) -> None:
    assert (access.refusal(headers, local=local) == "") is passes


def test_another_site_s_page_gets_neither_the_page_nor_its_socket(trained: Store) -> None:
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"

    async def act(user: User) -> None:
        async def status(path: str, **headers: str) -> int:
            return (await user.http_client.get(path, headers=headers)).status_code

        own = await user.http_client.get("/", headers={"Origin": "http://localhost"})
        assert (own.status_code, own.headers["X-Frame-Options"]) == (200, "DENY")
        assert await status(socket, Origin="http://localhost") == 200
        for path in ("/", socket):
            assert await status(path, Origin=EVIL) == 403
            assert await status(path, Host="evil.example.org") == 403

    visit(trained, act)


def test_a_password_lets_any_name_lead_here_but_no_other_site_s_page(trained: Store) -> None:
    async def act(user: User) -> None:
        named = {"Host": "wallpaper.example.org"}
        assert (await user.http_client.get("/login", headers=named)).status_code == 200
        assert (await user.http_client.get("/login", headers={**named, "Origin": EVIL})).status_code == 403

    visit(trained, act, path="/login", password="right")


@pytest.mark.parametrize(("origin", "answer"), [("http://localhost:8080", "accept"), (EVIL, "close")])
def test_another_site_s_websocket_is_closed_before_it_is_open(origin: str, answer: str) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def open_to_all(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    headers = [(b"host", b"localhost:8080"), (b"origin", origin.encode())]
    guarded = access.SameSite(open_to_all, local=True)
    asyncio.run(guarded({"type": "websocket", "headers": headers}, receive, send))
    assert [message["type"] for message in sent] == [f"websocket.{answer}"]
