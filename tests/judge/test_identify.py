"""`identify` against patterns in closed form: every group, any origin, axes, noise, cell; and what is no pattern."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ALL_GROUPS
from tests.judge.waves import wave_pattern
from wallpaper.judge import identify
from wallpaper.plane import Lattice, PlaneGroup

EXACT = 1e-6
"""Correlations of float32 coefficients."""

UNIMODULAR = [
    np.array(m) for m in (((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 1), (0, 1)), ((2, 1), (1, 1)), ((0, -1), (1, 0)))
]


@ALL_GROUPS
def test_a_pattern_in_the_standard_setting_keeps_its_frame(group: PlaneGroup) -> None:
    pattern, lattice = wave_pattern(group.name, np.random.default_rng(group.index))
    found = identify(pattern, lattice)
    assert found.group == group.name
    assert found.probability > 0.99
    assert found.weakest_true > 1 - EXACT
    assert found.frame.matrix == ((1.0, 0.0), (0.0, 1.0))
    assert found.frame.shift == pytest.approx((0, 0), abs=1e-6)
    assert [op.xyz for op in found.operations] == [op.xyz for op in group.operations]
    assert found.residual < 1e-5
    assert max(op.largest for op in found.operations if op.largest is not None) < 1e-5


@ALL_GROUPS
@given(seed=st.integers(0, 2**32))
def test_any_origin_and_axes(group: PlaneGroup, seed: int) -> None:
    generator = np.random.default_rng(seed)
    axes = UNIMODULAR[generator.integers(len(UNIMODULAR))] @ UNIMODULAR[generator.integers(len(UNIMODULAR))]
    pattern, lattice = wave_pattern(group.name, generator, axes=axes, origin=generator.random(2))
    found = identify(pattern, lattice)
    assert found.group == group.name
    assert found.weakest_true > 1 - 1e-4
    assert found.lattice.meets(group.system)


@ALL_GROUPS
def test_the_frame_leads_to_the_standard_setting(group: PlaneGroup) -> None:
    """f(x) = F(M x + w) for a function F that has the printed operations: tested on the samples' own interpolation."""
    generator = np.random.default_rng([5, group.index])
    side = 48
    pattern, lattice = wave_pattern(group.name, generator, side=side, origin=generator.integers(0, side, 2) / side)
    found = identify(pattern, lattice)
    matrix, shift = np.array(found.frame.matrix), np.array(found.frame.shift)
    back = np.linalg.inv(matrix)
    points = generator.random((50, 2))
    values = _interpolate(pattern, points)
    for op in group.operations:
        standard = (points @ matrix.T + shift) @ np.array(op.rot).T + np.array(op.shift) / 12
        np.testing.assert_allclose(_interpolate(pattern, (standard - shift) @ back.T), values, atol=1e-4)


@pytest.mark.parametrize("sigma", [0.05, 0.15])
@ALL_GROUPS
def test_noise_does_not_change_the_answer(group: PlaneGroup, sigma: float) -> None:
    generator = np.random.default_rng([7, group.index])
    pattern, lattice = wave_pattern(group.name, generator, side=64, origin=generator.random(2))
    noisy = np.clip(pattern + generator.normal(0, sigma, pattern.shape), 0, 1)
    found = identify(noisy, lattice)
    assert found.group == group.name
    assert found.noise == pytest.approx(sigma, rel=0.25)


@ALL_GROUPS
def test_several_periods_are_taken_apart(group: PlaneGroup) -> None:
    pattern, lattice = wave_pattern(group.name, np.random.default_rng([9, group.index]), side=32)
    tiled = np.tile(pattern, (2, 2, 1))
    found = identify(tiled, Lattice(2 * lattice.a, 2 * lattice.b, lattice.gamma))
    assert found.group == group.name
    assert found.lattice.area == pytest.approx(lattice.area, rel=1e-6)


@pytest.mark.parametrize(
    ("group", "above"), [("p1", "p2"), ("p4", "p4m"), ("pm", "pmm"), ("p3", "p6"), ("p3m1", "p6m"), ("pg", "pgg")]
)
def test_pseudosymmetry_lets_the_probability_fall_from_one_to_nothing(group: str, above: str) -> None:
    """A pattern of the higher group with more and more of the lower one: the answer turns just once."""
    generator = np.random.default_rng(3)
    glides = np.array([0.25, 0.0]) if above == "pgg" else None  # the glide lines of pg and pgg on one another
    high, lattice = wave_pattern(above, generator, side=48, origin=glides)
    low, _ = wave_pattern(group, generator, side=48)
    shares = [0.0, 0.02, 0.05, 0.1, 0.3, 0.6]
    found = [identify((1 - share) * high + share * low, lattice) for share in shares]
    chances = [each.probabilities[above] for each in found]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.99
    assert chances[-1] < 0.01
    assert found[-1].group == group
    assert found[-1].strongest_false < 0.97


def test_a_grey_pattern_and_other_types_give_the_same_answer() -> None:
    pattern, lattice = wave_pattern("p31m", np.random.default_rng(1), channels=1)
    for samples in (
        pattern,
        pattern[..., 0],
        np.rint(255 * pattern).astype(np.uint8),
        np.rint(65535 * pattern).astype(np.uint16),
    ):
        assert identify(samples, lattice).group == "p31m"


def test_the_lattice_limits_the_group() -> None:
    """A pattern that is p4 in fractional coordinates is p2 on a rectangle: its quarter turn is no isometry there."""
    pattern, _ = wave_pattern("p4", np.random.default_rng(2))
    assert identify(pattern, Lattice(1, 1, 90)).group == "p4"
    assert identify(pattern, Lattice(1, 1.2, 90)).group == "p2"


def test_what_is_rejected_is_listed_with_the_best_first() -> None:
    pattern, lattice = wave_pattern("p4", np.random.default_rng(4))
    found = identify(pattern, lattice)
    correlations = [op.correlation for op in found.rejected]
    assert correlations == sorted(correlations, reverse=True)
    assert found.strongest_false == correlations[0] < 0.9
    assert {op.kind for op in found.rejected} <= {"mirror", "glide", "translation"}
    assert found.metric_system == "square"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (np.full((32, 32, 3), 0.5), "it is flat"),
        (np.zeros((32, 16, 3)), r"must be \(n, n\)"),
        (np.zeros((4, 4, 3)), "n >= 8"),
        (np.full((32, 32, 3), 300.0), "divide 0-255 by 255"),
        (np.full((32, 32, 3), np.nan), r"must be in \[0, 1\], but got nan"),
        (np.zeros((32, 32, 3), dtype=np.int64), "must be uint8, uint16 or float"),
        (np.zeros((32, 32, 7)), r"\(H, W, 4\)"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        identify(pattern, Lattice(1, 1, 90))


def _interpolate(pattern: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(P, C) trigonometric interpolation of periodic samples, by the direct sum."""
    side = len(pattern)
    waves = np.fft.fftfreq(side, 1 / side)
    spectrum = np.fft.fft2(pattern, axes=(0, 1)) / side**2
    first, second = (np.exp(2j * np.pi * points[:, axis, None] * waves) for axis in (0, 1))
    return np.einsum("pi,ijc,pj->pc", first, spectrum, second).real
