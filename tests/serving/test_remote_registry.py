"""Promotion where the registry is an MLflow server, which several machines ask at once and which has no lock."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from serving.promotion import promote, rollback
from serving.versions import Registry
from tests.serving.conftest import Add, Server, Store, aliases, running
from wallpaper import tracking

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own and those of what it imports


@pytest.fixture(scope="module")
def tracker(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`mlflow server` over the folder's store."""
    folder = tmp_path_factory.mktemp("tracker")
    command = ["mlflow", "server", "--backend-store-uri", store.environment["MLFLOW_TRACKING_URI"], "--workers", "1"]
    environment = {**store.environment, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # as docs/deploy.md has it
    with running([sys.executable, "-m", *command, "--port"], folder, environment, alive="/health") as found:
        yield found


@pytest.fixture
def remote(registry: Registry, tracker: Server, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The test's registered model, asked for over HTTP."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{tracker.port}")
    return replace(registry, store=tracking.initialise())


@pytest.mark.usefixtures("sound")
def test_versions_are_promoted_refused_and_rolled_back(remote: Registry, add: Add) -> None:
    assert remote.store.uri.startswith("http://")
    assert promote(remote, add()).now == "1"
    assert promote(remote, add()).now == "2"
    refused = promote(remote, add(psnr_test=20.0))
    assert (refused.refused, [each.gate for each in refused.failing]) == (True, ["PSNR, test (dB)"])
    assert rollback(remote).now == "1"
    forced = promote(remote, "3", force=True, reason="only this one is small enough")
    assert forced.now == "3"
    assert remote.version("champion").forced["reason"] == "only this one is small enough"
    assert aliases(remote) == {"champion": "3"}
    assert [(move.kind, move.version) for move in remote.moves()] == [
        ("promote", "1"), ("promote", "2"), ("rollback", "1"), ("promote", "3"),
    ]  # fmt: skip


RACERS, MOVES = 4, 4


def test_clients_that_promote_at_once_lose_nothing(remote: Registry, add: Add) -> None:
    """Threads are as good as machines here: over HTTP nobody waits for anybody."""
    numbers = [add() for _ in range(RACERS)]
    start = threading.Barrier(RACERS)

    def race(number: str) -> None:
        mine = replace(remote, store=tracking.initialise())
        start.wait()
        for _ in range(MOVES):
            with mine.turn():
                mine.move("champion", number, "promote")

    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(race, numbers))
    moves = remote.moves("champion")
    assert sorted(move.version for move in moves) == sorted(numbers * MOVES)
    assert remote.holder("champion") == moves[-1].version


@pytest.mark.slow
def test_the_command_tries_a_version_that_a_server_keeps(
    remote: Registry, add: Add, store: Store, tmp_path: Path
) -> None:
    number = add()
    done = subprocess.run(
        [sys.executable, "-m", "wallpaper", "promote", number, "--name", remote.name, "--max-seconds", "1000"],
        cwd=tmp_path, env={**store.environment, "MLFLOW_TRACKING_URI": remote.store.uri}, capture_output=True,
        text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 of 8" in done.stdout
    assert aliases(remote) == {"champion": number}
