"""The symmetry spectrum: the same numbers as correlations taken sample by sample, and roles as sets say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.conftest import ALL_GROUPS
from wallpaper.plane import GROUP_NAMES, Lattice, Op, PlaneGroup, align, primitive_operations
from wallpaper.plane.routes import widest_route
from wallpaper.symmetry import project_onto, symmetry_spectrum
from wallpaper.symmetry.spectrum import ROLES, spectral_lines

SIDE = 12
ATOL = 1e-9
"""Sums of some hundred float64 products near 1."""

RNG = np.random.default_rng(3)
HEXAGONAL = Lattice(1.0, 1.0, 120.0)


def moved(frame: np.ndarray, op: Op, extra: tuple[int, int] = (0, 0)) -> np.ndarray:
    """f(W x + w + extra), sample by sample."""
    image = np.empty_like(frame)
    (a, b), (c, d) = op.rot
    for i in range(SIDE):
        for j in range(SIDE):
            u = a * i + b * j + op.shift[0] * SIDE // 12 + extra[0]
            v = c * i + d * j + op.shift[1] * SIDE // 12 + extra[1]
            image[:, i, j] = frame[:, u % SIDE, v % SIDE]
    return image


def correlation(frame: np.ndarray, image: np.ndarray) -> float:
    """Pearson's, each channel about its own mean."""
    centred = [each - each.mean(axis=(1, 2), keepdims=True) for each in (frame, image)]
    return float(np.corrcoef(centred[0].ravel(), centred[1].ravel())[0, 1])


def test_correlations_are_pearson_s() -> None:
    frames = RNG.random((2, 3, SIDE, SIDE))
    found = symmetry_spectrum(frames, [0, 1], [align("pgg", "p4")])
    assert found.correlations.shape == (len(found.lines), 2)
    for line, values in zip(found.lines, found.correlations, strict=True):
        for frame, value in zip(frames, values, strict=True):
            assert value == pytest.approx(correlation(frame, moved(frame, line.operation)), abs=ATOL)


def test_other_isometries_are_measured_at_their_best_translation() -> None:
    frame = RNG.random((1, 3, SIDE, SIDE))
    found = symmetry_spectrum(frame, [0], [align("p3", "p1")], [HEXAGONAL])
    others = [
        (line, value)
        for line, value in zip(found.lines, found.correlations[:, 0], strict=True)
        if line.role == "neither"
    ]
    assert len(others) == 9  # of the 12 isometries of a hexagonal lattice, all but the rotations of p3
    for line, value in others[::2]:
        shifts = [(u, v) for u in range(SIDE) for v in range(SIDE)]
        assert value == pytest.approx(max(correlation(frame[0], moved(frame[0], line.operation, s)) for s in shifts))
        assert line.label.endswith("+w")


@ALL_GROUPS
def test_what_a_frame_has_correlates_fully_and_nothing_else_does(group: PlaneGroup) -> None:
    noise = torch.rand(3, SIDE, SIDE, dtype=torch.float64, generator=torch.Generator().manual_seed(group.index))
    own = primitive_operations(group.name)
    frame = project_onto(noise, own).numpy()[None]
    for target in set(GROUP_NAMES) - {group.name}:
        found = symmetry_spectrum(frame, [0.0], [align(group.name, target)])
        for line, value in zip(found.lines, found.correlations[:, 0], strict=True):
            assert (value > 1 - ATOL) == (line.operation in own) == (line.role in ("common", "source"))


def test_roles_tell_whose_an_operation_is() -> None:
    route = widest_route("pm", "p4")
    roles = {line.operation.xyz: line.role for line in spectral_lines(route.legs)}
    assert roles == {
        "-x,y": "source",
        "-x,-y": "target",
        "-y,x": "target",
        "y,-x": "target",
        "x,-y": "waypoint",
        "y,x": "waypoint",
        "-y,-x": "waypoint",
    }
    direct = [line.role for line in spectral_lines([align("p2", "p6")])]
    assert direct == sorted(direct, key=ROLES.index)
    assert set(direct) == {"common", "target"}


def test_labels_say_what_kind_an_operation_is() -> None:
    labels = {line.label for line in spectral_lines([align("p1", "p4g")])}
    assert {"2  -x,-y", "4  -y,x", "g  -x+1/2,y+1/2", "m  -y+1/2,-x+1/2"} <= labels


def test_isometries_of_every_lattice_given_are_measured_once() -> None:
    square = Lattice(1.0, 1.0, 90.0)
    lines = spectral_lines([align("p1", "p2")], [square, square, HEXAGONAL])
    others = [line.operation for line in lines if line.role == "neither"]
    assert len(others) == len(set(others)) == (8 - 2) + (12 - 2) - 2  # the two mirrors across the cell's diagonals


def test_a_flat_frame_has_every_symmetry() -> None:
    found = symmetry_spectrum(np.full((1, 3, SIDE, SIDE), 0.3), [0], [align("p3", "p6m")], [HEXAGONAL])
    assert (found.correlations == 1).all()


@pytest.mark.parametrize("shape", [(3, SIDE, SIDE), (2, 3, SIDE, SIDE + 4)])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"`frames` must be \(T, C, n, n\) with T times, but got"):
        symmetry_spectrum(np.zeros(shape), [0, 1], [align("p1", "p2")])
    with pytest.raises(ValueError, match="and 3 times"):
        symmetry_spectrum(np.zeros((2, 3, SIDE, SIDE)), [0, 1, 2], [align("p1", "p2")])
