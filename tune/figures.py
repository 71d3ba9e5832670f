"""What a search found, as figures: its history, what mattered, parallel coordinates, the Pareto front, a timeline.

Each as plotly JSON for a dashboard, all on one page that asks nothing of the network, and in one picture.
What a study has too little of for a figure is said in its place. Knows neither Ray nor MLflow.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.visualization import plot_timeline
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from tune.figures_picture import overview
from tune.figures_view import NOT_USED, STATES, View, look_at, scales
from wallpaper.pictures.colours import THEME
from wallpaper.pictures.figures import save_figure
from wallpaper.pictures.files import replacing

PAGE, PICTURE = "search.html", "search.png"

INK, GRID = "#7d7d7d", "rgba(128, 128, 128, 0.25)"
VALUE, BEST, PRESET = "#1e88c7", "#d9631e", "#b07a00"
"""All legible on white and on the theme's dark card; blue and orange differ for every kind of sight."""

STATE_COLOURS = {"COMPLETE": VALUE, "FAIL": BEST, "PRUNED": PRESET, "RUNNING": INK, "WAITING": INK}

RANKS = [(0.0, BEST), (0.35, VALUE), (1.0, "#8c8c8c")]
"""Of lines of parallel coordinates, from the best trial to the worst."""

PAGE_STYLE = f"""
:root {{ color-scheme: light dark; --ground: #ffffff; --text: #1f1f1f; --line: #dddddd }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ground: {THEME["card"]}; --text: {THEME["text"]}; --line: {THEME["line"]} }}
}}
body {{ background: var(--ground); color: var(--text); font: 16px system-ui, sans-serif;
  max-width: 1100px; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.05rem; margin: 2rem 0 0; padding-top: 1rem;
  border-top: 1px solid var(--line) }}
"""


def draw(study: Study, folder: Path, *, phase: str, objectives: Sequence[str] = ()) -> list[Path]:
    """Write the figures of a search; returns their files: a JSON file for each, then `PAGE` and `PICTURE`.

    Args:
        study: at any time of its search. The trial marked as the preset's has the user attribute "preset", or else
            is the first whose settings were given instead of proposed.
        folder: made if it is not there; files in it are replaced, each whole or not at all.
        phase: what was trained, for the headings.
        objectives: what the values are called; by default as the study says, else "objective".
    """
    view = look_at(study, objectives)
    figures = {name: interactive(view, name) for name in view.figures}
    contents = {f"{name}.json": str(figure.to_json()) for name, figure in figures.items()}
    contents[PAGE] = page(view, figures, f"Search, {phase}")
    for name, content in contents.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    save_figure(folder / PICTURE, overview(view, f"Search, {phase}: {view.summary()}"))
    return [folder / name for name in (*contents, PICTURE)]


def interactive(view: View, name: str) -> go.Figure:
    """One figure in plotly, on a transparent ground; a sentence in its place if it is missing."""
    drawn: dict[str, Callable[[View], go.Figure]] = {
        "history": _history,
        "importance": _importance,
        "parallel": _parallel,
        "pareto": _pareto,
        "timeline": _timeline,
    }
    reason = view.missing.get(name)
    figure = _sentence(reason) if reason else drawn[name](view)
    clear = "rgba(0, 0, 0, 0)"
    figure.update_layout(
        template=go.layout.Template(), title=None, paper_bgcolor=clear, plot_bgcolor=clear, height=420,
        font={"color": INK, "size": 13}, modebar={"bgcolor": clear, "color": INK, "activecolor": BEST},
        legend={"orientation": "h", "x": 0, "y": 1.12},
        margin={"l": 60, "r": 30, "t": 80 if name == "parallel" else 40, "b": 50},
    )  # fmt: skip
    figure.update_xaxes(gridcolor=GRID, linecolor=GRID, zeroline=False, automargin=True)
    return figure.update_yaxes(gridcolor=GRID, linecolor=GRID, zeroline=False, automargin=True)


def page(view: View, figures: Mapping[str, go.Figure], title: str) -> str:
    """All figures on one HTML page, with plotly's code inside of it; light or dark as the reader's system is."""
    options = {"displaylogo": False, "responsive": True}
    sections = [
        f"<h2>{html.escape(view.title(name))}</h2>\n"
        + figure.to_html(config=options, include_plotlyjs=False, full_html=False, div_id=name)
        for name, figure in figures.items()
    ]
    title = html.escape(title)
    return "\n".join([
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>',
        f"<style>{PAGE_STYLE}</style>\n<script>{get_plotlyjs()}</script>\n</head>\n<body>",
        f"<h1>{title}</h1>\n<p>{html.escape(view.summary())}</p>",
        *sections,
        "</body>\n</html>\n",
    ])  # fmt: skip


def _sentence(text: str) -> go.Figure:
    figure = go.Figure()
    figure.add_annotation(text=html.escape(text), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def _hover(trial: FrozenTrial) -> str:
    lines = [f"trial {trial.number}", *(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                                        for name, value in trial.params.items())]  # fmt: skip
    return "<br>".join(map(html.escape, lines))


def _star(trial: FrozenTrial, x: float, y: float, *, legend: bool = True) -> go.Scatter:
    return go.Scatter(
        x=[x], y=[y], text=[_hover(trial)], name="the preset's own", mode="markers", showlegend=legend,
        marker={"symbol": "star", "size": 15, "color": PRESET},
    )  # fmt: skip


def _history(view: View) -> go.Figure:
    figure = make_subplots(rows=len(view.objectives), shared_xaxes=True, vertical_spacing=0.06)
    numbers, hover = [trial.number for trial in view.good], [_hover(trial) for trial in view.good]
    for k, name in enumerate(view.objectives):
        values, place, first = [trial.values[k] for trial in view.good], {"row": k + 1, "col": 1}, k == 0
        dots = {"mode": "markers", "marker": {"color": VALUE, "size": 8}, "text": hover}
        steps = {"mode": "lines", "line": {"color": BEST, "width": 2, "shape": "hv"}}
        figure.add_trace(go.Scatter(x=numbers, y=values, name="trial", showlegend=first, **dots), **place)
        figure.add_trace(
            go.Scatter(x=numbers, y=view.so_far(k), name="best so far", showlegend=first, **steps), **place
        )
        if view.preset:
            figure.add_trace(_star(view.preset, view.preset.number, view.preset.values[k], legend=first), **place)
        figure.update_yaxes(title_text=name, type="log" if view.is_wide(k) else "linear", **place)
    return figure.update_xaxes(title_text="trial", row=len(view.objectives), col=1)


def _importance(view: View) -> go.Figure:
    names, shares = list(view.importance), list(view.importance.values())
    bars = go.Bar(y=names[::-1], x=shares[::-1], orientation="h", marker={"color": VALUE})
    return go.Figure(bars).update_xaxes(title_text="share", rangemode="tozero")


def _parallel(view: View) -> go.Figure:
    trials = view.ranked()[::-1]  # the best on top
    axes = [
        {"label": scale.name, "values": scale.places, "range": [NOT_USED - 0.05, 1.05],
         "tickvals": list(scale.ticks), "ticktext": list(scale.ticks.values())}
        for scale in scales(view, trials)
    ]  # fmt: skip
    ranks = {"color": list(range(len(trials)))[::-1], "colorscale": RANKS, "cmin": 0, "cmax": max(1, len(trials) - 1)}
    plain = {"color": INK, "shadow": "none"}  # plotly's shadow is white where the ground is transparent
    return go.Figure(go.Parcoords(dimensions=axes, line=ranks, labelangle=-20, tickfont=plain, labelfont=plain))


def _pareto(view: View) -> go.Figure:
    figure, front = go.Figure(), {trial.number for trial in view.study.best_trials}
    for on_front, colour, name in ((False, VALUE, "trial"), (True, BEST, "on the front")):
        trials = [trial for trial in view.good if (trial.number in front) == on_front]
        x, y = ([trial.values[k] for trial in trials] for k in (0, 1))
        mark = {"color": colour, "size": 8}
        figure.add_trace(go.Scatter(x=x, y=y, text=list(map(_hover, trials)), name=name, mode="markers", marker=mark))
    if view.preset:
        figure.add_trace(_star(view.preset, view.preset.values[0], view.preset.values[1]))
    return figure.update_xaxes(title_text=view.objectives[0]).update_yaxes(title_text=view.objectives[1])


def _timeline(view: View) -> go.Figure:
    figure = plot_timeline(view.study)
    for trace in figure.data:
        trace.marker.color = STATE_COLOURS.get(trace.name, INK)
        trace.name = STATES.get(trace.name, trace.name)
    return figure.update_xaxes(title_text="").update_yaxes(title_text="trial", autorange="reversed")
