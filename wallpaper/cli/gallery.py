"""The pictures a trained model is shown by: the canonical transitions, and figures of what was learned.

It draws what it is given and trains nothing; the eight transitions are the canonical ones of the project.
"""

from __future__ import annotations

from pathlib import Path

import torch

from wallpaper.cli.jobs import Coded
from wallpaper.cli.progress import bar
from wallpaper.epoch_pictures.ode_set import draw_path
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.animation import write_gif, write_mp4, write_png
from wallpaper.pictures.figures import (
    contact_sheet,
    latent_scatter,
    loss_curves,
    reconstruction_grid,
    save_figure,
)
from wallpaper.pictures.strip import spread, strip
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.report import read_history
from wallpaper.transition import CANONICAL, Transition, pictures, transition_from_seed

N_FRAMES = 50
DURATION_S = 2.5
SIZE = 384
CELLS = 2.5
STRIP_FRAMES, STRIP_SIZE = 10, 160


def draw_transitions(model: TransitionModel, folder: Path) -> list[Path]:
    """The canonical transitions as `<source>_to_<target>` .gif, .mp4, .png (strip) and -path.png; the GIFs' paths.

    Each from a seed of its own, so that no two share their colours.
    """
    drawn = []
    with bar("drawing", "transitions") as move:
        for done, (source, target) in enumerate(CANONICAL, 1):
            result = transition_from_seed(model, source, target, seed=done, n_frames=N_FRAMES)
            drawn.append(_draw(result, folder / f"{source}_to_{target}"))
            move(done, len(CANONICAL))
    return drawn


def _draw(result: Transition, stem: Path) -> Path:
    frames = pictures(result, size=SIZE, cells=CELLS)
    gif = stem.with_suffix(".gif")
    write_gif(gif, frames, duration_s=DURATION_S)
    write_mp4(stem.with_suffix(".mp4"), frames, fps=N_FRAMES / DURATION_S)
    shown = spread(N_FRAMES, STRIP_FRAMES)
    small = pictures(result.at(shown), size=STRIP_SIZE, cells=CELLS)
    captions = [f"t = {float(result.times[index]):.2f}" for index in shown]
    write_png(
        stem.with_suffix(".png"),
        strip(small, columns=STRIP_FRAMES, captions=captions, ends=(result.source, result.target)),
    )
    draw_path(stem, result)
    return gif


def draw_figures(coded: Coded, model: TransitionModel, folder: Path) -> None:
    """Samples, reconstructions, latent space with paths, and loss curves of both phases, as PNG."""
    store, latents = coded.store, coded.latents
    firsts = [int((latents.labels == group).nonzero()[0, 0]) for group in range(len(GROUP_NAMES))]
    samples = {
        name: [
            (store.pixels(int(index)), store.lattice(int(index)))
            for index in (latents.labels == group).nonzero()[:6, 0]
        ]
        for group, name in enumerate(GROUP_NAMES)
    }
    save_figure(folder / "samples.png", contact_sheet(samples))
    originals = store.batch(firsts, side=model.resolution)
    with torch.no_grad():
        decoded = model.vae.decode(latents.mean[firsts], latents.labels[firsts])
    lattices = [store.lattice(index) for index in firsts]
    save_figure(
        folder / "reconstructions.png", reconstruction_grid(originals.numpy(), decoded.numpy(), GROUP_NAMES, lattices)
    )
    paths = [transition_from_seed(model, source, target, n_frames=20).latents.numpy() for source, target in CANONICAL]
    save_figure(
        folder / "latent_space.png", latent_scatter(latents.mean.numpy(), latents.labels.numpy(), trajectories=paths)
    )
    for phase in ("vae", "ode"):
        history = folder.parent / phase
        if history.is_dir():
            save_figure(
                folder / f"loss_{phase}.png", loss_curves(read_history(history), title=f"{phase.upper()} training")
            )
