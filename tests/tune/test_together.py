"""A trial larger than one device: several processes under Ray Train, inside a trial of Ray Tune."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from tests.tune.conftest import Ground
from tests.tune.faults import PATIENCE, Search

EPOCHS = 8
TWO_EACH = ("--simulate-gpus", "--gpus", "2", "--gpus-per-trial", "2")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.timeout(1250),
]


def trainers(search: psutil.Process) -> list[psutil.Process]:
    """Ray Train's workers below a search."""
    found = []
    for process in search.children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "RayTrainWorker" in " ".join(words):
            found.append(process)
    return found


def test_a_trial_on_two_gpus_is_two_processes_and_survives_the_loss_of_one(
    ground: Ground, tmp_path: Path, searches: list[Search]
) -> None:
    search = Search(
        tmp_path, ground, ("--phase", "vae", "--trials", "1", "--epochs", str(EPOCHS), "--scheduler", "none", *TWO_EACH)
    )
    searches.append(search)
    process, until = search.start(), time.monotonic() + PATIENCE
    while not search.epochs("vae", "000"):
        assert process.poll() is None, search.said
        assert time.monotonic() < until, search.said
        time.sleep(0.01)
    together = trainers(psutil.Process(process.pid))
    assert len(together) == 2
    together[-1].kill()
    assert search.epochs("vae", "000") < EPOCHS, "the training was over"
    assert process.wait(PATIENCE) == 0, search.said
    assert search.told("vae")["000"][2]["outcome"] == "finished"
    (run,) = search.trial_runs().values()
    assert run.info.status == "FINISHED"
    assert search.steps(run, "objective") == list(range(1, EPOCHS + 1))
