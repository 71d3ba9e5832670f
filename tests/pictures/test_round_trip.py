"""A rendered picture, analysed again: its own group, its own lattice, and its elements where they were.

The judge and the rendering share no code, so each is the other's oracle.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch

from tests.conftest import ALL_GROUPS
from wallpaper.judge import Analysis, analyse
from wallpaper.pictures.kernel import blur
from wallpaper.pictures.placement import Placement, place
from wallpaper.pictures.render import picture_scale, render
from wallpaper.plane import Lattice, Op, PlaneGroup
from wallpaper.plane.elements import symmetry_elements
from wallpaper.symmetry import project

SIDE, SIZE, CELLS = 96, 256, 3.3
GAMMA_TOLERANCE = 0.2  # degrees, as the project promises
LENGTH_TOLERANCE = 0.003  # of a and b, as the project promises


def soft_pattern(group: PlaneGroup, lattice: Lattice, seed: int) -> np.ndarray:
    """Blurred noise, projected on the group: nothing of it was drawn with the group in mind."""
    noise = np.random.default_rng(seed).standard_normal((SIDE, SIDE, 3))
    soft = blur(noise, lattice, 0.05)
    image = project(torch.from_numpy(np.moveaxis(soft, -1, 0).copy()), group.index).numpy()
    image = image - image.mean(axis=(1, 2), keepdims=True)
    return np.clip(0.5 + 0.5 * image / np.abs(image).max(), 0, 1)


def reduced(basis: np.ndarray) -> tuple[float, float, float]:
    """Lengths, the shorter first, and angle up to 90 degrees of the basis after Gauss's reduction."""
    a, b = basis.T
    while True:
        a, b = sorted((a, b), key=lambda vector: float(vector @ vector))
        times = round(float(a @ b) / float(a @ a))
        if times == 0:
            angle = math.degrees(math.acos(abs(float(a @ b)) / math.sqrt(float(a @ a) * float(b @ b))))
            return math.hypot(*a), math.hypot(*b), angle
        b = b - times * a


@cache
def view(group: PlaneGroup, seed: int) -> tuple[Placement, Analysis]:
    random = np.random.default_rng([group.index, seed])
    lattice = Lattice.random(group.system, random)
    rotation, centre = random.uniform(0, 360), (random.random(), random.random())
    picture = render(
        soft_pattern(group, lattice, seed), lattice, size=SIZE, cells=CELLS, rotation=rotation, centre=centre
    )
    return place(lattice, SIZE, picture_scale([lattice], SIZE, CELLS), rotation, centre), analyse(picture)


@ALL_GROUPS
@pytest.mark.parametrize("seed", [0, 1])
def test_group_lattice_and_elements_come_back(group: PlaneGroup, seed: int) -> None:
    placed, found = view(group, seed)
    assert found.certificate is not None, found.problem
    assert found.certificate.group == group.name
    assert found.basis is not None
    a, b, gamma = reduced(placed.basis)
    found_a, found_b, found_gamma = reduced(found.basis)
    assert found_a == pytest.approx(a, rel=LENGTH_TOLERANCE)
    assert found_b == pytest.approx(b, rel=LENGTH_TOLERANCE)
    assert found_gamma == pytest.approx(gamma, abs=GAMMA_TOLERANCE)
    assert found.certificate.lattice.meets(group.system)


@ALL_GROUPS
def test_rotation_centres_are_found_where_they_were(group: PlaneGroup) -> None:
    """Within a pixel of a centre of that order, in whatever setting and at whatever origin the judge chose."""
    placed, found = view(group, 0)
    assert found.basis is not None
    assert found.origin is not None
    elements = symmetry_elements(group.operations)
    cells = np.stack(np.meshgrid(range(-4, 5), range(-4, 5)), axis=-1).reshape(-1, 2)
    for centre in elements.centres:
        alike = [c for c in elements.centres if (c.order, c.mirrors) == (centre.order, centre.mirrors)]
        at = Placement(found.basis, found.origin).pixels(np.array(centre.point, float))
        offsets = [
            placed.fractional(at) - np.array(c.point, float) - cell
            for c in alike
            for cell in np.rint(placed.fractional(at) - np.array(c.point, float)) + cells
        ]
        assert min(math.hypot(*(placed.basis @ offset)) for offset in offsets) < 1, centre


@ALL_GROUPS
def test_another_lattice_or_group_would_be_noticed(group: PlaneGroup) -> None:
    """The tolerances can tell: a percent more of one axis is out; and the operations are the group's in full."""
    placed, found = view(group, 0)
    assert found.basis is not None
    wrong = reduced(found.basis @ np.diag([1.01, 1.0]))
    lengths = [abs(x / y - 1) for x, y in zip(wrong[:2], reduced(placed.basis)[:2], strict=True)]
    assert max(lengths) > LENGTH_TOLERANCE
    assert found.certificate is not None
    assert {Op.parse(op.xyz) for op in found.certificate.operations} == set(group.operations)
