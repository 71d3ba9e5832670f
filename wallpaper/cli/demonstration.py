"""What `wallpaper demo` does: data, both trainings, evaluation, registration and pictures, one after the other.

It calls the jobs of the other commands in order and knows none of their insides.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

import click

from wallpaper import tracking
from wallpaper.cli.demo_settings import DemoSettings
from wallpaper.cli.gallery import draw_figures, draw_transitions
from wallpaper.cli.jobs import Coded, encode_job, evaluate_job, train_ode_job, train_vae_job
from wallpaper.cli.places import MODEL
from wallpaper.cli.progress import bar
from wallpaper.cli.registering import register_model, registered_as
from wallpaper.data import PatternStore, StoreError, generate_dataset
from wallpaper.evaluation import table
from wallpaper.models.transition_model import TransitionModel
from wallpaper.training.checkpoint import LAST, checkpoint_path
from wallpaper.training.config import CONFIG, load_config
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.report import Report
from wallpaper.training.vae_config import VaeConfig

C = TypeVar("C", VaeConfig, OdeConfig)

STEPS = 6

VAE_SETS, ODE_SETS = 2, 1
"""Of pictures, at most: those of a field take a minute of one processor."""


def demonstrate(output: Path, settings: DemoSettings, *, fresh: bool) -> None:
    """The whole job in `output`; unless it is to be `fresh`, what is done is kept and what was interrupted goes on."""
    started = time.monotonic()
    if fresh and output.exists():
        shutil.rmtree(output)
    with tracking.start("demo", phase="demo", config=asdict(settings), folder=output, resume=not fresh) as run:
        _headline(1, f"generating {17 * settings.per_group} patterns whose symmetry is exact")
        vae_config = _drawn(VaeConfig.preset(settings.preset), VAE_SETS)
        ode_config = _drawn(OdeConfig.preset(settings.preset), ODE_SETS)
        store = _generate(output, settings, vae_config.resolution)
        run.dataset(store.path, digest=store.digest)
        _headline(2, f"training the VAE: {vae_config.epochs} epochs, latent of {vae_config.latent_dim} dimensions")
        coded = _train_vae(vae_config, store, output / "vae", run)
        _headline(3, f"training the neural ODE: {ode_config.epochs} epochs of {ode_config.pairs_per_epoch} pairs")
        model = _train_ode(ode_config, coded, output, run)
        _headline(4, "evaluating on patterns that no training saw")
        found = evaluate_job(model, store, output, run, split="test")
        click.echo(table(found, by_group=False))
        _headline(5, "registering the model, which must first load and answer")
        registered = register_model(output / MODEL, alias=settings.alias, run_id=run.run_id)
        if registered != 0:
            raise click.ClickException("the model could not be registered; the reason stands above")
        address = registered_as(run.run_id)
        _headline(6, "drawing the eight canonical transitions")
        draw_figures(coded, model, output / "figures")
        drawn = draw_transitions(model, output / "transitions")
        run.artifact(output / "figures", "figures")
        run.artifact(output / "transitions", "transitions")
        run.log({"seconds": time.monotonic() - started})
    _say_where(output, address, drawn, time.monotonic() - started)


def _generate(output: Path, settings: DemoSettings, side: int) -> PatternStore:
    path = output / "patterns.h5"
    try:
        with bar("generating", "patterns") as move:
            return generate_dataset(
                path, settings.per_group, side=side, seed=settings.seed, workers=os.cpu_count() or 1, progress=move
            )
    except StoreError as error:
        raise StoreError(f"{error}; or start the demonstration over with --fresh") from error


def _train_vae(config: VaeConfig, store: PatternStore, folder: Path, parent: tracking.Run) -> Coded:
    with _phase("vae", config, folder, parent) as run:
        again = _can_resume(folder, config)
        train_vae_job(config, store, folder, run, resume=again, also=_mirror(parent, "vae"))
    return encode_job(folder, store)


def _train_ode(config: OdeConfig, coded: Coded, output: Path, parent: tracking.Run) -> TransitionModel:
    folder = output / "ode"
    with _phase("ode", config, folder, parent) as run:
        again = _can_resume(folder, config)
        train_ode_job(config, coded, folder, run, resume=again, device="cpu", also=_mirror(parent, "ode"))
    model = TransitionModel.load(folder / MODEL)
    model.save(output / MODEL)
    parent.artifact(output / MODEL, MODEL)
    return model


def _drawn(config: C, sets: int) -> C:
    """The settings, with pictures of so many epochs, the last among them."""
    return replace(config, log_every=-(-config.epochs // sets))


def _phase(name: str, config: VaeConfig | OdeConfig, folder: Path, parent: tracking.Run) -> tracking.Run:
    again = _can_resume(folder, config)
    return tracking.start(
        f"demo-{name}", phase=f"train_{name}", config=config, folder=folder, parent=parent.run_id, resume=again
    )


def _can_resume(folder: Path, config: VaeConfig | OdeConfig) -> bool:
    """Whether the folder holds a run with these very settings, finished or not."""
    whole = checkpoint_path(folder, LAST).is_file() and (folder / CONFIG).is_file()
    return whole and load_config(type(config), folder / CONFIG) == config


def _mirror(run: tracking.Run, phase: str) -> Report:
    """A report that repeats a phase's figures in the demonstration's own run, under the phase's name."""

    def report(row: Mapping[str, float | int]) -> None:
        run.log(
            {f"{phase}/{name}": value for name, value in row.items() if name not in ("epoch", "epochs")},
            int(row["epoch"]),
        )

    return report


def _headline(step: int, text: str) -> None:
    click.echo(click.style(f"\n[{step}/{STEPS}] {text}", bold=True))


def _say_where(output: Path, model: str, drawn: list[Path], seconds: float) -> None:
    click.echo(click.style(f"\nDone in {seconds / 60:.1f} minutes.", bold=True))
    click.echo(f"  Transitions  {output}/transitions/  for example {drawn[0]}")
    click.echo(f"  Figures      {output}/figures/")
    click.echo(f"  Model        {output}/{MODEL}/, registered as {model}")
    click.echo(f"  Evaluation   {output}/evaluation.json")
    click.echo("\nNext, with the environment active (source .venv/bin/activate):")
    click.echo("  wallpaper dashboard                                                runs and transitions in a browser")
    click.echo(f"  mlflow models serve -m {model} --env-manager local -p 5001")
    click.echo(
        "  python tune/search.py --trials 8                                   better settings of the ODE, in MLflow"
    )
    click.echo("And any of the 272 transitions: wallpaper transition p3 p31m -o p3_p31m.gif --seed 3")
