"""Progress in a log and on a terminal, and which errors are explained by a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wallpaper.cli import progress
from wallpaper.cli.errors import explain
from wallpaper.cli.jobs import choose_device, epoch_line
from wallpaper.data import StoreError
from wallpaper.models.solvers import SolveError
from wallpaper.training.checkpoint import CheckpointError
from wallpaper.training.stopping import Interrupted, TrainingError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the progress believes have passed; a test moves them."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then_and_one_at_the_end(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.bar("drawing", "pictures") as move:
        for done in range(1, 41):
            clock[0] += 1
            move(done, 40)
    assert capsys.readouterr().err.splitlines() == [
        "drawing: 15/40 pictures, 00:25 left",
        "drawing: 30/40 pictures, 00:10 left",
        "drawing: 40/40 pictures, in 00:40",
    ]


def test_time_left_counts_from_where_a_resumed_run_began(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.bar("VAE", "batches") as move:
        for done in range(1001, 1021):
            clock[0] += 1
            move(done, 1030)
    assert capsys.readouterr().err == "VAE: 1015/1030 batches, 00:15 left\n"


def test_a_log_gets_every_note(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("VAE", "batches") as move:
        move.note("epoch 1/2, loss 3")
    assert capsys.readouterr().err == "VAE: epoch 1/2, loss 3\n"


def test_a_terminal_gets_a_bar_with_the_note_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.bar("VAE", "batches") as move:
        move(1, 4)
        move.note("epoch 1/2")
        move(4, 4)
    last = capsys.readouterr().err.replace("\n", "\r").split("\r")
    shown = [line for line in last if line.strip()][-1]
    assert "VAE: 100%" in shown
    assert "4/4" in shown
    assert "batches" in shown
    assert "epoch 1/2" in shown


def test_an_epoch_s_line_says_what_it_knows() -> None:
    row = {"epoch": 2, "epochs": 9, "train/loss": 12.3456, "val/psnr": 20.0, "val/kl": 1.0}
    assert epoch_line(row) == "epoch 2/9, loss 12.35, PSNR (dB) 20"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("`a > 0`, but got 0"), 2),
        (FileNotFoundError("no model"), 2),
        (PermissionError("no"), 2),
        (CheckpointError("cut off"), 2),
        (StoreError("data.h5: truncated"), 2),
        (TrainingError("not finite"), 1),
        (SolveError("stiff"), 1),
        (OSError("disk full"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_user_s_mistake_is_a_sentence(error: Exception, code: int) -> None:
    assert explain(error) == (f"Error: {error}", code)


def test_a_stopped_run_says_how_to_go_on() -> None:
    explained = explain(Interrupted(Path("runs/1"), 3))
    assert explained == (
        "Stopped in epoch 3; resume from runs/1 with --resume last (a demo: with the same command)",
        130,
    )


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("x"), AssertionError(), TypeError("x")])
def test_a_defect_of_ours_keeps_its_traceback(error: Exception) -> None:
    assert explain(error) is None


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert (choose_device("auto"), choose_device("cpu")) == ("cpu", "cpu")
    with pytest.raises(ValueError, match="`--device cuda` needs a GPU that torch can use, but there is none such"):
        choose_device("cuda")
    for name in ("tpu", "cpu:x", "cuda:", "", "CUDA"):
        with pytest.raises(ValueError, match=f"`--device` must be auto, cpu, cuda or cuda:1 .* but got '{name}'"):
            choose_device(name)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert (choose_device("auto"), choose_device("cuda"), choose_device("cuda:1")) == ("cuda", "cuda", "cuda:1")
    with pytest.raises(ValueError, match="`--device cuda:2` needs a GPU"):
        choose_device("cuda:2")
