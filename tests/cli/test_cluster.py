"""One VAE trained by several processes under Ray, one of which is killed; and what is refused before Ray is loaded."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.test_mistakes import refused
from tests.data.fake import dataset
from tests.servers import free_port
from tests.training.test_vae_loop import timeless
from tests.training.test_world import CLOSE, SHARED
from wallpaper.cli.scaling import chosen_scaling, load_cluster
from wallpaper.training.checkpoint import load_checkpoint
from wallpaper.training.report import Row, read_history
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_loop import fit_vae
from wallpaper.training.world import Scaling

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Ray's own, of many kinds
]

CONFIG = replace(SHARED, epochs=8)


def workers() -> list[psutil.Process]:
    """Ray's training processes below this one."""
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        words = " ".join(process.info["cmdline"] or [])
        if "RayTrainWorker" in words and os.getpid() in [parent.pid for parent in _parents(process)]:
            found.append(process)
    return found


def _parents(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.parents()
    except psutil.Error:
        return []


class KillOnce:
    """A stop that never asks to stop, but kills a worker once the run has come so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.killed = folder, 0

    def __call__(self) -> bool:
        if not self.killed and (self.folder / "history.json").exists() and (found := workers()):
            os.kill(found[-1].pid, signal.SIGKILL)
            self.killed = len(read_history(self.folder))
        return False


@pytest.mark.timeout(900)  # seconds, or minutes where the cores are busy: Ray and torch start four times
def test_two_processes_one_of_them_killed_reach_the_losses_of_one(tmp_path: Path) -> None:
    store = dataset(tmp_path / "data", per_group=4)
    one = fit_vae(CONFIG, store, tmp_path / "one").history
    stop, rows = KillOnce(tmp_path / "two"), list[Row]()
    (tmp_path / "two").mkdir()
    result = load_cluster().fit_on_workers(
        CONFIG, store, tmp_path / "two", Scaling(2, on_gpus=False), stop=stop, report=lambda row: rows.append(dict(row))
    )
    assert 0 < stop.killed < 8
    assert [row["epoch"] for row in rows] == list(range(1, 9))
    for row, other in zip(timeless(result.history), timeless(one), strict=True):
        assert row["train/loss"] == pytest.approx(other["train/loss"], rel=50 * CLOSE)
        assert row["val/loss"] == pytest.approx(other["val/loss"], rel=50 * CLOSE)
    assert load_checkpoint(tmp_path / "two", "last").meta["loop"]["epoch"] == 9
    names = {"best.json", "best.safetensors", "config.json", "history.json", "last.json", "last.safetensors"}
    assert {path.name for path in (tmp_path / "two").iterdir()} == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--gpus", 99), "`--gpus 99` needs as many GPUs that torch can use, but this machine has "),
        (("--gpus", 1, "--workers", 1), "`--gpus` or `--workers` must be given, but got both, 1 and 1"),
        (("--address", "auto"), "`--address auto` needs `--gpus N` or `--workers N`"),
        (("--workers", 2, "--address", "nonsense"), "`--address` must be auto or host:port, but got 'nonsense'"),
    ],
)
def test_what_cannot_be_had_is_refused_at_once(project: Path, words: tuple[Any, ...], message: str) -> None:
    before = sorted(project.rglob("*"))
    assert refused("train-vae", *words).startswith(message)
    assert sorted(project.rglob("*")) == before


def test_a_cluster_that_does_not_answer_is_refused(unused_port: int) -> None:
    with pytest.raises(ValueError, match=rf"`--address localhost:{unused_port}` must be a running .* nobody answers"):
        chosen_scaling(0, 2, f"localhost:{unused_port}")


@pytest.fixture
def unused_port() -> int:
    return free_port()


def test_nothing_asked_for_is_this_process_alone() -> None:
    assert chosen_scaling(0, 0, "") is None
    assert chosen_scaling(0, 3, "") == Scaling(3, on_gpus=False)


def test_only_a_failure_of_the_loop_itself_is_not_tried_again() -> None:
    cluster = load_cluster()
    assert cluster._own_words(TrainingError("the loss is nan")) == "the loss is nan"
    wrapped = RuntimeError("worker failed")
    wrapped.__cause__ = TrainingError("the loss is nan")
    assert cluster._own_words(wrapped) == "the loss is nan"
    assert cluster._own_words(RuntimeError("connection closed by peer")) == ""
