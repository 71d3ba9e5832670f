"""Two other libraries on the extruded groups: gemmi reads Hall symbols, spglib finds the space group.

Neither shares code with ours: a wrong setting, a transposed matrix or a missing glide shows here.
"""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
import spglib

from tests.conftest import ALL_GROUPS
from tests.plane.printed import HALL_SYMBOLS, POLAR_SPACE_GROUPS
from wallpaper.plane import DEN, Lattice, PlaneGroup

LAYERS = (0.0, 0.19, 0.53)
"""Heights of three different atoms: no horizontal mirror, no twofold axis in the plane, no shorter c."""


@ALL_GROUPS
def test_gemmi_reads_the_same_operations_from_the_hall_symbol(group: PlaneGroup) -> None:
    extruded = {op.triplet() for op in gemmi.symops_from_hall(HALL_SYMBOLS[group.name])}
    assert extruded == {gemmi.Op(f"{op.xyz},z").triplet() for op in group.operations}


@pytest.fixture(autouse=True)
def _spglib_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """spglib's way from 3.0 on: exceptions instead of None and a message kept aside."""
    monkeypatch.setenv("SPGLIB_OLD_ERROR_HANDLING", "0")


@ALL_GROUPS
@pytest.mark.parametrize("seed", range(3))
def test_spglib_finds_the_polar_space_group(group: PlaneGroup, seed: int) -> None:
    generator = np.random.default_rng([seed, group.index])
    dataset = spglib.get_symmetry_dataset(_crystal(group, generator), symprec=1e-5)
    assert dataset.number == POLAR_SPACE_GROUPS[group.name]
    assert dataset.number == group.space_group


def _crystal(
    group: PlaneGroup, generator: np.random.Generator
) -> tuple[np.ndarray, list[tuple[float, float, float]], list[int]]:
    """Cell (rows are vectors), positions and species: one general orbit of the group in each layer."""
    cell = np.eye(3)
    cell[:2, :2] = Lattice.random(group.system, generator).basis.T
    cell[2, 2] = 1.7
    positions, species = [], []
    for kind, height in enumerate(LAYERS):
        point = generator.random(2)
        for op in group.operations:
            x, y = (np.array(op.rot) @ point + np.array(op.shift) / DEN) % 1
            positions.append((x, y, height))
            species.append(kind + 1)
    return cell, positions, species
