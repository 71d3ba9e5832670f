"""Loss curves: the total of one or several runs, and the terms that it consists of.

Smoothed lines lie over the raw ones, which stay. Knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.store import Curve
from dashboard.theme import Palette, faint
from dashboard.views.figure import Figure, axis, figure
from dashboard.views.text import number, plain

MOST_TERMS = 8

MOST_POINTS = 4000
"""Of one line: more than a screen has columns for. See `_places`."""

NUMBER = ".4~g"
"""How plotly writes a value; on a logarithmic axis it would else write single digits beside some ticks."""

BEST = "best validation"

NOT_TERMS = frozenset({"loss", "gradient_norm"})


@dataclass(frozen=True, slots=True)
class Choice:
    """How curves are drawn."""

    smoothing: float = 0.6
    """Weight of the past in the smoothed line, from 0 (none) to below 1."""
    log: bool = True
    by_time: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """One training to be drawn."""

    name: str
    curves: Mapping[str, Curve]
    started: float
    best_name: str = "val/loss"


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Exponential moving average, corrected for its start: the first value is the first of `values`.

    >>> smoothed([1.0, 3.0], 0.5)
    [1.0, 2.3333333333333335]
    """
    result, mean, known = [], 0.0, 0.0
    for value in values:
        mean, known = weight * mean + (1 - weight) * value, weight * known + (1 - weight)
        result.append(mean / known)
    return result


def total(trainings: Sequence[Training], choice: Choice, theme: Palette) -> Figure:
    """Training (solid) and validation (dotted) loss; of one run with its best epoch, of several a colour each."""
    alone = len(trainings) == 1
    data: list[dict[str, Any]] = []
    for place, training in enumerate(trainings):
        colour = theme.series[place % len(theme.series)]
        name = "" if alone else plain(training.name)
        validation = validation_name(training.curves)
        for key, kind, shade in (("train/loss", "train", colour), (validation, "validation", theme.secondary)):
            curve = training.curves.get(key)
            if curve is not None and len(curve):
                shade = shade if alone else colour
                data += _lines(training, curve, choice, shade, f"{name} {kind}".strip(), dotted=kind != "train")
    if alone:
        data += _best(trainings[0], choice, theme)
    title = "minutes since the start" if choice.by_time else "epoch"
    names = [training.name for training in trainings]
    return figure(
        data, theme, uirevision=f"{names}",
        xaxis=axis(theme, title, uirevision=f"{names} {choice.by_time}"),
        yaxis=axis(theme, "", type="log" if choice.log else "linear", nticks=8, tickformat=NUMBER, hoverformat=NUMBER,
                   uirevision=f"{names} {choice.log}"),
    )  # fmt: skip


def validation_name(curves: Mapping[str, Curve]) -> str:
    """What stands beside the training's loss: a transition field's is of the kind that its validation calls flow."""
    return "val/loss" if "val/loss" in curves or "train/flow" not in curves else "val/flow"


def terms_of(curves: Mapping[str, Curve], best_name: str = "val/loss") -> list[str]:
    """What the loss consists of, and what the best epoch is told by; names without "train/" and "val/"."""
    names = [best_name, *(name for name in curves if name.startswith("train/"))]
    names = [name.split("/", 1)[1] for name in names]
    return [name for name in dict.fromkeys(names) if name not in NOT_TERMS][:MOST_TERMS]


def components(training: Training, choice: Choice, theme: Palette) -> Figure:
    """The terms of a loss, one above the other, each on its own scale, with its last value."""
    terms = terms_of(training.curves, training.best_name)
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    notes: list[dict[str, Any]] = []
    for place, term in enumerate(terms):
        colour, y = theme.series[place % len(theme.series)], f"y{place + 1}" if place else "y"
        top, bottom = 1 - place / len(terms), 1 - (place + 0.9) / len(terms)
        for kind in ("train", "val"):
            curve = training.curves.get(f"{kind}/{term}")
            if curve is not None and len(curve):
                lines = _lines(training, curve, choice, colour, f"{term} {kind}", dotted=kind == "val")
                data += [line | {"yaxis": y, "showlegend": False} for line in lines]
        layout["yaxis" + y[1:]] = axis(
            theme, domain=[bottom, top - 0.045 - 0.06 / len(terms)], nticks=4, hoverformat=NUMBER
        )
        notes.append(_label(term, training.curves, colour, top, theme))
    title = "minutes since the start" if choice.by_time else "epoch"
    anchor = f"y{len(terms)}" if len(terms) > 1 else "y"
    return figure(
        data, theme, **layout, annotations=notes, showlegend=False,
        xaxis=axis(theme, title, anchor=anchor), margin={"l": 56, "r": 12, "t": 4, "b": 44},
        uirevision=f"{choice.by_time} {training.name}",
    )  # fmt: skip


def _label(term: str, curves: Mapping[str, Curve], colour: str, top: float, theme: Palette) -> dict[str, Any]:
    kinds = {"train": curves.get(f"train/{term}", Curve()), "validation": curves.get(f"val/{term}", Curve())}
    last = [f"{kind} {number(curve.values[-1])}" for kind, curve in kinds.items() if len(curve)]
    text = f"<b>{plain(term.replace('_', ' '))}</b>  " + "  ·  ".join(last)
    return {
        "text": text, "x": 0, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top",
        "showarrow": False, "font": {"size": 12, "color": colour if theme.name == "dark" else theme.text},
    }  # fmt: skip


def _x(training: Training, curve: Curve, choice: Choice, places: Sequence[int]) -> list[float]:
    if choice.by_time:
        return [round((curve.times[place] - training.started) / 60, 3) for place in places]
    return [float(curve.steps[place]) for place in places]


def _places(values: Sequence[float]) -> Sequence[int]:
    """Which points of a long line are drawn: the lowest and the highest of each stretch, so that every spike is seen.

    Stretches are of equal length, a power of two, and not drawn before they are whole (less than a pixel's width is
    missing): so a line that grows keeps its beginning, and a browser is sent what is new.

    >>> _places([3.0, 1.0, 2.0])
    range(0, 3)
    >>> drawn = _places([0.0] * 5000 + [9.0] + [0.0] * 3000)
    >>> len(drawn) <= MOST_POINTS, 5000 in drawn
    (True, True)
    """
    if len(values) <= MOST_POINTS:
        return range(len(values))
    length = 1 << math.ceil(math.log2(2 * len(values) / MOST_POINTS))
    drawn: list[int] = []
    for start in range(0, len(values) - length + 1, length):
        stretch = range(start, start + length)
        drawn += sorted({min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)})
    return drawn


def _lines(
    training: Training, curve: Curve, choice: Choice, colour: str, name: str, *, dotted: bool
) -> list[dict[str, Any]]:
    """The smoothed line over the faint raw one."""
    places = _places(curve.values)
    x, means = _x(training, curve, choice, places), smoothed(curve.values, choice.smoothing)
    line = {"color": colour, "width": 2, "dash": "dot" if dotted else "solid"}
    base = {"type": "scatter", "mode": "lines" if len(x) > 1 else "markers", "x": x, "legendgroup": name}
    main = base | {
        "y": [means[place] for place in places],
        "name": name,
        "line": line,
        "marker": {"color": colour},
        "hovertemplate": _read(f"{name}, smoothed" if choice.smoothing else name),
    }
    if not choice.smoothing:
        return [main]
    raw = {"color": faint(colour, 0.3), "width": 1}
    values = [curve.values[place] for place in places]
    return [base | {"y": values, "name": name, "line": raw, "showlegend": False, "hovertemplate": _read(name)}, main]


def _read(name: str) -> str:
    """What is read where the pointer is."""
    return f"%{{y:{NUMBER}}}<extra>{name.replace('%', '&#37;')}</extra>"  # no name is a template of its own


def _best(training: Training, choice: Choice, theme: Palette) -> list[dict[str, Any]]:
    """A star at the best epoch, on the true validation loss, whatever the best is told by."""
    judged = training.curves.get(training.best_name, Curve())
    names = (validation_name(training.curves), "train/loss")
    shown = next((training.curves[name] for name in names if len(training.curves.get(name, Curve()))), Curve())
    if not len(judged):
        return []
    step = judged.steps[min(range(len(judged)), key=lambda place: judged.values[place])]
    if step not in shown.steps:
        return []
    place = shown.steps.index(step)
    mark = {"symbol": "star", "size": 13, "color": theme.accent, "line": {"color": theme.card, "width": 1}}
    return [
        {"type": "scatter", "mode": "markers", "x": _x(training, shown, choice, [place]), "y": [shown.values[place]],
         "name": BEST, "marker": mark, "hovertemplate": _read(BEST)}
    ]  # fmt: skip
