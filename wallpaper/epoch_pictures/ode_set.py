"""The pictures of one epoch of the transition field's training.

The eight canonical transitions as strip, animation and path; all pairs on one sheet; errors of each pair; the
symmetry spectrum of one transition; and what the VAE's set has.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wallpaper.data.latents import Latents, cached_latents
from wallpaper.data.store import PatternStore
from wallpaper.epoch_pictures.places import Order
from wallpaper.epoch_pictures.samples import shown_patterns, spread_patterns
from wallpaper.epoch_pictures.sheet import draw_sheet
from wallpaper.epoch_pictures.snapshot import snapshot_ode
from wallpaper.epoch_pictures.vae_set import PER_GROUP, draw_latents, draw_losses, draw_reconstructions
from wallpaper.models.ode import TransitionODE
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.animation import write_gif, write_png
from wallpaper.pictures.figures import pair_heatmap, save_figure, spectrum_plot, trajectory_plot, transition_matrix
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import spread, strip
from wallpaper.plane import GROUP_NAMES
from wallpaper.plane.relations import classify
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.transport_metrics import endpoint_errors
from wallpaper.training.vae_run import load_vae
from wallpaper.transition import CANONICAL, Transition, pictures, spectrum, transition

N_FRAMES = 50
STRIP_FRAMES = 10
SIZE, CELLS = 128, 2.0
"""Pixels along each side of a frame in a strip or an animation, and cells across it."""

MINI_SIZE, MINI_CELLS = 76, 1.8
"""The same in the matrix."""

SPECTRUM_OF = ("cmm", "p4m")
"""The transition whose symmetries are followed: both ends have many."""

POINTS = 16
"""Held-out latents of each group behind a pair's error."""


def draw_ode_set(order: Order) -> dict[str, float]:
    """Draw the epoch's snapshot into `order.target`. Returns: metrics that were computed on the way.

    Raises: ValueError: the order names no VAE.
    """
    if order.vae is None:
        raise ValueError("a transition field's pictures need its VAE, but the order names none")
    store, vae = PatternStore(order.data), load_vae(order.vae)
    model = TransitionModel(vae, snapshot_ode(order.target))
    latents = cached_latents(store, vae, weights_digest(vae.state_dict()), order.vae / "latents", side=vae.resolution)
    shown = Shown(model, store)
    made = {pair: shown.transition(*pair, N_FRAMES) for pair in CANONICAL}
    indices = spread_patterns(store, PER_GROUP)
    cloud = latents.take(indices)
    points, labels = cloud.mean.numpy(), cloud.labels.numpy()
    metrics = draw_latents(order, points, labels, indices, {pair: each.latents.numpy() for pair, each in made.items()})
    draw_sheet(order.target.parent, store, indices)
    for each in made.values():
        draw_transition(order, each, (points, labels))
    draw_spectrum(order, made[SPECTRUM_OF])
    draw_matrix(order, shown)
    draw_reconstructions(order, vae, store)
    draw_losses(order)
    return metrics | draw_errors(order, model.ode, latents, store)


class Shown:
    """Transitions of the 17 patterns that every epoch shows."""

    def __init__(self, model: TransitionModel, store: PatternStore) -> None:
        indices = shown_patterns(store)
        self._model = model
        self._images = store.batch(indices, side=model.resolution)
        self._lattices = [store.lattice(index) for index in indices]

    def transition(self, source: str, target: str, n_frames: int) -> Transition:
        """From the source group's pattern."""
        group = GROUP_NAMES.index(source)
        return transition(
            self._model, self._images[group], source, target, lattice=self._lattices[group], n_frames=n_frames
        )

    def middle(self, source: str, target: str) -> Picture:
        """The frame half-way; of a group to itself the reconstruction."""
        if source == target:
            other = GROUP_NAMES[GROUP_NAMES.index(source) - 1]
            result = self.transition(source, other, 2).at([0])
        else:
            result = self.transition(source, target, 3).at([1])
        return pictures(result, size=MINI_SIZE, cells=MINI_CELLS)[0]


def draw_transition(order: Order, result: Transition, cloud: tuple[NDArray[np.floating], NDArray[np.integer]]) -> None:
    """transitions/<source>_to_<target>.png (strip), .gif and -path.png."""
    stem = order.target / "transitions" / f"{result.source}_to_{result.target}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    frames = pictures(result, size=SIZE, cells=CELLS)
    write_gif(stem.with_suffix(".gif"), frames)
    shown = spread(len(frames), STRIP_FRAMES)
    captions = [f"t = {float(result.times[index]):.2f}" for index in shown]
    ends = (result.source, result.target)
    write_png(
        stem.with_suffix(".png"), strip([frames[index] for index in shown], STRIP_FRAMES, captions=captions, ends=ends)
    )
    draw_path(stem, result, cloud)


def draw_path(
    stem: Path, result: Transition, cloud: tuple[NDArray[np.floating], NDArray[np.integer]] | None = None
) -> None:
    """`stem`-path.png: the transition's way through latent space, over a cloud of latents and their groups if given."""
    path = trajectory_plot(
        result.latents.numpy(),
        result.times.numpy(),
        source=result.source,
        target=result.target,
        length=result.path_length,
        nfe=result.nfe,
        cloud=cloud,
    )
    save_figure(stem.with_name(f"{stem.name}-path.png"), path)


def draw_matrix(order: Order, shown: Shown) -> None:
    """transition_matrix.png: every ordered pair half-way, reconstructions on the diagonal."""
    cells: Mapping[tuple[str, str], Picture] = {
        (source, target): shown.middle(source, target) for source in GROUP_NAMES for target in GROUP_NAMES
    }
    title = f"All 272 transitions half-way, epoch {order.epoch}; the diagonal shows the reconstructions"
    save_figure(order.target / "transition_matrix.png", transition_matrix(cells, title=title))


def draw_errors(order: Order, ode: TransitionODE, latents: Latents, store: PatternStore) -> dict[str, float]:
    """endpoint_errors.png, and the mean and the largest of them; pairs with fewer than two latents stay empty."""
    held_out = latents.take(store.splits["val"])
    known = [group for group in range(len(GROUP_NAMES)) if int((held_out.labels == group).sum()) >= 2]
    pairs = [(source, target) for source in known for target in known if source != target]
    if not pairs:
        return {}
    errors = np.full((len(GROUP_NAMES), len(GROUP_NAMES)), np.nan)
    errors[tuple(zip(*pairs, strict=True))] = endpoint_errors(ode, held_out, pairs=pairs, points=POINTS)
    mean, worst = float(np.nanmean(errors)), float(np.nanmax(errors))
    title = f"End-point error, epoch {order.epoch}  ·  mean {mean:.3f}, largest {worst:.3f}"
    figure = pair_heatmap(errors, title, unit="mean squared error per coordinate, in units of the latents' spread")
    save_figure(order.target / "endpoint_errors.png", figure)
    return {"pairs/endpoint_mean": mean, "pairs/endpoint_largest": worst}


def draw_spectrum(order: Order, result: Transition) -> None:
    """symmetry_spectrum.png: how well each operation holds along one transition."""
    measured = spectrum(result)
    common = [line.operation for line in measured.lines if line.role == "common"]
    thumbnails = pictures(result.at(spread(len(result.times), 9)), size=150, cells=CELLS)
    figure = spectrum_plot(
        measured,
        source=result.source,
        target=result.target,
        common=classify((result.route.legs[0].common[0], *common)) if common else "",
        pictures=thumbnails,
    )
    save_figure(order.target / "symmetry_spectrum.png", figure)
