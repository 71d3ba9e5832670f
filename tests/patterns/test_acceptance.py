from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wallpaper.patterns import FAULTS, generate_pattern
from wallpaper.patterns.acceptance import LEAST_TRUE, MOST_FALSE, certify, find_dullness
from wallpaper.plane import PLANE_GROUPS, Lattice, plane_group

SQUARE = Lattice.standard("square")


def _made(group: str, seed: int = 0) -> NDArray[np.uint8]:
    return generate_pattern(group, seed, 64).pixels


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_a_pattern_of_the_group_itself_is_accepted(group: str) -> None:
    pattern = generate_pattern(group, 2, 64)
    assert find_dullness(pattern.pixels) is None
    certificate, fault = certify(pattern.pixels, plane_group(group), pattern.lattice)
    assert fault is None
    assert certificate.group == group
    assert (pattern.weakest_true, pattern.strongest_false) == (certificate.weakest_true, certificate.strongest_false)
    assert pattern.weakest_true >= LEAST_TRUE
    assert pattern.strongest_false <= MOST_FALSE


@pytest.mark.parametrize(
    ("real", "claimed"),
    [("p4m", "p4"), ("p4g", "p4"), ("p6m", "p6"), ("p6m", "p31m"), ("p6", "p3"), ("p4m", "p2"), ("p4m", "pmm")],
)
@pytest.mark.parametrize("moved", [0, 7])
def test_more_symmetry_than_claimed_is_refused_wherever_the_origin_is(real: str, claimed: str, moved: int) -> None:
    pixels = np.roll(_made(real, 5), (moved, 3 * moved), axis=(0, 1))
    lattice = Lattice.standard(plane_group(real).system)
    certificate, fault = certify(pixels, plane_group(claimed), lattice)
    assert (certificate.group, fault) == (real, "group")


def test_less_symmetry_than_claimed_is_refused() -> None:
    assert certify(_made("p4", 5), plane_group("p4m"), SQUARE)[1] == "group"


@pytest.mark.parametrize("share", [0.06, 0.12])
def test_nearly_more_symmetry_is_refused(share: float) -> None:
    """A blend of p4m with a little p4: its mirrors hold to about 1 - share^2 of the variance, more or less."""
    blend = (1 - share) * _made("p4m", 1) + share * _made("p4", 1)
    assert certify(np.rint(blend).astype(np.uint8), plane_group("p4"), SQUARE)[1] in ("group", "margin")


def test_a_shorter_period_is_refused() -> None:
    for axis, halved in enumerate((np.s_[::2, :], np.s_[:, ::2])):
        pixels = np.concatenate([_made("p4")[halved]] * 2, axis=axis)
        assert certify(pixels, plane_group("p4"), SQUARE)[1] == "group"


def test_a_picture_made_by_hand_is_judged_by_hand() -> None:
    """An accepted p1's best correlation with its half turn, over all translations of pixels, is below the bound."""
    pattern = generate_pattern("p1", 9, 32)
    field = pattern.pixels.astype(float) - pattern.pixels.mean(axis=(0, 1))
    turned = np.roll(field[::-1, ::-1], (1, 1), axis=(0, 1))
    best = max((field * np.roll(turned, (i, j), axis=(0, 1))).sum() for i in range(32) for j in range(32))
    assert best / (field**2).sum() < MOST_FALSE
    symmetric = np.clip(128 + (field + turned) / 2, 0, 255).astype(np.uint8)
    assert certify(symmetric, plane_group("p1"), pattern.lattice)[1] == "group"


def test_blank_and_nearly_blank_ones_are_dull() -> None:
    blank = np.full((64, 64, 3), 130, dtype=np.uint8)
    assert find_dullness(blank) == "contrast"
    blank[5:28, 5:28] = 255
    assert find_dullness(blank) == "cover"
    assert {"contrast", "cover"} < set(FAULTS)
