"""How far apart groups are, against scikit-learn and against the definition spelled out in loops."""

from __future__ import annotations

import numpy as np
import pytest

from wallpaper.epoch_pictures import Separation, separation

RNG = np.random.default_rng(3)
LABELS = np.arange(60) % 5


def test_the_silhouette_is_scikit_learn_s():
    metrics = pytest.importorskip("sklearn.metrics")
    latents = RNG.normal(size=(60, 7)) + 0.8 * LABELS[:, None]
    assert separation(latents, LABELS).silhouette == pytest.approx(metrics.silhouette_score(latents, LABELS))


def test_the_scatter_ratio_is_that_of_the_definition():
    latents = RNG.normal(size=(60, 3)) + LABELS[:, None]
    total = sum(float(((each - latents.mean(0)) ** 2).sum()) for each in latents)
    within = sum(((latents[LABELS == g] - latents[LABELS == g].mean(0)) ** 2).sum() for g in range(5))
    assert separation(latents, LABELS).scatter_ratio == pytest.approx((total - within) / within)


def test_points_that_are_all_one_are_not_apart():
    found = separation(np.ones((6, 2)), np.array([0, 0, 1, 1, 2, 2]))
    assert (found.silhouette, found.scatter_ratio) == (0.0, 0.0)


def test_a_point_alone_in_its_group_counts_as_nothing():
    found = separation(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]))
    assert found.silhouette == pytest.approx((8 / 9 + 7 / 8) / 3)


def test_one_group_is_refused():
    with pytest.raises(ValueError, match="at least two groups"):
        separation(np.ones((3, 2)), np.zeros(3, int))


def test_groups_of_one_point_each_have_nothing_within_to_compare_with():
    assert separation(np.eye(3), np.arange(3)) == Separation(0.0, 0.0)
