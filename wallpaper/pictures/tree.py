"""The Bärnighausen tree of plane groups as SVG: t-subgroups with their index on solid lines, k-subgroups dashed.

One level for each order of the point group, so translationengleiche steps go down and klassengleiche ones aside
(H. Bärnighausen, *MATCH* 9 (1980) 139). What is drawn is what `wallpaper.plane.subgroups` computes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from wallpaper.pictures.colours import THEME, readable
from wallpaper.pictures.tree_layout import Graph, place
from wallpaper.plane import GROUP_NAMES, plane_group
from wallpaper.plane.subgroups import Subgroup, edges

COLUMN, LEVEL = 66.0, 118.0
"""Distances of columns and levels in pixels."""

NODE_WIDTH, NODE_HEIGHT = 92.0, 48.0
MARGIN, GUTTER, HEAD, FOOT = 36.0, 84.0, 76.0, 64.0

PORT, TAG_BELOW = 27.0, 17.0
"""Distance of lines where they leave a group, and of their labels from it."""

T_COLOUR, K_COLOUR = "#7d8a8a", "#8f84c9"

Point = tuple[float, float]


@dataclass(frozen=True)
class _Side:
    """K-subgroups between two groups of one level, one way or both."""

    first: str
    second: str
    label: str
    both: bool


def subgroup_tree(
    names: Iterable[str] = GROUP_NAMES,
    *,
    title: str = "",
    marked: Sequence[str] = (),
    steps: Collection[tuple[str, str]] = (),
) -> str:
    """SVG text of the tree of these groups, with all maximal subgroup relations among them.

    Args:
        names: the groups to show. title: a line above.
        marked: groups to stand out, such as those of a route, in its order.
        steps: edges (group, subgroup) to stand out.
    Raises: ValueError: no group, or an unknown one.
    """
    shown = sorted({plane_group(name).name for name in names}, key=GROUP_NAMES.index)
    if not shown:
        raise ValueError("a tree must show at least one group, but got none")
    downward = [edge for edge in edges(kind="t") if {edge.parent, edge.group} <= set(shown)]
    sideways = _sides(shown)
    orders = sorted({plane_group(name).order for name in shown}, reverse=True)
    columns = _columns(shown, orders, downward, sideways)
    width = max(GUTTER + 2 * MARGIN + max(columns.values()) * COLUMN + NODE_WIDTH, 640.0)
    left = GUTTER + (width - GUTTER - max(columns.values()) * COLUMN) / 2
    head = HEAD if title else MARGIN
    points = {
        name: (left + column * COLUMN, head + NODE_HEIGHT / 2 + orders.index(plane_group(name).order) * LEVEL)
        for name, column in columns.items()
    }
    height = head + (len(orders) - 1) * LEVEL + NODE_HEIGHT + FOOT
    lines = _lines(downward, points)
    bold = [(edge.parent, edge.group) in steps for edge in downward]
    tags = [_tag_of(line) for line in lines]
    parts = [
        *_frame(width, height, title),
        *(_order_line(order, head + NODE_HEIGHT / 2 + row * LEVEL, width) for row, order in enumerate(orders)),
        *(_down_line(line, T_COLOUR, 1.4) for line, own in zip(lines, bold, strict=True) if not own),
        *(_down_line(line, THEME["accent"], 3) for line, own in zip(lines, bold, strict=True) if own),
        *(_side_line(side, points, bend, tags) for side, bend in _bends(sideways, points)),
        *(
            _tag(place, edge.label, THEME["accent"] if own else "#c4cdcd")
            for edge, place, own in zip(downward, tags, bold, strict=True)
        ),
        *(_node(name, points[name], marked) for name in shown),
        *_legend(height, bool(steps)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _sides(shown: Collection[str]) -> list[_Side]:
    found = {(e.parent, e.group): e for e in edges(kind="k") if {e.parent, e.group} <= set(shown)}
    return [
        _Side(parent, group, edge.label, (group, parent) in found)
        for (parent, group), edge in found.items()
        if (group, parent) not in found or GROUP_NAMES.index(parent) < GROUP_NAMES.index(group)
    ]


def _columns(
    shown: list[str], orders: list[int], downward: Sequence[Subgroup], sideways: Sequence[_Side]
) -> dict[str, float]:
    graph = Graph(
        tuple(orders.index(plane_group(name).order) for name in shown),
        tuple((shown.index(edge.parent), shown.index(edge.group)) for edge in downward),
        tuple((shown.index(side.first), shown.index(side.second)) for side in sideways),
    )
    return dict(zip(shown, place(graph).tolist(), strict=True))


def _frame(width: float, height: float, title: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="Inter, \'Segoe UI\', Helvetica, Arial, sans-serif">',
        f"<title>{escape(title or 'Subgroups of the plane groups')}</title>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0,0.8 L7,4 L0,7.2 z" fill="{K_COLOUR}"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" rx="14" fill="{THEME["card"]}"/>',
        _text(MARGIN, 40, title, size=19, colour=THEME["text"], weight=600, anchor="start") if title else "",
    ]


def _order_line(order: int, y: float, width: float) -> str:
    label = _text(MARGIN, y + 4, f"order {order}", size=11, colour=THEME["muted"], anchor="start")
    return f'<line x1="{MARGIN + 58:g}" y1="{y:g}" x2="{width - MARGIN:g}" y2="{y:g}" stroke="{THEME["line"]}"/>{label}'


def _lines(downward: Sequence[Subgroup], points: Mapping[str, Point]) -> list[tuple[Point, Point]]:
    """From the lower border of each group to the upper border of its subgroup; on a border, side by side."""

    def port(edge: Subgroup, *, up: bool) -> Point:
        own, other = (edge.group, edge.parent) if up else (edge.parent, edge.group)
        beside = {e.parent if up else e.group for e in downward if (e.group if up else e.parent) == own}
        x, y = points[own]
        leans = sorted(beside, key=lambda name: (points[name][0] - x) / abs(points[name][1] - y))
        spread = min(PORT, 0.8 * NODE_WIDTH / max(len(leans) - 1, 1))
        return x + (leans.index(other) - (len(leans) - 1) / 2) * spread, y + (-1 if up else 1) * NODE_HEIGHT / 2

    return [(port(edge, up=False), port(edge, up=True)) for edge in downward]


def _down_line(line: tuple[Point, Point], colour: str, width: float) -> str:
    (x0, y0), (x1, y1) = line
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'


def _tag_of(line: tuple[Point, Point]) -> Point:
    """A little below the upper end, where lines that start side by side are still apart."""
    (x0, y0), (x1, y1) = line
    share = TAG_BELOW / (y1 - y0)
    return x0 + share * (x1 - x0), y0 + TAG_BELOW


def _bends(sideways: Sequence[_Side], points: Mapping[str, Point]) -> list[tuple[_Side, int]]:
    """Each with the way its bow goes, -1 up or 1 down, in turn on each level: 0 between neighbours."""
    found, turns = [], dict.fromkeys((y for _, y in points.values()), -1)
    for side in sorted(sideways, key=lambda each: abs(points[each.first][0] - points[each.second][0])):
        (x0, y), (x1, _) = points[side.first], points[side.second]
        between = any(level == y and min(x0, x1) < x < max(x0, x1) for x, level in points.values())
        found.append((side, turns[y] if between else 0))
        turns[y] *= -1 if between else 1
    return found


def _side_line(side: _Side, points: Mapping[str, Point], bend: int, tags: Sequence[Point]) -> str:
    """Straight between neighbours; a bow around the groups between them otherwise."""
    (x0, y), (x1, _) = points[side.first], points[side.second]
    direction = 1 if x1 > x0 else -1
    if not bend:
        start, end = x0 + direction * (NODE_WIDTH / 2 + 2), x1 - direction * (NODE_WIDTH / 2 + 2)
        curve = ((start, y), (start, y), (end, y), (end, y))
    else:
        border, depth = y + bend * (NODE_HEIGHT / 2 + 2), 20 + abs(x1 - x0) / 16
        start, end = x0 + direction * NODE_WIDTH * 0.32, x1 - direction * NODE_WIDTH * 0.32
        lean = direction * 26
        control = border + bend * depth
        curve = ((start, border), (start + lean, control), (end - lean, control), (end, border))
    (a, b), (c, d), (e, f), (g, h) = curve
    markers = 'marker-end="url(#arrow)"' + (' marker-start="url(#arrow)"' if side.both else "")
    path = (
        f'<path d="M{a:.1f},{b:.1f} C{c:.1f},{d:.1f} {e:.1f},{f:.1f} {g:.1f},{h:.1f}" fill="none" '
        f'stroke="{K_COLOUR}" stroke-width="1.4" stroke-dasharray="5 4" {markers}/>'
    )
    place = _free_place(curve, tags) if bend else ((start + end) / 2, y - 12)
    return path + _tag(place, side.label, K_COLOUR)


def _free_place(curve: tuple[Point, Point, Point, Point], tags: Sequence[Point]) -> Point:
    """The place along the middle of a Bézier curve that is farthest from all tags."""

    def at(t: float) -> Point:
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x, y = (sum(w * point[axis] for w, point in zip(weights, curve, strict=True)) for axis in (0, 1))
        return x, y

    def clearance(place: Point) -> float:
        return min((math.dist(place, tag) for tag in tags), default=0.0)

    places = [at(t) for t in (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7)]
    return next((place for place in places if clearance(place) > 30), max(places, key=clearance))


def _node(name: str, point: Point, marked: Sequence[str]) -> str:
    group, (x, y) = plane_group(name), point
    stands_out = name in marked
    border, width = (THEME["accent"], 2.5) if stands_out else ("#4a4a4a", 1.2)
    left, top = x - NODE_WIDTH / 2, y - NODE_HEIGHT / 2
    below = f"{group.full_symbol} · {group.number}"
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{NODE_WIDTH:g}" height="{NODE_HEIGHT:g}" rx="9" '
        f'fill="#242424" stroke="{border}" stroke-width="{width}"/>'
        + _text(x, y - 1, name, size=18, colour=readable(name), weight=650)
        + _text(x, y + 16, below, size=10.5, colour=THEME["muted"])
    )


def _legend(height: float, with_route: bool) -> list[str]:
    y, x = height - 26, MARGIN
    entries = [("t", "translationengleiche", T_COLOUR, ""), ("k", "klassengleiche", K_COLOUR, "5 4")]
    entries += [("", "route", THEME["accent"], "")] if with_route else []
    parts = []
    for kind, text, colour, dashes in entries:
        label = f"{text} ({kind} and index)" if kind else text
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        line = f'<line x1="{x:g}" y1="{y:g}" x2="{x + 30:g}" y2="{y:g}" stroke="{colour}" stroke-width="2"{dash}/>'
        parts.append(line + _text(x + 38, y + 4, label, size=11.5, colour=THEME["muted"], anchor="start"))
        x += 68 + 5.7 * len(label)
    return parts


def _tag(place: Point, text: str, colour: str) -> str:
    """A label with a ground of its own, so that no line runs through it."""
    (x, y), width = place, 6.5 * len(text) + 6
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - 7.5:.1f}" width="{width:g}" height="15" rx="4" fill="{THEME["card"]}"/>'
        + _text(x, y + 4, text, size=11.5, colour=colour)
    )


def _text(x: float, y: float, text: str, *, size: float, colour: str, weight: int = 400, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
