"""The latent space as a figure: the groups' points, their clusters, and paths through it.

Shapes tell rotation orders, so no colour has to be told from another. Knows no page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.theme import Palette, faint, mark_colour
from dashboard.views.figure import Figure, axis, figure
from dashboard.views.text import plain
from wallpaper.pictures.colours import BY_ROTATION, MARKS

Point = tuple[float, float]

Place = tuple[float, ...]
"""Along all axes of a cloud."""

SYMBOLS = {
    "circle": "circle",
    "diamond": "diamond",
    "triangle": "triangle-up",
    "square": "square",
    "hexagon": "hexagon2",
}

DIM = 0.07
"""Opacity of groups beside those that are looked at."""

FEWEST = 6
"""Of fewer points no cluster is drawn."""

STANDARD_DEVIATIONS = 2.0

FILL = 0.08
"""Opacity of a cluster that is looked at; all 17 over one another would hide the points."""
"""Of a cluster's points, what its ellipse spans."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """An epoch's latent space, along two axes or more."""

    axes: tuple[str, ...]
    dimensions: int
    points: Mapping[str, Sequence[Place]]
    """By group."""
    indices: Mapping[str, Sequence[int]]
    """Of the points' patterns in their dataset."""
    paths: Sequence[tuple[str, str, Sequence[Place]]]
    """Source, target, and the way."""
    metrics: Mapping[str, float]
    columns: int = 0
    """Tiles in a row of the sheet that shows the points' patterns; 0 where the run left none."""

    def tiles(self) -> dict[int, int]:
        """The place on the sheet of each pattern, by its index: they lie there in this order."""
        return {index: k for k, index in enumerate(sorted(i for own in self.indices.values() for i in own))}

    @property
    def size(self) -> int:
        """Points in all."""
        return sum(len(points) for points in self.points.values())


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a cloud is drawn."""

    paths: bool = True
    clusters: bool = True
    only: frozenset[str] = frozenset()
    """The groups that are looked at; empty for all."""
    axes: tuple[int, int] = (0, 1)
    """To the right and upwards; the first two where a cloud has none such."""


def read_cloud(text: str) -> Cloud:
    """Read what a training left. Raises: ValueError: it is not of that form."""
    try:
        found = json.loads(text)
        groups = {name: found["groups"][name] for name in BY_ROTATION if name in found["groups"]}
        axes = tuple(map(str, found["axes"]))
        if len(axes) < 2:
            raise ValueError(f"a latent space must have two axes or more, but has {len(axes)}")
        return Cloud(
            axes,
            int(found["dimensions"]),
            {name: _places(group["points"], len(axes)) for name, group in groups.items()},
            {name: [int(index) for index in group["indices"]] for name, group in groups.items()},
            [
                (str(path["source"]), str(path["target"]), _places(path["points"], len(axes)))
                for path in found["trajectories"]
            ],
            {str(name): float(value) for name, value in found["metrics"].items()},
            int(found.get("patterns", {}).get("columns", 0)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"a latent space must have axes, dimensions, groups and trajectories, but: {error!r}"
        ) from error


def _places(points: Any, axes: int) -> list[Place]:
    """Raises: ValueError: not as many numbers as there are axes."""
    places = [tuple(float(x) for x in point) for point in points]
    if any(len(place) != axes for place in places):
        raise ValueError(f"a latent point must have a number for each of {axes} axes, but one has not")
    return places


def cloud_figure(cloud: Cloud, choice: Choice, theme: Palette) -> Figure:
    """All points by group, a name at each cluster; shape tells the order of rotation."""
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    size = 5 if cloud.size > 3000 else 7
    tiles = cloud.tiles()
    right, up = choice.axes if max(choice.axes) < len(cloud.axes) else (0, 1)
    for name, places in cloud.points.items():
        if not places:
            continue
        points = [(place[right], place[up]) for place in places]
        shown = not choice.only or name in choice.only
        patterns = [(index, tiles[index]) for index in cloud.indices.get(name, ())]
        data.append(_points(name, points, patterns, size, shown, theme))
        if choice.clusters and shown and len(points) >= FEWEST:
            data.append(_ellipse(name, points, FILL if choice.only else FILL / 4, theme))
        if shown:
            notes.append(_name(name, points, theme))
    for source, target, way in cloud.paths if choice.paths else ():
        if len(way) > 1 and (not choice.only or {source, target} & choice.only):
            data.append(_path(source, target, [(place[right], place[up]) for place in way], theme))
    first, second = cloud.axes[right], cloud.axes[up]
    return figure(
        data, theme, annotations=notes, showlegend=False, hovermode="closest",
        xaxis=axis(theme, first), yaxis=axis(theme, second), margin={"l": 56, "r": 12, "t": 8, "b": 44},
        uirevision=f"{first} {second}",
    )  # fmt: skip


def middle(points: Sequence[Point]) -> Point:
    """The mean."""
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def ellipse(points: Sequence[Point], corners: int = 48) -> list[Point]:
    """The outline that spans `STANDARD_DEVIATIONS` of points along each of their two principal axes, closed."""
    mean_x, mean_y = middle(points)
    n = len(points)
    xx = sum((x - mean_x) ** 2 for x, _ in points) / n
    yy = sum((y - mean_y) ** 2 for _, y in points) / n
    xy = sum((x - mean_x) * (y - mean_y) for x, y in points) / n
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    half, apart = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    long, short = (STANDARD_DEVIATIONS * math.sqrt(max(0.0, each)) for each in (half + apart, half - apart))
    turn = [2 * math.pi * corner / corners for corner in range(corners + 1)]
    cos, sin = math.cos(angle), math.sin(angle)
    return [
        (mean_x + long * math.cos(t) * cos - short * math.sin(t) * sin,
         mean_y + long * math.cos(t) * sin + short * math.sin(t) * cos)
        for t in turn
    ]  # fmt: skip


def _points(
    name: str, points: Sequence[Point], patterns: Sequence[tuple[int, int]], size: int, shown: bool, theme: Palette
) -> dict[str, Any]:
    """Args: patterns: index and place on the sheet of each."""
    mark = {"symbol": SYMBOLS[MARKS[name].shape], "size": size, "color": mark_colour(name, theme)}
    return {
        "type": "scattergl", "mode": "markers", "name": name, "marker": mark, "opacity": 0.85 if shown else DIM,
        "x": [x for x, _ in points], "y": [y for _, y in points], "customdata": [list(pattern) for pattern in patterns],
        "hovertemplate": f"<b>{name}</b>  pattern %{{customdata[0]}}<extra></extra>" if shown else None,
        "hoverinfo": "all" if shown else "skip",
    }  # fmt: skip


def _ellipse(name: str, points: Sequence[Point], fill: float, theme: Palette) -> dict[str, Any]:
    outline, colour = ellipse(points), mark_colour(name, theme)
    return {
        "type": "scatter", "mode": "lines", "x": [x for x, _ in outline], "y": [y for _, y in outline],
        "line": {"color": colour, "width": 1.5}, "fill": "toself", "fillcolor": faint(colour, fill),
        "hoverinfo": "skip",
    }  # fmt: skip


def _name(name: str, points: Sequence[Point], theme: Palette) -> dict[str, Any]:
    x, y = middle(points)
    return {
        "text": name, "x": x, "y": y, "showarrow": False, "font": {"size": 11, "color": theme.text},
        "bgcolor": faint(theme.card, 0.75), "borderpad": 2,
    }  # fmt: skip


def _path(source: str, target: str, path: Sequence[Point], theme: Palette) -> dict[str, Any]:
    """A line with a mark at its end."""
    sizes = [0] * (len(path) - 1) + [9]
    return {
        "type": "scatter", "mode": "lines+markers", "x": [x for x, _ in path], "y": [y for _, y in path],
        "line": {"color": theme.text, "width": 2},
        "marker": {"size": sizes, "color": theme.accent, "line": {"width": 1, "color": theme.card}},
        "hovertemplate": f"{plain(source)} → {plain(target)}<extra></extra>",
    }  # fmt: skip
