"""A search as figures: history, influence of settings, parallel coordinates, Pareto front, timeline.

What Optuna would compute of a study comes with the run; the rest is made of the trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from dashboard.theme import Palette
from dashboard.views.figure import Figure, axis, figure
from dashboard.views.text import duration, number, plain
from dashboard.views.trials import Search, Trial, number_of, pareto

SYMBOLS = {"finished": "circle", "stopped early": "x-thin-open", "running": "circle-open", "failed": "diamond-open",
           "stopped": "square-open"}  # fmt: skip

MOST_AXES = 8


def state_colours(theme: Palette) -> dict[str, str]:
    """By state of a trial."""
    names = {
        "finished": theme.primary,
        "stopped early": theme.muted,
        "running": theme.accent,
        "failed": theme.secondary,
    }
    return names | {"stopped": theme.muted}


def history(search: Search, theme: Palette) -> Figure:
    """The first objective of each trial, and the best so far."""
    data: list[dict[str, Any]] = []
    colours = state_colours(theme)
    for state, symbol in SYMBOLS.items():
        trials = [trial for trial in search.trials if trial.state == state and trial.values]
        if trials:
            mark = {
                "symbol": symbol,
                "size": 9,
                "color": colours[state],
                "line": {"width": 1.6, "color": colours[state]},
            }
            data.append(_dots(trials, [t.number for t in trials], [t.values[0] for t in trials], state, mark))
    good = [trial for trial in search.trials if trial.is_good]
    so_far = list(accumulate((trial.values[0] for trial in good), max if search.up else min))
    line = {"color": theme.accent, "width": 2, "shape": "hv"}
    data.append({"type": "scatter", "mode": "lines", "x": [t.number for t in good], "y": so_far, "line": line,
                 "name": "best so far", "hoverinfo": "skip"})  # fmt: skip
    values = [trial.values[0] for trial in search.trials if trial.values]
    log = bool(values) and min(values) > 0 and max(values) > 20 * min(values)
    few = {"dtick": 1} if len(search.trials) < 12 else {}
    return figure(
        data, theme, hovermode="closest", xaxis=axis(theme, "trial", **few),
        yaxis=axis(theme, search.objectives[0], type="log" if log else "linear"), uirevision=search.run_id,
    )  # fmt: skip


def bars(shares: Mapping[str, float], theme: Palette, title: str) -> Figure:
    """Settings by their influence, the largest on top."""
    names, values = list(shares)[:MOST_AXES][::-1], list(shares.values())[:MOST_AXES][::-1]
    bar = {
        "type": "bar", "orientation": "h", "x": values, "y": [plain(name) for name in names],
        "marker": {"color": theme.primary}, "text": [f"{value:.2f}" for value in values], "textposition": "outside",
        "cliponaxis": False, "textfont": {"color": theme.text}, "hoverinfo": "skip",
    }  # fmt: skip
    return figure(
        [bar], theme, xaxis=axis(theme, title, rangemode="tozero"),
        yaxis=axis(theme, "", tickfont={"color": theme.text, "size": 12}), bargap=0.4,
        margin={"l": 8, "r": 40, "t": 8, "b": 44},
    )  # fmt: skip


def front(search: Search, theme: Palette) -> Figure:
    """The first two objectives against each other; what no other trial beats, as a line."""
    good = [trial for trial in search.trials if trial.is_good and len(trial.values) > 1]
    best = pareto(search)
    rest = [trial for trial in good if trial not in best]
    quiet = {"size": 8, "color": theme.primary, "opacity": 0.45}
    loud = {"size": 10, "color": theme.accent, "symbol": "diamond"}
    data = [
        _dots(rest, [t.values[0] for t in rest], [t.values[1] for t in rest], "beaten", quiet),
        _dots(best, [t.values[0] for t in best], [t.values[1] for t in best], "front", loud)
        | {"mode": "lines+markers", "line": {"color": theme.accent, "shape": "hv"}},
    ]
    first, second = search.objectives[:2]
    return figure(data, theme, hovermode="closest", xaxis=axis(theme, first), yaxis=axis(theme, second))


def timeline(search: Search, theme: Palette, now: float) -> Figure:
    """When each trial ran."""
    data: list[dict[str, Any]] = []
    colours = state_colours(theme)
    for state in SYMBOLS:
        trials = [trial for trial in search.trials if trial.state == state]
        if trials:
            lengths = [(trial.ended or now) - trial.started for trial in trials]
            data.append({
                "type": "bar", "orientation": "h", "name": state, "y": [trial.number for trial in trials],
                "base": [datetime.fromtimestamp(trial.started).isoformat(" ", "seconds") for trial in trials],
                "x": [round(length * 1000) for length in lengths], "marker": {"color": colours[state]}, "width": 0.6,
                "text": [f"trial {t.number}: {duration(length)}" for t, length in zip(trials, lengths, strict=True)],
                "textposition": "none", "hovertemplate": "%{text}<extra></extra>",
            })  # fmt: skip
    last = max((trial.number for trial in search.trials), default=0)
    return figure(
        data, theme, hovermode="closest", barmode="overlay", xaxis=axis(theme, "", type="date"),
        yaxis=axis(theme, "trial", range=[max(1, last) + 0.6, -0.6],
                   tickvals=list(range(0, last + 1, max(1, last // 8)))),
    )  # fmt: skip


def table(search: Search, picked: Search) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Columns and rows of the picked trials of a search, with the settings that were varied in it."""
    best = search.best()
    columns: list[dict[str, Any]] = [
        {"name": "trial", "label": "Trial", "field": "trial", "sortable": True, "align": "left"},
        {"name": "state", "label": "State", "field": "state", "sortable": True, "align": "left"},
    ]
    columns += [
        {"name": f"value{k}", "label": name, "field": f"value{k}", "sortable": True}
        for k, name in enumerate(search.objectives)
    ]
    columns += [{"name": "epoch", "label": "Epochs", "field": "epoch", "sortable": True}]
    columns += [{"name": "took", "label": "Time", "field": "took"}]
    columns += [
        {"name": f"s.{name}", "label": name, "field": f"s.{name}", "sortable": True} for name in search.varied()
    ]
    rows = []
    for trial in picked.trials:
        values = {f"value{k}": float(f"{value:.5g}") for k, value in enumerate(trial.values)}
        settings = {f"s.{name}": _shown(trial.settings.get(name, "")) for name in search.varied()}
        took = duration(trial.ended - trial.started) if trial.ended else ""
        name = f"{trial.number}{'  ★' if trial is best else ''}"
        rows.append({"id": trial.run_id, "trial": name, "state": trial.state, "epoch": trial.epoch, "took": took}
                    | values | settings)  # fmt: skip
    return columns, rows


def summary(search: Search) -> str:
    """How a search stands, in a line."""
    counts = {state: sum(trial.state == state for trial in search.trials) for state in SYMBOLS}
    ended = len(search.trials) - counts["running"]
    of = f" of {search.planned}" if search.planned else ""
    text = f"{ended}{of} trials ended" + "".join(f"  ·  {n} {state}" for state, n in counts.items() if n)
    best = search.best()
    return text + (f"  ·  best {search.objectives[0]} {number(best.values[0])} (trial {best.number})" if best else "")


def _dots(trials: Sequence[Trial], x: Sequence[float], y: Sequence[float], name: str, mark: Any) -> dict[str, Any]:
    texts = [f"trial {trial.number}  ·  {trial.state}  ·  " + ", ".join(map(number, trial.values)) for trial in trials]
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": list(x), "y": list(y), "marker": mark,
        "text": texts, "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _shown(value: str) -> str:
    known = number_of(value)
    return value if known is None or float(known).is_integer() else f"{known:.3g}"
