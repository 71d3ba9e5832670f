"""The symmetry spectrum as a figure: correlation of every operation against time, as curves and row by row.

Curves show when symmetries come and go; rows name each operation by its coordinate triplet. Colours tell what both
ends share from what only one of them has.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D

from wallpaper.pictures.colours import THEME
from wallpaper.pictures.figures.style import HEAT, colour_bar, legend, new_axes, new_figure, picture_axes
from wallpaper.pictures.render import Picture
from wallpaper.symmetry.spectrum import ROLES, Role, Spectrum

ROLE_COLOURS: dict[Role, str] = {
    "common": THEME["primary"],
    "source": THEME["accent"],
    "target": THEME["secondary"],
    "waypoint": "#b8a6ff",
    "neither": "#8a8a8a",
}

HOLDS = 1 - 1e-6
"""Correlation from which an operation is drawn as one that holds: rounding leaves far less."""

STRENGTH = LinearSegmentedColormap.from_list("strength", HEAT(np.linspace(0, 0.72, 64))).with_extremes(
    over=THEME["accent"]
)
"""Correlations below `HOLDS` from dark to green; what holds stands out in the accent."""

_ROW_HEIGHT, _CURVES, _PICTURES = 0.2, 2.5, 1.1
"""Heights in inches."""


def spectrum_plot(
    spectrum: Spectrum,
    *,
    source: str,
    target: str,
    common: str = "",
    waypoints: Sequence[tuple[float, str]] = (),
    pictures: Sequence[Picture] = (),
) -> Figure:
    """The spectrum of a transition from `source` to `target`.

    Args:
        common: name of the subgroup that every frame keeps, for the legend.
        waypoints: times and names of the groups between.
        pictures: frames at equally spaced times, both ends included, drawn above.
    Raises: ValueError: a spectrum without operations or with fewer than two times.
    """
    count = len(spectrum.lines)
    if not count or len(spectrum.times) < 2:
        raise ValueError(f"a spectrum must have operations and two times, but got {spectrum.correlations.shape}")
    present = [role for role in ROLES if any(line.role == role for line in spectrum.lines)]
    heights = [_PICTURES if pictures else 0.01, _CURVES, _ROW_HEIGHT * (count + 0.6 * (len(present) - 1)) + 0.5]
    figure = new_figure(9, sum(heights) + 0.9)
    grid = GridSpec(3, 1, figure=figure, height_ratios=heights)
    names = {
        "common": f"common: {common}" if common else "common to all groups",
        "source": f"{source}, lost on the way",
        "target": f"{target}, gained on the way",
        "waypoint": "waypoints only",
        "neither": "no group's (at its best translation)",
    }
    if pictures:
        _draw_pictures(picture_axes(figure, grid[0]), pictures)
    curves = new_axes(figure, grid[1], title=f"Symmetry spectrum  {source} → {target}", y="correlation")
    _draw_curves(curves, spectrum)
    handles = [Line2D([], [], color=ROLE_COLOURS[role], linewidth=2, label=names[role]) for role in present]
    legend(curves, handles=handles, loc="lower center", ncols=len(handles), bbox_to_anchor=(0.5, 1.08), fontsize=7.5)
    curves.set_title(curves.get_title(loc="left"), loc="left", color=THEME["text"], fontsize=11, pad=36)
    rows = new_axes(figure, grid[2], x="t")
    image = _draw_rows(rows, spectrum)
    colour_bar(figure, image, rows, "correlation; yellow: it holds")
    for axes in (curves, rows):
        axes.set_xlim(spectrum.times[0], spectrum.times[-1])
        for time, _ in waypoints:
            axes.axvline(time, color=THEME["text"], linewidth=0.8, linestyle=(0, (2, 3)), zorder=5)
    for time, name in waypoints:
        curves.text(time, 1.005, name, color=THEME["text"], fontsize=8, ha="center", va="bottom",
                    transform=curves.get_xaxis_transform())  # fmt: skip
    return figure


def _draw_pictures(axes: Axes, pictures: Sequence[Picture]) -> None:
    """Side by side over the whole width, each centred over its own time but for the two at the ends."""
    gap = 0.06
    for index, picture in enumerate(pictures):
        axes.imshow(picture, extent=(index, index + 1 - gap, 0, 1 - gap))
    axes.set_xlim(0, len(pictures) - gap)
    axes.set_ylim(0, 1 - gap)


def _draw_curves(axes: Axes, spectrum: Spectrum) -> None:
    for line, values in sorted(
        zip(spectrum.lines, spectrum.correlations, strict=True), key=lambda pair: -ROLES.index(pair[0].role)
    ):
        faint = line.role == "neither"
        axes.plot(spectrum.times, values, color=ROLE_COLOURS[line.role], linewidth=1.0 if faint else 1.6,
                  linestyle=(0, (1, 1.5)) if faint else "-", alpha=0.9)  # fmt: skip
    low = float(spectrum.correlations.min())
    axes.set_ylim(min(-0.05, low - 0.05), 1.05)
    axes.tick_params(labelbottom=False)


def _draw_rows(axes: Axes, spectrum: Spectrum) -> object:
    """One row an operation, a gap where the role changes; returns what a colour bar needs."""
    roles = [line.role for line in spectrum.lines]
    gaps = np.cumsum([0.0, *(0.6 * (before != after) for before, after in pairwise(roles))])
    times = spectrum.times
    between = (times[1:] + times[:-1]) / 2
    borders = np.concatenate([times[:1], between, times[-1:]])
    image = None
    for row, values in enumerate(spectrum.correlations):
        top = row + gaps[row]
        image = axes.pcolormesh(
            borders, [top, top + 0.88], values[None], cmap=STRENGTH, vmin=0, vmax=HOLDS, rasterized=True
        )
    axes.set_yticks(np.arange(len(roles)) + gaps + 0.44, [line.label for line in spectrum.lines], fontsize=7.5)
    for tick, role in zip(axes.get_yticklabels(), roles, strict=True):
        tick.set_color(ROLE_COLOURS[role])
        tick.set_fontfamily("monospace")
    axes.set_ylim(len(roles) + gaps[-1], -0.1)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    return image
