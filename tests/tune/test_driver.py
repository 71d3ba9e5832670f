"""How a search is stopped, and that none of its runs stays open. Ray is imported, but not started."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():  # Ray's and Optuna's own, when they are imported
    warnings.simplefilter("ignore")
    from tune import driver

from wallpaper import tracking

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def ray_was_told() -> Iterator[threading.Event]:
    """Set by the signal that Ray Tune waits for."""
    told = threading.Event()
    previous = signal.signal(signal.SIGUSR1, lambda *_: told.set())
    yield told
    signal.signal(signal.SIGUSR1, previous)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_trials_and_ray_and_the_next_acts_as_ever(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray_was_told: threading.Event
) -> None:
    monkeypatch.setattr(driver, "PATIENCE", 0.7)
    before, given_up = signal.getsignal(number), threading.Event()
    with driver.stopping(tmp_path / "stop", given_up.set):
        assert signal.getsignal(number) != before
        os.kill(os.getpid(), number)
        assert (tmp_path / "stop").exists()
        assert ray_was_told.is_set()
        assert signal.getsignal(number) == before
    assert not given_up.wait(1)


def test_a_search_that_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray_was_told: threading.Event
) -> None:
    monkeypatch.setattr(driver, "PATIENCE", 0.05)
    given_up = threading.Event()
    with driver.stopping(tmp_path / "stop", given_up.set):
        os.kill(os.getpid(), signal.SIGTERM)
        assert given_up.wait(20)


def test_runs_that_are_left_end_as_killed_and_only_those_of_the_search() -> None:
    other = tracking.start("other", phase="train_ode")
    search = tracking.start("search", phase="search")
    left, done = (tracking.start(name, phase="train_ode", parent=search.run_id) for name in ("left", "done"))
    done.end("FINISHED")
    driver._end_left(search)
    runs = [search.store.client.get_run(run.run_id) for run in (left, done, search, other)]
    assert [run.info.status for run in runs] == ["KILLED", "FINISHED", "RUNNING", "RUNNING"]
    assert runs[0].data.tags["error"] == "the search was stopped"
    assert driver.running(search) == []
