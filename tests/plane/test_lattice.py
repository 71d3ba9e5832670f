"""Lattices and metric tensors: systems, isometries, and the geodesic between two metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ALL_GROUPS
from wallpaper.plane import LATTICE_SYSTEMS, Lattice, LatticeSystem, PlaneGroup
from wallpaper.plane.lattice import Metric, change_basis, distance, geodesic, invariant_metric, stretched

ATOL = 1e-12
"""A few float64 products of numbers near 1."""

ALL_SYSTEMS = pytest.mark.parametrize("system", LATTICE_SYSTEMS)
seeds = st.integers(0, 2**32 - 1)
lattices = st.builds(Lattice, st.floats(0.2, 5), st.floats(0.2, 5), st.floats(20, 160))
fractions = st.floats(0, 1)

MEETS = {
    "oblique": {"oblique"},
    "rectangular": {"oblique", "rectangular"},
    "square": {"oblique", "rectangular", "square"},
    "hexagonal": {"oblique", "hexagonal"},
}
"""The systems whose conditions a typical lattice of each system fulfils."""


@ALL_SYSTEMS
@given(seed=seeds)
def test_random_lattices_meet_their_system_alone(system: LatticeSystem, seed: int) -> None:
    lattice = Lattice.random(system, np.random.default_rng(seed))
    assert {name for name in LATTICE_SYSTEMS if lattice.meets(name)} == MEETS[system]
    assert lattice.area == pytest.approx(1, abs=ATOL)


@ALL_SYSTEMS
def test_standard_lattices_meet_their_system_alone(system: LatticeSystem) -> None:
    lattice = Lattice.standard(system)
    assert {name for name in LATTICE_SYSTEMS if lattice.meets(name)} == MEETS[system]
    assert lattice.area == pytest.approx(1, abs=ATOL)


@pytest.mark.parametrize(("system", "free"), [("oblique", 2), ("rectangular", 1), ("square", 0), ("hexagonal", 0)])
def test_random_draws_what_the_system_leaves_free(system: LatticeSystem, free: int) -> None:
    generator = np.random.default_rng(0)
    drawn = [Lattice.random(system, generator) for _ in range(20)]
    angles, ratios = {lattice.gamma for lattice in drawn}, {round(lattice.b / lattice.a, 9) for lattice in drawn}
    assert (len(angles) > 1) + (len(ratios) > 1) == free
    again = np.random.default_rng(0)
    assert [Lattice.random(system, again) for _ in range(20)] == drawn


@given(lattices)
def test_metric_holds_the_scalar_products(lattice: Lattice) -> None:
    cosine = math.cos(math.radians(lattice.gamma))
    expected = [[lattice.a**2, lattice.a * lattice.b * cosine], [lattice.a * lattice.b * cosine, lattice.b**2]]
    np.testing.assert_allclose(lattice.metric, expected, rtol=0, atol=25 * ATOL)
    assert math.sqrt(np.linalg.det(lattice.metric)) == pytest.approx(lattice.area, rel=1e-9)


@given(lattices)
def test_metric_round_trip(lattice: Lattice) -> None:
    again = Lattice.from_metric(lattice.metric)
    assert (again.a, again.b) == pytest.approx((lattice.a, lattice.b), rel=ATOL)
    assert again.gamma == pytest.approx(lattice.gamma, rel=1e-10)  # acos loses digits towards 0 and 180 degrees


@ALL_GROUPS
@given(seed=seeds)
def test_every_operation_is_an_isometry_of_its_lattices(group: PlaneGroup, seed: int) -> None:
    metric = Lattice.random(group.system, np.random.default_rng(seed)).metric
    for matrix in group.point_group:
        np.testing.assert_allclose(np.array(matrix).T @ metric @ np.array(matrix), metric, rtol=0, atol=ATOL)


@given(lattices, seeds)
def test_change_of_basis_is_that_of_the_vectors(lattice: Lattice, seed: int) -> None:
    matrix = np.random.default_rng(seed).integers(-3, 4, (2, 2)).astype(float)
    vectors = lattice.basis @ matrix
    np.testing.assert_allclose(change_basis(lattice.metric, matrix), vectors.T @ vectors, rtol=0, atol=1e3 * ATOL)


@given(lattices, lattices)
def test_geodesic_joins_its_ends_and_runs_backwards_too(first: Lattice, second: Lattice) -> None:
    start, end = first.metric, second.metric
    assert_close(geodesic(start, end, 0), start)
    assert_close(geodesic(start, end, 1), end)
    assert_close(geodesic(start, end, 0.3), geodesic(end, start, 0.7))
    assert_close(geodesic(start, start, 0.4), start)


@given(lattices, lattices, fractions)
def test_geodesic_agrees_with_scipy_and_moves_the_area_geometrically(a: Lattice, b: Lattice, t: float) -> None:
    point = geodesic(a.metric, b.metric, t)
    root = scipy.linalg.sqrtm(a.metric)
    inverse = np.linalg.inv(root)
    assert_close(point, root @ scipy.linalg.fractional_matrix_power(inverse @ b.metric @ inverse, t) @ root)
    assert math.sqrt(np.linalg.det(point)) == pytest.approx(a.area ** (1 - t) * b.area**t, rel=1e-8)


def test_geodesic_of_rectangles_is_the_geometric_mean() -> None:
    assert_close(geodesic(np.diag([1.0, 4.0]), np.diag([9.0, 1.0]), 0.5), np.diag([3.0, 2.0]))


@given(lattices, lattices, fractions)
def test_geodesic_has_constant_speed(a: Lattice, b: Lattice, t: float) -> None:
    whole = distance(a.metric, b.metric)
    assert distance(a.metric, geodesic(a.metric, b.metric, t)) == pytest.approx(t * whole, abs=1e-6)


@given(fractions)
def test_geodesic_keeps_common_isometries(t: float) -> None:
    """From a square to a hexagonal lattice through rhombic ones: equal axes all the way."""
    metric = geodesic(Lattice.standard("square").metric, Lattice.standard("hexagonal").metric, t)
    for matrix in ([[0, 1], [1, 0]], [[0, -1], [-1, 0]], [[-1, 0], [0, -1]]):
        np.testing.assert_allclose(change_basis(metric, np.array(matrix)), metric, rtol=0, atol=ATOL)
    assert 90 - 1e-9 <= Lattice.from_metric(metric).gamma <= 120 + 1e-9


def test_distance_of_rectangles_in_closed_form() -> None:
    assert distance(np.diag([1.0, 1.0]), np.diag([math.e**3, math.e**4])) == pytest.approx(5, abs=1e-9)


@given(lattices, lattices, seeds)
def test_distance_does_not_depend_on_the_axes(a: Lattice, b: Lattice, seed: int) -> None:
    shear = np.array([[1.0, np.random.default_rng(seed).integers(-2, 3)], [0.0, 1.0]])
    changed = distance(change_basis(a.metric, shear), change_basis(b.metric, shear))
    assert changed == pytest.approx(distance(a.metric, b.metric), abs=1e-6)


@ALL_GROUPS
@given(lattice=lattices)
def test_invariant_metric_has_the_isometries_and_the_area(group: PlaneGroup, lattice: Lattice) -> None:
    metric = invariant_metric(lattice.metric, group.point_group)
    assert Lattice.from_metric(metric).meets(group.system)
    assert math.sqrt(np.linalg.det(metric)) == pytest.approx(lattice.area, rel=1e-8)
    assert_close(invariant_metric(metric, group.point_group), metric)


@given(lattices, lattices, st.floats(-180, 180))
def test_stretching_reaches_the_metric_and_turns_nothing(a: Lattice, b: Lattice, degrees: float) -> None:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    basis = np.array([[cosine, -sine], [sine, cosine]]) @ a.basis
    after = stretched(basis, b.metric)
    assert_close(after.T @ after, b.metric)
    deformation = after @ np.linalg.inv(basis)
    np.testing.assert_allclose(deformation, deformation.T, rtol=0, atol=1e-7 * np.abs(deformation).max())
    assert np.linalg.eigvalsh((deformation + deformation.T) / 2).min() > 0
    rotation, _ = scipy.linalg.polar(deformation)  # the independent oracle: no rotation is left
    np.testing.assert_allclose(rotation, np.eye(2), rtol=0, atol=1e-6)


def test_stretching_to_the_basis_s_own_metric_changes_nothing() -> None:
    basis = Lattice(1.0, 1.3, 75.0).basis
    np.testing.assert_allclose(stretched(basis, basis.T @ basis), basis, rtol=0, atol=ATOL)


def test_stretching_a_square_by_hand() -> None:
    """A square turned by 45 degrees, stretched along its diagonals: the vectors scale, and turn against each other."""
    basis = np.array([[1.0, -1.0], [1.0, 1.0]])
    stretch = np.diag([2.0, 0.5])
    after = stretch @ basis
    np.testing.assert_allclose(stretched(basis, after.T @ after), after, rtol=0, atol=ATOL)


def test_unknown_systems_are_refused() -> None:
    for use in (Lattice.standard, Lattice(1, 1, 90).meets, lambda name: Lattice.random(name, np.random.default_rng())):
        with pytest.raises(ValueError, match="unknown lattice system 'cubic'; one of oblique, rectangular"):
            use("cubic")  # type: ignore[operator]


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, -1), (math.inf, 1), (1, math.nan)])
def test_lengths_must_be_positive(a: float, b: float) -> None:
    with pytest.raises(ValueError, match=f"`a > 0 and b > 0` must hold, but got a={a}, b={b}"):
        Lattice(a, b, 90)


@pytest.mark.parametrize("gamma", [0, 180, -30, math.nan])
def test_the_angle_must_be_open(gamma: float) -> None:
    with pytest.raises(ValueError, match=f"`0 < gamma < 180` degrees must hold, but got {gamma}"):
        Lattice(1, 1, gamma)


@pytest.mark.parametrize("metric", [[[1, 2], [2, 1]], [[-1, 0], [0, -1]]])
def test_a_metric_must_be_positive_definite(metric: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="a metric tensor must be positive definite, but got"):
        Lattice.from_metric(np.array(metric, dtype=float))


def assert_close(actual: Metric, expected: Metric) -> None:
    """Equal up to eigendecompositions of 2x2 matrices with condition numbers up to about 1e5."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("system", ["oblique", "rectangular"])
def test_random_lattices_keep_clear_of_richer_ones(system: LatticeSystem) -> None:
    """By Gauss's reduction: the reduced basis is never nearly rectangular, rhombic or square without need."""
    generator = np.random.default_rng(7)
    for _ in range(2000):
        a, b = Lattice.random(system, generator).basis.T
        while True:
            a, b = (a, b) if a @ a <= b @ b else (b, a)
            step = round(float(a @ b) / float(a @ a))
            if not step:
                break
            b = b - step * a
        cosine = abs(float(a @ b)) / float(a @ a)
        ratio = float(np.hypot(*b) / np.hypot(*a))
        assert ratio > 1.05
        assert cosine < 0.46
        if system == "oblique":
            assert abs(float(np.degrees(np.arccos(a @ b / np.hypot(*a) / np.hypot(*b)))) - 90) > 3.9
