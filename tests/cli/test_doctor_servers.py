"""What `wallpaper doctor` says of stores that are no file: addresses, servers, databases, passwords."""

from __future__ import annotations

import socket
import sys
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.doctor import findings

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_server_that_does_not_answer_is_said_without_its_password(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:secret@127.0.0.1:{taken.getsockname()[1]}")
        code, found = findings()
    assert (code, found["store"][0][0]) == (1, "wrong")
    assert "does not answer" in found["store"][0][1]
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("foo://bar", "foo://bar: it is none that MLflow records in"),
        ("sqlite:////nowhere/mlflow.db", "its folder is not there"),
        ("mysql://ada:secret@127.0.0.1:1/mlflow", "mysql://127.0.0.1:1/mlflow does not answer: its driver MySQLdb is"),
        ("postgresql+psycopg2://ada:secret@127.0.0.1:1/mlflow", "Connection refused"),
    ],
)
def test_an_address_that_no_command_could_use_is_said(
    empty: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    code, found = findings()
    ((verdict, words, remedy),) = found["store"]
    assert (code, verdict, bool(remedy)) == (1, "wrong", True)
    assert said in words
    assert "secret" not in str(found)


class Guarded(BaseHTTPRequestHandler):
    """Answers whoever names ada and her password."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == f"Basic {b64encode(b'ada:secret').decode()}"
        self.send_response(200 if known else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_server_with_a_password_is_asked_as_mlflow_asks_it(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{place}")
        ((verdict, said, remedy),) = findings()[1]["store"]
        assert (verdict, "refuses (401" in said, "MLFLOW_TRACKING_USERNAME" in remedy) == ("wrong", True, True)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
        assert findings()[1]["store"] == [("ok", f"http://{place} answers (200)", "")]
        monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:secret@{place}")
        assert findings()[1]["store"] == [("ok", f"http://{place} answers (200)", "")]
        server.shutdown()
