"""Settings of a training of the transition field: presets, the preset plan's values, refusals."""

from __future__ import annotations

import math
from typing import Any

import pytest

from wallpaper.training.config import describe
from wallpaper.training.ode_config import PRESETS, OdeConfig


def test_presets_and_the_plans_figures() -> None:
    plan = OdeConfig.preset("plan")
    assert (plan.epochs, plan.batch_size, plan.learning_rate, plan.weight_decay) == (100, 64, 1e-3, 1e-4)
    assert (plan.lambda_smooth, plan.lambda_velocity, plan.pairs_per_epoch, plan.scheduler) == (
        0.1,
        0.01,
        10_000,
        "cosine",
    )
    assert (plan.solver, plan.rtol, plan.atol, plan.hidden_dim, plan.embedding_dim) == ("dopri5", 1e-4, 1e-5, 256, 32)
    assert set(PRESETS) == {"smoke", "laptop", "champion", "quality", "plan", "baseline"}
    assert OdeConfig.preset("smoke", epochs=7).epochs == 7
    with pytest.raises(ValueError, match="unknown preset 'laptp'; did you mean 'laptop'"):
        OdeConfig.preset("laptp")
    assert all(info.doc for info in describe(OdeConfig))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out_pairs": 0.95}, "`held_out_pairs <= 0.9` must hold, but got 0.95"),
        ({"held_out_pairs": -0.1}, "`held_out_pairs >= 0` must hold, but got -0.1"),
        ({"objective": "mse"}, "`objective` must be one of flow, endpoint, but got 'mse'"),
        ({"coupling": "best"}, "`coupling` must be one of ot, random, projection, but got 'best'"),
        ({"epochs": 0}, "`epochs >= 1` must hold, but got 0"),
        ({"time_points": 1}, "`time_points >= 2` must hold, but got 1"),
        ({"embedding_dim": 8}, "`embedding_dim >= 12` must hold, but got 8"),
        ({"lambda_smooth": -0.1}, "`lambda_smooth >= 0` must hold, but got -0.1"),
        ({"learning_rate": 0.0}, "`learning_rate > 0` must hold, but got 0.0"),
        ({"rtol": math.nan}, "`rtol > 0` must hold, but got nan"),
        ({"adjoint": True, "solver": "rk4"}, "`adjoint` needs `solver` dopri5, but got 'rk4'"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OdeConfig(**change)
