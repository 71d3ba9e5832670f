"""Marks and names can be told apart and read; formulas written out again from their sources."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from wallpaper.pictures.colours import BY_ROTATION, GROUP_COLOURS, MARKS, THEME, readable, rgb
from wallpaper.plane import GROUP_NAMES, LATTICE_SYSTEMS, plane_group


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    light = [float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (first, second)]
    return (max(light) + 0.05) / (min(light) + 0.05)


def oklab(colour: str) -> np.ndarray:
    """Ottosson, "A perceptual color space for image processing" (2020)."""
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    ) @ linear(colour)
    return np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    ) @ np.cbrt(lms)


def test_every_group_has_a_colour_and_a_mark():
    assert tuple(GROUP_COLOURS) == tuple(MARKS) == GROUP_NAMES
    assert set(LATTICE_SYSTEMS) <= set(THEME)
    assert sorted(BY_ROTATION) == sorted(GROUP_NAMES)
    orders = [plane_group(name).rotation_order for name in BY_ROTATION]
    assert orders == sorted(orders)


def test_marks_show_on_the_card_and_names_can_be_read():
    for name in GROUP_NAMES:
        assert contrast(MARKS[name].colour, THEME["card"]) >= 3.4
        assert contrast(readable(name), THEME["card"]) >= 4.5
    assert readable("p6m") == MARKS["p6m"].colour
    assert readable("mine") == THEME["text"]


def test_marks_of_one_shape_differ_in_colour():
    for first, second in combinations(MARKS.values(), 2):
        if first.shape == second.shape:
            assert np.linalg.norm(oklab(first.colour) - oklab(second.colour)) > 0.09


def test_shape_tells_the_rotation_order():
    pairs = {(plane_group(name).rotation_order, mark.shape) for name, mark in MARKS.items()}
    assert len(pairs) == 5


def test_rgb_reads_hexadecimal():
    assert rgb("#0a80ff") == (10, 128, 255)
    with pytest.raises(ValueError, match="#rrggbb, but got 'red'"):
        rgb("red")
