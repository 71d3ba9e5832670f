"""Figures of the latent space: clouds of samples, and trajectories through them.

More than two dimensions are drawn by their first two principal axes (Jolliffe, *Principal Component
Analysis*, 2nd ed., chapter 2); the axes' share of the variance is printed, so that nobody is misled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from wallpaper.pictures.colours import BY_ROTATION, MARKS, THEME, readable
from wallpaper.pictures.figures.style import MARKERS, TIME, colour_bar, legend, new_axes, new_figure
from wallpaper.plane import GROUP_NAMES

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalPlane:
    """Orthonormal axes through a cloud's mean, two or more. `explained` is None where they are the latent's own."""

    mean: Floats
    """(d,)"""
    axes: Floats
    """(d, k)"""
    explained: tuple[float, ...] | None
    """Shares of the variance along the k axes."""

    @classmethod
    def of(cls, latents: Floats, count: int = 2) -> PrincipalPlane:
        """The plane of latents (N, d): their own two dimensions if d <= 2, else the first `count` principal axes.

        Raises: ValueError: not (N, d) with N, d >= 1, or values that are not finite.
        """
        if latents.ndim != 2 or not latents.size or not np.isfinite(latents).all():
            raise ValueError(f"latents must be finite and (N, d) with N, d >= 1, but got {latents.shape}")
        dimension = latents.shape[1]
        if dimension <= 2:
            return cls(np.zeros(dimension), np.eye(dimension, 2), None)
        mean = latents.mean(axis=0, dtype=np.float64)
        _, values, vectors = np.linalg.svd(latents - mean, full_matrices=False)
        axes = np.zeros((dimension, count))
        axes[:, : min(count, len(vectors))] = vectors[:count].T
        total = float((values**2).sum()) or 1.0
        shares = [float(value**2) / total for value in values[:count]] + [0.0] * count
        return cls(mean, axes, tuple(shares[:count]))

    def project(self, latents: Floats) -> Floats:
        """(..., d) to (..., k)."""
        flat: Floats = (latents - self.mean) @ self.axes
        return flat

    @property
    def labels(self) -> tuple[str, ...]:
        """What to write along the axes."""
        if self.explained is None:
            return "z1", "z2"
        return tuple(f"principal axis {k + 1} ({share:.0%})" for k, share in enumerate(self.explained))


def latent_scatter(
    latents: Floats,
    labels: Labels,
    *,
    trajectories: Sequence[Floats] = (),
    routes: Sequence[tuple[str, str]] = (),
    title: str = "Latent space",
    names: Sequence[str] = GROUP_NAMES,
) -> Figure:
    """All samples by group, with trajectories over them.

    Args:
        latents: (N, d). labels: (N,) indices into `names`.
        trajectories: each (T, d), from its filled start to its open end.
        routes: source and target of each trajectory; its ends then bear the groups' marks, its line the target's
            colour, and the target's name stands at its end.
    Raises: ValueError: shapes that do not fit, labels without a name, or not a route for each trajectory.
    """
    _check_labels(latents, labels, names)
    if routes and len(routes) != len(trajectories):
        raise ValueError(f"there must be a route for each of {len(trajectories)} trajectories, but got {len(routes)}")
    plane = PrincipalPlane.of(latents)
    figure = new_figure(9, 6.6)
    axes = new_axes(figure, title=title, x=plane.labels[0], y=plane.labels[1])
    points = plane.project(latents)
    size = float(np.clip(16000 / len(points), 6, 42))
    for index in sorted(np.unique(labels), key=lambda index: _rank(names[index])):
        _scatter(axes, points[labels == index], names[index], size=size, alpha=0.45 if routes else 0.85)
    for route, trajectory in zip(routes, trajectories, strict=False):
        again = route[0] in [source for source, _ in routes[: routes.index(route)]]
        _draw_route(axes, plane.project(np.asarray(trajectory)), route, -14 if again else 6)
    for trajectory in () if routes else trajectories:
        path = plane.project(np.asarray(trajectory))
        axes.plot(*path.T, color=THEME["text"], linewidth=1.2, alpha=0.8, zorder=4)
        axes.plot(*path[0], "o", color=THEME["text"], markersize=4, zorder=5)
        axes.plot(*path[-1], "o", color=THEME["text"], markersize=5, markerfacecolor=THEME["card"], zorder=5)
    legend(axes, loc="center left", bbox_to_anchor=(1.01, 0.5), markerscale=1.2, labelspacing=0.55)
    for handle in axes.get_legend().legend_handles:  # type: ignore[union-attr]
        handle.set_alpha(0.95)  # type: ignore[union-attr]
    return figure


def trajectory_plot(
    latents: Floats,
    times: Floats,
    *,
    source: str,
    target: str,
    length: float | None = None,
    nfe: int | None = None,
    cloud: tuple[Floats, Labels] | None = None,
    names: Sequence[str] = GROUP_NAMES,
) -> Figure:
    """One trajectory, coloured by time, over a cloud of samples in which the two groups stand out.

    Args:
        latents: (T, d). times: (T,). length: of the path. nfe: number of function evaluations.
        cloud: latents (N, d) and labels (N,); its principal axes are drawn. Without it, the trajectory's own.
    Raises: ValueError: shapes that do not fit.
    """
    if latents.ndim != 2 or times.shape != latents.shape[:1]:
        raise ValueError(f"latents must be (T, d) and times (T,), but got {latents.shape} and {times.shape}")
    plane = PrincipalPlane.of(latents if cloud is None else cloud[0])
    facts = [f"{source} → {target}"]
    if length is not None:
        facts.append(f"length {length:.3g}")
    if nfe is not None:
        facts.append(f"{nfe} evaluations")
    figure = new_figure(6.4, 5.2)
    axes = new_axes(figure, title="  ·  ".join(facts), x=plane.labels[0], y=plane.labels[1])
    if cloud is not None:
        _check_labels(*cloud, names)
        points = plane.project(cloud[0])
        for index in np.unique(cloud[1]):
            ends = names[index] in (source, target)
            _scatter(
                axes, points[cloud[1] == index], names[index], size=22 if ends else 8, alpha=0.75 if ends else 0.12
            )
    path = plane.project(latents)
    line = LineCollection(
        list(np.stack([path[:-1], path[1:]], axis=1)),
        cmap=TIME,
        norm=Normalize(times[0], times[-1]),
        linewidths=2.5,
        zorder=4,
    )
    line.set_array(np.asarray((times[:-1] + times[1:]) / 2))
    axes.add_collection(line)
    axes.autoscale_view()
    for name, point, offset in ((source, path[0], (-8, 8)), (target, path[-1], (8, 8))):
        _scatter(axes, point[None], name, size=110, alpha=1.0, edge=THEME["text"])
        axes.annotate(name, point, offset, textcoords="offset points", color=THEME["text"], fontsize=10, zorder=6,
                      ha="right" if offset[0] < 0 else "left")  # fmt: skip
    colour_bar(figure, line, axes, "t")
    return figure


def _scatter(axes: Axes, points: Floats, name: str, *, size: float, alpha: float, edge: str = "none") -> None:
    colour, marker = (MARKS[name].colour, MARKERS[MARKS[name].shape]) if name in MARKS else (THEME["text"], "o")
    axes.scatter(points[:, 0], points[:, 1], s=size, c=colour, marker=marker, alpha=alpha, label=name, edgecolors=edge,
                 linewidths=1.0, zorder=5 if edge != "none" else 3)  # fmt: skip


def _draw_route(axes: Axes, path: Floats, route: tuple[str, str], height: int) -> None:
    """A path whose ends are the marks of its groups, outlined; its name stands `height` points above its end."""
    halo = [withStroke(linewidth=3.6, foreground=THEME["card"])]
    axes.plot(*path.T, color=readable(route[1]), linewidth=1.8, zorder=6, path_effects=halo)
    for name, point in zip(route, (path[0], path[-1]), strict=True):
        mark = MARKS[name]
        axes.plot(*point, MARKERS[mark.shape], color=mark.colour, markersize=8, zorder=7,
                  markeredgecolor=THEME["text"], markeredgewidth=1.0)  # fmt: skip
    label = f"{route[0]} → {route[1]}"
    axes.annotate(label, path[-1], (8, height), textcoords="offset points", color=THEME["text"], fontsize=8, zorder=8,
                  path_effects=[withStroke(linewidth=2.5, foreground=THEME["card"])])  # fmt: skip


def _rank(name: str) -> int:
    """Place in the legend: by rotation order, other names last."""
    return BY_ROTATION.index(name) if name in BY_ROTATION else len(BY_ROTATION)


def _check_labels(latents: Floats, labels: Labels, names: Sequence[str]) -> None:
    if labels.shape != latents.shape[:1]:
        raise ValueError(f"`labels` must be (N,) for latents (N, d), but got {labels.shape} for {latents.shape}")
    if labels.size and not (0 <= labels.min() and labels.max() < len(names)):
        raise ValueError(f"labels must be in 0..{len(names) - 1}, but got {labels.min()}..{labels.max()}")
