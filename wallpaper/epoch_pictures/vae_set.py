"""The pictures of one epoch of the VAE's training: latent space, reconstructions, losses.

Each function draws one file into a folder; `draw_vae_set` draws all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from wallpaper.data.store import PatternStore
from wallpaper.epoch_pictures.data import write_latents, write_reconstructions
from wallpaper.epoch_pictures.places import Order
from wallpaper.epoch_pictures.samples import encoded, reconstructed, shown_patterns, spread_patterns
from wallpaper.epoch_pictures.separation import separation
from wallpaper.epoch_pictures.sheet import draw_sheet
from wallpaper.epoch_pictures.snapshot import snapshot_vae
from wallpaper.models.vae import SymmetryVAE
from wallpaper.pictures.figures import latent_scatter, loss_curves, reconstruction_grid, save_figure
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.report import read_history

PER_GROUP = 60
"""Patterns of each group in a scatter, at most."""


def draw_vae_set(order: Order) -> dict[str, float]:
    """Draw the epoch's snapshot into `order.target`. Returns: metrics that were computed on the way."""
    vae, store = snapshot_vae(order.target), PatternStore(order.data)
    indices = spread_patterns(store, PER_GROUP)
    latents, labels = encoded(vae, store, indices).numpy(), store.labels[indices]
    metrics = draw_latents(order, latents, labels, indices)
    draw_sheet(order.target.parent, store, indices)
    draw_reconstructions(order, vae, store)
    draw_losses(order)
    return metrics


def draw_latents(
    order: Order,
    latents: NDArray[np.floating],
    labels: NDArray[np.integer],
    indices: NDArray[np.integer],
    trajectories: Mapping[tuple[str, str], NDArray[np.floating]] | None = None,
) -> dict[str, float]:
    """latent_space.png and .json, with how far the groups are apart; returned as metrics too."""
    apart = separation(latents, labels)
    facts = f"silhouette {apart.silhouette:.3f}  ·  between / within groups {apart.scatter_ratio:.3f}"
    figure = latent_scatter(
        latents,
        labels,
        trajectories=list((trajectories or {}).values()),
        routes=list(trajectories or {}),
        title=f"Latent space, epoch {order.epoch}  ·  {facts}",
    )
    save_figure(order.target / "latent_space.png", figure)
    metrics = {"latent/silhouette": apart.silhouette, "latent/scatter_ratio": apart.scatter_ratio}
    write_latents(order.target, latents, labels, indices, trajectories or {}, metrics)
    return metrics


def draw_reconstructions(order: Order, vae: SymmetryVAE, store: PatternStore) -> None:
    """reconstructions.png: a row for each group; and its tiles and errors as data."""
    shown = shown_patterns(store)
    originals, copies = reconstructed(vae, store, shown)
    lattices = [store.lattice(index) for index in shown]
    title = f"Original, reconstruction, error  ·  epoch {order.epoch}"
    figure = reconstruction_grid(originals.numpy(), copies.numpy(), GROUP_NAMES, lattices, title=title)
    save_figure(order.target / "reconstructions.png", figure)
    write_reconstructions(order.target, originals.numpy(), copies.numpy(), lattices, shown)


def draw_losses(order: Order) -> None:
    """loss_curves.png, up to this epoch: the training may be further on."""
    rows = [row for row in read_history(order.folder) if row["epoch"] <= order.epoch]
    title = f"{order.phase.upper()} training, epoch {order.epoch}"
    save_figure(order.target / "loss_curves.png", loss_curves(rows, title=title))
