"""How a search ends when it is asked to, and what it makes of trials, without starting Ray."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from rich.console import Console

from tune import open_runs, stopping

with warnings.catch_warnings():  # Ray's, when its modules are imported
    warnings.simplefilter("ignore")
    from tune import driver

from tune.board import Board
from tune.phases import ODE
from tune.placement import Resources
from tune.space_data import build_space
from tune.study import Study
from tune.trial import RANK, WORST, Job
from wallpaper import provenance, tracking
from wallpaper.journal import Head, Journal, find
from wallpaper.training.files import write_json
from wallpaper.training.ode_config import OdeConfig

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

BASE = OdeConfig(epochs=9)


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
    monkeypatch.setattr(stopping, "PATIENCE", 0.7)
    before, given_up = signal.getsignal(number), threading.Event()
    with stopping.stopping(tmp_path / "stop", given_up.set):
        assert signal.getsignal(number) != before
        os.kill(os.getpid(), number)
        assert (tmp_path / "stop").exists()
        assert ray_was_told.is_set()
        assert signal.getsignal(number) == before
    assert not given_up.wait(1)


def test_a_search_that_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray_was_told: threading.Event
) -> None:
    monkeypatch.setattr(stopping, "PATIENCE", 0.05)
    given_up = threading.Event()
    with stopping.stopping(tmp_path / "stop", given_up.set):
        os.kill(os.getpid(), signal.SIGTERM)
        assert given_up.wait(20)


def test_a_signal_before_ray_waits_for_it_stops_the_search(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), stopping.stopping(tmp_path / "stop", lambda: None):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_runs_that_are_left_end_as_killed_and_only_those_of_the_search() -> None:
    other = tracking.start("other", phase="train_ode")
    search = tracking.start("search", phase="search")
    left, done = (tracking.start(name, phase="train_ode", parent=search.run_id) for name in ("left", "done"))
    done.end("FINISHED")
    open_runs.end_left(search)
    runs = [search.store.client.get_run(run.run_id) for run in (left, done, search, other)]
    assert [run.info.status for run in runs] == ["KILLED", "FINISHED", "RUNNING", "RUNNING"]
    assert runs[0].data.tags["error"] == "the search was stopped"
    assert open_runs.running(search) == []


class Searched:
    """A search of which Tune tells, without Tune."""

    def __init__(self, folder: Path, trials: int = 4) -> None:
        self.run = tracking.start("search", phase="search")
        self.job = Job("ode", BASE, ODE.objectives[:1], folder, "s", self.run.run_id, {}, folder / "data.h5", "d")
        space = build_space({"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}, ODE, BASE)
        self.study = Study(folder, "s-ode", space, ODE.objectives[:1], sampler="random", seed=0)
        self.study.begin(trials, [])
        self.board = Board(ODE, ODE.objectives[:1], trials, console=Console(file=open(os.devnull, "w")))  # noqa: SIM115
        self.watch = driver.Watch(self.job, self.study, self.board, self.run)
        self.proposer = driver.Proposer(self.study, float("inf"))

    def trial(
        self, results: list[dict[str, Any]], error: str = "", *, folder: Path | None = None,
        before_end: Callable[[tracking.Run], None] = lambda run: None,
    ) -> tuple[str, tracking.Run]:  # fmt: skip
        config = self.proposer.suggest("ray's name")
        tags = {"search.trial": config["name"]}
        child = tracking.start(config["name"], phase="train_ode", parent=self.run.run_id, tags=tags, folder=folder)
        trial = SimpleNamespace(trial_id="ray's name", config=config, last_result=None, get_error=lambda: error)
        self.watch.on_trial_start(0, [], trial)
        for result in results:
            trial.last_result = {"epochs": 9, "mlflow_run": child.run_id, **result}
            self.watch.on_trial_result(0, [], trial, trial.last_result)
        before_end(child)
        (self.watch.on_trial_error if error else self.watch.on_trial_complete)(0, [], trial)
        return config["name"], child

    def status(self, run: tracking.Run) -> str:
        return str(run.store.client.get_run(run.run_id).info.status)


def test_what_becomes_of_trials_reaches_study_board_and_mlflow(tmp_path: Path) -> None:
    searched = Searched(tmp_path)
    stopped, run = searched.trial([{"values": [2.0], "epoch": 1, "outcome": ""}, {"values": [1.0], "epoch": 2}])
    assert searched.status(run) == "FINISHED"
    assert run.store.client.get_run(run.run_id).data.tags["stopped_early"] == "true"
    searched.trial([{"values": [], "epoch": 1, "outcome": "diverged", "reason": "TrainingError: NaN"}])
    _, dead = searched.trial([], error="Traceback\nActorDiedError: its machine has gone")
    assert searched.status(dead) == "FAILED"
    searched.trial([{"values": [0.5], "epoch": 9, "outcome": "finished"}])
    assert [(past.outcome, past.values) for past in searched.study.past()] == [
        ("stopped early", (1.0,)), ("diverged", (float("inf"),)), ("failed", ()), ("finished", (0.5,)),
    ]  # fmt: skip
    assert searched.study.past()[2].about["reason"] == "ActorDiedError: its machine has gone"
    client = searched.run.store.client
    assert [point.value for point in client.get_metric_history(searched.run.run_id, "best")] == [1.0, 1.0, 1.0, 0.5]
    assert [file.path for file in client.list_artifacts(searched.run.run_id, "search")] == ["search/study.db"]
    assert stopped == "000"
    assert searched.proposer.suggest("next") == driver.Searcher.FINISHED


def test_a_trial_that_ends_while_the_store_is_away_is_recorded_whole_once_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker has left points and end in its journal; it was not stopped early, though its run says RUNNING."""
    monkeypatch.setattr(tracking, "ASKED_AGAIN_SECONDS", 0.0)
    searched, folder = Searched(tmp_path), tmp_path / "trials" / "000"
    client, asked = searched.run.store.client, list[int]()
    answer = client.search_runs

    def search_runs(*given: Any, **named: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            raise MlflowException("connection refused")
        return answer(*given, **named)

    def leave(run: tracking.Run) -> None:
        journal = Journal(folder, Head(run.run_id, run.store.shown, provenance.host(), "1 12345"))
        journal.append({"metrics": [["objective", 0.5, 5, 1]]})
        journal.append({"end": ["FINISHED", 6]})
        monkeypatch.setattr(client, "search_runs", search_runs)

    _, run = searched.trial([{"values": [0.5], "epoch": 9, "outcome": "finished"}], folder=folder, before_end=leave)
    found = client.get_run(run.run_id)
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"objective": 0.5})
    assert "stopped_early" not in found.data.tags
    assert find([tmp_path]) == []
    assert len(asked) == 2


def test_a_search_that_is_stopped_while_the_store_is_away_does_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise MlflowException("connection refused")

    searched = Searched(tmp_path)
    searched.job.stop_file.touch()
    monkeypatch.setattr(searched.run.store.client, "search_runs", down)
    searched.trial([{"values": [0.5], "epoch": 1, "outcome": "killed"}])
    open_runs.end_left(searched.run)


def test_the_study_is_sent_with_every_early_trial_and_then_as_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = Searched(tmp_path, trials=60)
    sent: list[int] = []
    monkeypatch.setattr(searched.run, "artifact", lambda *_: sent.append(len(searched.board.ended)))
    for number in range(60):
        row = searched.board.row(f"{number:03d}", {"learning_rate": 1e-3})
        row.told({"values": [1.0], "epoch": 9})
        searched.study.ask()
        searched.watch._end(row, "finished", "")
    assert sent[:20] == list(range(1, 21))
    assert all(later >= driver.GROWN * earlier for earlier, later in pairwise(sent))
    assert 60 - sent[-1] <= 0.05 * 60
    assert sum(sent) < sum(range(61))


def test_a_trial_that_was_stopped_with_the_search_is_still_to_be_done(tmp_path: Path) -> None:
    searched = Searched(tmp_path)
    searched.job.stop_file.touch()
    _, run = searched.trial([], error="Interrupted")
    assert searched.status(run) == "KILLED"
    searched.trial([{"values": [0.5], "epoch": 1, "outcome": "killed"}])
    assert searched.study.past() == []
    assert Study(tmp_path, "s-ode", searched.study.space, ODE.objectives[:1], sampler="random", seed=0)._interrupted


def test_no_trial_begins_after_the_time(tmp_path: Path) -> None:
    searched = Searched(tmp_path)
    assert driver.Proposer(searched.study, 0.0).suggest("x") == driver.Searcher.FINISHED
    assert driver._is_late("x", {}, 0.0)
    assert not driver._is_late("x", {}, float("inf"))


def test_asha_knows_what_trials_before_have_told(tmp_path: Path) -> None:
    searched, metric = Searched(tmp_path, 9), ODE.objectives[0].metric
    for value in (1.0, 2.0, 3.0):
        name, _ = searched.trial([{"values": [value], "epoch": 9, "outcome": "finished"}])
        write_json(searched.job.trial_folder(name) / "history.json",
                   [{"epoch": epoch, metric: value + 1 / epoch} for epoch in range(1, 10)])  # fmt: skip
    asha, trial = driver.scheduled(searched.job, searched.study), SimpleNamespace(trial_id="new")
    for rank, decision in [(1.9, "CONTINUE"), (3.9, "STOP"), (WORST, "STOP")]:
        trial = SimpleNamespace(trial_id=f"new {rank}")
        asha.on_trial_add(None, trial)
        assert asha.on_trial_result(None, trial, {"epoch": 1, RANK: rank}) == decision


def test_ray_that_does_not_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise Exception("The current node timed out during startup.\nMore of it")  # as Ray does

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite://")
    monkeypatch.setattr(driver.ray, "init", init)
    with pytest.raises(RuntimeError, match=r"^Ray must start on this machine, but: .* timed out during startup\.$"):
        driver.start_ray(Resources())
