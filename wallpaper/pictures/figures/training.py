"""Figures of a training: loss curves, and a number for every pair of groups.

Knows a history only as a list of mappings from names such as "train/loss" to numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wallpaper.pictures.colours import BY_ROTATION, THEME, readable
from wallpaper.pictures.figures.style import HEAT, colour_bar, legend, new_axes, new_figure, picture_axes
from wallpaper.plane import GROUP_NAMES, plane_group

TERM_COLOURS = {
    "loss": THEME["loss_total"],
    "endpoint": THEME["loss_endpoint"],
    "smoothness": THEME["loss_smooth"],
    "velocity": THEME["loss_velocity"],
    "reconstruction": THEME["loss_endpoint"],
    "kl": THEME["loss_smooth"],
    "invariance": THEME["loss_velocity"],
}

_MORE_COLOURS = ("#74b9ff", "#fd79a8", "#55efc4", "#e17055", "#b2bec3")

MOST_TERMS = 8
"""Terms drawn in the second panel; more could not be told apart."""


def loss_curves(history: Sequence[Mapping[str, object]], *, title: str = "Loss") -> Figure:
    """Training (solid) and validation (dashed) loss by epoch, its terms beside it, the best epoch marked.

    Args:
        history: one mapping an epoch: "epoch", "train/loss", "val/loss", "train/<term>", "val/<term>",
            "learning_rate"; missing values leave gaps, a missing "epoch" is counted from 1.
    Raises: ValueError: no epoch, or no "train/loss" in any.
    """
    series = _series(history)
    if "train/loss" not in series:
        raise ValueError(f"a history must have 'train/loss' in some epoch, but got the names {sorted(series)[:20]}")
    epochs = np.array([float(str(row.get("epoch", k + 1))) for k, row in enumerate(history)])
    terms = list(dict.fromkeys(name.split("/", 1)[1] for name in series if name.startswith(("train/", "val/"))))
    terms = [term for term in terms if term != "loss"][:MOST_TERMS]
    figure = new_figure(11 if terms else 6.6, 4.2)
    total = new_axes(figure, 1, 2 if terms else 1, 1, title=title, x="epoch")
    _draw_term(total, epochs, series, "loss", THEME["loss_total"])
    _mark_best(total, epochs, series.get("val/loss"))
    _rate(total, epochs, series.get("learning_rate"))
    _finish(total)
    if terms:
        panel = new_axes(figure, 1, 2, 2, title="Terms", x="epoch")
        for index, term in enumerate(terms):
            _draw_term(panel, epochs, series, term, TERM_COLOURS.get(term, _MORE_COLOURS[index % len(_MORE_COLOURS)]))
        _finish(panel)
    return figure


def pair_heatmap(
    values: NDArray[np.floating], title: str, *, unit: str = "", log: bool = False, names: Sequence[str] = BY_ROTATION
) -> Figure:
    """A number for each ordered pair of groups: row = source, column = target, in the order of `names`.

    Args: values: (17, 17) by the groups' *indices*; NaN leaves a pair empty. log: logarithmic colours.
    Raises: ValueError: not (17, 17).
    """
    side = len(GROUP_NAMES)
    if values.shape != (side, side):
        raise ValueError(f"values must be ({side}, {side}), but got {values.shape}")
    index = [plane_group(name).index for name in names]
    shown = np.ma.masked_invalid(values[np.ix_(index, index)])
    if log:
        shown = np.ma.masked_less_equal(shown, 0)
    if shown.count() == 0:
        norm = Normalize(0, 1)
    else:
        norm = (LogNorm if log else Normalize)(float(shown.min()), float(shown.max()))
    figure = new_figure(7.4, 6.4)
    axes = picture_axes(figure, title=title)
    image = axes.imshow(shown, cmap=HEAT, norm=norm, interpolation="nearest")
    axes.set_facecolor("#222222")
    label_pairs(axes, names, np.arange(len(names)))
    for k in range(len(names) + 1):
        axes.axhline(k - 0.5, color=THEME["card"], linewidth=1.5)
        axes.axvline(k - 0.5, color=THEME["card"], linewidth=1.5)
    separate_rotations(axes, names, np.arange(1, len(names)) - 0.5)
    colour_bar(figure, image, axes, unit)
    return figure


def label_pairs(axes: Axes, names: Sequence[str], centres: NDArray[np.floating] | NDArray[np.integer]) -> None:
    """Group names, in their colours, along the left (source) and the top (target) of a matrix."""
    axes.set_xticks(centres, names, rotation=90)
    axes.set_yticks(centres, names)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    for label, name in zip([*axes.get_xticklabels(), *axes.get_yticklabels()], [*names, *names], strict=True):
        label.set_color(readable(name))
    axes.set_xlabel("to", color=THEME["muted"], fontsize=9)
    axes.set_ylabel("from", color=THEME["muted"], fontsize=9)


def separate_rotations(axes: Axes, names: Sequence[str], edges: NDArray[np.floating]) -> None:
    """Thin lines where the rotation order changes; `edges` are the places between neighbours."""
    orders = [plane_group(name).rotation_order for name in names]
    for first, second, edge in zip(orders[:-1], orders[1:], edges, strict=True):
        if first != second:
            axes.axhline(edge, color=THEME["muted"], linewidth=0.9)
            axes.axvline(edge, color=THEME["muted"], linewidth=0.9)


def _series(history: Sequence[Mapping[str, object]]) -> dict[str, NDArray[np.float64]]:
    """Each name's numbers over the epochs, NaN where missing."""
    names = dict.fromkeys(name for row in history for name, value in row.items() if isinstance(value, int | float))
    return {name: np.array([_number(row.get(name)) for row in history]) for name in names}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _draw_term(
    axes: Axes, epochs: NDArray[np.float64], series: Mapping[str, NDArray[np.float64]], term: str, colour: str
) -> None:
    marker = "o" if len(epochs) == 1 else ""
    for part, dashes in (("train", "-"), ("val", (0, (3, 2)))):
        values = series.get(f"{part}/{term}")
        if values is not None:
            label = f"{term}, {part}" if part == "val" else term
            axes.plot(
                epochs, values, color=colour, linestyle=dashes, linewidth=1.6, marker=marker, markersize=4, label=label
            )


def _mark_best(axes: Axes, epochs: NDArray[np.float64], values: NDArray[np.float64] | None) -> None:
    if values is not None and np.isfinite(values).any():
        best = int(np.nanargmin(values))
        label = f"best {values[best]:.4g}, epoch {epochs[best]:.0f}"
        axes.plot(epochs[best], values[best], "*", color=THEME["accent"], markersize=11, label=label, linestyle="none")


def _rate(axes: Axes, epochs: NDArray[np.float64], values: NDArray[np.float64] | None) -> None:
    """The learning rate, faint, on an axis of its own."""
    if values is None or not (np.nan_to_num(values) > 0).any():
        return
    twin = axes.twinx()
    twin.set_yscale("log")
    twin.plot(epochs, values, color=THEME["muted"], linewidth=1, alpha=0.45)
    twin.tick_params(which="both", colors=THEME["muted"], labelsize=7, length=0)
    twin.set_ylabel("learning rate (thin line)", color=THEME["muted"], fontsize=8)
    for spine in twin.spines.values():
        spine.set_visible(False)


def _finish(axes: Axes) -> None:
    """Logarithmic if all is positive, whole epochs, a legend."""
    lines = [np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.get_lines()]
    values = np.concatenate([line[np.isfinite(line)] for line in lines])
    if values.size and values.min() > 0:
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(axes, ncols=2 if len(axes.get_lines()) > 6 else 1)
