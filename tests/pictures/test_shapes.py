"""Polygons over pictures: areas and shades against arithmetic, seams between tiles, order."""

from __future__ import annotations

import numpy as np
import pytest

from wallpaper.pictures import shapes
from wallpaper.pictures.shapes import Polygon, lay_over, segment

WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)


def dark(height: int = 40, width: int = 60) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def rectangle(left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int, int]) -> Polygon:
    return Polygon(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]), colour)


def test_a_rectangle_covers_its_pixels_and_no_others() -> None:
    """Its corners are in the outermost sub-pixels, which belong to it."""
    drawn = lay_over(dark(), [rectangle(9.5 + 0.125, 4.5 + 0.125, 19.5 - 0.125, 14.5 - 0.125, WHITE)])
    assert (drawn[5:15, 10:20] == 255).all()
    assert drawn.astype(int).sum() == 255 * 3 * 100


def test_edges_are_smooth_and_the_area_is_right() -> None:
    corners = np.array([[10.3, 5.1], [50.2, 12.7], [30.9, 35.4]])
    drawn = lay_over(dark(), [Polygon(corners, WHITE)])
    (x1, y1), (x2, y2) = corners[1] - corners[0], corners[2] - corners[0]
    border = sum(np.hypot(*(corners[k] - corners[k - 1])) for k in range(3))
    area = abs(x1 * y2 - y1 * x2) / 2
    assert drawn[..., 0].sum() / 255 == pytest.approx(area, abs=border / 8)
    assert len(np.unique(drawn)) > 6


def test_a_stroke_has_its_length_and_width() -> None:
    stroke = segment(np.array([5.0, 20.0]), np.array([45.0, 20.0]), 4.0, WHITE)
    drawn = lay_over(dark(), [stroke])[..., 0] / 255
    assert drawn.sum() == pytest.approx(160, rel=0.01)
    assert drawn[20, 10] == 1
    assert drawn[17, 10] == 0
    assert segment(np.zeros(2), np.zeros(2), 1.0, WHITE).corners.shape == (4, 2)


def test_later_polygons_lie_above_and_opacity_blends() -> None:
    whole = (-1, -1, 60, 40)
    assert lay_over(dark(), [rectangle(*whole, WHITE), rectangle(*whole, BLACK)]).max() == 0
    assert lay_over(dark(), [rectangle(*whole, BLACK), rectangle(*whole, WHITE)]).min() == 255
    half = lay_over(dark(), [rectangle(*whole, (200, 100, 50, 128))])
    np.testing.assert_allclose(half[20, 30], [100, 50, 25], atol=1)


def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    polygons = [
        Polygon(np.random.default_rng(k).uniform(-20, 90, (3, 2)), (50 * k, 255 - 50 * k, 90, 255)) for k in range(5)
    ]
    ground = np.random.default_rng(9).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    whole = lay_over(ground, polygons)
    monkeypatch.setattr(shapes, "TILE", 16)
    np.testing.assert_array_equal(lay_over(ground, polygons), whole)


def test_the_picture_given_stays_as_it_was() -> None:
    ground = dark()
    assert lay_over(ground, []) is not ground
    lay_over(ground, [rectangle(0, 0, 30, 30, WHITE)])
    assert ground.max() == 0
