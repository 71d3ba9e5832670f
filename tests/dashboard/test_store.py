"""The store: what it reads is what was recorded, bit by bit, through outages, and never outside a run's files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.entities import Metric

from dashboard.store import Connection, Curve, Latest, RunRecord, Store
from dashboard.store import source as sources
from dashboard.store import store as stores
from dashboard.store.artifacts import UnsafePathError, address, checked
from dashboard.store.series import FULL_SECONDS, Series
from dashboard.store.source import Point, Source
from dashboard.store.store import MOST_UNSEEN
from tests.dashboard.conftest import look, train
from tests.servers import free_port, mlflow_server
from wallpaper import tracking

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


# ---- runs and histories


def test_a_run_is_read_as_it_was_recorded(store: Store) -> None:
    with tracking.start("a", phase="train_vae", config={"epochs": 3}, tags={"note": "x"}) as run:
        train(run, 3)
    look(store)
    (found,) = store.runs
    assert (found.name, found.phase, found.status, found.settings) == ("a", "train_vae", "FINISHED", {"epochs": "3"})
    assert found.latest["train/loss"].step == 3
    assert store.connection.is_up
    curves = store.curves(found.run_id)
    assert curves is not None
    assert list(curves["train/loss"].values) == [8.0, 4.0, 8 / 3]


def test_what_is_new_is_read_and_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAGE", 2)  # so that it goes on from a token
    run = tracking.start("a", phase="train_vae")
    train(run, 5)
    look(store)
    version = store.version
    store.poll()
    assert store.version == version
    train(run, 4, start=6)
    store.poll()
    assert store.version > version
    curves = store.curves(run.run_id)
    assert curves is not None
    assert list(curves["train/loss"].steps) == list(range(1, 10))
    run.end("FINISHED")


def test_a_step_that_was_recorded_again_has_its_last_value(store: Store) -> None:
    run = tracking.start("a", phase="train_vae")
    run.log({"train/loss": 5.0}, 1)
    run.log({"train/loss": 3.0}, 2)
    run.log({"train/loss": 4.0}, 2)
    look(store)
    curves = store.curves(run.run_id)
    assert curves is not None
    assert list(curves["train/loss"].values) == [5.0, 4.0]
    run.end("FINISHED")


def test_a_late_point_is_found_when_the_run_has_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PAGE", 2)
    run = tracking.start("a", phase="train_vae")
    train(run, 6)
    look(store)
    run.store.client.log_batch(run.run_id, metrics=[Metric("train/loss", 7.5, 1000, 99)])  # in 1970
    run.end("FINISHED")
    store.poll()
    curves = store.curves(run.run_id)
    assert curves is not None
    assert 7.5 in curves["train/loss"].values


def test_a_history_without_news_is_not_asked_for() -> None:
    asked: list[str | None] = []

    def pages(token: str | None) -> Iterator[tuple[list[Point], str | None]]:
        asked.append(token)
        yield [(1, 2.0, 3.0)], "next"
        yield [(2, 1.0, 4.0)], None

    series, latest = Series(), Latest(1.0, 2, 4.0)
    assert series.read(pages, latest, "RUNNING", 0.0)
    assert not series.read(pages, latest, "RUNNING", 1.0)
    assert asked == [None]
    series.read(pages, Latest(1.0, 3, 5.0), "RUNNING", 2.0)
    assert asked == [None, "next"]
    series.read(pages, Latest(1.0, 4, 6.0), "RUNNING", 3 + FULL_SECONDS)
    assert asked == [None, "next", None]
    assert series.curve == Curve([1, 2], [2.0, 1.0], [3.0, 4.0])


def test_histories_that_nobody_looks_at_any_more_are_not_kept_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for number in range(MOST_UNSEEN + 2):
        with tracking.start(f"{number}", phase="train_vae") as run:
            run.log({"train/loss": 1.0}, 1)
        runs.append(run.run_id)
    store.poll()
    for run_id in runs:
        store.curves(run_id)
        store.poll()
    assert all(store.curves(run_id) for run_id in runs)  # while they are looked at
    monkeypatch.setattr(stores, "LOOKED_AT_SECONDS", 0.0)
    time.sleep(0.01)
    store.poll()
    assert [store.curves(run_id) is None for run_id in runs] == [True] * 2 + [False] * MOST_UNSEEN
    monkeypatch.undo()
    store.poll()
    assert all(store.curves(run_id) for run_id in runs)  # and read again when they are


def test_children_and_versions_belong_where_they_do(store: Store) -> None:
    with tracking.start("p", phase="search") as parent:
        with tracking.start("c", phase="train_vae", parent=parent.run_id) as child:
            child.log({"eval/nfe": 9.0})
    client = parent.store.client
    client.create_registered_model("m")
    client.create_model_version("m", f"runs:/{child.run_id}/model", child.run_id, tags={"digest": "abc"})
    client.set_registered_model_alias("m", "champion", "1")
    look(store)
    assert [run.name for run in store.children(parent.run_id)] == ["c"]
    (version,) = store.versions
    assert (version.name, version.version, version.aliases, version.run_id) == ("m", 1, ("champion",), child.run_id)


# ---- files


@pytest.mark.parametrize(
    ("run_id", "path"),
    [
        ("0" * 32, "../mlflow.db"),
        ("0" * 32, "a/../../b.png"),
        ("0" * 32, "/etc/passwd"),
        ("0" * 32, "a//b.png"),
        ("0" * 32, "..\\b.png"),
        ("0" * 32, "a\0.png"),
        ("0" * 32, "%2e%2e/b.png"),
        ("0" * 32, "file:///etc/passwd"),
        ("0" * 32, "."),
        ("0" * 32, ""),
        ("../" + "0" * 29, "a.png"),
        ("0" * 33, "a.png"),
    ],
)
def test_no_path_leads_out_of_a_run_s_files(store: Store, run_id: str, path: str) -> None:
    for ask in (checked, address, store.file):
        with pytest.raises(UnsafePathError, match="must"):
            ask(run_id, path)


def test_what_is_packed_with_a_version_is_copied_once(store: Store, project: Path) -> None:
    packed = project / "own" / "artifacts" / "model"
    packed.mkdir(parents=True)
    (packed / "model.json").write_text("{}")
    client = tracking.initialise().client
    client.create_registered_model("a b")
    for source in (packed.parents[1], project / "nothing"):
        client.create_model_version("a b", str(source))
    found = store.packed("a b", 1)
    assert (found / "model" / "model.json").read_text() == "{}"
    (packed / "model.json").write_text("changed")
    assert store.packed("a b", 1) == found
    assert (found / "model" / "model.json").read_text() == "{}"
    for version in (2, 3):
        with pytest.raises(FileNotFoundError, match=f"version {version} of a b must have files, but"):
            store.packed("a b", version)


def test_a_file_is_copied_once(store: Store, project: Path) -> None:
    (project / "a.json").write_text("{}")
    with tracking.start("a", phase="train_vae") as run:
        run.artifact(project / "a.json", "deep/er")
    store.poll()
    found = store.file(run.run_id, "deep/er/a.json")
    assert found.read_text() == "{}"
    assert [each.path for each in store.files(run.run_id, "deep/er")] == ["deep/er/a.json"]
    assert store.file(run.run_id, "deep/er/a.json").stat().st_ino == found.stat().st_ino
    for missing in ("deep/er/b.json", "deep"):
        with pytest.raises(FileNotFoundError, match="must name a file"):
            store.file(run.run_id, missing)
    store.stop()
    assert not found.exists()


# ---- outages


class Broken(Source):
    """A store that can be made not to answer."""

    broken = False

    def runs(self, limit: int) -> list[RunRecord]:
        if self.broken:
            raise ConnectionError("nobody\nis there")
        return super().runs(limit)


def test_an_outage_keeps_what_was_known_and_is_asked_again_later_and_later(project: Path) -> None:
    with tracking.start("a", phase="train_vae") as run:
        train(run, 2)
    source = Broken(f"sqlite:///{project / 'mlflow.db'}")
    store = Store(source)
    look(store)
    source.broken = True
    pauses = []
    for _ in range(6):
        version = store.version
        store.poll()
        assert store.version > version
        pauses.append(store.connection.retry_at - time.time())
    assert [round(pause) for pause in pauses] == [2, 4, 8, 16, 30, 30]
    assert (store.connection.error, store.connection.is_up) == ("nobody", False)
    assert store.curves(run.run_id) is not None
    source.broken = False
    store.poll()
    assert store.connection == Connection(store.connection.answered)
    store.stop()


def test_a_server_that_stops_and_comes_back(project: Path) -> None:
    with tracking.start("a", phase="train_vae") as run:
        train(run, 2)
    port = free_port()
    store = Store(Source(f"http://127.0.0.1:{port}"))
    store.start()
    try:
        wait_for(lambda: bool(store.connection.error), store)
        assert store.runs == []
        with mlflow_server(project, port):
            wait_for(lambda: store.connection.is_up, store)
            wait_for(lambda: store.curves(run.run_id) is not None, store)
        wait_for(lambda: not store.connection.is_up, store)
        curves = store.curves(run.run_id)
        assert curves is not None
        assert list(curves["train/loss"].steps) == [1, 2]
    finally:
        store.stop()


def wait_for(holds: object, store: Store) -> None:
    """Until something holds of a store that works in its thread."""
    assert callable(holds)
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until, store.connection
        store.retry()
        time.sleep(0.05)
