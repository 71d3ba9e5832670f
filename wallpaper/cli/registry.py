"""`wallpaper register`: a thin door to the serving application, after an evaluation where one is missing.

Which model is meant is decided here; `registering` finds its figures and hands both over.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from wallpaper.cli.options import name_option
from wallpaper.cli.places import AUTO, MODEL, MODEL_HELP, ODE_RUNS, model_folder
from wallpaper.model_files import DESCRIPTION


@click.command("register")
@click.argument("run", default="", required=False)
@click.option("--model", default="", help=MODEL_HELP)
@name_option
@click.option(
    "--alias",
    default=AUTO,
    show_default=True,
    help="Alias to move to the new version; empty for none. champion goes through the gates of `wallpaper promote`; "
    "auto is champion for the first version, else challenger.",
)
@click.option(
    "--run",
    "run_id",
    default="",
    metavar="RUN_ID",
    help="MLflow run that the model comes from. [default: the one that trained it]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Pattern file: the model is evaluated on its test part, unless it was, and samples of that part go with it.",
)
def register(run: str, model: str, name: str, alias: str, run_id: str, data: Path | None) -> None:
    """Register a trained model in MLflow as the next version, with the figures of its evaluation.

    RUN is a model's or a run's folder, its name below output/ode, the id of an MLflow run, or shipped; as --model.
    The model must load and answer an example before any alias moves. The first version becomes @champion, which is
    served; later ones are @challenger until `wallpaper promote` has found that the gates hold.

    \b
    Examples:
      wallpaper register                                     the newest model
      wallpaper register shipped --data data/patterns.h5     evaluated now, which takes minutes
    """
    if run and model:
        raise click.UsageError("RUN and `--model` both name the model; give one of them")
    folder = find_model(run) if run else model_folder(model or None)
    from wallpaper.cli import registering  # noqa: PLC0415 - takes seconds: no help or mistake waits for it

    sys.exit(registering.register_model(folder, name=name, alias=alias, run_id=run_id, data=data))


def find_model(run: str) -> Path:
    """The model that a run trained. Raises: FileNotFoundError: no such run or folder. TrackingError: no model kept."""
    if (ODE_RUNS / run / MODEL / DESCRIPTION).is_file():
        return ODE_RUNS / run / MODEL
    if not re.fullmatch("[0-9a-f]{32}", run) or Path(run).exists():
        return model_folder(run)
    from wallpaper import recorded  # noqa: PLC0415 - loads MLflow, which takes seconds: no folder waits for it

    folder = recorded.find_run(run).folder
    if folder and (folder / MODEL / DESCRIPTION).is_file():
        return folder / MODEL
    return recorded.download(run, MODEL)
