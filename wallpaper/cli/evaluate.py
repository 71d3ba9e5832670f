"""`wallpaper evaluate`: the figures of a trained model, printed and tracked.

The computation is `wallpaper.evaluation`; nothing is trained here.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper import tracking
from wallpaper.cli.jobs import EVALUATION, evaluate_job, table
from wallpaper.cli.options import data_option
from wallpaper.cli.places import model_folder
from wallpaper.data import PatternStore
from wallpaper.models.transition_model import TransitionModel


@click.command("evaluate")
@click.option("--model", default="", help="Folder of a trained model or run. [default: the newest below output/]")
@data_option("Dataset to measure on.")
@click.option(
    "--split", type=click.Choice(["test", "val"]), default="test", show_default=True, help="Which part of it."
)
def evaluate(model: str, data: Path, split: str) -> None:
    """Measure a trained model: reconstruction, exact symmetry of all 272 transitions, transport between groups.

    Prints a table, writes evaluation.json beside the model and records the figures in MLflow.
    """
    folder = model_folder(model or None)
    loaded, store = TransitionModel.load(folder), PatternStore(data)
    settings = {"model": str(folder), "data": str(data), "split": split}
    with tracking.start(
        f"evaluate-{folder.parent.name}", phase="evaluate", config=settings, folder=folder.parent
    ) as run:
        run.dataset(data, digest=store.digest, context="evaluation")
        found = evaluate_job(loaded, store, folder.parent, run, split=split)
    click.echo(f"{folder} on {split} of {data}:\n{table(found)}\nAll figures: {folder.parent / EVALUATION}")
