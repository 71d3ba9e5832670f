"""Routes: as wide as can be, as short as that allows, and without a break from leg to leg.

The oracle works on `pairs.json`, an independent computation of the 153 orders, with an algorithm of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations, pairwise, permutations
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ALL_GROUPS
from wallpaper.plane import GROUP_NAMES, Lattice, Op, PlaneGroup, align, plane_group, primitive_operations
from wallpaper.plane.lattice import change_basis, distance, invariant_metric
from wallpaper.plane.operation import IDENTITY, unimodular_inverse
from wallpaper.plane.relations import _largest_common, common_order, conjugate, primitive_metric
from wallpaper.plane.routes import (
    direct_route,
    joining_groups,
    plan_route,
    route_steps,
    widest_order,
    widest_route,
)

PAIRS: dict[str, tuple[int, str]] = json.loads(Path(__file__).with_name("pairs.json").read_text())
ATOL = 1e-9
"""Metrics near 1 after a few geodesics in float64."""


def orders() -> np.ndarray:
    """(17, 17) orders of the largest common subgroups, from the file."""
    table = np.zeros((17, 17), int)
    for pair, (order, _) in PAIRS.items():
        i, j = (GROUP_NAMES.index(name) for name in pair.split("|"))
        table[i, j] = table[j, i] = order
    return table


def test_widths_are_those_of_the_widest_paths() -> None:
    """Floyd and Warshall's algorithm with (max, min) in the place of (min, plus)."""
    widest = orders()
    for k in range(17):
        widest = np.maximum(widest, np.minimum(widest[:, k, None], widest[k]))
    found = [[widest_order(a, b) for b in GROUP_NAMES] for a in GROUP_NAMES]
    np.testing.assert_array_equal(found, widest)
    assert [[common_order(a, b) for b in GROUP_NAMES] for a in GROUP_NAMES] == orders().tolist()


def test_routes_have_the_fewest_legs_that_their_width_allows() -> None:
    """Powers of the matrix of legs that are wide enough."""
    table = orders()
    for source, target in permutations(GROUP_NAMES, 2):
        route = widest_route(source, target)
        wide = table >= route.width
        reached, legs = np.eye(17, dtype=bool), 0
        while not reached[GROUP_NAMES.index(source), GROUP_NAMES.index(target)]:
            reached, legs = (reached.astype(int) @ wide) > 0, legs + 1
        assert len(route.legs) == legs


def test_no_pair_without_p1_falls_below_two() -> None:
    pairs = list(combinations(GROUP_NAMES[1:], 2))
    assert Counter(widest_route(*pair).width for pair in pairs) == {2: 65, 3: 10, 4: 39, 6: 6}
    assert Counter(common_order(*pair) for pair in combinations(GROUP_NAMES, 2)) == {1: 64, 2: 52, 3: 7, 4: 10, 6: 3}


@ALL_GROUPS
def test_each_leg_begins_where_the_one_before_ended(group: PlaneGroup) -> None:
    for target in GROUP_NAMES:
        if target == group.name:
            continue
        route = widest_route(group.name, target)
        first, last = route.legs[0], route.legs[-1]
        assert (route.groups[0], route.groups[-1], first.source_frame) == (group.name, target, IDENTITY)
        assert set(first.source_operations) == set(primitive_operations(group.name))
        for before, after in pairwise(route.legs):
            assert (before.target, before.target_frame) == (after.source, after.source_frame)
            assert before.target_operations == after.source_operations
        for leg in route.legs:
            assert set(leg.common) == set(leg.source_operations) & set(leg.target_operations)
            assert leg.order == common_order(leg.source, leg.target) >= route.width
            assert leg.common[0] == IDENTITY
        assert set(route.ends.common) == set(first.source_operations) & set(last.target_operations)
        assert route.ends.target_operations == last.target_operations


@ALL_GROUPS
def test_the_strain_is_the_length_of_the_lattice_s_path(group: PlaneGroup) -> None:
    for target in set(GROUP_NAMES) - {group.name}:
        route = widest_route(group.name, target)
        metric = primitive_metric(group, Lattice.standard(group.system).metric)
        total = 0.0
        for leg in route.legs:
            for op in leg.source_operations:
                np.testing.assert_allclose(change_basis(metric, op.rot), metric, rtol=0, atol=ATOL)
            reached = invariant_metric(metric, {op.rot for op in leg.target_operations})
            total, metric = total + distance(metric, reached), reached
        assert route.strain == pytest.approx(total, abs=ATOL)


def test_p3m1_goes_to_p31m_by_p6m() -> None:
    """Both are subgroups of p6m: nothing is lost, and the lattice stays."""
    route = plan_route("p3m1", "p31m", "widest")
    assert (route.groups, route.width) == (("p3m1", "p6m", "p31m"), 6)
    assert route.strain == pytest.approx(0, abs=ATOL)
    assert route.ends.common_group == "p3"


def test_a_direct_route_is_the_alignment() -> None:
    for source, target in (("p1", "p6m"), ("pm", "p4"), ("cmm", "p4m")):
        route = plan_route(source, target)
        assert route.legs == (align(source, target),)
        assert route == direct_route(source, target)
        assert route.ends == route.legs[0]
    assert plan_route("p4", "p4m", "widest") == plan_route("p4", "p4m", "direct")
    assert plan_route("c2mm", "p4mm").groups == ("cmm", "p4m")


def test_no_other_alignment_of_a_leg_strains_its_lattice_less() -> None:
    """All axes that reach the order, tried on the lattice that the route has there."""
    tried = 0
    for source, target in permutations(GROUP_NAMES, 2):
        route = widest_route(source, target)
        group = plane_group(source)
        metric = primitive_metric(group, Lattice.standard(group.system).metric)
        for leg in route.legs:
            there = change_basis(metric, unimodular_inverse(leg.source_frame.rot))
            reached = invariant_metric(metric, {op.rot for op in leg.target_operations})
            for axes in {axes for axes, _ in _largest_common(leg.source, leg.target)[1]}:
                turned = {conjugate(op, Op(axes)).rot for op in primitive_operations(leg.target)}
                assert distance(metric, reached) < distance(there, invariant_metric(there, turned)) + ATOL
                tried += 1
            metric = reached
    assert tried > 1000


def test_the_groups_that_join_two() -> None:
    route = widest_route("p3", "p6")
    assert joining_groups(route) == ("p3", "p6")
    assert route_steps(route) == {("p6", "p3")}
    far = widest_route("pmm", "p3m1")
    assert far.groups == ("pmm", "p4m", "p6m", "p3m1")
    assert set(joining_groups(far)) == {"pmm", "cmm", "p4m", "p3m1", "p6m"}
    assert route_steps(far) == {("p4m", "pmm"), ("p4m", "cmm"), ("p6m", "cmm"), ("p6m", "p3m1")}


@pytest.mark.parametrize(
    ("source", "target", "kind", "message"),
    [
        ("p4", "p4mm", "wide", "`route` must be one of direct, widest, but got 'wide'"),
        ("p4m", "p4mm", "widest", "`source != target` must hold, but both are p4m"),
        ("p5", "p4", "direct", "unknown wallpaper group 'p5'"),
    ],
)
def test_what_cannot_be_is_refused(source: str, target: str, kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_route(source, target, kind)


def test_plane_group_order_bounds_the_width() -> None:
    for source, target in permutations(GROUP_NAMES, 2):
        assert 1 <= widest_order(source, target) <= min(plane_group(source).order, plane_group(target).order)
