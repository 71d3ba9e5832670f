"""What the training benchmarks share: turns, peak memory, tables, predictions, JSON."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
import torch

from benchmarks import measuring
from benchmarks.measuring import Findings, Job, checked_device, checked_file, median_ms, peak_mb


def test_jobs_take_turns_after_one_that_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(measuring, "TURN_MS", 0.0)
    taken = median_ms({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=3)
    assert "".join(order) == "ab" + 3 * "ab"
    assert all(0 <= ms < 10 for ms in taken.values())


def test_the_median_is_of_the_clock_s_times(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 1.0, 3.0, 3.0, 8.0])  # 1, 2 and 5 seconds
    monkeypatch.setattr(measuring, "now", lambda _device: next(times))
    assert median_ms({"job": lambda: None}, repeats=3) == {"job": 2000.0}


def test_quick_jobs_are_repeated_within_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(np.arange(10_000) * 0.01)  # every look at the clock is 10 ms later
    monkeypatch.setattr(measuring, "now", lambda _device: float(next(ticks)))
    calls: list[None] = []
    median_ms({"job": lambda: calls.append(None)}, repeats=2)
    assert len(calls) in (21, 23)  # 1 + 2 turns of 100 ms, to rounding


def _allocates(megabytes: int) -> Job:
    def run() -> float:
        return float(np.ones(megabytes * 10**6 // 8).sum())

    return run


def test_peak_memory_is_what_the_job_takes() -> None:
    assert 190 < peak_mb(partial(_allocates, 200)) < 260


def test_tables_and_predictions_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Findings({"device": "cpu"})
    found.table(
        "Title", [{"what": "one", "ms": 1234.5, "n": 3}, {"what": "another", "ms": 0.01234, "n": None}], "a note"
    )
    found.predict("it is fast", True, "fast")
    assert found.close(tmp_path / "out.json") == 0
    printed = capsys.readouterr().out
    assert "what         ms  n\none        1234  3\nanother  0.0123  -\na note" in printed
    assert "holds  it is fast; measured fast" in printed
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["device"] == "cpu"
    assert written["tables"]["Title"][1] == {"what": "another", "ms": 0.01234, "n": None}
    assert written["predictions"] == [{"prediction": "it is fast", "holds": True, "measured": "fast"}]


def test_a_failed_prediction_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    found = Findings({})
    found.predict("it holds", True, "1")
    found.predict("it is small", False, "8")
    assert found.close(None) == 1
    assert "FAILS  it is small; measured 8" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_one_sentence() -> None:
    with pytest.raises(click.BadParameter, match="torch finds no CUDA device here; leave the option out"):
        checked_device(None, None, "cuda")  # type: ignore[arg-type]
    assert checked_device(None, None, "cpu") == "cpu"  # type: ignore[arg-type]


def test_a_file_is_tried_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.json"
    assert checked_file(None, None, path) == path  # type: ignore[arg-type]
    assert path.parent.is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(click.BadParameter, match=r"file/out.json cannot be written \(.*\); choose another place"):
        checked_file(None, None, tmp_path / "file" / "out.json")  # type: ignore[arg-type]
    assert checked_file(None, None, None) is None  # type: ignore[arg-type]
