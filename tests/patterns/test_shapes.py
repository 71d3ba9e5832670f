"""Fields of motifs and layers: true distances, orbits, special positions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from wallpaper.patterns.frame import Frame
from wallpaper.patterns.layers import FAR, BlobLayer, MotifLayer, VoronoiLayer
from wallpaper.patterns.motifs import SHAPES, Motif, draw_numbers
from wallpaper.patterns.placement import orbit_points, rosettes, scatter, settle, special_sites, spread_points
from wallpaper.plane import GROUP_NAMES, Lattice, plane_group

OBLIQUE = Lattice(1.3, 0.9, 74.0)
ATOL = 2e-6  # float32 coordinates below 2


def _frame(group: str = "p1", lattice: Lattice | None = None, side: int = 48) -> Frame:
    plane = plane_group(group)
    return Frame(plane, lattice or Lattice.standard(plane.system), side)


def _distance_by_hand(frame: Frame, point: tuple[float, float]) -> np.ndarray:
    """(side, side) distance to the nearest image of a point, over 25 cells, with the lattice's own basis."""
    n = frame.side
    i, j = np.indices((n, n)) / n
    basis = frame.lattice.basis / np.sqrt(frame.lattice.area)
    images = [
        np.hypot(*np.tensordot(basis, np.stack([i - point[0] + p, j - point[1] + q]), axes=1))
        for p, q in product(range(-2, 3), repeat=2)
    ]
    return np.asarray(np.min(images, axis=0))


@pytest.mark.parametrize("lattice", [OBLIQUE, Lattice.standard("hexagonal"), Lattice(2.0, 1.1, 90.0)])
@pytest.mark.parametrize("point", [(0.0, 0.0), (0.93, 0.41)])
def test_a_dot_is_round_in_the_plane_and_periodic(lattice: Lattice, point: tuple[float, float]) -> None:
    frame = _frame(lattice=lattice)
    dot = frame.spread(MotifLayer((Motif("dot", point, 0.7, 0.3, ()),)).fields(frame)[0])
    expected = np.maximum(0.3 - _distance_by_hand(frame, point), -FAR)
    np.testing.assert_allclose(dot, expected, atol=ATOL)


def test_a_gaussian_dot_is_round_in_the_plane() -> None:
    frame = _frame(lattice=OBLIQUE, side=96)
    bump = frame.spread(BlobLayer((Motif("gaussian", (0.5, 0.5), 0.3, 0.25, (1.0, 0.0)),)).fields(frame)[0])
    distance = _distance_by_hand(frame, (0.5, 0.5))
    near = distance < 0.35
    np.testing.assert_allclose(bump[near], np.exp(-4.5 * (distance[near] / 0.25) ** 2), atol=1e-4)
    i, j = np.indices((96, 96)) / 96 - 0.5
    x, y = np.tensordot(frame.basis, np.stack([i, j]), axes=1)
    moments = np.array([[(bump * p * q).sum() for p in (x, y)] for q in (x, y)]) / bump.sum()
    np.testing.assert_allclose(moments, np.eye(2) * moments[0, 0], atol=0.01 * moments[0, 0])


def test_voronoi_fields_match_distances_to_all_points() -> None:
    frame = _frame("p3", side=48)
    points = [tuple(p) for p in orbit_points(frame, (0.13, 0.31)).tolist()]
    layer = VoronoiLayer(tuple(points[:2]), tuple(points[2:]))
    seam, family, near = (frame.spread(values) for values in layer.fields(frame))
    distances = np.sort([_distance_by_hand(frame, p) for p in points], axis=0)
    rows = np.divmod(frame.table.first, frame.side)  # where fields are computed, not copied
    np.testing.assert_allclose(near[rows], -distances[0][rows], atol=ATOL)
    np.testing.assert_allclose(seam[rows], (distances[0] - distances[1])[rows] / 2, atol=ATOL)
    lead = np.minimum(*(_distance_by_hand(frame, p) for p in points[:2])) - _distance_by_hand(frame, points[2])
    np.testing.assert_allclose(family[rows], lead[rows], atol=ATOL)


@pytest.mark.parametrize("how", ["max", "sum"])
def test_combining_is_the_orbit_maximum_or_sum(how: str) -> None:
    frame = _frame("p4g", side=12)
    field = np.random.default_rng(0).integers(-50, 50, (12, 12)).astype(np.float32)
    combined = frame.spread(frame.combine(field, how))  # type: ignore[arg-type]
    for i, j in product(range(12), repeat=2):
        values = []
        for op in frame.group.operations:
            x = op.rot[0][0] * i + op.rot[0][1] * j + op.shift[0]  # 12 samples: twelfths are samples
            y = op.rot[1][0] * i + op.rot[1][1] * j + op.shift[1]
            values.append(field[x % 12, y % 12])
        assert combined[i, j] == (max(values) if how == "max" else sum(values))


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_positive_inside_negative_far_away_and_bounded_by_their_reach(shape: str) -> None:
    generator = np.random.default_rng(1)
    angle = np.linspace(0, 2 * np.pi, 200)
    grid = np.linspace(-2, 2, 81, dtype=np.float32)
    for _ in range(20):
        motif = Motif(shape, (0.0, 0.0), 0.4, 0.5, draw_numbers(shape, generator))
        body = motif.evaluate(grid[:, None], grid[None, :] + np.zeros_like(grid[:, None]))[0]
        assert body.max() > 0.02
        edge = (motif.reach() * np.stack([np.cos(angle), np.sin(angle)])).astype(np.float32)
        border = motif.evaluate(*edge)[0]
        assert border.max() < 0.02


def test_unknown_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="unknown shape 'heart'; one of gaussian"):
        draw_numbers("heart", np.random.default_rng(0))


def test_special_sites_are_those_of_international_tables() -> None:
    """Wyckoff positions of fixed points: p4g has 4 (2 a cell) and 2.mm (2 a cell); p6m has 6mm, 3m., 2mm."""
    p4g = {fixed for _, fixed in special_sites("p4g")}
    assert p4g == {2, 4}
    assert ((0, 0), 12) in special_sites("p6m")
    assert {fixed for _, fixed in special_sites("p6m")} == {12, 6, 4, 2}
    assert special_sites("p1") == special_sites("pg") == ()
    assert len(special_sites("p2")) == 4


@pytest.mark.parametrize("group", GROUP_NAMES)
def test_density_is_alike_for_all_groups(group: str) -> None:
    frame = _frame(group, side=16)
    generator = np.random.default_rng(2)
    for place in (scatter, rosettes):
        counts = [len(place(frame, 12.0, generator)) * len(frame.group.operations) for _ in range(5)]
        assert 8 <= np.mean(counts) <= 20


def test_spread_points_keep_apart() -> None:
    frame = _frame("p4", side=16)
    _, points = spread_points(frame, 3, np.random.default_rng(0), tries=30)
    assert len(points) == 12
    gaps = [_point_gap(frame, p, q) for k, p in enumerate(points) for q in points[:k]]
    assert min(gaps) > 0.45 / np.sqrt(12)


def test_settling_moves_clumps_to_their_middle_and_leaves_others() -> None:
    frame = _frame("p4m", side=16)
    assert settle(frame, (0.02, 0.01), 0.1) == pytest.approx((0, 0), abs=1e-12)
    assert settle(frame, (0.3, 0.02), 0.1) == pytest.approx((0.3, 0))
    assert settle(frame, (0.3, 0.15), 0.1) == pytest.approx((0.3, 0.15))


def _point_gap(frame: Frame, first: np.ndarray, second: np.ndarray) -> float:
    steps = [frame.basis @ (first - second + np.array(cell)) for cell in product((-1, 0, 1), repeat=2)]
    return float(min(np.hypot(*step) for step in steps))
