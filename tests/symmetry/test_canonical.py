"""The canonical cell is the same whichever standard cell of a pattern is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ALL_GROUPS
from wallpaper.plane import DEN, Lattice, PlaneGroup, plane_group
from wallpaper.plane.lattice import change_basis
from wallpaper.plane.normaliser import free_directions, normaliser
from wallpaper.plane.operation import unimodular_inverse
from wallpaper.symmetry import project
from wallpaper.symmetry.canonical import canonical_cell

SIDE = 48  # thirds and quarters are whole samples
LIMIT = 1e-6  # places along free directions are found to a millionth of a period or so


def smooth(group: PlaneGroup, seed: int) -> np.ndarray:
    """(SIDE, SIDE, 3) a random pattern of the group, in [0, 1], of few waves."""
    generator = np.random.default_rng(seed)
    spectrum = np.zeros((3, SIDE, SIDE), complex)
    waves = np.arange(-4, 5) % SIDE
    spectrum[:, waves[:, None], waves] = generator.normal(size=(3, 9, 9)) + 1j * generator.normal(size=(3, 9, 9))
    field = torch.from_numpy(np.fft.ifft2(spectrum, norm="forward").real)
    image = project(field, group.index).numpy().transpose(1, 2, 0)
    return np.asarray((image - image.min()) / np.ptp(image))


def seen_from(cell: np.ndarray, axes: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """f'(x') = f(A^-1 (x' - w)) by its waves, one at a time: nothing of the library's own."""
    spectrum = np.fft.fft2(cell, axes=(0, 1))
    k = np.fft.fftfreq(SIDE, 1 / SIDE).round().astype(int)
    strong = np.argwhere(np.abs(spectrum).max(axis=-1) > 1e-9 * np.abs(spectrum).max())
    back = np.linalg.inv(axes)
    place = np.stack(np.meshgrid(np.arange(SIDE) / SIDE, np.arange(SIDE) / SIDE, indexing="ij"), axis=-1)
    given_place = (place - shift) @ back.T
    result = np.zeros(cell.shape, complex)
    for i, j in strong:
        phase = np.exp(2j * np.pi * (given_place @ np.array([k[i], k[j]])))
        result += phase[..., None] * spectrum[i, j] / SIDE**2
    return result.real


@ALL_GROUPS
@settings(max_examples=5)  # of each group
@given(seed=st.integers(0, 1000))
def test_every_cell_of_the_normaliser_gives_the_same_cell(group: PlaneGroup, seed: int) -> None:
    generator = np.random.default_rng(seed)
    cell, lattice = smooth(group, seed), Lattice.random(group.system, generator)
    first = canonical_cell(cell, lattice, group.name)
    reflects = any(op.det == -1 for op in group.operations)
    frames = [frame for frame in normaliser(group.name) if reflects or frame.det == 1]
    frame = frames[generator.integers(len(frames))]
    free = [axis in free_directions(group.name) for axis in range(2)]
    shift = np.array(frame.shift) / DEN + generator.uniform(size=2) * free
    moved = seen_from(cell, np.array(frame.rot), shift)
    metric = change_basis(lattice.metric * 7.0, unimodular_inverse(frame.rot))
    again = canonical_cell(moved, Lattice.from_metric(metric), group.name)
    assert np.abs(again.cell - first.cell).max() < LIMIT * 100
    assert (again.lattice.a, again.lattice.b, again.lattice.gamma) == pytest.approx(
        (first.lattice.a, first.lattice.b, first.lattice.gamma)
    )


@ALL_GROUPS
def test_the_canonical_cell_has_the_group_in_its_standard_setting(group: PlaneGroup) -> None:
    found = canonical_cell(smooth(group, 3), Lattice.random(group.system, np.random.default_rng(4)), group.name)
    projected = project(torch.from_numpy(found.cell.transpose(2, 0, 1).copy()), group.index).numpy()
    assert np.abs(projected.transpose(1, 2, 0) - found.cell).max() < LIMIT
    assert found.lattice.meets(group.system)
    assert found.lattice.area == pytest.approx(1)


@ALL_GROUPS
def test_a_canonical_cell_stays_as_it_is(group: PlaneGroup) -> None:
    once = canonical_cell(smooth(group, 5), Lattice.random(group.system, np.random.default_rng(6)), group.name)
    twice = canonical_cell(once.cell, once.lattice, group.name)
    assert np.abs(twice.cell - once.cell).max() < LIMIT * 100


@pytest.mark.parametrize("name", ["p1", "p2", "p4", "p3", "p6"])
def test_a_mirrored_basis_becomes_right_handed(name: str) -> None:
    """The same plane, its cell read with a and b exchanged."""
    group = plane_group(name)
    cell, lattice = smooth(group, 7), Lattice.random(group.system, np.random.default_rng(8))
    if name == "p3":  # exchanged, the operations read the same; so for p4 and p6
        assert {(op.rot[1][::-1], op.rot[0][::-1]) for op in group.operations} == {op.rot for op in group.operations}
    first = canonical_cell(cell, lattice, name)
    swapped = canonical_cell(cell.transpose(1, 0, 2), Lattice(lattice.b, lattice.a, lattice.gamma), name, mirrored=True)
    assert np.abs(swapped.cell - first.cell).max() < LIMIT * 100
    wrong = canonical_cell(cell.transpose(1, 0, 2), Lattice(lattice.b, lattice.a, lattice.gamma), name)
    assert np.abs(wrong.cell - first.cell).max() > 0.1  # a mirror image is another pattern


def test_the_shorter_vector_is_a() -> None:
    for name in ("p1", "p2", "pmm", "pgg", "cmm"):
        lattice = Lattice(2.0, 1.0, 90 if plane_group(name).system == "rectangular" else 80)
        found = canonical_cell(smooth(plane_group(name), 1), lattice, name)
        assert found.lattice.a < found.lattice.b
    kept = canonical_cell(smooth(plane_group("pm"), 1), Lattice(2.0, 1.0, 90), "pm")  # its mirrors run along b
    assert kept.lattice.a / kept.lattice.b == pytest.approx(2)


@pytest.mark.parametrize("shape", [(8, 8, 3), (16, 24, 3), (16, 16)])
def test_errors_say_what_must_hold(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a cell must be \(n, n, C\) with n >= 16, but got"):
        canonical_cell(np.zeros(shape), Lattice(1, 1, 90), "p4")
