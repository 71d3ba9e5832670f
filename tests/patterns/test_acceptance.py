from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wallpaper.patterns import generate_pattern
from wallpaper.patterns.acceptance import MOST_CORRELATION, find_fault, foreign_isometries
from wallpaper.plane import PLANE_GROUPS, Lattice, plane_group
from wallpaper.plane.operation import multiply

SQUARE, HEXAGONAL = Lattice.standard("square"), Lattice.standard("hexagonal")


def _made(group: str, seed: int = 0) -> NDArray[np.uint8]:
    return generate_pattern(group, seed, 64).pixels


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_a_pattern_of_the_group_itself_is_accepted(group: str) -> None:
    pattern = generate_pattern(group, 2, 64)
    assert find_fault(pattern.pixels, plane_group(group), pattern.lattice) is None


@pytest.mark.parametrize(
    ("real", "claimed"),
    [("p4m", "p4"), ("p4g", "p4"), ("p6m", "p6"), ("p6m", "p31m"), ("p6", "p3"), ("p4m", "p2"), ("p4m", "pmm")],
)
@pytest.mark.parametrize("moved", [0, 7])
def test_more_symmetry_than_claimed_is_refused_wherever_the_origin_is(real: str, claimed: str, moved: int) -> None:
    pixels = np.roll(_made(real, 5), (moved, 3 * moved), axis=(0, 1))
    lattice = Lattice.standard(plane_group(real).system)
    fault = find_fault(pixels, plane_group(claimed), lattice)
    assert fault is not None
    assert f"is not in {claimed}" in fault


def test_almost_more_symmetry_is_refused() -> None:
    pixels = _made("p4m", 1).copy()
    pixels[3:9, 20:26] = 255 - pixels[3:9, 20:26]
    assert "nearly holds" in str(find_fault(pixels, plane_group("p4"), SQUARE))


def test_a_shorter_period_is_refused() -> None:
    for axis, halved in enumerate((np.s_[::2, :], np.s_[:, ::2])):
        pixels = np.concatenate([_made("p1")[halved]] * 2, axis=axis)
        assert "translation" in str(find_fault(pixels, plane_group("p1"), Lattice(1.0, 1.2, 80.0)))


def test_centring_is_a_shorter_period_for_pm_and_none_for_cm() -> None:
    pattern = generate_pattern("cm", 4, 64)
    assert find_fault(pattern.pixels, plane_group("cm"), pattern.lattice) is None
    assert "translation that pm" in str(find_fault(pattern.pixels, plane_group("pm"), pattern.lattice))


def test_stripes_are_refused() -> None:
    profile = np.array([0, 0, 255, 40, 200, 0, 90, 255], dtype=np.uint8).repeat(8)
    pixels = np.broadcast_to(profile[:, None, None], (64, 64, 3)).copy()
    assert "nearly holds" in str(find_fault(pixels, plane_group("p1"), Lattice(1.0, 1.2, 80.0)))


def test_blank_and_nearly_blank_ones_are_refused() -> None:
    blank = np.full((64, 64, 3), 130, dtype=np.uint8)
    assert "contrast 0.000" in str(find_fault(blank, plane_group("p1"), SQUARE))
    blank[5:28, 5:28] = 255
    assert "one colour covers" in str(find_fault(blank, plane_group("p1"), SQUARE))


def test_correlation_agrees_with_moving_pixels_by_hand() -> None:
    """The verdict on p2 against a brute-force search over all translations of the half turn."""
    pattern = generate_pattern("p1", 9, 32)
    field = pattern.pixels.astype(float) - pattern.pixels.mean(axis=(0, 1))
    turned = np.roll(field[::-1, ::-1], (1, 1), axis=(0, 1))
    best = max((field * np.roll(turned, (i, j), axis=(0, 1))).sum() for i in range(32) for j in range(32))
    assert best / (field**2).sum() < MOST_CORRELATION
    assert find_fault(pattern.pixels, plane_group("p1"), pattern.lattice) is None
    symmetric = np.clip(128 + (field + turned) / 2, 0, 255).astype(np.uint8)
    assert "is not in p1" in str(find_fault(symmetric, plane_group("p1"), pattern.lattice))


@pytest.mark.parametrize("group", PLANE_GROUPS.values(), ids=str)
def test_foreign_isometries_and_point_group_make_up_the_holohedry(group: object) -> None:
    plane = plane_group(str(group))
    lattice = Lattice.standard(plane.system)
    covered = {
        multiply(f, p) for f in (((1, 0), (0, 1)), *foreign_isometries(plane, lattice)) for p in plane.point_group
    }
    assert len(covered) == {"oblique": 2, "rectangular": 4, "square": 8, "hexagonal": 12}[plane.system]
    assert all(np.allclose(np.array(w).T @ lattice.metric @ np.array(w), lattice.metric) for w in covered)


def test_accidental_symmetry_of_a_given_lattice_counts() -> None:
    assert len(foreign_isometries(plane_group("p1"), SQUARE)) == 7
    assert len(foreign_isometries(plane_group("p1"), HEXAGONAL)) == 11
    assert "is not in p1" in str(find_fault(_made("p4"), plane_group("p1"), SQUARE))
