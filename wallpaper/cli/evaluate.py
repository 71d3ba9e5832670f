"""`wallpaper evaluate`: the figures of a trained model, printed and tracked.

The computation is `wallpaper.evaluation`; nothing is trained here.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper import tracking
from wallpaper.cli.jobs import EVALUATION, evaluate_job, evaluate_vae_job
from wallpaper.cli.options import data_option
from wallpaper.cli.places import DEMO_VAE, MODEL_HELP, OUTPUT, SHIPPED, VAE_RUNS, model_folder
from wallpaper.data import PatternStore
from wallpaper.evaluation import Evaluation, table
from wallpaper.model_files import DESCRIPTION
from wallpaper.models.transition_model import TransitionModel
from wallpaper.training.run_folder import latest_run
from wallpaper.training.vae_loop import load_vae


@click.command("evaluate")
@click.option("--model", default="", help=MODEL_HELP)
@click.option(
    "--vae",
    default="",
    metavar="RUN",
    help=f"A VAE alone: its folder, or its name below {VAE_RUNS}. [default: the newest, where there is no model]",
)
@data_option("Dataset to measure on.")
@click.option(
    "--split", type=click.Choice(["test", "val"]), default="test", show_default=True, help="Which part of it."
)
def evaluate(model: str, vae: str, data: Path, split: str) -> None:
    """Measure a trained model: reconstruction, exact symmetry of all 272 transitions, transport between groups.

    Prints one table with each figure beside its target, writes evaluation.json beside the model and records the
    figures in MLflow.

    \b
    Examples:
      wallpaper evaluate                           the newest model
      wallpaper evaluate --model shipped           the one that comes with the package
      wallpaper evaluate --vae 20260102-030405     a VAE alone, before its ODE is trained
    """
    if model and vae:
        raise click.UsageError("`--model` has a VAE of its own; give it or --vae, not both")
    folder = _vae_folder(vae) if vae else _model_or_vae(model)
    found, path = measure(folder, data, split)
    click.echo(f"{folder} on {split} of {data}\n\n{table(found)}\nAll figures: {path}")


def measure(folder: Path, data: Path, split: str) -> tuple[Evaluation, Path]:
    """Evaluate a transition model or a VAE alone in a tracked run; what was found, and the file that keeps it."""
    whole, path = (folder / DESCRIPTION).is_file(), evaluation_path(folder)
    store = PatternStore(data)
    settings = {"model" if whole else "vae": str(folder), "data": str(data), "split": split}
    trained = TransitionModel.load(folder) if whole else load_vae(folder)
    name = f"evaluate-{path.parent.name}"
    with tracking.start(name, phase="evaluate", config=settings, folder=path.parent) as run:
        run.dataset(data, digest=store.digest, context="evaluation")
        if isinstance(trained, TransitionModel):
            return evaluate_job(trained, store, path.parent, run, split=split), path
        return evaluate_vae_job(trained, store, path.parent, run, split=split), path


def evaluation_path(folder: Path) -> Path:
    """Where the evaluation of a model's or a VAE's folder is kept: in its run's folder; the shipped model's in ours."""
    whole = (folder / DESCRIPTION).is_file()
    run_folder = OUTPUT / folder.name if folder == SHIPPED else folder.parent if whole else folder
    return run_folder / EVALUATION


def _model_or_vae(model: str) -> Path:
    """The model's folder; if none is named and there is none of one's own, the newest VAE's."""
    found = model_folder(model or None)
    newest = latest_run(VAE_RUNS) or latest_run(DEMO_VAE)
    if model or found != SHIPPED or newest is None:
        return found
    click.echo(f"No transition model yet: measuring the VAE {newest} alone.", err=True)
    return newest


def _vae_folder(name: str) -> Path:
    """Raises: FileNotFoundError: no trained VAE of that name."""
    found = latest_run(VAE_RUNS / name) or latest_run(Path(name))
    if found is None:
        raise FileNotFoundError(f"`--vae {name}` must be a trained VAE's folder, or its name below {VAE_RUNS}")
    return found
