"""What `wallpaper train-vae` and `wallpaper train-ode` do: check what was asked for, then try it or train, tracked.

Around the jobs; the loops are in `wallpaper.training` and know no command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from wallpaper import tracking
from wallpaper.cli.jobs import choose_device, encode_job, train_ode_job, train_vae_job
from wallpaper.cli.options import given
from wallpaper.cli.places import DEMO_VAE, MODEL, PER_GROUP, VAE_RUNS
from wallpaper.cli.progress import bar
from wallpaper.cli.scaling import load_cluster
from wallpaper.cli.trying import try_ode, try_vae
from wallpaper.data import PatternStore, generate_dataset
from wallpaper.training import vae_config
from wallpaper.training.checkpoint import LAST, load_checkpoint
from wallpaper.training.config import CONFIG, from_mapping, load_config
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.pattern_source import check_source
from wallpaper.training.report import read_history
from wallpaper.training.run_folder import latest_run, new_run_folder, resumable_run
from wallpaper.training.stopping import out_of_patience
from wallpaper.training.vae_config import CRITERION, VaeConfig
from wallpaper.training.vae_loop import fit_vae
from wallpaper.training.world import Scaling


def train_vae(
    data: Path,
    output: Path,
    settings: dict[str, Any],
    *,
    resume: str,
    device: str,
    pictures: bool,
    attempt: str | None,
    scaling: Scaling | None,
) -> None:
    """Phase 1 in a folder below `output`, a new one or that of the run to `resume`; only tried if `attempt` says how.

    Args: settings: the options' values, the preset among them.
    """
    store, device = PatternStore(data), choose_device(device)
    folder = resumable_run(output, resume) if resume else None
    config = _config(VaeConfig, settings, folder)
    check_source(store, config.resolution)
    if attempt:
        return try_vae(attempt, config, store, device)
    again = bool(resume)
    fit = partial(fit_vae, device=device)
    if scaling is not None:
        fit = partial(load_cluster().fit_on_workers, scaling=scaling)
    with (
        _run_folder(output, folder) as folder,
        tracking.start(f"vae-{folder.name}", phase="train_vae", config=config, folder=folder, resume=again) as run,
    ):
        result = train_vae_job(config, store, folder, run, resume=again, fit=fit, pictures=pictures)
    best = result.history[result.best_epoch - 1]
    click.echo(f"{folder}: best epoch {result.best_epoch}, PSNR {best['val/psnr']:.2f} dB on the validation split")
    click.echo("Next: wallpaper train-ode")


def train_ode(
    data: Path,
    output: Path,
    settings: dict[str, Any],
    *,
    vae: str,
    train_vae_if_missing: bool,
    resume: str,
    device: str,
    pictures: bool,
    attempt: str | None,
) -> None:
    """Phase 2, as `train_vae` does phase 1, on the VAE of that name or the newest.

    Raises: FileNotFoundError: there is none, and none shall be trained.
    """
    device = choose_device(device)
    folder = resumable_run(output, resume) if resume else None
    config = _config(OdeConfig, settings, folder)
    vae_folder = _trained_vae(vae, folder)
    if attempt and vae_folder is not None:
        return try_ode(attempt, config, vae_folder, PatternStore(data), device)
    if vae_folder is None and (attempt or not train_vae_if_missing):
        raise FileNotFoundError(MISSING)
    again = bool(resume)
    with (
        _run_folder(output, folder) as folder,
        tracking.start(f"ode-{folder.name}", phase="train_ode", config=config, folder=folder, resume=again) as run,
    ):
        if vae_folder is None:
            vae_folder = _train_missing_vae(data, settings["preset"], run, device, pictures)
        _say_vae(vae_folder)
        store = PatternStore(data)
        run.tag("vae.folder", str(vae_folder))
        coded = encode_job(vae_folder, store)
        result = train_ode_job(config, coded, folder, run, resume=again, device=device, pictures=pictures)
    best = result.history[result.best_epoch - 1]
    click.echo(f"{folder}: best epoch {result.best_epoch}, variance ratio {best['val/variance_ratio']:.3f}")
    click.echo(f"Model: {folder / MODEL}. Next: wallpaper transition p1 p6m -o p1_p6m.gif")


def _config(cls: type[Any], settings: dict[str, Any], folder: Path | None) -> Any:
    """The preset with the options given; a resumed run keeps its own settings beneath them."""
    base = load_config(cls, folder / CONFIG) if folder else cls.preset(settings["preset"])
    return from_mapping(cls, given(cls, settings), base)


def _train_missing_vae(data: Path, preset: str, run: tracking.Run, device: str, pictures: bool) -> Path:
    preset = preset if preset in vae_config.PRESETS else "plan"
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
        fit = partial(fit_vae, device=device)
        train_vae_job(config, PatternStore(data), folder, child, resume=False, fit=fit, pictures=pictures)
    return folder


MISSING = (
    f"no trained VAE below {VAE_RUNS}/; train one first with `wallpaper generate` and `wallpaper train-vae` "
    "(mlflow run . -e train_vae), or let this command do it: --train-vae-if-missing true "
    "(mlflow run . -e train_ode -P train_vae_if_missing=true)"
)


def _trained_vae(name: str, resumed: Path | None) -> Path | None:
    """The folder of the VAE asked for; if none is, that of a resumed run's own VAE, or the newest one.

    Raises: FileNotFoundError: there is none of that name.
    """
    if name:
        found = next((run for run in (latest_run(VAE_RUNS / name), latest_run(Path(name))) if run), None)
        if found is None:
            raise FileNotFoundError(f"`--vae {name}` must be a trained VAE's folder, or its name below {VAE_RUNS}")
        return found
    own = load_checkpoint(resumed, LAST).meta["vae"].get("folder") if resumed else None
    return (latest_run(Path(own)) if own else None) or latest_run(VAE_RUNS) or latest_run(DEMO_VAE)


def _say_vae(folder: Path) -> None:
    """Which VAE is used: a training that was stopped early has a best epoch too."""
    config, rows = load_config(VaeConfig, folder / CONFIG), read_history(folder)
    done, planned = len(rows), config.epochs
    if out_of_patience(rows, CRITERION, config.patience):
        planned = done
    stopped = f", stopped after epoch {done} of {planned}; go on with wallpaper train-vae --resume {folder}"
    click.echo(f"VAE: {folder}{stopped if done < planned else ''}", err=True)


@contextmanager
def _run_folder(root: Path, resumed: Path | None) -> Iterator[Path]:
    """The resumed run's folder, or a new one, which goes again if nothing came to lie in it."""
    folder = resumed or new_run_folder(root)
    try:
        yield folder
    finally:
        with suppress(OSError):  # not empty
            folder.rmdir()
