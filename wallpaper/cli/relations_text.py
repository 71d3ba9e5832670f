"""What `wallpaper relations` says of groups and pairs, as text, as JSON and as a drawing.

Around `wallpaper.plane.subgroups` and `wallpaper.plane.routes`; nothing is computed here. Knows no options.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from wallpaper.pictures.files import replacing
from wallpaper.pictures.tree import subgroup_tree
from wallpaper.plane import GROUP_NAMES, Alignment, Op, plane_group
from wallpaper.plane.relations import common_order
from wallpaper.plane.routes import Route, joining_groups, plan_route, route_steps, widest_order
from wallpaper.plane.subgroups import (
    Subgroup,
    edges,
    klassengleiche,
    maximal_t_subgroups,
    subgroup_chain,
    supergroups,
)

TABLE_NOTE = """\
Order of the largest common subgroup: above the diagonal of the direct way, below it of the narrowest leg of the widest
route, on it the group's own order. `wallpaper relations A B` explains a pair."""


def tell(groups: Sequence[str], tree: Path | None, *, as_json: bool) -> None:
    """Print what there is to say of no group, one or two, and draw their tree. Raises: ValueError: no such group."""
    names = [plane_group(name).name for name in groups]
    routes = {kind: plan_route(names[0], names[1], kind) for kind in ("direct", "widest")} if len(names) == 2 else {}
    if as_json:
        found = _pair_facts(routes) if routes else _group_facts(names[0]) if names else _all_facts()
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        lines = _pair_lines(routes) if routes else _group_lines(names[0]) if names else _all_lines()
        click.echo("\n".join(lines))
    if tree is not None:
        with replacing(tree) as path:
            path.write_text(_tree(names, routes), encoding="utf-8")
        click.echo(f"{tree}: the tree", err=as_json)


def _tree(names: list[str], routes: dict[str, Route]) -> str:
    if routes:
        route = routes["widest"]
        title = f"{' → '.join(route.groups)}, order {route.width}"
        return subgroup_tree(joining_groups(route), title=title, marked=route.groups, steps=route_steps(route))
    if not names:
        return subgroup_tree(title="The 17 plane groups and their maximal subgroups")
    below = [name for name in GROUP_NAMES if subgroup_chain(names[0], name) is not None]
    return subgroup_tree(
        [*below, *supergroups(names[0])], title=f"Subgroups and supergroups of {names[0]}", marked=names
    )


# ---- as text


def _all_lines() -> Iterable[str]:
    yield TABLE_NOTE
    yield ""
    yield f"{'':6}" + "".join(f"{name:>5}" for name in GROUP_NAMES)
    for row, name in enumerate(GROUP_NAMES):
        orders = [
            common_order(name, other) if column >= row else widest_order(name, other)
            for column, other in enumerate(GROUP_NAMES)
        ]
        yield f"{name:6}" + "".join(f"{order:>5}" for order in orders)
    yield ""
    yield f"{'group':6}{'order':>6}  maximal subgroups of other types"
    for name in GROUP_NAMES:
        yield f"{name:6}{plane_group(name).order:>6}  {_listed(edge for edge in edges() if edge.parent == name)}"


def _group_lines(name: str) -> Iterable[str]:
    group = plane_group(name)
    yield f"{name} ({group.full_symbol}, {group.orbifold}), No. {group.number}, {group.system}, order {group.order}"
    yield f"  operations        {_operations(group.operations)}"
    yield f"  maximal subgroups {_listed(edge for edge in edges() if edge.parent == name)}"
    yield f"  t-supergroups     {', '.join(supergroups(name)) or 'none'}"


def _pair_lines(routes: dict[str, Route]) -> Iterable[str]:
    direct, widest = routes["direct"], routes["widest"]
    source, target = direct.groups[0], direct.groups[-1]
    yield f"{_with_order(source)} and {_with_order(target)}; operations on the primitive cell of {source}"
    yield ""
    yield f"Direct: both keep {_kept(direct.legs[0])}"
    yield from _leg_lines(direct.legs[0])
    yield f"  lattice     distorted by {direct.strain:.3f}"
    yield ""
    if widest == direct:
        yield "Widest route: the direct one; no way through other groups keeps more."
    else:
        yield f"Widest route: {' → '.join(widest.groups)} keeps order {widest.width} all the way"
        for leg in widest.legs:
            yield f"  {leg.source} → {leg.target}: {_kept(leg)}"
            yield from (f"  {line}" for line in _leg_lines(leg))
        yield f"  lattice     distorted by {widest.strain:.3f}"
    yield ""
    found = _k_relations(source, target)
    if not found:
        yield "Klassengleiche: neither lies in the other with index 2 or 3."
    for edge in found:
        yield (
            f"Klassengleiche: {edge.group} lies in {edge.parent} with index {edge.index}, on the cell {_cell(edge)}; "
            f"on that cell both keep {edge.group} (order {plane_group(edge.group).order})"
        )


def _leg_lines(leg: Alignment) -> Iterable[str]:
    yield f"  operations  {_operations(leg.common)}"
    place = leg.target_frame @ leg.source_frame.inverse()  # from the source's own coordinates
    yield f"  alignment   a point x,y of {leg.source} is {place.xyz} of {leg.target} (primitive cells)"


def _with_order(name: str) -> str:
    return f"{name} (order {plane_group(name).order})"


def _kept(leg: Alignment) -> str:
    return f"{leg.common_group}, order {leg.order}"


def _operations(operations: Iterable[Op]) -> str:
    return "  ".join(op.xyz for op in operations)


def _listed(found: Iterable[Subgroup]) -> str:
    parts = [
        f"{edge.label} {edge.group}{f' ×{edge.count}' if edge.kind == 't' and edge.count > 1 else ''}" for edge in found
    ]
    return ", ".join(parts) or "none"


def _k_relations(source: str, target: str) -> list[Subgroup]:
    found = (klassengleiche(source, target), klassengleiche(target, source))
    return [edge for edge in found if edge is not None]


def _cell(edge: Subgroup) -> str:
    """Such as ``a-b, a+2b``, in the parent's primitive vectors."""
    (a, b), (c, d) = edge.cell
    return ", ".join(_combination(first, second) for first, second in ((a, c), (b, d)))


def _combination(first: int, second: int) -> str:
    text = "".join(
        f"{'-' if value < 0 else '+'}{'' if abs(value) == 1 else abs(value)}{name}"
        for value, name in ((first, "a"), (second, "b"))
        if value
    )
    return text.removeprefix("+")


# ---- as JSON


def _all_facts() -> dict[str, Any]:
    pairs = [
        {"groups": [first, second], "order": common_order(first, second), "widest_order": widest_order(first, second)}
        for row, first in enumerate(GROUP_NAMES)
        for second in GROUP_NAMES[row + 1 :]
    ]
    return {"groups": [_group_facts(name) for name in GROUP_NAMES], "pairs": pairs}


def _group_facts(name: str) -> dict[str, Any]:
    group = plane_group(name)
    return {
        "group": name,
        "number": group.number,
        "order": group.order,
        "t_subgroups": [_edge_facts(edge) for edge in maximal_t_subgroups(name)],
        "k_subgroups": [_edge_facts(edge) for edge in edges(kind="k") if edge.parent == name],
        "t_supergroups": list(supergroups(name)),
    }


def _edge_facts(edge: Subgroup) -> dict[str, Any]:
    facts: dict[str, Any] = {"group": edge.group, "index": edge.index, "count": edge.count}
    facts |= {"cell": [list(row) for row in edge.cell]} if edge.kind == "k" else {}
    return {**facts, "operations": [op.xyz for op in edge.operations]}


def _pair_facts(routes: dict[str, Route]) -> dict[str, Any]:
    source, target = routes["direct"].groups[0], routes["direct"].groups[-1]
    return {
        "source": source,
        "target": target,
        **{kind: _route_facts(route) for kind, route in routes.items()},
        "k_relations": [{"parent": edge.parent, **_edge_facts(edge)} for edge in _k_relations(source, target)],
    }


def _route_facts(route: Route) -> dict[str, Any]:
    return {
        "groups": list(route.groups),
        "order": route.width,
        "strain": round(route.strain, 6),
        "legs": [
            {
                "source": leg.source,
                "target": leg.target,
                "common_group": leg.common_group,
                "order": leg.order,
                "operations": [op.xyz for op in leg.common],
                "source_frame": leg.source_frame.xyz,
                "target_frame": leg.target_frame.xyz,
            }
            for leg in route.legs
        ],
    }
