from __future__ import annotations

from typing import Any

import pytest

from wallpaper.training.config import describe, from_mapping, to_mapping
from wallpaper.training.vae_config import PRESETS, VaeConfig


def test_the_preset_plan_holds_the_defaults() -> None:
    """As the project was first designed."""
    plan = VaeConfig.preset("plan")
    assert plan == VaeConfig()
    assert (plan.resolution, plan.latent_dim, plan.hidden_dims) == (256, 2, (64, 128, 256, 512, 512))
    assert (plan.epochs, plan.batch_size, plan.learning_rate, plan.weight_decay) == (200, 32, 1e-4, 1e-5)
    assert (plan.scheduler, plan.beta, plan.lambda_inv, plan.log_every) == ("cosine", 1.0, 10.0, 5)
    assert (plan.pool, plan.head, plan.symmetry_pooling, plan.augment) == ("average", "rgb", True, False)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json_and_take_changes(name: str) -> None:
    config = VaeConfig.preset(name, seed=5)
    assert config.seed == 5
    assert from_mapping(VaeConfig, to_mapping(config)) == config


def test_every_field_is_described() -> None:
    assert [info.name for info in describe(VaeConfig)] == list(to_mapping(VaeConfig()))
    assert all(len(info.doc) > 10 for info in describe(VaeConfig))


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(
        ValueError,
        match=r"unknown preset 'labtop'; did you mean 'laptop'\?; one of smoke, laptop, champion, quality, plan",
    ):
        VaeConfig.preset("labtop")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resolution": 250}, r"`resolution % 32 == 0` must hold for 5 stages, but got 250"),
        ({"resolution": 6, "hidden_dims": (4,)}, r"`resolution % 4 == 0` must hold for 1 stages, but got 6"),
        ({"resolution": 0}, r"`resolution % 32 == 0`"),
        ({"hidden_dims": ()}, r"`hidden_dims` must hold channels >= 1, but got \(\)"),
        ({"hidden_dims": (8, 0)}, r"`hidden_dims` must hold channels >= 1, but got \(8, 0\)"),
        ({"pool": "grid", "latent_dim": 65}, r"`latent_dim % 64 == 0` must hold for the pool 'grid', but got 65"),
        ({"backbone": "residual"}, "`hidden_dims` of the backbone residual must be one multiple of 8"),
        (
            {"backbone": "residual", "hidden_dims": (64,), "pool": "flatten"},
            "`pool` must be grid for the backbone residual, but got 'flatten'",
        ),
        (
            {"backbone": "residual", "hidden_dims": (64,), "pool": "grid", "patch": 6},
            "`resolution % 12 == 0` must hold for patch 6, but got 256",
        ),
        ({"latent_dim": 0}, "`latent_dim >= 1` must hold, but got 0"),
        ({"epochs": 0}, "`epochs >= 1`"),
        ({"batch_size": 0}, "`batch_size >= 1`"),
        ({"learning_rate": 0.0}, "`learning_rate > 0`"),
        ({"gradient_clip": float("nan")}, "`gradient_clip > 0` must hold, but got nan"),
        ({"beta": -1.0}, "`beta >= 0` must hold, but got -1.0"),
        ({"scheduler": "linear"}, "`scheduler` must be one of cosine, constant, but got 'linear'"),
        ({"head": "cmyk"}, "`head` must be one of rgb, palette, but got 'cmyk'"),
        ({"pool": "max"}, "`pool` must be one of average, flatten, grid, but got 'max'"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VaeConfig(**changes)
