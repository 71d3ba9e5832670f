"""`wallpaper train-vae` and `wallpaper train-ode`: the two phases, tracked.

Options alone, one for each setting; `training` does what they ask for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wallpaper.cli.options import config_options, data_option, optional_flag, trying_options
from wallpaper.cli.output import Output
from wallpaper.cli.places import DEMO_VAE, ODE_RUNS, VAE_RUNS
from wallpaper.cli.scaling import chosen_scaling, scaling_options
from wallpaper.training import ode_config, vae_config
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.vae_config import VaeConfig

_data = data_option("Dataset: an HDF5 file of `wallpaper generate`.")
_resume = click.option(
    "--resume",
    default="",
    metavar="RUN",
    help="Go on with an interrupted run, to the losses it would have had: its folder, its name, or last. Its settings "
    "stay, whatever --preset says; --epochs may change.",
)
_device = click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto: a GPU if there is one.")
_pictures = click.option(
    "--pictures/--no-pictures",
    default=True,
    show_default=True,
    help="Every --log-every epochs, draw into visualizations/epoch_005 and so on, beside the training; metrics.json "
    "comes in any case.",
)


@click.command("train-vae")
@_data
@click.option(
    "--output",
    type=Output(folder=True),
    default=VAE_RUNS,
    show_default=True,
    help="Each run makes a folder below it.",
)
@_resume
@_device
@_pictures
@trying_options
@scaling_options
@config_options(VaeConfig, tuple(vae_config.PRESETS), "laptop")
def train_vae(
    data: Path,
    output: Path,
    resume: str,
    device: str,
    pictures: bool,
    attempt: str | None,
    gpus: int,
    workers: int,
    address: str,
    **settings: Any,
) -> None:
    """Phase 1: train the symmetry-invariant VAE.

    Settings come from --preset; every other option below changes one of them. The run's folder holds config.json,
    history.json and the checkpoints best and last; MLflow gets the same. Ctrl-C saves and stops.

    \b
    Examples:
      wallpaper train-vae                                   minutes on two cores
      wallpaper train-vae --preset plan --data data/full/patterns.h5 --device cuda
      wallpaper train-vae --preset plan --dry-run           size, time and memory of it; nothing is written
      wallpaper train-vae --preset quality --gpus 8         each batch shared by eight GPUs
      wallpaper train-vae --resume last --epochs 90
    """
    scaling = chosen_scaling(gpus, workers, address)
    from wallpaper.cli import training  # noqa: PLC0415 - takes seconds: no help or mistake waits for it

    training.train_vae(
        data, output, settings, resume=resume, device=device, pictures=pictures, attempt=attempt, scaling=scaling
    )


@click.command("train-ode")
@_data
@click.option(
    "--vae",
    default="",
    metavar="RUN",
    help=f"A trained VAE: its folder, or its name below {VAE_RUNS}. [default: the newest there, else {DEMO_VAE}]",
)
@click.option(
    "--output",
    type=Output(folder=True),
    default=ODE_RUNS,
    show_default=True,
    help="Each run makes a folder below it.",
)
@optional_flag(
    "--train-vae-if-missing",
    "Without a trained VAE, generate data if need be and train the VAE's preset of the same name first.",
)
@_resume
@_device
@_pictures
@trying_options
@config_options(OdeConfig, tuple(ode_config.PRESETS), "laptop")
def train_ode(
    data: Path,
    vae: str,
    output: Path,
    train_vae_if_missing: bool,
    resume: str,
    device: str,
    pictures: bool,
    attempt: str | None,
    **settings: Any,
) -> None:
    """Phase 2: train the neural ODE dz/dt = f(z, t, e_source, e_target) on a frozen VAE's latents.

    Settings come from --preset; every other option below changes one of them. The run's folder holds config.json,
    history.json, the checkpoints best and last, and model/: VAE and ODE together, ready for `wallpaper transition`.

    \b
    Examples:
      wallpaper train-ode                                   about a minute, on the newest VAE
      wallpaper train-ode --train-vae-if-missing true       from nothing
      wallpaper train-ode --preset baseline                 the error of the path's end, through the solver
      wallpaper train-ode --held-out-pairs 0.1              a tenth of the 272 pairs is never trained
    """
    from wallpaper.cli import training  # noqa: PLC0415 - takes seconds: no help or mistake waits for it

    training.train_ode(
        data, output, settings, vae=vae, train_vae_if_missing=train_vae_if_missing, resume=resume, device=device,
        pictures=pictures, attempt=attempt,
    )  # fmt: skip
