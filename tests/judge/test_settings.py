"""Settings of the groups on every kind of lattice, counted by hand from the subgroups of the point groups."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from wallpaper.judge.settings import isometries, metric_system, reduced_basis, settings
from wallpaper.plane import Lattice
from wallpaper.plane.lattice import Metric
from wallpaper.plane.operation import multiply

RHOMBIC = Lattice(1, 1, 100).metric

EXPECTED = {
    "oblique": (Lattice(1, 1.2, 97).metric, "p1 p2"),
    "rectangular": (Lattice(1, 1.3, 90).metric, "p1 p2 pm pm pg pg pmm pmg pmg pgg"),
    "rhombic": (RHOMBIC, "p1 p2 cm cm cmm"),
    "square": (np.eye(2), "p1 p2 pm pm pg pg cm cm pmm pmg pmg pgg cmm p4 p4m p4g"),
    "hexagonal": (Lattice(1, 1, 120).metric, "p1 p2 cm cm cm cm cm cm cmm cmm cmm p3 p3m1 p31m p6 p6m"),
}
"""D4 has ten subgroups and D6 sixteen; those with axis mirrors admit glides too."""


@pytest.mark.parametrize(("metric", "names"), EXPECTED.values(), ids=EXPECTED)
def test_every_setting_once(metric: Metric, names: str) -> None:
    turn = np.array(reduced_basis(metric))
    found = settings(isometries(turn.T @ metric @ turn))
    assert Counter(setting.group for setting in found) == Counter(names.split())


@pytest.mark.parametrize("seed", range(8))
def test_a_reduced_basis_is_short_right_handed_and_between_60_and_120_degrees(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lattice = Lattice(1, generator.uniform(0.3, 3), generator.uniform(15, 165))
    turn = np.array(reduced_basis(lattice.metric))
    assert round(np.linalg.det(turn)) == 1
    reduced = turn.T @ lattice.metric @ turn
    assert 60 - 1e-6 <= Lattice.from_metric(reduced).gamma <= 120 + 1e-6
    lengths = [np.array(k) @ lattice.metric @ np.array(k) for k in product(range(-9, 10), repeat=2) if any(k)]
    assert reduced[0, 0] == pytest.approx(min(lengths))


@pytest.mark.parametrize("gamma", [118.4, 119.0, 119.5, 120.9, 121.7])
@pytest.mark.parametrize("ratio", [0.985, 1.0, 1.012])
def test_isometries_within_tolerance_always_form_a_group(ratio: float, gamma: float) -> None:
    metric = Lattice(1, ratio, gamma).metric
    turn = np.array(reduced_basis(metric))
    found = set(isometries(turn.T @ metric @ turn))
    assert {multiply(p, q) for p in found for q in found} == found
    assert len(found) in (2, 4, 12)


def test_the_metric_system_follows_from_the_number_of_isometries() -> None:
    assert metric_system(isometries(np.eye(2))) == "square"
    assert metric_system(isometries(Lattice(1, 1, 120).metric)) == "hexagonal"
