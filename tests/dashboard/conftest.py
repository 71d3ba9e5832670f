"""Stores made by the real tracking code, and a simulated browser: NiceGUI's own, without its pytest plugin."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("NICEGUI_STORAGE_PATH", tempfile.mkdtemp(prefix="dashboard-tests-"))  # before NiceGUI is loaded

import httpx
from nicegui import background_tasks, core, ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals

from dashboard.app import create_app
from dashboard.store import Store
from dashboard.store.source import Source
from wallpaper import tracking
from wallpaper.pictures.colours import MARKS

EPOCHS = 6

TRIES = 300
"""Tenths of a second in which the page must have drawn."""


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs, made once: its tables take seconds."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{path}"
    try:
        tracking.initialise()
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI")
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before
    return path


@pytest.fixture
def project(tmp_path: Path, _empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store of its own, in which runs are recorded from now on."""
    shutil.copy(_empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


@pytest.fixture
def store(project: Path) -> Iterator[Store]:
    """The project's store as the dashboard reads it, not started: `poll` asks once."""
    found = Store(Source(f"sqlite:///{project / 'mlflow.db'}"))
    yield found
    found.stop()


def train(run: tracking.Run, epochs: int = EPOCHS, *, start: int = 1, part: str = "") -> None:
    """What a training reports."""
    before = f"{part}/" if part else ""
    for epoch in range(start, start + epochs):
        row = {"train/loss": 8 / epoch, "val/loss": 10 / epoch, "train/kl": 1 / epoch}
        row |= {"learning_rate": 1e-3 / epoch, "seconds": 2.0}
        run.log({f"{before}{name}": value for name, value in row.items()}, epoch)


def look(store: Store) -> None:
    """Bring the store and the histories of all its runs up to date."""
    store.poll()
    for run in store.runs:
        store.curves(run.run_id)
    store.poll()


def visit(
    store: Store,
    act: Callable[[User], Awaitable[None]],
    *,
    path: str = "/",
    password: str = "",
    read_only: bool = False,
) -> None:
    """Open the dashboard of a store in a simulated browser, and act there."""

    async def session() -> None:
        with nicegui_reset_globals():
            os.environ["NICEGUI_USER_SIMULATION"] = "true"
            try:
                create_app(store, password=password, read_only=read_only)
                ui.run(storage_secret="of the tests", show=False)
                async with core.app.router.lifespan_context(core.app):
                    transport = httpx.ASGITransport(core.app)
                    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                        user = User(client)
                        await user.open(path)
                        await act(user)
            finally:
                os.environ.pop("NICEGUI_USER_SIMULATION", None)
                ui.navigate, ui.notify, ui.download = Navigate(), notify, download

    gc.freeze()  # NiceGUI looks for garbage before and after: in what is made from here on, not in all that is imported
    try:
        asyncio.run(session())
    finally:
        background_tasks.running_tasks.clear()  # of a loop that is closed
        gc.collect()


@pytest.fixture
def trained(store: Store) -> Store:
    """One VAE that has ended, of six epochs."""
    with tracking.start("first", phase="train_vae", config={"epochs": 6, "beta": 1.0}) as run:
        train(run)
    look(store)
    return store


def left(project: Path, epoch: int) -> Path:
    """What an epoch leaves: points, and tiles with their errors."""
    folder = project / f"epoch_{epoch:03d}"
    folder.mkdir()
    groups = {
        name: {"points": [[k, epoch], [k + 1, 2], [k, 3]], "indices": [3 * k, 3 * k + 1, 3 * k + 60]}
        for k, name in enumerate(MARKS)
    }
    paths = [{"source": "p1", "target": "p6m", "points": [[0, 0], [1, 1]]}]
    cloud = {"axes": ["z1", "z2"], "dimensions": 2, "groups": groups, "trajectories": paths, "metrics": {"s": 0.25},
             "patterns": {"tile": 48, "columns": 32}}  # fmt: skip
    (folder / "latent_space.json").write_text(json.dumps(cloud))
    rows = [{"group": name, "index": k, "mse": 0.01, "psnr": 10.0 + k} for k, name in enumerate(MARKS)]
    (folder / "reconstructions.json").write_text(json.dumps({"tile": 8, "rows": rows}))
    (folder / "reconstruction_tiles.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture
def drawn(store: Store, project: Path) -> Store:
    """A run whose epochs 5 and 10 have pictures."""
    with tracking.start("drawn", phase="train_vae", config={"epochs": 10}) as run:
        train(run, 10)
        for epoch in (5, 10):
            run.artifact(left(project, epoch), f"visualizations/epoch_{epoch:03d}")
    look(store)
    return store


def text_of(user: User, marker: str) -> str:
    (label,) = user.find(marker=marker).elements
    assert isinstance(label, ui.label)
    return str(label.text)


async def eventually(holds: Callable[[], bool]) -> None:
    """Let the page work until something holds."""
    for _ in range(10 * TRIES):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to hold")


def figures(user: User) -> list[ui.plotly]:
    return [plot for plot in user.find(ui.plotly).elements if isinstance(plot, ui.plotly)]
