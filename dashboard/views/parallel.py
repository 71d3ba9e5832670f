"""Parallel coordinates of a search, and which trials are brushed there: ranges that somebody dragged along its axes.

A brush is kept in the trials' own values, so that it holds when an axis is drawn otherwise. Knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from dashboard.theme import Palette
from dashboard.views.figure import Figure, figure
from dashboard.views.text import plain
from dashboard.views.trials import Search, Trial, number_of

MOST_AXES = 8

LABELS, FINE = 4, 10
"""Stretches between labels of a logarithmic axis, and marks in each: Plotly lets a brush end only near a mark."""

FEWEST_DIGITS, MOST_DIGITS = 3, 12
TICKS = 20
"""More than Plotly puts on an axis."""

APART, SIDE = 64, 60
"""Pixels between two axes that their words need, and beside the outer ones."""

NEAR = 0.25
"""Of the distance between two words, what a brush reaches beyond a word."""

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis."""

    name: str
    values: tuple[float, ...]
    """Of the lines; their places in `words` where these are no numbers."""
    words: tuple[str, ...] = ()
    is_log: bool = False

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        return math.log10(value) if self.is_log else value

    def value(self, place: float) -> float:
        """What is drawn at a place."""
        return 10.0 ** min(place, 300.0) if self.is_log else place


@dataclass(frozen=True, slots=True)
class Picked:
    """What is brushed of one axis: numbers in any of the ranges, or any of the words."""

    ranges: tuple[Range, ...] = ()
    words: frozenset[str] = frozenset()

    def holds(self, value: str | float) -> bool:
        """Whether a setting or an objective is among it. A line that a range ends at is inside."""
        number = value if isinstance(value, float) else number_of(value)
        if str(value) in self.words:
            return True
        slack = 1e-9 * abs(number) if number is not None else 0.0  # of logarithms there and back
        return number is not None and any(low - slack <= number <= high + slack for low, high in self.ranges)


Brush: TypeAlias = Mapping[str, Picked]
"""By name of setting or objective; axes that are not named let all pass."""


def axes(search: Search) -> list[Axis]:
    """The settings that were varied, and the first objective; values in the order of `lines`."""
    shown = lines(search)
    found = [_axis(name, [trial.settings.get(name, "") for trial in shown]) for name in search.varied()[:MOST_AXES]]
    return [*found, Axis(search.objectives[0], tuple(trial.values[0] for trial in shown))]


def lines(search: Search) -> list[Trial]:
    """The good trials, the best last, so that it is drawn over the others."""
    sign = -1 if search.up else 1
    return sorted((t for t in search.trials if t.is_good), key=lambda trial: sign * trial.values[0], reverse=True)


def parallel(search: Search, theme: Palette, brush: Brush | None = None, clears: int = 0) -> Figure:
    """A line for each good trial, the best brightest.

    Args:
        brush: what is picked. clears: how often that was cleared: the browser keeps its own brush while this stays.
    """
    count = len(lines(search))
    scale = [[0, theme.muted], [0.6, theme.primary], [1, theme.accent]]
    traces = {
        "type": "parcoords", "dimensions": [_dimension(axis, (brush or {}).get(axis.name)) for axis in axes(search)],
        "line": {"color": list(range(count)), "colorscale": scale, "cmin": 0, "cmax": max(1, count - 1)},
        "labelfont": {"color": theme.text, "size": 12, "shadow": "none"},
        "tickfont": {"color": theme.muted, "size": 11, "shadow": _halo(theme)},
        "rangefont": {"color": "rgba(0, 0, 0, 0)"}, "labelangle": -20, "uirevision": f"{search.run_id} {clears}",
    }  # fmt: skip
    return figure([traces], theme, margin={"l": SIDE, "r": SIDE, "t": 72, "b": 24})


def needed_width(search: Search) -> int:
    """Pixels below which words would lie over one another."""
    return 2 * SIDE + APART * (len(axes(search)) - 1)


def _halo(theme: Palette) -> str:
    """CSS that keeps the lines out of numbers that lie on them."""
    return ", ".join(f"{x}px {y}px 2px {theme.card}" for x in (-1, 0, 1) for y in (-1, 0, 1))


def brush_of(search: Search, told: Any) -> Brush:
    """What a browser says is brushed: [label, ranges] of each axis, ranges one pair or several, in places.

    What is not of this form, or names no axis, is left out: a browser is not trusted.
    """
    known = {plain(axis.name): axis for axis in axes(search)}
    found: dict[str, Picked] = {}
    for each in told if isinstance(told, list) else []:
        if isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) and each[0] in known:
            axis = known[each[0]]
            picked = _picked(axis, _ranges(each[1]))
            if picked != Picked():
                found[axis.name] = picked
    return found


def brushed(search: Search, brush: Brush) -> Search:
    """The search with only the trials whose lines pass through all that is picked; whole if nothing is."""
    names = [axis.name for axis in axes(search)]
    picked = {name: each for name, each in brush.items() if name in names}
    if not picked:
        return search
    objective = search.objectives[0]

    def passes(trial: Trial) -> bool:
        if not trial.is_good:
            return False
        values: dict[str, str | float] = {**trial.settings, objective: trial.values[0]}
        return all(each.holds(values.get(name, "")) for name, each in picked.items())

    return replace(search, trials=tuple(trial for trial in search.trials if passes(trial)))


def _axis(name: str, values: Sequence[str]) -> Axis:
    """Logarithmic where numbers span decades, places in order where they are words."""
    numbers = [number_of(value) for value in values]
    known = tuple(value for value in numbers if value is not None)
    if len(known) < len(values) or not known:
        words = tuple(sorted(set(values)))
        return Axis(name, tuple(float(words.index(value)) for value in values), words)
    return Axis(name, known, is_log=min(known) > 0 and max(known) > 20 * min(known))


def _dimension(axis: Axis, picked: Picked | None) -> dict[str, Any]:
    """An axis as Plotly takes it."""
    places = [axis.place(value) for value in axis.values]
    found: dict[str, Any] = {
        "label": plain(axis.name), "values": places,
        "tickformat": f".{_digits(places)}~g",  # 0.0003, not 300µ
    }  # fmt: skip
    if axis.words:
        found["tickvals"] = list(range(len(axis.words)))
        found["ticktext"] = [plain(word or "–") for word in axis.words]
    elif axis.is_log:
        low, high = min(places), max(places)
        marks = LABELS * FINE
        found["tickvals"] = [low + k * (high - low) / marks for k in range(marks + 1)]
        found["ticktext"] = [  # no two alike, for Plotly places a mark by its text
            f"{axis.value(place):.2g}" if k % FINE == 0 else k * " " for k, place in enumerate(found["tickvals"])
        ]
    ranges = [list(each) for each in _places(axis, picked)] if picked else []
    if ranges:
        found["constraintrange"] = ranges[0] if len(ranges) == 1 else ranges
    return found


def _digits(places: Sequence[float]) -> int:
    """By which no two ticks between numbers read alike."""
    step = (max(places, default=0.0) - min(places, default=0.0)) / TICKS
    if not step:
        return FEWEST_DIGITS
    needed = math.floor(math.log10(max(map(abs, places)))) - math.floor(math.log10(step)) + 1
    return min(MOST_DIGITS, max(FEWEST_DIGITS, needed))


def _places(axis: Axis, picked: Picked) -> list[Range]:
    if axis.words:
        return [(k - NEAR, k + NEAR) for k, word in enumerate(axis.words) if word in picked.words]
    return [(axis.place(low), axis.place(high)) for low, high in picked.ranges if low > 0 or not axis.is_log]


def _picked(axis: Axis, ranges: Sequence[Range]) -> Picked:
    if axis.words:
        inside = (word for k, word in enumerate(axis.words) if any(low <= k <= high for low, high in ranges))
        return Picked(words=frozenset(inside))
    return Picked(tuple((axis.value(low), axis.value(high)) for low, high in ranges))


def _ranges(told: Any) -> list[Range]:
    """One pair of numbers or a list of them; empty for anything else."""
    pairs = told if isinstance(told, list) and told and isinstance(told[0], list) else [told]
    return [
        (float(pair[0]), float(pair[1]))
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and all(_is_place(end) for end in pair)
    ]


def _is_place(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
