"""What goes wrong while a training runs: one line that names what is at fault, and a run that is FAILED for it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.cli.conftest import SMALL, call
from wallpaper import tracking
from wallpaper.training import files, vae_loop
from wallpaper.training.checkpoint import load_checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's and SQLAlchemy's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DATA = Path("data/patterns.h5")


def second_epoch(act: Callable[[], object]) -> Callable[..., float]:
    """A step that does something at the begin of the second epoch."""
    real = vae_loop.take_step

    def step(run: Any, batch: Any) -> float:
        if (run.epoch, run.position) == (2, 1):
            act()
        return real(run, batch)

    return step


def full_disk() -> None:
    def fails(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files.os.fsync = fails  # type: ignore[assignment]


def nothing_left() -> None:
    DATA.unlink()


def cut() -> None:
    DATA.write_bytes(DATA.read_bytes()[:100_000])


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        (nothing_left, 2, r"cannot be read any more: the file has gone"),
        (cut, 2, r"pattern \d+ \(\w+\) cannot be read any more: truncated to 100000 of \d+ bytes"),
        (full_disk, 1, r"best.safetensors must be written, but cannot be: No space left on device"),
    ],
)
def test_a_training_that_fails_says_why_once_and_everywhere(
    project: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None], code: int, message: str
) -> None:
    monkeypatch.setattr(files.os, "fsync", os.fsync)  # to be put back after the test
    monkeypatch.setattr(vae_loop, "take_step", second_epoch(act))
    result = call("train-vae", *SMALL, "--epochs", 3)
    assert result.exit_code == code, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert result.stderr.splitlines()[-1] == errors[0]
    assert re.search(message, errors[0])
    folder = max(Path("output/vae").iterdir())
    assert load_checkpoint(folder, "last").meta["loop"]["epoch"] == 2
    client = MlflowClient()
    run = newest_run(client)
    assert run.info.status == "FAILED"
    assert errors[0].removeprefix("Error: ") in run.data.tags["error"]


@pytest.mark.parametrize("command", ["train-vae", "train-ode"])
def test_an_epoch_that_was_saved_but_not_recorded_is_recorded_by_the_resumed_run(
    command: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tracking.Run.log

    def dies(run: tracking.Run, values: dict[str, float], step: int = 0) -> None:
        if step == 2:
            raise RuntimeError("the process ends between the checkpoint and the record")
        real(run, values, step)

    words = (*SMALL[:2], *SMALL[4:], "--no-pictures")
    with monkeypatch.context() as patched:
        patched.setattr(tracking.Run, "log", dies)
        with pytest.raises(RuntimeError, match="between the checkpoint and the record"):
            call(command, *words, "--epochs", 3)
    folder = max(Path("output", command.removeprefix("train-")).iterdir())
    assert load_checkpoint(folder, "last").meta["loop"]["epoch"] == 3
    assert call(command, *words, "--resume", "last").exit_code == 0
    client = MlflowClient()
    run = newest_run(client)
    assert run.info.status == "FINISHED"
    for name in ("train/loss", "seconds"):
        assert [point.step for point in client.get_metric_history(run.info.run_id, name)] == [1, 2, 3]


def newest_run(client: MlflowClient) -> Run:
    (experiment,) = client.search_experiments(filter_string="name = 'wallpaper'")
    return client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=1)[0]


def test_trying_writes_and_records_nothing(project: Path) -> None:
    before = {path: path.stat().st_size for path in project.rglob("*")}
    for words, shown in (
        (("train-vae", "--dry-run"), "2 epochs of 7 steps of 16 patterns: 14 steps"),
        (("train-ode", "--dry-run"), "epochs of 4 steps of 64 pairs"),
        (("train-ode", "--dry-run", "--transition-mode", "mixed"), "epochs of 4 steps of 64 pairs"),
        (("train-ode", "--overfit-one-batch"), "The model learns; nothing was written."),
    ):
        result = call(*words, "--preset", "smoke")
        assert result.exit_code == 0, result.output
        assert shown in result.stdout
    assert {path: path.stat().st_size for path in project.rglob("*")} == before
