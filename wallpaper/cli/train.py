"""`wallpaper train-vae` and `wallpaper train-ode`: the two phases, tracked.

Options around the jobs; the loops are in `wallpaper.training` and know no command.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from wallpaper import tracking
from wallpaper.cli.jobs import choose_device, encode_job, train_ode_job, train_vae_job
from wallpaper.cli.options import config_options, given, optional_flag
from wallpaper.cli.places import DATA, MODEL, ODE_RUNS, PER_GROUP, VAE_RUNS
from wallpaper.cli.progress import bar
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.training import ode_config, vae_config
from wallpaper.training.config import CONFIG, from_mapping, load_config
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.run_folder import latest_run, new_run_folder, resumable_run
from wallpaper.training.vae_config import VaeConfig

_data = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA,
    show_default=True,
    help="Dataset: an HDF5 file of `wallpaper generate`.",
)
_resume = click.option(
    "--resume",
    default="",
    metavar="RUN",
    help="Go on with an interrupted run: its folder, its name, or last; to the losses it would have had.",
)
_device = click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto: a GPU if there is one.")


@click.command("train-vae")
@_data
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=VAE_RUNS,
    show_default=True,
    help="Each run makes a folder below it.",
)
@_resume
@_device
@config_options(VaeConfig, tuple(vae_config.PRESETS), "laptop")
def train_vae(data: Path, output: Path, resume: str, device: str, **settings: Any) -> None:
    """Phase 1: train the symmetry-invariant VAE.

    Settings come from --preset; every other option below changes one of them. The run's folder holds config.json,
    history.json and the checkpoints best and last; MLflow gets the same. Ctrl-C saves and stops.

    \b
    Examples:
      wallpaper train-vae                                   minutes on two cores
      wallpaper train-vae --preset plan --data data/full/patterns.h5 --device cuda
      wallpaper train-vae --resume last --epochs 90
    """
    store, device = PatternStore(data), choose_device(device)
    folder = resumable_run(output, resume) if resume else None
    config = _config(VaeConfig, settings, folder)
    folder = folder or new_run_folder(output)
    again = bool(resume)
    with tracking.start(f"vae-{folder.name}", phase="train_vae", config=config, folder=folder, resume=again) as run:
        result = train_vae_job(config, store, folder, run, resume=again, device=device)
    best = result.history[result.best_epoch - 1]
    click.echo(f"{folder}: best epoch {result.best_epoch}, PSNR {best['val/psnr']:.2f} dB on the validation split")
    click.echo("Next: wallpaper train-ode")


@click.command("train-ode")
@_data
@click.option(
    "--vae", default="", metavar="RUN", help=f"Folder of a trained VAE. [default: the newest below {VAE_RUNS}]"
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
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
@config_options(OdeConfig, tuple(ode_config.PRESETS), "laptop")
def train_ode(
    data: Path, vae: str, output: Path, train_vae_if_missing: bool, resume: str, device: str, **settings: Any
) -> None:
    """Phase 2: train the neural ODE dz/dt = f(z, t, e_source, e_target) on a frozen VAE's latents.

    Settings come from --preset; every other option below changes one of them. The run's folder holds config.json,
    history.json, the checkpoints best and last, and model/: VAE and ODE together, ready for `wallpaper transition`.

    \b
    Examples:
      wallpaper train-ode                                   about a minute, on the newest VAE
      wallpaper train-ode --train-vae-if-missing true       from nothing
      wallpaper train-ode --objective endpoint --coupling random --adjoint true --transition-mode mixed
                                                            the plan's objective to the letter
    """
    device = choose_device(device)
    folder = resumable_run(output, resume) if resume else None
    config = _config(OdeConfig, settings, folder)
    vae_folder = latest_run(Path(vae) if vae else VAE_RUNS)
    if vae_folder is None and not train_vae_if_missing:
        raise FileNotFoundError(_missing(vae))
    folder = folder or new_run_folder(output)
    again = bool(resume)
    with tracking.start(f"ode-{folder.name}", phase="train_ode", config=config, folder=folder, resume=again) as run:
        if vae_folder is None:
            vae_folder = _train_missing_vae(data, settings["preset"], run, device)
        store = PatternStore(data)
        run.tag("vae.folder", str(vae_folder))
        coded = encode_job(vae_folder, store)
        result = train_ode_job(config, coded, folder, run, resume=again, device=device)
    best = result.history[result.best_epoch - 1]
    click.echo(f"{folder}: best epoch {result.best_epoch}, variance ratio {best['val/variance_ratio']:.3f}")
    click.echo(f"Model: {folder / MODEL}. Next: wallpaper transition p1 p6m -o p1_p6m.gif")


def _config(cls: type[Any], settings: dict[str, Any], folder: Path | None) -> Any:
    """The preset with the options given; a resumed run keeps its own settings beneath them."""
    base = load_config(cls, folder / CONFIG) if folder else cls.preset(settings["preset"])
    return from_mapping(cls, given(cls, settings), base)


def _train_missing_vae(data: Path, preset: str, run: tracking.Run, device: str) -> Path:
    config = VaeConfig.preset(preset)
    if not data.exists():
        click.echo(f"No dataset at {data}: generating one.")
        with bar("generating", "patterns") as move:
            generate_dataset(data, PER_GROUP, side=config.resolution, workers=os.cpu_count() or 1, progress=move)
    folder = new_run_folder(VAE_RUNS)
    click.echo(f"No trained VAE: training one in {folder} (preset {preset}).")
    with tracking.start(
        f"vae-{folder.name}", phase="train_vae", config=config, folder=folder, parent=run.run_id
    ) as child:
        train_vae_job(config, PatternStore(data), folder, child, resume=False, device=device)
    return folder


def _missing(vae: str) -> str:
    where = f"`--vae {vae}` holds no" if vae else f"no trained VAE below {VAE_RUNS}/: there is no"
    return (
        f"{where} checkpoint of a finished VAE training. Train one first with `wallpaper generate` and "
        "`wallpaper train-vae` (mlflow run . -e train_vae), or let this command do it: --train-vae-if-missing true "
        "(mlflow run . -e train_ode -P train_vae_if_missing=true)"
    )
