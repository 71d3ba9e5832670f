"""The tree: every group and relation that it should show, none else, and no line through a group."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from wallpaper.pictures.colours import THEME
from wallpaper.pictures.tree import NODE_HEIGHT, NODE_WIDTH, subgroup_tree
from wallpaper.pictures.tree_layout import SPACING, Graph, crossings, place
from wallpaper.plane import GROUP_NAMES, plane_group
from wallpaper.plane.routes import joining_groups, route_steps, widest_route
from wallpaper.plane.subgroups import edges, supergroups

NAME = "{http://www.w3.org/2000/svg}"
WHOLE = subgroup_tree(title="All & every")


def nodes(text: str) -> dict[str, tuple[float, float]]:
    """Middles of the groups' boxes, by the name that is written in them."""
    root = ElementTree.fromstring(text)
    boxes = [r for r in root.iter(f"{NAME}rect") if float(r.get("height", "0")) == NODE_HEIGHT]
    middles = [(float(r.get("x", "0")) + NODE_WIDTH / 2, float(r.get("y", "0")) + NODE_HEIGHT / 2) for r in boxes]
    names = [t for t in root.iter(f"{NAME}text") if t.text in GROUP_NAMES and t.get("font-weight") == "650"]
    assert len(names) == len(boxes)
    return {
        str(t.text): min(middles, key=lambda m: math.dist(m, (float(t.get("x", "0")), float(t.get("y", "0")))))
        for t in names
    }


def down_lines(text: str) -> list[tuple[float, float, float, float]]:
    """Lines that go down from a box to a box."""
    lines = [
        tuple(float(line.get(key, "0")) for key in ("x1", "y1", "x2", "y2"))
        for line in ElementTree.fromstring(text).iter(f"{NAME}line")
    ]
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in lines if y2 > y1]


def labels(text: str) -> Counter[str]:
    return Counter(
        str(t.text) for t in ElementTree.fromstring(text).iter(f"{NAME}text") if re.fullmatch(r"[tk]\d", str(t.text))
    )


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_without_a_title_there_is_no_room_for_one_and_nothing_is_cut_off(name: str) -> None:
    shown = [name, *(edge.group for edge in edges() if edge.parent == name), *supergroups(name)]
    text = subgroup_tree(shown, marked=[name])
    curves = re.findall(r'd="M([^"]*)" fill="none"', text)
    ends = [float(y) for curve in curves for y in re.findall(r",(-?[\d.]+)", curve)]
    tops = [y - NODE_HEIGHT / 2 for _, y in nodes(text).values()]
    assert 0 <= min(ends + tops) <= min(tops) < 50


def test_all_17_stand_on_the_level_of_their_order() -> None:
    places = nodes(WHOLE)
    assert set(places) == set(GROUP_NAMES)
    for first, second in combinations(GROUP_NAMES, 2):
        orders = [plane_group(name).order for name in (first, second)]
        (x1, y1), (x2, y2) = places[first], places[second]
        assert (y1 == y2) == (orders[0] == orders[1])
        assert (y1 < y2) == (orders[0] > orders[1])
        assert y1 != y2 or abs(x1 - x2) > NODE_WIDTH


def test_every_relation_is_a_line_with_its_label() -> None:
    expected = Counter(edge.label for edge in edges(kind="t"))
    both_ways = {frozenset((edge.parent, edge.group)) for edge in edges(kind="k")}
    assert len(down_lines(WHOLE)) == 31
    assert labels(WHOLE) == expected + Counter({"k2": len(both_ways) - 1, "k3": 1})
    assert WHOLE.count("marker-end") == len(both_ways) == 10
    assert WHOLE.count("marker-start") == 13 - 10


def test_lines_join_the_right_groups() -> None:
    places = nodes(WHOLE)
    found = set()
    for x1, y1, x2, y2 in down_lines(WHOLE):
        upper = min(places, key=lambda name: math.dist(places[name], (x1, y1 - NODE_HEIGHT / 2)))
        lower = min(places, key=lambda name: math.dist(places[name], (x2, y2 + NODE_HEIGHT / 2)))
        found.add((upper, lower))
    assert found == {(edge.parent, edge.group) for edge in edges(kind="t")}


def test_no_line_runs_through_a_group() -> None:
    places = nodes(WHOLE)
    for x1, y1, x2, y2 in down_lines(WHOLE):
        for x, y in places.values():
            for share in np.linspace(0.02, 0.98, 97):
                u, v = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
                assert abs(u - x) > NODE_WIDTH / 2 or abs(v - y) > NODE_HEIGHT / 2


def test_a_part_shows_only_what_joins_two_groups() -> None:
    route = widest_route("pmm", "p3m1")
    text = subgroup_tree(joining_groups(route), title="part", marked=route.groups, steps=route_steps(route))
    assert set(nodes(text)) == set(joining_groups(route))
    assert len(down_lines(text)) == 4
    bold = [line for line in ElementTree.fromstring(text).iter(f"{NAME}line") if line.get("stroke") == THEME["accent"]]
    assert len(bold) == 4 + 1  # and the legend's
    marked = [r for r in ElementTree.fromstring(text).iter(f"{NAME}rect") if r.get("stroke") == THEME["accent"]]
    assert len(marked) == len(route.groups)


def test_everything_is_inside_the_picture_and_text_is_escaped() -> None:
    root = ElementTree.fromstring(WHOLE)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for x, y in nodes(WHOLE).values():
        assert NODE_WIDTH / 2 < x < width - NODE_WIDTH / 2
        assert NODE_HEIGHT / 2 < y < height - NODE_HEIGHT / 2
    assert root.findtext(f"{NAME}title") == "All & every"
    assert subgroup_tree(title="All & every") == WHOLE


def test_one_group_is_a_tree_too() -> None:
    assert set(nodes(subgroup_tree(["p6mm"]))) == {"p6m"}


def test_no_group_is_refused() -> None:
    with pytest.raises(ValueError, match="a tree must show at least one group, but got none"):
        subgroup_tree([])
    with pytest.raises(ValueError, match="unknown wallpaper group 'p7'"):
        subgroup_tree(["p7"])


def test_crossings_are_counted_once_and_common_ends_are_none() -> None:
    cross, beside, fan = [[0, 0, 2, 2], [2, 0, 0, 2]], [[0, 0, 0, 2], [1, 0, 1, 2]], [[0, 0, 1, 2], [0, 0, 2, 2]]
    assert [crossings(np.array(each, float)) for each in (cross, beside, fan, cross + beside)] == [1, 0, 0, 3]


def test_places_undo_a_tangle() -> None:
    """Two pairs that cross in every start where they stand the wrong way round; levels keep their distance."""
    graph = Graph((0, 0, 1, 1), ((0, 3), (1, 2)), ())
    places = place(graph)
    assert (places[0] - places[1]) * (places[3] - places[2]) > 0
    assert abs(places[0] - places[1]) >= SPACING <= abs(places[2] - places[3])
    assert places.min() == 0
