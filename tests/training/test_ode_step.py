"""Steps of the transition field's training that cannot be taken, averages of its weights, and patience."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_ode_loop import TINY, fit, without_time
from wallpaper.training.checkpoint import load_checkpoint, save_checkpoint
from wallpaper.training.stopping import Interrupted, TrainingError


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("flow", r"loss must be finite, but is nan in epoch 4, batch 1, every pair, the first of them pattern \d+ \(p"),
        ("endpoint", r"epoch 4, batch 1, pattern \d+ \(\w+\) to pattern \d+ \(\w+\) cannot be solved: sample 0"),
    ],
)
def test_a_nan_weight_is_a_training_error(objective: Any, message: str, tmp_path: Path) -> None:
    config = replace(TINY, objective=objective)
    fit(config, tmp_path)
    last = load_checkpoint(tmp_path, "last")
    last.weights["function.out.bias"].fill_(torch.nan)
    save_checkpoint(tmp_path, "last", weights=last.weights, state=last.state, meta=last.meta)
    with pytest.raises(TrainingError, match=message):
        fit(replace(config, epochs=4), tmp_path, resume=True)


def test_a_field_too_stiff_for_its_steps_names_the_pair(tmp_path: Path) -> None:
    config = replace(TINY, objective="endpoint", solver="dopri5", max_evaluations=3)
    with pytest.raises(
        TrainingError, match=r"epoch 1, batch 1, pattern \d+ \(\w+\) to pattern .* more than 3 evaluations"
    ):
        fit(config, tmp_path)


def test_a_step_that_underflows_names_the_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def underflow(*_: Any, **__: Any) -> Any:
        raise AssertionError("underflow in dt 0.0")

    monkeypatch.setattr("wallpaper.models.solvers.odeint", underflow)
    config = replace(TINY, objective="endpoint", solver="dopri5")
    with pytest.raises(
        TrainingError, match=r"epoch 1, batch 1.* cannot be solved: dopri5 gave up \(underflow in dt 0.0\)"
    ):
        fit(config, tmp_path)


@pytest.mark.parametrize("batches", [4, 9])
def test_the_average_of_the_weights_is_kept_and_resumed(batches: int, tmp_path: Path) -> None:
    config = replace(TINY, ema_decay=0.9)
    whole, plain = fit(config, tmp_path / "whole"), fit(TINY, tmp_path / "plain")
    assert [row["train/loss"] for row in whole.history] == [row["train/loss"] for row in plain.history]
    assert whole.history[-1]["val/energy_distance"] != plain.history[-1]["val/energy_distance"]
    done: list[int] = []
    with pytest.raises(Interrupted):
        fit(config, tmp_path / "cut", progress=lambda n, _: done.append(n), stop=lambda: len(done) == batches)
    resumed = fit(config, tmp_path / "cut", resume=True)
    assert without_time(resumed.history) == without_time(whole.history)
    assert resumed.digest == whole.digest


def test_a_training_ends_when_patience_does(tmp_path: Path) -> None:
    config = replace(TINY, epochs=12, learning_rate=1e-12, patience=2)
    ended = fit(config, tmp_path)
    assert len(ended.history) == ended.best_epoch + 2 < 12
    assert fit(config, tmp_path, resume=True).history == ended.history
    assert len(fit(replace(config, patience=0), tmp_path, resume=True).history) == 12


def test_weights_of_smoothness_and_velocity_can_be_per_dimension(tmp_path: Path) -> None:
    config = replace(TINY, objective="endpoint", lambda_smooth=3.0, lambda_velocity=2.0, epochs=1)
    row = fit(replace(config, per_dimension=True), tmp_path / "shared").history[0]
    loss = row["train/endpoint"] + (3.0 * row["train/smoothness"] + 2.0 * row["train/velocity"]) / 2
    assert row["train/loss"] == pytest.approx(loss, rel=1e-5)
    same = fit(replace(config, lambda_smooth=1.5, lambda_velocity=1.0), tmp_path / "half").history[0]
    assert without_time([row]) == without_time([same])
