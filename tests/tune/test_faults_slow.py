"""Faults that take minutes: `pytest -m slow tests/tune/test_faults_slow.py`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.tune.conftest import Ground
from tests.tune.faults import PATIENCE, Search, differences
from tests.tune.faults_cluster import ENVIRONMENT, machines
from tune.trial import TRIALS, WORKER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.timeout(7200),
]


def test_trials_of_a_machine_that_dies_go_on_elsewhere_in_their_own_runs(
    ground: Ground, tmp_path: Path, searches: list[Search]
) -> None:
    with machines(ground, 3, gpus=1) as cluster:
        options = ("--phase", "vae", "--trials", "4", "--epochs", "8", "--scheduler", "none")
        counted = ("--simulate-gpus", "--gpus", "3", "--gpus-per-trial", "1", "--address", cluster.address)
        search = Search(tmp_path, ground, (*options, *counted), ENVIRONMENT)
        searches.append(search)
        process, victim, until = search.start(), "", time.monotonic() + PATIENCE
        while not victim:
            assert process.poll() is None, search.said
            assert time.monotonic() < until, search.said
            time.sleep(0.05)
            workers = {worker_of(search, name): name for name in ("000", "001", "002") if search.epochs("vae", name)}
            victim = workers.get(cluster.kill_one(list(workers)), "")
        run = search.trial_runs()[f"small-vae-{victim}"]
        assert search.epochs("vae", victim) < 8
        assert process.wait(PATIENCE) == 0, search.said
    assert search.trial_runs()[f"small-vae-{victim}"].info.run_id == run.info.run_id
    assert {each.info.status for each in search.runs()} == {"FINISHED"}
    assert [what[2]["outcome"] for what in search.told("vae").values()] == ["finished"] * 4
    for each in search.trial_runs().values():
        assert search.steps(each, "objective") == [*range(1, 9)]


def test_a_search_of_both_phases_whose_driver_is_killed_at_five_moments_ends_as_one_that_was_not(
    ground: Ground, tmp_path: Path, searches: list[Search]
) -> None:
    """One trial at a time: with several, which proposal comes when is a matter of luck, killed or not."""
    both = ("--trials", "3", "--epochs", "3", "--concurrent", "1", "--scheduler", "asha", "--no-register")
    whole, killed = (Search(tmp_path / name, ground, both) for name in ("whole", "killed"))
    searches += [whole, killed]
    moments = (
        lambda: killed.epochs("vae", "000") >= 1,  # in the first trial
        lambda: "001" in killed.told("vae"),  # between two
        lambda: (killed.place / "ode").is_dir(),  # as the second phase begins
        lambda: killed.epochs("ode", "000") >= 2,
        lambda: killed.epochs("ode", "002") >= 1,  # in the last one
    )
    for reached in moments:
        killed.kill_when(reached)
    killed.end()
    whole.end()
    assert differences(whole.state(), killed.state()) == []
    assert {run.info.status for run in killed.runs()} == {"FINISHED"}
    for run in killed.trial_runs().values():
        steps = killed.steps(run, "objective")
        assert steps == [*range(1, len(steps) + 1)]


def worker_of(search: Search, name: str) -> int:
    """The process that works at a trial of the VAE's phase, 0 if none does."""
    file = search.place / "vae" / TRIALS / name / WORKER
    return int(file.read_text().split()[1]) if file.is_file() else 0
