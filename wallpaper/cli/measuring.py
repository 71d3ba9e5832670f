"""What `wallpaper evaluate` does, and `register` where an evaluation is missing: measure a trained model, tracked.

Which folder is meant, and where its figures are kept. The computation is `wallpaper.evaluation`; nothing is trained.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper import tracking
from wallpaper.cli.jobs import EVALUATION, evaluate_job, evaluate_vae_job
from wallpaper.cli.places import DEMO_VAE, OUTPUT, SHIPPED, VAE_RUNS, model_folder
from wallpaper.data import PatternStore
from wallpaper.evaluation import Evaluation
from wallpaper.model_files import DESCRIPTION
from wallpaper.models.transition_model import TransitionModel
from wallpaper.training.run_folder import latest_run
from wallpaper.training.vae_loop import load_vae


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


def model_or_vae(model: str) -> Path:
    """The model's folder; if none is named and there is none of one's own, the newest VAE's."""
    found = model_folder(model or None)
    newest = latest_run(VAE_RUNS) or latest_run(DEMO_VAE)
    if model or found != SHIPPED or newest is None:
        return found
    click.echo(f"No transition model yet: measuring the VAE {newest} alone.", err=True)
    return newest


def vae_folder(name: str) -> Path:
    """That of a trained VAE, by its name. Raises: FileNotFoundError: none of that name."""
    found = latest_run(VAE_RUNS / name) or latest_run(Path(name))
    if found is None:
        raise FileNotFoundError(f"`--vae {name}` must be a trained VAE's folder, or its name below {VAE_RUNS}")
    return found
