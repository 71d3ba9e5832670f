"""Makes the figures of docs/explanation/, all drawn by the library itself: `python -m docs.explained`.

The last one asks the model that comes with the package; the others need none.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from docs.paletted import IMAGES, save
from wallpaper.cli.places import SHIPPED
from wallpaper.frames import decode_frames
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.pictures import render, render_with_elements, strip
from wallpaper.pictures.colours import THEME
from wallpaper.pictures.figures import save_figure
from wallpaper.pictures.figures.style import legend, new_axes, new_figure
from wallpaper.pictures.render import Picture
from wallpaper.pictures.tree import subgroup_tree
from wallpaper.plane import Lattice, Op, align, plan_route, plane_group
from wallpaper.plane.lattice import Metric, geodesic, invariant_metric
from wallpaper.plane.relations import primitive_metric
from wallpaper.plane.routes import joining_groups, route_steps
from wallpaper.symmetry import permutations, project
from wallpaper.transition import encode, pictures, transition

SIDE = 128
HEXAGONAL = Lattice.standard("hexagonal")


def frame() -> Picture:
    """One pattern as its array of samples, and as the plane that people look at."""
    pattern = generate_pattern("p31m", 20, SIDE)
    array = np.repeat(np.repeat(pattern.pixels, 3, axis=0), 3, axis=1)
    plane = render_with_elements(pattern.pixels, pattern.lattice, plane_group("p31m").operations, size=384, cells=2.2)
    return strip([array, plane], 2, captions=["the pattern: 128 x 128 samples", "the picture: the plane, true angles"])


def orbit(path: Path, *, group: str = "p6", side: int = 12, sample: tuple[int, int] = (1, 3)) -> None:
    """The orbit of a sample under a group's permutations, in the array and in the plane."""
    maps = permutations(plane_group(group).operations, side)
    reached = np.unique(maps[:, sample[0] * side + sample[1]])
    places = np.stack(np.divmod(np.arange(side * side), side), axis=1)
    figure = new_figure(8, 3.8)
    left = new_axes(figure, 1, 2, 1, title=f"{group}: a sample's orbit in the array", x="j, along b", y="i, along a")
    _dots(left, places[:, ::-1], reached)
    left.invert_yaxis()
    right = new_axes(figure, 1, 2, 2, title="and in the plane")
    _dots(right, places / side @ HEXAGONAL.basis.T, reached)
    save_figure(path, figure)


def _dots(axes: Axes, points: NDArray[np.generic], marked: NDArray[np.int64]) -> None:
    axes.scatter(points[:, 0], points[:, 1], s=9, color=THEME["muted"], linewidths=0)
    axes.scatter(points[marked, 0], points[marked, 1], s=60, color=THEME["accent"], linewidths=0)
    axes.set_aspect("equal")
    axes.grid(False)


def projection() -> Picture:
    """A pattern without symmetry, and the nearest patterns of hexagonal groups."""
    image = torch.from_numpy(generate_pattern("p1", 4, SIDE).pixels).permute(2, 0, 1)
    names = ("p1", "p2", "p3", "p3m1", "p31m", "p6", "p6m")
    shown = [project(image, plane_group(name).index).permute(1, 2, 0).numpy() for name in names]
    return strip([render(each, HEXAGONAL, size=220, cells=2) for each in shown], 7, captions=names)


def alignment(source: str = "p4g", target: str = "p6m") -> Picture:
    """The elements of two groups on the cell that they share, each on its own lattice, and those that both have."""
    leg = align(source, target)
    ground = np.full((SIDE, SIDE, 3), 236, np.uint8)
    start = Lattice.standard(plane_group(source).system).metric
    end = invariant_metric(start, {op.rot for op in leg.target_operations})

    def tile(operations: tuple[Op, ...], t: float) -> Picture:
        lattice = Lattice.from_metric(geodesic(start, end, t))
        return render_with_elements(ground, lattice, operations, size=320, cells=1.7, centre=(0.5, 0.5), around=1)

    place = Op(((1, 0), (0, 1)), leg.shift).xyz
    captions = [source, f"{target}, seen from {place}", f"both, half-way: {leg.common_group}, order {leg.order}"]
    tiles = [tile(leg.source_operations, 0), tile(leg.target_operations, 1), tile(leg.common, 0.5)]
    return strip(tiles, 3, captions=captions)


def metrics(path: Path) -> None:
    """Lattices of unit area as points of the upper half-plane, and the ways that transitions take between them."""
    figure = new_figure(7, 4.6)
    axes = new_axes(figure, title="Lattices of unit area", x="a·b / a·a", y="area / a·a")
    arc = np.exp(1j * np.linspace(np.pi / 3, 2 * np.pi / 3, 60))
    axes.plot(arc.real, arc.imag, color=THEME["muted"], linewidth=1)
    for edge in (-0.5, 0.0, 0.5):
        axes.plot([edge, edge], [0.0 if edge else 1.0, 1.75], color=THEME["line"], linewidth=1)
    for name, place, lattice in (
        ("square", (0.03, 1.03), Lattice.standard("square")),
        ("hexagonal", (-0.49, 0.79), HEXAGONAL),
    ):
        point = _half_plane(lattice.metric)
        axes.scatter(point[0], point[1], s=50, color=THEME["text"], zorder=3)
        axes.annotate(name, place, color=THEME["text"], fontsize=9)
    for source, target, colour in (
        ("p4", "p6", "primary"),
        ("p1", "p6m", "accent"),
        ("pm", "p4", "secondary"),
        ("cmm", "p6m", "loss_velocity"),
    ):
        group, leg = plane_group(source), align(source, target)
        start = primitive_metric(group, Lattice.standard(group.system).metric)
        end = invariant_metric(start, {op.rot for op in leg.target_operations})
        way = np.array([_half_plane(geodesic(start, end, t)) for t in np.linspace(0, 1, 40)])
        axes.plot(*way.T, color=THEME[colour], linewidth=2.2, label=f"{source} to {target}, common {leg.common_group}")
        axes.scatter(way[0, 0], way[0, 1], s=26, color=THEME[colour], zorder=3)
    axes.set_aspect("equal")
    axes.set_xlim(-0.75, 1.25)
    axes.set_ylim(0.6, 1.75)
    legend(axes, loc="upper right")
    save_figure(path, figure)


def _half_plane(metric: Metric) -> tuple[float, float]:
    """Where a metric stands: real and imaginary part of b/a as complex numbers."""
    return metric[0, 1] / metric[0, 0], float(np.sqrt(np.linalg.det(metric))) / metric[0, 0]


@torch.no_grad()
def collapse(source: str = "p2", target: str = "p4m", *, count: int = 64) -> Picture:
    """Three patterns; where pairs at random send them all; where the field that was taught by projection does."""
    model = TransitionModel.load(SHIPPED)
    mean = torch.stack([encode(model, _image(model, target, seed), target) for seed in range(100, 100 + count)]).mean(0)
    leg = align(source, target)
    rows: list[list[Picture]] = [[], [], []]
    for seed in (11, 12, 15):
        pattern = generate_pattern(source, seed, model.resolution)
        result = transition(model, _image(model, source, seed), source, target, lattice=pattern.lattice, n_frames=2)
        middle = decode_frames(model.vae, mean[None], leg, torch.ones(1), begins=False)[0]
        first, last = pictures(result, size=220, cells=2)
        averaged = render(middle.permute(1, 2, 0).numpy(), result.lattices[-1], size=220, cells=2)
        for row, tile in zip(rows, (first, averaged, last), strict=True):
            row.append(tile)
    names = (f"source, {source}", f"the mean of {target}", "the field's end")
    return strip([tile for row in rows for tile in row], 3, captions=[name for name in names for _ in range(3)])


def _image(model: TransitionModel, group: str, seed: int) -> Tensor:
    return torch.from_numpy(generate_pattern(group, seed, model.resolution).pixels).permute(2, 0, 1).float() / 255


def make() -> None:
    """Write all figures."""
    save("frame.png", frame(), 784)
    save("projection.png", projection(), 1200)
    save("alignment.png", alignment(), 980)
    save("collapse.png", collapse(), 680)
    route = plan_route("pm", "p4", "widest")
    tree = subgroup_tree(joining_groups(route), marked=route.groups, steps=route_steps(route))
    (IMAGES / "route.svg").write_text(tree, encoding="utf-8")
    orbit(IMAGES / "orbit.svg")
    metrics(IMAGES / "metrics.svg")


if __name__ == "__main__":
    make()
