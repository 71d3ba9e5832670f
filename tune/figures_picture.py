"""All figures of a search in one picture, drawn with matplotlib: no browser is needed.

Its dark theme is that of the project's other pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import MaxNLocator

from tune.figures_view import NOT_USED, STATES, View, scales
from wallpaper.pictures.colours import THEME
from wallpaper.pictures.figures.style import legend, new_axes, new_figure

VALUE, BEST, PRESET = "#4aa8e0", "#f08a4b", THEME["accent"]
"""Blue and orange differ for every kind of sight; the preset's trial has a star of its own as well."""

STATE_COLOURS = {"COMPLETE": VALUE, "FAIL": BEST, "PRUNED": PRESET, "RUNNING": "#dddddd", "WAITING": THEME["muted"]}

RANKS = LinearSegmentedColormap.from_list("ranks", [(0.0, BEST), (0.35, VALUE), (1.0, "#6a6a6a")])
"""From the best trial to the worst."""

MOST_TICKS = 6
"""Choices named on an axis of parallel coordinates; more would overlap."""


def overview(view: View, title: str) -> Figure:
    """All figures that the study has: history and importance above, parallel coordinates, then the others."""
    drawn: dict[str, Callable[[Figure, SubplotSpec, View], None]] = {
        "history": _history,
        "importance": _importance,
        "parallel": _parallel,
        "pareto": _pareto,
        "timeline": _timeline,
    }
    figure = new_figure(13, 11.5)
    figure.suptitle(title, color=THEME["text"], fontsize=12, x=0.01, ha="left", wrap=True)
    grid = figure.add_gridspec(3, 6, height_ratios=(1, 1, 0.8))
    last = grid[2, :3] if "pareto" in view.figures else grid[2, :]
    places = {"history": grid[0, :4], "importance": grid[0, 4:], "parallel": grid[1, :]}
    places |= {"timeline": last, "pareto": grid[2, 3:]}
    for name in view.figures:
        if name in view.missing:
            _sentence(new_axes(figure, places[name], title=view.title(name)), view.missing[name])
        else:
            drawn[name](figure, places[name], view)
    return figure


def _sentence(axes: Axes, text: str) -> None:
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, color=THEME["muted"], ha="center", va="center", transform=axes.transAxes, wrap=True)


def _history(figure: Figure, place: SubplotSpec, view: View) -> None:
    rows = place.subgridspec(len(view.objectives), 1)
    numbers = [trial.number for trial in view.good]
    for k, name in enumerate(view.objectives):
        axes = new_axes(figure, rows[k], title="" if k else view.title("history"), y=name)
        axes.plot(numbers, [trial.values[k] for trial in view.good], "o", color=VALUE, markersize=5, label="trial")
        axes.step(numbers, view.so_far(k), where="post", color=BEST, linewidth=1.8, label="best so far")
        if view.preset:
            own = view.preset
            axes.plot(own.number, own.values[k], "*", color=PRESET, markersize=14, label="the preset's own")
        axes.set_yscale("log" if view.is_wide(k) else "linear")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial", color=THEME["muted"], fontsize=9)
    legend(axes)


def _importance(figure: Figure, place: SubplotSpec, view: View) -> None:
    axes = new_axes(figure, place, title=view.title("importance").replace(" (", "\n("), x="share")
    names = list(view.importance)[::-1]
    axes.barh(names, [view.importance[name] for name in names], color=VALUE)


def _parallel(figure: Figure, place: SubplotSpec, view: View) -> None:
    trials = view.ranked()
    axes = new_axes(figure, place, title=view.title("parallel"))
    axes.grid(False)
    axes.set_yticks([])
    found = scales(view, trials)
    ground = {"facecolor": THEME["card"], "alpha": 0.7, "pad": 0.8, "linewidth": 0}
    for rank in range(len(trials) - 1, -1, -1):  # the best on top
        share = rank / max(1, len(trials) - 1)
        places = [scale.places[rank] for scale in found]
        axes.plot(range(len(found)), places, color=RANKS(share), linewidth=2.4 - 1.6 * share, alpha=0.9)
    for k, scale in enumerate(found):
        axes.axvline(k, color=THEME["muted"], linewidth=0.8)
        ticks = scale.ticks if len(scale.ticks) <= MOST_TICKS else _ends(scale.ticks)
        for tick, text in ticks.items():
            axes.annotate(text, (k, tick), (4, 0), textcoords="offset points", fontsize=8, va="center",
                          color=THEME["text"], bbox=ground)  # fmt: skip
    axes.set_xticks(range(len(found)), [scale.name for scale in found])
    axes.set_ylim(NOT_USED - 0.06, 1.08)
    axes.set_xlim(-0.1, len(found) - 0.6)


def _ends(ticks: dict[float, str]) -> dict[float, str]:
    return {place: ticks[place] for place in (min(ticks), max(ticks))}


def _pareto(figure: Figure, place: SubplotSpec, view: View) -> None:
    axes = new_axes(figure, place, title=view.title("pareto"), x=view.objectives[0], y=view.objectives[1])
    front = {trial.number for trial in view.study.best_trials}
    for on_front, colour, label in ((False, VALUE, "trial"), (True, BEST, "on the front")):
        points = [trial.values for trial in view.good if (trial.number in front) == on_front]
        axes.plot([p[0] for p in points], [p[1] for p in points], "o", color=colour, markersize=5, label=label)
    if view.preset:
        axes.plot(*view.preset.values[:2], "*", color=PRESET, markersize=14, label="the preset's own")
    legend(axes)


def _timeline(figure: Figure, place: SubplotSpec, view: View) -> None:
    trials = [trial for trial in view.study.get_trials(deepcopy=False) if trial.datetime_start]
    start = min(trial.datetime_start for trial in trials if trial.datetime_start)
    end = max((trial.datetime_complete or trial.datetime_start or start for trial in trials), default=start)
    seconds = (end - start).total_seconds()
    unit, name = next((pair for pair in ((3600, "hours"), (60, "minutes")) if seconds > 2 * pair[0]), (1, "seconds"))
    axes = new_axes(figure, place, title=view.title("timeline"), x=f"{name} since the first began", y="trial")
    for state, word in STATES.items():
        rows = [trial for trial in trials if trial.state.name == state]
        spans = [_span(trial.datetime_start, trial.datetime_complete, start, end, unit) for trial in rows]
        if rows:
            axes.barh([trial.number for trial in rows], [length for _, length in spans], left=[at for at, _ in spans],
                      color=STATE_COLOURS[state], label=word)  # fmt: skip
    axes.invert_yaxis()
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    legend(axes)


def _span(
    began: datetime | None, ended: datetime | None, start: datetime, end: datetime, unit: float
) -> tuple[float, float]:
    """Begin and length of a trial's bar; one that still runs reaches to the end of what is known."""
    at = ((began or start) - start).total_seconds() / unit
    return at, max(((ended or end) - (began or start)).total_seconds() / unit, 1e-3)
