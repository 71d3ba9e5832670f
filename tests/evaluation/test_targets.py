from __future__ import annotations

import math

import pytest

from wallpaper.evaluation.targets import Target, targets


@pytest.mark.parametrize(
    ("least", "most", "met", "missed", "words"),
    [
        (3.0, None, 3.0, 2.999, ">= 3"),
        (None, 1e-5, 1e-5, 1.1e-5, "<= 1e-05"),
        (0.9, 1.1, 1.0, 1.11, "0.9 to 1.1"),
        (None, 0.0, 0.0, 1.0, "0"),
    ],
)
def test_a_bound_is_met_up_to_itself(
    least: float | None, most: float | None, met: float, missed: float, words: str
) -> None:
    assert Target("x", met, least, most).met
    assert not Target("x", missed, least, most).met
    assert not Target("x", None, least, most).met
    assert not Target("x", math.nan, least, most).met
    assert Target("x", met, least, most).bounds() == words


def test_bounds_of_shares_are_in_percent() -> None:
    assert Target("x", 1.0, 0.99, None).bounds(100) == ">= 99"


def test_bounds_follow_the_latent_dimension_and_the_resolution() -> None:
    def bounds(latent_dim: int, resolution: int, **figures: float) -> dict[str, tuple[float | None, float | None]]:
        found = targets(figures, split="val", latent_dim=latent_dim, resolution=resolution)
        return {each.name: (each.least, each.most) for each in found}

    flat, small = bounds(2, 256, pairs=272), bounds(64, 64, pairs=272)
    assert (flat["over_linear_val"], small["over_linear_val"]) == ((2, None), (3, None))
    assert flat["wasserstein2_over_floor"] == (None, 1.3)
    assert small["wasserstein2_over_floor"] == (None, 1.15)
    assert "psnr_val" not in flat
    assert small["psnr_val"] == (25, None)
    assert bounds(64, 256)["psnr_val"] == (28, None)
    assert bounds(64, 256)["ssim_val"] == (0.92, None)
    assert "curvature" not in bounds(64, 256), "no field was measured"
    assert bounds(2, 64, **{"pairs": 272, "never_trained/pairs": 27})["never_trained/collapsed_pairs"] == (None, 0)


def test_a_figure_that_there_is_none_of_is_missed() -> None:
    (found,) = [
        each
        for each in targets({"pairs": 272}, split="test", latent_dim=2, resolution=64)
        if each.name == "fixed_steps_change"
    ]
    assert found.value is None
    assert not found.met
