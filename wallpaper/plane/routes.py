"""Ways from one plane group to another through others, chosen so that as much symmetry as possible stays.

A leg joins two groups in the alignment with their largest common subgroup. A route is as wide as the smallest
of these: the bottleneck of a path in a weighted graph. All legs lie on one cell, that of the first group, so
what one leg ends with is what the next begins with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from wallpaper.plane.groups import GROUP_NAMES, plane_group
from wallpaper.plane.lattice import Lattice, distance, invariant_metric
from wallpaper.plane.operation import IDENTITY, Op
from wallpaper.plane.relations import Alignment, align, common_order, primitive_metric
from wallpaper.plane.subgroups import subgroup_chain

RouteKind: TypeAlias = Literal["direct", "widest"]
ROUTES: tuple[RouteKind, ...] = get_args(RouteKind)


@dataclass(frozen=True)
class Route:
    """Legs from the first group to the last."""

    legs: tuple[Alignment, ...]
    """Each on the first group's primitive cell: `target_frame` of one is `source_frame` of the next."""
    strain: float
    """How far the typical lattice of the first group is distorted, all legs added: length of the metrics' path."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of all groups on the way, both ends included."""
        return (*(leg.source for leg in self.legs), self.legs[-1].target)

    @property
    def width(self) -> int:
        """The least order of a leg's common subgroup: what every frame on the way keeps."""
        return min(leg.order for leg in self.legs)

    @property
    def ends(self) -> Alignment:
        """How the last group finally lies over the first; their common subgroup there may be smaller than any leg's."""
        first, last = self.legs[0], self.legs[-1]
        there = set(last.target_operations)
        common = tuple(op for op in first.common if op in there)
        return Alignment(first.source, last.target, last.axes, last.shift, common, first.source_frame)


def plan_route(source: str, target: str, kind: str = "direct") -> Route:
    """The direct or the widest route between two groups.

    Raises: ValueError: unknown group, both the same, or another kind of route.
    """
    first, last = plane_group(source).name, plane_group(target).name
    if first == last:
        raise ValueError(f"`source != target` must hold, but both are {first}; a route joins different groups only")
    if kind not in ROUTES:
        raise ValueError(f"`route` must be one of {', '.join(ROUTES)}, but got {kind!r}")
    return widest_route(first, last) if kind == "widest" else direct_route(first, last)


@cache
def direct_route(source: str, target: str) -> Route:
    """The one leg of `align`."""
    leg = align(source, target)
    return Route((leg,), _leg_strain(leg))


@cache
def widest_route(source: str, target: str) -> Route:
    """The route whose narrowest leg is widest; among those the one with the fewest legs, then the least strain.

    Waypoints may be subgroups, supergroups or neither.
    """
    width = widest_order(source, target)
    if common_order(source, target) == width:
        return direct_route(source, target)
    routes = [_lay(groups) for groups in _shortest_ways(source, target, width)]
    return min(routes, key=lambda route: (round(route.strain, 9), [-leg.order for leg in route.legs], route.groups))


@cache
def widest_order(source: str, target: str) -> int:
    """The width of the widest route: the order that every frame on it keeps."""
    most = min(plane_group(name).order for name in (source, target))
    return next(width for width in range(most, 0, -1) if next(_shortest_ways(source, target, width), None) is not None)


def _shortest_ways(source: str, target: str, width: int) -> Iterator[tuple[str, ...]]:
    """All ways of fewest legs, each leg of at least this order; none if there is no way."""
    ways: list[tuple[str, ...]] = [(source,)]
    reached = {source}
    while ways and target not in reached:
        ways = [
            (*way, name)
            for way in ways
            for name in GROUP_NAMES
            if name not in reached and common_order(way[-1], name) >= width
        ]
        reached |= {way[-1] for way in ways}
    yield from (way for way in ways if way[-1] == target)


def leg_ends(legs: int, n_frames: int) -> list[int]:
    """(legs + 1) indices of the frames at which legs begin and end, as evenly spaced as whole frames can be.

    >>> leg_ends(3, 50)
    [0, 16, 33, 49]

    Raises: ValueError: too few frames to show every group on the way.
    """
    if n_frames < legs + 1:
        what = "both ends" if legs == 1 else f"the {legs + 1} groups on the way"
        raise ValueError(f"`n_frames >= {legs + 1}` must hold to show {what}, but got {n_frames}")
    return [round(leg * (n_frames - 1) / legs) for leg in range(legs + 1)]


def _lay(groups: tuple[str, ...]) -> Route:
    """The route through these groups, each aligned to the one before.

    Alignments are those of typical lattices; on the lattices that groups have on the way none strains less (tested).
    """
    group = plane_group(groups[0])
    metric = primitive_metric(group, Lattice.standard(group.system).metric)
    frame, legs, strain = IDENTITY, [], 0.0
    for before, after in pairwise(groups):
        leg = align(before, after).seen_from(frame)
        reached = invariant_metric(metric, {op.rot for op in leg.target_operations})
        strain += distance(metric, reached)
        legs.append(leg)
        metric, frame = reached, Op(leg.axes, leg.shift)
    return Route(tuple(legs), strain)


def _leg_strain(leg: Alignment) -> float:
    group = plane_group(leg.source)
    metric = primitive_metric(group, Lattice.standard(group.system).metric)
    return distance(metric, invariant_metric(metric, {op.rot for op in leg.target_operations}))


def joining_groups(route: Route) -> tuple[str, ...]:
    """The groups of the subgroup tree that join a route's: all between a leg's ends and its common subgroup."""
    names = {
        name
        for leg in route.legs
        for end in (leg.source, leg.target)
        for name in GROUP_NAMES
        if subgroup_chain(end, name) is not None and subgroup_chain(name, leg.common_group) is not None
    }
    return tuple(name for name in GROUP_NAMES if name in names)


def route_steps(route: Route) -> frozenset[tuple[str, str]]:
    """The edges (group, maximal t-subgroup) of the tree along which the route goes down and up again."""
    return frozenset(
        (step.parent, step.group)
        for leg in route.legs
        for end in (leg.source, leg.target)
        for step in subgroup_chain(end, leg.common_group) or ()
    )
