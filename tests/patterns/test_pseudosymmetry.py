from __future__ import annotations

import numpy as np
import pytest

from wallpaper.patterns import generate_pattern
from wallpaper.patterns.pseudosymmetry import TOLERANCE, pseudosymmetric, supergroups
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group
from wallpaper.symmetry import residuals

SIDE = 64


@pytest.mark.parametrize("group", GROUP_NAMES)
def test_the_group_stays_exact_and_the_trap_is_as_strong_as_asked(group: str) -> None:
    for seed in range(20, 24):  # a rare pattern bears none
        try:
            found = pseudosymmetric(generate_pattern(group, seed, SIDE), 0.95, np.random.default_rng(0))
        except RuntimeError:
            continue
        assert found.certificate.group == group
        assert abs(found.certificate.strongest_false - 0.95) <= TOLERANCE
        assert residuals(np.moveaxis(found.pixels, -1, 0), plane_group(group).operations).max() == 0
        return
    pytest.fail(f"no {group} of four seeds has a pseudosymmetry of 0.95")


def test_strength_is_a_plain_correlation() -> None:
    """p4 towards p4m or p4g: the best mirror or glide, by moving pixels."""
    found = pseudosymmetric(generate_pattern("p4", 20, SIDE), 0.93, np.random.default_rng(1))
    assert found.supergroup in ("p4m", "p4g")
    field = found.pixels - found.pixels.mean(axis=(0, 1))
    flipped = field[(-np.arange(SIDE)) % SIDE]
    moved = [np.roll(flipped, (i, j), axis=(0, 1)) for i in (0, SIDE // 2) for j in (0, SIDE // 2)]
    assert max((field * each).sum() for each in moved) / (field**2).sum() == pytest.approx(0.93, abs=TOLERANCE)


@pytest.mark.parametrize("group", GROUP_NAMES)
def test_supergroups_are_larger_closed_sets_of_isometries(group: str) -> None:
    plane = plane_group(group)
    lattice = Lattice.standard(plane.system)
    found = list(supergroups(plane, lattice, np.random.default_rng(0)))
    assert found
    for _, operations in found:
        known = set(operations)
        assert set(plane.operations) < known
        assert all(a @ b in known for a in operations for b in operations)
        for op in operations:
            matrix = np.array(op.rot)
            np.testing.assert_allclose(matrix.T @ lattice.metric @ matrix, lattice.metric, atol=1e-9)


@pytest.mark.parametrize("strength", [0.89, 0.995])
def test_other_strengths_are_refused(strength: float) -> None:
    with pytest.raises(ValueError, match=r"`0.9 <= strength <= 0.99` must hold, but got 0\.\d+"):
        pseudosymmetric(generate_pattern("p4", 1, 32), strength, np.random.default_rng(0))
