"""Symmetry elements on pictures: they lie where the group says, keep its symmetry, and can be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import ALL_GROUPS
from wallpaper.pictures.colours import rgb
from wallpaper.pictures.legend import LARGEST_SIDE, LEGIBLE_CELL, legible, with_legend
from wallpaper.pictures.overlay import (
    CELL,
    CENTRE,
    GLIDE,
    MIRROR,
    chosen_cell,
    overlay,
    pen_for,
    render_with_elements,
    symbol,
)
from wallpaper.pictures.placement import Placement, place
from wallpaper.plane import Lattice, PlaneGroup, plane_group
from wallpaper.plane.elements import symmetry_elements

SIZE = 301
GROUND = (120, 160, 110)


def plain(height: int = SIZE, width: int = SIZE) -> np.ndarray:
    return np.full((height, width, 3), GROUND, np.uint8)


def placement_of(group: PlaneGroup, rotation: float = 25.0) -> Placement:
    return place(Lattice.standard(group.system), SIZE, 170.0, rotation, (0.4, 0.3))


def has(picture: np.ndarray, colour: str) -> np.ndarray:
    return (picture == np.array(rgb(colour), np.uint8)).all(axis=-1)


def inside(points: np.ndarray, margin: float = 2) -> np.ndarray:
    return points[((points >= margin) & (points <= SIZE - 1 - margin)).all(axis=-1)]


@ALL_GROUPS
def test_the_colours_at_the_elements_are_theirs(group: PlaneGroup) -> None:
    placement, elements = placement_of(group), symmetry_elements(group.operations)
    drawn = overlay(plain(), placement, group.operations, around=1)
    cells = np.stack(np.meshgrid(range(-3, 4), range(-3, 4)), axis=-1).reshape(-1, 2)
    for centre in elements.centres:
        at = inside(placement.pixels(np.array(centre.point, float) + cells)).round().astype(int)
        assert len(at)
        assert has(drawn, CENTRE)[at[:, 1], at[:, 0]].all()
    for line in elements.lines:
        normal = np.linalg.inv(placement.basis).T @ line.normal
        seen = np.argwhere(has(drawn, MIRROR if line.kind == "mirror" else GLIDE))[:, ::-1]
        off = (seen - placement.origin) @ normal - float(line.offset)
        near = np.abs(off - off.round()) / np.hypot(*normal) < 0.6
        assert near.sum() > 40, line


@ALL_GROUPS
def test_only_what_the_group_has_is_drawn(group: PlaneGroup) -> None:
    drawn = overlay(plain(), placement_of(group), group.operations, around=1)
    assert has(drawn, MIRROR).any() == (group.reflections > 0)
    assert has(drawn, GLIDE).any() == (group.glides > 0)
    assert (np.abs(drawn.astype(int) - rgb(CELL)).max(axis=-1) < 60).any()


@ALL_GROUPS
def test_the_drawing_has_the_translations_of_the_lattice(group: PlaneGroup) -> None:
    """Whole pixels apart, it is the same: lines, dashes and symbols repeat with the cell (its outline does not)."""
    placement = Placement(np.array([[60.0, 8.0], [-10.0, -71.0]]), np.array([150.0, 150.0]))
    drawn = overlay(plain(), placement, group.operations, around=1).astype(int)
    outline = placement.pixels(chosen_cell((SIZE, SIZE), placement) + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]))
    first, last = outline.min(axis=0) - 9, outline.max(axis=0) + 9
    rows, columns = np.indices((SIZE, SIZE))
    away = ~((columns >= first[0]) & (columns <= last[0]) & (rows >= first[1]) & (rows <= last[1]))
    moved, free = (np.roll(array, (-10, 60), axis=(0, 1)) for array in (drawn, away))
    border = 75
    window = (slice(border, -border), slice(border, -border))
    both = (away & free)[window]
    assert both.sum() > 1000
    assert np.abs(drawn - moved)[window][both].max() <= 70  # levels: an edge may fall into the next sub-pixel
    assert np.abs(drawn - moved)[window][both].mean() < 3  # 15 and more where lines or dashes are off


def test_mirror_images_of_the_drawing_are_the_drawing() -> None:
    group = plane_group("p4m")
    placement = Placement(np.array([[100.0, 0.0], [0.0, -100.0]]), np.array([150.0, 150.0]))
    drawn = overlay(plain(), placement, group.operations, around=1).astype(int)
    corner = chosen_cell((SIZE, SIZE), placement)
    assert corner.tolist() in [[0, 0], [-1, 0], [0, -1], [-1, -1]]
    outside = drawn[:, :45], drawn[:, :-46:-1]  # left and right of the outlined cell
    assert np.abs(outside[0] - outside[1]).mean() < 1  # what lies above where lines cross may differ
    assert np.abs(outside[0] - plain()[:, :45]).mean() > 10


@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("colour", [MIRROR, GLIDE, CENTRE])
def test_every_ink_stands_beside_a_light_edge(ground: int, colour: str) -> None:
    picture = np.full((SIZE, SIZE, 3), ground, np.uint8)
    drawn = overlay(picture, placement_of(plane_group("p6m")), plane_group("p6m").operations, around=1)
    ink, edge = has(drawn, colour), drawn.min(axis=-1) > 235
    assert ink.any()
    near = np.zeros_like(edge)
    for shift in range(-7, 8):
        near |= np.roll(edge, shift, axis=0) | np.roll(edge, shift, axis=1)
    assert near[ink].mean() > 0.75


def test_outside_the_cell_elements_are_fainter() -> None:
    group, placement = plane_group("p4m"), place(Lattice.standard("square"), SIZE, 110.0, 25.0, (0.5, 0.5))
    shown, faint, none = (
        overlay(plain(), placement, group.operations, around=share).astype(int) for share in (1, 0.25, 0)
    )
    marked = np.abs(shown - GROUND).max(axis=-1) > 0
    corner = np.abs(np.indices((SIZE, SIZE)) - SIZE // 2).max(axis=0) > 105
    np.testing.assert_allclose((faint - GROUND)[corner], 0.25 * (shown - GROUND)[corner], atol=1)
    assert (none[corner] == GROUND).all()
    assert (marked & corner).any()
    assert (none != GROUND).any()


def test_the_chosen_cell_is_whole_and_near_the_middle() -> None:
    for rotation in range(0, 360, 17):
        placement = place(Lattice.standard("hexagonal"), SIZE, 80.0, rotation, (0.5, 0.5))
        corners = placement.pixels(chosen_cell((SIZE, SIZE), placement) + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]))
        assert ((corners >= 0) & (corners <= SIZE - 1)).all()
        assert np.hypot(*(corners.mean(axis=0) - SIZE // 2)) < 60


def test_sizes_follow_the_cell_and_the_picture() -> None:
    lattice = Lattice.standard("square")
    small, large = (pen_for((256, 256), place(lattice, 256, scale)) for scale in (40.0, 200.0))
    assert small.symbol < large.symbol
    assert pen_for((4096, 4096), place(lattice, 4096, 40.0)).line > small.line


@pytest.mark.parametrize(("order", "corners"), [(2, 4), (3, 3), (4, 4), (6, 6)])
def test_symbols_are_the_printed_ones(order: int, corners: int) -> None:
    edge, ink = symbol(order, np.zeros(2), 0.3, pen_for((256, 256), place(Lattice.standard("square"), 256, 90.0)))
    assert len(ink.corners) == corners
    sides = np.hypot(*(ink.corners - np.roll(ink.corners, 1, axis=0)).T)
    np.testing.assert_allclose(sides, sides[0])
    assert np.allclose(np.hypot(*ink.corners.T), np.hypot(*ink.corners[0])) == (order != 2)
    assert (np.hypot(*edge.corners.T) > np.hypot(*ink.corners.T)).all()


def test_render_with_elements_draws_where_it_renders() -> None:
    group, pattern = plane_group("p4"), np.full((8, 8, 3), 0.5)
    options = {"size": 200, "cells": 2.0, "rotation": 15.0, "centre": (0.5, 0.5)}
    drawn = render_with_elements(pattern, Lattice.standard("square"), group.operations, **options)
    assert drawn.shape == (200, 200, 3)
    assert has(drawn, CENTRE)[99:101, 99:101].all()


def test_small_cells_are_enlarged_and_many_cells_cut_to_the_middle() -> None:
    rows, columns = np.indices((100, 120))
    picture = np.stack([2 * rows, 2 * columns, rows + columns], axis=-1).astype(np.uint8)
    placement = Placement(np.array([[40.0, 0.0], [0.0, 40.0]]), np.array([50.0, 30.0]))
    larger, moved = legible(picture, placement)
    assert larger.shape == (400, 480, 3)
    np.testing.assert_allclose(moved.basis, 4 * placement.basis)
    np.testing.assert_allclose(moved.pixels(np.array([0.0, 0.0])), [201.5, 121.5])  # the centre of 4 x 4 pixels
    np.testing.assert_allclose(larger[120:124, 200:204].mean(axis=(0, 1)), picture[30, 50], atol=1)
    many = np.zeros((1500, 1500, 3), np.uint8)
    cut, moved = legible(many, Placement(np.eye(2) * 20.0, np.array([750.0, 750.0])))
    assert cut.shape[0] <= LARGEST_SIDE
    assert np.sqrt(np.linalg.det(moved.basis)) >= LEGIBLE_CELL
    assert abs(moved.origin - cut.shape[0] / 2).max() < 10
    same, kept = legible(many, Placement(np.eye(2) * 200.0, np.zeros(2)))
    assert same is many
    assert (kept.basis == np.eye(2) * 200).all()


@ALL_GROUPS
def test_the_legend_is_a_strip_below(group: PlaneGroup) -> None:
    for width in (900, 420):
        picture = plain(300, width)
        drawn = with_legend(picture, group.operations, f"{group.name}   100.0%   a 85.3  b 85.3  angle 90°")
        assert drawn.shape[1:] == (width, 3)
        assert 300 < drawn.shape[0] < 380
        np.testing.assert_array_equal(drawn[:300], picture)
        assert has(drawn[300:], MIRROR).any() == (group.reflections > 0)
        assert has(drawn[300:], GLIDE).any() == (group.glides > 0)


def test_errors_say_what_must_hold() -> None:
    operations, placement = plane_group("p2").operations, Placement(np.eye(2) * 9.0, np.zeros(2))
    with pytest.raises(ValueError, match=r"uint8 \(h, w, 3\), but got float64 \(9, 9, 3\)"):
        overlay(np.zeros((9, 9, 3)), placement, operations)
    with pytest.raises(ValueError, match=r"a cell must measure 12 pixels to be drawn on, but got 9.0; enlarge it"):
        overlay(plain(), placement, operations)
