"""The proxy of docs/deploy.md, taken from the document and started with other ports, before real servers."""

from __future__ import annotations

import base64
import getpass
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from serving.client import connect
from tests.servers import free_port
from tests.serving.conftest import ROOT, Server, Store

DOCUMENT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
SITE, MLFLOW = "wallpaper.example.org", "mlflow.example.org"
PASSWORD = "a password"
MAIN = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/wallpaper.conf;
}}
"""

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports


class Upstream(NamedTuple):
    """In MLflow's place: what it was sent, as (path, headers, bytes of the body)."""

    port: int
    received: list[tuple[str, Mapping[str, str], int]]


class Proxy(NamedTuple):
    """A running nginx."""

    folder: Path
    plain: int
    secure: int
    dashboard: int
    mlflow: Upstream

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection("127.0.0.1", self.secure, timeout=100, context=context)

    def call(
        self, host: str, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, headers and text of an answer."""
        connection = self.connection()
        try:
            connection.request(method, path, body, {"Host": host, "Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode(errors="replace")
        finally:
            connection.close()


@contextmanager
def process(command: list[str], port: int, log: Path, **options: object) -> Iterator[None]:
    """A program that listens on the port while the block runs."""
    with log.open("w") as output:
        started = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **options)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 120
        while True:
            assert started.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield
    finally:
        os.killpg(started.pid, signal.SIGTERM)  # the group that was started here, as systemd does
        started.wait(60)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    received: list[tuple[str, Mapping[str, str], int]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append((self.path, dict(self.headers.items()), len(self.rfile.read(length))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Upstream(server.server_address[1], received)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def proxy(server: Server, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx with the document's configuration; of the two servers of transitions the second is down."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("there is no nginx or no openssl here")
    folder = tmp_path_factory.mktemp("proxy")
    made = Proxy(folder, free_port(), free_port(), free_port(), upstream)
    names = f"subjectAltName=IP:127.0.0.1,DNS:{SITE},DNS:{MLFLOW}"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={SITE}", "-addext",
         names, "-keyout", str(folder / "key.pem"), "-out", str(made.certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout
    (folder / "htpasswd").write_text(f"someone:{hashed}")
    (folder / "wallpaper.conf").write_text(with_places(made, server.port))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=getpass.getuser()))
    with process(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], made.secure, folder / "log"):
        yield made


def with_places(proxy: Proxy, transitions: int) -> str:
    """The document's configuration, with the ports and files of the test."""
    (text,) = re.findall(r"^```nginx\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    places = {
        "listen 80;": f"listen 127.0.0.1:{proxy.plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{proxy.secure} ssl;",
        "127.0.0.1:5001": f"127.0.0.1:{transitions}",
        "127.0.0.1:5002": f"127.0.0.1:{free_port()}",
        "127.0.0.1:8080": f"127.0.0.1:{proxy.dashboard}",
        "127.0.0.1:5000": f"127.0.0.1:{proxy.mlflow.port}",
        "/etc/ssl/wallpaper/fullchain.pem": str(proxy.certificate),
        "/etc/ssl/wallpaper/key.pem": str(proxy.folder / "key.pem"),
        "/etc/nginx/wallpaper.htpasswd": str(proxy.folder / "htpasswd"),
        "/var/log/nginx/transitions.log": str(proxy.folder / "transitions.log"),
    }
    assert [place for place in places if place not in text] == []
    return re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)


def lines_of(log: Path, count: int) -> list[str]:
    """Lines of a log that should have so many soon: the proxy writes one after its answer has gone out."""
    until = time.monotonic() + 30
    while len(found := log.read_text().splitlines()) < count and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_a_transition_is_the_servers_whichever_of_two_is_down(
    proxy: Proxy, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
    remote = connect(f"https://127.0.0.1:{proxy.secure}/transitions", attempts=1)
    direct = connect(f"http://127.0.0.1:{server.port}").transition("p1", "p6m", seed=3, n_frames=4, size=64)
    answers = [remote.transition("p1", "p6m", seed=3, n_frames=4, size=64) for _ in range(4)]
    assert [answer.pngs for answer in answers] == [direct.pngs] * 4
    logged = lines_of(proxy.folder / "transitions.log", 4)
    assert len(logged) >= 4
    assert all(re.fullmatch(r"127\.0\.0\.1 \S+ \d{3} \d+ \d+ [\d.]+ [\d.:, -]+", line) for line in logged)
    assert any(", " in line for line in logged)  # a request that went on to the other server


def test_too_long_a_body_is_refused_before_it_is_sent(proxy: Proxy) -> None:
    connection = proxy.connection()
    connection.putrequest("POST", "/transitions/invocations", skip_host=True)
    for name, value in (("Host", SITE), ("Content-Type", "application/json"), ("Content-Length", str(2**24 + 1))):
        connection.putheader(name, value)
    connection.endheaders()
    started = time.monotonic()
    assert connection.getresponse().status == 413
    assert time.monotonic() - started < 5
    connection.close()
    status, _, text = proxy.call(SITE, "POST", "/transitions/invocations", b"[" * 2**21)
    assert (status, json.loads(text)["error_code"]) == (400, "INVALID_PARAMETER_VALUE")  # the service's own answer


def test_more_requests_than_the_rate_wait_or_are_told_to_come_again(proxy: Proxy) -> None:
    with ThreadPoolExecutor(24) as pool:
        calls = [pool.submit(proxy.call, SITE, "POST", "/transitions/invocations", b"{}") for _ in range(24)]
    statuses = [call.result()[0] for call in calls]
    assert set(statuses) == {400, 503}
    assert statuses.count(400) >= 8


def test_everything_is_encrypted(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=60)
    connection.request("GET", "/dashboard/?tab=loss", headers={"Host": SITE})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{SITE}/dashboard/?tab=loss")
    connection.close()


def test_mlflow_is_reached_with_the_password_alone_and_takes_large_files(proxy: Proxy) -> None:
    content = bytes(20 * 2**20)
    assert proxy.call(MLFLOW, "PUT", "/api/x", b"")[0] == 401
    wrong = base64.b64encode(b"someone:else").decode()
    assert proxy.call(MLFLOW, "PUT", "/api/x", b"", Authorization=f"Basic {wrong}")[0] == 401
    assert proxy.mlflow.received == []
    right = base64.b64encode(f"someone:{PASSWORD}".encode()).decode()
    assert proxy.call(MLFLOW, "PUT", "/api/x?y=1", content, Authorization=f"Basic {right}")[0] == 200
    ((path, headers, length),) = proxy.mlflow.received
    assert (path, length) == ("/api/x?y=1", len(content))
    assert headers["Host"] == MLFLOW
    assert "Authorization" not in headers


def test_the_dashboard_works_below_its_path(proxy: Proxy, store: Store) -> None:
    environment = {
        **{name: value for name, value in store.environment.items() if not name.startswith("PYTEST")},  # NiceGUI looks
        "NICEGUI_STORAGE_PATH": str(proxy.folder / "nicegui"),
        "WALLPAPER_DASHBOARD_PASSWORD": PASSWORD,
        "WALLPAPER_DASHBOARD_SECRET": "of the tests",
    }
    command = [sys.executable, "-m", "dashboard", "--port", str(proxy.dashboard)]
    with process(command, proxy.dashboard, proxy.folder / "dashboard.log", cwd=ROOT, env=environment):
        status, headers, _ = proxy.call(SITE, "GET", "/dashboard/")
        assert (status, headers["Location"]) == (307, "/dashboard/login")
        status, _, page = proxy.call(SITE, "GET", "/dashboard/login")
        assert status == 200
        (script,) = re.findall(r'"(/[^"]*/nicegui\.js)"', page)
        assert script.startswith("/dashboard/_nicegui/")
        assert proxy.call(SITE, "GET", script)[0] == 200
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        place = "/dashboard/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        connection = proxy.connection()
        connection.request("GET", place, headers={"Host": SITE, "Sec-WebSocket-Key": key, **upgrade})
        assert connection.getresponse().status == 101
        connection.close()
