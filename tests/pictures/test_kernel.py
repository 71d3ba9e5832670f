"""The kernels: exact symmetry for all groups and bases, closed forms, and scipy as an oracle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.interpolate import LinearNDInterpolator

from wallpaper.pictures.kernel import blur, refine, sample, sample_axes
from wallpaper.plane import GROUP_NAMES, Lattice, Op, align, plane_group, primitive_operations
from wallpaper.plane.lattice import change_basis
from wallpaper.plane.relations import primitive_metric
from wallpaper.symmetry import project, project_onto, residuals

ATOL = 1e-12  # sums of at most 16 numbers of order 1 in float64, at coordinates rounded to 1e-15
SIDE = 24
ALL = pytest.mark.parametrize("name", GROUP_NAMES)
SHEAR = np.array([[1, 3], [1, 4]])  # determinant 1


def noise(seed: int = 0, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).random((side, side, 3))


def symmetric(name: str, side: int = SIDE) -> np.ndarray:
    image = torch.from_numpy(noise(side=side)).permute(2, 0, 1)
    return project(image, plane_group(name).index).permute(1, 2, 0).numpy()


def lattice_of(name: str) -> Lattice:
    return Lattice.random(plane_group(name).system, np.random.default_rng(plane_group(name).index))


def moved(op: Op, points: np.ndarray) -> np.ndarray:
    return points @ np.array(op.rot).T + np.array(op.shift) / 12


def wave(h: int, k: int, side: int) -> np.ndarray:
    i, j = np.indices((side, side)) / side
    return np.repeat(np.cos(2 * np.pi * (h * i + k * j))[..., None], 3, axis=-1)


def worst_change(pattern: np.ndarray, lattice: Lattice, operations: tuple[Op, ...]) -> float:
    points = np.random.default_rng(1).uniform(-2, 2, (400, 2))
    values = sample(pattern, points, lattice)
    return max(float(np.abs(sample(pattern, moved(op, points), lattice) - values).max()) for op in operations)


@ALL
def test_every_operation_holds_between_the_samples(name):
    assert worst_change(symmetric(name), lattice_of(name), plane_group(name).operations) < ATOL


@ALL
def test_every_operation_holds_on_the_primitive_cell(name):
    operations = primitive_operations(name)
    image = project_onto(torch.from_numpy(noise()).permute(2, 0, 1), operations).permute(1, 2, 0).numpy()
    lattice = Lattice.from_metric(primitive_metric(plane_group(name), lattice_of(name).metric))
    assert worst_change(image, lattice, operations) < ATOL


@pytest.mark.parametrize(
    ("source", "target"),
    [("p4m", "p6m"), ("p6m", "p4m"), ("cmm", "p4m"), ("p4g", "p31m"), ("p31m", "cmm"), ("pm", "p3m1")],
)
def test_every_operation_of_a_target_holds_in_the_axes_of_a_transition(source, target):
    found = align(source, target)
    operations = found.target_operations
    image = project_onto(torch.from_numpy(noise()).permute(2, 0, 1), operations).permute(1, 2, 0).numpy()
    metric = primitive_metric(plane_group(target), Lattice.standard(plane_group(target).system).metric)
    lattice = Lattice.from_metric(change_basis(metric, found.axes))
    assert worst_change(image, lattice, operations) < ATOL


@pytest.mark.parametrize("gamma", [60.0, 120.0])
def test_both_hexagonal_cells_get_triangles(gamma):
    assert sample_axes(Lattice(1.0, 1.0, gamma)).hexagonal
    assert not sample_axes(Lattice(1.0, 1.0, gamma + 0.1)).hexagonal


def test_a_kernel_of_another_lattice_would_break_the_symmetry():
    pattern = symmetric("p6")
    assert worst_change(pattern, Lattice.standard("square"), plane_group("p6").operations) > 1e-2


@ALL
def test_the_samples_are_kept(name):
    pattern = symmetric(name)
    points = np.moveaxis(np.indices((SIDE, SIDE)), 0, -1) / SIDE + np.array([-1, 2])
    np.testing.assert_allclose(sample(pattern, points, lattice_of(name)), pattern, atol=1e-11)


def test_rectangular_sampling_is_scipys_bilinear():
    pattern, points = noise(), np.random.default_rng(2).uniform(-1, 2, (500, 2))
    expected = ndimage.map_coordinates(pattern[..., 0], points.T * SIDE, order=1, mode="grid-wrap")
    np.testing.assert_allclose(sample(pattern, points, Lattice(1.0, 1.3, 90.0))[:, 0], expected, atol=ATOL)


@pytest.mark.parametrize("gamma", [60.0, 120.0])
def test_hexagonal_sampling_is_scipys_interpolation_on_delaunay_triangles(gamma):
    pattern, lattice = noise(side=8), Lattice(1.0, 1.0, gamma)
    corners = np.moveaxis(np.indices((9, 9)), 0, -1).reshape(-1, 2)
    interpolator = LinearNDInterpolator(corners / 8 @ lattice.basis.T, pattern[corners[:, 0] % 8, corners[:, 1] % 8, 0])
    points = np.random.default_rng(3).uniform(0.05, 0.95, (300, 2))
    expected = interpolator(points @ lattice.basis.T)
    np.testing.assert_allclose(sample(pattern, points, lattice)[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize("system", ["rectangular", "square", "hexagonal"])
def test_a_sheared_basis_of_the_same_lattice_gives_the_same_function(system):
    lattice, pattern = Lattice.standard(system), noise()
    i, j = np.tensordot(SHEAR, np.indices((SIDE, SIDE)), axes=1) % SIDE
    sheared, same = pattern[i, j], Lattice.from_metric(change_basis(lattice.metric, SHEAR))
    points = np.random.default_rng(4).uniform(-1, 1, (300, 2))
    np.testing.assert_allclose(sample(sheared, points, same), sample(pattern, points @ SHEAR.T, lattice), atol=1e-11)
    np.testing.assert_allclose(blur(sheared, same, 0.05), blur(pattern, lattice, 0.05)[i, j], atol=1e-11)
    i, j = np.tensordot(SHEAR, np.indices((2 * SIDE, 2 * SIDE)), axes=1) % (2 * SIDE)
    np.testing.assert_allclose(refine(sheared, same, 2), refine(pattern, lattice, 2)[i, j], atol=1e-11)


@ALL
@pytest.mark.parametrize("factor", [2, 3])
def test_refinement_keeps_the_symmetry_and_the_samples(name, factor):
    pattern = symmetric(name, 12)
    fine = refine(pattern, lattice_of(name), factor)
    assert fine.shape == (12 * factor, 12 * factor, 3)
    np.testing.assert_allclose(fine[::factor, ::factor], pattern, atol=ATOL)
    assert residuals(np.moveaxis(fine, -1, 0), plane_group(name).operations).max() < ATOL


@pytest.mark.parametrize("system", ["oblique", "rectangular", "hexagonal"])
def test_refinement_is_of_third_order(system):
    errors = []
    for side in (32, 64):
        fine = refine(wave(2, -1, side), Lattice.standard(system), 2)
        errors.append(np.abs(fine - wave(2, -1, 2 * side)).max())
    assert errors[0] / errors[1] > 7.5


@ALL
def test_blur_keeps_the_symmetry_and_the_mean(name):
    pattern = symmetric(name)
    smooth = blur(pattern, lattice_of(name), 0.04)
    assert residuals(np.moveaxis(smooth, -1, 0), plane_group(name).operations).max() < ATOL
    np.testing.assert_allclose(smooth.mean(axis=(0, 1)), pattern.mean(axis=(0, 1)), atol=ATOL)
    assert smooth.std() < 0.7 * pattern.std()


@pytest.mark.parametrize("seed", range(8))
def test_every_wave_is_damped_as_its_shortest_alias(seed):
    """Against a search over 169 aliases of every wave, on lattices as skew as they come."""
    side, sigma, generator = 10, 0.06, np.random.default_rng(seed)
    lattice = Lattice(1.0, float(generator.uniform(0.5, 2)), float(generator.uniform(25, 155)))
    h, k = np.indices((side, side))
    aliases = [(h + side * m, k + side * n) for m in range(-6, 7) for n in range(-6, 7)]
    dual = np.linalg.inv(lattice.metric)
    squares = np.min([dual[0, 0] * u * u + 2 * dual[0, 1] * u * v + dual[1, 1] * v * v for u, v in aliases], axis=0)
    spectrum = np.fft.fft2(noise(seed, side), axes=(0, 1)) * np.exp(-2 * np.pi**2 * sigma**2 * squares)[..., None]
    expected = np.fft.ifft2(spectrum, axes=(0, 1)).real
    np.testing.assert_allclose(blur(noise(seed, side), lattice, sigma), expected, atol=ATOL)


@pytest.mark.parametrize("side", [15, 16])
@pytest.mark.parametrize("gamma", [75.0, 90.0, 120.0])
def test_blur_damps_a_wave_by_the_gaussians_transform(gamma, side):
    lattice, sigma = Lattice(1.0, 1.4, gamma), 0.11
    k = np.linalg.inv(lattice.basis).T @ np.array([2, 1])
    expected = np.exp(-2 * np.pi**2 * sigma**2 * (k @ k)) * wave(2, 1, side)
    np.testing.assert_allclose(blur(wave(2, 1, side), lattice, sigma), expected, atol=ATOL)


def test_errors_name_the_shape_and_the_value():
    lattice = Lattice.standard("square")
    with pytest.raises(ValueError, match=r"\(n, n, C\), but got \(4, 5, 3\)"):
        sample(np.zeros((4, 5, 3)), np.zeros((1, 2)), lattice)
    with pytest.raises(ValueError, match=r"factor >= 1.*got 0"):
        refine(noise(), lattice, 0)
    with pytest.raises(ValueError, match=r"sigma >= 0.*got -1"):
        blur(noise(), lattice, -1)
