"""What a search makes of real faults: its driver is killed, what it asks for is not there."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.tune.conftest import ROOT, Ground
from tests.tune.faults import PATIENCE, Search
from tests.tune.faults_cluster import ENVIRONMENT, machines
from tune import search

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.timeout(1250),
]

ONE_AFTER_ANOTHER = ("--phase", "vae", "--trials", "2", "--epochs", "2", "--concurrent", "1", "--scheduler", "none")


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_search_whose_driver_is_killed_goes_on_where_it_was(
    ground: Ground, tmp_path: Path, searches: list[Search]
) -> None:
    """That it ends as one that was not killed takes minutes to see: test_faults_slow.py, at five moments."""
    killed = Search(tmp_path / "killed", ground, (*ONE_AFTER_ANOTHER, "--no-pictures"))
    searches.append(killed)
    killed.kill_when(lambda: killed.epochs("vae", "001") >= 1)
    told = killed.told("vae")
    assert set(told) == {"000"}
    killed.end()
    assert killed.told("vae")["000"] == told["000"], "a trial that had ended was run again"
    assert {run.info.status for run in killed.runs()} == {"FINISHED"}
    assert len(killed.trial_runs()) == 2
    for run in killed.trial_runs().values():
        assert killed.steps(run, "objective") == [1, 2]


@pytest.mark.parametrize(
    ("gpus", "share", "expected"),
    [
        pytest.param(1, "0.5", ["0", "0"], id="halves"),
        pytest.param(2, "1", ["0", "1"], id="whole", marks=pytest.mark.slow),
        pytest.param(2, "2", ["0,1"], id="pairs", marks=pytest.mark.slow),
    ],
)
def test_trials_are_given_the_gpus_that_they_need_and_no_more_of_them_run(
    ground: Ground, tmp_path: Path, gpus: int, share: str, expected: list[str], silent: str
) -> None:
    command = [sys.executable, "-m", "tests.tune.faults_placed", str(tmp_path / "placed"), str(gpus), share]
    own = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}", "RAY_ADDRESS": silent}  # of no concern here
    environment = {**ground.environment, **own}
    shutil.copy(ground.tables, tmp_path / "mlflow.db")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert sorted(trial["gpus"] for trial in seen[: len(expected)]) == expected
    assert max(trial["at once"] for trial in seen) == len(expected)
    assert len(seen) == len(expected) + 1


@pytest.mark.slow
def test_a_search_on_a_cluster_takes_its_machines_as_they_are(
    ground: Ground, tmp_path: Path, searches: list[Search]
) -> None:
    with machines(ground, 2, gpus=1) as cluster:
        common = ("--phase", "vae", "--trials", "1", "--epochs", "1", "--simulate-gpus", "--gpus", "2")
        environment = {**ENVIRONMENT, "RAY_ADDRESS": cluster.address}
        too_large = (*common, "--gpus-per-trial", "2", "--address", cluster.address)
        apart, fitting = (
            Search(tmp_path / "apart", ground, too_large, environment),
            Search(
                tmp_path / "fitting", ground, (*common, "--gpus-per-trial", "0.5", "--address", "auto"), environment
            ),
        )
        searches += [apart, fitting]
        assert apart.start().wait(PATIENCE) == 2
        assert "Error: a trial needs 3 CPU(s) and 2 GPU(s) of one machine, but the machines have" in apart.said
        assert "Traceback" not in apart.said
        fitting.end()
    assert [what[2]["outcome"] for what in fitting.told("vae").values()] == ["finished"]


@pytest.mark.parametrize("address", ["its own", "auto"])
def test_a_cluster_that_does_not_answer_is_refused_before_anything_begins(
    address: str, silent: str, ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", silent)
    given = ["--address", silent if address == "its own" else address]
    started = time.monotonic()
    message = refused(ground, tmp_path, *given)
    assert time.monotonic() - started < 10
    assert f"{silent}` must be a running Ray cluster's, but nobody answers" in message


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--gpus", "2", "--gpus-per-trial", "3"], "--gpus-per-trial 3, but --gpus 2; no trial could ever start"),
        (["--gpus", "2", "--gpus-per-trial", "1.5"], "must be a whole number, or less than 1 for a share of one"),
        (["--gpus", "2", "--gpus-per-trial", "0"], "must be a whole number, or less than 1"),
    ],
)
def test_shares_of_gpus_that_cannot_be_placed_are_refused_before_anything_begins(
    asked: list[str], message: str, ground: Ground, tmp_path: Path
) -> None:
    assert message in refused(ground, tmp_path, "--simulate-gpus", *asked)


def refused(ground: Ground, folder: Path, *asked: str) -> str:
    """What a search says that refuses to begin."""
    given = ["--phase", "vae", "--data", str(ground.data), "--preset", "smoke", "--storage-path", str(folder)]
    done = CliRunner().invoke(search.search, [*given, *asked])
    assert done.exit_code == 2, done.output
    assert done.output.startswith("Error: ")
    assert list(folder.iterdir()) == []
    return done.output
