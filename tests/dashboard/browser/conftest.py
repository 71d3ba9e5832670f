"""The dashboard as people have it: its process over a filled store, and a real browser that is watched.

Playwright drives Debian's Chromium. Where there is none the tests are skipped, in CI they fail.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

with warnings.catch_warnings():  # MLflow warns about its own type hints when it is imported
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from dashboard.pages.tabs import TABS
from tests.dashboard.browser.filled import Filled, filled
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[3]

HOST = "127.0.0.1"

WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

NEEDED, SCREENSHOTS = "WALLPAPER_NEEDS_BROWSER", "WALLPAPER_SCREENSHOTS"

QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
"""The browser asks for nothing of its own; without a sandbox, since CI's user is root."""

PATIENCE = 60_000
"""Milliseconds for what takes a second on a machine of its own."""

START_SECONDS = 150

SHOWN = {
    "overview": ".wp-thumb img",
    "loss": ".wp-figure .main-svg",
    "latent": ".wp-figure .gl-container canvas",
    "reconstructions": ".wp-row",
    "transitions": "wp-player:not(.wp-waiting)",
    "groups": ".wp-tree svg",
    "search": ".wp-figure .main-svg",
    "models": ".wp-registry",
    "logs": ".wp-log-line",
}
"""What is seen in each tab once it has drawn."""


@dataclass
class Visit:
    """A browser's page, and what has gone wrong in it."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        page, complain = self.page, self.complaints.append
        page.on("console", lambda said: complain(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: complain(f"page: {error}"))
        page.on("response", lambda got: complain(f"{got.status} {got.url}") if got.status >= 400 else None)
        page.on("request", lambda asked: self._at_home(asked.url))
        page.on("websocket", lambda opened: self._at_home(opened.url))

    def _at_home(self, url: str) -> None:
        if urlsplit(url).hostname not in (HOST, None):  # None: of data and blobs
            self.complaints.append(f"asked elsewhere: {url}")

    def open(self, tab: str = "overview", run: str = "") -> Page:
        """Load the dashboard with this tab, and wait until it is drawn."""
        self.page.goto(f"{self.address}/?tab={tab}&run={run}")
        self.drawn(tab)
        return self.page

    def show(self, tab: str) -> None:
        """Click a tab, and wait until it is drawn."""
        title = next(each.title for each in TABS if each.name == tab)
        self.page.get_by_role("tab", name=title, exact=True).click()
        self.drawn(tab)

    def drawn(self, tab: str) -> None:
        """Wait for a tab's content, and until its pictures are there."""
        self.page.locator(f".wp-panel {SHOWN[tab]} >> visible=true").first.wait_for()
        self.page.wait_for_function("[...document.images].every((image) => image.complete)")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    found = shutil.which("chromium")
    if found is None:
        reason = "a browser is needed, but there is no `chromium` on the PATH: apt install chromium"
        if os.environ.get(NEEDED):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def store(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filled(tmp_path_factory.mktemp("filled")) as made:
        yield made


@pytest.fixture(scope="session")
def address(store: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of `python -m dashboard`, started for the tests and stopped after them."""
    folder = tmp_path_factory.mktemp("dashboard")
    port = free_port()
    foreign = ("MLFLOW_", "NICEGUI_", "PYTEST_")  # NiceGUI behaves otherwise where a test seems to run
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {"NICEGUI_STORAGE_PATH": str(folder / "storage"), "WALLPAPER_DASHBOARD_SECRET": "of the tests"}
    command = [sys.executable, "-m", "dashboard", "--port", str(port), "--tracking-uri", store.uri]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**kept, **own, "PYTHONWARNINGS": "ignore"}, stdout=log, stderr=log
        )
    try:
        _wait_for(port, process, folder / "log")
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(60)
    assert "Traceback" not in (folder / "log").read_text(), (folder / "log").read_text()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the dashboard has read the store."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            if json.loads(connection.getresponse().read()) == {"store": True}:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.3)
    raise AssertionError(f"the dashboard did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")  # not longer: while Playwright is open, its thread can have no other event loop
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor who was never here before."""
    made = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def visit(context: BrowserContext, address: str) -> Iterator[Visit]:
    """A page in which nothing may go wrong."""
    made = Visit(context.new_page(), address)
    yield made
    made.page.close()
    assert made.complaints == []


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages go: the folder named by WALLPAPER_SCREENSHOTS, else one that is not kept."""
    named = os.environ.get(SCREENSHOTS)
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
