"""Search spaces as data: what is refused, and what Optuna makes of them. Without Ray."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import optuna
import pytest

from tune.space import DEFAULT, FIXED, Choices, Range, build_space
from wallpaper.training.config import describe, from_mapping
from wallpaper.training.ode_config import PRESETS, OdeConfig

BASE = OdeConfig.preset("laptop")


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_is_a_possible_first_trial(preset: str) -> None:
    space = build_space(DEFAULT, OdeConfig.preset(preset))
    assert from_mapping(OdeConfig, space.start(), space.base) == space.base
    assert space.start().keys() == DEFAULT.keys()


def test_every_proposal_is_a_training_that_can_start() -> None:
    rows = {**DEFAULT, "solver_steps": {"low": 2, "high": 16, "log": True}}
    space = build_space(rows, BASE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = []
    for _ in range(60):
        settings = space.propose(study.ask())
        config = from_mapping(OdeConfig, settings, BASE)
        assert replace(config, **space.start()) == BASE
        seen.append(settings)
    for name in rows:
        assert len({settings[name] for settings in seen}) > 1, name
    assert all(isinstance(settings["solver_steps"], int) for settings in seen)
    rates = sorted(settings["learning_rate"] for settings in seen)
    assert 5e-4 < rates[30] < 2e-3  # the geometric middle of the range is 1e-3, the arithmetic one 5e-3


def test_numbers_may_be_text() -> None:
    space = build_space({"learning_rate": {"low": "1e-4", "high": "1e-2"}, "batch_size": ["64", 128]}, BASE)
    assert space.dimensions == (Range("learning_rate", 1e-4, 1e-2), Choices("batch_size", (64, 128)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "must vary something"),
        ({"learning_rat": (1e-3,)}, "no 'learning_rat'; did you mean 'learning_rate'"),
        ({"epochs": (1, 100)}, "`epochs` cannot be searched: it is what a trial costs"),
        ({"learning_rate": {"low": 0.0, "high": 0.1}}, r"`learning_rate` in the space .* `learning_rate > 0`"),
        ({"embedding_dim": (8, 32)}, r"`embedding_dim >= 12` must hold, but got 8"),
        ({"batch_size": (64.5, 64)}, "`batch_size` must be int, but got 64.5"),
        ({"solver": ("dopri5", "rk5")}, "`solver` must be one of .*, but got 'rk5'"),
        ({"solver": {"low": 1, "high": 2}}, "`solver` is no number"),
        ({"solver": "dopri5"}, "`solver` must have a list of choices"),
        ({"batch_size": ()}, "`batch_size` must have choices, each once"),
        ({"batch_size": (64, 64)}, r"each once, but got \[64, 64\]"),
        ({"learning_rate": {"low": 0.1, "high": 0.01}}, "`low < high` must hold for `learning_rate`"),
        ({"weight_decay": {"low": 0.0, "high": 0.1, "log": True}}, "`low > 0` must hold for `weight_decay`"),
        ({"learning_rate": {"low": 0.1}}, r"`learning_rate` has \['low'\]"),
        ({"learning_rate": {"low": 0.1, "high": 1, "step": 1}}, "low and high, and may have log"),
        (
            {"hidden_dim": (64, 128)},
            "`hidden_dim` of the first trial, 256, must lie in the space, but that has 64, 128",
        ),
    ],
)
def test_a_space_that_cannot_be_is_refused_by_name(rows: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_space(rows, BASE)


def test_what_is_fixed_is_a_field() -> None:
    assert set(FIXED) <= {info.name for info in describe(OdeConfig)}
