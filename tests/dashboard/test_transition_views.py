"""Elements, spectrum, latent path, matrix and the words and tables of groups, as pure functions."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dashboard.theme import DARK, LIGHT
from dashboard.views.elements import element_set
from dashboard.views.groups import cayley_markup, facts, tree_drawing
from dashboard.views.matrix import Scale, matrix_markup, orders, scale_of, summary
from dashboard.views.transitions import principal_plane, spectrum_drawing, spectrum_legend, way_drawing
from wallpaper.pictures.colours import BY_ROTATION, contrast
from wallpaper.plane import DEN, GROUP_NAMES, Op, plan_route, plane_group
from wallpaper.symmetry import symmetry_spectrum

ALL = pytest.mark.parametrize("name", GROUP_NAMES)

NEAR = 1e-3
"""Places are rounded to four digits."""


def moved(op: Op, x: float, y: float) -> tuple[float, float]:
    (a, b), (c, d) = op.rot
    return a * x + b * y + op.shift[0] / DEN, c * x + d * y + op.shift[1] / DEN


def is_whole(value: float) -> bool:
    return abs(value - round(value)) < NEAR


@ALL
def test_every_centre_is_fixed_by_as_many_rotations_as_its_order(name: str) -> None:
    operations = plane_group(name).operations
    found = element_set(operations, 2).centres
    assert bool(found) == (plane_group(name).rotation_order > 1)
    for x, y, order, _, _ in found:
        images = [moved(op, x, y) for op in operations if op.det == 1]
        fixing = sum(is_whole(u - x) and is_whole(v - y) for u, v in images)
        assert fixing == order


@ALL
def test_every_line_is_kept_by_an_operation_along_it(name: str) -> None:
    operations = plane_group(name).operations
    reversing = [op for op in operations if op.det == -1]
    found = element_set(operations, 2).lines
    assert bool(found) == bool(reversing)
    for x0, y0, x1, y1, glide in found:
        moves = []
        for op in reversing:
            (u0, v0), (u1, v1) = moved(op, x0, y0), moved(op, x1, y1)
            along = abs((u1 - u0) - (x1 - x0)) + abs((v1 - v0) - (y1 - y0)) < NEAR
            if along:
                moves.append(is_whole(u0 - x0) and is_whole(v0 - y0))
        assert any(moves) == (not glide)


def test_elements_reach_as_far_as_is_asked() -> None:
    found = element_set(plane_group("p2").operations, 2).centres
    assert len(found) == 9 * 9  # every half from -2 to 2
    assert {max(abs(x), abs(y)) for x, y, *_ in found} == {0, 0.5, 1, 1.5, 2}


def test_the_plane_of_a_path_keeps_its_distances_and_begins_at_the_left() -> None:
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.normal(size=(6, 6)))[0]
    flat = np.stack([np.linspace(0, -3, 8), np.linspace(0, 1, 8) ** 2], axis=1)
    found, share = principal_plane(flat @ turn[:2] + 4)
    assert share == pytest.approx(1)
    assert found[0, 0] < found[-1, 0]
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(found, axis=0), axis=1), np.linalg.norm(np.diff(flat, axis=0), axis=1), atol=1e-12
    )


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_a_path_is_drawn_inside_its_box(dimensions: int) -> None:
    latents = np.random.default_rng(1).normal(size=(9, dimensions)).cumsum(axis=0)
    way = way_drawing(latents, "p1", "p6m", [0, 4, 8])
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in way.places)
    assert way.drawing.count("<circle") == 3
    assert ">p1<" in way.drawing
    assert ">p6m<" in way.drawing


def test_a_path_that_does_not_move_is_drawn_too() -> None:
    way = way_drawing(np.zeros((3, 4)), "p1", "p2", [0, 2])
    assert way.places == ((0.5, 0.5),) * 3


def test_the_spectrum_has_a_line_for_each_operation_and_says_what_they_are() -> None:
    legs = plan_route("cmm", "p4m").legs
    frames = np.random.default_rng(2).random((3, 1, 8, 8))
    spectrum = symmetry_spectrum(frames, [0, 0.5, 1], legs)
    drawing = spectrum_drawing(spectrum)
    assert drawing.count("<polyline") == len(spectrum.lines) == 7
    assert drawing.count("<title>") == 7
    assert spectrum_legend(spectrum) == [("common", "3 kept all the way"), ("target", "4 of the target")]


def test_the_matrix_has_every_pair_once_and_one_can_be_reached_by_tab() -> None:
    values = orders(widest=False)
    markup = matrix_markup(values, "kept", ("p4", "p4m"), {("p1", "p2"): "/artifact/x.gif"})
    pairs = re.findall(r'data-source="(\w+)" data-target="(\w+)" data-value="(\d+)"', markup)
    assert len(pairs) == len({pair[:2] for pair in pairs}) == 272
    assert [pair[0] for pair in pairs[::16]] == list(BY_ROTATION)
    assert markup.count('tabindex="0"') == markup.count('aria-pressed="true"') == 1
    assert ("p4", "p4m", "4") in pairs
    assert ("p6m", "p6", "6") in pairs
    assert ("p3", "p4", "1") in pairs
    assert markup.count("data-preview") == 1


def test_orders_hold_both_ways_and_a_route_keeps_no_less() -> None:
    direct, widest = orders(widest=False), orders(widest=True)
    assert all(direct[s, t] == direct[t, s] and widest[s, t] >= direct[s, t] for s, t in direct)
    assert any(widest[pair] > direct[pair] for pair in direct)


def test_a_flat_scale_has_one_shade() -> None:
    assert scale_of({("p1", "p2"): 3.0}, "length").shade(3.0) == 0
    assert Scale(1, 12, by_octaves=True).shade(12) == 5


def test_two_groups_in_a_sentence() -> None:
    assert summary("p4", "p4m") == "p4 (order 4) and p4m (order 8) share order 4."
    assert summary("pm", "p4") == "pm (order 2) and p4 (order 4) share order 1; the widest route keeps order 2."


def test_facts_are_those_of_international_tables() -> None:
    found = dict(facts("p4g"))
    assert found["Number in International Tables"] == "12"
    assert found["Full symbol"] == "p4gm"
    assert found["Rotation centres in a cell"] == "2 of order 2, 2 of order 4"
    assert dict(facts("p1"))["Generators"] == "translations alone"


@ALL
def test_products_are_a_latin_square(name: str) -> None:
    operations = plane_group(name).operations
    numbers = [int(value) for value in re.findall(r"<td class=[^>]*>(\d+)</td>", cayley_markup(name))]
    n = len(operations)
    table = np.array(numbers).reshape(n, n)
    for line in (*table, *table.T):
        assert sorted(line) == list(range(1, n + 1))
    assert list(table[0]) == list(range(1, n + 1))  # the identity first


def test_a_product_acts_from_right_to_left() -> None:
    operations = [op.xyz for op in plane_group("pgg").operations]
    markup = cayley_markup("pgg")
    title = re.search(r'title="\(-x,-y\) after \(x\+1/2,-y\+1/2\) is \(([^)]*)\)">(\d+)<', markup)
    assert title is not None
    assert operations[int(title[2]) - 1] == title[1] == "-x+1/2,y+1/2"


@ALL
def test_the_names_in_the_light_tree_can_be_read(name: str) -> None:
    dark, light = tree_drawing(name, DARK), tree_drawing(name, LIGHT)
    assert DARK.card in dark
    assert not any(f'fill="{colour}"' in light for colour in (DARK.card, "#242424"))
    names = re.findall(r'font-size="18"[^>]*fill="(#\w{6})"', light)
    assert names
    assert all(contrast(colour, "#eef1f4") >= 4.5 for colour in names)
