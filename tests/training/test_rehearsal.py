"""A training tried: figures that fit the settings, a batch that can be learned, and no trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.fake_store import FakeStore
from tests.training.test_ode_loop import TINY, TRAIN, Codec
from tests.training.test_vae_loop import CONFIG
from wallpaper.data.pairs import RealTransitionDataset
from wallpaper.training.by_heart import STEPS_BY_HEART
from wallpaper.training.rehearsal import overfit_ode, overfit_vae, rehearse_ode, rehearse_vae
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_run import build_vae


def test_a_rehearsed_vae_has_the_size_and_steps_of_the_real_one() -> None:
    found = rehearse_vae(CONFIG, FakeStore(), "cpu")
    assert found.parameters == sum(parameter.numel() for parameter in build_vae(CONFIG).parameters())
    assert (found.steps_per_epoch, found.epochs) == (4, 3)
    assert found.seconds == pytest.approx(12 * found.step_seconds)
    assert found.step_seconds > 0
    assert found.memory > 50e6
    assert found.loss > 0


@pytest.mark.parametrize("mode", ["cross", "mixed"])
def test_a_rehearsed_field_has_the_steps_of_the_real_one(mode: Any) -> None:
    same = RealTransitionDataset(TRAIN, mode="same", codec=Codec(), pairs_per_epoch=96)
    found = rehearse_ode(replace(TINY, transition_mode=mode), TRAIN, "cpu", same_pairs=same)
    assert (found.steps_per_epoch, found.epochs) == (3, 3)


def test_one_batch_is_learned_by_heart() -> None:
    ticks: list[int] = []
    first, last = overfit_vae(replace(CONFIG, learning_rate=0.01), FakeStore(), "cpu", lambda n, _: ticks.append(n))
    assert ticks == list(range(1, STEPS_BY_HEART + 1))
    assert last < 0.5 * first
    first, last = overfit_ode(replace(TINY, learning_rate=0.01), TRAIN, "cpu")
    assert last < 0.5 * first


def test_what_cannot_train_cannot_be_tried(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`side % resolution == 0` must hold"):
        rehearse_vae(CONFIG, FakeStore(side=24), "cpu")
    with pytest.raises(TrainingError, match="more than 1 evaluations"):
        rehearse_ode(replace(TINY, objective="endpoint", max_evaluations=1), TRAIN, "cpu")
