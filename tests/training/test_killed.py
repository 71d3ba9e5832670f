"""A training killed at any moment goes on where it was: a real process, SIGKILL, nothing it could do about it."""

from __future__ import annotations

import errno
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.fake_store import FakeStore
from tests.training.test_ode_loop import HELD_OUT, TINY, TRAIN
from tests.training.test_vae_loop import CONFIG, timeless
from wallpaper.training import files
from wallpaper.training.checkpoint import checkpoint_path, load_checkpoint
from wallpaper.training.ode_loop import fit_ode
from wallpaper.training.report import read_history
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_loop import fit_vae

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")

VAE = replace(CONFIG, ema_decay=0.9, prefetch=True)
BATCHES = {"vae": 4, "ode": 3}
"""Of an epoch; three epochs."""

PHASES = pytest.mark.parametrize("phase", ["vae", "ode"])


def fit(phase: str, folder: Path, **options: Any) -> Any:
    if phase == "vae":
        return fit_vae(VAE, FakeStore(), folder, **options)
    return fit_ode(replace(TINY, ema_decay=0.9), TRAIN, HELD_OUT, folder, **options)


def killed(run: Callable[[], object]) -> None:
    """Run in a process of its own, which must not survive it."""
    process = os.fork()
    if process == 0:
        try:
            run()
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def kill_at(count: int, real: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function whose `count`-th call is this process's last."""
    left = [count]

    def call(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments) if real else None

    return call


def same_numbers_after(phase: str, whole: Any, folder: Path, done: int) -> None:
    """A resumed run, at most one epoch behind the `done` batches, ends as the `whole` one."""
    ticks: list[int] = []
    resume = checkpoint_path(folder, "last").exists()
    resumed = fit(phase, folder, resume=resume, progress=lambda n, _: ticks.append(n))
    lost = done - (ticks[0] - 1 if ticks else 3 * BATCHES[phase])
    assert lost <= BATCHES[phase]
    assert timeless(resumed.history) == timeless(whole.history)
    assert resumed.digest == whole.digest
    assert not list(folder.glob(".*"))


@PHASES
def test_killed_at_a_random_step(phase: str, tmp_path: Path) -> None:
    whole = fit(phase, tmp_path / "whole")
    for step in random.Random(phase).sample(range(1, 3 * BATCHES[phase] + 1), 4):
        killed(lambda step=step: fit(phase, tmp_path / f"{step}", progress=kill_at(step)))
        same_numbers_after(phase, whole, tmp_path / f"{step}", step)


@PHASES
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_while_it_writes(phase: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(phase, tmp_path / "whole")
    for moment in random.Random(phase + call).sample(range(2, 12), 4):
        folder = tmp_path / f"{moment}"
        with monkeypatch.context() as patched:
            patched.setattr(files.os, call, kill_at(moment, getattr(os, call)))
            killed(lambda folder=folder: fit(phase, folder))
        same_numbers_after(phase, whole, folder, 0)


@PHASES
def test_killed_after_the_last_checkpoint_and_before_its_history(phase: str, tmp_path: Path) -> None:
    whole = fit(phase, tmp_path)
    (tmp_path / "history.json").unlink()
    fit(phase, tmp_path, resume=True)
    assert read_history(tmp_path) == whole.history


@PHASES
def test_a_full_disk_is_named_and_the_last_checkpoint_goes_on(
    phase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(phase, tmp_path / "whole")
    real, calls = os.fsync, [0]

    def full(number: int) -> None:
        calls[0] += 1
        if calls[0] > 7:  # in the second epoch
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        with pytest.raises(
            TrainingError, match=rf"{tmp_path}/cut/\w+\.\w+ must be written, .*: No space left on device"
        ):
            fit(phase, tmp_path / "cut")
    assert load_checkpoint(tmp_path / "cut", "last").meta["loop"]["epoch"] in (2, 3)
    assert not list((tmp_path / "cut").glob(".*"))
    resumed = fit(phase, tmp_path / "cut", resume=True)
    assert timeless(resumed.history) == timeless(whole.history)


@PHASES
@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_running_out_of_memory_says_where_and_what_to_lower(
    phase: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("torch.Tensor.backward", fails)
    with pytest.raises(TrainingError, match=r"ran out in epoch 1, batch 1; lower `batch_size` \(now \d+\)"):
        fit(phase, tmp_path)


@PHASES
def test_other_errors_stay_what_they_are(phase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr("torch.Tensor.backward", fails)
    with pytest.raises(RuntimeError, match="a defect"):
        fit(phase, tmp_path)
