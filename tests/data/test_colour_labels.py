from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wallpaper.data.colour_labels import BINS, accuracies, colour_statistics
from wallpaper.patterns import generate_pattern, generator
from wallpaper.plane import GROUP_NAMES

CHANCE = 1 / 17
MOST = 0.08
"""The bound on generated patterns: chance and two standard deviations of 680 guesses."""


def test_colours_do_not_tell_the_group_of_generated_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the judge, which refuses one in a hundred: it knows no colours, and drawing is quick without it."""
    certificate = SimpleNamespace(weakest_true=1.0, strongest_false=0.0)
    monkeypatch.setattr(generator, "certify", lambda *_: (certificate, None))
    labels = np.arange(680) % 17
    features = [colour_statistics(generate_pattern(GROUP_NAMES[k % 17], 40_000 + k, 32).pixels) for k in range(680)]
    found = accuracies(np.array(features), labels)
    assert set(found) == {"nearest centroid", "9 nearest neighbours", "logistic regression"}
    assert max(found.values()) <= MOST, found


def test_classifiers_see_a_leak() -> None:
    """A hint of a tenth of a channel for each group is found by all of them."""
    rng = np.random.default_rng(0)
    labels = np.arange(510) % 17
    features = rng.normal(size=(510, 8))
    assert max(accuracies(features, labels).values()) < 2 * CHANCE
    hinted = features + 4 * rng.normal(size=(17, 8))[labels]
    assert min(accuracies(hinted, labels).values()) > 0.8


def test_statistics_are_shares_means_and_deviations() -> None:
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    pixels[:1] = (255, 0, 128)
    found = colour_statistics(pixels)
    assert len(found) == BINS**3 + 6
    assert found[0] == pytest.approx(np.sqrt(0.75))
    assert found[3 * 16 + 2] == pytest.approx(0.5)
    np.testing.assert_allclose(found[-6:-3], [0.25, 0, 128 / 255 / 4])
    np.testing.assert_allclose(found[-3:], np.sqrt(3) / 4 * np.array([1, 0, 128 / 255]))


def test_too_few_patterns_are_refused() -> None:
    with pytest.raises(ValueError, match="each group needs at least 2 patterns"):
        accuracies(np.zeros((3, 2)), np.array([0, 0, 1]))
