"""The look that all figures share: dark, quiet axes, one accent.

Matplotlib's object interface on the Agg canvas only: no pyplot, no global state, so threads and servers
may draw at the same time.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from wallpaper.pictures.colours import THEME, Shape
from wallpaper.pictures.files import replacing
from wallpaper.pictures.render import Picture

DPI = 150

MARKERS: dict[Shape, str] = {"circle": "o", "diamond": "d", "triangle": "^", "square": "s", "hexagon": "h"}
"""Matplotlib's marker for each shape."""

HEAT = LinearSegmentedColormap.from_list("heat", ["#16302f", "#2b7d78", THEME["primary"], "#b9d86a", THEME["accent"]])
"""Small to large, from the theme's teal to its accent; lightness rises all the way."""

TIME = LinearSegmentedColormap.from_list("time", [THEME["primary"], "#b9e3a0", THEME["accent"]])
"""Along a trajectory: bright from the start, since it is a line on a dark ground."""

ERROR = LinearSegmentedColormap.from_list(
    "error", [THEME["background"], "#5c1f33", THEME["secondary"], THEME["accent"], "#ffffff"]
)
"""Errors: black where there is none."""


def new_figure(width: float, height: float) -> Figure:
    """A dark figure of this size in inches with its own Agg canvas."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=THEME["card"], layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_axes(figure: Figure, *position: Any, title: str = "", x: str = "", y: str = "") -> Axes:
    """Axes in the theme. `position` is what `Figure.add_subplot` takes."""
    axes = figure.add_subplot(*position)
    axes.set_facecolor(THEME["card"])
    axes.grid(color=THEME["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=THEME["muted"], labelsize=8, length=0)
    for side, spine in axes.spines.items():
        spine.set_color(THEME["line"])
        spine.set_visible(side in ("left", "bottom"))
    axes.set_title(title, color=THEME["text"], fontsize=11, loc="left", pad=10)
    axes.set_xlabel(x, color=THEME["muted"], fontsize=9)
    axes.set_ylabel(y, color=THEME["muted"], fontsize=9)
    return axes


def picture_axes(figure: Figure, *position: Any, title: str = "") -> Axes:
    """Axes for pictures: no grid, ticks or frame."""
    axes = new_axes(figure, *position, title=title)
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def legend(axes: Axes, **options: Any) -> None:
    """A frameless legend in the theme."""
    axes.legend(**{"frameon": False, "labelcolor": THEME["muted"], "fontsize": 8, **options})


def colour_bar(figure: Figure, image: Any, axes: Axes, label: str) -> None:
    """A thin colour bar at the right of the axes."""
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=THEME["muted"], labelsize=8, length=0)
    bar.set_label(label, color=THEME["muted"], fontsize=8)


def figure_pixels(figure: Figure) -> Picture:
    """(height, width, 3) uint8 of the drawn figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels: Picture = np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3].copy()  # type: ignore[no-untyped-call]
    return pixels


def save_figure(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write the figure in the format of the suffix (.png, .svg, .pdf), whole or not at all.

    Raises: ValueError: a suffix that matplotlib cannot write.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, facecolor=figure.get_facecolor())
