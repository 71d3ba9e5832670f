"""A database that is locked, a clock that is set back, a folder that cannot be written to."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from dashboard.store import Curve
from tests.cli.conftest import call
from wallpaper import delivery, tracking

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def points(client: MlflowClient, run_id: str) -> list[tuple[int, float, int]]:
    """Step, value and time of each point, in the order in which the store has them."""
    return [(each.step, each.value, each.timestamp) for each in client.get_metric_history(run_id, "loss")]


def test_a_clock_that_is_set_back_loses_and_mixes_no_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    clock = iter([now, now + 10, now - 3600, now - 3590, now - 3580, now - 3570])
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        with monkeypatch.context() as changed:
            changed.setattr(tracking.time, "time", lambda: next(clock))
            for epoch in range(1, 6):
                run.log({"loss": 1 / epoch}, epoch)
        found = points(run.store.client, run.run_id)
    assert {step: value for step, value, _ in found} == {epoch: 1 / epoch for epoch in range(1, 6)}
    assert len(found) == 5
    assert list(Curve.recorded(*zip(*found, strict=True)).steps) == [1, 2, 3, 4, 5]
    ended = run.store.client.get_run(run.run_id)
    assert (ended.info.status, ended.data.metrics["loss"]) == ("FINISHED", 0.2)


@pytest.mark.parametrize(
    "words", [("generate", "-o", "/proc/new/p.h5"), ("transition", "p1", "p2", "-o", "/proc/x.gif")]
)
def test_a_folder_that_cannot_be_written_to_is_one_sentence(words: tuple[str, ...]) -> None:
    """Linux's /proc takes no file, not even the superuser's."""
    result = call(*words)
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    assert "/proc" in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 4


HALF_WRITTEN = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 5")  # so that pages are written before the transaction ends
database.execute("BEGIN IMMEDIATE")
database.execute("CREATE TABLE filler (text)")
for number in range(2000):
    database.execute("INSERT INTO filler VALUES (?)", ["x" * 1000])
os.kill(os.getpid(), 9)
"""


def test_a_database_whose_writer_was_killed_in_the_middle_is_put_right(tmp_path: Path) -> None:
    with tracking.start("before", phase="test", folder=tmp_path / "before") as run:
        run.log({"loss": 1.0}, 1)
    database = Path(run.store.uri.removeprefix("sqlite:///"))
    whole = database.stat().st_size
    killed = subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(database)], check=False)
    assert killed.returncode == -9
    assert database.stat().st_size > whole
    assert Path(f"{database}-journal").stat().st_size
    with tracking.start("after", phase="test", folder=tmp_path / "after") as after:
        after.log({"loss": 2.0}, 1)
    assert [value for _, value, _ in points(after.store.client, run.run_id)] == [1.0]
    assert [value for _, value, _ in points(after.store.client, after.run_id)] == [2.0]
    with closing(sqlite3.connect(database)) as looked_into:
        assert not looked_into.execute("SELECT * FROM sqlite_master WHERE name = 'filler'").fetchall()


HALF_MADE = """
import os
from sqlalchemy import event
from sqlalchemy.engine import Engine
from wallpaper import tracking
@event.listens_for(Engine, "after_cursor_execute")
def end(connection, cursor, statement, *rest):
    if "CREATE TABLE evaluation_datasets" in statement:  # one of the last that MLflow makes
        os.kill(os.getpid(), 9)
tracking.initialise()
"""


def test_a_database_whose_maker_was_killed_among_its_tables_is_made_anew(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", HALF_MADE], check=False, capture_output=True)
    assert killed.returncode == -9
    with tracking.start("after", phase="test", folder=tmp_path) as run:
        run.log({"loss": 2.0}, 1)
    assert [value for _, value, _ in points(run.store.client, run.run_id)] == [2.0]
    database = Path(run.store.uri.removeprefix("sqlite:///"))
    assert not list(database.parent.glob(f".{database.name}*"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_database_that_is_locked_for_half_a_minute_gets_every_point_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RETRY_SECONDS", 2.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with tracking.start("run", phase="test", folder=tmp_path) as run:
        held = threading.Event()

        def hold() -> None:
            with sqlite3.connect(tmp_path / "mlflow.db") as database:
                database.execute("BEGIN EXCLUSIVE")
                held.set()
                time.sleep(30)
                database.rollback()

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(10)
        epoch, until = 0, time.monotonic() + 45
        while time.monotonic() < until:
            epoch += 1
            run.log({"loss": 1 / epoch}, epoch)
            time.sleep(0.2)
        holder.join()
    found = points(run.store.client, run.run_id)
    assert sorted(step for step, _, _ in found) == list(range(1, epoch + 1))
    assert run.store.client.get_run(run.run_id).info.status == "FINISHED"
